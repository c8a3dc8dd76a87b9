"""How well what is expected of a unit agrees with what it does: counts of firing, and rank correlation.

An expectation has few different values: a token is in a group (the end of a path, an n-gram), and all tokens
of a group are expected to be alike. So counts and ranks are taken by group, and only groups are sorted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Truth:
    """What a unit does at some places of a text."""

    ranks: np.ndarray  # [place]: average ranks of the activations, less their mean
    fires: np.ndarray  # [place] bool

    @classmethod
    def of(cls, activations: np.ndarray, fires: np.ndarray) -> Truth:
        """Rank activations [place], which are float16: there are few enough of those to be counted."""
        bits = (activations + np.float16(0)).view(np.uint16)  # the sum makes -0 a 0
        keys = np.where(bits >> 15, ~bits, bits | 0x8000)  # these rise with the numbers
        counts = np.bincount(keys, minlength=1 << 16)
        return cls(_ranks(counts)[keys], fires)


@dataclass(frozen=True)
class Expectation:
    """What is expected of a unit in each group of tokens."""

    values: np.ndarray  # [group]: activation, a share of the unit's maximum
    fires: np.ndarray  # [group] bool


def compare(truth: Truth, groups: np.ndarray, expected: Expectation) -> dict[str, int | float | bool | None]:
    """Return counts tp, fp, fn and tn of firing, and the measures, of places in groups [place].

    Precision is None where nothing is expected, recall and F1 where the unit does not fire, Spearman's rho,
    ties at average ranks, where either side is constant (Foote et al. 2023, sec. 4).
    """
    size = len(expected.values)
    counts = np.bincount(groups, minlength=size)
    firing = np.bincount(groups[truth.fires], minlength=size)
    tp, hits = int(firing[expected.fires].sum()), int(firing.sum())
    said, places = int(counts[expected.fires].sum()), len(groups)
    ranks = np.bincount(groups, weights=truth.ranks, minlength=size)
    return {
        "tp": tp,
        "fp": said - tp,
        "fn": hits - tp,
        "tn": places - said - hits + tp,
        "precision": tp / said if said else None,
        "recall": tp / hits if hits else None,
        "f1": 2 * tp / (said + hits) if hits else None,
        "rank_correlation": _spearman(expected.values, counts, ranks, float(truth.ranks @ truth.ranks)),
        "fires": hits > 0,
        "predicts": said > 0,
    }


def _spearman(values: np.ndarray, counts: np.ndarray, ranks: np.ndarray, square: float) -> float | None:
    # ranks [group] are sums of those of the truth, square that of their squares.
    there = np.flatnonzero((counts > 0) & (values != 0))
    there = there[np.argsort(values[there])]
    starts = np.flatnonzero(np.diff(values[there], prepend=0) != 0)
    tied, sums = np.add.reduceat(counts[there], starts), np.add.reduceat(ranks[there], starts)
    # Most groups are expected to be silent: these are one group of equals, and are not sorted.
    below = np.searchsorted(values[there[starts]], 0)
    tied = np.insert(tied, below, counts.sum() - tied.sum())
    sums = np.insert(sums, below, ranks.sum() - sums.sum())
    if np.count_nonzero(tied) < 2 or square == 0:
        return None
    own = _ranks(tied)
    rho = float(own @ sums) / math.sqrt(float(tied @ own**2) * square)
    return min(max(rho, -1.0), 1.0)


def _ranks(counts: np.ndarray) -> np.ndarray:
    # Average rank, less the mean of all, of each of the values in order, that come so many times.
    ends = np.cumsum(counts)
    return ends - (counts - 1) / 2 - (ends[-1] + 1) / 2
