"""Concepts clustered by the experts they share, compared with the tree of the lexicon."""

import numpy as np
from scipy.cluster.hierarchy import cophenet, linkage
from scipy.spatial.distance import squareform

from golgi.statistics.resampling import CLOSE, permutation_p, permutations, permuted_products


def cluster(similarity: np.ndarray, *, ordered: bool = False) -> np.ndarray:
    """Return the merges [merge, 4] of average linkage on 1 - similarity [concept, concept], as SciPy does.

    `ordered` puts similar concepts beside each other wherever the tree leaves it open.
    """
    return linkage(_condensed(1.0 - similarity), "average", optimal_ordering=ordered)


def tree_correlations(
    similarity: np.ndarray, tree: np.ndarray, *, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return correlation with the lexicon's tree, its one-sided p-value, and fidelity, each [test].

    similarity [test, concept, concept]; tree [concept, concept] are distances in the lexicon's tree. The
    correlation is Pearson's, of cophenetic distances (Sokal and Rohlf 1962) with those of the tree; concepts
    are permuted for its p-value. Fidelity is the cophenetic correlation with the distances clustered. NaN
    where all distances are equal.
    """
    distances = np.stack([_condensed(1.0 - matrix) for matrix in similarity])
    heights = np.stack([cophenet(cluster(matrix)) for matrix in similarity])
    expected = _condensed(tree)
    correlation = np.array([_pearson(one, expected) for one in heights])
    fidelity = np.array([_pearson(one, other) for one, other in zip(heights, distances, strict=True)])
    return correlation, _permuted(heights, tree, correlation, draws, seed), fidelity


def _permuted(
    heights: np.ndarray, tree: np.ndarray, correlation: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    # Permuting concepts leaves means and variances alone: sums of products order draws as correlations do.
    matrices = np.stack([squareform(one) for one in heights])
    orders = permutations(len(tree), draws, np.random.default_rng([seed, 10]))
    observed = permuted_products(matrices, tree, np.arange(len(tree))[None])[0]
    p = permutation_p(observed, permuted_products(matrices, tree, orders))
    return np.where(np.isfinite(correlation), p, np.nan)


def _condensed(matrix: np.ndarray) -> np.ndarray:
    return matrix[np.triu_indices(len(matrix), k=1)]


def _pearson(first: np.ndarray, second: np.ndarray) -> float:
    if min(np.ptp(first), np.ptp(second)) <= CLOSE:
        return np.nan
    return float(np.corrcoef(first, second)[0, 1])
