"""How many experts would chance give, and how many are left when false ones are controlled?

The null hypothesis of a unit and a concept: labels tell nothing about the unit's responses. Under it the
labels may be permuted. The average precision (AP) of permuted labels depends on how many positives and
negatives there are and on which responses tie, not on the responses themselves. The sizes are the same for
all units of a model, so that the APs of all its units, over all shuffles, are draws from one distribution per
concept, but for ties: pooled, they give p-values far smaller than the shuffles of a single unit could. A unit
with many ties draws from a somewhat other one, and pooling averages over these.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import false_discovery_control

from golgi.errors import GolgiError
from golgi.experts.chance import chance_precision
from golgi.experts.expertise import Rows
from golgi.experts.scoring import read_sets
from golgi.statistics.folds import shuffle_often
from golgi.statistics.precision import Layer, Point, check_concepts, scored_layers
from golgi.statistics.rescoring import concept_passes, scored_blocks
from golgi.tables import Arrays, open_arrays, read_table, write_table

logger = logging.getLogger(__name__)

GROUP_BYTES = 512 * 2**20  # of average precision and counts [concept, unit] that are held at a time


class PooledNull:
    """Average precision under shuffled labels, pooled per concept over units and shuffles.

    measured [concept, unit] float32 are the APs to be judged. Of the null only counts are kept: exact ranks
    among the measured ones, and how many reach each threshold.
    """

    def __init__(self, measured: np.ndarray, thresholds: Sequence[float]):
        self.ordered = np.sort(measured, axis=1)
        self.thresholds = np.array(thresholds, np.float32)
        self.reached = np.zeros((len(measured), len(thresholds)), np.int64)  # [concept, threshold]
        self._passed = np.zeros((len(measured), measured.shape[1] + 1), np.uint32)

    def add(self, block: np.ndarray) -> None:
        """Count APs [concept, shuffle, unit] of shuffled labels."""
        for place, values in enumerate(block.reshape(len(block), -1)):
            self.reached[place] += (values[:, None] >= self.thresholds).sum(axis=0)
            # A value that is at least the k lowest measured APs has reached these and no others.
            reached = np.searchsorted(self.ordered[place], values, side="right")
            self._passed[place] += np.bincount(reached, minlength=self._passed.shape[1]).astype(np.uint32)

    def p_values(self, place: int) -> np.ndarray:
        """Return p-values [unit] of one concept in the order of `ordered`, from the lowest AP to the highest.

        p = (1 + b) / (1 + m): b of the m null APs reach the unit's own (Phipson and Smyth 2010).
        """
        above = np.cumsum(self._passed[place, ::-1], dtype=np.int64)[::-1]
        return (1 + above[1:]) / (1 + above[0])


def discover(ordered: np.ndarray, p: np.ndarray, thresholds: Sequence[float], level: float) -> np.ndarray:
    """Return [3, threshold]: units that reach a threshold, those of them rejected, all that are rejected.

    ordered [unit] are APs and p [unit] their p-values. Benjamini and Hochberg (1995) over the units, at
    `level`: of the rejected ones that share at most is expected to be false, under independence or positive
    dependence of the units' p-values.
    """
    rejected = false_discovery_control(p, method="bh") <= level
    reaches = ordered >= np.array(thresholds, np.float32)[:, None]
    everywhere = np.full(len(thresholds), rejected.sum())
    return np.stack([reaches.sum(axis=1), (reaches & rejected).sum(axis=1), everywhere])


def measure_discoveries(
    *,
    responses: Path,
    ap: Path,
    sets: Path,
    concepts: Path,
    point: Point,
    thresholds: Sequence[float],
    level: float,
    shuffles: int,
    seed: int,
    threads: int = 1,
    discoveries: Path,
) -> None:
    """Write table `discoveries` of one model and checkpoint: experts, expected false ones, controlled ones.

    `responses` holds "{site}/{layer}" [row, unit], `ap` what `score_experts` made of them; the labels of each
    concept are shuffled `shuffles` times. Raises GolgiError if the two files and the sets do not fit.
    """
    described = read_table(concepts, schema="concepts")
    names = described["concept"].to_list()
    labels = read_sets(sets, names)
    described = described.with_columns(
        chance=pl.Series([chance_precision(len(one), len(other)) for one, other in labels], dtype=pl.Float64)
    )
    frames = []
    with open_arrays(responses) as read, open_arrays(ap) as scored:
        check_concepts(scored, names)
        layers = _layers(scored, read)
        units = sum(scored.shape(layer.key)[1] for layer in layers)
        _warn_of_few(shuffles, units, level)
        rows_each = shuffles * max(len(one) + len(other) for one, other in labels)
        for part in concept_passes(len(names), rows_each, most=GROUP_BYTES // (8 * units)):
            measured = np.concatenate([scored.rows(layer.key, part) for layer in layers], axis=1)
            null = PooledNull(measured, thresholds)
            drawn = _shuffled(names[part], labels[part], shuffles, seed)
            for _, _, block in scored_blocks(read, drawn, threads=threads):
                null.add(block.reshape(len(measured), shuffles, -1))
            frames.append(_rows(null, described[part], thresholds, level, shuffles))
    control = "untrained" if point.checkpoint == "untrained" else "measured"
    frame = pl.concat(frames).with_columns(*point.columns(), control=pl.lit(control))
    logger.info("%s at %s: %d units, %s.", point.model, point.checkpoint, units, _in_words(frame, level))
    write_table(frame, discoveries, schema="discoveries")


def _layers(scored: Arrays, responses: Arrays) -> list[Layer]:
    layers = [layer for layer in scored_layers(scored) if layer.control in ("measured", "untrained")]
    have = {f"{layer.site}/{layer.layer}": scored.shape(layer.key)[1] for layer in layers}
    if have != {name: responses.shape(name)[1] for name in responses.names}:
        raise GolgiError(f"{scored.path} and {responses.path} are not of the same units. Delete the former.")
    return layers


def _warn_of_few(shuffles: int, units: int, level: float) -> None:
    # The lowest p there can be is 1 / (1 + shuffles * units); the n-th lowest must be level * n / units.
    least = int(np.ceil(units / level / (1 + shuffles * units)))
    if least > 1:
        logger.warning(
            "With %d shuffles, fewer than %d units of a concept cannot be told from chance at level %g: "
            "take %d shuffles or more.",
            *(shuffles, least, level, int(np.ceil(1 / level))),
        )


def _shuffled(names: Sequence[str], labels: Sequence[Rows], shuffles: int, seed: int) -> list[Rows]:
    drawn = (
        shuffle_often(rows, name, shuffles=shuffles, seed=seed)
        for name, rows in zip(names, labels, strict=True)
    )
    return [rows for shuffled in drawn for rows in shuffled]


def _rows(
    null: PooledNull, described: pl.DataFrame, thresholds: Sequence[float], level: float, shuffles: int
) -> pl.DataFrame:
    found = np.stack(
        [
            discover(ordered, null.p_values(place), thresholds, level)
            for place, ordered in enumerate(null.ordered)
        ],
        axis=1,
    )  # [3, concept, threshold]
    experts, controlled, rejected = found.reshape(3, -1)
    expected = null.reached.ravel() / shuffles
    columns = {
        "threshold": np.tile(np.array(thresholds, np.float64), len(described)),
        "concept": described["concept"].to_numpy().repeat(len(thresholds)),
        "category": described["category"].to_numpy().repeat(len(thresholds)),
        "chance": described["chance"].to_numpy().repeat(len(thresholds)),
        "experts": experts,
        "expected": expected,
        "fdr": np.minimum(np.divide(expected, experts, out=np.ones(len(expected)), where=experts > 0), 1),
        "controlled": controlled,
        "rejected": rejected,
    }
    return pl.DataFrame(columns).with_columns(
        fdr=pl.when(pl.col("experts") > 0).then(pl.col("fdr")),
        units=pl.lit(null.ordered.shape[1], pl.Int64),
        shuffles=pl.lit(shuffles, pl.Int64),
        level=pl.lit(level, pl.Float64),
    )


def _in_words(frame: pl.DataFrame, level: float) -> str:
    lowest = frame.filter(pl.col("threshold") == frame["threshold"].min())
    sums = lowest.select(pl.col("experts", "expected", "controlled").sum()).row(0, named=True)
    return (
        f"at the lowest threshold {sums['experts']:,} experts, {sums['expected']:,.1f} expected by chance, "
        f"{sums['controlled']:,} left at level {level:g}"
    )
