"""Effects of interventions prompt by prompt: table `intervention_prompts` as arrays."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.tables import read_table

QUANTITIES = ("occurs", "absent", "generated", "neutral")
UNITS = ("top", "next", "random")
# What acting on the top units does beyond acting on others, on the same prompts.
CONTRASTS = {"difference": ("top", "random"), "over_next": ("top", "next")}
CONDITION = ("action", "size", "units", "draw")


@dataclass(frozen=True)
class Effects:
    """Effects on one quantity of one model.

    `tests` are pairs of action and size, `conditions` those of action, size and units that were measured on
    any quantity. `changes` holds for each kind of units and each contrast the changes by the intervention,
    [concept, prompt, test], NaN where none was measured; `base` [concept, prompt] is the value without it and
    `weights` [concept, prompt] what a prompt counts in a mean.
    """

    identity: dict[str, str | int | None]
    concepts: list[str]
    tests: list[tuple[str, int]]
    conditions: list[tuple[str, int, str]]
    changes: dict[str, np.ndarray]
    base: np.ndarray
    weights: np.ndarray


def read_effects(path: Path) -> list[Effects]:
    """Read the effects on each quantity of each model; GolgiError if there is none, or one is there twice."""
    measured = read_table(path, schema="intervention_prompts")
    if measured.is_empty():
        raise GolgiError(f"{path}: no intervention was made on any prompt.")
    # Without a unit that was set there is no intervention, and no effect of 0 either.
    measured = measured.with_columns(pl.when(pl.col("changed") > 0).then(pl.col("value")).alias("value"))
    models = measured.partition_by("model", "checkpoint", maintain_order=True)
    return [_effects(part, quantity, path) for part in models for quantity in QUANTITIES]


def _effects(part: pl.DataFrame, quantity: str, path: Path) -> Effects:
    series = part.select(CONDITION).unique().sort(CONDITION).rows()
    concepts = part["concept"].unique().sort().to_list()
    rows = part.filter(pl.col("quantity") == quantity)
    places, shape = _places(rows, concepts, series, path)
    values, base, tokens = (_cube(rows[column], places, shape) for column in ("value", "base", "tokens"))
    conditions = list(dict.fromkeys((action, size, units) for action, size, units, _ in series))
    tests = list(dict.fromkeys((action, size) for action, size, _ in conditions))
    # A loss is a mean over tokens, so a sentence counts by its length.
    weights = tokens if quantity == "neutral" else np.ones_like(tokens)
    return Effects(
        {**part.select("model", "checkpoint", "step").row(0, named=True), "quantity": quantity},
        concepts,
        tests,
        conditions,
        _by_units(values - base, series, tests),
        known_mean(base, axis=2),
        known_mean(np.where(np.isfinite(tokens), weights, np.nan), axis=2),
    )


def _places(
    rows: pl.DataFrame, concepts: list[str], series: list[tuple], path: Path
) -> tuple[tuple[np.ndarray, ...], tuple[int, ...]]:
    """Where each row stands in [concept, prompt, series]; a series is a condition and a draw of its units."""
    prompts = rows["prompt"].unique().sort().to_list()
    axes = (concepts, rows["concept"]), (prompts, rows["prompt"]), (series, rows.select(CONDITION).rows())
    places = []
    for values, keys in axes:
        place_of = {value: place for place, value in enumerate(values)}
        places.append(np.array([place_of[key] for key in keys], np.intp))
    shape = tuple(len(values) for values, _ in axes)
    if len(np.unique(np.ravel_multi_index(places, shape))) < rows.height:
        raise GolgiError(
            f"{path}: {rows['model'][0]}: a prompt is measured twice under the same intervention."
        )
    return tuple(places), shape


def _cube(values: pl.Series, places: tuple[np.ndarray, ...], shape: tuple[int, ...]) -> np.ndarray:
    cube = np.full(shape, np.nan)
    cube[places] = values.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return cube


def _by_units(changes: np.ndarray, series: list[tuple], tests: list[tuple]) -> dict[str, np.ndarray]:
    """Changes [concept, prompt, test] for each kind of units, draws averaged, and for their contrasts."""
    found = {}
    for units in UNITS:
        draws = [[place for place, row in enumerate(series) if row[:3] == (*test, units)] for test in tests]
        found[units] = np.stack([known_mean(changes[:, :, places], axis=2) for places in draws], axis=2)
    contrasts = {name: found[first] - found[second] for name, (first, second) in CONTRASTS.items()}
    return found | contrasts


def known_mean(values: np.ndarray, *, axis: int, weights: np.ndarray | float = 1.0) -> np.ndarray:
    """Return the weighted means over an axis of the values that are known (not NaN); NaN where none is."""
    counts = np.where(np.isfinite(values), weights, 0.0)
    sums = (np.where(counts > 0, values, 0.0) * counts).sum(axis=axis)
    return quotient(sums, counts.sum(axis=axis))


def quotient(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return sums / counts, NaN where nothing was counted."""
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
