"""Texts token by token: shaded by a unit's activation, underlined by what its graph expects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from golgi.figures.glyphs import SPACE, fitted, marked
from golgi.figures.graph_marks import BASELINE, activation_colour, shade, type_colour
from golgi.figures.page import text_width
from golgi.figures.style import INK

TYPE_SIZE = 5.6
BOX_MM, UNDERLINE_MM, LINE_MM = 2.6, 0.7, 4.1
PADDING_MM = 0.3
SPACE_MM, JOINT_MM = 0.8, 0.12
MOST_LINES = 5
CUT = {"token": "\N{HORIZONTAL ELLIPSIS}", "activation": 0.0, "predicted": 0.0}


@dataclass(frozen=True)
class Piece:
    """A token in its place: left edge in mm, line from 0, true and expected share of the maximum."""

    text: str
    left: float
    line: int
    width: float
    activation: float
    predicted: float


def set_text(tokens: Sequence[Mapping], width: float) -> list[Piece]:
    """Set one example (rows of table `graph_gallery`, in order) in at most MOST_LINES lines of `width` mm.

    Tokens stand left to right in the order in which the model reads them, those of right-to-left scripts too;
    a token that begins with a space stands apart from the one before it. What has no room is left out on the
    side that is further from the strongest activation, with an ellipsis in its place.
    """
    first, stop = 0, len(tokens)
    peak = max(range(stop), key=lambda place: tokens[place]["activation"], default=0)
    while True:
        before, after = [CUT] * (first > 0), [CUT] * (stop < len(tokens))
        pieces = set_lines([*before, *tokens[first:stop], *after], width)
        if number_of_lines(pieces) <= MOST_LINES:
            return pieces
        first, stop = (first + 1, stop) if peak - first > stop - 1 - peak else (first, stop - 1)


def set_lines(tokens: Sequence[Mapping], width: float) -> list[Piece]:
    """Set tokens in lines, broken before a word where that is possible."""
    pieces: list[Piece] = []
    left, line = 0.0, 0
    for word in words(tokens):
        word_pieces = [piece_of(token, width) for token in word]
        total = sum(piece.width + JOINT_MM for piece in word_pieces)
        apart = SPACE_MM if begins_word(word[0]) else JOINT_MM
        if left and left + apart + total > width and total <= width:
            left, line = 0.0, line + 1
        for piece in word_pieces:
            if left and left + apart + piece.width > width:
                left, line = 0.0, line + 1
            left += apart if left else 0.0
            pieces.append(replace(piece, left=left, line=line))
            left, apart = left + piece.width, JOINT_MM
    return pieces


def words(tokens: Sequence[Mapping]) -> list[list[Mapping]]:
    """Tokens that are written together: each begins with a space, or begins the text."""
    found: list[list[Mapping]] = []
    for token in tokens:
        if not found or begins_word(token):
            found.append([])
        found[-1].append(token)
    return found


def begins_word(token: Mapping) -> bool:
    """Whether a token begins with a space and has more than that."""
    text = marked(token["token"])
    return text.startswith(SPACE) and text != SPACE


def piece_of(token: Mapping, width: float) -> Piece:
    text = marked(token["token"])
    bare = text.removeprefix(SPACE) if begins_word(token) else text
    shown = fitted(bare, width - 2 * PADDING_MM, TYPE_SIZE)
    wide = text_width(shown, TYPE_SIZE) + 2 * PADDING_MM
    return Piece(shown, 0.0, 0, max(wide, 1.2), token["activation"], token["predicted"])


def number_of_lines(pieces: Sequence[Piece]) -> int:
    """How many lines a text takes."""
    return max((piece.line for piece in pieces), default=-1) + 1


def draw_text(axes: Axes, pieces: Sequence[Piece], left: float, top: float) -> None:
    """Draw a text set before into axes that count millimetres, its upper left corner at (left, top)."""
    for piece in pieces:
        x, y = left + piece.left, top - piece.line * LINE_MM - BOX_MM
        fill = activation_colour(piece.activation) if piece.activation > 0 else "#ffffff"
        shade(axes, x, y, piece.width, BOX_MM, fill, gid="true", zorder=1)
        if piece.predicted > 0:
            draw_underline(axes, x, y, piece.width, piece.predicted)
        axes.text(
            x + piece.width / 2,
            y + BOX_MM / 2 - BASELINE * TYPE_SIZE,
            piece.text,
            fontsize=TYPE_SIZE,
            color=type_colour(fill),
            ha="center",
            va="baseline",
            gid="text",
            zorder=4,
        )


def draw_underline(axes: Axes, x: float, y: float, width: float, predicted: float) -> None:
    """A bar under a token, as deep a red as the activation that the graph expects."""
    place = (x, y - UNDERLINE_MM - 0.2)
    axes.add_patch(
        Rectangle(
            place, width, UNDERLINE_MM, fc=activation_colour(predicted), ec=INK, lw=0.3, gid="predicted"
        )
    )
