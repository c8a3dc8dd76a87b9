"""Experts and alignment with one choice of the study made otherwise, the rest as it is."""

import math
from collections.abc import Iterator

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from golgi.figures import axes as shared
from golgi.figures.page import (
    SMALLEST_PANEL_MM,
    blank,
    fit_title,
    message_page,
    need_room,
    page_width,
    place,
    text_width,
)
from golgi.figures.rows import checkpoints, compact, counted, models, moment, share
from golgi.figures.style import INK, SERIES, readable, styled

TABLES = ("sensitivity",)
FACTORS = {
    "pooling": "pooling",
    "site": "site",
    "bos": "BOS",
    "threshold": "τ",
    "positives": "N+",
    "negatives": "N\N{MINUS SIGN}",
}
BLOCK_MM, PANEL_MM, ROW_MM, FACTOR_GAP_MM, GAP_MM = 80.0, 15.0, 3.3, 1.3, 4.0
TOP_MM, LINE_TOP_MM, BOTTOM_MM, LEFT_MM, MIDDLE_MM = 20.0, 8.0, 9.5, 1.0, 2.0
LONGEST_VALUE_MM = 18.0
CHANCE = "chance"
SHIFT = 0.2  # of a row, by which the model stands above its middle and the twin below


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Points with 95 % intervals, a row per choice; panels: experts per concept, then each reference.

    A block of panels per model at its last checkpoint, with its untrained twin in grey.
    """
    rows = tables["sensitivity"]
    if rows.is_empty():
        return message_page("No choice of the study was made otherwise.", options)
    names = models(rows, options)
    blocks = Blocks(rows, len(names), options)
    for number, name in enumerate(names):
        draw_model(blocks, number, rows.filter(pl.col("model") == name), name)
    return blocks.figure


class Blocks:
    """A page of one block of panels per model: where everything stands, in millimetres."""

    def __init__(self, rows: pl.DataFrame, count: int, options: dict):
        self.references = rows["reference"].drop_nulls().unique().sort().to_list()
        self.choices = choices(rows)
        self.places = row_places(self.choices)
        panels = 1 + len(self.references)
        width = page_width(min(count, 2), options)
        self.columns = max(1, min(count, int(width // BLOCK_MM)))
        self.block = width / self.columns
        self.names = 1 + max(text_width(FACTORS[factor]) for factor, _, _ in self.choices)
        values = max(text_width(value, shared.LABEL_SIZE) for _, value, _ in self.choices)
        self.left = LEFT_MM + self.names + min(values, LONGEST_VALUE_MM) + MIDDLE_MM
        self.right = MIDDLE_MM + text_width(CHANCE, shared.LABEL_SIZE)
        room = self.block - self.left - self.right + GAP_MM
        self.across = max(1, min(panels, int(room // (PANEL_MM + GAP_MM))))
        self.panel = room / self.across - GAP_MM
        need_room(width, self.panel, self.columns, smallest=SMALLEST_PANEL_MM)
        self.lines = -(-panels // self.across)
        self.tall = ROW_MM * (self.places[-1] + 1)
        self.pitch = LINE_TOP_MM + self.tall + BOTTOM_MM
        self.height = TOP_MM - LINE_TOP_MM + self.lines * self.pitch
        bands = -(-count // self.columns)
        self.figure = blank(width, bands * self.height)

    def panels(self, number: int) -> Iterator[tuple[str | None, Axes, bool, bool]]:
        """Each panel of a block: its reference (None: experts), axes, and if it is first or last in line."""
        band, column = divmod(number, self.columns)
        page = self.figure.get_figheight() * 25.4
        total = 1 + len(self.references)
        for index, reference in enumerate([None, *self.references]):
            line, across = divmod(index, self.across)
            x = column * self.block + self.left + across * (self.panel + GAP_MM)
            y = page - band * self.height - TOP_MM + LINE_TOP_MM - (line + 1) * self.pitch + BOTTOM_MM
            last = across == self.across - 1 or index == total - 1
            yield reference, place(self.figure, x, y, self.panel, self.tall), across == 0, last


def choices(rows: pl.DataFrame) -> list[tuple[str, str, bool]]:
    """(factor, value, some model's own choice) of every row, numbers ascending, words with the own first."""
    own = rows.group_by("factor", "value").agg(pl.col("base").any())
    found = [row for row in own.iter_rows() if row[0] in FACTORS]
    order = list(FACTORS)
    return sorted(found, key=lambda row: (order.index(row[0]), *number_of(row[1]), not row[2], row[1]))


def number_of(value: str) -> tuple[float]:
    head = value.split("–")[0]
    return (float(head) if head.replace(".", "", 1).isdigit() else 0.0,)


def row_places(wanted: list[tuple[str, str, bool]]) -> list[float]:
    """The middle of each row, in rows from the top, with a gap where another factor begins."""
    places, reach = [], 0.0
    for index, (factor, _, _) in enumerate(wanted):
        if index:
            reach += 1 + (FACTOR_GAP_MM / ROW_MM if factor != wanted[index - 1][0] else 0)
        places.append(reach)
    return places


def draw_model(blocks: Blocks, number: int, rows: pl.DataFrame, name: str) -> None:
    for reference, axes, first, last in blocks.panels(number):
        wanted = pl.col("reference").is_null() if reference is None else pl.col("reference") == reference
        part = rows.filter(wanted)
        draw_panel(axes, part, blocks, reference)
        if first:
            name_rows(axes, blocks, rows)
        if last:
            write_chance(axes, blocks, rows)
        if reference is None:
            room = blocks.block - blocks.left - blocks.right
            write_title(axes, rows, name, room)


def write_title(axes: Axes, rows: pl.DataFrame, name: str, room: float) -> None:
    shared.heading(axes, name, rise=TOP_MM - 5.2, room=room)
    order = checkpoints(rows)
    step = f"{moment(order[-1])}; " if order else ""
    shared.fact_line(axes, f"{step}bars: 95 % intervals", rise=TOP_MM - 8.4)
    draw_key(axes, rows, rise=TOP_MM - 11.4)


def draw_key(axes: Axes, rows: pl.DataFrame, *, rise: float) -> None:
    width, height = shared.axes_size(axes)
    entries = [("study's choice", marking("measured", True)), ("other choice", marking("measured", False))]
    if "untrained" in set(rows["control"]):
        entries.append(("untrained", marking("untrained", False)))
    x, y = 1.0, 1 + rise / height
    for text, marks in entries:
        spot = {"transform": axes.transAxes, "clip_on": False, "gid": "key"}
        axes.plot([x / width], [y + 0.8 / height], ls="none", **marks | spot)
        axes.text((x + 1.6) / width, y, text, fontsize=shared.LABEL_SIZE, **spot)
        x += 4.4 + text_width(text, shared.LABEL_SIZE)


def marking(control: str, base: bool) -> dict:
    """How a point is drawn: the study's own choice filled and larger."""
    style = SERIES[control]
    marker = "D" if base and control == "measured" else style.marker
    face = style.colour if base else "white"
    return {
        "color": style.colour,
        "marker": marker,
        "markerfacecolor": face,
        "markersize": 3.6 if base else 3.2,
        "markeredgewidth": 0.8,
    }


def draw_panel(axes: Axes, rows: pl.DataFrame, blocks: Blocks, reference: str | None) -> None:
    axes.set_ylim(blocks.places[-1] + 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    frame = frame_experts if reference is None else frame_rho
    frame(axes, rows)
    draw_base_line(axes, rows)
    levels = {choice[:2]: level for choice, level in zip(blocks.choices, blocks.places, strict=True)}
    for row in rows.filter(pl.col("estimate").is_not_null()).iter_rows(named=True):
        shift = SHIFT if row["control"] == "untrained" else -SHIFT
        draw_point(axes, row, levels[row["factor"], row["value"]] + shift)
    unknown = rows.filter(pl.col("estimate").is_null())
    for choice, part in unknown.group_by("factor", "value", maintain_order=True):
        write_undefined(axes, levels[choice], set(part["control"]))
    noun = "concept" if reference is None else "pair"
    shared.fact_line(axes, counted(rows["n"].max() or 0, noun), rise=1.4)
    if reference is not None:
        name = fit_title(reference, blocks.panel, shared.LABEL_SIZE)
        shared.fact_line(axes, name, rise=4.2)


def draw_base_line(axes: Axes, rows: pl.DataFrame) -> None:
    """The study's own value as a line through all rows: what every other choice is compared with."""
    own = rows.filter(pl.col("base"), pl.col("control") == "measured", pl.col("estimate").is_not_null())
    if own.height:
        axes.axvline(own["estimate"][0], color=SERIES["measured"].colour, lw=0.5, alpha=0.6, gid="own")


def write_undefined(axes: Axes, level: float, controls: set[str]) -> None:
    """Where rho is undefined the row says so, in the colour of the model or of its twin, in ink for both."""
    one = next(iter(controls)) if len(controls) == 1 else None
    y = level + {"untrained": SHIFT, "measured": -SHIFT, None: 0.0}[one]
    colour = INK if one is None else readable(SERIES[one].colour)
    keywords = {"fontsize": 5.0, "color": colour, "va": "center", "gid": "undefined"}
    axes.text(0.02, y, "undefined", transform=axes.get_yaxis_transform(), **keywords)


def draw_point(axes: Axes, row: dict, y: float) -> None:
    marks = marking(row["control"], row["base"])
    if row["low"] is not None and row["high"] is not None:
        axes.hlines(y, row["low"], row["high"], color=marks["color"], lw=0.8, gid="interval", zorder=3)
    axes.plot(row["estimate"], y, ls="none", **marks, gid=row["control"], zorder=4)


def frame_experts(axes: Axes, rows: pl.DataFrame) -> None:
    most = rows.select(pl.max_horizontal(pl.col("estimate", "high")).max()).item() or 1
    axes.set_xscale("symlog", linthresh=1, linscale=0.5)
    axes.set_xlim(0, 1.6 * max(most, 1))
    decades = [0, *(10**power for power in range(int(math.log10(max(most, 1))) + 1))]
    labelled = shared.roomy_ticks(axes, {place: compact(place) for place in decades}, gap=1.0)
    axes.set_xticks(list(labelled), list(labelled.values()))
    axes.xaxis.set_minor_locator(FixedLocator([place for place in decades if place not in labelled]))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("experts/concept", fontsize=shared.LABEL_SIZE)


def frame_rho(axes: Axes, rows: pl.DataFrame) -> None:
    """Zero and a share of the scale stay in view, so that noise about zero does not look like a result."""
    axes.axvline(0, color=INK, lw=0.6, gid="zero")
    ends = rows.select("estimate", "low", "high")
    known = [value for column in ends.iter_columns() for value in column.drop_nulls()]
    low, high = min([*known, -0.1]), max([*known, 0.5])
    axes.set_xlim(max(low - 0.03, -1.02), min(high + 0.03, 1.02))
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: share(x, 1) if abs(x) > 0.05 else "0"))
    axes.set_xlabel("alignment (ρ)", fontsize=shared.LABEL_SIZE)


def name_rows(axes: Axes, blocks: Blocks, rows: pl.DataFrame) -> None:
    """The factors at the far left, their values beside the panel, the model's own in bold."""
    width, _ = shared.axes_size(axes)
    own = {tuple(row) for row in rows.filter(pl.col("base")).select("factor", "value").unique().iter_rows()}
    room = blocks.left - LEFT_MM - blocks.names - MIDDLE_MM
    before = None
    for (factor, value, _), y in zip(blocks.choices, blocks.places, strict=True):
        keywords = {"transform": axes.get_yaxis_transform(), "va": "center_baseline"}
        if factor != before:
            axes.text((LEFT_MM - blocks.left) / width, y, FACTORS[factor], fontsize=7, **keywords)
        weight = "bold" if (factor, value) in own else "normal"
        text = fit_title(value, 0.9 * room if weight == "bold" else room, shared.LABEL_SIZE)
        keywords |= {"ha": "right", "fontsize": shared.LABEL_SIZE, "weight": weight}
        axes.text(-MIDDLE_MM / 2 / width, y, text, **keywords)
        before = factor


def write_chance(axes: Axes, blocks: Blocks, rows: pl.DataFrame) -> None:
    """The AP of chance of every row, at the right of the last panel: it moves with N+ and N−."""
    width, height = shared.axes_size(axes)
    chance = {
        (factor, value): level
        for factor, value, level in rows.select("factor", "value", "chance").unique().iter_rows()
    }
    keywords = {"fontsize": shared.LABEL_SIZE, "color": INK, "ha": "right"}
    edge = 1 + (blocks.right - MIDDLE_MM / 2) / width
    for text, rise in ((CHANCE, 4.2), ("AP", 1.4)):
        axes.text(edge, 1 + rise / height, text, transform=axes.transAxes, va="baseline", **keywords)
    for (factor, value, _), y in zip(blocks.choices, blocks.places, strict=True):
        if (factor, value) in chance:
            text = share(chance[factor, value])
            axes.text(edge, y, text, transform=axes.get_yaxis_transform(), va="center_baseline", **keywords)
