"""A world without a model: units are plain functions of the tokens so far, and text is drawn at random."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from golgi.graphs.calibrate import Sample
from golgi.graphs.exemplars import Exemplars, Finder
from golgi.graphs.forest import Forest
from golgi.graphs.growing import Ask, Method, Task, grow_units
from golgi.graphs.prune import Pivots

NEUTRAL = 0  # in no text
Unit = Callable[[Sequence[int]], float]  # the tokens up to and with the pivot -> activation


@dataclass(frozen=True)
class World:
    """Units, and text of tokens 1 to `vocabulary`, each as likely as any other wherever it stands."""

    units: list[Unit]
    vocabulary: int = 36
    neutral: int = NEUTRAL

    def probe(self, contexts: list[np.ndarray], units: np.ndarray) -> np.ndarray:
        """The activation of units[i] at the end of contexts[i]."""
        pairs = zip(contexts, units, strict=True)
        return np.array([self.units[unit](context.tolist()) for context, unit in pairs], np.float32)

    def propose(self, texts: list[np.ndarray], places: list[int], k: int) -> np.ndarray:
        """K tokens for every place, at times the original among them; they follow from the text before it."""
        first = np.array([text[:place].sum() for text, place in zip(texts, places, strict=True)])
        return 1 + (first[:, None] + 7 * np.arange(k)) % self.vocabulary

    def read(self, ids: np.ndarray) -> np.ndarray:
        """The activations [unit, window, token] on windows padded with -1, 0 at padding."""
        values = np.zeros((len(self.units), *ids.shape), np.float32)
        for window, text in enumerate(ids.tolist()):
            for token in range(np.count_nonzero(ids[window] >= 0)):
                for number, unit in enumerate(self.units):
                    values[number, window, token] = unit(text[: token + 1])
        return values

    def text(self, windows: int, *, seed: int, length: int = 24) -> np.ndarray:
        """Random windows [window, token] of 2 to `length` tokens, padded with -1."""
        generator = np.random.default_rng([seed, 7])
        ids = generator.integers(1, self.vocabulary + 1, (windows, length))
        lengths = np.where(
            generator.random(windows) < 0.8, length, generator.integers(2, length + 1, windows)
        )
        return np.where(np.arange(length) < lengths[:, None], ids, -1).astype(np.int32)

    def ask(self) -> Ask:
        """What the method asks of a model."""
        return Ask(self.probe, self.propose, self.neutral)

    def task(self, ids: np.ndarray, *, sampled: int = 1000, strongest: int = 20, firings: int = 60) -> Task:
        """The units' exemplars in a text, and the first of its windows as a sample."""
        values = self.read(ids)
        found = find(ids, values, strongest=strongest, firings=firings)
        return as_task(found, ids, values[:, :sampled], sampled)

    def grow(self, method: Method | None = None, *, windows: int = 3000, seed: int = 0, **task):
        """The graphs of all units, and what was observed of them."""
        task = self.task(self.text(windows, seed=seed), **task)
        return grow_units(self.ask(), task, identities(task.maxima), method or Method())


def find(ids, values, *, strongest=20, firings=60, fires=0.5, weakest=0.5, chunk=100, documents=None):
    """The exemplars of values [unit, window, token], taken in some windows at a time."""
    finder = Finder(len(values), strongest=strongest, firings=firings, fires=fires, weakest=weakest)
    documents = np.arange(len(ids)) if documents is None else documents
    luck = np.random.default_rng(3).random(len(ids))
    own = np.where(ids >= 0, values, -np.inf)
    for start in range(0, len(ids), chunk):
        part = slice(start, start + chunk)
        finder.add(
            own[:, part].max(axis=2).T,
            own[:, part].argmax(axis=2).T,
            windows=np.arange(len(ids))[part],
            documents=documents[part],
            luck=luck[part],
        )
    return finder.exemplars()


def brute_force(values, places, documents, luck, *, strongest, firings, fires, weakest):
    """Exemplars from the whole text: rows (unit, window, token, activation, strongest), and weak [unit]."""
    rows, weak = [], []
    for unit, column in enumerate(values.T):
        maximum = column.max()
        best = [max(np.flatnonzero(documents == one), key=lambda w: column[w]) for one in set(documents)]
        best = sorted(best, key=lambda window: (-column[window], window))[:strongest] if maximum > 0 else []
        strong = [window for window in best if column[window] >= weakest * maximum]
        weak.append(len(best) - len(strong))
        fire = [w for w in range(len(column)) if column[w] >= fires * maximum] if maximum > 0 else []
        drawn = sorted(sorted(fire, key=lambda window: (-luck[window], window))[:firings])
        drawn = [window for window in drawn if window not in strong]
        rows += [(unit, w, places[w, unit], column[w], True) for w in strong]
        rows += [(unit, w, places[w, unit], column[w], False) for w in drawn]
    return rows, weak


def as_task(found: Exemplars, ids: np.ndarray, values: np.ndarray, sampled: int, *, seed: int = 0) -> Task:
    """What is to be explained; the sample is the text's first windows, with values [unit, window, token]."""
    texts = [ids[window, : token + 1] for window, token in zip(found.window, found.token, strict=True)]
    live = found.maximum > 0
    scale = np.where(live, 1 / np.where(live, found.maximum, 1), 0)
    return Task(
        maxima=found.maximum,
        weak=found.weak,
        pivots=Pivots(found.unit, texts, found.activation),
        strongest=found.strongest,
        sample=Sample(ids[:sampled], values * scale[:, None, None]),
        seed=seed,
    )


def identities(maxima: np.ndarray) -> list[dict]:
    """Names of the units, as graphs hold them."""
    place = {"model": "world", "checkpoint": "final", "site": "mlp_post", "layer": 0}
    return [place | {"unit": unit, "maximum": float(maximum)} for unit, maximum in enumerate(maxima)]


def predict(graphs, ids: np.ndarray, *, rate: float = 0.3) -> np.ndarray:
    """Where the graphs say that their units fire, [unit, window, token]."""
    matches = Forest(graphs).predict(ids)
    says = np.zeros((len(graphs), *ids.shape), bool)
    says[matches.unit, matches.window, matches.token] = matches.rate >= rate
    return says


def score(world: World, graphs, ids: np.ndarray, *, fires: float = 0.5) -> list[tuple[int, int, int]]:
    """True positives, false positives and false negatives of every unit on a text."""
    maxima = np.array([graph.graph["maximum"] for graph in graphs])
    truth = (world.read(ids) >= fires * maxima[:, None, None]) & (ids >= 0)
    said = predict(graphs, ids)
    counts = [(said & truth), (said & ~truth), (~said & truth)]
    return [tuple(int(one[unit].sum()) for one in counts) for unit in range(len(graphs))]
