"""Choose the units of a model that get graphs: experts of concepts, whole layers or samples, named ones."""

from __future__ import annotations

import logging
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.tables import open_arrays, read_table, write_table

logger = logging.getLogger(__name__)

Place = tuple[str, int]  # site, layer
Unit = tuple[str, int, int]  # site, layer, unit
EXPERTS = ("measured", "untrained")  # controls whose rows are experts and not what they are held against


def choose_units(
    *,
    expertise: Path,
    experts: Path,
    choice: dict[str, Any],
    model: str,
    checkpoint: str,
    step: int | None,
    seed: int,
    chosen: Path,
) -> None:
    """Write which units of a checkpoint get graphs, and why, as the table `graph_chosen`.

    `choice` holds `experts` (units per concept, or None) with their `threshold`, `layers` ("all", numbers or
    None) at `sites` with `sample` units of each (None for all), and `listed` units. A unit that is chosen in
    several ways is one unit. Layers and units that the model does not have are left out, and counted in the
    log. Raises GolgiError if no unit is left.
    """
    with open_arrays(expertise) as arrays:
        widths = {
            _place(name): arrays.shape(name)[1] for name in arrays.names if name.startswith("measured/")
        }
    reasons: dict[Unit, list[str]] = defaultdict(list)
    if choice["experts"]:
        for unit in _best_experts(experts, choice["experts"], choice["threshold"]):
            reasons[unit].append("expert")
    for unit in _of_layers(widths, choice, seed):
        reasons[unit].append("sample")
    for unit in _listed(widths, choice["listed"], f"{model}@{checkpoint}"):
        reasons[unit].append("list")
    if not reasons:
        raise GolgiError(f"{model}@{checkpoint}: graphs.units chooses no unit of this model.")
    rows = [
        {"site": site, "layer": layer, "unit": unit, "chosen": "+".join(reasons[site, layer, unit])}
        for site, layer, unit in sorted(reasons)
    ]
    facts = {"model": model, "checkpoint": checkpoint, "step": step, "basis": "neuron"}
    frame = pl.DataFrame([facts | {"index": index} | row for index, row in enumerate(rows)])
    write_table(frame.with_columns(pl.col("step").cast(pl.Int64)), chosen, schema="graph_chosen")
    logger.info("%s@%s: %d units get a graph.", model, checkpoint, len(rows))


def _place(name: str) -> Place:
    _, site, layer = name.split("/")
    return site, int(layer)


def _best_experts(experts: Path, per_concept: int, threshold: float) -> list[Unit]:
    ranked = (
        read_table(experts, schema="experts")
        .filter(pl.col("control").is_in(EXPERTS) & (pl.col("ap") >= threshold))
        .sort("concept", "ap", "site", "layer", "unit", descending=[False, True, False, False, False])
    )
    best = ranked.group_by("concept", maintain_order=True).head(per_concept)
    return sorted(set(best.select("site", "layer", "unit").iter_rows()))


def _of_layers(widths: dict[Place, int], choice: dict[str, Any], seed: int) -> Iterator[Unit]:
    for (site, layer), width in sorted(widths.items()):
        if site not in choice["sites"] or (choice["layers"] != "all" and layer not in choice["layers"]):
            continue
        # A stream of its own for every layer: a layer more changes no other layer's sample.
        generator = np.random.default_rng([seed, zlib.crc32(site.encode()), layer])
        some = width if choice["sample"] is None else min(choice["sample"], width)
        for unit in sorted(generator.choice(width, some, replace=False).tolist()):
            yield site, layer, unit


def _listed(widths: dict[Place, int], listed: list[dict[str, Any]], who: str) -> Iterator[Unit]:
    for one in listed:
        width = widths.get((one["site"], one["layer"]))
        # A site that no expert was looked for at is checked when the model is opened.
        if width is not None and one["unit"] >= width:
            logger.warning("%s: %s of layer %d has no unit %d.", who, one["site"], one["layer"], one["unit"])
        elif width is None and one["site"] in {site for site, _ in widths}:
            logger.warning("%s: there is no layer %d.", who, one["layer"])
        else:
            yield one["site"], one["layer"], one["unit"]
