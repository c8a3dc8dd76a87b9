"""How the number of experts and their alignment change over training, by layer."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.statistics.precision import Point, check_concepts, read_point, scored_layers, unit_blocks
from golgi.statistics.references import Reference, load_reference
from golgi.statistics.resampling import bootstrap_means
from golgi.statistics.spearman import bootstrap_spearman, spearman
from golgi.tables import POLARS_TYPES, open_arrays, read_table, table_schema, write_table

logger = logging.getLogger(__name__)


@dataclass
class _Layer:
    """Experts of one layer over all its sites, or of the whole model, under one control."""

    control: str
    layer: int | None
    units: int
    sizes: np.ndarray  # experts [concept]
    shared: np.ndarray  # experts of both concepts [pair], the pairs of all references one after the other


def measure_dynamics(
    *,
    aps: Sequence[Path],
    concepts: Path,
    lexicon: Path,
    references: dict[str, dict[str, Any]],
    reference_files: dict[str, Path],
    threshold: float,
    bootstraps: int,
    seed: int,
    dynamics: Path,
    alignment: Path,
) -> None:
    """Write tables `dynamics` (experts per concept) and `dynamics_alignment` (with each reference), by layer.

    As in Fedzechkina et al. 2025. `aps` are the arrays `score_experts` wrote, of all models and checkpoints.
    Every control has a row per layer, its sites together, and one of all layers (`layer` empty). Intervals
    resample concepts, those of alignment words. Without `references` the second table has no row. Raises
    GolgiError for faulty references and for arrays that do not fit the concepts.
    """
    described = read_table(concepts, schema="concepts")
    ratings = [
        load_reference(name, entry, described, lexicon=lexicon, file=reference_files.get(name))
        for name, entry in references.items()
    ]
    counted, aligned = [], [_no_rows("dynamics_alignment")]
    for path in aps:
        point, layers = _read_point(path, described["concept"].to_list(), ratings, threshold)
        common = (*point.columns(), pl.lit(float(threshold)).alias("threshold"))
        counted.append(_count(layers, bootstraps, seed).with_columns(*common))
        for reference, pairs in zip(ratings, _slices(ratings), strict=True):
            frame = _align(layers, reference, pairs, bootstraps, seed)
            aligned.append(frame.with_columns(*common))
    logger.info("Followed %d models and checkpoints, %d references.", len(counted), len(ratings))
    write_table(pl.concat(counted), dynamics, schema="dynamics", csv=True)
    write_table(pl.concat(aligned, how="diagonal"), alignment, schema="dynamics_alignment", csv=True)


def count_members(
    blocks: Iterable[np.ndarray], threshold: float, first: np.ndarray, second: np.ndarray, concepts: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sizes of expert sets [concept] and how many experts pairs of concepts share [pair].

    `blocks` hold average precision [concept, unit] of disjoint units; `first` and `second` [pair] are places
    on the concept axis.
    """
    sizes, shared = np.zeros(concepts, np.int64), np.zeros(len(first), np.int64)
    for block in blocks:
        members = block >= np.float32(threshold)
        sizes += members.sum(axis=1)
        if len(first):
            members = members[:, members.any(axis=0)].astype(np.float32)  # exact below 2^24 units a block
            shared += (members @ members.T)[first, second].astype(np.int64)
    return sizes, shared


def _read_point(
    path: Path, names: list[str], references: list[Reference], threshold: float
) -> tuple[Point, list[_Layer]]:
    first = np.concatenate([np.empty(0, np.int64), *(reference.first for reference in references)])
    second = np.concatenate([np.empty(0, np.int64), *(reference.second for reference in references)])
    found: dict[tuple, _Layer] = {}
    with open_arrays(path) as arrays:
        check_concepts(arrays, names)
        for scored in scored_layers(arrays):
            blocks = unit_blocks(arrays, scored.key)
            sizes, shared = count_members(blocks, threshold, first, second, len(names))
            for layer in (scored.layer, None):
                empty = _Layer(scored.control, layer, 0, np.zeros_like(sizes), np.zeros_like(shared))
                held = found.setdefault((scored.control, layer), empty)
                held.units += arrays.shape(scored.key)[1]
                held.sizes += sizes
                held.shared += shared
        return read_point(arrays), list(found.values())


def _slices(references: list[Reference]) -> list[slice]:
    ends = np.cumsum([0, *(len(reference.ratings) for reference in references)]).tolist()
    return [slice(start, end) for start, end in pairwise(ends)]


def _identities(layers: list[_Layer]) -> pl.DataFrame:
    rows = [(layer.control, layer.layer) for layer in layers]
    return pl.DataFrame(rows, schema={"control": pl.String, "layer": pl.Int64}, orient="row")


def _count(layers: list[_Layer], bootstraps: int, seed: int) -> pl.DataFrame:
    experts = np.stack([layer.sizes for layer in layers], axis=1).astype(np.float64)  # [concept, test]
    low, high = bootstrap_means(experts, draws=bootstraps, seed=seed)
    units = np.array([layer.units for layer in layers])
    return _identities(layers).with_columns(
        pl.lit(len(experts), pl.Int64).alias("concepts"),
        pl.Series("units", units),
        pl.Series("experts", experts.mean(axis=0)),
        pl.Series("experts_low", low),
        pl.Series("experts_high", high),
        pl.Series("share", experts.mean(axis=0) / units),
    )


def _align(
    layers: list[_Layer], reference: Reference, pairs: slice, bootstraps: int, seed: int
) -> pl.DataFrame:
    sizes = np.stack([layer.sizes for layer in layers])
    shared = np.stack([layer.shared[pairs] for layer in layers])
    union = sizes[:, reference.first] + sizes[:, reference.second] - shared
    overlap = np.divide(shared, union, out=np.zeros(union.shape), where=union > 0)  # Jaccard [test, pair]
    words, places = np.unique(np.stack([reference.first, reference.second]), return_inverse=True)
    rho = spearman(overlap, reference.ratings)
    low, high = np.full(len(rho), np.nan), np.full(len(rho), np.nan)
    varied = np.isfinite(rho)
    if varied.any():
        low[varied], high[varied] = bootstrap_spearman(
            overlap[varied], *places.reshape(2, -1), reference.ratings, draws=bootstraps, seed=seed
        )
    return _identities(layers).with_columns(
        pl.lit(reference.name).alias("reference"),
        pl.lit(len(reference.ratings), pl.Int64).alias("pairs"),
        pl.lit(len(words), pl.Int64).alias("words"),
        pl.Series("rho", rho).fill_nan(None),
        pl.Series("low", low).fill_nan(None),
        pl.Series("high", high).fill_nan(None),
        pl.lit(reference.ceiling, pl.Float64).alias("ceiling"),
        pl.Series("empty_pairs", (union == 0).sum(axis=1)),
    )


def _no_rows(schema: str) -> pl.DataFrame:
    columns = table_schema(schema)["columns"]
    return pl.DataFrame(schema={column["name"]: POLARS_TYPES[column["type"]] for column in columns})
