"""The shortest context that makes a unit fire: left contexts are tried from the shortest on, one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# What the method asks of a model: the activation of unit units[i] at the last token of contexts[i], each read
# alone, as [context] float32. Contexts are [token] int32.
Probe = Callable[[list[np.ndarray], np.ndarray], np.ndarray]

FIRST_LENGTHS = 2  # tried at once; each round tries twice as many


@dataclass(frozen=True)
class Pivots:
    """Tokens to explain: the text up to each, the pivot its last token, and how strong the unit is there."""

    units: np.ndarray  # [pivot]: numbers that the probe knows
    texts: list[np.ndarray]  # [pivot] of [token] int32
    activations: np.ndarray  # [pivot] float32, in the whole text

    def some(self, members: np.ndarray) -> Pivots:
        """Return the pivots with these numbers."""
        texts = [self.texts[member] for member in members]
        return Pivots(self.units[members], texts, self.activations[members])


@dataclass(frozen=True)
class Pruned:
    """The shortest sufficient context of every pivot, or where there is none the longest that was tried."""

    contexts: list[np.ndarray]  # [pivot] of [token] int32, the pivot last
    activations: np.ndarray  # [pivot] float32, of the pivot in that context
    long_range: np.ndarray  # [pivot] bool: no context up to the cap is enough

    def ratios(self, pivots: Pivots) -> np.ndarray:
        """Return the share of the activation that is left, [pivot]; 1 where there was none to lose."""
        whole = pivots.activations
        return np.where(whole > 0, self.activations / np.where(whole > 0, whole, 1), 1.0)


# Tells which values [context], of the pivots with these numbers [context], are what the context is to give.
Enough = Callable[[np.ndarray, np.ndarray], np.ndarray]


def prune(
    probe: Probe, pivots: Pivots, *, enough: Enough, cap: int, beyond: np.ndarray | None = None
) -> Pruned:
    """Find the shortest left context in which each pivot's activation is `enough`.

    Lengths 1, 2, 3, ... are all tried until one is, because activation does not rise with length; `cap` is
    the longest, the pivot included (Foote et al. 2023, sec. 3.1, there in steps). Only lengths beyond those
    of `beyond` [pivot] are tried where that is given.
    """
    beyond = np.zeros(len(pivots.texts), np.int64) if beyond is None else beyond
    longest = np.array([min(cap, len(text)) for text in pivots.texts])
    found = np.zeros(len(longest), np.int64)
    activations = np.zeros(len(longest), np.float32)
    tried, step = 0, FIRST_LENGTHS
    while (waiting := np.flatnonzero((found == 0) & (longest > tried))).size:
        lengths = np.arange(tried + 1, tried + step + 1)
        pivot, length = np.nonzero((lengths <= longest[waiting, None]) & (lengths > beyond[waiting, None]))
        pivot, length = waiting[pivot], lengths[length]
        tried, step = tried + step, 2 * step
        if not pivot.size:
            continue
        contexts = [pivots.texts[one][-many:] for one, many in zip(pivot, length, strict=True)]
        values = probe(contexts, pivots.units[pivot])
        # Of the lengths that are enough the shortest; where there is none, what the longest gave.
        do = enough(pivot, values)
        for one, many, value in zip(pivot[do][::-1], length[do][::-1], values[do][::-1], strict=True):
            found[one], activations[one] = many, value
        ends = length == longest[pivot]
        short = found[pivot[ends]] == 0
        activations[pivot[ends][short]] = values[ends][short]
    contexts = [
        text[-(many or most) :] for text, many, most in zip(pivots.texts, found, longest, strict=True)
    ]
    return Pruned(contexts, activations, found == 0)


def keeps(pivots: Pivots, share: float) -> Enough:
    """Ask that a share of the pivot's activation is kept."""
    return lambda pivot, values: values >= share * pivots.activations[pivot]


def reaches(limits: np.ndarray) -> Enough:
    """Ask that the activation is at the pivot's limit or above."""
    return lambda pivot, values: values >= limits[pivot]


def stays_below(limits: np.ndarray) -> Enough:
    """Ask that the activation is below the pivot's limit: the context that silences a unit."""
    return lambda pivot, values: values < limits[pivot]


def cut(probe: Probe, pivots: Pivots, *, cap: int) -> Pruned:
    """Return the contexts of `cap` tokens as they are: what `prune` is held against."""
    contexts = [text[-cap:] for text in pivots.texts]
    return Pruned(contexts, probe(contexts, pivots.units), np.zeros(len(contexts), bool))
