"""Heat map of the overlap of expert sets, concept by concept, ordered by category."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator

from golgi.figures import axes as shared
from golgi.figures.page import axes_size, blank, message_page, need_room, page_columns, place, text_width
from golgi.figures.rows import at_last, at_threshold, counted, models, share, shorten, study_threshold
from golgi.figures.style import COLUMN_MM, DOUBLE_MM, FAINT, INK, POINTS_PER_MM, styled

TABLES = ("overlap", "counts")
SMALLEST_TYPE = 5.0
LONGEST_NAME = 24
TOP_MM = 10.0
GAP_MM = 4.0
VECTOR_CONCEPTS = 60
COLOURS = "YlGnBu"
USUAL = 0.99
HATCHING = {"facecolor": "#f0f0f0", "edgecolor": "#a8a8a8", "hatch": "//////", "lw": 0}


@dataclass(frozen=True)
class Order:
    """Concepts in the order of the axes, and each category's (name, first, one past last)."""

    concepts: list[str]
    blocks: list[tuple[str, int, int]]


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Lower triangle of Jaccard overlaps at the last checkpoint, one panel per model.

    Options: `threshold` (tau) and `colours` (a matplotlib map whose dark end shall mean much overlap).
    """
    threshold = study_threshold(tables["overlap"], options)
    measured = tables["overlap"].filter(
        (pl.col("control") == "measured") & (pl.col("checkpoint") != "untrained")
    )
    overlap = at_last(at_threshold(measured, threshold))
    if overlap.is_empty():
        return message_page("Fewer than two concepts: there is no pair to compare.", options)
    order = concept_order(tables["counts"], overlap)
    names = models(overlap, options)
    colours = darkening(options.get("colours"))
    figure, panels = square_panels(len(names), order, options)
    for panel, name in zip(panels, names, strict=True):
        draw_panel(
            panel,
            overlap.filter(pl.col("model") == name),
            order,
            heading=name,
            threshold=threshold,
            colours=colours,
        )
    return figure


def concept_order(counts: pl.DataFrame, overlap: pl.DataFrame) -> Order:
    """The concepts that were compared, by category and then by name."""
    compared = sorted(set(overlap["concept_a"]) | set(overlap["concept_b"]))
    ordered = (
        counts.select("category", "concept").unique().filter(pl.col("concept").is_in(compared)).sort(pl.all())
    )
    sizes = ordered.group_by("category", maintain_order=True).len()
    stops = np.cumsum(sizes["len"].to_numpy()).tolist()
    starts = [0, *stops[:-1]]
    return Order(ordered["concept"].to_list(), list(zip(sizes["category"], starts, stops, strict=True)))


def square_panels(count: int, order: Order, options: dict) -> tuple[Figure, list[Axes]]:
    """Square panels; one model takes the room its names need, several stand two beside each other."""
    columns = page_columns(count, 2, options)
    rows = -(-count // columns)
    width = float(options.get("width_mm") or (DOUBLE_MM if columns > 1 else one_panel_width(order)))
    cell = width / columns
    named = margins(order, names=True)
    square = cell - named[0] - GAP_MM
    roomy = pitch_type(square, len(order.concepts)) >= SMALLEST_TYPE
    left, bottom = named if roomy else margins(order, names=False)
    side = cell - left - GAP_MM
    need_room(width, side, columns)
    height = rows * (side + TOP_MM + bottom)
    figure = blank(width, height)
    corners = [
        (
            (index % columns) * cell + left,
            height - (index // columns) * (side + TOP_MM + bottom) - TOP_MM - side,
        )
        for index in range(count)
    ]
    return figure, [place(figure, *corner, side, side) for corner in corners]


def margins(order: Order, *, names: bool) -> tuple[float, float]:
    """Millimetres left of and below a panel for the names of categories and, if they fit, of concepts."""
    concepts = max(text_width(shorten(name, LONGEST_NAME), 6) for name in order.concepts)
    categories = max(text_width(shorten(name, LONGEST_NAME), 7) for name, *_ in order.blocks)
    if names:
        return categories + GAP_MM + concepts + 3.0, GAP_MM + concepts + 1.5
    return categories + GAP_MM + 1.0, GAP_MM + categories + 1.0


def darkening(colours: str | None) -> str:
    """A colour map that is dark where overlap is large; all but COLOURS start dark and are reversed."""
    return COLOURS if colours in (None, COLOURS) else f"{colours}_r"


def one_panel_width(order: Order) -> float:
    """A column's width for few concepts, the page for many."""
    return COLUMN_MM if len(order.concepts) <= 16 else 140.0 if len(order.concepts) <= 60 else DOUBLE_MM


def pitch_type(side: float, concepts: int) -> float:
    """Size in points of type that fills one row of the heat map."""
    return 0.84 * side / concepts * POINTS_PER_MM


def draw_panel(
    axes: Axes, overlap: pl.DataFrame, order: Order, *, heading: str, threshold: float, colours: str
) -> None:
    jaccard, empty = triangles(overlap, order)
    mesh = draw_cells(axes, jaccard, colours)
    draw_empty(axes, empty)
    size = len(order.concepts)
    axes.set_xlim(0, size)
    axes.set_ylim(size, 0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    name_concepts(axes, order)
    bracket_categories(axes, order)
    colour_bar(axes, mesh, int(empty.sum()))
    pairs = counted(overlap.height, "pair")
    shared.title(axes, heading, f"AP ≥ {share(threshold)}; {counted(size, 'concept')}, {pairs}")


def triangles(overlap: pl.DataFrame, order: Order) -> tuple[np.ma.MaskedArray, np.ndarray]:
    """Jaccard [row, column], masked but for pairs with experts in the lower triangle, and the empty pairs."""
    rank = {name: place for place, name in enumerate(order.concepts)}
    first = np.array([rank[name] for name in overlap["concept_a"]])
    second = np.array([rank[name] for name in overlap["concept_b"]])
    low, high = np.minimum(first, second), np.maximum(first, second)
    size = len(order.concepts)
    values = np.zeros((size, size))
    values[high, low] = overlap["jaccard"].to_numpy()
    empty = np.zeros((size, size), dtype=bool)
    empty[high, low] = overlap["empty"].to_numpy()
    rated = np.zeros((size, size), dtype=bool)
    rated[high, low] = True
    return np.ma.masked_array(values, mask=~rated | empty), empty


def draw_cells(axes: Axes, jaccard: np.ma.MaskedArray, colours: str):
    size = len(jaccard)
    low, high = colour_range(jaccard.compressed())
    return axes.pcolormesh(
        np.arange(size + 1),
        np.arange(size + 1),
        jaccard,
        cmap=colours,
        vmin=low,
        vmax=high,
        rasterized=size > VECTOR_CONCEPTS,
        gid="jaccard",
    )


def colour_range(values: np.ndarray) -> tuple[float, float]:
    """From the smallest overlap to the largest or, if few pairs lie far above, to the `USUAL` quantile."""
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    usual = float(np.quantile(values, USUAL))
    if low < usual < high / 2:
        high = usual
    if high - low < 1e-9:
        low, high = max(low - 0.05, 0.0), low + 0.05
    return low, high


def draw_empty(axes: Axes, empty: np.ndarray) -> None:
    """Hatch the pairs in which neither concept has an expert: their 0 says nothing about similarity."""
    if not empty.any():
        return
    cells = [
        Path([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y)], closed=True)
        for y, x in np.argwhere(empty)
    ]
    axes.add_patch(
        PathPatch(
            Path.make_compound_path(*cells),
            gid="empty",
            **HATCHING,
        )
    )


def name_concepts(axes: Axes, order: Order) -> None:
    side, _ = axes_size(axes)
    type_size = min(pitch_type(side, len(order.concepts)), 6.0)
    if type_size < SMALLEST_TYPE:
        shared.no_ticks(axes)
        return
    centres = np.arange(len(order.concepts)) + 0.5
    names = [shorten(name, LONGEST_NAME) for name in order.concepts]
    axes.set_yticks(centres[1:], names[1:], fontsize=type_size)
    axes.set_xticks(centres[:-1], names[:-1], fontsize=type_size, rotation=90)
    axes.tick_params(length=0, pad=1.5)


def bracket_categories(axes: Axes, order: Order) -> None:
    """Brackets beside the rows with the categories' names, and white lines between the blocks."""
    side, _ = axes_size(axes)
    size = len(order.concepts)
    named = bool(axes.get_yticks().size)
    names = max(text_width(shorten(name, LONGEST_NAME), 6) for name in order.concepts) if named else 0.0
    beside = -(names + (3.0 if named else 1.2)) / side
    for axis_label in ("rows",) if named else ("rows", "columns"):
        draw_brackets(axes, order, beside, rows=axis_label == "rows")
    width = min(0.8, 0.5 * side / size * POINTS_PER_MM)  # thinner than a cell, so that none is hidden
    for _, start, _stop in order.blocks:
        axes.plot([0, start, start], [start, start, size], color="white", lw=width, gid="block")


def draw_brackets(axes: Axes, order: Order, beside: float, *, rows: bool) -> None:
    side, _ = axes_size(axes)
    size = len(order.concepts)
    distance = 2.9 / side
    blocks = (
        order.blocks
        if len(order.blocks) * distance <= 1 + distance
        else largest(order.blocks, int(1 / distance))
    )
    middles = [(start + stop) / 2 / size for _, start, stop in blocks]
    places = shared.spread(middles, distance, 0.0, 1.0)
    inset = 0.15 / size
    for (name, start, stop), middle, where in zip(blocks, middles, places, strict=True):
        span = [start / size + inset, stop / size - inset]
        arm = [beside + 0.8 / side, beside, beside, beside + 0.8 / side]
        leader = [beside, beside - 1.4 / side]
        along = [span[0], span[0], span[1], span[1]]
        for across, lengthwise in ((arm, along), (leader, [middle, where])):
            x, y = (across, [1 - t for t in lengthwise]) if rows else (lengthwise, across)
            axes.plot(x, y, color=FAINT, lw=0.6, transform=axes.transAxes, clip_on=False, gid="bracket")
        spot = beside - 1.9 / side
        x, y = (spot, 1 - where) if rows else (where, spot)
        axes.text(
            x,
            y,
            shorten(name, LONGEST_NAME),
            transform=axes.transAxes,
            rotation=0 if rows else 90,
            fontsize=7,
            ha="right" if rows else "center",
            va="center" if rows else "top",
            gid="category",
        )


def largest(blocks: list[tuple[str, int, int]], most: int) -> list[tuple[str, int, int]]:
    """The `most` largest categories, in order: names for the others would overlap."""
    kept = sorted(blocks, key=lambda block: block[1] - block[2])[:most]
    return sorted(kept, key=lambda block: block[1])


def colour_bar(axes: Axes, mesh, hatched: int) -> None:
    """The panel's own colour range, in the empty upper triangle, with the largest value if it lies beyond."""
    side, _ = axes_size(axes)
    length = min(25, 0.5 * side)
    bar = axes.inset_axes((1 - (length + 2) / side, 1 - 8 / side, length / side, 1.8 / side))
    largest_value = mesh.get_array().max()
    beyond = largest_value is not np.ma.masked and largest_value > mesh.get_clim()[1] + 1e-9
    ends = "max" if beyond else "neither"
    colours = axes.figure.colorbar(mesh, cax=bar, orientation="horizontal", extend=ends, extendfrac=0.06)
    colours.outline.set_linewidth(0.4)
    bar.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    bar.tick_params(labelsize=6.5)
    most = f" (to {share(largest_value)})" if beyond else ""
    bar.set_title(f"Jaccard overlap{most}", fontsize=6.5, loc="left", pad=2)
    if hatched:
        name_hatching(bar, hatched)


def name_hatching(bar: Axes, hatched: int) -> None:
    bar.add_patch(
        Rectangle((0, -4.6), 0.14, 1.2, transform=bar.transAxes, clip_on=False, **HATCHING),
    )
    bar.text(
        0.18,
        -4.0,
        f"no experts ({hatched:,})",
        transform=bar.transAxes,
        fontsize=6.5,
        va="center",
        color=INK,
    )
