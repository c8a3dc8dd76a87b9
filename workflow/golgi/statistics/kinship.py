"""What concepts share with concepts and parents, read from the scores, and who is whose parent."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

from golgi.concepts.lexicon import Lexicon
from golgi.errors import GolgiError
from golgi.statistics.parenthood import Parents, count_shared
from golgi.statistics.precision import BLOCK_BYTES, Layer, Point, check_concepts, read_point, scored_layers
from golgi.tables import Arrays, open_arrays


@dataclass(frozen=True)
class Shared:
    """Experts that concepts share with each other and with pooled parents, at one threshold and control."""

    point: Point
    control: str
    threshold: float
    counts: np.ndarray  # [concept, concept and parent]
    sizes: np.ndarray  # [concept and parent]
    parents: Parents
    parent_sentences: np.ndarray  # [parent, 2] positives and negatives

    def identity(self) -> dict[str, str | int | float | None]:
        """Return the columns that say what was compared."""
        return {
            "model": self.point.model,
            "checkpoint": self.point.checkpoint,
            "step": self.point.step,
            "control": self.control,
            "threshold": self.threshold,
        }


@dataclass(frozen=True)
class Kinship:
    """Children and what their parents are, of one kind: parents `pooled` or `word`."""

    kind: str
    children: np.ndarray  # [child] place on the concept axis
    labels: np.ndarray  # [child] the pattern of parents that is the child's own
    patterns: np.ndarray  # [pattern, parent]
    names: list[str]  # [parent]


def read_shared(ap: Path, parents: Path, names: Sequence[str], thresholds: Sequence[float]) -> list[Shared]:
    """Count the experts that concepts share with concepts and parents, at every control and threshold.

    Raises GolgiError unless both files hold the same layers under the same controls.
    """
    tables = []
    with open_arrays(ap) as arrays, open_arrays(parents) as pooled:
        check_concepts(arrays, list(names))
        _check_layers(arrays, pooled)
        known, sentences = read_parents(pooled, names)
        for control, layers in groupby(scored_layers(arrays), key=lambda layer: layer.control):
            counts, sizes = count_shared(_blocks(arrays, pooled, layers), thresholds, len(names))
            tables += [
                Shared(read_point(arrays), control, float(threshold), *found, known, sentences)
                for threshold, *found in zip(thresholds, counts, sizes, strict=True)
            ]
    return tables


def read_parents(arrays: Arrays, names: Sequence[str]) -> tuple[Parents, np.ndarray]:
    """Return the scored parents, and their positives and negatives [parent, 2].

    Raises GolgiError if the file does not name them, or names other concepts than these.
    """
    place = {name: index for index, name in enumerate(names)}
    try:
        said = {
            key: json.loads(arrays.metadata[key])
            for key in ("without", "half", "halves", "positives", "negatives")
        }
        without = np.array([place[name] for name in said["without"]])
    except (KeyError, ValueError) as error:
        raise GolgiError(
            f"{arrays.path} does not say whose parents it holds. Delete it and run again."
        ) from error
    parents = Parents(without, np.array(said["half"]), np.array(said["halves"]))
    return parents, np.array([said["positives"], said["negatives"]]).T


def kinships(described: pl.DataFrame, lexicon: Lexicon, parents: Parents) -> list[Kinship]:
    """Return who are the children of pooled parents and, where two concepts are named so, of word parents.

    A word parent's children are the concepts below the category of its name, itself excepted.
    """
    categories = list(dict.fromkeys(described["category"]))
    pooled = np.unique(parents.without)
    own = [categories.index(described["category"][int(place)]) for place in pooled]
    found = [Kinship("pooled", pooled, np.array(own), np.eye(len(categories), dtype=bool), categories)]
    words = word_parents(described["concept"].to_list(), lexicon)
    children, named = np.flatnonzero(words.any(axis=1)), np.flatnonzero(words.any(axis=0))
    if len(named) > 1:
        patterns, labels = np.unique(words[np.ix_(children, named)], axis=0, return_inverse=True)
        names = [described["concept"][int(place)] for place in named]
        found.append(Kinship("word", children, labels.ravel(), patterns, names))
    return found


def word_parents(names: Sequence[str], lexicon: Lexicon) -> np.ndarray:
    """Return whether a concept is below the category that another is named like, [child, parent]."""
    lineages = [{category.casefold() for category in lexicon.lineage(name)} for name in names]
    return np.array(
        [
            [one != other and other.casefold() in above for other in names]
            for one, above in zip(names, lineages)
        ]
    )


def _blocks(arrays: Arrays, pooled: Arrays, layers: Iterator[Layer]) -> Iterator[np.ndarray]:
    for layer in layers:
        sets = arrays.shape(layer.key)[0] + pooled.shape(layer.key)[0]
        units = arrays.shape(layer.key)[1]
        width = max(1, BLOCK_BYTES // (4 * sets))
        for start in range(0, units, width):
            ends = start, min(start + width, units)
            yield np.concatenate([one.columns(layer.key, *ends) for one in (arrays, pooled)])


def _check_layers(arrays: Arrays, pooled: Arrays) -> None:
    for layer in scored_layers(arrays):
        if layer.key not in pooled.names or pooled.shape(layer.key)[1] != arrays.shape(layer.key)[1]:
            raise GolgiError(
                f"{pooled.path}: {layer.key} is missing or has another number of units than in "
                f"{arrays.path}. Delete it and run again."
            )
