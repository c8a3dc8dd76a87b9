"""Units of interventions: ranks over the whole model, matches in the same layer, values of the expertise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golgi.errors import GolgiError
from golgi.experts.interventions import (
    NEAREST,
    Units,
    choose_sets,
    count_shortage,
    match_units,
    plan_interventions,
    rank_units,
    read_units,
)
from golgi.tables import write_arrays

PLACES = [("mlp_out", 0), ("mlp_post", 0), ("mlp_post", 2), ("mlp_post", 10)]
WIDTHS = [30, 50, 50, 40]


@pytest.fixture
def ap(tmp_path):
    return write(tmp_path / "ap.safetensors", seed=0)


def write(path, *, seed):
    random = np.random.default_rng(seed)
    arrays = {
        f"{kind}/{site}/{layer}": random.random((3, width)).astype(np.float32)
        for kind in ("measured", "shuffled", "negative_mean", "positive_median", "positive_p90")
        for (site, layer), width in zip(PLACES, WIDTHS, strict=True)
    }
    write_arrays(arrays, path)
    return path


def test_units_are_read_by_site_layer_and_number(ap):
    units = read_units(ap, 1)
    assert units.places == PLACES
    assert units.place.tolist() == np.repeat(range(4), WIDTHS).tolist()
    assert units.number.tolist() == [number for width in WIDTHS for number in range(width)]
    assert not np.array_equal(units.measured, read_units(ap, 2).measured)


def test_ranks_are_over_the_whole_model_and_ties_keep_their_order(ap):
    units = read_units(ap, 0)
    units.measured[[5, 40, 150]] = 2.0
    ranked = rank_units(units)
    assert ranked[:3].tolist() == [5, 40, 150]
    assert (np.diff(units.measured[ranked]) <= 0).all()


def test_top_next_and_random_sets_are_disjoint_and_repeat_themselves(ap):
    units = read_units(ap, 0)
    sets = {(name, draw): one for name, draw, one in choose_sets(units, 10, draws=3, concept="cat", seed=5)}
    ranked = rank_units(units)
    assert sets["top", 0].tolist() == ranked[:10].tolist()
    assert sets["next", 0].tolist() == ranked[10:20].tolist()
    for draw in range(3):
        chosen = sets["random", draw]
        assert len(set(chosen.tolist())) == 10
        assert not set(chosen.tolist()) & set(ranked[:20].tolist())
        np.testing.assert_array_equal(units.place[chosen], units.place[ranked[:10]])
    assert sets["random", 0].tolist() != sets["random", 1].tolist()
    again = [one for *_, one in choose_sets(units, 10, draws=3, concept="cat", seed=5)]
    assert all(np.array_equal(*pair) for pair in zip(again, sets.values(), strict=True))
    other = [one for *_, one in choose_sets(units, 10, draws=3, concept="dog", seed=5)]
    assert not np.array_equal(other[2], sets["random", 0])


@given(st.integers(0, 1000), st.integers(1, 12))
def test_a_match_is_among_the_nearest_of_its_layer_that_are_free(seed, size):
    random = np.random.default_rng(seed)
    units = random_units(random)
    chosen = random.choice(len(units.measured), size, replace=False)
    matches = match_units(units, chosen, chosen, np.random.default_rng(seed))
    taken = set(chosen.tolist())
    for unit, match in zip(chosen, matches, strict=True):
        beside = [
            one for one in np.flatnonzero(units.place == units.place[unit]).tolist() if one not in taken
        ]
        assert match in beside
        nearer = sum(distance(units, one, unit) < distance(units, match, unit) for one in beside)
        assert nearer < NEAREST
        taken.add(int(match))


def random_units(random):
    place = np.repeat(np.arange(len(WIDTHS)), WIDTHS)
    number = np.concatenate([np.arange(width) for width in WIDTHS])
    # Few different means, so that many tie.
    summaries = {"negative_mean": random.integers(0, 9, len(place)).astype(np.float32)}
    summaries |= {name: random.random(len(place)) for name in ("measured", "positive_median")}
    return Units(PLACES, place=place, number=number, **summaries)


def distance(units, one, other):
    return abs(units.negative_mean[one] - units.negative_mean[other])


def test_values_are_those_of_the_units_themselves(ap):
    units = read_units(ap, 2)
    options = {"sizes": [2, 5], "draws": 2, "concept": "cat", "seed": 1}
    planned = plan_interventions(units, actions=["force", "zero", "mean_negative"], **options)
    assert len(planned) == 3 * 2 * (2 + 2)
    wanted = {"force": units.positive_median, "mean_negative": units.negative_mean}
    for one in planned:
        values = wanted.get(one.action, np.zeros(len(units.place)))
        np.testing.assert_array_equal(one.values, values[one.chosen])
    chosen = {action: [one.chosen.tolist() for one in planned if one.action == action] for action in wanted}
    assert chosen["force"] == chosen["mean_negative"]
    assert count_shortage(planned) == {}


def test_displacement_is_the_mean_distance_from_the_mean_response(ap):
    units = read_units(ap, 2)
    actions = ["force", "zero", "mean_negative"]
    for one in plan_interventions(units, actions=actions, sizes=[5], draws=2, concept="cat", seed=1):
        usual = units.negative_mean[one.chosen].astype(float)
        distances = [abs(value - mean) for value, mean in zip(one.values.astype(float), usual, strict=True)]
        assert one.displacement == pytest.approx(sum(distances) / 5)
        assert (one.displacement == 0) == (one.action == "mean_negative")


def test_where_units_are_few_sets_are_smaller_and_the_shortage_is_counted(ap):
    units = read_units(ap, 0)
    total = len(units.measured)
    planned = plan_interventions(units, actions=["zero"], sizes=[100], draws=1, concept="cat", seed=1)
    sizes = {one.units: len(one.chosen) for one in planned}
    assert sizes == {"top": 100, "next": total - 100, "random": 0}
    assert [one.displacement is None for one in planned] == [False, False, True]
    assert count_shortage(planned) == {("next", 100): 200 - total, ("random", 100): 100}


def test_a_file_without_measured_expertise_is_named(tmp_path):
    write_arrays({"shuffled/mlp_post/0": np.zeros((1, 2), np.float32)}, tmp_path / "ap.safetensors")
    with pytest.raises(GolgiError, match=r"ap\.safetensors holds no measured expertise"):
        read_units(tmp_path / "ap.safetensors", 0)
