"""Tests of single claims: a quantity against another, a number, or itself under other conditions.

Every function here takes a row of golgi.study.claim_rows.settled_claims and the tables, and returns a finding
whose effect is positive where the claim points.
"""

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from golgi.statistics.categories import permute_categories, resampled_means
from golgi.statistics.claim_evidence import (
    Evidence,
    Undefined,
    both_sides,
    chosen,
    overlap_of,
    rated_pairs,
)
from golgi.statistics.resampling import bootstrap_means, multiplicities, percentile_interval, sign_flip_test
from golgi.statistics.spearman import spearman, weighted_spearman
from golgi.study.quantities import BASELINES, QUANTITIES, Quantity

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
    left_out: int = 0
    reason: str | None = None  # why there is no effect


def sign_of(row: dict[str, Any]) -> float:
    """Return 1 for a claim that something exceeds, -1 for one that it stays below."""
    return 1.0 if row["relation"] == "exceeds" else -1.0


def method_of(row: dict[str, Any]) -> str:
    """Return where the p-value of a claim comes from."""
    way = QUANTITIES[row["left"]["quantity"]].way
    if way == "overlap":
        return LABELS if _about_categories(row) else BOOTSTRAP
    if way == "alignment":
        return MANTEL if _above_zero(row) else BOOTSTRAP
    return {"paired": SIGN_FLIPS, "pooled": BOOTSTRAP, "printed": PRINTED}[way]


def compare_items(row: dict[str, Any], evidence: Evidence, *, draws: int, seed: int) -> Finding:
    """Compare two quantities item by item, or one with a number: signs of the differences flipped.

    An item that either side leaves undefined takes no part, and is counted.
    """
    known, left_out = both_sides(row, evidence)
    differences = sign_of(row) * (known["value"] - known["value_other"]).to_numpy()[:, None]
    low, high = bootstrap_means(differences, draws=draws, seed=seed)
    p = sign_flip_test(differences, draws=draws, seed=seed)
    means = known["value"].mean(), known["value_other"].mean()
    return Finding(*means, differences.mean(), low[0], high[0], p[0], known.height, SIGN_FLIPS, left_out)


def compare_pooled(row: dict[str, Any], evidence: Evidence, *, draws: int, seed: int) -> Finding:
    """Compare shares of sums over all items, or one with a number: items resampled.

    An item that has nothing to share (a concept without experts) still counts in the sum that is divided. A
    sample in which none has is undefined.
    """
    known, left_out = both_sides(row, evidence)
    weights = multiplicities(known.height, draws, np.random.default_rng([seed, 14])).astype(np.float64)
    whole = np.ones((1, known.height))
    sides = [known.select("value", "per"), known.select("value_other", "per_other")]
    value, other = (pooled_share(side, whole)[0] for side in sides)
    if np.isnan(value - other):
        quantity = QUANTITIES[row["left"]["quantity"]]
        raise Undefined(f"no {quantity.per} in {known.height} {quantity.replication}", left_out=left_out)
    one, two = (pooled_share(side, weights) for side in sides)
    samples, effect = sign_of(row) * (one - two), sign_of(row) * (value - other)
    p = bootstrap_p(row, samples)
    return Finding(value, other, effect, *_interval(samples), p, known.height, BOOTSTRAP, left_out)


def pooled_share(items: pl.DataFrame, weights: np.ndarray) -> np.ndarray:
    """Return shares [draw]: weighted sums of items' first column over those of their second.

    weights [draw, item] say how often an item counts. NaN where the second sum is 0.
    """
    sums, sizes = (weights @ items.to_numpy()).T
    return np.divide(sums, sizes, out=np.full(len(weights), np.nan), where=sizes > 0)


def compare_overlaps(row: dict[str, Any], evidence: Evidence, *, draws: int, seed: int) -> Finding:
    """Compare mean overlaps: category labels permuted where they are the claim, else concepts resampled."""
    labels, sign = evidence.categories, sign_of(row)
    overlaps = [overlap_of(side, evidence) for side in (row["left"], row["right"]) if isinstance(side, dict)]
    if all(overlap.empty[np.triu_indices(len(labels), k=1)].all() for overlap in overlaps):
        raise Undefined("no concept has an expert")
    weights = multiplicities(len(labels), draws, np.random.default_rng([seed, 1])).astype(np.float64)
    whole = np.ones((1, len(labels)))
    value, other = (_overlap_statistic(side, evidence, whole)[0] for side in (row["left"], row["right"]))
    if np.isnan(value - other):
        raise Undefined("no pair of concepts of one category, or none of two")
    samples = sign * (
        _overlap_statistic(row["left"], evidence, weights)
        - _overlap_statistic(row["right"], evidence, weights)
    )
    p = bootstrap_p(row, samples)
    if _about_categories(row):
        sign *= -1 if row["left"]["quantity"] == "between_overlap" else 1
        similarity = sign * overlaps[0].matrices["jaccard"][None]
        p = permute_categories(similarity, labels, draws=draws, seed=seed)[0]
    effect = sign_of(row) * (value - other)
    return Finding(value, other, effect, *_interval(samples), p, len(labels), method_of(row))


def _about_categories(row: dict[str, Any]) -> bool:
    left, right = row["left"], row["right"]
    if not isinstance(right, dict):
        return left["quantity"] == "overlap_gap" and right == 0
    names = {left["quantity"], right["quantity"]}
    return names == {"within_overlap", "between_overlap"} and left["where"] == right["where"]


def _overlap_statistic(side: dict[str, Any] | float, evidence: Evidence, weights: np.ndarray) -> np.ndarray:
    if not isinstance(side, dict):
        return np.full(len(weights), side)
    similarity = overlap_of(side, evidence).matrices["jaccard"][None]
    within, between = (means[:, 0] for means in resampled_means(similarity, evidence.categories, weights))
    return {"within_overlap": within, "between_overlap": between, "overlap_gap": within - between}[
        side["quantity"]
    ]


def compare_alignments(row: dict[str, Any], evidence: Evidence, *, draws: int, seed: int) -> Finding:
    """Compare an alignment with 0, as table `alignment` tests it, or with another over the same words."""
    if _above_zero(row):
        return _printed_alignment(row, evidence)
    sides = [rated_pairs(side, evidence) for side in (row["left"], row["right"]) if isinstance(side, dict)]
    words = np.unique(np.concatenate([side[name].to_numpy() for side in sides for name in WORDS]))
    counts = multiplicities(len(words), draws, np.random.default_rng([seed, 3]))
    values = [spearman(side["similarity"].to_numpy()[None], side["rating"].to_numpy())[0] for side in sides]
    samples = [rho_samples(side, words, counts) for side in sides]
    if len(sides) == 1:
        values, samples = [*values, row["right"]], [*samples, np.full(draws, row["right"])]
    if np.isnan(values).any():
        raise Undefined("similarity or ratings do not vary over the rated pairs")
    differences = sign_of(row) * (samples[0] - samples[1])
    effect, p = sign_of(row) * (values[0] - values[1]), bootstrap_p(row, differences)
    return Finding(*values, effect, *_interval(differences), p, len(words), BOOTSTRAP)


def _above_zero(row: dict[str, Any]) -> bool:
    return row["right"] == 0 and row["relation"] == "exceeds"


def _printed_alignment(row: dict[str, Any], evidence: Evidence) -> Finding:
    where, table = row["left"]["where"], evidence.table("alignment")
    if where["control"] in BASELINES:
        side = {**row["left"], "where": {key: one for key, one in where.items() if key != "threshold"}}
        found = chosen(side, table).row(0, named=True)
    else:
        found = chosen(row["left"], table.filter(pl.col("measure") == "jaccard")).row(0, named=True)
    if found["rho"] is None:
        raise Undefined("table alignment has no rho there: the similarity does not vary")
    ends = found["low"], found["high"]
    return Finding(found["rho"], 0.0, found["rho"], *ends, found["p"], found["words"], MANTEL)


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
    """Read what a table has tested already: effect and p-value, and the interval if it has one."""
    left, right = row["left"], row["right"]
    quantity = QUANTITIES[left["quantity"]]
    found = chosen(left, evidence.table(quantity.table)).row(0, named=True)
    value = found[quantity.value]
    other = found[QUANTITIES[right["quantity"]].value] if isinstance(right, dict) else float(right)
    left_out = found[quantity.left_out] if quantity.left_out else 0
    if value is None or other is None:
        words = f"table {quantity.table} has no {quantity.value} of {found['concepts']} concepts"
        raise Undefined(words, left_out=left_out)
    effect, low, high = _printed_difference(quantity, found, value, other)
    return Finding(value, other, effect, low, high, found["p"], found["concepts"], PRINTED, left_out)


def _printed_difference(
    quantity: Quantity, found: dict[str, Any], value: float, other: float
) -> tuple[float, float | None, float | None]:
    if quantity.difference:
        return found[quantity.difference], found["low"], found["high"]
    ends = (found.get(f"{quantity.value}_{end}") for end in ("low", "high"))
    return value - other, *(None if end is None else end - other for end in ends)


def bootstrap_p(row: dict[str, Any], samples: np.ndarray) -> float:
    """Return the share of bootstrap samples [draw] not above 0, (b + 1) / (m + 1); undefined ones are not."""
    undefined = int(np.isnan(samples).sum())
    if undefined:
        logger.warning("%s: %d of %d bootstrap samples are undefined.", row["claim"], undefined, len(samples))
    return float((~(samples > 0)).sum() + 1) / (len(samples) + 1)


def _interval(samples: np.ndarray) -> tuple[float, float]:
    low, high = percentile_interval(samples[:, None])
    return low[0], high[0]


def nothing(test: str, reason: str, *, left_out: int = 0) -> Finding:
    """Return the finding of a claim whose sides the tables lack or leave undefined."""
    return Finding(None, None, None, None, None, None, 0, test, left_out, reason)
