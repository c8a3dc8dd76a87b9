"""Does a model find the same concepts alike as people do?"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.statistics.overlap import cosine
from golgi.statistics.precision import Point
from golgi.statistics.references import Reference, load_reference
from golgi.statistics.resampling import holm_planned
from golgi.statistics.similarity import Overlap, read_overlaps
from golgi.statistics.spearman import bootstrap_spearman, mantel_test, spearman
from golgi.tables import open_arrays, read_table, write_table

logger = logging.getLogger(__name__)

BASELINES = {"input": "input_embedding", "sentence": "sentence_embedding"}


@dataclass(frozen=True)
class _Test:
    point: Point
    control: str
    measure: str
    matrix: np.ndarray  # [concept, concept]
    threshold: float | None = None
    empty: np.ndarray | None = (
        None  # [concept, concept] neither has an expert; None for measures without sets
    )
    planned: bool = False


def measure_alignment(
    *,
    overlaps: Sequence[Path],
    concepts: Path,
    lexicon: Path,
    embeddings: Sequence[Path],
    references: dict[str, dict[str, Any]],
    reference_files: dict[str, Path],
    planned_threshold: float,
    last_checkpoints: dict[str, str],
    permutations: int,
    bootstraps: int,
    seed: int,
    alignment: Path,
    pairs: Path,
) -> None:
    """Write tables `alignment` (rank correlations with ratings) and `alignment_pairs` (their pairs).

    Alignment as in Fedzechkina et al. 2025. `overlaps` and `embeddings` are files of the same models
    and checkpoints, in the same order; `references` are the spec's entries by name, `reference_files` the
    tables of those that are not the lexicon. The planned family, adjusted by Holm's method, is the measured
    Jaccard overlap at `planned_threshold` and each model's last checkpoint (model -> checkpoint), with every
    reference; one whose rho is undefined stays in the family as p = 1, and its own cells are empty. Raises
    GolgiError for faulty references and for files that do not fit the concepts.
    """
    described = read_table(concepts, schema="concepts")
    ratings = [
        load_reference(name, entry, described, lexicon=lexicon, file=reference_files.get(name))
        for name, entry in references.items()
    ]
    points = [read_overlaps(path, described["concept"].to_list()) for path in overlaps]
    tables = [table for point in points for table in point]
    tests = _overlap_tests(tables, planned_threshold, last_checkpoints)
    tests += _baseline_tests(points, embeddings, len(described))
    logger.info("%d similarities against %d references.", len(tests), len(ratings))
    frames = [_align(tests, reference, permutations, bootstraps, seed) for reference in ratings]
    write_table(_adjust(pl.concat(frames)), alignment, schema="alignment", csv=True)
    shown = [table for table in tables if _is_shown(table, planned_threshold, last_checkpoints)]
    if not shown:
        raise GolgiError(f"No overlap was measured at a last checkpoint and tau = {planned_threshold:g}.")
    frames = [_rated_pairs(table, reference, described) for table in shown for reference in ratings]
    write_table(pl.concat(frames), pairs, schema="alignment_pairs", csv=True)


def _is_shown(table: Overlap, threshold: float, last_checkpoints: dict[str, str]) -> bool:
    last = table.is_last(last_checkpoints) or table.control == "untrained"
    return last and table.is_threshold(threshold)


def _overlap_tests(tables: list[Overlap], threshold: float, last_checkpoints: dict[str, str]) -> list[_Test]:
    tests: dict[tuple, _Test] = {}
    for table in tables:
        planned = table.control == "measured" and table.is_planned(threshold, last_checkpoints)
        for measure, matrix in table.matrices.items():
            if measure == "ap_cosine":  # the same at every threshold
                test = _Test(table.point, table.control, measure, matrix)
            else:
                sets = table.threshold, table.empty, planned and measure == "jaccard"
                test = _Test(table.point, table.control, measure, matrix, *sets)
            tests.setdefault((test.point, test.control, measure, test.threshold), test)
    return list(tests.values())


def _baseline_tests(points: list[list[Overlap]], embeddings: Sequence[Path], concepts: int) -> list[_Test]:
    if len(points) != len(embeddings):
        raise GolgiError(f"{len(points)} tables of overlap, but {len(embeddings)} files of embeddings.")
    tests = []
    for point, path in zip(points, embeddings, strict=True):
        with open_arrays(path) as arrays:
            for name, control in BASELINES.items():
                matrix = _embedding_cosine(path, name, arrays.read(name), concepts)
                tests.append(_Test(point[0].point, control, "cosine", matrix))
    return tests


def _embedding_cosine(path: Path, name: str, vectors: np.ndarray, concepts: int) -> np.ndarray:
    if len(vectors) != concepts:
        raise GolgiError(
            f"{path}, {name}: embeddings of {len(vectors)} concepts, but the study has {concepts}."
        )
    if not np.isfinite(vectors).all():
        raise GolgiError(f"{path}, {name}: an embedding is not finite.")
    vectors = vectors.astype(np.float64)
    return cosine(vectors @ vectors.T)


def _align(
    tests: list[_Test], reference: Reference, permutations: int, bootstraps: int, seed: int
) -> pl.DataFrame:
    words, places = np.unique(np.stack([reference.first, reference.second]), return_inverse=True)
    first, second = places.reshape(2, -1)
    similarity = np.stack([test.matrix[np.ix_(words, words)] for test in tests])
    values = similarity[:, first, second]
    low, high = bootstrap_spearman(values, first, second, reference.ratings, draws=bootstraps, seed=seed)
    rho = spearman(values, reference.ratings)
    defined = np.isfinite(rho)
    columns = {
        "rho": rho,
        "low": np.where(defined, low, np.nan),
        "high": np.where(defined, high, np.nan),
        "p": mantel_test(similarity, first, second, reference.ratings, draws=permutations, seed=seed),
    }
    rows = [_describe(test, reference) for test in tests]
    frame = pl.DataFrame(
        rows, schema_overrides={"step": pl.Int64, "threshold": pl.Float64, "ceiling": pl.Float64}
    )
    return frame.with_columns(
        *(pl.Series(name, values).fill_nan(None) for name, values in columns.items()),
        pl.lit(len(words), pl.Int64).alias("words"),
    )


def _describe(test: _Test, reference: Reference) -> dict[str, Any]:
    return {
        "model": test.point.model,
        "checkpoint": test.point.checkpoint,
        "step": test.point.step,
        "control": test.control,
        "measure": test.measure,
        "threshold": test.threshold,
        "reference": reference.name,
        "pairs": len(reference.ratings),
        "family": "planned" if test.planned else "exploratory",
        "ceiling": reference.ceiling,
        "empty_pairs": 0 if test.empty is None else int(test.empty[reference.first, reference.second].sum()),
    }


def _adjust(frame: pl.DataFrame) -> pl.DataFrame:
    adjusted = holm_planned(frame["p"].to_numpy(), (frame["family"] == "planned").to_numpy())
    return frame.with_columns(pl.Series("p_holm", adjusted).fill_nan(None))


def _rated_pairs(table: Overlap, reference: Reference, described: pl.DataFrame) -> pl.DataFrame:
    names, categories = described["concept"].to_numpy(), described["category"].to_numpy()
    frame = pl.DataFrame(
        {
            "concept_a": names[reference.first],
            "concept_b": names[reference.second],
            "rating": reference.ratings,
            "similarity": table.matrices["jaccard"][reference.first, reference.second],
            "same_category": (categories[reference.first] == categories[reference.second]).astype(bool),
        }
    )
    return frame.with_columns(
        *table.point.columns(),
        pl.lit(table.control).alias("control"),
        pl.lit(reference.name).alias("reference"),
    )
