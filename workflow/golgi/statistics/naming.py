"""Do experts name their own concept more often than another one?"""

from __future__ import annotations

import numpy as np

from golgi.statistics.resampling import multiplicities, percentile_interval, permutation_p, permutations


def compare_naming(
    names: np.ndarray, own: np.ndarray, *, draws: int, seed: int
) -> dict[str, float | int | None]:
    """Return how many of some experts name their own concept, and how many another one.

    names [expert, concept] tell which concepts an expert names, own [expert] which is its own. `named` is the
    share of `experts` that name their own, `other` the mean of that share over all other concepts, with 95 %
    intervals over the `concepts` that have experts, which are resampled with these. The one-sided `p`
    permutes the concepts among them. What is not defined, with fewer than two concepts, is None.
    """
    experts, concepts = names.shape
    groups, group = np.unique(own, return_inverse=True)
    result: dict[str, float | int | None] = {"concepts": len(groups), "experts": experts}
    result |= dict.fromkeys(("named", "low", "high", "other", "other_low", "other_high", "p"))
    if not experts:
        return result
    right = names[np.arange(experts), own]
    result["named"] = float(right.mean())
    if concepts < 2:
        return result
    wrong = (names.sum(axis=1) - right) / (concepts - 1)
    result["other"] = float(wrong.mean())
    if len(groups) < 2:
        return result
    measures = np.stack([right, wrong], axis=1).astype(np.float64)
    low, high = _intervals(measures, group, draws, np.random.default_rng([seed, 0]))
    p = _permuted(names[:, groups], group, draws, np.random.default_rng([seed, 1]))
    return result | {
        "low": float(low[0]),
        "high": float(high[0]),
        "other_low": float(low[1]),
        "other_high": float(high[1]),
        "p": p,
    }


def _intervals(
    measures: np.ndarray, group: np.ndarray, draws: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    # measures [expert, measure]; a concept that is drawn brings all of its experts.
    groups = int(group.max()) + 1
    sums = np.stack([np.bincount(group, one, minlength=groups) for one in measures.T], axis=1)
    counts = np.bincount(group, minlength=groups).astype(np.float64)
    drawn = multiplicities(groups, draws, random).astype(np.float64)
    return percentile_interval((drawn @ sums) / (drawn @ counts)[:, None])


def _permuted(names: np.ndarray, group: np.ndarray, draws: int, random: np.random.Generator) -> float:
    # names [expert, concept with experts]; table [own, other] has the share of experts that name the other.
    groups = names.shape[1]
    table = np.zeros((groups, groups))
    np.add.at(table, group, names.astype(np.float64))
    # Shares, so that concepts with many experts, if these are named by many, do not seem to name themselves.
    table /= np.bincount(group, minlength=groups)[:, None]
    orders = permutations(groups, draws, random)
    permuted = table[np.arange(groups)[None, :], orders].sum(axis=1)
    return float(permutation_p(np.array([np.trace(table)]), permuted[:, None])[0])
