"""How many units are experts, and how average precision is distributed."""

import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl

from golgi.statistics.precision import (
    Layer,
    check_concepts,
    layer_blocks,
    read_point,
    scored_layers,
    unit_blocks,
)
from golgi.tables import Arrays, open_arrays, read_table, write_table

logger = logging.getLogger(__name__)

BINS = 50


def measure_counts(
    *, aps: Sequence[Path], concepts: Path, thresholds: Sequence[float], counts: Path, distribution: Path
) -> None:
    """Write tables `counts` and `distribution` of some models and checkpoints, every control included.

    `aps` are the arrays `score_experts` wrote. A concept without experts has its rows, with count 0. Raises
    GolgiError if arrays and concepts do not fit.
    """
    described = read_table(concepts, schema="concepts")
    counted, binned = [], []
    for path in aps:
        with open_arrays(path) as arrays:
            check_concepts(arrays, described["concept"].to_list())
            counted.append(_count_point(arrays, described, thresholds))
            binned.append(_bin_point(arrays, described["prevalence"].mean()))
    logger.info("Counted experts at %d checkpoints and %d thresholds.", len(counted), len(thresholds))
    write_table(pl.concat(counted), counts, schema="counts")
    write_table(pl.concat(binned), distribution, schema="distribution")


def count_experts(blocks: Iterable[np.ndarray], thresholds: Sequence[float], concepts: int) -> np.ndarray:
    """Return how many units reach each threshold, [threshold, concept], over blocks of AP [concept, unit]."""
    counts = np.zeros((len(thresholds), concepts), np.int64)
    for block in blocks:
        counts += np.stack([(block >= np.float32(threshold)).sum(axis=1) for threshold in thresholds])
    return counts


def bin_precision(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Return a histogram [bin] of average precision over equal bins of 0 to 1; the last one includes 1."""
    edges = _edges().astype(
        np.float32
    )  # rounded as the data are, so that an edge belongs to the bin above it
    counts = np.zeros(BINS, np.int64)
    for block in blocks:
        places = np.searchsorted(edges, block.ravel(), side="right") - 1
        counts += np.bincount(np.minimum(places, BINS - 1), minlength=BINS)
    return counts


def _edges() -> np.ndarray:
    return np.arange(BINS + 1) / BINS


def _count_point(arrays: Arrays, described: pl.DataFrame, thresholds: Sequence[float]) -> pl.DataFrame:
    frames = [_count_layer(arrays, layer, described, thresholds) for layer in scored_layers(arrays)]
    return pl.concat(frames).with_columns(*read_point(arrays).columns())


def _count_layer(
    arrays: Arrays, layer: Layer, described: pl.DataFrame, thresholds: Sequence[float]
) -> pl.DataFrame:
    counts = count_experts(unit_blocks(arrays, layer.key), thresholds, len(described))
    names = described.select("concept", "category")
    frames = [
        names.with_columns(pl.lit(float(threshold)).alias("threshold"), pl.Series("experts", row))
        for threshold, row in zip(thresholds, counts, strict=True)
    ]
    return pl.concat(frames).with_columns(
        pl.lit(layer.control).alias("control"),
        pl.lit(layer.site).alias("site"),
        pl.lit(layer.layer, pl.Int64).alias("layer"),
        pl.lit(arrays.shape(layer.key)[1], pl.Int64).alias("units"),
    )


def _bin_point(arrays: Arrays, chance: float) -> pl.DataFrame:
    edges = _edges()
    frames = []
    for control, layers in groupby(scored_layers(arrays), key=lambda layer: layer.control):
        pairs = bin_precision(layer_blocks(arrays, layers))
        frame = pl.DataFrame({"low": edges[:-1], "high": edges[1:], "pairs": pairs})
        frames.append(frame.with_columns(pl.lit(control).alias("control"), pl.lit(chance).alias("chance")))
    return pl.concat(frames).with_columns(*read_point(arrays).columns())
