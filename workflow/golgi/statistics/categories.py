"""Do concepts of one category share more experts than concepts of two?"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.statistics.resampling import (
    holm_planned,
    multiplicities,
    percentile_interval,
    permutation_p,
    permutations,
    permuted_products,
)
from golgi.statistics.similarity import Overlap, read_overlaps
from golgi.tables import read_table, write_table

logger = logging.getLogger(__name__)


def measure_categories(
    *,
    overlaps: Sequence[Path],
    concepts: Path,
    planned_threshold: float,
    last_checkpoints: dict[str, str],
    permutations: int,
    bootstraps: int,
    seed: int,
    categories: Path,
) -> None:
    """Write table `categories`: mean Jaccard overlap within and between categories, tested, with intervals.

    As in Fedzechkina et al. 2025. `overlaps` are tables of any models and checkpoints; the planned family
    is the measured overlap at `planned_threshold` and each model's last checkpoint (model -> checkpoint).
    Raises GolgiError unless there are two categories, one of them with two concepts.
    """
    described = read_table(concepts, schema="concepts")
    labels = described["category"].to_numpy()
    _check_categories(labels, concepts)
    names = described["concept"].to_list()
    frames, planned = [], []
    for path in overlaps:  # one at a time in memory, under the same draws
        tables = read_overlaps(path, names)
        frames.append(_test(tables, labels, permutations=permutations, bootstraps=bootstraps, seed=seed))
        planned += [
            table.control == "measured" and table.is_planned(planned_threshold, last_checkpoints)
            for table in tables
        ]
    frame, family = pl.concat(frames), np.array(planned)
    frame = frame.with_columns(
        pl.Series("family", np.where(family, "planned", "exploratory")),
        pl.Series("p_holm", holm_planned(frame["p"].to_numpy(), family)).fill_nan(None),
    )
    logger.info("Tested %d overlaps, %d of them planned.", len(frame), family.sum())
    write_table(frame, categories, schema="categories", csv=True)


def _test(
    tables: list[Overlap], labels: np.ndarray, *, permutations: int, bootstraps: int, seed: int
) -> pl.DataFrame:
    similarity = np.stack([table.matrices["jaccard"] for table in tables])
    within, between = category_means(similarity, labels)
    low, high = bootstrap_categories(similarity, labels, draws=bootstraps, seed=seed)
    frame = pl.DataFrame([_identity(table) for table in tables], schema_overrides={"step": pl.Int64})
    return frame.with_columns(
        pl.Series("within", within),
        pl.Series("between", between),
        pl.Series("ratio", _ratio(within, between)).fill_nan(None),
        pl.Series("difference", within - between),
        pl.Series("low", low),
        pl.Series("high", high),
        pl.Series("p", permute_categories(similarity, labels, draws=permutations, seed=seed)),
        pl.Series("pairs_within", np.full(len(tables), _within_pairs(labels).sum() // 2)),
        pl.Series("pairs_between", np.full(len(tables), _between_pairs(labels).sum() // 2)),
    )


def category_means(similarity: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean similarity of pairs within a category and of pairs from two, each [test].

    similarity [test, concept, concept] is symmetric; labels [concept] name the categories.
    """
    return similarity[:, _within_pairs(labels)].mean(axis=1), similarity[:, _between_pairs(labels)].mean(
        axis=1
    )


def permute_categories(similarity: np.ndarray, labels: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Return one-sided p-values [test] of within - between, category labels permuted over concepts."""
    orders = permutations(len(labels), draws, np.random.default_rng([seed, 0]))
    same = _within_pairs(labels).astype(np.float64)
    total = np.triu(similarity, k=1).sum(axis=(1, 2))
    inside = permuted_products(similarity, same, orders)
    observed = permuted_products(similarity, same, np.arange(len(labels))[None])[0]
    pairs = same.sum() / 2, len(labels) * (len(labels) - 1) / 2 - same.sum() / 2

    def difference(inside: np.ndarray) -> np.ndarray:
        return inside / pairs[0] - (total - inside) / pairs[1]

    return permutation_p(difference(observed), difference(inside))


def bootstrap_categories(
    similarity: np.ndarray, labels: np.ndarray, *, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of within - between, each end [test], concepts resampled."""
    weights = multiplicities(len(labels), draws, np.random.default_rng([seed, 1])).astype(np.float64)
    within, between = resampled_means(similarity, labels, weights)
    differences = within - between
    undefined = int(np.isnan(differences[:, 0]).sum())
    if undefined:
        logger.warning(
            "%d of %d bootstrap samples had no pair within or between categories.", undefined, draws
        )
    return percentile_interval(differences)


def resampled_means(
    similarity: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean similarity of pairs within a category and of pairs from two, each [draw, test].

    similarity [test, concept, concept]; weights [draw, concept] say how often a concept counts, and a pair
    counts as often as their product; no concept is paired with itself. NaN where a draw has no such pair.
    """
    means = []
    for pairs in (_within_pairs(labels), _between_pairs(labels)):
        counts = _quadratic(weights, pairs.astype(np.float64))
        sums = np.stack([_quadratic(weights, matrix * pairs) for matrix in similarity], axis=1)
        means.append(
            np.divide(sums, counts[:, None], out=np.full(sums.shape, np.nan), where=counts[:, None] > 0)
        )
    return means[0], means[1]


def _quadratic(weights: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return ((weights @ matrix) * weights).sum(axis=1)


def _within_pairs(labels: np.ndarray) -> np.ndarray:
    return (labels[:, None] == labels[None, :]) & ~np.eye(len(labels), dtype=bool)


def _between_pairs(labels: np.ndarray) -> np.ndarray:
    return labels[:, None] != labels[None, :]


def _check_categories(labels: np.ndarray, concepts: Path) -> None:
    if not _within_pairs(labels).any() or not _between_pairs(labels).any():
        raise GolgiError(
            f"{concepts}: overlap within and between categories needs two categories or more, one of them "
            f"with two concepts or more; here are {len(set(labels))} categories for {len(labels)} concepts."
        )


def _identity(table: Overlap) -> dict[str, str | int | float | None]:
    return {
        "model": table.point.model,
        "checkpoint": table.point.checkpoint,
        "step": table.point.step,
        "control": table.control,
        "threshold": table.threshold,
        "empty_pairs": int(np.triu(table.empty, k=1).sum()),
    }


def _ratio(within: np.ndarray, between: np.ndarray) -> np.ndarray:
    return np.divide(within, between, out=np.full(len(within), np.nan), where=between > 0)
