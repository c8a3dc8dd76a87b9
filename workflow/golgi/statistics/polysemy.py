"""How many concepts a unit is an expert of, and whether they are of one category.

Every unit of a model counts, over all its sites and layers; a polysemous unit is an expert of two concepts or
more.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.sparse import csr_array, vstack
from scipy.special import expit, gammaln
from scipy.stats import t as student

from golgi.statistics.precision import Layer, Point, check_concepts, read_point, scored_layers, unit_blocks
from golgi.statistics.resampling import (
    holm_planned,
    multiplicities,
    percentile_interval,
    permutation_p,
    permutations,
    permuted_products,
)
from golgi.tables import Arrays, open_arrays, read_table, write_table

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Experts:
    """Units of one model, checkpoint and control: how many, and which concepts the experts are experts of."""

    point: Point
    control: str
    units: int
    members: csr_array  # [expert unit, concept], 1 where the unit is an expert of the concept


def measure_polysemy(
    *,
    aps: Sequence[Path],
    concepts: Path,
    threshold: float,
    permutations: int,
    bootstraps: int,
    seed: int,
    polysemy: Path,
    sharing: Path,
) -> None:
    """Write tables `polysemy` (units by their number of concepts) and `polysemy_sharing` (who shares them).

    `aps` are the arrays `score_experts` wrote of each model's last checkpoint and of its untrained twin. The
    planned family, adjusted by Holm's method, is the measured experts; one without a pair of concepts that
    share an expert stays in it as p = 1, and its own cells are empty. `bootstraps` draws give the interval of
    the share of one category, a jackknife that of polysemous experts. Raises GolgiError if arrays and
    concepts do not fit.
    """
    described = read_table(concepts, schema="concepts")
    labels = described["category"].to_numpy()
    spectra, rows, products = [], [], []
    for path in aps:
        for experts in _read_experts(path, described["concept"].to_list(), threshold):
            spectra.append(_spectrum(experts))
            rows.append(_describe(experts, labels))
            products.append((experts.members.T @ experts.members).toarray())
    shared = np.stack(products).astype(np.float64)
    common = pl.lit(float(threshold)).alias("threshold")
    frame = pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"step": pl.Int64})
    frame = frame.with_columns(common, *_test(shared, labels, permutations, bootstraps, seed))
    logger.info("Counted the concepts of the experts of %d models, checkpoints and controls.", len(rows))
    write_table(pl.concat(spectra).with_columns(common), polysemy, schema="polysemy", csv=True)
    write_table(_adjust(frame), sharing, schema="polysemy_sharing", csv=True)


def jackknife_polysemous(members: csr_array) -> tuple[float, float]:
    """Return the 95 % interval of the share of experts that are polysemous, concepts left out one at a time.

    members [unit, concept] is 1 where a unit is an expert, by one concept at least. Student's interval of the
    log odds, polysemous experts to others with half a unit added to each, with the delete-one jackknife's
    standard error (Tukey 1958), widened to the share where that is 0 or 1. The jackknife tends to overstate
    a variance (Efron and Stein 1981). A bootstrap would not do: a concept drawn twice is no second meaning,
    and without its repeats a draw is a smaller study. NaN without an expert or a second concept.
    """
    concepts = members.shape[1]
    if not members.shape[0] or concepts < 2:
        return np.nan, np.nan
    held = _held(members)
    several, one = (held >= 2).sum(), (held == 1).sum()
    left = members[held == 2].sum(axis=0)  # [concept]: experts that are of one concept without it
    gone = members[held == 1].sum(axis=0)  # [concept]: experts that are of none
    without = _log_odds(several - left, one + left - gone)
    error = np.sqrt((concepts - 1) * np.var(without))
    reach = student.ppf(0.975, concepts - 1) * error
    low, high = expit(_log_odds(several, one) + np.array([-reach, reach]))
    share = several / len(held)
    return float(min(low, share)), float(max(high, share))


def _log_odds(several: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.log(several + 0.5) - np.log(others + 0.5)


def same_category(shared: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the share of pairs of concepts that have a unit in common which are of one category, [test].

    shared [test, concept, concept] counts the units of each pair, so that a pair counts once per unit; NaN
    without a pair. labels [concept] name the categories.
    """
    pairs = np.triu(shared, k=1).sum(axis=(1, 2))
    inside = np.triu(shared * _same(labels), k=1).sum(axis=(1, 2))
    return np.divide(inside, pairs, out=np.full(len(shared), np.nan), where=pairs > 0)


def permute_sharing(shared: np.ndarray, labels: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Return one-sided p-values [test] of `same_category`, category labels permuted over concepts."""
    orders = permutations(len(labels), draws, np.random.default_rng([seed, 7]))
    inside = permuted_products(shared, _same(labels).astype(np.float64), orders)
    observed = np.triu(shared * _same(labels), k=1).sum(axis=(1, 2))
    # The number of pairs does not change, so that their sum stands for the share.
    return np.where(np.triu(shared, k=1).any(axis=(1, 2)), permutation_p(observed, inside), np.nan)


def bootstrap_sharing(
    shared: np.ndarray, labels: np.ndarray, *, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of `same_category`, each end [test], concepts resampled.

    A pair counts as often as the product of its concepts' multiplicities; no concept is paired with itself.
    A handful of pairs hold less than their interval needs: it is then too narrow.
    """
    weights = multiplicities(len(labels), draws, np.random.default_rng([seed, 8])).astype(np.float64)
    apart = ~np.eye(len(labels), dtype=bool)
    low, high = np.full(len(shared), np.nan), np.full(len(shared), np.nan)
    for test in np.flatnonzero(np.triu(shared, k=1).any(axis=(1, 2))):
        pairs = ((weights @ (shared[test] * apart)) * weights).sum(axis=1)
        inside = ((weights @ (shared[test] * (apart & _same(labels)))) * weights).sum(axis=1)
        sample = np.divide(inside, pairs, out=np.full(draws, np.nan), where=pairs > 0)
        low[test : test + 1], high[test : test + 1] = percentile_interval(sample[:, None])
    return low, high


def one_category_chance(held: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how likely concepts drawn without replacement are of one category, for each number of them.

    held [unit] are numbers of concepts; labels [concept] name the categories.

    >>> one_category_chance(np.array([1, 2]), np.array(["a", "a", "b"]))
    array([1.        , 0.33333333])
    """
    numbers, places = np.unique(held, return_inverse=True)
    sizes = np.unique(labels, return_counts=True)[1][None]
    drawn = numbers[:, None]
    fits = drawn <= sizes
    chances = np.exp(_log_choices(sizes, drawn) - _log_choices(np.array([[len(labels)]]), drawn))
    return np.where(fits, chances, 0.0).sum(axis=1)[places]


def _log_choices(items: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    return gammaln(items + 1) - gammaln(drawn + 1) - gammaln(np.maximum(items - drawn, 0) + 1)


def _same(labels: np.ndarray) -> np.ndarray:
    return labels[:, None] == labels[None, :]


def _held(members: csr_array) -> np.ndarray:
    return np.asarray(members.sum(axis=1)).ravel()


def _read_experts(path: Path, names: list[str], threshold: float) -> list[_Experts]:
    with open_arrays(path) as arrays:
        check_concepts(arrays, names)
        point = read_point(arrays)
        return [
            _gather(arrays, point, control, list(layers), threshold)
            for control, layers in groupby(scored_layers(arrays), key=lambda layer: layer.control)
        ]


def _gather(arrays: Arrays, point: Point, control: str, layers: list[Layer], threshold: float) -> _Experts:
    parts = []
    for layer in layers:
        for block in unit_blocks(arrays, layer.key):
            members = block >= np.float32(threshold)
            parts.append(csr_array(members[:, members.any(axis=0)].T, dtype=np.int64))
    units = sum(arrays.shape(layer.key)[1] for layer in layers)
    return _Experts(point, control, units, csr_array(vstack(parts)))


def _spectrum(experts: _Experts) -> pl.DataFrame:
    counts = np.bincount(_held(experts.members), minlength=1)
    counts[0] = experts.units - experts.members.shape[0]
    present = np.flatnonzero((counts > 0) | (np.arange(len(counts)) == 0))
    frame = pl.DataFrame({"concepts": present, "units": counts[present]})
    return frame.with_columns(*experts.point.columns(), pl.lit(experts.control).alias("control"))


def _describe(experts: _Experts, labels: np.ndarray) -> dict[str, Any]:
    held = _held(experts.members)
    several = held >= 2
    low, high = jackknife_polysemous(experts.members)
    categories = np.unique(labels, return_inverse=True)[1]
    by_category = experts.members @ np.eye(categories.max() + 1, dtype=np.int64)[categories]
    return {
        "model": experts.point.model,
        "checkpoint": experts.point.checkpoint,
        "step": experts.point.step,
        "control": experts.control,
        "concepts": len(labels),
        "units": experts.units,
        "experts": len(held),
        "polysemous": int(several.sum()),
        "share": _known(several.mean()) if len(held) else None,
        "low": _known(low),
        "high": _known(high),
        "mean_concepts": _known(held.mean()) if len(held) else None,
        "one_category": int((by_category[several].max(axis=1, initial=0) == held[several]).sum()),
        "one_category_expected": float(one_category_chance(held[several], labels).sum()),
    }


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _test(
    shared: np.ndarray, labels: np.ndarray, draws: int, bootstraps: int, seed: int
) -> tuple[pl.Series, ...]:
    pairs = np.triu(shared, k=1).sum(axis=(1, 2))
    low, high = bootstrap_sharing(shared, labels, draws=bootstraps, seed=seed)
    # Permuted labels make every pair one of a category with the same chance: the mean needs no drawing.
    expected = np.triu(_same(labels), k=1).sum() / max(len(labels) * (len(labels) - 1) / 2, 1)
    values = {
        "same_category": same_category(shared, labels),
        "same_category_low": low,
        "same_category_high": high,
        "expected": np.where(pairs > 0, expected, np.nan),
        "p": permute_sharing(shared, labels, draws=draws, seed=seed),
    }
    columns = [pl.Series(name, column).fill_nan(None) for name, column in values.items()]
    return pl.Series("pairs", pairs.astype(np.int64)), *columns


def _adjust(frame: pl.DataFrame) -> pl.DataFrame:
    planned = (frame["control"] == "measured").to_numpy()
    adjusted = holm_planned(frame["p"].to_numpy(), planned)
    return frame.with_columns(
        pl.Series("family", np.where(planned, "planned", "exploratory")),
        pl.Series("p_holm", adjusted).fill_nan(None),
    )
