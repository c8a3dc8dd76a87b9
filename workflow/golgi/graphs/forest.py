"""The graphs of many units at once, laid against a text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import networkx as nx
import numpy as np

from golgi.compiling import compiled

WILDCARD = -1
BATCH_PAIRS = 2_000_000  # pairs of a place and a root of its token tried at a time: 24 MB


class Matches(NamedTuple):
    """Where graphs match a text: one entry per match, sorted by unit, window and token."""

    unit: np.ndarray  # int32 [match], place of the unit's graph in the forest's list
    window: np.ndarray  # int32 [match]
    token: np.ndarray  # int32 [match], place in the window
    value: np.ndarray  # float32 [match], activation that the graph predicts, a share of the unit's maximum
    rate: np.ndarray  # float32 [match], how often the unit fires where the path matches
    depth: np.ndarray  # int32 [match], tokens of the path, pivot and wildcards included
    node: np.ndarray  # int32 [match], where the path ends, as the unit's graph numbers its nodes


class Forest:
    """Graphs compiled to arrays, so that one pass over a text predicts for all of their units."""

    def __init__(self, graphs: Sequence[nx.DiGraph]):
        nodes = _level_by_level(graphs)
        facts = [graphs[unit].nodes[node] | {"unit": unit, "node": node} for unit, node, _ in nodes]
        self.units = len(graphs)
        self._unit = np.array([one["unit"] for one in facts], np.int32)
        self._node = np.array([one["node"] for one in facts], np.int32)
        self._depth = np.array([one["distance"] + 1 for one in facts], np.int32)
        self._value = np.array([one["value"] if one["end"] else np.nan for one in facts], np.float32)
        self._rate = np.array([one["rate"] if one["end"] else np.nan for one in facts], np.float32)
        self._token = np.array(
            [WILDCARD if one["token"] is None else one["token"] for one in facts], np.int32
        )
        self._end = np.array([one["end"] for one in facts], np.bool_)
        parents = np.array([parent for _, _, parent in nodes], np.int64)
        self._children = np.searchsorted(parents, np.arange(len(nodes) + 1)).astype(np.int32)
        roots = np.flatnonzero(parents < 0)
        self._roots = roots[np.argsort(self._token[roots], kind="stable")].astype(np.int32)
        # The roots of token t are those from _starts[t] to _starts[t + 1].
        self._starts = np.append(0, np.cumsum(np.bincount(self._token[roots]), dtype=np.int64))

    def predict(self, ids: np.ndarray) -> Matches:
        """Return the matches of all graphs in the text ids [window, token], int32, padded right with -1.

        A path is matched backwards from its pivot and within the window; a wildcard takes exactly one token.
        Of the paths that match at a place the one of most tokens counts, wildcards included, and among
        equally long ones the one that is exact nearest the pivot (Foote et al. 2023, sec. 3; here with
        backtracking, so no path is missed). Where a unit has no match it predicts 0. Takes memory for the
        matches, and time linear in the pairs of a place and a root of its token.
        """
        ids = np.ascontiguousarray(ids, np.int32)
        parts = [self._match(ids, *windows) for windows in self._batches(ids)]
        window, token, place = np.concatenate(parts, axis=1)
        # Windows and tokens rise already. Sixteen bits are sorted in linear time.
        unit = self._unit[place]
        order = np.argsort(unit.astype(np.uint16) if self.units <= 1 << 16 else unit, kind="stable")
        place = place[order]
        facts = (self._value[place], self._rate[place], self._depth[place], self._node[place])
        return Matches(unit[order], window[order], token[order], *facts)

    def _batches(self, ids: np.ndarray) -> Iterator[tuple[int, int, int]]:
        roots_of = np.append(np.diff(self._starts), 0)
        known = (ids >= 0) & (ids < roots_of.size)
        pairs = roots_of[np.where(known, ids, -1)].sum(axis=1)
        batch = np.cumsum(pairs) // BATCH_PAIRS
        cuts = [0, *(np.flatnonzero(np.diff(batch)) + 1).tolist(), len(ids)]
        for first, last in pairwise(cuts):
            yield first, last, int(pairs[first:last].sum())

    def _match(self, ids: np.ndarray, first: int, last: int, pairs: int) -> np.ndarray:
        widest = int(np.bincount(self._unit, minlength=1).max())
        levels = np.zeros((2, widest), np.int32)
        found = np.zeros((3, pairs), np.int32)
        trie = (self._starts, self._roots, self._children, self._token, self._end)
        matches = _find(ids, first, last, trie, levels, found)
        return found[:, :matches].copy()


def _level_by_level(graphs: Sequence[nx.DiGraph]) -> list[tuple[int, int, int]]:
    # (unit, node, place of the parent in this list). Children lie side by side, exact before wildcard, so
    # what matches at one level is always in the order of preference.
    nodes = [
        (unit, node, -1)
        for unit, graph in enumerate(graphs)
        for node, parents in graph.in_degree()
        if not parents
    ]
    for place, (unit, node, _) in enumerate(nodes):  # and over those that are added meanwhile
        tokens = graphs[unit].nodes(data="token")
        children = sorted(graphs[unit].successors(node), key=lambda child: (tokens[child] is None, child))
        nodes += [(unit, child, place) for child in children]
    return nodes


@compiled
def _find(ids, first, last, trie, levels, found):
    starts, roots, children, token, end = trie
    matches = 0
    for window in range(first, last):
        for place in range(ids.shape[1]):
            pivot = ids[window, place]
            if pivot < 0 or pivot >= starts.size - 1:
                continue
            for root in roots[starts[pivot] : starts[pivot + 1]]:
                best = _longest(root, ids[window], place, children, token, end, levels)
                if best >= 0:
                    found[0, matches], found[1, matches], found[2, matches] = window, place, best
                    matches += 1
    return matches


@compiled
def _longest(root, text, place, children, token, end, levels):
    # All nodes of one level that match, then all of the next: what is found last is the longest.
    level, below = levels[0], levels[1]
    level[0] = root
    size, best = 1, -1
    while size:
        for node in level[:size]:
            if end[node]:
                best = node
                break
        place -= 1
        matching = 0
        if place >= 0:
            for node in level[:size]:
                for child in range(children[node], children[node + 1]):
                    if token[child] == text[place] or token[child] == WILDCARD:
                        below[matching] = child
                        matching += 1
        level, below, size = below, level, matching
    return best
