"""Are a child's experts those of its own parent rather than of wrong parents?

`child_in_parent` is |E_child & E_parent| / |E_child|, `parent_in_child` the same over |E_parent|. What has
no experts is contained in nothing and contains nothing: such values are undefined (NaN), not 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from golgi.statistics.resampling import permutation_p, permutations

DIRECTIONS = ("child_in_parent", "parent_in_child")
BATCH = 512  # permutations at a time


@dataclass(frozen=True)
class Parents:
    """Scored parents: the category of each without one concept, negatives from one half of those outside."""

    without: np.ndarray  # [parent] place of the concept left out
    half: np.ndarray  # [parent]
    halves: np.ndarray  # [concept] the half whose sentences are a concept's own


def count_shared(blocks: Iterable[np.ndarray], thresholds: Sequence[float], children: int) -> tuple:
    """Return |E_a & E_b| [threshold, child, set] and |E_b| [threshold, set].

    `blocks` hold average precision [set, unit] of disjoint units; the first `children` sets are the children.
    """
    shared, sizes = [0] * len(thresholds), [0] * len(thresholds)
    for block in blocks:
        for index, threshold in enumerate(thresholds):
            members = block >= np.float32(threshold)
            sizes[index] = sizes[index] + members.sum(axis=1)
            members = members[:, members[:children].any(axis=0)].astype(np.float32)  # exact below 2^24 units
            shared[index] = shared[index] + (members[:children] @ members.T).astype(np.int64)
    return np.array(shared), np.array(sizes)


def containments(shared: np.ndarray, sizes: np.ndarray, direction: str) -> np.ndarray:
    """Return containment [child, set] of shared counts [child, set], given sizes [set], the children first.

    NaN where the child has no experts or, for `parent_in_child`, the parent has none.
    """
    children = sizes[: len(shared), None]
    whole = children if direction == "child_in_parent" else sizes[None, :]
    known = (children > 0) & (whole > 0) & np.ones_like(shared, bool)
    return np.divide(shared, whole, out=np.full(shared.shape, np.nan), where=known)


def pooled_containment(contained: np.ndarray, parents: Parents, categories: np.ndarray) -> np.ndarray:
    """Return containment [child, category]: in the child's own parent, and in each wrong one.

    contained [child, parent]; categories [concept] are numbers. A wrong category's value is the mean over its
    parents, each without another member; NaN where a category has no parent to hold the child against.
    """
    result = np.full((len(contained), categories.max() + 1), np.nan)
    owner = categories[parents.without]
    columns = owner[:, None] == np.arange(result.shape[1])
    for half in np.unique(parents.half):
        children, usable = parents.halves != half, parents.half == half
        result[children] = _mean_by(contained[np.ix_(children, usable)], columns[usable])
        for place in np.flatnonzero(children):
            own = usable & (parents.without == place)
            result[place, categories[place]] = contained[place, own].item() if own.any() else np.nan
    return result


def placed_containment(contained: np.ndarray, parents: Parents, categories: np.ndarray) -> np.ndarray:
    """Return containment [child, concept]: what a child's own parent would be, had it each concept's place.

    contained [child, parent]; categories [concept] are numbers. In places of its own category a child keeps
    its own parent: the others there have the child's sentences. NaN where a concept has no parent.
    """
    result = np.full((len(contained), len(categories)), np.nan)
    for half in np.unique(parents.half):
        children, usable = parents.halves != half, parents.half == half
        result[np.ix_(children, parents.without[usable])] = contained[np.ix_(children, usable)]
    return np.where(categories[:, None] == categories, np.diagonal(result)[:, None], result)


def differences(contained: np.ndarray, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean containment in own and in wrong parents, each [child, pattern].

    contained [child, parent]; a pattern [pattern, parent] tells own parents (True) from wrong ones. NaN where
    none of them is defined.
    """
    return _mean_by(contained, patterns.T), _mean_by(contained, ~patterns.T)


def permute_parents(values: np.ndarray, labels: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Return one-sided p-values [test] of the children's mean difference, labels permuted over children.

    values [test, child, label] are differences of own and wrong parents if the child had that label, a
    pattern of parents or a place; labels [child] are those that they have. The parents stay as they are.
    Undefined differences are left out of a mean; NaN where a test has none.
    """
    orders = permutations(len(labels), draws, np.random.default_rng([seed, 9]))
    places = np.arange(len(labels))
    result = np.full(len(values), np.nan)
    for test, differing in enumerate(values):
        observed = _means(differing[places, labels][None])
        if np.isfinite(observed[0]):
            batches = (orders[start : start + BATCH] for start in range(0, draws, BATCH))
            permuted = np.concatenate([_means(differing[places, labels[batch]]) for batch in batches])
            # A draw without any defined difference says nothing about the observed one: it counts against it.
            result[test] = permutation_p(observed, np.nan_to_num(permuted, nan=np.inf)[:, None])[0]
    return result


def _mean_by(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    counts = known.astype(np.float64) @ groups
    sums = np.where(known, values, 0.0) @ groups.astype(np.float64)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def _means(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0.0).sum(axis=1)
    return np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
