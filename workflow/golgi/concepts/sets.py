"""Positives and negatives of every concept, drawn from the one pool."""

import re
import zlib
from collections.abc import Iterator

import numpy as np

from golgi.errors import GolgiError


def draw_negatives(
    texts: list[str], owners: list[str], patterns: dict[str, re.Pattern[str]], *, number: int, seed: int
) -> dict[str, list[int]]:
    """Return for every concept the rows of `number` negatives, spread evenly over the other concepts.

    `texts` and `owners` are the pool's sentences and their concepts; `patterns` finds each concept's word. A
    sentence that contains the concept's word is never its negative. The negatives of a concept are the other
    concepts' sentences, as in Suau et al. 2020 (section 4). Raises GolgiError naming every concept for which
    too few remain.
    """
    rows_of: dict[str, list[int]] = {concept: [] for concept in patterns}
    for row, owner in enumerate(owners):
        rows_of[owner].append(row)
    negatives, short = {}, []
    for concept, pattern in patterns.items():
        generator = np.random.default_rng([seed, zlib.crc32(concept.encode())])
        others = [rows for owner, rows in rows_of.items() if owner != concept]
        shuffled = [_shuffled(rows, generator) for rows in others]
        piles = [_without(pattern, rows, texts) for rows in shuffled]
        negatives[concept] = _round_robin(piles, number, generator)
        if len(negatives[concept]) < number:
            short.append(f"  {concept}: {len(negatives[concept])}")
    if short:
        raise GolgiError(
            f"concepts.sentences.negatives asks for {number}, but the other concepts have fewer sentences "
            "without the concept's word for:\n" + "\n".join(short)
        )
    return negatives


def _shuffled(rows: list[int], generator: np.random.Generator) -> list[int]:
    return [rows[place] for place in generator.permutation(len(rows))]


def _without(pattern: re.Pattern[str], rows: list[int], texts: list[str]) -> Iterator[int]:
    # Lazily: a concept needs few of the rows, and searching is what takes the time.
    return (row for row in rows if not pattern.search(texts[row]))


def _round_robin(piles: list[Iterator[int]], number: int, generator: np.random.Generator) -> list[int]:
    taken: list[int] = []
    while len(taken) < number:
        ring = [row for pile in piles if (row := next(pile, None)) is not None]
        if not ring:
            break
        taken += _shuffled(ring, generator)[: number - len(taken)]
    return sorted(taken)
