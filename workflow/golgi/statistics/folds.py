"""Disjoint folds of a concept's sentences, in several sizes of which the smaller lie within the larger.

Sentences of one origin, a document or a template's frame, resemble each other: folds that share origins agree
for more than the concept's sake. Whole origins are therefore dealt, as far as they fill the folds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golgi.concepts.origins import number_origins, numbered
from golgi.errors import GolgiError
from golgi.experts.expertise import Rows
from golgi.tables import read_table

# Parts of a seed, so that folds, and labels shuffled in them, are drawn apart from all else of that concept.
DRAWN, SHUFFLED = 11, 12


@dataclass(frozen=True)
class Grid:
    """How many folds there are, and the sizes that each is cut down to: every pair of the two lists."""

    folds: int
    positives: Sequence[int]
    negatives: Sequence[int]

    @property
    def cells(self) -> list[tuple[int, int]]:
        """(positives, negatives) of every size."""
        return [(one, other) for one in self.positives for other in self.negatives]

    @property
    def rows(self) -> int:
        """Rows that all label sets of one concept name together."""
        return self.folds * sum(one + other for one, other in self.cells)


def read_origins(pool: Path) -> np.ndarray:
    """Return a number [sentence] for the origin of each sentence of the pool.

    A sentence of unknown origin has a number of its own.
    """
    origins = read_table(pool, schema="pool").sort("sentence")["origin"].to_list()
    return number_origins(origins)


def draw_folds(rows: Rows, concept: str, grid: Grid, *, origins: np.ndarray, seed: int) -> list[Rows]:
    """Return the label sets [cell * fold] of a concept: (positive rows, negative rows), cell by cell.

    Folds share no positive and no negative (Suau et al. 2020, sec. 4), and no origin either, be it between
    positives and negatives, where whole origins fill folds of the largest size. What a fold lacks then comes
    from those that have more than they need, so that as few sentences as possible leave their origin;
    `shared_origins` counts the origins so split. origins [sentence] are numbers for all rows of the pool.

    A smaller size is the beginning of the same fold at a larger one, so sizes are compared on the same draws,
    and a fold ends with what it took from others. The draw depends on the seed, the concept's name, its rows
    and which of them are of one origin, not on other concepts. Raises GolgiError where sentences do not
    suffice.
    """
    random = np.random.default_rng([seed, DRAWN, *concept.encode()])
    most = max(grid.positives), max(grid.negatives)
    for kind, size, there in zip(("positives", "negatives"), most, map(len, rows), strict=True):
        if grid.folds * size > there:
            raise GolgiError(
                f"Concept {concept} has {there} {kind}: too few for {grid.folds} disjoint folds of {size}."
            )
    homes = _deal_origins([origins[part] for part in rows], grid.folds, random)
    positives, negatives = (
        _fill_folds(part, home, grid.folds, size, random)
        for part, home, size in zip(rows, homes, most, strict=True)
    )
    return [
        (positives[fold, :one], negatives[fold, :other])
        for one, other in grid.cells
        for fold in range(grid.folds)
    ]


def shared_origins(folds: Sequence[Rows], origins: np.ndarray) -> int:
    """Return how many origins more than one of the folds has sentences of, positive or negative."""
    held = [np.unique(origins[np.concatenate(rows)]) for rows in folds]
    return int((np.unique(np.concatenate(held), return_counts=True)[1] > 1).sum())


def _deal_origins(parts: Sequence[np.ndarray], folds: int, random: np.random.Generator) -> list[np.ndarray]:
    """The fold of each positive and each negative: the largest origins first, each to the emptiest fold."""
    numbers = numbered(np.concatenate(parts).tolist())
    of_parts = np.split(numbers, [len(parts[0])])
    counts = np.stack([np.bincount(part, minlength=numbers.max() + 1) for part in of_parts], axis=1)
    shares = counts / counts.sum(axis=0)  # [origin, class]
    order = random.permutation(len(shares))
    order = order[np.argsort(-shares[order].sum(axis=1), kind="stable")]
    held, home = np.zeros((folds, 2)), np.empty(len(shares), np.int64)
    for origin in order:
        # Emptiest of the classes that the origin has sentences of, in proportion to how many.
        home[origin] = np.argmin(held @ shares[origin])
        held[home[origin]] += shares[origin]
    return [home[part] for part in of_parts]


def _fill_folds(
    rows: np.ndarray, home: np.ndarray, folds: int, size: int, random: np.random.Generator
) -> np.ndarray:
    """Rows [fold, size] of one class, those at home in a fold first."""
    order = random.permutation(len(rows))
    dealt = [rows[order][home[order] == fold] for fold in range(folds)]
    spare, filled = np.concatenate([part[size:] for part in dealt]), []
    for part in dealt:
        lacking = max(size - len(part), 0)
        filled.append(np.concatenate([part[:size], spare[:lacking]]))
        spare = spare[lacking:]
    return np.stack(filled)


def shuffle_each(sets: Sequence[Rows], concept: str, *, seed: int) -> list[Rows]:
    """Return the label sets of a concept with the labels of each permuted within it, its sizes kept."""
    random = np.random.default_rng([seed, SHUFFLED, *concept.encode()])
    return [_shuffled(rows, random) for rows in sets]


def shuffle_often(rows: Rows, concept: str, *, shuffles: int, seed: int) -> list[Rows]:
    """Return `shuffles` label sets with the rows and sizes of one, its labels permuted each time anew.

    Sentences are permuted one by one, whatever their origin: the null of false discoveries takes them to be
    exchangeable. More shuffles begin with the same ones as fewer do.
    """
    random = np.random.default_rng([seed, SHUFFLED, *concept.encode()])
    return [_shuffled(rows, random) for _ in range(shuffles)]


def _shuffled(rows: Rows, random: np.random.Generator) -> Rows:
    union = random.permutation(np.concatenate(rows))
    return union[: len(rows[0])], union[len(rows[0]) :]
