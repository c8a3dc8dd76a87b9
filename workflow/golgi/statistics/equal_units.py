"""The best units of every concept, as many in each basis: how expert they are, and how many they share."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from golgi.experts.chance import chance_precision
from golgi.statistics.categories import category_means
from golgi.statistics.overlap import jaccard
from golgi.statistics.precision import Point, check_concepts, layer_blocks, read_point, scored_layers
from golgi.statistics.resampling import bootstrap_means
from golgi.tables import open_arrays

logger = logging.getLogger(__name__)

ORDER = np.uint32(0xFFFFFFFF)  # average precision is not negative: its bits rise with it


@dataclass(frozen=True)
class TopUnits:
    """The best units of each concept, best first: average precision and place in the model, [concept, n]."""

    precision: np.ndarray
    places: np.ndarray


@dataclass(frozen=True)
class Basis:
    """The best units of one model at one checkpoint under one control, out of `units`."""

    point: Point
    control: str
    units: int
    top: TopUnits

    def means(self, size: int) -> np.ndarray:
        """Return the mean average precision [concept] of the `size` best units."""
        return self.top.precision[:, :size].mean(axis=1, dtype=np.float64)


def top_units(blocks: Iterable[np.ndarray], count: int) -> TopUnits:
    """Return the `count` units of highest average precision of each concept; of equals, those met first.

    `blocks` hold average precision [concept, unit] of disjoint units; all units must be at least `count`.
    Memory is about eight times that of a block.
    """
    best, place = None, 0
    for block in blocks:
        # One number per unit, in the order wanted: high precision first, then low place.
        rank = ORDER - np.ascontiguousarray(block, np.float32).view(np.uint32)
        keys = rank.astype(np.uint64) << np.uint64(32)
        keys |= np.arange(place, place + block.shape[1], dtype=np.uint64)
        best = keys if best is None else np.concatenate([best, keys], axis=1)
        if best.shape[1] > count:
            best = np.partition(best, count - 1, axis=1)[:, :count]
        place += block.shape[1]
    best = np.sort(best, axis=1)
    precision = (ORDER - (best >> np.uint64(32)).astype(np.uint32)).view(np.float32)
    return TopUnits(precision, (best & np.uint64(ORDER)).astype(np.int64))


def compare_equal_units(
    *,
    aps: Sequence[Path],
    described: pl.DataFrame,
    sizes: Sequence[int],
    last_checkpoints: dict[str, str],
    bootstraps: int,
    seed: int,
) -> pl.DataFrame:
    """Return table `equal_units` of every control in the files of average precision.

    `described` is the table of concepts. Sizes above a model's number of units are left out and logged.
    """
    labels = described["category"].to_numpy()
    bases = [basis for path in aps for basis in _read_bases(path, described["concept"].to_list(), max(sizes))]
    chance = np.mean([chance_precision(*row) for row in described.select("positives", "negatives").rows()])
    tests = [(basis, size) for basis in bases for size in sorted(sizes) if size <= basis.units]
    reference = {basis.point.model: basis for basis in bases if _is_reference(basis, last_checkpoints)}
    means = np.stack([basis.means(size) for basis, size in tests], axis=1)  # [concept, test]
    measured = np.stack([_reference_means(reference, *test) for test in tests], axis=1)
    low, high = bootstrap_means(means, draws=bootstraps, seed=seed)
    difference_low, difference_high = bootstrap_means(measured - means, draws=bootstraps, seed=seed)
    sharing = [_sharing(basis.top.places[:, :size], labels) for basis, size in tests]
    frame = pl.DataFrame([_identity(*test) for test in tests], infer_schema_length=None)
    return frame.with_columns(
        pl.lit(len(labels)).alias("concepts"),
        pl.lit(float(chance)).alias("chance"),
        pl.Series("ap", means.mean(axis=0)),
        pl.Series("low", low),
        pl.Series("high", high),
        pl.Series("difference", (measured - means).mean(axis=0)).fill_nan(None),
        pl.Series("difference_low", difference_low).fill_nan(None),
        pl.Series("difference_high", difference_high).fill_nan(None),
        *(pl.Series(name, [row[name] for row in sharing], pl.Float64) for name in sharing[0]),
    )


def _read_bases(path: Path, names: list[str], most: int) -> list[Basis]:
    bases = []
    with open_arrays(path) as arrays:
        check_concepts(arrays, names)
        point = read_point(arrays)
        for control, group in groupby(scored_layers(arrays), key=lambda layer: layer.control):
            layers = list(group)
            units = sum(arrays.shape(layer.key)[1] for layer in layers)
            bases.append(
                Basis(point, control, units, top_units(layer_blocks(arrays, layers), min(most, units)))
            )
    if units < most:
        logger.warning("%s: %d units; more than that cannot be compared.", path, units)
    return bases


def _is_reference(basis: Basis, last_checkpoints: dict[str, str]) -> bool:
    return basis.control == "measured" and basis.point.checkpoint == last_checkpoints.get(basis.point.model)


def _reference_means(reference: dict[str, Basis], basis: Basis, size: int) -> np.ndarray:
    compared = reference.get(basis.point.model)
    if compared is None or compared is basis:
        return np.full(len(basis.top.places), np.nan)
    return compared.means(size)


def _identity(basis: Basis, size: int) -> dict[str, str | int | None]:
    point = basis.point
    where = {"model": point.model, "checkpoint": point.checkpoint, "step": point.step}
    return where | {"control": basis.control, "size": size, "units": basis.units}


def _sharing(places: np.ndarray, labels: np.ndarray) -> dict[str, float | None]:
    similarity = jaccard(shared_units(places))[None]
    pairs_within = (labels[:, None] == labels).sum() > len(labels)
    pairs_between = (labels[:, None] != labels).any()
    if not pairs_within or not pairs_between:
        return {"within": None, "between": None, "ratio": None}
    within, between = (float(mean[0]) for mean in category_means(similarity, labels))
    return {"within": within, "between": between, "ratio": within / between if between else None}


def shared_units(places: np.ndarray) -> np.ndarray:
    """Return how many units each two concepts share, [concept, concept], of their units' places [concept, n].

    >>> shared_units(np.array([[0, 1], [1, 5]]))
    array([[2, 1],
           [1, 2]])
    """
    concepts, count = places.shape
    units, columns = np.unique(places, return_inverse=True)
    starts = np.arange(0, concepts * count + 1, count)
    ones = np.ones(places.size, np.int64)
    members = csr_array((ones, columns.ravel(), starts), shape=(concepts, len(units)))
    return (members @ members.T).toarray()
