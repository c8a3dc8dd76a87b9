"""The key of graphs and of texts shaded by activation, in as many rows as the width asks for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from golgi.figures.graph_marks import (
    activation_colour,
    draw_dot,
    draw_frame,
    importance_colour,
    shade,
)
from golgi.figures.layout import Box
from golgi.figures.page import text_width
from golgi.figures.strips import UNDERLINE_MM, draw_underline

KEY_ROW_MM = 4.4
KEY_SIZE = 6.5
BETWEEN_MM = 4.0
SAMPLE_MM = 4.0
RAMP_MM = 12.0
STEPS = 24


@dataclass(frozen=True)
class Key:
    """A sample, drawn by `draw(axes, x, y)` in `width` mm about the height y, and what it means."""

    text: str
    width: float
    draw: Callable[[Axes, float, float], None]

    @property
    def room(self) -> float:
        """Millimetres of the sample and its text."""
        return self.width + 1.2 + text_width(self.text, KEY_SIZE)


def ramp(axes: Axes, x: float, y: float) -> None:
    """The reds from 0 to 1, with the two numbers."""
    ends = text_width("0", KEY_SIZE) + 0.8
    draw_text(axes, x, y, "0")
    step = (RAMP_MM - 2 * ends) / STEPS
    for place in range(STEPS):
        red = activation_colour((place + 0.5) / STEPS)
        shade(axes, x + ends + place * step, y - 1.1, step * 1.05, 2.2, red, gid="ramp")
    draw_text(axes, x + RAMP_MM - ends + 0.6, y, "1")


def band(axes: Axes, x: float, y: float) -> None:
    """Three blue bands, of more and more importance."""
    for place, importance in enumerate((0.3, 0.65, 1.0)):
        length = SAMPLE_MM * importance
        shade(axes, x, y + 0.7 - 1.0 * place, length, 0.7, importance_colour(importance), gid="key")


def end_frame(axes: Axes, x: float, y: float) -> None:
    draw_frame(axes, x + 0.3, y - 1.2, SAMPLE_MM - 0.6, 2.4, "#ffffff", heavy=True)


def dot(axes: Axes, x: float, y: float) -> None:
    draw_dot(axes, x + 0.8, y)


def underline(axes: Axes, x: float, y: float) -> None:
    draw_underline(axes, x, y + UNDERLINE_MM / 2 + 0.2, SAMPLE_MM, 0.6)


def draw_text(axes: Axes, x: float, y: float, text: str) -> None:
    axes.text(x, y, text, fontsize=KEY_SIZE, va="center_baseline", gid="key")


ACTIVATION_KEY = Key("activation (share of maximum)", RAMP_MM, ramp)
IMPORTANCE_KEY = Key("importance", SAMPLE_MM, band)
END_KEY = Key("a match may end here", SAMPLE_MM, end_frame)
WILDCARD_KEY = Key("any one token", 1.6, dot)
EXPECTED_KEY = Key("expected by the graph", SAMPLE_MM, underline)


def graph_keys(boxes: Iterable[Box]) -> list[Key]:
    """The keys of the marks that the boxes of some graphs have."""
    boxes = list(boxes)
    keys = {
        ACTIVATION_KEY: bool(boxes),
        IMPORTANCE_KEY: any(box.importance is not None and not box.wildcard for box in boxes),
        END_KEY: any(box.end for box in boxes),
        WILDCARD_KEY: any(box.wildcard for box in boxes),
    }
    return [key for key, there in keys.items() if there]


def key_rows(keys: Sequence[Key], width: float) -> list[list[Key]]:
    """The keys in order, in rows of at most `width` mm."""
    rows: list[list[Key]] = []
    for key in keys:
        if rows and sum(other.room + BETWEEN_MM for other in rows[-1]) + key.room <= width:
            rows[-1].append(key)
        else:
            rows.append([key])
    return rows


def draw_key(axes: Axes, rows: list[list[Key]], left: float, top: float) -> None:
    """Draw the rows of a key into axes that count millimetres, their upper left corner at (left, top)."""
    for row, keys in enumerate(rows):
        x, y = left, top - (row + 0.5) * KEY_ROW_MM
        for key in keys:
            key.draw(axes, x, y)
            draw_text(axes, x + key.width + 1.2, y, key.text)
            x += key.room + BETWEEN_MM
