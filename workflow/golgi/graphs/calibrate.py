"""Calibrate: what the ends of a unit's paths are worth, counted on random text, where it mostly is silent.

Exemplars show where a unit fires, and not how often it stays silent in the same context. Text drawn at random
shows both: it sets the value of every end, adds tokens on which the unit fires whatever stands before them,
and takes out the ends that say no more than a shorter one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import networkx as nx
import numpy as np

from golgi.graphs.forest import Forest, Matches
from golgi.graphs.trie import Path

ROUNDS = 2  # taking out ends shifts matches to others, whose values change
TOLERANCE = 0.3  # share of the maximum by which two ends have to differ to be told apart
PRIOR = 1.0  # observations that the next shorter end counts for, and that the exemplars count for


@dataclass(frozen=True)
class Sample:
    """Random text and what the units made of it."""

    ids: np.ndarray  # [window, token] int32, right padded with -1
    shares: np.ndarray  # [unit, window, token]: activation as a share of the unit's maximum

    def part(self, units: range) -> Sample:
        """Return the sample of some units that follow one another, in memory."""
        return Sample(self.ids, np.asarray(self.shares[units.start : units.stop]))


def covering_paths(sample: Sample, unit: int, *, known: set[int], fires: float, rate: float) -> list[Path]:
    """Return the tokens, beyond those `known`, on which a unit mostly fires in the sample, as paths.

    Mostly is a share `rate` of the places where the token stands, one more counted on which it does not.
    """
    tokens = sample.ids[sample.ids >= 0]
    shares = sample.shares[unit][sample.ids >= 0].astype(np.float64)
    hit = np.unique(tokens[shares >= fires])
    seen = np.bincount(tokens)
    fired = np.bincount(tokens, shares >= fires)
    total = np.bincount(tokens, shares)
    kept = [int(token) for token in hit if int(token) not in known]
    return [
        Path((token,), (1.0,), float(total[token] / seen[token]))
        for token in kept
        if fired[token] / (seen[token] + 1) >= rate
    ]


def calibrate(graphs: list[nx.DiGraph], sample: Sample, *, fires: float, rate: float) -> list[nx.DiGraph]:
    """Return the graphs with values and rates counted on the sample, and without ends that say no more.

    The value of an end is the mean share of the activation over the places where it is the longest match, its
    rate the share of them that fire. To both the exemplars add one observation, and so does the next shorter
    end on the same path (the exemplars again where there is none): what was seen once is not certain.
    """
    before = [_ends(graph) for graph in graphs]
    _settle(graphs, before, sample, fires)
    for _ in range(ROUNDS):
        pairs = [_simplified(graph, ends, rate) for graph, ends in zip(graphs, before, strict=True)]
        graphs, before = [graph for graph, _ in pairs], [ends for _, ends in pairs]
        _settle(graphs, before, sample, fires)
    return graphs


def false_alarms(
    graphs: list[nx.DiGraph],
    sample: Sample,
    *,
    fires: float,
    rate: float,
    most: int,
    luck: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places of the sample where a graph says that its unit fires, and it does not.

    Of every unit at most `most`, those of the highest luck [window, token]: units, windows and tokens, each
    [alarm]. Sets the values of the graphs' ends on the way.
    """
    _settle(graphs, [_ends(graph) for graph in graphs], sample, fires)
    matches = Forest(graphs).predict(sample.ids)
    silent = sample.shares[matches.unit, matches.window, matches.token] < fires
    wrong = np.flatnonzero((matches.rate >= rate) & silent)
    # Luck is the place's: what is drawn for a unit does not depend on the units beside it.
    lucks = luck[matches.window[wrong], matches.token[wrong]]
    wrong = wrong[np.lexsort((-lucks, matches.unit[wrong]))]
    units = matches.unit[wrong]
    within = np.arange(wrong.size) - np.searchsorted(units, units)
    chosen = np.sort(wrong[within < most])
    return matches.unit[chosen], matches.window[chosen], matches.token[chosen]


Ends = dict[int, tuple[float, float]]  # node -> value and rate as the exemplars have it


def _ends(graph: nx.DiGraph) -> Ends:
    return {node: (facts["value"], facts["rate"]) for node, facts in graph.nodes(data=True) if facts["end"]}


def _settle(graphs: list[nx.DiGraph], before: list[Ends], sample: Sample, fires: float) -> None:
    matches = Forest(graphs).predict(sample.ids)
    for unit, places in enumerate(_by_unit(matches, len(graphs))):
        graph, ends = graphs[unit], before[unit]
        node = matches.node[places]
        shares = sample.shares[unit][matches.window[places], matches.token[places]].astype(np.float64)
        count = np.bincount(node, minlength=len(graph))
        total = np.bincount(node, shares, minlength=len(graph))
        fired = np.bincount(node, shares >= fires, minlength=len(graph))
        for one, shorter in _with_shorter_end(graph):
            value, rate = ends[one]
            prior = (value, rate) if shorter is None else _worth(graph, shorter)
            seen = count[one] + 2 * PRIOR
            graph.nodes[one]["value"] = float((total[one] + PRIOR * (value + prior[0])) / seen)
            graph.nodes[one]["rate"] = float((fired[one] + PRIOR * (rate + prior[1])) / seen)


def _by_unit(matches: Matches, units: int) -> Iterator[slice]:
    bounds = np.searchsorted(matches.unit, np.arange(units + 1))
    for start, stop in pairwise(bounds):
        yield slice(start, stop)


def _worth(graph: nx.DiGraph, node: int) -> tuple[float, float]:
    facts = graph.nodes[node]
    return facts["value"], facts["rate"]


def _with_shorter_end(graph: nx.DiGraph) -> Iterator[tuple[int, int | None]]:
    """Yield every end and the next one nearer the pivot; a node's number is above that of its parent."""
    shorter: dict[int, int | None] = {}
    for node, facts in graph.nodes(data=True):
        parent = next(graph.predecessors(node), None)
        nearest = None
        if parent is not None:
            nearest = parent if graph.nodes[parent]["end"] else shorter[parent]
        shorter[node] = nearest
        if facts["end"]:
            yield node, nearest


def _simplified(graph: nx.DiGraph, ends: Ends, rate: float) -> tuple[nx.DiGraph, Ends]:
    """Return the graph without ends that answer as the next shorter one, and what then leads nowhere."""
    kept: dict[int, tuple[float, float]] = {}
    above: dict[int, tuple[float, float]] = {}
    for node, facts in graph.nodes(data=True):
        parent = next(graph.predecessors(node), None)
        up = above[parent] if parent is not None else (0.0, 0.0)
        above[node] = up
        if facts["end"] and not _same(now := _worth(graph, node), up, rate):
            kept[node] = ends[node]
            above[node] = now
    needed = set(kept)
    for node in reversed(range(len(graph))):
        if node in needed:
            needed.update(graph.predecessors(node))
    numbers = {node: number for number, node in enumerate(sorted(needed))}
    smaller = nx.DiGraph(**graph.graph)
    for node, number in numbers.items():
        facts = dict(graph.nodes[node])
        if node not in kept:
            facts |= {"end": False, "value": None, "rate": None}
        smaller.add_node(number, **facts)
        smaller.add_edges_from((numbers[parent], number) for parent in graph.predecessors(node))
    return smaller, {numbers[node]: worth for node, worth in kept.items()}


def _same(one: tuple[float, float], other: tuple[float, float], rate: float) -> bool:
    return (one[1] >= rate) == (other[1] >= rate) and abs(one[0] - other[0]) < TOLERANCE
