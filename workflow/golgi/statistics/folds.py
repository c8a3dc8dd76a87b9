"""Disjoint folds of a concept's sentences, in several sizes of which the smaller lie within the larger."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golgi.errors import GolgiError
from golgi.experts.expertise import Rows

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


def draw_folds(rows: Rows, concept: str, grid: Grid, *, seed: int) -> list[Rows]:
    """Return the label sets [cell * fold] of a concept: (positive rows, negative rows), cell by cell.

    Folds share no positive and no negative (Suau et al. 2020, sec. 4). A smaller size is the beginning of
    the same fold at a larger one, so sizes are compared on the same draws. The draw depends on the seed, the
    concept's name and its rows, not on other concepts. Raises GolgiError where sentences do not suffice.
    """
    random = np.random.default_rng([seed, DRAWN, *concept.encode()])
    most = max(grid.positives), max(grid.negatives)
    for kind, size, there in zip(("positives", "negatives"), most, map(len, rows), strict=True):
        if grid.folds * size > there:
            raise GolgiError(
                f"Concept {concept} has {there} {kind}: too few for {grid.folds} disjoint folds of {size}."
            )
    positives, negatives = (
        random.permutation(part)[: grid.folds * size].reshape(grid.folds, size)
        for part, size in zip(rows, most, strict=True)
    )
    return [
        (positives[fold, :one], negatives[fold, :other])
        for one, other in grid.cells
        for fold in range(grid.folds)
    ]


def shuffle_each(sets: Sequence[Rows], concept: str, *, seed: int) -> list[Rows]:
    """Return the label sets of a concept with the labels of each permuted within it, its sizes kept."""
    random = np.random.default_rng([seed, SHUFFLED, *concept.encode()])
    return [_shuffled(rows, random) for rows in sets]


def shuffle_often(rows: Rows, concept: str, *, shuffles: int, seed: int) -> list[Rows]:
    """Return `shuffles` label sets with the rows and sizes of one, its labels permuted each time anew.

    More shuffles begin with the same ones as fewer do.
    """
    random = np.random.default_rng([seed, SHUFFLED, *concept.encode()])
    return [_shuffled(rows, random) for _ in range(shuffles)]


def _shuffled(rows: Rows, random: np.random.Generator) -> Rows:
    union = random.permutation(np.concatenate(rows))
    return union[: len(rows[0])], union[len(rows[0]) :]
