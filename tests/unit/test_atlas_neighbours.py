"""Units that are alike: Pearson's correlation of profiles, against numpy's and what was planted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from synthetic_study import make
from threadpoolctl import threadpool_limits

from golgi.atlas import neighbours
from golgi.atlas.contents import rows_of
from golgi.atlas.neighbours import highest, most_precise, nearest, read_profiles
from golgi.tables import open_arrays, write_arrays

# Few values, so that profiles are the same or constant, beside all others.
PROFILES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14),
    elements=st.sampled_from(np.array([0.1, 0.2, 0.25, 0.9], np.float32)) | st.floats(0, 1, width=32),
)


def correlations(profiles):
    """Pearson's correlations [unit, unit] by numpy; NaN for a constant profile, and of a unit with itself."""
    alike = np.full((len(profiles), len(profiles)), np.nan)
    varied = np.flatnonzero(np.ptp(profiles, axis=1) > 0)
    if varied.size:
        alike[np.ix_(varied, varied)] = np.atleast_2d(np.corrcoef(profiles[varied].astype(np.float64)))
    np.fill_diagonal(alike, np.nan)
    return alike


@given(profiles=PROFILES, most=st.integers(1, 9))
def test_likenesses_are_the_highest_correlations(profiles, most):
    places, likeness = nearest(profiles, most)
    alike = correlations(profiles)
    for unit, (found, values) in enumerate(zip(places, likeness, strict=True)):
        there = found[found >= 0]
        assert (found[: there.size] == there).all()
        assert np.isnan(values[there.size :]).all()
        assert there.size == min(most, np.isfinite(alike[unit]).sum())
        assert np.unique(there).size == there.size
        assert values[: there.size] == pytest.approx(alike[unit][there], abs=1e-6)
        best = np.sort(alike[unit][np.isfinite(alike[unit])])[::-1]
        assert values[: there.size] == pytest.approx(best[: there.size], abs=1e-6)


@given(profiles=PROFILES)
def test_of_equally_alike_units_the_first_one_comes_first(profiles):
    doubled = np.concatenate([profiles, profiles])
    for unit, found in enumerate(nearest(doubled)[0].tolist()):
        seconds = [other for other in found if other >= len(profiles) and other - len(profiles) != unit]
        assert all(other - len(profiles) in found[: found.index(other)] for other in seconds)


def test_a_constant_profile_is_like_none():
    profiles = np.array([[0.1, 0.9, 0.3], [0.29, 0.29, 0.29], [0.2, 0.8, 0.5]], np.float32)
    places, likeness = nearest(profiles, most=2)
    assert places.tolist() == [[2, -1], [-1, -1], [0, -1]]
    assert np.isnan(likeness[:, 1]).all()
    assert np.isnan(likeness[1, 0])


def test_blocks_and_threads_change_nothing(monkeypatch):
    profiles = np.random.default_rng(0).random((700, 60), np.float32)
    with threadpool_limits(1):
        one = nearest(profiles)
    monkeypatch.setattr(neighbours, "BLOCK_CELLS", 700 * 13)
    with threadpool_limits(2):
        two = nearest(profiles)
    assert [array.tobytes() for array in one] == [array.tobytes() for array in two]


@given(profiles=PROFILES)
def test_sums_are_exact(profiles):
    whole, _ = neighbours._in_whole_numbers(profiles)
    exact = [[sum(int(a) * int(b) for a, b in zip(one, two)) for two in whole] for one in whole]
    assert (whole @ whole.T).tolist() == exact


@given(values=PROFILES, most=st.integers(1, 20))
def test_highest_of_a_row(values, most):
    expected = np.argsort(-values, axis=1, kind="stable")[:, :most]
    places, found = highest(values.copy(), most)
    assert (places == expected).all()
    assert (found == np.take_along_axis(values, expected, 1)).all()


@given(ap=st.lists(st.sampled_from([0.1, 0.5, 0.7]), min_size=1), most=st.integers(1, 8))
def test_the_most_precise_units(ap, most):
    expected = sorted(range(len(ap)), key=lambda unit: (-ap[unit], unit))[:most]
    assert most_precise(np.array(ap, np.float32), most).tolist() == sorted(expected)


def test_profiles_of_some_rows(tmp_path):
    random = np.random.default_rng(0)
    ap = {f"measured/{name}": random.random((5, 7), np.float32) for name in ("a/0", "a/10", "b/0", "b/2")}
    write_arrays(ap, tmp_path / "ap.safetensors")
    rows = rows_of(tmp_path / "ap.safetensors", ["b", "a"])
    every = np.concatenate([ap[f"measured/{name}"].T for name in ("b/0", "b/2", "a/0", "a/10")])
    with open_arrays(tmp_path / "ap.safetensors") as scored:
        for some in ([0], [3, 6, 7, 13, 27], [14, 20, 21], list(range(28))):
            assert (read_profiles(scored, rows, np.array(some)) == every[some]).all()


def test_planted_neighbours_are_found(tmp_path):
    study = make(tmp_path / "made", concepts=12, layers=2, width=153)
    for place in study.places():
        rows = rows_of(place.expertise, ["mlp_post"])
        with open_arrays(place.expertise) as scored, open_arrays(place.units) as units:
            found, likeness = nearest(read_profiles(scored, rows, np.arange(rows.total)))
            assert (found == units.read("neighbour")).mean() > 0.99  # of very near ones the order may differ
            np.testing.assert_allclose(likeness, units.read("likeness"), atol=1e-5)
        for row in range(rows.total):
            assert set(found[row]) - {-1} >= study.nearest(row)
