"""Calibration: values and rates as counted by hand, and graphs no larger than what they say."""

import numpy as np
import pytest
from graph_strategies import IDENTITY, path
from hypothesis import given, settings
from hypothesis import strategies as st

from golgi.graphs import calibrate as calibration
from golgi.graphs.calibrate import TOLERANCE, Sample, calibrate, covering_paths, false_alarms
from golgi.graphs.forest import Forest
from golgi.graphs.trie import grow, paths_of

LIMITS = {"fires": 0.5, "rate": 0.3}


def unit(*some):
    return grow(some, unit=0, **IDENTITY)


def sample_of(*windows):
    """Windows as lists of (token, share), of one unit."""
    longest = max(map(len, windows))
    ids = np.full((len(windows), longest), -1, np.int32)
    shares = np.zeros((1, len(windows), longest), np.float32)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = [token for token, _ in window]
        shares[0, row, : len(window)] = [share for _, share in window]
    return Sample(ids, shares)


def worth(graph):
    """Value and rate by path."""
    ends = [node for node, end in graph.nodes(data="end") if end]
    paths = [tokens for tokens, _, _ in paths_of(graph)]
    return {
        tokens: (graph.nodes[node]["value"], graph.nodes[node]["rate"])
        for tokens, node in zip(paths, ends, strict=True)
    }


def test_values_and_rates_are_those_of_a_hand_count():
    # 7 alone: 1.0, 0.1; 7 after 3: 0.0, 0.2, -0.2; nothing else is in the graph.
    sample = sample_of(
        [(7, 1.0), (2, 0.9), (7, 0.1)], [(3, 0), (7, 0.0), (3, 1), (7, 0.2), (3, 1), (7, -0.2)]
    )
    graph = unit(path(7, activation=0.8), path(7, 3, activation=0.1), path(7, 3, activation=0.3))
    found = worth(calibrate([graph], sample, **LIMITS)[0])
    # Of two places, the exemplar's 0.8, and, there being no shorter end, that again.
    value, rate = (1.1 + 0.8 + 0.8) / 4, (1 + 1 + 1) / 4
    assert found[7,] == pytest.approx((value, rate))
    # Of three places, the exemplars' mean 0.2 and rate 0, and the shorter end.
    assert found[7, 3] == pytest.approx(((0.0 + 0.2 + value) / 5, (0 + 0 + rate) / 5))


def test_an_end_that_is_not_in_the_sample_leans_on_the_shorter_one():
    sample = sample_of([(7, 0.1), (7, 0.1), (2, 0.0)])
    graph = unit(path(7, activation=0.6), path(7, 5, activation=1.0))
    found = worth(calibrate([graph], sample, **LIMITS)[0])
    value, rate = (0.2 + 1.2) / 4, 2 / 4
    assert found[7,] == pytest.approx((value, rate))
    assert found[7, 5] == pytest.approx(((1.0 + value) / 2, (1 + rate) / 2))


def test_padding_is_no_place_of_the_sample():
    # Padding's share is 0, and would lower the value of what it stood for.
    sample = sample_of([(7, 1.0)], [(2, 0.0)] * 9)
    graph = unit(path(7, activation=1.0))
    assert worth(calibrate([graph], sample, **LIMITS)[0])[7,] == (1.0, 1.0)


def test_ends_that_say_no_more_are_taken_out_with_what_leads_to_them():
    sample = sample_of([(7, 1.0)] * 5, [(4, 0.0), (9, 0.0), (7, 0.9)], [(3, 0.0), (7, 0.0)] * 9)
    graph = unit(
        path(7),
        path(7, None, 4, activation=0.9),
        path(7, 3, activation=0.0),
        path(7, 3, 9, activation=0.05),
        path(8, activation=0.1),
    )
    smaller = calibrate([graph], sample, **LIMITS)[0]
    assert set(worth(smaller)) == {(7,), (7, 3)}
    assert len(smaller) == 2
    assert list(smaller.edges) == [(0, 1)]
    assert smaller.graph == graph.graph


def test_an_end_below_the_limit_is_told_from_one_above_it_however_close():
    sample = sample_of([(7, 0.6)] * 8, [(3, 0.4), (7, 0.4)] * 8)
    graph = unit(path(7, activation=0.6), path(7, 3, activation=0.4))
    assert set(worth(calibrate([graph], sample, **LIMITS)[0])) == {(7,), (7, 3)}


def test_a_wildcard_stays_where_a_path_goes_on():
    sample = sample_of([(4, 0.0), (9, 0.0), (7, 1.0)] * 3)
    smaller = calibrate([unit(path(7, None, 4))], sample, **LIMITS)[0]
    assert set(worth(smaller)) == {(7, None, 4)}
    assert [smaller.nodes[node]["end"] for node in smaller] == [False, False, True]
    assert [smaller.nodes[node]["rate"] is None for node in smaller] == [True, True, False]


@st.composite
def chains(draw):
    """A graph whose paths of each token are beginnings of one another, and a sample of few tokens."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    some = []
    for pivot in range(3):
        longest = [pivot, *random.integers(0, 3, draw(st.integers(0, 3))).tolist()]
        for length in range(1, 1 + len(longest)):
            some += [path(*longest[:length], activation=float(random.choice([0, 0.2, 0.6, 1])))]
    ids = random.integers(0, 3, (6, 8)).astype(np.int32)
    shares = random.choice([0, 0.2, 0.6, 1], (1, *ids.shape), p=random.dirichlet(np.ones(4)))
    return unit(*some), Sample(ids, shares)


@settings(deadline=None)  # the first call compiles
@given(chains())
def test_taking_out_ends_keeps_what_the_graph_says_on_the_sample(made):
    graph, sample = made
    before = calibration._ends(graph)
    calibration._settle([graph], [before], sample, LIMITS["fires"])
    smaller, _ = calibration._simplified(graph, before, LIMITS["rate"])
    assert len(smaller) <= len(graph)
    says, says_less = (said(one, sample.ids) for one in (graph, smaller))
    assert np.abs(says[0] - says_less[0]).max() < TOLERANCE + 1e-6
    np.testing.assert_array_equal(says[1] >= LIMITS["rate"], says_less[1] >= LIMITS["rate"])


def said(graph, ids):
    """Value and rate [window, token], 0 where nothing matches."""
    matches = Forest([graph]).predict(ids)
    values, rates = np.zeros(ids.shape), np.zeros(ids.shape)
    values[matches.window, matches.token] = matches.value
    rates[matches.window, matches.token] = matches.rate
    return values, rates


@settings(deadline=None)
@given(chains())
def test_a_round_of_calibration_moves_no_value_further_than_two_ends_may_differ(made):
    graph, sample = made
    whole, smaller = (calibrate_in(rounds, graph, sample) for rounds in (0, calibration.ROUNDS))
    moved = np.abs(said(whole, sample.ids)[0] - said(smaller, sample.ids)[0]).max()
    assert moved < calibration.ROUNDS * TOLERANCE + 1e-6


def calibrate_in(rounds, graph, sample):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "ROUNDS", rounds)
        return calibrate([graph.copy()], sample, **LIMITS)[0]


def test_tokens_on_which_a_unit_mostly_fires_are_covered():
    windows = [(1, 1.0), (1, 0.9), (1, 0.0), (2, 0.9), (2, 0.0), (2, 0.0), (3, 0.5), (3, 0.4), (4, 0.9)]
    sample = sample_of(windows, windows[:1])
    found = covering_paths(sample, 0, known={4}, **LIMITS)
    assert [one.tokens for one in found] == [(1,), (3,)]  # 3 of 4 + 1; 2 fires once in 3 + 1
    assert [one.activation for one in found] == pytest.approx([2.9 / 4, 0.45])
    assert covering_paths(sample, 0, known={1, 3, 4}, **LIMITS) == []


def test_a_unit_that_is_dead_has_nothing_to_cover():
    ids = np.array([[1, 2, -1]], np.int32)
    assert covering_paths(Sample(ids, np.zeros((1, 1, 3), np.float32)), 0, known=set(), **LIMITS) == []


def test_false_alarms_are_where_a_graph_says_what_is_not():
    sample = Sample(
        np.array([[7, 7, 2], [7, 5, -1]], np.int32),
        np.array([[[1.0, 0.1, 0.0], [0.0, 0.0, 0.0]], [[0.0, 0.9, 0.0], [0.0, 0.0, 0.0]]], np.float32),
    )
    graphs = [unit(path(7), path(5, activation=0.0)), grow([path(2, activation=0.9)], unit=1, **IDENTITY)]
    luck = np.array([[0.1, 0.2, 0.3], [0.9, 0.5, 0.5]])
    found = false_alarms(graphs, sample, most=9, luck=luck, **LIMITS)
    assert list(zip(*found, strict=True)) == [(0, 0, 1), (0, 1, 0), (1, 0, 2)]
    few = false_alarms(graphs, sample, most=1, luck=luck, **LIMITS)
    assert list(zip(*few, strict=True)) == [(0, 1, 0), (1, 0, 2)]
    assert [len(one) for one in false_alarms(graphs, sample, most=0, luck=luck, **LIMITS)] == [0] * 3


def test_a_sample_gives_units_that_follow_one_another():
    sample = Sample(np.zeros((1, 2), np.int32), np.arange(8.0).reshape(4, 1, 2))
    np.testing.assert_array_equal(sample.part(range(1, 3)).shares, sample.shares[1:3])
