"""Synthetic tables of interventions that follow schemas/tables, with effects that are known."""

import numpy as np
import polars as pl
from synthetic_tables import table

PLANTED = {"force": 1.0, "zero": -1.0, "mean_negative": -1.0}  # of log10(1 + k), where the word occurs
PLANNED = [("force", "generated"), ("force", "occurs"), ("zero", "occurs")]
SIZES = (1, 3, 10)
UNITS = {"top": 1.0, "next": 0.4, "random": 0.0}
QUANTITIES = {"occurs": -4.0, "absent": -9.0, "generated": 0.1, "neutral": 3.2}
DRAWS = 2


def at(model: str, checkpoint: str) -> dict:
    step = int(checkpoint) if checkpoint.isdigit() else None
    return {"model": model, "checkpoint": checkpoint, "step": step}


def prompts_table(
    *,
    models: tuple[str, ...] = ("mini-s",),
    concepts: int = 6,
    prompts: int = 8,
    noise: float = 0.2,
    seed: int = 0,
) -> pl.DataFrame:
    """Table `intervention_prompts`: acting on top units moves the word where it occurs, and nothing else."""
    random = np.random.default_rng(seed)
    rows = []
    for model in models:
        for concept in range(concepts):
            for quantity, base in QUANTITIES.items():
                bases = base + random.normal(size=prompts)
                for action, size, units, draw, effect in conditions(quantity):
                    changes = effect + noise * random.normal(size=prompts) + noise * random.normal()
                    rows += [
                        {
                            **at(model, "400"),
                            "concept": f"thing{concept:03d}",
                            "action": action,
                            "units": units,
                            "draw": draw,
                            "size": size,
                            "changed": size,
                            "displacement": displacement(action, units),
                            "quantity": quantity,
                            "prompt": prompt,
                            "tokens": 5 + 3 * prompt,
                            "value": bases[prompt] + changes[prompt],
                            "base": bases[prompt],
                        }
                        for prompt in range(prompts)
                    ]
    return table("intervention_prompts", rows)


def displacement(action: str, units: str) -> float:
    """How far units are pushed: forced top ones further than those they are compared with."""
    return {"force": 1.5 + UNITS[units], "zero": 0.5, "mean_negative": 0.0}[action]


def conditions(quantity: str) -> list[tuple[str, int, str, int, float]]:
    """(action, size, units, draw, true effect) of every intervention."""
    return [
        (action, size, units, draw, sign * share * np.log10(1 + size) * (quantity == "occurs"))
        for action, sign in PLANTED.items()
        for size in SIZES
        for units, share in UNITS.items()
        for draw in range(DRAWS if units == "random" else 1)
    ]


def intervention_tables(
    *,
    models: tuple[str, ...] = ("mini-s",),
    checkpoint: str = "400",
    concepts: int = 12,
    sizes: tuple[int, ...] = (1, 3, 10, 30, 100, 300),
    undefined: bool = False,
) -> dict[str, pl.DataFrame]:
    """Tables of the effects of interventions that grow with k; `undefined`: the word occurs in no prompt."""
    rows = [
        effect_row(at(model, checkpoint), action, units, size, quantity, concepts, undefined)
        for model in models
        for action in PLANTED
        for units in UNITS
        for size in sizes
        for quantity in QUANTITIES
    ]
    columns = ("model", "checkpoint", "step", "action", "units", "size", "quantity", "effect", "difference")
    per_concept = [
        {**{column: row[column] for column in columns}, "concept": f"thing{concept:03d}", "prompts": 32}
        for row in rows
        for concept in range(min(concepts, 2))
    ]
    return {
        "interventions": table("interventions", rows),
        "interventions_concepts": table("interventions_concepts", per_concept),
    }


def effect_row(
    where: dict, action: str, units: str, size: int, quantity: str, concepts: int, undefined: bool
) -> dict:
    """One row of table `interventions`; effects are those planted, on the scale of the quantity."""
    missing = undefined and quantity == "occurs"
    sign = 1.0 if quantity == "neutral" else PLANTED[action]
    strength = (
        sign
        * np.log10(1 + size)
        * {"occurs": 0.9, "absent": 0.5, "generated": 0.04, "neutral": 0.06}[quantity]
    )
    effect = strength * UNITS[units]
    planned = size == 10 and (action, quantity) in PLANNED
    tested = units == "top" and not missing
    sides = 2 if action == "mean_negative" else 1
    row = {
        **where,
        "action": action,
        "units": units,
        "size": size,
        "quantity": quantity,
        "changed": float(size) if size < 300 else 280.0,
        "displacement": displacement(action, units),
        "concepts": 0 if missing else concepts,
        "without": concepts if missing else 0,
        "prompts": 0 if missing else 32 * concepts,
        "base": None if missing else QUANTITIES[quantity],
        "expected": None if sides == 2 else "rise" if sign > 0 else "fall",
        "p_smallest": min(sides * max(0.5**concepts, 0.0001), 1.0) if tested else None,
        "family": ("planned" if planned else "exploratory") if units == "top" else None,
        "p_holm": 0.0021 if tested and planned else None,
    }
    row |= interval_of("effect", None if missing else effect, abs(strength) / 4, prefix="")
    row |= interval_of("difference", strength if tested else None, abs(strength) / 3)
    row |= interval_of("over_next", 0.6 * strength if tested else None, abs(strength) / 3)
    return row | {"p": 0.0003 if tested else None, "over_next_p": 0.012 if tested else None}


def interval_of(name: str, value: float | None, half: float, *, prefix: str | None = None) -> dict:
    """A value with the ends of its interval, or nothing."""
    prefix = f"{name}_" if prefix is None else prefix
    low, high = (None, None) if value is None else (value - half, value + half)
    return {name: value, f"{prefix}low": low, f"{prefix}high": high}
