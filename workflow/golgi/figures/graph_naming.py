"""How many experts have graphs that name their own concept, against how many name a wrong one."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures import axes as shared
from golgi.figures.page import blank, fit_title, message_page, need_room, page_width, place, text_width
from golgi.figures.rows import at_last, checkpoints, counted, models, p_value, step_label
from golgi.figures.style import CONTRAST, FAINT, MEASURED, styled

TABLES = ("graph_naming",)
WAYS = {"fires": "fire on the word", "mostly": "fire mostly on it", "context": "need it before"}
# What is named: columns of the table, colour, marker and place beside the row's middle.
CONCEPTS = {
    "its own concept": (("named", "low", "high"), MEASURED, "o", -0.17),
    "another concept": (("other", "other_low", "other_high"), CONTRAST, "s", 0.17),
}
TOP_MM, BOTTOM_MM, ROW_MM, GAP_MM, RIGHT_MM, KEY_MM = 6.0, 10.0, 7.5, 6.0, 4.0, 5.0
LONGEST_NAME_MM, NARROWEST_MM = 40.0, 24.0
P_SIZE = 5.5


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Share of experts whose graph names a concept, own and wrong, with 95 % intervals; a row per model.

    Panels are ways of naming. The last checkpoint is shown, and the untrained twin where it has graphs.
    """
    rows = at_last(tables["graph_naming"])
    if rows["named"].is_null().all():
        return message_page("No expert of a concept has a graph.", options)
    lines = wanted_lines(rows, options)
    labels = [line_label(rows, *line) for line in lines]
    figure, panels = panel_row(labels, options)
    for axes, how in zip(panels, WAYS, strict=True):
        draw_panel(axes, rows.filter(pl.col("how") == how), lines, how)
    panels[0].set_yticks(range(len(lines)), labels)
    draw_key(panels[0])
    return figure


def wanted_lines(rows: pl.DataFrame, options: dict) -> list[tuple[str, str]]:
    """(model, checkpoint) of every row, the untrained twin below its model."""
    there = set(rows.select("model", "checkpoint").rows())
    return [
        (model, checkpoint)
        for model in models(rows, options)
        for checkpoint in [*checkpoints(rows.filter(pl.col("model") == model)), "untrained"]
        if (model, checkpoint) in there
    ]


def line_label(rows: pl.DataFrame, model: str, checkpoint: str) -> str:
    """Which model it is, and how many experts of how many concepts."""
    row = rows.filter(pl.col("model") == model, pl.col("checkpoint") == checkpoint).row(0, named=True)
    name = fit_title(f"{model}, {step_label(checkpoint)}", LONGEST_NAME_MM, 7.0)
    return f"{name}\n{counted(row['experts'], 'expert')} of {counted(row['concepts'], 'concept')}"


def panel_row(labels: list[str], options: dict) -> tuple[Figure, list[Axes]]:
    """Panels side by side with the labels at their left; one below the other where they have no room."""
    left = 4.0 + max(text_width(line) for label in labels for line in label.split("\n"))
    width = page_width(len(WAYS), options)
    room = width - left - RIGHT_MM + GAP_MM
    columns = len(WAYS) if room / len(WAYS) - GAP_MM >= NARROWEST_MM else 1
    panel = (width - left - RIGHT_MM - (columns - 1) * GAP_MM) / columns
    need_room(width, panel, columns)
    tall = ROW_MM * len(labels)
    pitch = TOP_MM + tall + BOTTOM_MM
    bands = len(WAYS) // columns
    height = KEY_MM + bands * pitch
    figure = blank(width, height)
    panels = []
    for number in range(len(WAYS)):
        band, column = divmod(number, columns)
        corner = left + column * (panel + GAP_MM), height - KEY_MM - band * pitch - TOP_MM - tall
        axes = place(figure, *corner, panel, tall)
        axes.set_yticks(range(len(labels)), labels)
        axes.tick_params(axis="y", length=0, labelleft=column == 0)
        panels.append(axes)
    return figure, panels


def draw_panel(axes: Axes, rows: pl.DataFrame, lines: list[tuple[str, str]], how: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.spines["left"].set_visible(False)
    for number, (model, checkpoint) in enumerate(lines):
        axes.axhline(number + 0.5, color=FAINT, lw=0.3, gid="rule")
        found = rows.filter(pl.col("model") == model, pl.col("checkpoint") == checkpoint)
        for row in found.iter_rows(named=True):
            draw_row(axes, row, number)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    axes.set_xlabel("share of the experts")
    shared.heading(axes, WAYS[how], rise=1.8)


def draw_row(axes: Axes, row: dict, number: int) -> None:
    """The two shares of one model, each with its interval, and the p-value of the first."""
    for name, ((value, low, high), colour, marker, shift) in CONCEPTS.items():
        if row[value] is None:
            continue
        if row[low] is not None:
            axes.hlines(number + shift, row[low], row[high], color=colour, lw=0.9, gid="interval")
        fill = colour if value == "named" else "white"
        axes.plot(row[value], number + shift, color=colour, marker=marker, mfc=fill, ls="none", gid=name)
    if row["p"] is not None:
        # Beside the interval, on the side that has more room.
        right = (row["high"] or row["named"]) < 0.7
        axes.annotate(
            p_value(row["p"]),
            ((row["high"] if right else row["low"]), number - 0.17),
            (3 if right else -3, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center_baseline",
            fontsize=P_SIZE,
            gid="p",
        )


def draw_key(axes: Axes) -> None:
    """What the two marks are, above the panels."""
    width, height = shared.axes_size(axes)
    wide = sum(6.0 + text_width(name, shared.LABEL_SIZE) for name in CONCEPTS)
    x, y = min(1.0, width - wide), 1 + (TOP_MM + 0.6) / height
    spot = {"transform": axes.transAxes, "clip_on": False, "gid": "key"}
    for name, (columns, colour, marker, _) in CONCEPTS.items():
        fill = colour if columns[0] == "named" else "white"
        axes.plot([x / width], [y + 0.8 / height], marker=marker, color=colour, mfc=fill, **spot)
        axes.text((x + 1.8) / width, y, name, fontsize=shared.LABEL_SIZE, **spot)
        x += 6.0 + text_width(name, shared.LABEL_SIZE)
