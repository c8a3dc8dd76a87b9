import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from golgi.statistics.resampling import (
    bootstrap_means,
    holm,
    holm_planned,
    multiplicities,
    percentile_interval,
    permutation_p,
    permutations,
    permuted_products,
)

P_VALUES = arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1))


def textbook_holm(p):
    """Step down: reject the smallest p at alpha / n, the next at alpha / (n - 1), until one fails."""
    order, adjusted, reached = np.argsort(p), np.empty(len(p)), 0.0
    for step, index in enumerate(order):
        reached = max(reached, min(1.0, p[index] * (len(p) - step)))
        adjusted[index] = reached
    return adjusted


@given(p=P_VALUES)
def test_holm_is_the_textbooks(p):
    np.testing.assert_allclose(holm(p), textbook_holm(p), atol=1e-15)


@given(p=P_VALUES)
def test_adjusted_p_values_are_ordered(p):
    assert (holm(p) >= p - 1e-15).all()
    assert (np.diff(holm(p)[np.argsort(p, kind="stable")]) >= 0).all()
    assert holm(p).max() <= 1


def test_no_tests_no_adjustment():
    assert holm(np.empty(0)).shape == (0,)


def test_permutation_p_counts_the_observed_order_too():
    assert permutation_p(np.array([5.0]), np.array([[1.0], [5.0], [9.0]]))[0] == 3 / 4
    assert permutation_p(np.array([5.0]), np.full((99, 1), 5 - 1e-14))[0] == 1.0
    assert permutation_p(np.array([5.0, 0.0]), np.zeros((9, 2))).tolist() == [0.1, 1.0]


def test_permutation_p_near_scipys():
    random = np.random.default_rng(0)
    first, second = random.normal(0.5, 1, 20), random.normal(0, 1, 20)
    pooled = np.concatenate([first, second])
    orders = permutations(40, 4000, random)
    permuted = pooled[orders][:, :20].mean(axis=1) - pooled[orders][:, 20:].mean(axis=1)
    ours = permutation_p(np.array([first.mean() - second.mean()]), permuted[:, None])[0]
    scipys = stats.permutation_test(
        (first, second), lambda a, b: a.mean() - b.mean(), n_resamples=4000, alternative="greater", rng=random
    )
    assert abs(ours - scipys.pvalue) < 0.02


def test_bootstrap_interval_near_scipys():
    random = np.random.default_rng(0)
    values = random.exponential(size=50)
    counts = multiplicities(50, 5000, random)
    low, high = percentile_interval((counts @ values / 50)[:, None])
    expected = stats.bootstrap(
        (values,), np.mean, n_resamples=5000, method="percentile", rng=random
    ).confidence_interval
    np.testing.assert_allclose([low[0], high[0]], expected, atol=0.03)


def test_interval_leaves_undefined_draws_out():
    samples = np.stack([np.r_[np.arange(101.0), np.nan], np.full(102, np.nan)], axis=1)
    low, high = percentile_interval(samples)
    assert (low[0], high[0]) == pytest.approx((2.5, 97.5))
    assert np.isnan([low[1], high[1]]).all()


def test_draws_are_what_they_say():
    random = np.random.default_rng(0)
    orders, counts = permutations(6, 200, random), multiplicities(6, 200, random)
    assert (np.sort(orders, axis=1) == np.arange(6)).all()
    assert (counts.sum(axis=1) == 6).all()
    assert len(np.unique(orders, axis=0)) > 100
    np.testing.assert_array_equal(
        permutations(6, 9, np.random.default_rng(1)), permutations(6, 9, np.random.default_rng(1))
    )


def test_permuted_products_are_brute_force():
    random = np.random.default_rng(0)
    similarity, partner = random.random((3, 5, 5)), random.random((5, 5))
    similarity, partner = similarity + similarity.transpose(0, 2, 1), partner + partner.T
    orders = permutations(5, 7, random)
    expected = [
        [
            sum(matrix[a, b] * partner[order[a], order[b]] for a in range(5) for b in range(a + 1, 5))
            for matrix in similarity
        ]
        for order in orders
    ]
    np.testing.assert_allclose(permuted_products(similarity, partner, orders), expected)


def test_an_interval_over_groups_knows_that_their_items_are_alike():
    random = np.random.default_rng(5)
    groups, covered = np.repeat(np.arange(15), 8), {"groups": 0, "items": 0}
    for seed in range(200):
        values = random.normal(size=15)[groups] + random.normal(size=120)
        for name, known in (("groups", groups), ("items", None)):
            low, high = bootstrap_means(values[:, None], draws=300, seed=seed, groups=known)
            covered[name] += bool(low[0] <= 0 <= high[0])
    assert covered["groups"] >= 178
    assert covered["items"] < 150


def test_groups_of_one_item_are_items():
    values = np.random.default_rng(1).normal(size=(300, 1))
    alone = bootstrap_means(values, draws=4000, seed=2)
    grouped = bootstrap_means(values, draws=4000, seed=2, groups=np.arange(300))
    np.testing.assert_allclose(alone, grouped, atol=0.01)


def test_a_planned_test_that_could_not_be_made_stays_in_its_family():
    p, planned = np.array([0.01, np.nan, 0.04, 0.001]), np.array([True, True, True, False])
    expected = [0.03, np.nan, 0.08, np.nan]
    np.testing.assert_allclose(holm_planned(p, planned), expected)
