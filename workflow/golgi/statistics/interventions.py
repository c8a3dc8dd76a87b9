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

PLANNED = {"force": ("occurs", "generated"), "zero": ("occurs",)}


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
    `occurs` of forcing and of zeroing, and `generated` of forcing. Raises GolgiError if the table is empty or
    measures a prompt twice.
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
    frame = frame.join(_sets(prompts), on=["model", "checkpoint", "action", "size", "units"], how="left")
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
    """Return +1 where the units of a concept should raise a quantity, -1 where they should lower it, else 0.

    Forcing and zeroing may cost on neutral text, so there the loss is expected to rise. `mean_negative` has
    no direction: a response is a pooled activation, and the mean of maxima is above what most tokens have.
    """
    if action == "mean_negative":
        return 0
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
    draw takes concepts with replacement and, once for all of them, prompts: a prompt that serves several
    concepts is as often in each (the pigeonhole bootstrap, Owen 2007). What is particular to a concept and a
    prompt is then counted up to three times, so intervals are rather too wide than too narrow. A concept
    without a value, or none of whose prompts was drawn, takes no part.
    """
    if not np.isfinite(values).any():
        return np.full(values.shape[2], np.nan), np.full(values.shape[2], np.nan)
    random = np.random.default_rng([seed, 6])
    measured = np.isfinite(values).any(axis=2)  # [concept, prompt]
    some = measured.any(axis=0)
    concepts = multiplicities(len(values), draws, random)
    prompts = multiplicities(int(some.sum()), draws, random)
    sums, counts = np.zeros((2, draws, values.shape[2]))
    for concept, own in enumerate(measured):
        often = prompts[:, own[some]] * weights[concept, own]
        means = _weighted_means(values[concept, own], often)
        known = np.isfinite(means)
        sums += concepts[:, [concept]] * np.where(known, means, 0.0)
        counts += concepts[:, [concept]] * known
    return percentile_interval(quotient(sums, counts))


def _weighted_means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Means [draw, test] of values [prompt, test] under weights [draw, prompt]."""
    known = np.isfinite(values)
    return quotient(weights @ np.where(known, values, 0.0), weights @ known)


def _rows(effects: Effects, *, permutations: int, bootstraps: int, seed: int) -> Iterator[dict]:
    means = {name: concept_means(changes, effects.weights) for name, changes in effects.changes.items()}
    ends = {
        name: bootstrap_prompts(changes, effects.weights, draws=bootstraps, seed=seed)
        for name, changes in effects.changes.items()
    }
    estimates = {name: (known_mean(means[name], axis=0), *ends[name]) for name in means}
    tested = _tested(effects, means, estimates, permutations=permutations, seed=seed)
    sides = {1: "rise", -1: "fall", 0: None}
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
            "expected": sides[expected_sign(action, effects.identity["quantity"])],
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
        columns[f"{name}_p"] = flip_signs(means[name], signs, draws=permutations, seed=seed)
    columns["p"] = columns.pop("difference_p")
    pairs = np.isfinite(means["difference"]).sum(axis=0)
    smallest = np.maximum(0.5**pairs, 1 / (permutations + 1))
    smallest = np.where(signs == 0, np.minimum(2 * smallest, 1.0), smallest)
    return columns | {"p_smallest": np.where(pairs > 0, smallest, np.nan)}


def flip_signs(means: np.ndarray, signs: np.ndarray, *, draws: int, seed: int) -> np.ndarray:
    """Return p-values [test] of means [concept, test], on the side of the sign [test], or both where it is 0.

    Two-sided is twice the smaller one-sided p, at most 1. Signs are flipped by concept, so the p-values speak
    of other concepts, given these prompts.
    """
    rise, fall = (sign_flip_test(side * means, draws=draws, seed=seed) for side in (1, -1))
    either = np.minimum(2 * np.minimum(rise, fall), 1.0)
    return np.select([signs > 0, signs < 0], [rise, fall], either)


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


def _sets(prompts: Path) -> pl.DataFrame:
    """How many units were set in each condition, and how far: means over draws, then over concepts."""
    condition, facts = ["model", "checkpoint", "action", "size", "units"], ["changed", "displacement"]
    drawn = read_table(prompts, schema="intervention_prompts").unique([*condition, "concept", "draw"])
    per_concept = drawn.sort(*condition, "concept", "draw").group_by(
        *condition, "concept", maintain_order=True
    )
    means = per_concept.agg(pl.col(facts).mean()).group_by(condition, maintain_order=True)
    return means.agg(pl.col(facts).mean())


def _is_planned(row: dict, size: int) -> bool:
    quantities = PLANNED.get(row["action"], ())
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
