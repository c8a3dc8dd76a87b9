"""Score every unit as a classifier of parents: a concept's category without the concept itself.

A concept and its parent share no sentence, and no positive of the parent has the concept's word: whatever
experts they share, they do not share because the concept is in its own parent. The concepts are dealt into
two halves, and a parent is scored twice, with negatives from either half of those outside its category. A
concept is compared with parents whose negatives come from the other half, right and wrong parents alike.
"""

import json
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from golgi.concepts.lexicon import Concept, word_pattern
from golgi.errors import GolgiError
from golgi.experts.expertise import Rows
from golgi.experts.scoring import open_scoring, point_metadata, read_sets
from golgi.tables import create_arrays, read_table

logger = logging.getLogger(__name__)

HALVES = 2


@dataclass(frozen=True)
class Parent:
    """A category without one concept; its negatives are sentences of one half of the concepts outside."""

    without: str
    half: int
    rows: Rows


def score_parents(
    *,
    responses: Path,
    rotated: Path | None,
    pool: Path,
    sets: Path,
    concepts: Path,
    parents: Path,
    model: str,
    checkpoint: str,
    step: int | None,
    controls: list[str],
    seed: int,
    threads: int = 1,
    untrained: bool = False,
) -> None:
    """Write average precision per unit and parent, "{control}/{site}/{layer}" [parent, unit] float32.

    Expertise as in Suau et al. 2020, sec. 3, under the controls of `score_experts`, with the same arguments.
    The metadata say which parents they are and how large their sets. Raises GolgiError unless two
    categories have two concepts, and if responses, sets and controls do not fit each other.
    """
    described = read_table(concepts, schema="concepts")
    names = described["concept"].to_list()
    halves = deal_halves(described["category"].to_list(), seed)
    drawn = draw_parents(described, read_sets(sets, names), _texts(pool), halves, seed)
    _check_parents(drawn, described, concepts)
    metadata = point_metadata(model, checkpoint, step, seed, untrained=untrained)
    with open_scoring(
        responses=responses,
        rotated=rotated,
        names=[f"{parent.without}, parent {parent.half}" for parent in drawn],
        labels=[parent.rows for parent in drawn],
        controls=[] if untrained else controls,
        seed=seed,
    ) as scoring:
        metadata |= _described(drawn, halves)
        with create_arrays(parents, layout=scoring.layout(), metadata=metadata) as written:
            for name, precision in scoring.layers(threads):
                for control, values in precision.items():
                    written[f"{control}/{name}"][...] = values
    logger.info("%s at %s: scored %d parents.", model, checkpoint, len(drawn))


def deal_halves(categories: Sequence[str], seed: int) -> np.ndarray:
    """Return the half [concept], 0 or 1, that each concept is dealt into: evenly, in every category too."""
    random = np.random.default_rng([seed, 7])
    labels = np.array(categories)
    order = np.concatenate(
        [random.permutation(np.flatnonzero(labels == one)) for one in dict.fromkeys(categories)]
    )
    halves = np.empty(len(labels), np.int64)
    halves[order] = np.arange(len(labels)) % HALVES
    return halves


def draw_parents(
    described: pl.DataFrame, labels: list[Rows], texts: Sequence[str], halves: np.ndarray, seed: int
) -> list[Parent]:
    """Draw the sentences of every concept's parent, once for each half of the concepts outside its category.

    `described` is the table of concepts, `labels` their own positives and negatives, `texts` the pool. A
    parent has as many of both as its concept, drawn evenly from the other members of the category and from
    the concepts outside; sentences with the concept's word are no positives, those with a word of the
    category no negatives. Where there are fewer, the parent has what there is; where there is none, there
    is no parent.
    """
    drawn: list[Parent] = []
    categories = described["category"].to_numpy()
    for category in dict.fromkeys(categories.tolist()):
        members = np.flatnonzero(categories == category)
        patterns = [_pattern(described.row(place, named=True)) for place in members]
        outside = np.flatnonzero(categories != category)
        clean = _without("|".join(patterns), [labels[place][0] for place in outside], texts)
        for place, pattern in zip(members, patterns, strict=True):
            siblings = [labels[other][0] for other in members if other != place]
            positives = _without(pattern, siblings, texts)
            piles = [[clean[i] for i in np.flatnonzero(halves[outside] == half)] for half in range(HALVES)]
            name = described["concept"][int(place)]
            drawn += _halves_of(name, positives, piles, labels[place], seed)
    return drawn


def draw_evenly(piles: Sequence[np.ndarray], number: int, random: np.random.Generator) -> np.ndarray:
    """Return at most `number` rows out of the piles in ascending order, as many of each as it goes."""
    shuffled = [random.permutation(pile) for pile in piles]
    rows = np.concatenate([np.empty(0, np.int64), *shuffled]).astype(np.int64)
    rank = np.concatenate([np.empty(0, np.int64), *(np.arange(len(pile)) for pile in piles)])
    order = np.lexsort((random.permutation(len(rows)), rank))
    return np.sort(rows[order[:number]])


def _halves_of(
    name: str, positives: list[np.ndarray], piles: list[list[np.ndarray]], own: Rows, seed: int
) -> Iterator[Parent]:
    random = np.random.default_rng([seed, 8, *name.encode()])
    chosen = draw_evenly(positives, len(own[0]), random)
    parents = [
        Parent(name, half, (chosen, draw_evenly(negatives, len(own[1]), random)))
        for half, negatives in enumerate(piles)
    ]
    sizes = [(len(parent.rows[0]), len(parent.rows[1])) for parent in parents]
    if min(map(min, sizes)) == 0:
        logger.warning("%s has no parent: there are no sentences for it beside its own.", name)
        return iter(())
    if any(size != (len(own[0]), len(own[1])) for size in sizes):
        logger.warning("The parent of %s has only %s positives and negatives, by half.", name, sizes)
    return iter(parents)


def _pattern(concept: dict) -> str:
    fields = ("concept", "word", "plural", "category", "part_of_speech", "gloss")
    return word_pattern(Concept(*(concept[field] for field in fields))).pattern


def _without(pattern: str, piles: list[np.ndarray], texts: Sequence[str]) -> list[np.ndarray]:
    search = re.compile(pattern, re.IGNORECASE).search
    return [np.array([row for row in pile if not search(texts[row])], np.int64) for pile in piles]


def _texts(pool: Path) -> list[str]:
    return read_table(pool, schema="pool")["text"].to_list()


def _check_parents(drawn: list[Parent], described: pl.DataFrame, concepts: Path) -> None:
    category_of = dict(described.select("concept", "category").rows())
    if len({category_of[parent.without] for parent in drawn}) < 2:
        raise GolgiError(
            f"{concepts}: a hierarchy needs two categories of two concepts or more, with sentences "
            f"of their own; here are {described['category'].n_unique()} categories for "
            f"{len(described)} concepts."
        )


def _described(drawn: list[Parent], halves: np.ndarray) -> dict[str, str]:
    columns = {
        "without": [parent.without for parent in drawn],
        "half": [parent.half for parent in drawn],
        "positives": [len(parent.rows[0]) for parent in drawn],
        "negatives": [len(parent.rows[1]) for parent in drawn],
        "halves": halves.tolist(),
    }
    return {name: json.dumps(values) for name, values in columns.items()}
