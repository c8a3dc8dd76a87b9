"""Saliency: what a pivot loses when one token of its context is masked."""

from __future__ import annotations

import numpy as np

from golgi.graphs.prune import Probe


def measure_importance(
    probe: Probe, contexts: list[np.ndarray], units: np.ndarray, activations: np.ndarray, *, neutral: int
) -> list[np.ndarray]:
    """Return the importance of every token for the last one, [token] float64 of each context.

    Importance is 1 - a_masked / a, clipped to [0, 1], with the token replaced by the id `neutral`; where the
    activation a is not above 0 nothing can be lost, and it is 0. The pivot's own is 1: it is never masked
    (Foote et al. 2023, sec. 3.2).
    """
    lost = _unmasked_less_masked(probe, contexts, units, activations, neutral)
    return [
        np.append(np.clip(loss / whole, 0, 1) if whole > 0 else np.zeros(len(loss)), 1.0)
        for loss, whole in zip(lost, activations.astype(np.float64), strict=True)
    ]


def measure_silencing(
    probe: Probe,
    contexts: list[np.ndarray],
    units: np.ndarray,
    activations: np.ndarray,
    limits: np.ndarray,
    *,
    neutral: int,
) -> list[np.ndarray]:
    """Return how much every token keeps the unit below its limit, [token] float64 of each context.

    1 where the unit reaches `limits` [context] with the token masked, 0 where masking it changes nothing or
    lowers the activation; the pivot's own is 1.
    """
    lost = _unmasked_less_masked(probe, contexts, units, activations, neutral)
    missing = np.maximum(limits.astype(np.float64) - activations, np.finfo(np.float32).tiny)
    return [np.append(np.clip(-loss / gap, 0, 1), 1.0) for loss, gap in zip(lost, missing, strict=True)]


def _unmasked_less_masked(
    probe: Probe, contexts: list[np.ndarray], units: np.ndarray, activations: np.ndarray, neutral: int
) -> list[np.ndarray]:
    before = [len(context) - 1 for context in contexts]
    masked = [replaced(context, place, neutral) for context in contexts for place in range(len(context) - 1)]
    values = probe(masked, np.repeat(units, before)) if masked else np.zeros(0)
    differences = np.repeat(activations, before).astype(np.float64) - values
    return np.split(differences, np.cumsum(before, dtype=int))[:-1]


def replaced(context: np.ndarray, place: int, token: int) -> np.ndarray:
    """Return a copy of the context with another token at one place."""
    other = context.copy()
    other[place] = token
    return other
