"""Graphs laid against a text: the same as trying every path at every place."""

import numpy as np
import pytest
from graph_strategies import IDENTITY, graphs, path
from hypothesis import given, settings
from hypothesis import strategies as st

from golgi.graphs import forest
from golgi.graphs.forest import Forest
from golgi.graphs.trie import grow, paths_of

TEXTS = st.lists(st.lists(st.integers(0, 3), max_size=9), max_size=4)  # one token that no path has


def unit(*some):
    return grow(some, unit=0, **IDENTITY)


def padded(texts):
    ids = np.full((len(texts), max(map(len, texts), default=0)), -1, np.int32)
    for window, text in enumerate(texts):
        ids[window, : len(text)] = text
    return ids


def matches(pattern, text, place):
    read = text[: place + 1][::-1]
    return len(pattern) <= len(read) and all(
        token in (None, found) for token, found in zip(pattern, read, strict=False)
    )


def by_trying_all(some_graphs, texts):
    rows = []
    for number, graph in enumerate(some_graphs):
        for window, text in enumerate(texts):
            for place in range(len(text)):
                fit = [end for end in paths_of(graph) if matches(end[0], text, place)]
                if fit:
                    pattern, value, _ = max(
                        fit, key=lambda end: (len(end[0]), [token is not None for token in end[0]])
                    )
                    rows.append((number, window, place, np.float32(value), len(pattern)))
    return rows


def by_forest(some_graphs, ids):
    found = Forest(some_graphs).predict(ids)
    columns = (*found[:4], found.depth)
    return [tuple(column[row] for column in columns) for row in range(len(found.unit))]


@settings(deadline=None)  # the first call compiles
@given(some=graphs(), texts=TEXTS)
def test_the_same_as_trying_every_path(some, texts):
    assert by_forest(some, padded(texts)) == by_trying_all(some, texts)


@settings(deadline=None)
@given(some=graphs(), texts=TEXTS)
def test_the_node_is_where_the_path_ends(some, texts):
    found = Forest(some).predict(padded(texts))
    for number, node, *said in zip(found.unit, found.node, found.value, found.rate, found.depth, strict=True):
        facts = some[number].nodes[node]
        assert facts["end"]
        assert said == [np.float32(facts["value"]), np.float32(facts["rate"]), facts["distance"] + 1]


@settings(deadline=None)
@given(some=graphs(), texts=TEXTS)
def test_small_batches_change_nothing(some, texts):
    whole = by_forest(some, padded(texts))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forest, "BATCH_PAIRS", 1)
        assert by_forest(some, padded(texts)) == whole


def test_a_greedy_search_would_miss_it():
    # Going for the exact 2 finds no 9 before it; only the wildcard leads on to the 5.
    graph = unit(path(1, 2, 9, activation=0.2), path(1, None, 5, activation=0.8))
    assert by_forest([graph], padded([[5, 2, 1]])) == [(0, 0, 2, np.float32(0.8), 3)]
    assert by_forest([graph], padded([[9, 2, 1]])) == [(0, 0, 2, np.float32(0.2), 3)]
    assert by_forest([graph], padded([[4, 2, 1]])) == []


def test_the_longest_wins_through_a_wildcard():
    graph = unit(path(1, activation=0.1), path(1, 2, activation=0.2), path(1, None, 3, activation=0.3))
    found = Forest([graph]).predict(padded([[3, 2, 1], [4, 2, 1], [4, 4, 1]]))
    assert found.value.tolist() == pytest.approx([0.3, 0.2, 0.1])
    assert found.depth.tolist() == [3, 2, 1]


def test_of_equals_the_exact_one_nearest_the_pivot_wins():
    graph = unit(path(1, None, 3, 4, activation=0.1), path(1, 2, None, 4, activation=0.2))
    assert by_forest([graph], padded([[4, 3, 2, 1]])) == [(0, 0, 3, np.float32(0.2), 4)]


def test_a_wildcard_takes_one_token_and_no_other_window():
    graph = unit(path(1, None, 2))
    assert by_forest([graph], padded([[2], [1], [2, 1], [2, 0, 0, 1]])) == []
    assert [row[:3] for row in by_forest([graph], padded([[2, 0, 1]]))] == [(0, 0, 2)]


def test_nothing_to_match():
    dead = unit()
    assert by_forest([], padded([[1, 2]])) == []
    assert by_forest([dead], padded([[1, 2]])) == []
    assert by_forest([unit(path(1))], padded([])) == []
    found = Forest([dead, unit(path(1))]).predict(padded([[1, 2]]))
    assert found.unit.tolist() == [1]
    assert [column.dtype for column in found] == [np.dtype(name) for name in COLUMNS]


COLUMNS = ["int32", "int32", "int32", "float32", "float32", "int32", "int32"]


def test_results_are_sorted():
    random = np.random.default_rng(0)
    some = [unit(path(0), path(2, 1)), unit(path(1), path(2))]
    found = Forest(some).predict(random.integers(0, 3, (40, 30)).astype(np.int32))
    keys = list(zip(found.unit, found.window, found.token, strict=True))
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
