"""From exemplars to graphs: prune, measure saliency, augment, and grow a trie of every unit's paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
import numpy as np

from golgi.graphs.augment import Propose, Variants, augment
from golgi.graphs.calibrate import Sample, calibrate, covering_paths, false_alarms
from golgi.graphs.prune import Pivots, Probe, Pruned, cut, keeps, prune, reaches, stays_below
from golgi.graphs.saliency import measure_importance, measure_silencing, replaced
from golgi.graphs.trie import WILDCARD, Path, Tokens, grow

# Explained together: enough to fill batches and to share contexts, and bounded. The tokens are those of the
# longest context of a pivot, once with each of its own masked.
TOKENS_AT_ONCE, UNITS_AT_ONCE = 1 << 24, 256


@dataclass(frozen=True)
class Method:
    """How graphs are grown; the switches turn single stages off, to see what each is worth."""

    keep: float = 0.5  # share of the activation that the pruned context keeps
    cap: int = 32  # longest context, in tokens, pivot included
    importance: tuple[float, ...] = (0.75, 0.25)  # levels above which context tokens are named, a path each
    substitute: float = 0.8  # importance from which a token is substituted
    candidates: int = 5  # substitutes per token
    fires: float = 0.5  # share of the maximum from which a unit fires
    rate: float = 0.2  # share of matches that fire from which a graph says that its unit fires
    silences: int = 20  # false alarms of the first graph that are explained too
    pruning: bool = True
    saliency: bool = True
    augmenting: bool = True
    calibration: bool = True
    nested: bool = True  # also the pivot alone, and a path per level; else one path, of the first level
    firings: bool = True  # exemplars that just fire too, not the strongest alone


def ablations(method: Method) -> dict[str, Method]:
    """Return the method without each stage, for tokens alone, and as published (Foote et al. 2023)."""
    return {
        "no_prune": replace(method, pruning=False),
        "no_saliency": replace(method, saliency=False),
        "no_augment": replace(method, augmenting=False),
        "no_calibration": replace(method, calibration=False),
        "no_context": replace(method, cap=1, augmenting=False, silences=0),
        "published": replace(method, calibration=False, nested=False, firings=False),
    }


@dataclass(frozen=True)
class Ask:
    """What the method asks of a model, whatever that is."""

    probe: Probe  # the activation of a unit at the end of a context
    propose: Propose  # tokens that may stand in a place
    neutral: int  # the token id that masks


@dataclass(frozen=True)
class Task:
    """What is to be explained: units of one model, by number, their exemplars and a random sample of text."""

    maxima: np.ndarray  # [unit] float32
    weak: np.ndarray  # [unit] int: strongest windows that were too weak to be exemplars
    pivots: Pivots
    strongest: np.ndarray  # [pivot] bool; the others are random firings
    sample: Sample
    seed: int


@dataclass
class Observed:
    """What was seen of a unit: paths, and how many pivots no context up to the cap explains."""

    paths: list[Path] = field(default_factory=list)
    long_range: int = 0


def grow_units(
    ask: Ask, task: Task, identities: list[dict[str, Any]], method: Method
) -> tuple[list[nx.DiGraph], list[Observed]]:
    """Return the graph of every unit, and what it was grown from (Foote et al. 2023, sec. 3).

    Units are explained some at a time, so that memory does not grow with their number. `identities` [unit]
    are what `trie.grow` puts into the graphs. A unit without exemplars gets an empty graph.
    """
    graphs: list[nx.DiGraph] = []
    observed: list[Observed] = []
    chosen = np.flatnonzero(task.strongest | method.firings)
    pivots = task.pivots.some(chosen[np.argsort(task.pivots.units[chosen], kind="stable")])
    for first, stop in _parts(pivots.units, len(task.maxima), TOKENS_AT_ONCE // method.cap**2):
        members = np.flatnonzero((pivots.units >= first) & (pivots.units < stop))
        some = pivots.some(members)
        grown, seen = _grow_some(ask, task, some, range(first, stop), identities, method)
        graphs += grown
        observed += seen
    return graphs, observed


def _parts(units: np.ndarray, count: int, most: int) -> Iterator[tuple[int, int]]:
    first, pivots = 0, 0
    for unit, number in enumerate(np.bincount(units, minlength=count)):
        if unit > first and (pivots + number > most or unit - first == UNITS_AT_ONCE):
            yield first, unit
            first, pivots = unit, 0
        pivots += number
    if first < count:
        yield first, count


def _grow_some(
    ask: Ask,
    task: Task,
    pivots: Pivots,
    units: range,
    identities: list[dict[str, Any]],
    method: Method,
) -> tuple[list[nx.DiGraph], list[Observed]]:
    observed = {unit: Observed() for unit in units}
    observe_firings(ask, pivots, task, observed, method)

    def grown() -> list[nx.DiGraph]:
        return [grow(observed[unit].paths, fires=method.fires, **identities[unit]) for unit in units]

    if not method.calibration:
        return grown(), list(observed.values())
    part = task.sample.part(units)
    limits = {"fires": method.fires, "rate": method.rate}
    for place, unit in enumerate(units):
        known = {path.tokens[0] for path in observed[unit].paths}
        if task.maxima[unit] > 0:
            observed[unit].paths += covering_paths(part, place, known=known, **limits)
    luck = np.random.default_rng(task.seed).random(part.ids.shape)
    wrong = false_alarms(grown(), part, most=method.silences, luck=luck, **limits)
    alarms = _alarms(*wrong, part, units, task.maxima)
    observe_silences(ask, alarms, task, observed, method)
    return calibrate(grown(), part, **limits), list(observed.values())


def _alarms(
    places: np.ndarray,
    windows: np.ndarray,
    tokens: np.ndarray,
    sample: Sample,
    units: range,
    maxima: np.ndarray,
) -> Pivots:
    texts = [sample.ids[window, : token + 1] for window, token in zip(windows, tokens, strict=True)]
    numbers = np.asarray(units)[places] if places.size else np.zeros(0, np.int64)
    shares = sample.shares[places, windows, tokens].astype(np.float32)
    return Pivots(numbers, texts, shares * maxima[numbers])


def observe_firings(
    ask: Ask, pivots: Pivots, task: Task, observed: dict[int, Observed], method: Method
) -> None:
    """Add the paths that lead to firing: the shortest contexts, what matters in them, and their variants."""
    if not pivots.texts:
        return
    if method.pruning:
        pruned = prune(ask.probe, pivots, enough=keeps(pivots, method.keep), cap=method.cap)
    else:
        pruned = cut(ask.probe, pivots, cap=method.cap)
    contexts, neutral = pruned.contexts, ask.neutral
    if method.saliency:
        importances = measure_importance(
            ask.probe, contexts, pivots.units, pruned.activations, neutral=neutral
        )
    else:
        importances = [np.ones(len(context)) for context in contexts]
    shares = pivots.activations / task.maxima[pivots.units]
    for pivot, unit in enumerate(pivots.units):
        observed[unit].paths += context_paths(
            contexts[pivot], importances[pivot], float(shares[pivot]), method
        )
        observed[unit].long_range += int(pruned.long_range[pivot])
    if method.augmenting:
        limits = {"substitute": method.substitute, "candidates": method.candidates}
        variants = augment(ask.probe, ask.propose, pivots, pruned, importances, **limits)
        shares = _shares(variants, pruned, pivots, task.maxima, method.keep)
        for pivot, place, token, share in zip(
            variants.pivot, variants.place, variants.token, shares, strict=True
        ):
            changed = replaced(contexts[pivot], place, token)
            paths = context_paths(changed, importances[pivot], float(share), method, place=int(place))
            observed[pivots.units[pivot]].paths += paths


def observe_silences(
    ask: Ask, pivots: Pivots, task: Task, observed: dict[int, Observed], method: Method
) -> None:
    """Add the paths on which a unit stays silent: the shortest contexts that silence it, and what does so."""
    if not pivots.texts:
        return
    limits = method.fires * task.maxima[pivots.units]
    # What silences a unit is what comes on top of a context in which it fires.
    firing = prune(ask.probe, pivots, enough=reaches(limits), cap=method.cap)
    members = np.flatnonzero(~firing.long_range)
    pivots, limits = pivots.some(members), limits[members]
    lengths = np.array([len(firing.contexts[member]) for member in members], np.int64)
    pruned = prune(ask.probe, pivots, enough=stays_below(limits), cap=method.cap, beyond=lengths)
    contexts = pruned.contexts
    importances = measure_silencing(
        ask.probe, contexts, pivots.units, pruned.activations, limits, neutral=ask.neutral
    )
    shares = np.clip(pivots.activations / task.maxima[pivots.units], 0, None)
    for pivot, unit in enumerate(pivots.units):
        if not pruned.long_range[pivot]:
            observed[unit].paths += context_paths(
                contexts[pivot], importances[pivot], float(shares[pivot]), method
            )


def _shares(
    variants: Variants, pruned: Pruned, pivots: Pivots, maxima: np.ndarray, keep: float
) -> np.ndarray:
    # What the shorter context loses is made good: a variant is as strong as it would be in the whole text.
    # A context that keeps less than it is asked to says too little to be scaled by.
    ratios = np.maximum(pruned.ratios(pivots)[variants.pivot], keep)
    whole = variants.activations / ratios
    return np.clip(whole / maxima[pivots.units[variants.pivot]], 0, None)


def context_paths(
    context: np.ndarray, importances: np.ndarray, share: float, method: Method, *, place: int | None = None
) -> list[Path]:
    """Return the paths that one context makes, the pivot alone first, then with ever more context.

    A context token is named where its importance is above the level, and a wildcard else; a path ends at the
    last token that is named. At `place`, where a substitute stands, the token is always named, and paths that
    do not reach it are left out: they say nothing about it.
    """
    least = 0 if place is None else len(context) - 1 - place
    levels = [None, *method.importance] if method.nested else [method.importance[0]]
    shapes: dict[Tokens, None] = {}
    for level in levels:
        tokens = _tokens(context, importances, level, place if place != len(context) - 1 else None)
        if len(tokens) > least:
            shapes[tokens] = None
    backwards = [float(one) for one in importances[::-1]]
    return [Path(tokens, tuple(backwards[: len(tokens)]), share) for tokens in shapes]


def _tokens(context: np.ndarray, importances: np.ndarray, level: float | None, place: int | None) -> Tokens:
    named = np.zeros(len(context), bool) if level is None else importances > level
    named[-1] = True
    if place is not None and level is not None:
        named[place] = True
    tokens = [int(token) if name else WILDCARD for token, name in zip(context, named, strict=True)]
    return tuple(tokens[int(np.argmax(named)) :][::-1])
