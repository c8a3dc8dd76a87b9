"""Which units an intervention sets, to what, and which other units it is compared with."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golgi.errors import GolgiError
from golgi.tables import open_arrays

Place = tuple[str, int]  # site, layer
SUMMARIES = ("measured", "negative_mean", "positive_median")
ACTIONS = {"force": "positive_median", "zero": None, "mean_negative": "negative_mean"}
NEAREST = 20  # a random unit is one of so many whose mean response is nearest


@dataclass(frozen=True)
class Units:
    """All units of a model as one concept sees them, by site, then layer, then number."""

    places: list[Place]
    place: np.ndarray  # [unit] index of its place
    number: np.ndarray  # [unit] within its site and layer
    measured: np.ndarray  # [unit] average precision
    negative_mean: np.ndarray  # [unit] mean response to negatives
    positive_median: np.ndarray  # [unit] median response to positives

    def values(self, chosen: np.ndarray, action: str) -> np.ndarray:
        """Return what an action sets the chosen units to, [chosen] float32 (Suau et al. 2020, sec. 4)."""
        summary = ACTIONS[action]
        return getattr(self, summary)[chosen] if summary else np.zeros(len(chosen), np.float32)

    def displacement(self, chosen: np.ndarray, values: np.ndarray) -> float | None:
        """Return the mean distance of values [chosen] from mean responses to negatives; None of no unit."""
        if not len(chosen):
            return None
        return float(np.abs(values - self.negative_mean[chosen].astype(np.float64)).mean())


@dataclass(frozen=True)
class Intervention:
    """An action on a set of units; `chosen` are their places on the unit axis."""

    action: str
    units: str  # top, next or random
    draw: int
    size: int  # as asked for; `chosen` can be fewer
    chosen: np.ndarray
    values: np.ndarray
    displacement: float | None  # how far the values are from the units' mean responses to negatives


def read_units(ap: Path, concept: int) -> Units:
    """Read every unit's average precision and mean responses for the concept with index `concept`.

    Raises GolgiError if the file holds no measured expertise.
    """
    with open_arrays(ap) as arrays:
        keys = [name.split("/")[1:] for name in arrays.names if name.startswith("measured/")]
        if not keys:
            raise GolgiError(f"{ap} holds no measured expertise. Delete it and run again.")
        places = sorted((site, int(layer)) for site, layer in keys)
        columns = {
            summary: [
                arrays.rows(f"{summary}/{site}/{layer}", slice(concept, concept + 1))[0]
                for site, layer in places
            ]
            for summary in SUMMARIES
        }
    widths = [len(column) for column in columns["measured"]]
    return Units(
        places,
        place=np.repeat(np.arange(len(places)), widths),
        number=np.concatenate([np.arange(width) for width in widths]),
        **{summary: np.concatenate(parts) for summary, parts in columns.items()},
    )


def rank_units(units: Units) -> np.ndarray:
    """Return all units, the highest average precision first, ties by site, layer and number, [unit]."""
    return np.argsort(-units.measured, kind="stable")


def match_units(
    units: Units, chosen: np.ndarray, excluded: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Return for each chosen unit another one of the same site and layer with a near mean response.

    It is drawn from the 20 with the nearest `negative_mean` that are neither excluded nor drawn before. A
    chosen unit for which none is left has no match: the result is shorter then, [matched].
    """
    free = np.ones(len(units.measured), bool)
    free[excluded] = False
    matches = []
    for unit in chosen:
        candidates = np.flatnonzero(free & (units.place == units.place[unit]))
        distances = np.abs(units.negative_mean[candidates] - units.negative_mean[unit])
        nearest = candidates[np.argsort(distances, kind="stable")[:NEAREST]]
        if len(nearest):
            matches.append(random.choice(nearest))
            free[matches[-1]] = False
    return np.array(matches, np.int64)


def choose_sets(
    units: Units, size: int, *, draws: int, concept: str, seed: int
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Yield (units, draw, chosen) for the `top` units, the `next` as many, and `draws` sets of `random` ones.

    Random sets match the top ones and share none with them or the next ones; they depend on the seed, the
    concept and the size.
    """
    ranked = rank_units(units)
    yield "top", 0, ranked[:size]
    yield "next", 0, ranked[size : 2 * size]
    for draw in range(draws):
        random = np.random.default_rng([seed, zlib.crc32(concept.encode()), size, draw])
        yield "random", draw, match_units(units, ranked[:size], ranked[: 2 * size], random)


def plan_interventions(
    units: Units, *, actions: list[str], sizes: list[int], draws: int, concept: str, seed: int
) -> list[Intervention]:
    """Return every action on every set of every size; actions of one set are on the same units."""
    sets = [
        (size, *chosen)
        for size in sizes
        for chosen in choose_sets(units, size, draws=draws, concept=concept, seed=seed)
    ]
    return [
        _intervention(units, action, name, draw, size, chosen)
        for action in actions
        for size, name, draw, chosen in sets
    ]


def _intervention(
    units: Units, action: str, name: str, draw: int, size: int, chosen: np.ndarray
) -> Intervention:
    values = units.values(chosen, action)
    return Intervention(action, name, draw, size, chosen, values, units.displacement(chosen, values))


def count_shortage(interventions: list[Intervention]) -> dict[tuple[str, int], int]:
    """Return how many units are wanting, at most, in the sets of (units, size); full sets are left out."""
    short: dict[tuple[str, int], int] = {}
    for one in interventions:
        if missing := one.size - len(one.chosen):
            key = one.units, one.size
            short[key] = max(short.get(key, 0), missing)
    return short
