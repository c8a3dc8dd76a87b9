"""Grow the graphs of one layer's units with a model, whole and with single stages of the method left out."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl

from golgi.graphs.augment import Propose
from golgi.graphs.calibrate import Sample
from golgi.graphs.growing import Ask, Method, Observed, Task, ablations, grow_units
from golgi.graphs.prune import Pivots
from golgi.graphs.reading import opened
from golgi.graphs.store import write_graphs
from golgi.models.activity import Activity
from golgi.models.substitutes import MaskedModel, Substitutes
from golgi.models.tokenizer import load_tokenizer, neutral_id
from golgi.tables import Arrays, open_arrays, read_table, write_table

logger = logging.getLogger(__name__)


def grow_graphs(
    *,
    exemplars: Path,
    sample: Path,
    chosen: Path,
    layer: int,
    method: dict[str, Any],
    augment: str,
    masked_lm: Path | None,
    seed: int,
    graphs: Path,
    growth: Path,
    **opening: Any,
) -> None:
    """Grow a graph for every chosen unit of a layer; write the graphs, and what they were grown from.

    `method` holds the fields of `Method`; `augment` is `self`, `masked_lm` (of the folder so called) or
    `none`. `opening` is what `reading.opened` takes. The table `graph_growth` counts exemplars, those without
    a short context, observations, and the token positions that the model ran.
    """
    everyone = read_table(chosen, schema="graph_chosen").sort("index")
    units = everyone.filter(pl.col("layer") == layer)
    settings = Method(**method, augmenting=augment != "none")
    grown: list[nx.DiGraph] = []
    observed: list[Observed] = []
    per_unit = 0.0
    with _task(exemplars, sample, units, everyone, seed) as task:
        if len(units):
            with opened(units, **opening) as activity:
                ask = _ask(activity, opening["folder"], masked_lm, settings.cap)
                grown, observed = grow_units(ask, task, _identities(units, task.maxima), settings)
                per_unit = activity.positions / len(units)
                _tell(activity, layer, len(units))
        write_graphs(grown, graphs)
        write_table(_growth(units, task, observed, per_unit), growth, schema="graph_growth")


def _tell(activity: Activity, layer: int, units: int) -> None:
    line = "%s: layer %d: %d units, %.0f token positions x %.2f layers for each."
    each = activity.positions / units
    logger.info(line, activity.model.who, layer, units, each, activity.layers)


def ablate_graphs(
    *,
    exemplars: Path,
    sample: Path,
    chosen: Path,
    layer: int,
    per_site: int,
    method: dict[str, Any],
    augment: str,
    masked_lm: Path | None,
    seed: int,
    graphs: dict[str, Path],
    **opening: Any,
) -> None:
    """Grow the graphs of some units of a layer again, without each stage of the method in turn.

    `graphs` names the file of each of `ablations`; `per_site` units of every site are drawn, live ones first.
    """
    everyone = read_table(chosen, schema="graph_chosen").sort("index")
    with open_arrays(exemplars) as arrays:
        maxima = arrays.read("maximum")
    units = _draw(everyone.filter(pl.col("layer") == layer), maxima, per_site, seed)
    settings = Method(**method, augmenting=augment != "none")
    if units.is_empty():
        for path in graphs.values():
            write_graphs([], path)
        return
    with (
        _task(exemplars, sample, units, everyone, seed) as task,
        opened(units, **opening) as activity,
    ):
        ask = _ask(activity, opening["folder"], masked_lm, settings.cap)
        identities = _identities(units, task.maxima)
        for name, variant in ablations(settings).items():
            write_graphs(grow_units(ask, task, identities, variant)[0], graphs[name])
            logger.info("%s: layer %d: %s.", activity.model.who, layer, name)


def _draw(units: pl.DataFrame, maxima: np.ndarray, per_site: int, seed: int) -> pl.DataFrame:
    generator = np.random.default_rng([seed, 2])
    drawn = units.with_columns(
        luck=pl.Series(generator.random(len(units)), dtype=pl.Float64),
        dead=pl.Series(maxima[units["index"].to_numpy()] <= 0, dtype=pl.Boolean),
    ).sort("dead", "luck")
    some = drawn.group_by("site", maintain_order=True).head(per_site)
    return some.drop("luck", "dead").sort("index")


@contextmanager
def _task(
    exemplars: Path, sample: Path, units: pl.DataFrame, everyone: pl.DataFrame, seed: int
) -> Iterator[Task]:
    """Yield what is known of some units; they are numbered anew, in the order of the table."""
    numbers = units["index"].to_numpy()
    with open_arrays(exemplars) as found, open_arrays(sample) as text:
        maxima = found.read("maximum")[numbers]
        unit, windows = found.read("unit"), found.read("windows")
        own = np.flatnonzero(np.isin(unit, numbers))
        places = zip(found.read("window")[own], found.read("token")[own], strict=True)
        yield Task(
            maxima=maxima,
            weak=found.read("weak")[numbers],
            pivots=Pivots(
                units=np.searchsorted(numbers, unit[own]),
                texts=[windows[window, : token + 1] for window, token in places],
                activations=found.read("activation")[own],
            ),
            strongest=found.read("strongest")[own].astype(bool),
            sample=Sample(text.read("sample"), _Shares(text, units, maxima, everyone)),
            seed=seed,
        )


def _ask(activity: Activity, folder: Path, masked_lm: Path | None, cap: int) -> Ask:
    model = activity.model
    tokenizer = load_tokenizer(Path(folder), who=model.who)
    if masked_lm is None:
        propose = own_expectation(activity, cap)
    else:
        propose = Substitutes(MaskedModel(Path(masked_lm), str(model.device)), tokenizer).propose_tokens
    return Ask(activity.probe, propose, neutral_id(tokenizer, rows=model.vocabulary, who=model.who))


def own_expectation(activity: Activity, cap: int) -> Propose:
    """Propose the studied model's own next tokens, after as much of the text as the longest context."""

    def propose(texts: list[np.ndarray], places: list[int], k: int) -> np.ndarray:
        before = [text[max(0, place - cap) : place] for text, place in zip(texts, places, strict=True)]
        proposed = np.full((len(before), k), -1, np.int64)
        # Without BOS there is nothing to expect a text's first token from.
        known = np.array([len(one) + activity.own > 0 for one in before], bool)
        proposed[known] = activity.propose([one for one in before if len(one) + activity.own], k)
        return proposed

    return propose


class _Shares:
    """Activations in the sample as shares of the units' maxima, read when asked for; 0 for a dead unit."""

    def __init__(self, arrays: Arrays, units: pl.DataFrame, maxima: np.ndarray, everyone: pl.DataFrame):
        self._arrays = arrays
        self._scale = np.where(maxima > 0, 1 / np.where(maxima > 0, maxima, 1), 0).astype(np.float32)
        rows = everyone.with_columns(row=pl.col("index").rank("ordinal").over("site", "layer") - 1)
        self._places = list(units.join(rows, on="index").select("site", "layer", "row").iter_rows())

    def __getitem__(self, units: slice) -> np.ndarray:
        rows = [self._arrays.rows(f"sample/{site}/{layer}", row) for site, layer, row in self._places[units]]
        return np.array(rows, np.float32) * self._scale[units, None, None]


def _identities(units: pl.DataFrame, maxima: np.ndarray) -> list[dict[str, Any]]:
    rows = units.select("model", "checkpoint", "site", "basis", "layer", "unit").to_dicts()
    return [row | {"maximum": float(maximum)} for row, maximum in zip(rows, maxima, strict=True)]


def _growth(units: pl.DataFrame, task: Task, observed: list[Observed], positions: float) -> pl.DataFrame:
    count = len(units)
    strongest = np.bincount(task.pivots.units[task.strongest], minlength=count)
    firings = np.bincount(task.pivots.units[~task.strongest], minlength=count)
    return units.select("model", "checkpoint", "step", "index").with_columns(
        exemplars=pl.Series(strongest, dtype=pl.Int64),
        firings=pl.Series(firings, dtype=pl.Int64),
        weak=pl.Series(task.weak, dtype=pl.Int64),
        long_range=pl.Series([one.long_range for one in observed] or [0] * count, dtype=pl.Int64),
        observations=pl.Series([len(one.paths) for one in observed] or [0] * count, dtype=pl.Int64),
        positions=pl.lit(positions, pl.Float64),
    )
