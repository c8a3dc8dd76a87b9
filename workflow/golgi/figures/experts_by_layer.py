"""Number of experts per layer and checkpoint, against the controls."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures import axes as shared
from golgi.figures.page import grid, message_page, page_columns
from golgi.figures.rows import (
    at_last,
    at_threshold,
    checkpoints,
    controls,
    counted,
    mean_experts,
    models,
    share,
    step_label,
    study_threshold,
)
from golgi.figures.style import SERIES, checkpoint_colours, styled

TABLES = ("counts",)
COLUMNS = 2
# Of more checkpoints, the first, the middle and the last are named: their colours are ordered.
MOST_NAMED = 6
FEW_NAMED = 3


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Mean number of experts per concept against layer, by site and model; option `threshold` is tau."""
    threshold = study_threshold(tables["counts"], options)
    counts = at_threshold(tables["counts"], threshold)
    if counts.is_empty():
        return message_page("No experts were counted at this threshold.", options)
    names = models(counts, options)
    columns = page_columns(len(names), COLUMNS, options)
    cells = panel_cells(counts["site"].unique(maintain_order=True).to_list(), names, columns)
    texts = [SERIES[control].name for control in controls(counts)] + [
        step_label(name) for name in checkpoints(counts)
    ]
    figure, axes = grid(
        max(row for row, _ in cells) + 1,
        columns,
        options=options,
        panel_height=42,
        right=shared.label_margin(texts),
        top=11,
    )
    for cell, panel in np.ndenumerate(axes):
        site, name = cells.get(cell, ("", ""))
        part = counts.filter((pl.col("site") == site) & (pl.col("model") == name))
        if part.is_empty():
            panel.remove()
        else:
            draw_panel(panel, part, heading=f"{name}, {site}", threshold=threshold)
    return figure


def panel_cells(sites: list[str], names: list[str], columns: int) -> dict[tuple[int, int], tuple[str, str]]:
    rows = -(-len(names) // columns)
    return {
        (row * rows + place // columns, place % columns): (site, name)
        for row, site in enumerate(sites)
        for place, name in enumerate(names)
    }


def draw_panel(axes: Axes, counts: pl.DataFrame, *, heading: str, threshold: float) -> None:
    measured = counts.filter(pl.col("control") == "measured")
    means = mean_experts(measured, ("checkpoint", "layer")).sort("layer")
    colours = checkpoint_colours(checkpoints(measured))
    labels = [draw_checkpoint(axes, means, name, colour) for name, colour in colours.items()]
    room = shared.most_labels(axes) - len(controls(counts))
    labels = evenly(labels, room if len(labels) <= MOST_NAMED else FEW_NAMED)
    labels += draw_controls(axes, at_last(counts))
    shared.layer_axis(axes, counts["layer"].unique().sort().to_list())
    axes.set_ylim(0, max(1.06 * axes.get_ylim()[1], 1.0) if means["mean"].max() == 0 else None)
    axes.set_ylabel("experts per concept (mean)")
    per_layer = " to ".join(f"{units:,}" for units in sorted({counts["units"].min(), counts["units"].max()}))
    concepts = counted(counts["concept"].n_unique(), "concept")
    shared.title(axes, heading, f"AP ≥ {share(threshold)}; {concepts}, {per_layer} units a layer")
    shared.label_ends(axes, labels)


def draw_checkpoint(axes: Axes, means: pl.DataFrame, name: str, colour: str) -> shared.EndLabel:
    part = means.filter(pl.col("checkpoint") == name)
    axes.plot(
        part["layer"],
        part["mean"],
        color=colour,
        marker="o",
        lw=1.3,
        ms=2.6,
        gid=f"measured {name}",
        zorder=3,
    )
    return shared.EndLabel(step_label(name), part["layer"][-1], part["mean"][-1], colour)


def draw_controls(axes: Axes, counts: pl.DataFrame) -> list[shared.EndLabel]:
    labels = []
    for control in controls(counts):
        part = mean_experts(counts.filter(pl.col("control") == control), ("layer",)).sort("layer")
        style = SERIES[control]
        axes.plot(part["layer"], part["mean"], **style.plotting(), gid=control, zorder=4)
        labels.append(shared.EndLabel(style.name, part["layer"][-1], part["mean"][-1], style.colour))
    return labels


def evenly(labels: list[shared.EndLabel], most: int) -> list[shared.EndLabel]:
    """At most `most` (2 or more) labels, first and last included: the colours between them are ordered."""
    if len(labels) <= max(most, 2):
        return labels
    keep = np.unique(np.linspace(0, len(labels) - 1, max(most, 2)).round().astype(int))
    return [labels[place] for place in keep]
