"""Tests of single claims: a quantity against another, a number, or itself under other conditions.

Every function here takes a row of golgi.study.claim_rows.settled_claims and the tables, and returns a finding
whose effect is positive where the claim points.
"""

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.statistics.categories import permute_categories
from golgi.statistics.resampling import bootstrap_means, multiplicities, percentile_interval, sign_flip_test
from golgi.statistics.similarity import Overlap, read_overlaps
from golgi.statistics.spearman import spearman, weighted_spearman
from golgi.study.quantities import BASELINES, QUANTITIES
from golgi.tables import read_table

logger = logging.getLogger(__name__)

FEWEST = 5  # concepts, words or units: with four, the smallest p-value of sign flips is 1/16
SIGN_FLIPS = "sign flips"
LABELS = "permuted category labels"
BOOTSTRAP = "bootstrap"
MANTEL = "Mantel permutations"
PRINTED = "permutations"
WORDS = ("concept_a", "concept_b")


@dataclass(frozen=True)
class Finding:
    """Both sides, effect, 95 % interval and one-sided p-value; None where the tables leave them undefined."""

    value: float | None
    other: float | None
    effect: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int
    test: str


class Evidence:
    """The tables of a study, each read when a claim asks for it."""

    def __init__(self, tables: dict[str, Path]):
        self._tables = tables
        self._frames: dict[str, pl.DataFrame] = {}

    def table(self, name: str) -> pl.DataFrame:
        """Return a table by its name."""
        if name not in self._frames:
            self._frames[name] = read_table(self._tables[name], schema=name)
        return self._frames[name]

    @cached_property
    def categories(self) -> np.ndarray:
        """The category of every concept, [concept]."""
        return self.table("concepts")["category"].to_numpy()

    @cached_property
    def overlaps(self) -> list[Overlap]:
        """The overlaps of all pairs, at each model's last checkpoint and control."""
        return read_overlaps(self._tables["overlap"], self.table("concepts")["concept"].to_list())


def sign_of(row: dict[str, Any]) -> float:
    """Return 1 for a claim that something exceeds, -1 for one that it stays below."""
    return 1.0 if row["relation"] == "exceeds" else -1.0


def compare_items(row: dict[str, Any], evidence: Evidence, *, draws: int, seed: int) -> Finding:
    """Compare two quantities item by item, or one with a number: signs of the differences flipped.

    An item that either side leaves undefined takes no part, and is counted in the log.
    """
    left, items = item_values(row["left"], evidence), list(QUANTITIES[row["left"]["quantity"]].items)
    if isinstance(row["right"], dict):
        right = item_values(row["right"], evidence).rename({"value": "other"})
        both = left.join(right, on=items, how="full", coalesce=True).sort(items)
    else:
        both = left.with_columns(pl.lit(row["right"]).alias("other"))
    known = both.drop_nulls()
    if known.height < both.height:
        logger.info("%s: %d of %d have no value.", row["claim"], both.height - known.height, both.height)
    if known.is_empty():
        return nothing(SIGN_FLIPS)
    differences = sign_of(row) * (known["value"] - known["other"]).to_numpy()[:, None]
    low, high = bootstrap_means(differences, draws=draws, seed=seed)
    p = sign_flip_test(differences, draws=draws, seed=seed)
    means = known["value"].mean(), known["other"].mean()
    return Finding(*means, differences.mean(), low[0], high[0], p[0], known.height, SIGN_FLIPS)


def item_values(side: dict[str, Any], evidence: Evidence) -> pl.DataFrame:
    """Return the `value` of every item of one side, in the order of the items."""
    quantity = QUANTITIES[side["quantity"]]
    rows, items = chosen(side, evidence.table(quantity.table)), list(quantity.items)
    if not quantity.summed and rows.select(items).is_duplicated().any():
        raise GolgiError(f"table {quantity.table} has several values for one of the {quantity.replication}.")
    value = pl.col(quantity.value).cast(pl.Float64)
    means = rows.group_by(items).agg((value.sum() if quantity.summed else value.first()).alias("value"))
    return means.sort(items)


def chosen(side: dict[str, Any], frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a table that one side of a claim is about; GolgiError where there is none."""
    quantity = QUANTITIES[side["quantity"]]
    where = {quantity.columns.get(key, key): value for key, value in side["where"].items()} | quantity.fixed
    rows = frame.filter(*(_equals(column, value) for column, value in where.items()))
    if rows.is_empty():
        listed = ", ".join(f"{column} {value}" for column, value in where.items())
        raise GolgiError(f"table {quantity.table} has no row with {listed}.")
    return rows


def _equals(column: str, value: Any) -> pl.Expr:
    return (pl.col(column) - value).abs() < 1e-9 if isinstance(value, float) else pl.col(column) == value


def compare_overlaps(row: dict[str, Any], evidence: Evidence, *, draws: int, seed: int) -> Finding:
    """Compare mean overlaps: category labels permuted where they are the claim, else concepts resampled."""
    labels, sign = evidence.categories, sign_of(row)
    overlaps = [overlap_of(side, evidence) for side in (row["left"], row["right"]) if isinstance(side, dict)]
    by_category = _about_categories(row)
    if all(overlap.empty[np.triu_indices(len(labels), k=1)].all() for overlap in overlaps):
        return nothing(LABELS if by_category else BOOTSTRAP)
    weights = multiplicities(len(labels), draws, np.random.default_rng([seed, 1])).astype(np.float64)
    whole = np.ones((1, len(labels)))
    value, other = (_overlap_statistic(side, evidence, whole)[0] for side in (row["left"], row["right"]))
    samples = sign * (
        _overlap_statistic(row["left"], evidence, weights)
        - _overlap_statistic(row["right"], evidence, weights)
    )
    p = bootstrap_p(row, samples)
    if by_category:
        sign *= -1 if row["left"]["quantity"] == "between_overlap" else 1
        similarity = sign * overlaps[0].matrices["jaccard"][None]
        p = permute_categories(similarity, labels, draws=draws, seed=seed)[0]
    test = LABELS if by_category else BOOTSTRAP
    return Finding(value, other, sign_of(row) * (value - other), *_interval(samples), p, len(labels), test)


def _about_categories(row: dict[str, Any]) -> bool:
    left, right = row["left"], row["right"]
    if not isinstance(right, dict):
        return left["quantity"] == "overlap_gap" and right == 0
    names = {left["quantity"], right["quantity"]}
    return names == {"within_overlap", "between_overlap"} and left["where"] == right["where"]


def overlap_of(side: dict[str, Any], evidence: Evidence) -> Overlap:
    """Return the overlaps that one side of a claim is about; GolgiError where there are none."""
    where = side["where"]
    for overlap in evidence.overlaps:
        there = (overlap.point.model, overlap.point.checkpoint, overlap.control)
        same = there == (where["model"], where["checkpoint"], where["control"])
        if same and overlap.is_threshold(where["threshold"]):
            return overlap
    listed = ", ".join(f"{name} {value}" for name, value in where.items())
    raise GolgiError(f"table overlap has no row with {listed}.")


def _overlap_statistic(side: dict[str, Any] | float, evidence: Evidence, weights: np.ndarray) -> np.ndarray:
    if not isinstance(side, dict):
        return np.full(len(weights), side)
    within, between = pair_means(overlap_of(side, evidence).matrices["jaccard"], evidence.categories, weights)
    return {"within_overlap": within, "between_overlap": between, "overlap_gap": within - between}[
        side["quantity"]
    ]


def pair_means(
    similarity: np.ndarray, labels: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean similarity of pairs within a category and of pairs from two, each [draw].

    similarity [concept, concept]; weights [draw, concept] say how often a concept counts, and a pair counts
    as often as their product; no concept is paired with itself. NaN where a draw has no such pair.
    """
    same = labels[:, None] == labels[None, :]
    means = []
    for pairs in (same & ~np.eye(len(labels), dtype=bool), ~same):
        counts, sums = _quadratic(weights, pairs.astype(np.float64)), _quadratic(weights, similarity * pairs)
        means.append(np.divide(sums, counts, out=np.full(len(weights), np.nan), where=counts > 0))
    return means[0], means[1]


def _quadratic(weights: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return ((weights @ matrix) * weights).sum(axis=1)


def compare_alignments(row: dict[str, Any], evidence: Evidence, *, draws: int, seed: int) -> Finding:
    """Compare an alignment with 0, as table `alignment` tests it, or with another over the same words."""
    if row["right"] == 0 and row["relation"] == "exceeds":
        return _printed_alignment(row, evidence)
    sides = [rated_pairs(side, evidence) for side in (row["left"], row["right"]) if isinstance(side, dict)]
    words = np.unique(np.concatenate([side[name].to_numpy() for side in sides for name in WORDS]))
    counts = multiplicities(len(words), draws, np.random.default_rng([seed, 3]))
    values = [spearman(side["similarity"].to_numpy()[None], side["rating"].to_numpy())[0] for side in sides]
    samples = [rho_samples(side, words, counts) for side in sides]
    if len(sides) == 1:
        values, samples = [*values, row["right"]], [*samples, np.full(draws, row["right"])]
    if np.isnan(values).any():
        return nothing(BOOTSTRAP)
    differences = sign_of(row) * (samples[0] - samples[1])
    effect, p = sign_of(row) * (values[0] - values[1]), bootstrap_p(row, differences)
    return Finding(*values, effect, *_interval(differences), p, len(words), BOOTSTRAP)


def _printed_alignment(row: dict[str, Any], evidence: Evidence) -> Finding:
    where, table = row["left"]["where"], evidence.table("alignment")
    if where["control"] in BASELINES:
        side = {**row["left"], "where": {key: one for key, one in where.items() if key != "threshold"}}
        found = chosen(side, table).row(0, named=True)
    else:
        found = chosen(row["left"], table.filter(pl.col("measure") == "jaccard")).row(0, named=True)
    if found["rho"] is None:
        return nothing(MANTEL)
    ends = found["low"], found["high"]
    return Finding(found["rho"], 0.0, found["rho"], *ends, found["p"], found["words"], MANTEL)


def rated_pairs(side: dict[str, Any], evidence: Evidence) -> pl.DataFrame:
    """Return the rated pairs of one side, which table `alignment_pairs` has at one threshold alone."""
    where = {key: value for key, value in side["where"].items() if key != "threshold"}
    return chosen({**side, "where": where}, evidence.table("alignment_pairs"))


def rho_samples(pairs: pl.DataFrame, words: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return rho [draw] of rated pairs, each counted the product of its words' counts [draw, word] times."""
    first, second = (np.searchsorted(words, pairs[name].to_numpy()) for name in WORDS)
    values, ratings = pairs["similarity"].to_numpy(), pairs["rating"].to_numpy()
    order, rating_order = np.argsort(values, kind="stable"), np.argsort(ratings, kind="stable")
    weights = (counts[:, first] * counts[:, second]).astype(np.float64)
    ties, rating_ties = _ties(values[order]), _ties(ratings[rating_order])
    return weighted_spearman(order[None], ties[None], rating_order, rating_ties, weights)[:, 0]


def _ties(ordered: np.ndarray) -> np.ndarray:
    return np.concatenate([[False], ordered[1:] == ordered[:-1]])


def read_printed(row: dict[str, Any], evidence: Evidence, *, draws: int, seed: int) -> Finding:
    """Read effect and p-value of a claim that a table has tested already, and the interval if it has one."""
    left, right = row["left"], row["right"]
    quantity = QUANTITIES[left["quantity"]]
    found = chosen(left, evidence.table(quantity.table)).row(0, named=True)
    value = found[quantity.value]
    other = found[QUANTITIES[right["quantity"]].value] if isinstance(right, dict) else right
    if value is None or other is None:
        return nothing(PRINTED)
    ends = (found.get(f"{quantity.value}_{end}") for end in ("low", "high"))
    low, high = (None if end is None else end - other for end in ends)
    return Finding(value, other, value - other, low, high, found["p"], found["concepts"], PRINTED)


def bootstrap_p(row: dict[str, Any], samples: np.ndarray) -> float:
    """Return the share of bootstrap samples [draw] not above 0, (b + 1) / (m + 1); undefined ones are not."""
    undefined = int(np.isnan(samples).sum())
    if undefined:
        logger.warning("%s: %d of %d bootstrap samples are undefined.", row["claim"], undefined, len(samples))
    return float((~(samples > 0)).sum() + 1) / (len(samples) + 1)


def _interval(samples: np.ndarray) -> tuple[float, float]:
    low, high = percentile_interval(samples[:, None])
    return low[0], high[0]


def nothing(test: str) -> Finding:
    """Return the finding of a claim whose sides the tables leave undefined."""
    return Finding(None, None, None, None, None, None, 0, test)
