"""Axes that several figures share: training steps, direct labels, reference lines."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullFormatter

from golgi.figures.page import axes_size, fit_title, text_width
from golgi.figures.rows import step_name
from golgi.figures.style import FAINT, INK, POINTS_PER_MM, readable

LABEL_SIZE = 6.5


@dataclass(frozen=True)
class EndLabel:
    """A label for the end of a curve, at data coordinates (x, y)."""

    text: str
    x: float
    y: float
    colour: str


def step_positions(checkpoints: list[str]) -> dict[str, float]:
    """Place of each checkpoint on the step axis; `final`, of unknown step, one decade after the last."""
    steps = {name: float(name) for name in checkpoints if name.isdigit()}
    beyond = max(10 * max(steps.values(), default=0.0), 1.0)
    return {name: steps.get(name, beyond) for name in checkpoints}


def step_axis(axes: Axes, checkpoints: list[str]) -> None:
    """Symlog axis of training steps with a tick at each checkpoint and labels where they do not touch."""
    positions = step_positions(checkpoints)
    places = list(positions.values())
    if len(places) > 1:
        # Linear up to the first step after 0: no empty decades between 0 and a first checkpoint at 512.
        axes.set_xscale("symlog", linthresh=min(place for place in places if place > 0))
    else:
        axes.set_xlim(places[0] - 1, places[0] + 1)
    pad_steps(axes, places)
    labelled = roomy_ticks(axes, {place: step_name(name) for name, place in positions.items()})
    axes.xaxis.set_major_locator(FixedLocator(list(labelled)))
    axes.set_xticks(list(labelled), list(labelled.values()))
    axes.xaxis.set_minor_locator(FixedLocator([place for place in places if place not in labelled]))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("training step" if positions.keys() != {"final"} else "checkpoint")


def layer_axis(axes: Axes, layers: list[int]) -> None:
    """Axis of layers, in ascending order, with a tick at each and numbers where they do not touch."""
    pad = max(0.04 * (layers[-1] - layers[0]), 0.2)
    axes.set_xlim(layers[0] - pad, layers[-1] + pad)
    labelled = roomy_ticks(axes, {layer: str(layer) for layer in layers}, gap=1.6)
    axes.set_xticks(list(labelled), list(labelled.values()))
    axes.xaxis.set_minor_locator(FixedLocator([layer for layer in layers if layer not in labelled]))
    axes.set_xlabel("layer")


def pad_steps(axes: Axes, places: list[float]) -> None:
    if len(places) < 2:
        return
    transform = axes.xaxis.get_transform()
    low, high = transform.transform(np.array([min(places), max(places)]))
    pad = 0.035 * (high - low)
    axes.set_xlim(*transform.inverted().transform(np.array([low - pad, high + pad])))


def roomy_ticks(axes: Axes, labels: dict[float, str], gap: float = 1.5) -> dict[float, str]:
    """The labels (place -> text) that fit side by side `gap` mm apart: ends first, then left to right."""
    width, _ = axes_size(axes)
    low, high = axes.transData.transform([(x, axes.get_ylim()[0]) for x in axes.get_xlim()])[:, 0]
    centre = {
        x: (axes.transData.transform((x, axes.get_ylim()[0]))[0] - low) / (high - low) * width for x in labels
    }
    kept: list[float] = []
    for x in [max(labels), min(labels), *sorted(labels)]:
        apart = ((text_width(labels[x]) + text_width(labels[other])) / 2 + gap for other in kept)
        if all(abs(centre[x] - centre[other]) >= room for other, room in zip(kept, apart, strict=True)):
            kept.append(x)
    return {x: labels[x] for x in sorted(kept)}


def spread(targets: list[float], distance: float, low: float, high: float) -> list[float]:
    """Places near the targets but `distance` apart and, if there is room, within [low, high]."""
    order = np.argsort(targets, kind="stable")
    clusters: list[list[float]] = []
    for index in order:
        clusters.append([targets[index], 1])
        while (
            len(clusters) > 1
            and bounds(clusters[-2], distance, low, high)[1]
            > bounds(clusters[-1], distance, low, high)[0] - distance + 1e-12
        ):
            centre, size = clusters.pop()
            before, count = clusters.pop()
            clusters.append([(before * count + centre * size) / (count + size), count + size])
    placed = [
        bounds(cluster, distance, low, high)[0] + distance * member
        for cluster in clusters
        for member in range(int(cluster[1]))
    ]
    result = np.empty(len(targets))
    result[order] = placed
    return result.tolist()


def bounds(cluster: list[float], distance: float, low: float, high: float) -> tuple[float, float]:
    centre, size = cluster
    length = (size - 1) * distance
    start = max(min(centre - length / 2, high - length), low)
    return start, start + length


def label_ends(axes: Axes, labels: list[EndLabel]) -> None:
    """Name curves at the right of the axes, moved apart where they would touch, with a leader to each end."""
    width, height = axes_size(axes)
    distance = 1.25 * LABEL_SIZE / POINTS_PER_MM / height
    to_axes = axes.transData + axes.transAxes.inverted()
    ends = [to_axes.transform((label.x, label.y)) for label in labels]
    places = spread([end[1] for end in ends], distance, 0.0, 1.0)
    for label, (x, y), place in zip(labels, ends, places, strict=True):
        corner = 1 + 1.2 / width
        leader = [x + 0.8 / width, max(corner, x + 1.6 / width), 1 + 2.6 / width]
        axes.plot(
            leader, [y, y, place], color=FAINT, lw=0.35, transform=axes.transAxes, clip_on=False, gid="leader"
        )
        axes.text(
            1 + 3.1 / width,
            place,
            label.text,
            transform=axes.transAxes,
            color=readable(label.colour),
            fontsize=LABEL_SIZE,
            va="center_baseline",
        )


def most_labels(axes: Axes) -> int:
    """How many end labels fit beside the axes."""
    return int(axes_size(axes)[1] * POINTS_PER_MM / (1.25 * LABEL_SIZE)) + 1


def label_margin(texts: list[str]) -> float:
    """Millimetres to leave at the right of a panel for end labels."""
    return 6.0 + max((text_width(text, LABEL_SIZE) for text in texts), default=0.0)


def interval_band(axes: Axes, rows: pl.DataFrame, colour: str) -> None:
    """The 95 % interval (columns `place`, `low`, `high`) of a curve as a band, of a lone point as a bar."""
    low, high = (rows[side].fill_null(float("nan")).to_numpy() for side in ("low", "high"))
    axes.fill_between(rows["place"].to_numpy(), low, high, color=colour, alpha=0.18, lw=0, gid="band")
    if rows.height == 1:
        axes.vlines(rows["place"], low, high, color=colour, alpha=0.5, lw=1.6, gid="interval")


def interval_bars(axes: Axes, rows: pl.DataFrame, colour: str) -> None:
    """The 95 % interval of a control as thin bars, behind the curves."""
    known = rows.filter(pl.col("low").is_not_null() & pl.col("high").is_not_null())
    axes.vlines(
        known["place"], known["low"], known["high"], color=colour, alpha=0.7, lw=0.6, gid="control interval"
    )


def title(axes: Axes, text: str, note: str = "") -> None:
    """A panel's title and, under it, a line of facts (n, p) in smaller type."""
    if note:
        fact_line(axes, note, rise=1.4)
    heading(axes, text, rise=4.8 if note else 1.4)


def heading(axes: Axes, text: str, *, rise: float, room: float | None = None) -> None:
    """A title `rise` mm above the axes, cut in its middle to the width of the panel, or to `room` mm."""
    width, height = axes_size(axes)
    name = fit_title(text, 0.9 * (room or width))  # bold type is a tenth wider than the type that is measured
    axes.text(
        0, 1 + rise / height, name, transform=axes.transAxes, fontsize=7.5, weight="bold", va="baseline"
    )


def fact_line(axes: Axes, text: str, *, rise: float) -> None:
    """A line of facts `rise` mm above the axes."""
    _, height = axes_size(axes)
    axes.text(
        0, 1 + rise / height, text, transform=axes.transAxes, fontsize=LABEL_SIZE, color=INK, va="baseline"
    )


def no_ticks(axes: Axes) -> None:
    """Take every tick and label off."""
    axes.set_xticks([])
    axes.set_yticks([])
