import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from golgi.statistics.resampling import multiplicities, permutations
from golgi.statistics.spearman import (
    bootstrap_spearman,
    mantel_test,
    permute_rated_pairs,
    spearman,
    unit_ranks,
)


def similarity_matrices(random, tests, words, levels):
    matrices = np.zeros((tests, words, words))
    upper = np.triu_indices(words, k=1)
    matrices[:, *upper] = random.integers(0, levels, (tests, len(upper[0]))) / levels
    return matrices + matrices.transpose(0, 2, 1)


def rated(random, words, share):
    """All pairs, or a random share of them that touches every word."""
    pairs = list(itertools.combinations(range(words), 2))
    kept = [pair for pair in pairs if random.random() < share or pair[1] == pair[0] + 1]
    return np.array(kept).T


def brute_force_p(matrix, first, second, ratings, orders):
    observed = stats.spearmanr(matrix[first, second], ratings).statistic
    reached = 0
    for order in orders:
        values = matrix[np.ix_(order, order)][first, second]
        rho = stats.spearmanr(values, ratings).statistic if np.ptp(values) else 0.0
        reached += rho >= observed - 1e-12
    return (reached + 1) / (len(orders) + 1)


@given(data=st.data(), pairs=st.integers(3, 12))
def test_spearman_is_scipys(data, pairs):
    values = np.array(data.draw(st.lists(st.integers(0, 5), min_size=pairs, max_size=pairs)), float)
    ratings = np.array(data.draw(st.lists(st.integers(0, 5), min_size=pairs, max_size=pairs)), float)
    rho = spearman(values[None], ratings)[0]
    if np.ptp(values) == 0 or np.ptp(ratings) == 0:
        assert np.isnan(rho)
    else:
        assert rho == pytest.approx(stats.spearmanr(values, ratings).statistic, abs=1e-12)


@pytest.mark.parametrize("share", [1.0, 0.4])
@pytest.mark.parametrize("levels", [2, 3, 1000])
def test_mantel_is_brute_force(share, levels):
    random = np.random.default_rng(levels)
    matrices = similarity_matrices(random, 3, 7, levels)
    first, second = rated(random, 7, share)
    ratings = random.integers(0, 4, len(first)).astype(float)
    orders = permutations(7, 150, np.random.default_rng([11, 2]))
    p = mantel_test(matrices, first, second, ratings, draws=150, seed=11)
    assert p.tolist() == [brute_force_p(matrix, first, second, ratings, orders) for matrix in matrices]


def test_mantel_ranks_anew_among_the_rated_pairs():
    random = np.random.default_rng(0)
    matrices = similarity_matrices(random, 2, 9, 4)
    first, second = rated(random, 9, 0.2)
    ratings = random.random(len(first))
    orders = permutations(9, 40, random)
    dense = (matrices * 4).astype(np.int64)
    rho = permute_rated_pairs(dense, first, second, unit_ranks(ratings[None])[0], orders)
    for draw, test in itertools.product(range(40), range(2)):
        values = matrices[test][np.ix_(orders[draw], orders[draw])][first, second]
        assert rho[draw, test] == pytest.approx(stats.spearmanr(values, ratings).statistic, abs=1e-12)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_mantel_finds_what_is_there(share):
    random = np.random.default_rng(0)
    matrices = similarity_matrices(random, 2, 10, 1000)
    first, second = rated(random, 10, share)
    ratings = matrices[0, first, second] + random.normal(0, 0.1, len(first))
    p = mantel_test(matrices, first, second, ratings, draws=999, seed=0)
    assert p[0] == 0.001
    assert p[1] > 0.05


def test_undefined_where_nothing_varies():
    first, second = np.array([0, 0, 1]), np.array([1, 2, 2])
    matrices = np.stack([np.ones((3, 3)), np.arange(9.0).reshape(3, 3)])
    matrices[1] += matrices[1].T
    ratings = np.array([1.0, 2.0, 3.0])
    p = mantel_test(matrices, first, second, ratings, draws=19, seed=0)
    assert np.isnan(p[0])
    assert 0 < p[1] <= 1
    assert np.isnan(mantel_test(matrices, first, second, np.ones(3), draws=19, seed=0)).all()
    low, high = bootstrap_spearman(matrices[:, first, second], first, second, ratings, draws=50, seed=0)
    assert np.isnan([low[0], high[0]]).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000), levels=st.sampled_from([2, 5, 1000]))
def test_bootstrap_is_explicit_replication(seed, levels):
    random = np.random.default_rng(seed)
    first, second = rated(random, 6, 0.7)
    values = random.integers(0, levels, (2, len(first))).astype(float)
    ratings = random.integers(0, 5, len(first)).astype(float)
    low, high = bootstrap_spearman(values, first, second, ratings, draws=60, seed=seed)
    counts = multiplicities(6, 60, np.random.default_rng([seed, 3]))
    for test in range(2):
        rhos = []
        for count in counts:
            words = np.repeat(np.arange(6), count)
            drawn = [
                pair
                for a, b in itertools.combinations(words, 2)
                for pair in np.flatnonzero((first == min(a, b)) & (second == max(a, b)))
            ]
            if len(drawn) and np.ptp(values[test, drawn]) and np.ptp(ratings[drawn]):
                rhos.append(stats.spearmanr(values[test, drawn], ratings[drawn]).statistic)
        expected = np.quantile(rhos, [0.025, 0.975]) if rhos else [np.nan, np.nan]
        np.testing.assert_allclose([low[test], high[test]], expected, atol=1e-9)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_p_values_of_nothing_are_uniform(share):
    p_values = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        matrices = similarity_matrices(random, 1, 8, 10_000)
        first, second = rated(random, 8, share)
        p_values += mantel_test(
            matrices, first, second, random.random(len(first)), draws=199, seed=seed
        ).tolist()
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(np.array(p_values) <= 0.05) < 0.1
