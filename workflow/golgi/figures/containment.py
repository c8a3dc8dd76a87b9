"""Containment of children's experts in those of their parents, and the reverse, against wrong parents."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from golgi.figures import axes as shared
from golgi.figures.page import axes_size, grid, message_page, page_columns, text_width
from golgi.figures.rows import (
    at_last,
    at_threshold,
    controls,
    models,
    p_value,
    share,
    study_threshold,
)
from golgi.figures.style import FAINT, INK, SERIES, styled

TABLES = ("hierarchy",)
DIRECTIONS = {
    "child_in_parent": "mean share of a child's experts that are its parent's",
    "parent_in_child": "mean share of a parent's experts that are its child's",
}
PARENTS = {"pooled": "categories as parents", "word": "words named like categories as parents"}
ROW_MM = 4.0
TYPE_SIZE = 6.5
NARROWEST_UNDER_KEY_MM = 50.0


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Mean containment in own parents and in wrong ones at the last checkpoint, a row per control.

    A column per model, a panel per direction and kind of parents. Option `threshold` is tau.
    """
    threshold = study_threshold(tables["hierarchy"], options)
    rows = at_last(at_threshold(tables["hierarchy"], threshold))
    if rows.is_empty():
        return message_page("Children were not compared with their parents.", options)
    names = models(rows, options)
    columns = page_columns(len(names), 2, options)
    kinds = [kind for kind in PARENTS if kind in set(rows["parent"])]
    shown = [(direction, kind) for kind in kinds for direction in DIRECTIONS]
    order = ["measured", *controls(rows)]
    figure, axes = grid(
        len(shown) * -(-len(names) // columns),
        columns,
        options=options,
        panel_height=ROW_MM * (len(order) + 0.4),
        left=3.5 + max(text_width(SERIES[control].name, TYPE_SIZE) for control in order),
        right=3 + text_width(f"n = {rows['concepts'].max():,}", TYPE_SIZE),
        top=20,
        bottom=9,
        stack=len(shown),
        gap=16,
    )
    for place, name in enumerate(names):
        band, column = divmod(place, columns)
        first = len(shown) * band
        for panel, (direction, kind) in zip(axes[first : first + len(shown), column], shown, strict=True):
            part = rows.filter(model=name, direction=direction, parent=kind)
            draw_panel(panel, part, order, DIRECTIONS[direction])
            head_panel(panel, PARENTS[kind], part.filter(control="measured"))
        head_model(axes[first, column], name, threshold)
    for spare in range(len(names), columns * (len(axes) // len(shown))):
        band, column = divmod(spare, columns)
        for panel in axes[len(shown) * band : len(shown) * (band + 1), column]:
            panel.remove()
    return figure


def draw_panel(axes: Axes, rows: pl.DataFrame, order: list[str], label: str) -> None:
    width, _ = axes_size(axes)
    found = {row["control"]: row for row in rows.iter_rows(named=True)}
    axes.set_ylim(len(order) - 0.3, -0.7)
    axes.set_xlim(*limits(found.values()))
    axes.axvline(0, color=INK, lw=0.6, gid="zero", zorder=1)
    for line, control in enumerate(order):
        draw_row(axes, found.get(control), line, SERIES[control].colour)
    axes.set_yticks(range(len(order)), [SERIES[control].name for control in order], fontsize=TYPE_SIZE)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.locator_params(axis="x", nbins=max(2, min(5, int(width / 11))))
    axes.set_xlabel(label, fontsize=fitting_size(label, width))


def fitting_size(text: str, room: float) -> float:
    """The usual size of type, or the smaller one at which the text takes no more than `room` mm."""
    return min(TYPE_SIZE, 0.96 * TYPE_SIZE * room / text_width(text, TYPE_SIZE))


def draw_row(axes: Axes, row: dict | None, line: float, colour: str) -> None:
    """Own and wrong parents, the interval of their difference laid off from the wrong ones, and n."""
    width, _ = axes_size(axes)
    if row is None or row["own"] is None:
        text = "not measured" if row is None else "no experts to compare"
        transform = axes.get_yaxis_transform()
        place = to_share(axes, 0.0) + 1.5 / width
        axes.text(
            place,
            line,
            text,
            fontsize=TYPE_SIZE,
            color=FAINT,
            va="center",
            transform=transform,
            gid="undefined",
        )
        return
    if row["low"] is not None:
        ends = [row["wrong"] + row["low"], row["wrong"] + row["high"]]
        axes.plot(ends, [line, line], color=colour, lw=3.2, alpha=0.3, solid_capstyle="butt", gid="interval")
    axes.plot([row["wrong"], row["own"]], [line, line], color=colour, lw=0.9, gid="difference", zorder=3)
    axes.plot(row["wrong"], line, "o", ms=4, mfc="white", mec=colour, gid="wrong", zorder=5)
    axes.plot(row["own"], line, "o", ms=4, mfc=colour, mec=colour, gid="own", zorder=4)
    axes.text(
        1 + 1.5 / width,
        line,
        f"n = {row['concepts']:,}",
        fontsize=TYPE_SIZE,
        color=INK,
        va="center",
        transform=axes.get_yaxis_transform(),
        gid="children",
    )


def to_share(axes: Axes, value: float) -> float:
    low, high = axes.get_xlim()
    return (value - low) / (high - low)


def limits(rows) -> tuple[float, float]:
    """The range of an axis that holds every mean and interval, and 0."""
    ends = [0.0]
    for row in rows:
        if row["own"] is not None:
            ends += [row["own"], row["wrong"]]
            ends += [row["wrong"] + row[end] for end in ("low", "high") if row[end] is not None]
    low, high = min(ends), max(ends)
    if high - low < 1e-9:
        return (-0.05, 1.0)
    pad = 0.05 * (high - low)
    return low - pad, high + pad


def head_panel(axes: Axes, kind: str, measured: pl.DataFrame) -> None:
    """The kind of parents and what the test of the measured difference says, in two lines."""
    width, height = axes_size(axes)
    texts = {4.2: kind, 1.2: test_note(measured.row(0, named=True)) if measured.height else "not measured"}
    for rise, text in texts.items():
        axes.text(
            0,
            1 + rise / height,
            text,
            transform=axes.transAxes,
            fontsize=fitting_size(text, width),
            va="baseline",
            gid="kind",
        )


def test_note(row: dict) -> str:
    """The p-value of a difference, and how many children were left out."""
    if row["own"] is None:
        return f"measured: none of {row['empty']:,} children has a value"
    holm = "" if row["p_holm"] is None else f" (Holm {p_value(row['p_holm']).removeprefix('p = ')})"
    left_out = f"; {row['empty']:,} without a value" if row["empty"] else ""
    return f"measured: {p_value(row['p'])}{holm}{left_out}"


def head_model(axes: Axes, name: str, threshold: float) -> None:
    """The model's name over its panels, the threshold, and the key."""
    width, height = axes_size(axes)
    shared.heading(axes, name, rise=14.6)
    shared.fact_line(axes, f"AP ≥ {share(threshold)}, last checkpoint", rise=11.2)
    markers = [
        Line2D([], [], ls="none", marker="o", ms=4, mec=INK, mfc=fill, label=label)
        for label, fill in (("own", INK), ("wrong parents", "white"))
    ]
    band = Line2D([], [], color=INK, lw=3.2, alpha=0.3, solid_capstyle="butt", label="95 % interval")
    key = axes.legend(
        handles=[*markers, band],
        loc="lower left",
        bbox_to_anchor=(0, 1 + 7.2 / height),
        ncols=3,
        fontsize=min(6.0, 6.0 * width / NARROWEST_UNDER_KEY_MM),
        handlelength=1.2,
        handletextpad=0.4,
        columnspacing=0.8,
        borderpad=0,
    )
    key.set_gid("key")
