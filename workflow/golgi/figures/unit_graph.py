"""One unit's graph: which tokens fire it, after which context; context left, activating token right."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures.glyphs import fitted
from golgi.figures.graph_key import KEY_ROW_MM, draw_key, graph_keys, key_rows
from golgi.figures.graph_marks import draw_layout, millimetre_axes
from golgi.figures.layout import LARGE, MOST_NODES, SMALL, Layout, Metrics, lay_out
from golgi.figures.page import axes_size, blank, need_room, place
from golgi.figures.rows import counted, share
from golgi.figures.style import COLUMN_MM, DOUBLE_MM, FAINT, INK, styled
from golgi.figures.tree import Nodes

MARGIN_MM = 3.0
TOP_MM = 10.5
TALLEST_MM = 120.0
NOTE_MM = 4.0
NOTE_SIZE = 6.5
NARROWEST_MM = 40.0
NO_GRAPH = "No path of this unit was found."


@styled
def draw_unit(nodes: Nodes, options: Mapping) -> Figure:
    """Draw the graph of one unit as a page of its own.

    `nodes` are those of one line of golgi.graphs.store, or the rows of the unit in table `graph_nodes`, in
    the graph's order (golgi.figures.tree says what they hold). `options`: `model`, `checkpoint`, `site`,
    `layer`, `unit`, `maximum` (largest activation), `f1` (None where undefined; left out where not scored),
    `width_mm` (else a column's width, or the page's for a graph that needs it) and `most_nodes`. GolgiError
    if the page is too narrow.
    """
    most = options.get("most_nodes") or MOST_NODES
    width = float(options.get("width_mm") or 0) or page_width(nodes, most)
    room = width - 2 * MARGIN_MM
    need_room(width, room, 1, smallest=NARROWEST_MM)
    layout = lay_out(nodes, room, most=most, height=TALLEST_MM)
    keys = key_rows(graph_keys(layout.boxes), room)
    notes = left_out(layout)
    height = TOP_MM + max(layout.height, LARGE.row) + NOTE_MM * len(notes) + 2 + KEY_ROW_MM * len(keys) + 1
    figure = blank(width, height)
    axes = millimetre_axes(place(figure, MARGIN_MM, 0, room, height))
    heading(axes, layout, options)
    top = height - TOP_MM
    if layout.boxes:
        draw_layout(axes, layout, 0.0, top)
    else:
        axes.text(0, top - LARGE.row / 2, NO_GRAPH, color=FAINT, va="center")
    foot = top - max(layout.height, LARGE.row)
    for row, note in enumerate(notes):
        axes.text(
            0, foot - NOTE_MM * (row + 0.5), note, fontsize=NOTE_SIZE, color=INK, va="center", gid="note"
        )
    draw_key(axes, keys, 0.0, KEY_ROW_MM * len(keys) + 0.5)
    return figure


def draw_graph(axes: Axes, nodes: Nodes, *, metrics: Metrics = SMALL, most: int = MOST_NODES) -> Layout:
    """Draw a unit's graph into axes, the strongest paths that fit into them; returns what was drawn.

    The axes are emptied of ticks and spines and count millimetres afterwards. `Layout.paths_left` says how
    many paths had no room.
    """
    width, height = axes_size(millimetre_axes(axes))
    layout = lay_out(nodes, width, metrics=metrics, most=most, most_rows=height / metrics.row)
    draw_layout(axes, layout, 0.0, height)
    return layout


def page_width(nodes: Nodes, most: int) -> float:
    """A column's width if the graph fits into it as it is, else the page's."""
    free = lay_out(nodes, float("inf"), most=most)
    narrow = free.width <= COLUMN_MM - 2 * MARGIN_MM
    return COLUMN_MM if narrow and free.height <= TALLEST_MM else DOUBLE_MM


def heading(axes: Axes, layout: Layout, options: Mapping) -> None:
    """Which unit it is, and under it how far it goes and how well the graph foretells it."""
    width, height = axes_size(axes)
    name = f"{options['model']}@{options['checkpoint']}, {unit_name(options)}"
    axes.text(0, height - 4.2, fitted(name, 0.9 * width, 7.5), fontsize=7.5, weight="bold", gid="heading")
    facts = [f"maximum {options['maximum']:.3g}"] if options.get("maximum") is not None else []
    facts += [f"F1 {share(options['f1'])}"] if "f1" in options else []
    facts += [f"{counted(layout.paths, 'path')}, {counted(layout.trees, 'activating token')}"]
    axes.text(0, height - 7.8, fitted("; ".join(facts), width, NOTE_SIZE), fontsize=NOTE_SIZE, gid="facts")


def unit_name(unit: Mapping) -> str:
    """Site, layer and number of a unit: `mlp_post 1.17`."""
    return f"{unit['site']} {unit['layer']}.{unit['unit']}"


def left_out(layout: Layout) -> list[str]:
    """What of the graph is not drawn, in words."""
    notes = [f"and {counted(layout.paths_left, 'more path')}"] if layout.paths_left else []
    if layout.beyond is not None:
        notes.append(f"context is drawn up to {counted(layout.beyond, 'token')} back")
    return notes
