"""Augment: other tokens in the place of the important ones, and how strongly the unit answers to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from golgi.graphs.prune import Pivots, Probe, Pruned
from golgi.graphs.saliency import replaced

# Where a substitute is wanted: the text up to the pivot, and the place in it. Given are up to k token ids
# each, [place, k], the likeliest first, -1 where there are fewer.
Propose = Callable[[list[np.ndarray], list[int], int], np.ndarray]


@dataclass(frozen=True)
class Variants:
    """Contexts with one token replaced, and what the unit makes of them."""

    pivot: np.ndarray  # [variant]
    place: np.ndarray  # [variant]: place of the replaced token in the pruned context
    token: np.ndarray  # [variant]: what stands there instead
    activations: np.ndarray  # [variant] float32, of the pivot's place in the changed context


def augment(
    probe: Probe,
    propose: Propose,
    pivots: Pivots,
    pruned: Pruned,
    importances: list[np.ndarray],
    *,
    substitute: float,
    candidates: int,
) -> Variants:
    """Replace every token of importance `substitute` or more, the pivot included, by `candidates` others.

    Both the variants that still fire and those that do not are kept, with the activation measured; the
    original token is no substitute (Foote et al. 2023, sec. 3.3).
    """
    places = [
        (pivot, place)
        for pivot, importance in enumerate(importances)
        for place in np.flatnonzero(importance >= substitute)
    ]
    offsets = [len(pivots.texts[pivot]) - len(pruned.contexts[pivot]) for pivot, _ in places]
    wanted = [offset + int(place) for offset, (_, place) in zip(offsets, places, strict=True)]
    # One more than asked for: the original is often the likeliest.
    proposed = propose([pivots.texts[pivot] for pivot, _ in places], wanted, candidates + 1) if places else []
    chosen = [
        (pivot, place, int(token))
        for (pivot, place), tokens in zip(places, proposed, strict=True)
        for token in _others(tokens, pruned.contexts[pivot][place])[:candidates]
    ]
    if not chosen:
        return no_variants()
    contexts = [replaced(pruned.contexts[pivot], place, token) for pivot, place, token in chosen]
    pivot, place, token = (np.array(column, np.int64) for column in zip(*chosen, strict=True))
    return Variants(pivot, place, token, probe(contexts, pivots.units[pivot]))


def _others(tokens: np.ndarray, original: int) -> np.ndarray:
    return tokens[(tokens >= 0) & (tokens != original)]


def no_variants() -> Variants:
    """Return what there is without this stage."""
    empty = np.zeros(0, np.int64)
    return Variants(empty, empty, empty, np.zeros(0, np.float32))
