"""Which sentences a concept's best units tell best and worst, and which they take for the concept's own."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from golgi.atlas.neighbours import highest
from golgi.experts.expertise import Rows

MOST_UNITS = 10
SHOWN = 4  # sentences of each standing


class BestUnits:
    """The best units of every concept, found one block of units after another."""

    def __init__(self, concepts: int, most: int = MOST_UNITS):
        self.ap = np.full((concepts, most), -np.inf, np.float32)
        self.row = np.full((concepts, most), -1, np.int64)

    def add(self, block: np.ndarray, start: int) -> None:
        """Take in average precisions [concept, unit] of the rows from `start` on; the block is used up."""
        most = self.ap.shape[1]
        places, ap = highest(block, most)
        ap, row = np.hstack([self.ap, ap]), np.hstack([self.row, places + start])
        order = np.argsort(-ap, axis=1, kind="stable")[:, :most]
        self.ap, self.row = np.take_along_axis(ap, order, 1), np.take_along_axis(row, order, 1)

    def experts(self, threshold: float) -> list[np.ndarray]:
        """Return the rows of each concept's units that reach the threshold, the best first."""
        return [row[ap >= np.float32(threshold)] for ap, row in zip(self.ap, self.row, strict=True)]


class Separations:
    """How well some units of each concept tell every one of its sentences, added up unit by unit.

    Told is a sentence from one of the other kind, positive or negative, where the unit responds more to the
    positive; where it responds the same, by half. So the mean over the positives is the area under the
    unit's ROC curve. Sums are of whole numbers: the order of units does not change them.
    """

    def __init__(self, labels: Sequence[Rows], units: Sequence[np.ndarray]):
        self.labels = labels
        self.units = np.array([len(rows) for rows in units])
        self._twice = [tuple(np.zeros(len(rows), np.int64) for rows in of_set) for of_set in labels]
        concepts = np.repeat(np.arange(len(units)), self.units)
        rows = np.concatenate([np.empty(0, np.int64), *units])
        order = np.argsort(rows, kind="stable")
        self._rows, self._concepts = rows[order], concepts[order]

    def add(self, responses: np.ndarray, start: int) -> None:
        """Take in responses [sentence, unit] of the units in the rows from `start` on."""
        first, last = np.searchsorted(self._rows, [start, start + responses.shape[1]])
        for row, concept in zip(self._rows[first:last], self._concepts[first:last], strict=True):
            of_unit = responses[:, row - start]
            told = twice_told(*(of_unit[np.asarray(rows)] for rows in self.labels[concept]))
            for total, more in zip(self._twice[concept], told, strict=True):
                total += more

    def of(self, concept: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the separation, 0 to 1, of every positive and of every negative of a concept."""
        others = [len(rows) for rows in reversed(self.labels[concept])]
        pairs = zip(self._twice[concept], others, strict=True)
        positives, negatives = (twice / (2 * other * self.units[concept]) for twice, other in pairs)
        return positives, negatives


def twice_told(positives: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return, for every positive and every negative, twice the number of the other kind that it is told from.

    >>> twice_told(np.array([3, 1]), np.array([1, 0, 5]))
    (array([4, 3]), array([3, 4, 0]))
    """
    below, above = np.sort(negatives), np.sort(positives)
    of_positives = np.searchsorted(below, positives, "left") + np.searchsorted(below, positives, "right")
    reached = np.searchsorted(above, negatives, "left") + np.searchsorted(above, negatives, "right")
    return of_positives, 2 * len(positives) - reached


def chosen_sentences(
    separations: Separations, experts: np.ndarray, names: Sequence[str], pool: pl.DataFrame
) -> pl.DataFrame:
    """Return the rows of table `atlas_sentences`, without the columns that name the checkpoint.

    `experts` [concept] counts the units that reach the threshold among those read; `pool` is that table.
    """
    rows = [
        (name, standing, rank, int(sentence), float(separation), int(experts[concept]))
        for concept, name in enumerate(names)
        for standing, rank, sentence, separation in _standing(separations, concept)
    ]
    columns = ["concept", "standing", "rank", "sentence", "separation", "units"]
    found = pl.DataFrame(rows, schema=columns, orient="row")
    texts = pool.select("sentence", "text", "kind", pl.col("concept").alias("about"))
    return found.join(texts, on="sentence", how="left").with_columns(
        positive=pl.col("standing") != "confused"
    )


def _standing(separations: Separations, concept: int) -> Iterator[tuple[str, int, int, float]]:
    (positives, negatives), told = separations.labels[concept], separations.of(concept)
    best_first = np.argsort(-told[0], kind="stable")
    # Of few sentences none is among the best and among the worst.
    worst = min(SHOWN, len(positives) // 2)
    chosen = {
        "best": (positives, told[0], best_first[: min(SHOWN, len(positives) - worst)]),
        "worst": (positives, told[0], best_first[::-1][:worst]),
        "confused": (negatives, told[1], np.argsort(told[1], kind="stable")[:SHOWN]),
    }
    for standing, (sentences, separation, places) in chosen.items():
        for rank, place in enumerate(places, start=1):
            yield standing, rank, sentences[place], separation[place]
