"""Words that the captions of several figures share."""

from collections.abc import Callable

import polars as pl

from golgi.figures.rows import controls, listed, p_value, share
from golgi.figures.style import BASELINES, SERIES

Tables = dict[str, pl.DataFrame]
# Of each figure: a function of tables, model and options that says what was found, and the table that names
# the models.
Findings = dict[str, tuple[Callable[[Tables, str, dict], str], str]]


def spoken(control: str) -> str:
    """A control or baseline as it is named inside a sentence."""
    phrases = {
        "untrained": "in the untrained twin",
        "rotated": "in a rotated basis",
        "shuffled": "with shuffled labels",
        "word": "with the concept's word masked",
    }
    return phrases.get(control, f"for the {SERIES[control].name} baseline")


def percent(value: float) -> str:
    """A share as per cent with three significant figures."""
    return f"{100 * value:.3g} %"


def tested(row: dict) -> str:
    """The p-value and, in the planned family, its adjusted value."""
    adjusted = "" if row["p_holm"] is None else f", Holm-adjusted {p_value(row['p_holm'])}"
    return p_value(row["p"]) + adjusted


def not_apart(row: dict, value: str, others: pl.DataFrame) -> str:
    """A sentence naming the controls that the measured interval does not exclude from below, or nothing."""
    compared = [control for control in (*controls(others), *BASELINES) if control in set(others["control"])]
    values = {control: others.filter(pl.col("control") == control)[value][0] for control in compared}
    reached = [
        f"{spoken(control)} ({share(found, 3 if value == 'difference' else 2)})"
        for control, found in values.items()
        if found is not None and row["low"] is not None and found >= row["low"]
    ]
    if not reached:
        return ""
    return f" Its interval does not lie above the value {listed(reached)}."
