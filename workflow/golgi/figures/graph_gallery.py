"""Graphs that foretell best, as the median does, and worst, each beside texts in which its unit fires."""

import json
from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures.glyphs import fitted
from golgi.figures.graph_key import EXPECTED_KEY, KEY_ROW_MM, draw_key, graph_keys, key_rows
from golgi.figures.graph_marks import draw_layout, millimetre_axes
from golgi.figures.layout import SMALL, Layout, lay_out
from golgi.figures.page import blank, message_page, need_room, place, text_width
from golgi.figures.rows import at_studied, counted, models, share
from golgi.figures.strips import LINE_MM, Piece, draw_text, number_of_lines, set_text
from golgi.figures.style import DOUBLE_MM, FAINT, INK, styled

TABLES = ("graph_gallery",)
STANDINGS = ("best", "median", "worst")
CELL_MM, NARROWEST_MM, GAP_MM, MARGIN_MM = 50.0, 40.0, 5.0, 3.0
SECTION_MM, HEAD_MM, NOTE_MM, BETWEEN_MM, KIND_MM = 7.0, 7.6, 3.2, 1.6, 2.7
MOST_ROWS = 6.0
MOST_SECTIONS, MOST_LAYERS = 4, 3
SIZE = 6.2
NO_GRAPH = "no path was found"


@dataclass(frozen=True)
class Cell:
    """One unit: what is known of it, its graph laid out, and its example texts set in lines."""

    unit: dict
    graph: Layout
    texts: list[tuple[str, list[Piece]]]  # what each is an example of, and its tokens

    @property
    def height(self) -> float:
        """Millimetres from the heading to the last line of text."""
        lines = sum(number_of_lines(pieces) for _, pieces in self.texts)
        return HEAD_MM + self.graph_height + lines * LINE_MM + len(self.texts) * (BETWEEN_MM + KIND_MM)

    @property
    def graph_height(self) -> float:
        """Millimetres of the graph and of the note under it."""
        return max(self.graph.height, SMALL.row) + NOTE_MM * bool(self.graph.paths_left) + BETWEEN_MM


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Small graphs and texts of the units in the table at the last checkpoint, layer by layer.

    Of a study with many layers or models, or on a narrow page, some layers are shown, always each model's
    last; the page says how many units are not.
    """
    rows = at_studied(tables["graph_gallery"])
    if rows.is_empty():
        return message_page("No unit got a graph to show.", options)
    width = float(options.get("width_mm") or DOUBLE_MM)
    room = width - 2 * MARGIN_MM
    columns = int(np.clip((room + GAP_MM) // (CELL_MM + GAP_MM), 1, len(STANDINGS)))
    cell_width = (room - (columns - 1) * GAP_MM) / columns
    need_room(width, cell_width, columns, smallest=NARROWEST_MM)
    shown = [(name, cells_of(part, cell_width)) for name, part in sections(rows, options, columns)]
    return draw_page(shown, left_out(rows, shown), width, columns, cell_width)


def sections(rows: pl.DataFrame, options: dict, columns: int) -> list[tuple[str, pl.DataFrame]]:
    """Heading and rows of every layer that is shown: model by model, site by site."""
    groups = [
        (model, site)
        for model in models(rows, options)
        for site in rows.filter(pl.col("model") == model)["site"].unique().sort()
    ]
    each = max(1, min(MOST_LAYERS, MOST_SECTIONS // len(groups))) if columns > 1 else 1
    found = []
    for model, site in groups:
        part = rows.filter(pl.col("model") == model, pl.col("site") == site)
        for layer in spread_layers(part["layer"].unique().sort().to_list(), each):
            found.append((f"{model}, {site}, layer {layer}", part.filter(pl.col("layer") == layer)))
    return found


def spread_layers(layers: list[int], most: int) -> list[int]:
    """At most `most` layers: the last, the first, and then those between, evenly."""
    if most == 1:
        return layers[-1:]
    keep = np.unique(np.linspace(0, len(layers) - 1, min(most, len(layers))).round().astype(int))
    return [layers[index] for index in keep]


def cells_of(rows: pl.DataFrame, width: float) -> list[Cell]:
    """The units of one layer, best first; a unit with two standings is shown once."""
    cells = {}
    for standing in STANDINGS:
        for part in rows.filter(pl.col("standing") == standing).partition_by("unit", maintain_order=True):
            unit = part.row(0, named=True)
            known = cells.get(unit["unit"])
            name = f"{known.unit['standing']}, {standing}" if known else standing
            cells[unit["unit"]] = cell_of(part, unit | {"standing": name}, width)
    return list(cells.values())


def cell_of(part: pl.DataFrame, unit: dict, width: float) -> Cell:
    nodes = json.loads(unit["graph"])["nodes"]
    graph = lay_out(nodes, width, metrics=SMALL, most_rows=MOST_ROWS)
    examples = part.partition_by("example", maintain_order=True)
    texts = [(one["kind"][0], set_text(one.sort("place").to_dicts(), width)) for one in examples]
    return Cell(unit, graph, texts)


def left_out(rows: pl.DataFrame, shown: list[tuple[str, list[Cell]]]) -> str:
    """How many units of the table are not on the page, in words; nothing if all are."""
    units = rows.select("model", "site", "layer", "unit").unique().height
    missing = units - sum(len(cells) for _, cells in shown)
    return f"{counted(missing, 'more unit')}, of other layers, in table graph_gallery" if missing else ""


def draw_page(
    shown: list[tuple[str, list[Cell]]], note: str, width: float, columns: int, cell_width: float
) -> Figure:
    """Sections one below the other, each with its cells in rows of `columns`, and the key at the foot."""
    room = width - 2 * MARGIN_MM
    boxes = [box for _, cells in shown for cell in cells for box in cell.graph.boxes]
    keys = key_rows([*graph_keys(boxes), EXPECTED_KEY], room)
    bands = [
        (name, [cells[start : start + columns] for start in range(0, len(cells), columns)])
        for name, cells in shown
    ]
    tall = sum(SECTION_MM + sum(map(band_height, lines)) for _, lines in bands)
    foot = KEY_ROW_MM * len(keys) + (NOTE_MM + 1) * bool(note) + 1
    height = tall + foot
    figure = blank(width, height)
    axes = millimetre_axes(place(figure, MARGIN_MM, 0, room, height))
    top = height
    for name, lines in bands:
        draw_heading(axes, name, lines[0][0].unit, top - 4.6, room)
        top -= SECTION_MM
        for cells in lines:
            for column, cell in enumerate(cells):
                draw_cell(axes, cell, column * (cell_width + GAP_MM), top, cell_width)
            top -= band_height(cells)
    draw_key(axes, keys, 0.0, foot - 0.5)
    if note:
        axes.text(0, 1.6, note, fontsize=SIZE, color=INK, va="baseline", gid="note")
    return figure


def draw_heading(axes: Axes, name: str, unit: dict, y: float, room: float) -> None:
    """Which layer it is, and among how many of its units these are the best, median and worst."""
    facts = f"{counted(unit['ranked'], 'unit')} ranked, {unit['silent']:,} never fire"
    heading = fitted(name, (room - text_width(facts, SIZE) - 3) / 1.15, 7.5)
    axes.text(0, y, heading, fontsize=7.5, weight="bold", va="baseline", gid="heading")
    x = 1.15 * text_width(heading, 7.5) + 3  # bold type is wider than the type that is measured
    axes.text(x, y, facts, fontsize=SIZE, va="baseline", gid="ranked")


def band_height(cells: list[Cell]) -> float:
    """Millimetres of a row of cells."""
    return max(cell.height for cell in cells) + 2.0


def draw_cell(axes: Axes, cell: Cell, left: float, top: float, width: float) -> None:
    unit = cell.unit
    axes.plot([left, left + width], [top, top], color=FAINT, lw=0.4, gid="rule")
    name = f"{unit['standing']}: unit {unit['unit']}"
    axes.text(left, top - 3.2, name, fontsize=SIZE, weight="bold", va="baseline", gid="unit")
    facts = ", ".join(
        f"{label} {share(unit[column])}"
        for label, column in (("F1", "f1"), ("precision", "precision"), ("recall", "recall"))
    )
    facts = "F1 undefined" if unit["f1"] is None else facts
    axes.text(left, top - 6.1, fitted(facts, width, SIZE), fontsize=SIZE, va="baseline", gid="facts")
    top -= HEAD_MM
    draw_layout(axes, cell.graph, left, top)
    if not cell.graph.boxes:
        axes.text(left, top - SMALL.row / 2, NO_GRAPH, fontsize=SIZE, color=FAINT, va="center")
    if cell.graph.paths_left:
        more = f"and {counted(cell.graph.paths_left, 'more path')}"
        axes.text(left, top - cell.graph.height - 2.2, more, fontsize=5.6, va="baseline", gid="note")
    top -= cell.graph_height
    for kind, pieces in cell.texts:
        top -= BETWEEN_MM + KIND_MM
        axes.text(left, top + 0.8, kind, fontsize=5.2, color=INK, style="italic", va="baseline", gid="kind")
        draw_text(axes, pieces, left, top)
        top -= number_of_lines(pieces) * LINE_MM
