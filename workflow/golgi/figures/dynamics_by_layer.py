"""Experts and alignment of every layer, one line per checkpoint."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from golgi.figures import axes as shared
from golgi.figures.alignment_over_training import frame_rho
from golgi.figures.page import axes_size, message_page, page_columns, page_width, text_width, wrapped_stacks
from golgi.figures.rows import (
    at_threshold,
    checkpoints,
    counted,
    models,
    share,
    step_name,
    study_threshold,
)
from golgi.figures.style import INK, SERIES, checkpoint_colours, styled

TABLES = ("dynamics", "dynamics_alignment")
COLUMNS = 3
SWATCH_MM = 5.0
KEY_SIZE = 6.0
TOP_MM = 18.0
LINE_MM = 3.2
LEFT_MM, RIGHT_MM = 14.0, 3.0


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Experts per concept above, Spearman's rho with each reference below, against layer; a column per model.

    Colours, light to dark, are checkpoints, the same ones for every model; grey is the untrained twin. Option
    `threshold` is tau.
    """
    threshold = study_threshold(tables["dynamics"], options)
    experts = single_layers(tables["dynamics"], threshold)
    if experts.is_empty():
        return message_page("Experts were not followed over training.", options)
    alignment = single_layers(tables.get("dynamics_alignment"), threshold)
    references = [] if alignment.is_empty() else alignment["reference"].unique().sort().to_list()
    names, colours = models(experts, options), checkpoint_colours(checkpoints(experts))
    columns, stack = page_columns(len(names), COLUMNS, options), 1 + len(references)
    room = page_width(columns, options) / columns - LEFT_MM - RIGHT_MM
    notes = {name: facts(experts.filter(pl.col("model") == name), threshold, room) for name in names}
    figure, stacks = wrapped_stacks(
        len(names),
        most=COLUMNS,
        stack=stack,
        options=options,
        panel_height=34,
        left=LEFT_MM,
        right=RIGHT_MM,
        top=TOP_MM + LINE_MM * (max(map(len, notes.values())) - 1),
        gap=9.5,
    )
    for panels, name in zip(stacks, names, strict=True):
        own = [frame.filter(pl.col("model") == name) for frame in (experts, alignment) if len(frame)]
        draw_model(panels, own, references, colours)
        header(panels[0], own[0], name, notes[name], colours)
    return figure


def single_layers(table: pl.DataFrame | None, threshold: float) -> pl.DataFrame:
    """Rows of single layers, of the experts and the untrained twin; none of a table that is missing."""
    if table is None or table.is_empty():
        return pl.DataFrame()
    wanted = pl.col("layer").is_not_null() & pl.col("control").is_in(["measured", "untrained"])
    return at_threshold(table, threshold).filter(wanted).sort("layer")


def draw_model(panels, frames: list[pl.DataFrame], references: list[str], colours: dict[str, str]) -> None:
    layers = frames[0]["layer"].unique().sort().to_list()
    experts = frames[0].rename({"experts": "value", "experts_low": "low", "experts_high": "high"})
    draw_lines(panels[0], experts, colours)
    panels[0].set_ylim(0, None if experts["value"].max() > 0 else 1)
    panels[0].set_ylabel("experts per concept (mean)")
    for panel, reference in zip(panels[1:], references, strict=True):
        rows = frames[1].filter(pl.col("reference") == reference).rename({"rho": "value"})
        panel.axhline(0, color=INK, lw=0.6, gid="zero")
        draw_lines(panel, rows, colours)
        frame_rho(panel)
        panel.set_ylabel("alignment (Spearman's ρ)")
        shared.fact_line(panel, alignment_note(reference, rows), rise=1.2)
    for panel in panels:
        shared.layer_axis(panel, layers)
        panel.set_xlabel("layer" if panel is panels[-1] else "")


def alignment_note(reference: str, rows: pl.DataFrame) -> str:
    if rows.is_empty():
        return reference
    undefined = rows["value"].null_count()
    pairs = f"{reference}; {counted(rows['pairs'].max(), 'pair')}"
    return pairs + (f"; ρ undefined at {counted(undefined, 'point')}" if undefined else "")


def draw_lines(axes: Axes, rows: pl.DataFrame, colours: dict[str, str]) -> None:
    """A line per checkpoint, the last one with its interval, and the untrained twin."""
    twin, style = rows.filter(pl.col("control") == "untrained"), SERIES["untrained"]
    order = checkpoints(rows)
    for name in order:
        part = rows.filter(pl.col("checkpoint") == name)
        if name == order[-1]:
            shared.interval_band(axes, part.with_columns(pl.col("layer").alias("place")), colours[name])
        values = part["value"].fill_null(float("nan"))
        axes.plot(
            part["layer"], values, color=colours[name], marker="o", lw=1.0, ms=2.2, gid=f"measured {name}"
        )
    if not twin.is_empty():
        values = twin["value"].fill_null(float("nan"))
        axes.plot(twin["layer"], values, **style.plotting(), gid="untrained", zorder=4)


def facts(rows: pl.DataFrame, threshold: float, room: float) -> list[str]:
    """Threshold and numbers on one line, or on two where `room` mm are not enough for one."""
    per_layer = " to ".join(f"{units:,}" for units in sorted({rows["units"].min(), rows["units"].max()}))
    concepts = counted(rows["concepts"].max(), "concept")
    lines = [f"AP ≥ {share(threshold)}; {concepts}", f"{per_layer} units a layer"]
    whole = ", ".join(lines)
    return [whole] if text_width(whole, shared.LABEL_SIZE) <= room else lines


def header(axes: Axes, rows: pl.DataFrame, name: str, notes: list[str], colours: dict[str, str]) -> None:
    """Title, facts, and the key: a swatch per checkpoint, as wide as fits, and the untrained twin."""
    shared.heading(axes, name, rise=13.2 + LINE_MM * (len(notes) - 1))
    for line, note in enumerate(reversed(notes)):
        shared.fact_line(axes, note, rise=9.6 + LINE_MM * line)
    width, height = axes_size(axes)
    twin = (rows["control"] == "untrained").any()
    left = text_width("step", KEY_SIZE) + 1.2
    room = width - left - (8.0 + text_width("untrained", KEY_SIZE) if twin else 0.0)
    order = checkpoints(rows)
    swatch = min(room / max(len(order), 1), SWATCH_MM)
    write(axes, 0, 5.6, "step", ha="left")
    for place, checkpoint in enumerate(order):
        corner = (left + place * swatch) / width, 1 + 5.4 / height
        patch = Rectangle(
            corner, 0.9 * swatch / width, 2.2 / height, color=colours[checkpoint], lw=0, gid="swatch"
        )
        axes.add_patch(patch)
        patch.set(transform=axes.transAxes, clip_on=False)
    for place, text in roomy(order, swatch):
        write(axes, left + (place + 0.45) * swatch, 2.6, text)
    if twin:
        style, start = SERIES["untrained"], left + len(order) * swatch + 1.5
        line = {"color": style.colour, "ls": style.line, "lw": style.width, "gid": "key", "marker": "none"}
        ends = [start / width, (start + 5.0) / width]
        axes.plot(ends, [1 + 6.5 / height] * 2, **line, transform=axes.transAxes, clip_on=False)
        write(axes, start + 5.8, 5.6, "untrained", ha="left")


def write(axes: Axes, x: float, rise: float, text: str, ha: str = "center") -> None:
    width, height = axes_size(axes)
    place = x / width, 1 + rise / height
    axes.text(*place, text, transform=axes.transAxes, fontsize=KEY_SIZE, color=INK, ha=ha, va="baseline")


def roomy(order: list[str], swatch: float) -> list[tuple[int, str]]:
    """The checkpoints whose names fit below their swatches: last and first, then from left to right."""
    if not order:
        return []
    kept: dict[int, str] = {}
    for place in [len(order) - 1, 0, *range(len(order))]:
        text = step_name(order[place])
        half = text_width(text, KEY_SIZE) / 2
        apart = (
            abs(place - other) * swatch >= half + text_width(name, KEY_SIZE) / 2 + 1.0
            for other, name in kept.items()
        )
        if place not in kept and all(apart):
            kept[place] = text
    return sorted(kept.items())
