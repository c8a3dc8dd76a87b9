"""A trie of paths: its shape, its numbering, and means that no order of the paths can change."""

import math

import networkx as nx
import pytest
from graph_strategies import IDENTITY, path, paths
from hypothesis import given
from hypothesis import strategies as st

from golgi.graphs.trie import Path, grow, paths_of

SOME = st.lists(paths(), max_size=12)


def unit(some, **identity):
    return grow(some, **(IDENTITY | {"unit": 5} | identity))


def prefix(graph, node):
    before = list(graph.predecessors(node))
    return (*(prefix(graph, before[0]) if before else ()), graph.nodes[node]["token"])


def facts(graph):
    return graph.graph, list(graph.nodes(data=True)), list(graph.edges)


@given(some=SOME, shuffle=st.randoms(use_true_random=False))
def test_order_of_paths_never_matters(some, shuffle):
    shuffled = shuffle.sample(some, len(some))
    assert facts(unit(shuffled)) == facts(unit(some))


@given(some=SOME)
def test_nodes_are_the_prefixes_depth_first(some):
    graph = unit(some)
    assert nx.is_forest(graph) if len(graph) else not some
    assert list(graph) == list(range(len(graph)))
    found = [prefix(graph, node) for node in graph]
    assert set(found) == {one.tokens[:stop] for one in some for stop in range(1, len(one.tokens) + 1)}
    ordered = [[math.inf if token is None else token for token in tokens] for tokens in found]
    assert ordered == sorted(ordered)
    assert [data for _, data in graph.nodes(data="distance")] == [len(tokens) - 1 for tokens in found]


@given(some=SOME)
def test_a_node_sums_up_the_paths_through_it(some):
    graph = unit(some)
    for node, data in graph.nodes(data=True):
        tokens, distance = prefix(graph, node), data["distance"]
        through = [one for one in some if one.tokens[: len(tokens)] == tokens]
        ending = [one for one in through if one.tokens == tokens]
        assert data["count"] == sum(one.weight for one in through)
        assert data["activation"] == pytest.approx(mean(through, lambda one: one.activation))
        importances = mean(through, lambda one, at=distance: one.importances[at])
        assert data["importance"] == pytest.approx(importances)
        assert data["end"] == bool(ending)
        expected = mean(ending, lambda one: one.activation) if ending else None
        assert data["value"] == pytest.approx(expected)
        rate = mean(ending, lambda one: one.activation >= 0.5) if ending else None
        assert data["rate"] == rate


def mean(some, value):
    return sum(one.weight * value(one) for one in some) / sum(one.weight for one in some)


@given(some=SOME)
def test_paths_come_back(some):
    found = paths_of(unit(some))
    assert {tokens for tokens, _, _ in found} == {one.tokens for one in some}
    assert len(found) == len({one.tokens for one in some})
    assert all(any(one.tokens == tokens for one in some) for tokens, _, _ in found)


@given(one=paths(), copies=st.integers(1, 40))
def test_a_mean_of_equals_is_their_value(one, copies):
    graph = unit([one] * copies)
    assert {data for _, data in graph.nodes(data="activation")} == {one.activation}
    assert [data for _, data in graph.nodes(data="importance")] == list(one.importances)


def test_a_graph_by_hand():
    graph = unit([path(7, None, 3, activation=0.9), path(7, 2, activation=0.3, weight=2), path(4)])
    assert [data for _, data in graph.nodes(data="token")] == [4, 7, 2, None, 3]
    assert list(graph.edges) == [(1, 2), (1, 3), (3, 4)]
    assert graph.nodes[1]["activation"] == pytest.approx(0.5)
    assert paths_of(graph) == [((4,), 1.0, 1), ((7, 2), 0.3, 2), ((7, None, 3), 0.9, 1)]
    assert graph.graph == IDENTITY | {"basis": "neuron", "unit": 5}


def test_a_rate_is_the_share_that_fires():
    some = [path(4, activation=0.5, weight=2), path(4, activation=0.3, weight=6), path(4, 7, activation=0.9)]
    assert [data for _, data in unit(some).nodes(data="rate")] == [0.25, 1.0]
    assert [data for _, data in unit(some, fires=0.3).nodes(data="rate")] == [1.0, 1.0]
    assert [data for _, data in unit(some, fires=0.95).nodes(data="rate")] == [0.0, 0.0]


def test_a_dead_unit_has_a_graph_without_nodes():
    graph = unit([], maximum=0.0)
    assert len(graph) == 0
    assert paths_of(graph) == []


@pytest.mark.parametrize(
    ("tokens", "importances", "activation", "weight"),
    [
        ((), (), 1.0, 1),
        ((None, 3), (1.0, 1.0), 1.0, 1),
        ((3, None), (1.0, 1.0), 1.0, 1),
        ((3, 4), (1.0,), 1.0, 1),
        ((3,), (1.0,), math.nan, 1),
        ((3,), (math.inf,), 1.0, 1),
        ((3,), (1.0,), 1.0, 0),
    ],
)
def test_what_is_no_path(tokens, importances, activation, weight):
    with pytest.raises(ValueError, match=r"path|importances|measured"):
        Path(tokens, importances, activation, weight)
