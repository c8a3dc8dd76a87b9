"""Synthetic tables of linear probes and of bases at equal numbers of units, for tests of the figure."""

import math

import polars as pl
from synthetic_tables import table

SIZES = (1, 3, 10, 30, 100, 300)
BEST = {"measured": 0.62, "rotated": 0.5, "word": 0.45, "untrained": 0.3, "shuffled": 0.2}
CHANCE = 0.2


def distributed_tables(
    *, models: tuple[str, ...], checkpoint: str, concepts: int, controls: bool
) -> dict[str, pl.DataFrame]:
    """Probes that gain with every unit, most in the trained model, and best units that fall off."""
    names = BEST if controls else ("measured",)
    places = [(model, *place_of(checkpoint, control)) for model in models for control in names]
    return {
        "distributed": table("distributed", [row for place in places for row in fits(*place, concepts)]),
        "equal_units": table("equal_units", [row for place in places for row in units(*place, concepts)]),
    }


def place_of(checkpoint: str, control: str) -> tuple[str, int | None, str]:
    if control == "untrained":
        return "untrained", None, control
    return checkpoint, int(checkpoint) if checkpoint.isdigit() else None, control


def fits(model: str, checkpoint: str, step: int | None, control: str, concepts: int) -> list[dict]:
    best, learns = BEST[control], control != "shuffled"
    rows = []
    for kind, size in [("unit", 1), *(("probe", size) for size in SIZES)]:
        gain = learns * (0.12 * math.log10(size) - 0.05)
        failed = int(control == "measured" and size == 300)
        probe, planned = kind == "probe", control == "measured" and size == SIZES[-1]
        ap = best + gain * probe
        rows.append(
            {
                **{"model": model, "checkpoint": checkpoint, "step": step, "control": control},
                **{"kind": kind, "size": size, "concepts": concepts - failed, "failed": failed},
                **{"ap": ap, "low": ap - 0.03, "high": ap + 0.02, "chance": CHANCE},
                "gain": gain if probe else None,
                "gain_low": gain - 0.02 if probe else None,
                "gain_high": gain + 0.03 if probe else None,
                "p": 0.0001 if probe else None,
                "family": "planned" if planned else "exploratory",
                "p_holm": 0.0002 if planned else None,
            }
        )
    return rows


def units(model: str, checkpoint: str, step: int | None, control: str, concepts: int) -> list[dict]:
    rows = []
    for size in SIZES:
        ap, reference = (CHANCE + (BEST[name] - CHANCE) / size**0.2 for name in (control, "measured"))
        compared = control != "measured"
        rows.append(
            {
                **{"model": model, "checkpoint": checkpoint, "step": step, "control": control},
                **{"size": size, "units": 2048, "concepts": concepts, "chance": CHANCE},
                **{"ap": ap, "low": ap - 0.02, "high": ap + 0.02},
                "difference": reference - ap if compared else None,
                "difference_low": reference - ap - 0.01 if compared else None,
                "difference_high": reference - ap + 0.01 if compared else None,
                **{"within": 0.2, "between": 0.05, "ratio": 4.0},
            }
        )
    return rows
