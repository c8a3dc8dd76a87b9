"""Pages of panels with sizes in millimetres, so that type and panels keep their size whatever the data."""

import math
from bisect import bisect_right
from functools import cache

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from golgi.errors import GolgiError
from golgi.figures.rows import shorten
from golgi.figures.style import COLUMN_MM, DOUBLE_MM, FAINT, POINTS_PER_MM, inches

NARROWEST_MM = 55.0
SMALLEST_PANEL_MM = 12.0
FONT = FontProperties(family="DejaVu Sans")


def blank(width: float, height: float) -> Figure:
    """An empty figure of `width` x `height` millimetres, drawn without any window system."""
    figure = Figure(figsize=(inches(width), inches(height)))
    FigureCanvasAgg(figure)
    return figure


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Axes at a place given in millimetres from the figure's lower left corner."""
    page_width, page_height = (side * 25.4 for side in figure.get_size_inches())
    return figure.add_axes(
        (left / page_width, bottom / page_height, width / page_width, height / page_height)
    )


def page_columns(panels: int, most: int, options: dict) -> int:
    """How many panels stand side by side: at most `most`, and no more than the page's width has room for."""
    wanted = min(panels, most)
    width = float(options.get("width_mm") or (COLUMN_MM if wanted == 1 else DOUBLE_MM))
    return max(1, min(wanted, int(width // NARROWEST_MM)))


def page_width(columns: int, options: dict) -> float:
    """Millimetres: the option `width_mm`, else one journal column for one panel, the page for more."""
    return float(options.get("width_mm") or (COLUMN_MM if columns == 1 else DOUBLE_MM))


def grid(
    rows: int,
    columns: int,
    *,
    options: dict,
    panel_height: float,
    left: float = 13.0,
    right: float = 3.0,
    top: float = 8.0,
    bottom: float = 10.0,
    stack: int = 1,
    gap: float = 0.0,
) -> tuple[Figure, np.ndarray]:
    """A page of equal cells, with margins in mm inside each; returns the figure and its axes [row, column].

    Rows come in stacks of `stack` panels, `gap` mm apart: `top` and `bottom` are the margins of a stack.
    Option: `width_mm` of the whole page. GolgiError if the panels have no room in it.
    """
    width = page_width(columns, options)
    cell_width = width / columns
    need_room(width, cell_width - left - right, columns)
    cell_height = top + stack * panel_height + (stack - 1) * gap + bottom
    height = math.ceil(rows / stack) * cell_height
    figure = blank(width, height)
    axes = np.empty((rows, columns), dtype=object)
    for row, column in np.ndindex(rows, columns):
        band, level = divmod(row, stack)
        below = band * cell_height + top + (level + 1) * panel_height + level * gap
        corner = (column * cell_width + left, height - below)
        axes[row, column] = place(figure, *corner, cell_width - left - right, panel_height)
    return figure, axes


def need_room(width: float, panel: float, panels: int, *, smallest: float = SMALLEST_PANEL_MM) -> None:
    """Raise GolgiError if a panel would be narrower than can be read."""
    if panel < smallest:
        least = width + panels * (smallest - panel)
        raise GolgiError(
            f"figures: width_mm of {width:g} leaves no room for the panels: at least {math.ceil(least)}."
        )


def wrapped_stacks(
    stacks: int, *, most: int, stack: int, options: dict, **geometry: float
) -> tuple[Figure, list[np.ndarray]]:
    """A page of `stacks` of `stack` axes each, side by side up to `most`; places left over stay empty."""
    columns = page_columns(stacks, most, options)
    bands = math.ceil(stacks / columns)
    figure, axes = grid(stack * bands, columns, options=options, stack=stack, **geometry)
    found = [axes[stack * band : stack * (band + 1), column] for band, column in np.ndindex(bands, columns)]
    for spare in (one for left_over in found[stacks:] for one in left_over):
        spare.remove()
    return figure, found[:stacks]


def wrapped_grid(panels: int, *, most: int, options: dict, **geometry: float) -> tuple[Figure, list[Axes]]:
    """A page of `panels` axes in rows of at most `most`; places left over in the last row stay empty."""
    columns = page_columns(panels, most, options)
    figure, axes = grid(math.ceil(panels / columns), columns, options=options, **geometry)
    for spare in axes.flat[panels:]:
        spare.remove()
    return figure, list(axes.flat[:panels])


def message_page(message: str, options: dict) -> Figure:
    """A page that says in words why there is nothing to draw."""
    figure = blank(page_width(1, options), 24)
    figure.text(0.5, 0.5, message, ha="center", va="center", color=FAINT, wrap=True)
    return figure


@cache
def text_width(text: str, size: float = 7.0) -> float:
    """Millimetres that a text takes at a font size in points."""
    if not text.strip():
        return 0.0
    with rc_context({"text.parse_math": False}):
        return TextPath((0, 0), text, size=size, prop=FONT).get_extents().width / POINTS_PER_MM


def fit_title(text: str, room: float, size: float = 7.5) -> str:
    """The text, cut in its middle with an ellipsis if it takes more than `room` millimetres."""
    if text_width(text, size) <= room:
        return text
    lengths = range(3, len(text) + 1)
    fitting = bisect_right(lengths, room, key=lambda longest: text_width(shorten(text, longest), size))
    return shorten(text, lengths[max(fitting - 1, 0)])


def axes_size(axes: Axes) -> tuple[float, float]:
    """Width and height of axes in millimetres."""
    box = axes.get_position()
    width, height = axes.figure.get_size_inches()
    return box.width * width * 25.4, box.height * height * 25.4
