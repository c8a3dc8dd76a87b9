"""Pieces of a text that show what a unit does in it, and what its graph expects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import networkx as nx
import numpy as np

from golgi.graphs.forest import Forest

LENGTH, BEFORE = 24, 17  # tokens of an example, and of these before the one that it is about


@dataclass(frozen=True)
class Reading:
    """What a unit makes of a text, and what its graph expects; all [window, token]."""

    ids: np.ndarray  # int32, right padded with -1
    shares: np.ndarray  # float32, of the unit's maximum
    values: np.ndarray  # float32, the shares that the graph expects; 0 where nothing matches
    firing: np.ndarray  # bool
    foretold: np.ndarray  # bool


def read_with(
    graph: nx.DiGraph, ids: np.ndarray, activations: np.ndarray, *, fires: float, rate: float
) -> Reading:
    """Lay a graph against a text, ids [window, token], with the unit's true activations beside it."""
    return next(read_each([graph], ids, activations[None], fires=fires, rate=rate))


def read_each(
    graphs: Sequence[nx.DiGraph], ids: np.ndarray, activations: np.ndarray, *, fires: float, rate: float
) -> Iterator[Reading]:
    """Lay graphs against a text in one pass, with the activations [unit, window, token] of their units."""
    matches = Forest(graphs).predict(ids)
    bounds = np.searchsorted(matches.unit, np.arange(len(graphs) + 1))
    for graph, true, (start, stop) in zip(graphs, activations, pairwise(bounds), strict=True):
        values, foretold = np.zeros(ids.shape, np.float32), np.zeros(ids.shape, bool)
        where = matches.window[start:stop], matches.token[start:stop]
        values[where] = matches.value[start:stop]
        foretold[where] = matches.rate[start:stop] >= np.float32(rate)
        maximum = graph.graph["maximum"]
        shares = true.astype(np.float32) / np.float32(maximum if maximum > 0 else np.inf)
        yield Reading(ids, shares, values, (shares >= np.float32(fires)) & (ids >= 0), foretold)


def mistakes(reading: Reading) -> np.ndarray:
    """Return how far true and expected activation are apart [window, token] where firing is not foretold, or
    foretold in vain; -inf elsewhere.
    """
    wrong = reading.firing != reading.foretold
    return np.where(wrong, np.abs(reading.shares - reading.values), -np.inf)


class Example(NamedTuple):
    """A piece of a window, and what it is an example of."""

    kind: str
    window: int
    start: int
    stop: int


class Examples:
    """Pieces of a text ids [window, token], found one after another; no token is the reason for two of them.

    A place is the number of a token in the text, padding counted. With `apart` a piece that shares no token
    with those found is preferred, whatever the others have to offer.
    """

    def __init__(self, ids: np.ndarray, *, apart: bool = False):
        self.found: list[Example] = []
        self._ids = ids
        self._unseen = ids >= 0
        self._apart = self._unseen.copy() if apart else None

    def show(self, kind: str, place: int) -> None:
        """Add the piece around a place."""
        example = _around(self._ids, kind, *divmod(place, self._ids.shape[1]))
        self.found.append(example)
        self.avoid(example)

    def avoid(self, example: Example) -> None:
        """Treat a piece as found, but do not add it."""
        _, window, start, stop = example
        self._unseen[window, start:stop] = False
        if self._apart is not None:
            others = _starts(self._ids[window])
            self._apart[window] &= (others >= stop) | (others + LENGTH <= start)

    def draw(self, kind: str, places: np.ndarray, most: int, random: np.random.Generator) -> None:
        """Add at most so many pieces around some of these places, chosen at random."""
        for _ in range(most):
            left = next((some for free in self._masks() if (some := places[free.ravel()[places]]).size), None)
            if left is None:
                return
            self.show(kind, int(random.choice(left)))

    def highest(self, values: np.ndarray, most: int, *, above: float = -np.inf) -> Iterator[int]:
        """Yield at most so many places by falling values [window, token]; show each before the next is taken.

        Only values above that number count.
        """
        for free in self._masks():
            left = np.where(free, values, -np.inf)
            while most and left.flat[place := int(left.argmax())] > above:
                yield place
                most -= 1
                window = place // left.shape[1]
                left[window] = np.where(free[window], left[window], -np.inf)

    def _masks(self) -> list[np.ndarray]:
        return [self._unseen] if self._apart is None else [self._apart, self._unseen]


def _around(ids: np.ndarray, kind: str, window: int, token: int) -> Example:
    length = int((ids[window] >= 0).sum())
    start = int(_starts(ids[window])[token])
    return Example(kind, window, start, min(length, start + LENGTH))


def _starts(ids: np.ndarray) -> np.ndarray:
    # Where the piece around each token of a window begins.
    length = int((ids >= 0).sum())
    return np.minimum(np.maximum(np.arange(len(ids)) - BEFORE, 0), max(0, length - LENGTH))
