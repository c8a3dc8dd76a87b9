"""Does acting on a concept's best units change its words more than acting on matched random ones?"""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from golgi.statistics.intervention_effects import CONTRASTS, Effects, known_mean, quotient, read_effects
from golgi.statistics.resampling import holm, multiplicities, percentile_interval, sign_flip_test
from golgi.tables import read_table, write_table

logger = logging.getLogger(__name__)


def measure_interventions(
    *,
    prompts: Path,
    planned_size: int,
    permutations: int,
    bootstraps: int,
    seed: int,
    interventions: Path,
    concepts: Path,
) -> None:
    """Write tables `interventions` and `interventions_concepts`: effects, tested, with intervals.

    Forcing is that of Suau et al. 2020. `prompts` is table `intervention_prompts` of any models; where it
    says that no unit was set, nothing was measured. Planned are the tests of the top units at `planned_size`:
    `occurs` of every action, and `generated` of forcing. Raises GolgiError if the table is empty or measures
    a prompt twice.
    """
    rows, by_concept = [], []
    for effects in read_effects(prompts):
        rows += _rows(effects, permutations=permutations, bootstraps=bootstraps, seed=seed)
        by_concept += _concept_rows(effects)
    top = np.array([row["units"] == "top" for row in rows])
    planned = np.array([_is_planned(row, planned_size) for row in rows])
    p = np.array([row["p"] for row in rows])
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.Series("family", [_family(*kinds) for kinds in zip(top, planned, strict=True)], pl.String),
        pl.Series("p_holm", _adjust(p, planned)),
    )
    frame = frame.join(_changed(prompts), on=["model", "checkpoint", "action", "size", "units"], how="left")
    logger.info(
        "Tested %d effects, %d of them planned; %d planned ones have no prompt.",
        top.sum(),
        planned.sum(),
        (planned & np.isnan(p)).sum(),
    )
    write_table(_empty_where_nan(frame), interventions, schema="interventions", csv=True)
    described = _empty_where_nan(pl.DataFrame(by_concept, infer_schema_length=None))
    write_table(described, concepts, schema="interventions_concepts", csv=True)


def expected_sign(action: str, quantity: str) -> int:
    """Return +1 where the units of a concept should raise a quantity, -1 where they should lower it.

    Any action may cost on neutral text, so there the loss is expected to rise.
    """
    return 1 if action == "force" or quantity == "neutral" else -1


def concept_means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return means over prompts, [concept, test], of values [concept, prompt, test], NaN where none is known.

    A prompt counts by its weight [concept, prompt].
    """
    return known_mean(values, axis=1, weights=weights[:, :, None])


def bootstrap_prompts(
    values: np.ndarray, weights: np.ndarray, *, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of the mean over concepts of the means over prompts, each end [test].

    values [concept, prompt, test] are NaN where nothing was measured; weights are [concept, prompt]. Each
    draw takes concepts with replacement, and prompts with replacement within each concept taken, anew each
    time it is taken (Davison and Hinkley 1997, sec. 3.8). A concept without a value takes no part in a test.
    """
    if not np.isfinite(values).any():
        return np.full(values.shape[2], np.nan), np.full(values.shape[2], np.nan)
    random = np.random.default_rng([seed, 6])
    picked = random.integers(len(values), size=(draws, len(values)))
    sums, counts = np.zeros((2, draws, values.shape[2]))
    for concept, own in enumerate(values):
        taken = np.nonzero(picked == concept)[0]
        some = np.isfinite(own).any(axis=1)
        means = _resampled_means(own[some], weights[concept, some], len(taken), random)
        known = np.isfinite(means)
        np.add.at(sums, taken, np.where(known, means, 0.0))
        np.add.at(counts, taken, known)
    return percentile_interval(quotient(sums, counts))


def _resampled_means(
    values: np.ndarray, weights: np.ndarray, draws: int, random: np.random.Generator
) -> np.ndarray:
    if not len(values):
        return np.full((draws, values.shape[1]), np.nan)
    often = multiplicities(len(values), draws, random) * weights
    known = np.isfinite(values)
    return quotient(often @ np.where(known, values, 0.0), often @ known)


def _rows(effects: Effects, *, permutations: int, bootstraps: int, seed: int) -> Iterator[dict]:
    means = {name: concept_means(changes, effects.weights) for name, changes in effects.changes.items()}
    ends = {
        name: bootstrap_prompts(changes, effects.weights, draws=bootstraps, seed=seed)
        for name, changes in effects.changes.items()
    }
    estimates = {name: (known_mean(means[name], axis=0), *ends[name]) for name in means}
    tested = _tested(effects, means, estimates, permutations=permutations, seed=seed)
    base = concept_means(effects.base[:, :, None], effects.weights)
    for action, size, units in effects.conditions:
        test = effects.tests.index((action, size))
        counts = _prompts_of(effects, units, test)
        effect, low, high = (values[test] for values in estimates[units])
        yield {
            **_identity(effects, action, size, units),
            "concepts": int((counts > 0).sum()),
            "without": int((counts == 0).sum()),
            "prompts": int(counts.sum()),
            "base": known_mean(base, axis=0)[0],
            "effect": effect,
            "low": low,
            "high": high,
            "expected": "rise" if expected_sign(action, effects.identity["quantity"]) > 0 else "fall",
            **{name: values[test] if units == "top" else np.nan for name, values in tested.items()},
        }


def _tested(
    effects: Effects, means: dict, estimates: dict, *, permutations: int, seed: int
) -> dict[str, np.ndarray]:
    """Columns [test] of the top units alone: what they do beyond others, with intervals and p-values."""
    signs = np.array([expected_sign(action, effects.identity["quantity"]) for action, _ in effects.tests])
    columns = {}
    for name in CONTRASTS:
        columns[name], columns[f"{name}_low"], columns[f"{name}_high"] = estimates[name]
        columns[f"{name}_p"] = sign_flip_test(signs * means[name], draws=permutations, seed=seed)
    columns["p"] = columns.pop("difference_p")
    pairs = np.isfinite(means["difference"]).sum(axis=0)
    smallest = np.maximum(0.5**pairs, 1 / (permutations + 1))
    return columns | {"p_smallest": np.where(pairs > 0, smallest, np.nan)}


def _concept_rows(effects: Effects) -> Iterator[dict]:
    means = {name: concept_means(changes, effects.weights) for name, changes in effects.changes.items()}
    for action, size, units in effects.conditions:
        test = effects.tests.index((action, size))
        counts = _prompts_of(effects, units, test)
        for place, concept in enumerate(effects.concepts):
            yield {
                **_identity(effects, action, size, units),
                "concept": concept,
                "prompts": int(counts[place]),
                "effect": means[units][place, test],
                "difference": means["difference"][place, test] if units == "top" else np.nan,
            }


def _identity(effects: Effects, action: str, size: int, units: str) -> dict[str, str | int | None]:
    return {**effects.identity, "action": action, "size": size, "units": units}


def _prompts_of(effects: Effects, units: str, test: int) -> np.ndarray:
    """How many prompts of each concept measure a test."""
    return np.isfinite(effects.changes[units][:, :, test]).sum(axis=1)


def _changed(prompts: Path) -> pl.DataFrame:
    """How many units were set in each condition: mean over draws, then over concepts."""
    condition = ["model", "checkpoint", "action", "size", "units"]
    drawn = read_table(prompts, schema="intervention_prompts").unique([*condition, "concept", "draw"])
    per_concept = drawn.sort(*condition, "concept", "draw").group_by(
        *condition, "concept", maintain_order=True
    )
    means = per_concept.agg(pl.col("changed").mean()).group_by(condition, maintain_order=True)
    return means.agg(pl.col("changed").mean())


def _is_planned(row: dict, size: int) -> bool:
    quantities = ("occurs", "generated") if row["action"] == "force" else ("occurs",)
    return row["units"] == "top" and row["size"] == size and row["quantity"] in quantities


def _family(top: bool, planned: bool) -> str | None:
    return ("planned" if planned else "exploratory") if top else None


def _adjust(p: np.ndarray, planned: np.ndarray) -> np.ndarray:
    adjusted = np.full(len(p), np.nan)
    made = planned & np.isfinite(p)
    adjusted[made] = holm(p[made])
    return adjusted


def _empty_where_nan(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))
