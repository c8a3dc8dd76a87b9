"""Colours, line styles and widths shared by every figure."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path

import matplotlib
import matplotlib.style
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

STYLE_FILE = Path(__file__).with_name("golgi.mplstyle")
COLUMN_MM = 88.0
DOUBLE_MM = 180.0
MM_PER_INCH = 25.4
POINTS_PER_MM = 72 / MM_PER_INCH

INK = "#1a1a1a"
FAINT = "#8c8c8c"
MEASURED = "#0072B2"
CONTRAST = "#D55E00"


@dataclass(frozen=True)
class LineStyle:
    """How one control or baseline is drawn and what it is called, the same in every figure."""

    name: str
    colour: str
    line: str | tuple[float, tuple[float, ...]]
    marker: str
    width: float = 0.9

    def plotting(self, *, marker: bool = True) -> dict:
        """Keyword arguments of `Axes.plot`."""
        return {
            "color": self.colour,
            "linestyle": self.line,
            "linewidth": self.width,
            "marker": self.marker if marker else "none",
            "markerfacecolor": "white" if self.marker in "s^Dv" else self.colour,
        }


SERIES = {
    "measured": LineStyle("measured", MEASURED, "-", "o", 1.4),
    "untrained": LineStyle("untrained", "#5c5c5c", (0, (4, 2)), "v"),
    "rotated": LineStyle("rotated", "#757575", (0, (5, 1.5, 1, 1.5)), "s"),
    "shuffled": LineStyle("shuffled", "#969696", (0, (1, 1.4)), "^"),
    "word": LineStyle("word masked", "#3d3d3d", (0, (2.5, 1.2)), "x"),
    "input_embedding": LineStyle("input embedding", "#E69F00", "-", "D"),
    "sentence_embedding": LineStyle("sentence embedding", "#009E73", "-", "P"),
}
# Ways to foretell where a unit fires.
METHODS = {
    "graph": LineStyle("graph", MEASURED, "-", "o", 1.4),
    "token": LineStyle("token alone", "#E69F00", (0, (4, 1.5)), "D"),
    "bigram": LineStyle("bigram", "#009E73", (0, (2, 1)), "^"),
    "trigram": LineStyle("trigram", "#CC79A7", (0, (5, 1.5, 1, 1.5)), "s"),
    "published": LineStyle("published", FAINT, (0, (7, 2)), "", 0.8),
}
CONTROLS = ("untrained", "rotated", "shuffled", "word")
BASELINES = ("input_embedding", "sentence_embedding")
# The control whose interval is drawn: those of all of them could not be told apart.
WITH_INTERVAL = "rotated"


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Run a drawing function under Golgi's style, whatever the caller's matplotlib settings are."""

    @wraps(draw)
    def drawing(*arguments, **keywords) -> Figure:
        with style_context():
            return draw(*arguments, **keywords)

    return drawing


def style_context():
    """Context in which matplotlib has its defaults and Golgi's style file, and nothing of the user's own."""
    return matplotlib.style.context(STYLE_FILE, after_reset=True)


def inches(millimetres: float) -> float:
    """Millimetres as inches, which is what matplotlib counts in."""
    return millimetres / MM_PER_INCH


def checkpoint_colours(checkpoints: list[str]) -> dict[str, str]:
    """One colour per checkpoint, light (early) to dark (late), spaced by rank so that early ones differ."""
    shades = matplotlib.colormaps["YlGnBu"]
    last = max(len(checkpoints) - 1, 1)
    start = 0.32 if len(checkpoints) > 1 else 0.8
    return {
        name: to_hex(shades(start + (1.0 - start) * rank / last)) for rank, name in enumerate(checkpoints)
    }


def readable(colour: str) -> str:
    """The colour, darkened if it is too light for type on white."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    brightness = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    scale = min(1.0, 0.5 / brightness)
    return "#" + "".join(f"{int(part * scale):02x}" for part in (red, green, blue))
