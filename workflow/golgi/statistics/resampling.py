"""Permutation tests, bootstrap intervals and corrections for many tests."""

from collections.abc import Iterator

import numpy as np

CLOSE = 1e-12  # this near is equal: sums of the same numbers in another order differ in their last bits
BATCH_BYTES = 64 * 2**20


def permutation_p(observed: np.ndarray, permuted: np.ndarray) -> np.ndarray:
    """Return one-sided p-values (b + 1) / (m + 1): b of m permuted statistics reach the observed one.

    observed [test], permuted [m, test]; the result is [test] (Phipson and Smyth 2010).

    >>> permutation_p(np.array([2.0]), np.array([[1.0], [2.0], [3.0]]))
    array([0.75])
    """
    reached = permuted >= observed - CLOSE * np.maximum(1.0, np.abs(observed))
    return (reached.sum(axis=0) + 1) / (len(permuted) + 1)


def percentile_interval(samples: np.ndarray, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the bootstrap percentile interval, each [test], of samples [draw, test].

    Draws in which a statistic is undefined (NaN) are left out; ends are NaN where every draw is.
    """
    low, high = np.full(samples.shape[1:], np.nan), np.full(samples.shape[1:], np.nan)
    defined = ~np.isnan(samples).all(axis=0)
    tails = [(1 - level) / 2, (1 + level) / 2]
    if defined.any():
        low[defined], high[defined] = np.nanquantile(samples[:, defined], tails, axis=0)
    return low, high


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values [test] adjusted for the family-wise error rate (Holm 1979).

    >>> holm(np.array([0.01, 0.04, 0.03]))
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p, np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def holm_planned(p: np.ndarray, planned: np.ndarray) -> np.ndarray:
    """Return p-values [test] adjusted over the planned ones; NaN for the others and for undefined ones.

    A planned test that could not be made (NaN) was planned all the same: it stays in the family as p = 1.
    Without it the others would look better.
    """
    p = np.asarray(p, np.float64)
    adjusted = np.full(len(p), np.nan)
    adjusted[planned] = holm(np.where(np.isnan(p), 1.0, p)[planned])
    return np.where(np.isnan(p), np.nan, adjusted)


def permutations(items: int, draws: int, random: np.random.Generator) -> np.ndarray:
    """Return seeded permutations [draw, item] of 0 .. items - 1."""
    return random.permuted(np.tile(np.arange(items), (draws, 1)), axis=1)


def multiplicities(items: int, draws: int, random: np.random.Generator) -> np.ndarray:
    """Return how often each item is drawn in bootstrap samples with replacement, [draw, item]."""
    return random.multinomial(items, np.full(items, 1 / items), size=draws)


def permuted_products(similarity: np.ndarray, partner: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Return sum over a < b of similarity[test, a, b] * partner[order(a), order(b)]: [draw, test].

    similarity [test, item, item] and partner [item, item] are symmetric, orders [draw, item] permutations.
    Permuting the partner of all tests at once makes each batch of draws a single product of matrices.
    """
    rows, columns = np.triu_indices(len(partner), k=1)
    flat = np.ascontiguousarray(similarity[:, rows, columns].T)  # [pair, test]
    result = np.empty((len(orders), len(similarity)))
    for batch in _batches(len(orders), 8 * len(rows)):
        result[batch] = partner[orders[batch][:, rows], orders[batch][:, columns]] @ flat
    return result


def _batches(draws: int, bytes_each: int) -> Iterator[slice]:
    size = max(1, BATCH_BYTES // max(bytes_each, 1))
    return (slice(start, start + size) for start in range(0, draws, size))


def sign_flip_test(differences: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Return one-sided p-values [test] of mean differences [item, test] above 0, signs of items flipped.

    The paired permutation test: under the null the two members of a pair may be exchanged. An item keeps one
    sign for all tests, so items are what has to be independent. NaN where a test has no item; an item without
    a value (NaN) takes no part in that test.
    """
    known = np.isfinite(differences)
    counts = known.sum(axis=0)
    values = np.where(known, differences, 0.0)
    signs = np.random.default_rng([seed, 4]).choice([-1.0, 1.0], size=(draws, len(values)))
    means = np.divide(values.sum(axis=0), counts, out=np.zeros(values.shape[1]), where=counts > 0)
    permuted = (signs @ values) / np.maximum(counts, 1)
    return np.where(counts > 0, permutation_p(means, permuted), np.nan)


def bootstrap_means(
    values: np.ndarray, *, draws: int, seed: int, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of the means of values [item, test], each end [test], items resampled.

    With `groups` [item], groups of items are resampled, and then the items of each drawn group. An item
    without a value (NaN) takes no part in that test; ends are NaN where no item has one.
    """
    known = np.isfinite(values)
    random = np.random.default_rng([seed, 5])
    if groups is None:
        weights = multiplicities(len(values), draws, random).astype(np.float64)
    else:
        weights = _nested_multiplicities(groups, draws, random)
    counts = weights @ known
    sums = weights @ np.where(known, values, 0.0)
    return percentile_interval(np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0))


def _nested_multiplicities(groups: np.ndarray, draws: int, random: np.random.Generator) -> np.ndarray:
    _, places = np.unique(groups, return_inverse=True)
    sizes = np.bincount(places)
    drawn = multiplicities(len(sizes), draws, random)  # [draw, group]
    weights = np.zeros((draws, len(groups)))
    for group, size in enumerate(sizes):
        weights[:, places == group] = random.multinomial(size * drawn[:, group], np.full(size, 1 / size))
    return weights
