"""The marks of which graphs and texts are drawn: boxes of tokens, links, wildcards, and their colours."""

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Circle, FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path

from golgi.figures.axes import no_ticks
from golgi.figures.layout import DOT_MM, Box, Layout, Metrics
from golgi.figures.page import axes_size
from golgi.figures.style import FAINT, INK

THIN, HEAVY = 0.4, 1.2
INSET_MM = 0.4
BASELINE = 0.095  # millimetres from the middle of a line of type to its baseline, for each point of its size
ACTIVATION, IMPORTANCE = "Reds", "Blues"


def millimetre_axes(axes: Axes) -> Axes:
    """The axes, empty, with millimetres from their lower left corner as their coordinates."""
    width, height = axes_size(axes)
    axes.set_axis_off()
    no_ticks(axes)
    axes.set_xlim(0, width)
    axes.set_ylim(0, height)
    return axes


def draw_layout(axes: Axes, layout: Layout, left: float, top: float) -> None:
    """Draw a graph laid out before into axes that count millimetres, its upper left corner at (left, top)."""
    boxes = {box.node: box for box in layout.boxes}
    for box in layout.boxes:
        if box.parent is not None:
            draw_link(axes, box, boxes[box.parent], left, top)
    for box in layout.boxes:
        draw_box(axes, box, layout.metrics, left, top)


def draw_link(axes: Axes, box: Box, parent: Box, left: float, top: float) -> None:
    """A curve from a token to the one that follows it in the text."""
    start, stop = left + box.right, left + parent.right - parent.width
    bend = (start + stop) / 2
    y, y_parent = top - box.middle, top - parent.middle
    line = Path(
        [(start, y), (bend, y), (bend, y_parent), (stop, y_parent)],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    axes.add_patch(PathPatch(line, fc="none", ec=FAINT, lw=0.6, zorder=1, gid="link"))


def draw_box(axes: Axes, box: Box, metrics: Metrics, left: float, top: float) -> None:
    right, middle = left + box.right, top - box.middle
    if box.wildcard:
        draw_dot(axes, right - DOT_MM / 2, middle)
        return
    x, y = right - box.width, middle - metrics.box / 2
    fill = activation_colour(box.activation)
    draw_frame(axes, x, y, box.width, metrics.box, fill, heavy=box.end)
    if box.importance is not None:
        draw_importance(axes, x, y, box.width, metrics, box.importance)
    band = 0.0 if box.importance is None else metrics.band
    axes.text(
        x + box.width / 2,
        middle + band / 2 - BASELINE * metrics.type_size,
        box.text,
        fontsize=metrics.type_size,
        color=type_colour(fill),
        ha="center",
        va="baseline",
        gid="token",
        zorder=4,
    )


def draw_frame(
    axes: Axes, x: float, y: float, width: float, height: float, fill: str, *, heavy: bool
) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x, y),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.5",
            fc=fill,
            ec=INK if heavy else FAINT,
            lw=HEAVY if heavy else THIN,
            zorder=3 if heavy else 2,
            gid="end" if heavy else "node",
            clip_on=False,
        )
    )


def draw_dot(axes: Axes, x: float, y: float) -> None:
    axes.add_patch(Circle((x, y), DOT_MM / 2, fc="white", ec=INK, lw=0.6, zorder=2, gid="wildcard"))


def draw_importance(
    axes: Axes, x: float, y: float, width: float, metrics: Metrics, importance: float
) -> None:
    """A blue band at the foot of a box, as long on its white ground as the token is important."""
    ground = width - 2 * INSET_MM
    shade(axes, x + INSET_MM, y + INSET_MM, ground, metrics.band, "#ffffff", gid="ground")
    length, blue = ground * float(np.clip(importance, 0, 1)), importance_colour(importance)
    shade(axes, x + INSET_MM, y + INSET_MM, length, metrics.band, blue, gid="importance")


def shade(
    axes: Axes, x: float, y: float, width: float, height: float, colour: str, *, gid: str, zorder: float = 3.5
) -> None:
    """A filled rectangle without an outline."""
    axes.add_patch(Rectangle((x, y), width, height, fc=colour, lw=0, zorder=zorder, gid=gid))


def activation_colour(activation: float) -> str:
    """Red, the deeper the larger the share of the unit's maximum; what lies outside 0 to 1 as the nearest."""
    return to_hex(matplotlib.colormaps[ACTIVATION](0.92 * float(np.clip(activation, 0, 1))))


def importance_colour(importance: float) -> str:
    """Blue, the deeper the more important."""
    return to_hex(matplotlib.colormaps[IMPORTANCE](0.35 + 0.6 * float(np.clip(importance, 0, 1))))


def luminance(colour: str) -> float:
    """Relative luminance of a colour, 0 to 1 (WCAG 2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def type_colour(fill: str) -> str:
    """Ink or white, whichever has more contrast on the fill."""
    light = luminance(fill) + 0.05
    return INK if light / (luminance(INK) + 0.05) >= 1.05 / light else "#ffffff"
