"""What acting on more and more of a concept's units does, against matched random ones and the next."""

from collections.abc import Iterator

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullFormatter, NullLocator

from golgi.figures import axes as shared
from golgi.figures.page import blank, fit_title, message_page, need_room, page_width, place, text_width
from golgi.figures.rows import at_studied, checkpoints, compact, counted, models, p_value, step_label
from golgi.figures.style import FAINT, INK, MEASURED, LineStyle, styled

TABLES = ("interventions",)
UNITS = {
    "random": LineStyle("matched random", "#757575", (0, (4, 2)), "s", 0.9),
    "next": LineStyle("next k", "#009E73", (0, (1, 1)), "^", 0.9),
    "top": LineStyle("top k", MEASURED, "-", "o", 1.4),
}
ACTIONS = {
    "force": "force: set to the median positive response",
    "zero": "zero: set to 0",
    "mean_negative": "mean negative: set to the mean negative response",
}
# Title, label of the axis, and the smallest scale, so that noise about 0 does not look like a result.
QUANTITIES = {
    "occurs": ("where it occurs", "Δ log p of word (nats)", 0.05),
    "absent": ("where it does not", "Δ log p of word (nats)", 0.05),
    "generated": ("in continuations", "Δ share with the word", 0.02),
    "neutral": ("neutral text (cost)", "Δ loss (nats per token)", 0.02),
}
ONE_SCALE = ("occurs", "absent")
CELL_MM, LEFT_MM, RIGHT_MM, PANEL_MM = 42.0, 13.0, 3.0, 27.0
MODEL_MM, ACTION_MM, TOP_MM, BOTTOM_MM = 9.5, 5.0, 11.5, 9.5


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Effect on each quantity against the number of units, with 95 % intervals: a band per model, action."""
    rows = at_studied(tables["interventions"])
    if rows.is_empty():
        return message_page("No intervention was made.", options)
    names = models(rows, options)
    bands = {name: actions(rows.filter(pl.col("model") == name)) for name in names}
    width = page_width(len(QUANTITIES), options)
    columns = next(number for number in (4, 2, 1) if width >= number * CELL_MM or number == 1)
    need_room(width, width / columns - LEFT_MM - RIGHT_MM, columns)
    lines = len(QUANTITIES) // columns
    pitch = TOP_MM + PANEL_MM + BOTTOM_MM
    tall = [MODEL_MM + len(found) * (ACTION_MM + lines * pitch) for found in bands.values()]
    figure = blank(width, sum(tall))
    top = sum(tall)
    for name, height in zip(names, tall, strict=True):
        part = rows.filter(pl.col("model") == name)
        for band, action in enumerate(bands[name]):
            upper = top - MODEL_MM - band * (ACTION_MM + lines * pitch) - ACTION_MM
            panels = list(panels_below(figure, upper, columns))
            draw_action(panels, part.filter(pl.col("action") == action))
            room = width - LEFT_MM
            shared.heading(panels[0], ACTIONS[action], rise=TOP_MM + 0.8, room=room)
            if band == 0:
                step = step_label((checkpoints(part) or ["untrained"])[-1])
                shared.heading(panels[0], f"{name}, {step}", rise=TOP_MM + ACTION_MM + 4.4, room=room)
                draw_key(panels[0], TOP_MM + ACTION_MM + 0.8)
        top -= height
    return figure


def actions(rows: pl.DataFrame) -> list[str]:
    """The actions that were taken, in the order of every page."""
    taken = set(rows["action"])
    return [action for action in ACTIONS if action in taken]


def panels_below(figure: Figure, upper: float, columns: int) -> Iterator[Axes]:
    """Axes for each quantity, in rows of `columns`, below `upper` mm."""
    cell = 25.4 * figure.get_figwidth() / columns
    for index in range(len(QUANTITIES)):
        line, column = divmod(index, columns)
        bottom = upper - line * (TOP_MM + PANEL_MM + BOTTOM_MM) - TOP_MM - PANEL_MM
        yield place(figure, column * cell + LEFT_MM, bottom, cell - LEFT_MM - RIGHT_MM, PANEL_MM)


def draw_action(panels: list[Axes], rows: pl.DataFrame) -> None:
    for axes, quantity in zip(panels, QUANTITIES, strict=True):
        alike = ONE_SCALE if quantity in ONE_SCALE else (quantity,)
        scale = limits(rows.filter(pl.col("quantity").is_in(alike)), QUANTITIES[quantity][2])
        draw_panel(axes, rows.filter(pl.col("quantity") == quantity), quantity, scale)


def limits(rows: pl.DataFrame, smallest: float) -> tuple[float, float]:
    """A scale that holds 0, every mean and every interval."""
    known = [value for column in ("effect", "low", "high") for value in rows[column].drop_nulls()]
    low, high = min([*known, -smallest]), max([*known, smallest])
    return low - 0.06 * (high - low), high + 0.06 * (high - low)


def draw_panel(axes: Axes, rows: pl.DataFrame, quantity: str, scale: tuple[float, float]) -> None:
    heading, label, _ = QUANTITIES[quantity]
    size_axis(axes, rows["size"].unique().sort().to_list())
    axes.set_ylim(*scale)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.ticklabel_format(axis="y", style="plain", useOffset=False)
    axes.set_ylabel(label)
    axes.axhline(0, color=INK, lw=0.6, gid="zero", zorder=1)
    planned = rows.filter(pl.col("family") == "planned")
    for size in planned["size"]:
        axes.axvline(size, color=FAINT, lw=0.7, ls=(0, (1, 1.5)), gid="planned", zorder=1)
    for units in UNITS:
        draw_series(axes, rows.filter(pl.col("units") == units).sort("size"), units)
    width, _ = shared.axes_size(axes)
    room = width + RIGHT_MM - 1
    shared.heading(axes, heading, rise=8.2, room=room)
    shared.fact_line(axes, measured_on(rows, room), rise=4.8)
    for row in planned.iter_rows(named=True):
        fact = f"k = {compact(row['size'])}: Holm {p_value(row['p_holm'])}"
        shared.fact_line(axes, fit_title(fact, room, shared.LABEL_SIZE), rise=1.6)


def size_axis(axes: Axes, sizes: list[int]) -> None:
    """Logarithmic axis of the number of units, with a tick at each size."""
    axes.set_xscale("log")
    pad = 1.15 if len(sizes) > 1 else 2.0
    axes.set_xlim(sizes[0] / pad, sizes[-1] * pad**2)  # room for the marks that are moved to the right
    labelled = shared.roomy_ticks(axes, {size: compact(size) for size in sizes}, gap=0.7)
    axes.xaxis.set_major_locator(FixedLocator(list(labelled)))
    axes.set_xticks(list(labelled), list(labelled.values()))
    unlabelled = [size for size in sizes if size not in labelled]
    axes.xaxis.set_minor_locator(FixedLocator(unlabelled) if unlabelled else NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("number of units k")


def draw_series(axes: Axes, rows: pl.DataFrame, units: str) -> None:
    if rows["effect"].count() == 0:
        return
    style = UNITS[units]
    placed = rows.with_columns((pl.col("size") * dodge(axes, units)).alias("place"))
    if units == "next":
        shared.interval_bars(axes, placed, style.colour)
    else:
        shared.interval_band(axes, placed, style.colour)
    values = placed["effect"].fill_null(float("nan"))
    axes.plot(placed["place"], values, **style.plotting(), gid=units, zorder=4 if units == "top" else 3)


def dodge(axes: Axes, units: str) -> float:
    """The factor that moves bars to the right of the marks they would cover."""
    width, _ = shared.axes_size(axes)
    low, high = np.log10(axes.get_xlim())
    return float(10 ** (0.7 / width * (high - low))) if units == "next" else 1.0


def measured_on(rows: pl.DataFrame, room: float) -> str:
    """How many concepts and prompts the means are taken over, in at most `room` mm."""
    most = rows.filter(pl.col("units") == "top").sort("prompts").tail(1)
    if not most["concepts"].sum():
        return fit_title("no prompt measures this", room, shared.LABEL_SIZE)
    row = most.row(0, named=True)
    concepts = counted(row["concepts"], "concept")
    if row["without"]:
        concepts = f"{row['concepts']:,}/{counted(row['concepts'] + row['without'], 'concept')}"
    text = f"{concepts}, {counted(row['prompts'], 'prompt')}"
    if text_width(text, shared.LABEL_SIZE) > room:
        text = f"{concepts}, n = {row['prompts']:,}"
    return fit_title(text, room, shared.LABEL_SIZE)


def draw_key(axes: Axes, rise: float) -> None:
    width, height = shared.axes_size(axes)
    x, y = 0.0, 1 + rise / height
    spot = {"transform": axes.transAxes, "clip_on": False, "gid": "key"}
    for style in (UNITS["top"], UNITS["next"], UNITS["random"]):
        axes.plot(
            [place_of / width for place_of in (x, x + 2.5, x + 5)],
            [y + 0.8 / height] * 3,
            **style.plotting(),
            **spot,
        )
        axes.text((x + 6.4) / width, y, style.name, fontsize=shared.LABEL_SIZE, **spot)
        x += 9.2 + text_width(style.name, shared.LABEL_SIZE)
    axes.plot(
        [x / width] * 2, [y - 0.4 / height, y + 2.2 / height], color=FAINT, lw=0.7, ls=(0, (1, 1.5)), **spot
    )
    axes.text((x + 1.2) / width, y, "planned k", fontsize=shared.LABEL_SIZE, **spot)
