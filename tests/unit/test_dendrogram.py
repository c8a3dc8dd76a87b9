import numpy as np
import pytest
from scipy.cluster.hierarchy import average, cophenet

from golgi.statistics.dendrogram import tree_correlations
from golgi.statistics.resampling import permutations


def test_tree_correlation_is_scipys_and_its_p_brute_force():
    random = np.random.default_rng(1)
    half = np.triu(random.random((2, 8, 8)), k=1)
    similarity = half + half.transpose(0, 2, 1)
    tree = np.where(np.arange(8)[:, None] // 3 == np.arange(8)[None, :] // 3, 0.3, 1.0)
    np.fill_diagonal(tree, 0)
    similarity[1] += 0.2 * (tree < 1)
    correlation, p, fidelity = tree_correlations(similarity, tree, draws=200, seed=5)
    orders = permutations(8, 200, np.random.default_rng([5, 10]))
    pairs = np.triu_indices(8, k=1)
    for test in range(2):
        distances = (1 - similarity[test])[pairs]
        expected, heights = cophenet(average(distances), distances)
        assert fidelity[test] == pytest.approx(expected)
        assert correlation[test] == pytest.approx(np.corrcoef(heights, tree[pairs])[0, 1])
        permuted = [np.corrcoef(heights, tree[np.ix_(order, order)][pairs])[0, 1] for order in orders]
        assert p[test] == (sum(r >= correlation[test] - 1e-12 for r in permuted) + 1) / 201


def test_equal_distances_have_no_correlation():
    similarity = np.stack([np.zeros((5, 5)), np.full((5, 5), 0.1)])
    tree = 1 - np.eye(5)
    tree[0, 1] = tree[1, 0] = 0.5
    for values in tree_correlations(similarity, tree, draws=9, seed=1):
        assert np.isnan(values).all()
