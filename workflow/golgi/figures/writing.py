"""What a language model wrote, what the gates took of it, and which concepts are still short."""

from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures import axes as shared
from golgi.figures.graph_marks import type_colour
from golgi.figures.page import blank, fit_title, message_page, need_room, page_width, place, text_width
from golgi.figures.rows import counted
from golgi.figures.style import INK, MEASURED, styled
from golgi.figures.writing_concepts import KINDS, Lines, draw_lines, lines_height, lines_of

TABLES = ("writing",)
# What is said of a sentence, in the order in which it is asked: words and colour. Any two colours differ for
# eyes that lack one kind of cone too (CIE 1976: by at least 16), neighbours most (29).
VERDICTS = {
    "kept": ("kept", MEASURED),
    "short": ("too short", "#D9D9D9"),
    "long": ("too long", "#8A8A8A"),
    "unnamed": ("concept not named", "#F0E442"),
    "subtype": ("names a kind of it", "#B84A00"),
    "other_concept": ("names another concept", "#E69F00"),
    "language": ("another language", "#005A42"),
    "repeated": ("repeated", "#56B4E9"),
    "similar": ("nearly repeated", "#8A4A72"),
    "swapped": ("fact and story confused", INK),
}
# Millimetres.
BESIDE_MM, LEFT_MM, APART_MM, EDGE_MM = 150.0, 78.0, 6.0, 1.5
HEAD_MM, BAR_MM, BARS_APART_MM, AXIS_MM = 9.0, 4.6, 2.4, 10.0
ROW_MM, SWATCH_MM, WORDS_MM, NUMBER_MM, SHARE_MM, FEWEST_WORDS_MM = 3.7, 3.0, 4.6, 11.0, 9.0, 14.0
SIZE = shared.LABEL_SIZE


@dataclass(frozen=True)
class Block:
    """A part of the page in mm: left and upper edge, from the lower left corner, and width."""

    left: float
    top: float
    width: float


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Sentences by verdict, stacked, facts and stories; beside them what each concept has of what it wants.

    Of more than 40 concepts the right part has a row per category, with the spread of its concepts.
    """
    table = tables["writing"]
    if table.is_empty():
        return message_page("No language model wrote sentences.", options)
    width = page_width(2, options)
    beside = width >= BESIDE_MM
    left = (LEFT_MM if beside else width - EDGE_MM) - 2 * EDGE_MM
    right = (width - LEFT_MM - APART_MM if beside else width - EDGE_MM) - EDGE_MM
    need_room(width, words_room(left), 1, smallest=FEWEST_WORDS_MM)
    lines = lines_of(table)
    need_room(width, lines.plot(right), 1)
    heights = verdicts_height(), lines_height(lines)
    height = max(heights) if beside else sum(heights) + APART_MM
    figure = blank(width, height)
    draw_verdicts(figure, Block(EDGE_MM, height, left), table)
    corner = (LEFT_MM + APART_MM, height) if beside else (EDGE_MM, heights[1])
    draw_concepts(figure, Block(*corner, right), lines, table)
    return figure


def words_room(width: float) -> float:
    """Millimetres for the words of a verdict, beside the columns of numbers."""
    return width - WORDS_MM - len(KINDS) * (NUMBER_MM + SHARE_MM)


def verdicts_height() -> float:
    bars = len(KINDS) * BAR_MM + (len(KINDS) - 1) * BARS_APART_MM
    return HEAD_MM + bars + AXIS_MM + ROW_MM * (len(VERDICTS) + 3) + 1.0


def sums_of(table: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Kind -> verdict -> number of sentences, over all concepts."""
    return {
        kind: table.filter(pl.col("kind") == kind).select(pl.col(*VERDICTS).sum()).row(0, named=True)
        for kind in KINDS
    }


def draw_verdicts(figure: Figure, block: Block, table: pl.DataFrame) -> None:
    sums = sums_of(table)
    margin = 2.0 + max(text_width(name) for name in KINDS.values())
    tall = len(KINDS) * BAR_MM + (len(KINDS) - 1) * BARS_APART_MM
    bottom = block.top - HEAD_MM - tall
    axes = place(figure, block.left + margin, bottom, block.width - margin, tall)
    draw_bars(axes, sums)
    head(axes, "What was written", requests_line(table), block.left - (block.left + margin))
    below = place(figure, block.left, 0.5, block.width, bottom - AXIS_MM - 0.5)
    draw_numbers(below, sums, block.width, bottom - AXIS_MM - 0.5)


def requests_line(table: pl.DataFrame) -> str:
    return f"{counted(table['requests'].sum(), 'request')}, {counted(table['sentences'].sum(), 'sentence')}"


def head(axes: Axes, text: str, note: str, shift: float) -> None:
    """A title and a line of facts, `shift` mm beside the left edge of the axes."""
    width, height = shared.axes_size(axes)
    keywords = {"transform": axes.transAxes, "va": "baseline"}
    axes.text(shift / width, 1 + 5.2 / height, text, fontsize=7.5, weight="bold", **keywords)
    axes.text(shift / width, 1 + 1.9 / height, note, fontsize=SIZE, color=INK, **keywords)


def draw_bars(axes: Axes, sums: dict[str, dict[str, int]]) -> None:
    """A bar per kind, of the shares of its sentences; the share stands in a part that is wide enough."""
    width, _ = shared.axes_size(axes)
    pitch = BAR_MM + BARS_APART_MM
    axes.set_xlim(0, 1)
    axes.set_ylim(len(sums) * BAR_MM + (len(sums) - 1) * BARS_APART_MM, 0)
    middles = [number * pitch + BAR_MM / 2 for number in range(len(sums))]
    for middle, (kind, numbers) in zip(middles, sums.items(), strict=True):
        total, reach = sum(numbers.values()), 0.0
        for verdict, number in numbers.items():
            part = number / total if total else 0.0
            if part:
                draw_part(axes, reach, part, middle, verdict, kind, part * width)
            reach += part
        if not total:
            axes.text(0.01, middle, "no sentence", fontsize=SIZE, va="center_baseline", gid="none")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_yticks(middles, [KINDS[kind] for kind in sums])
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.set_xlabel("share of the sentences (%)")


def draw_part(
    axes: Axes, reach: float, part: float, middle: float, verdict: str, kind: str, room: float
) -> None:
    colour = VERDICTS[verdict][1]
    edge = {"edgecolor": "white", "linewidth": 0.4} if room > 0.5 else {"linewidth": 0}
    axes.barh(middle, part, BAR_MM, left=reach, color=colour, gid=f"{kind} {verdict}", **edge)
    text = f"{100 * part:.0f} %"
    if room > text_width(text, SIZE) + 2.0:
        spot = {"ha": "center", "va": "center_baseline", "fontsize": SIZE, "gid": "share"}
        axes.text(reach + part / 2, middle, text, color=type_colour(colour), **spot)


def draw_numbers(axes: Axes, sums: dict[str, dict[str, int]], width: float, tall: float) -> None:
    """The key of the bars, with the number and the share of each verdict."""
    axes.set_axis_off()
    shared.no_ticks(axes)
    axes.set_xlim(0, width)
    axes.set_ylim(tall, 0)
    ends = [width - (len(KINDS) - 1 - place) * (NUMBER_MM + SHARE_MM) for place in range(len(KINDS))]
    for end, name in zip(ends, KINDS.values(), strict=True):
        axes.text(end - SHARE_MM, ROW_MM * 0.5, name, ha="right", fontsize=SIZE, va="center_baseline")
        axes.text(end, ROW_MM * 0.5, "%", ha="right", fontsize=SIZE, va="center_baseline")
    rule(axes, ROW_MM * 1.05, width)
    for number, (verdict, (words, colour)) in enumerate(VERDICTS.items()):
        y = (number + 1.6) * ROW_MM
        axes.barh(y, SWATCH_MM, 2.2, color=colour, gid="key")
        name = fit_title(words, words_room(width) - 1.0, SIZE)
        axes.text(WORDS_MM, y, name, fontsize=SIZE, va="center_baseline", gid="verdict")
        write_row(axes, ends, y, [(kind[verdict], sum(kind.values())) for kind in sums.values()])
    rule(axes, (len(VERDICTS) + 1.15) * ROW_MM, width)
    y = (len(VERDICTS) + 1.7) * ROW_MM
    axes.text(WORDS_MM, y, "all", fontsize=SIZE, va="center_baseline")
    write_row(axes, ends, y, [(sum(kind.values()), sum(kind.values())) for kind in sums.values()])


def rule(axes: Axes, y: float, width: float) -> None:
    axes.plot([0, width], [y, y], color=INK, lw=0.4, gid="rule")


def write_row(axes: Axes, ends: list[float], y: float, numbers: list[tuple[int, int]]) -> None:
    """Each number, right-aligned, and its per cent of a total."""
    keywords = {"ha": "right", "va": "center_baseline", "fontsize": SIZE, "gid": "number"}
    for end, (number, total) in zip(ends, numbers, strict=True):
        axes.text(end - SHARE_MM, y, f"{number:,}", **keywords)
        axes.text(end, y, f"{100 * number / total:.1f}" if total else "", **keywords)


def draw_concepts(figure: Figure, block: Block, lines: Lines, table: pl.DataFrame) -> None:
    plot, tall = lines.plot(block.width), lines.tall
    axes = place(figure, block.left + lines.names, block.top - lines.top - tall, plot, tall)
    draw_lines(axes, lines)
    concepts = table["index"].n_unique()
    short = table.filter(pl.col("missing") > 0)
    lacking = f"{short['index'].n_unique():,} short, by {counted(short['missing'].sum(), 'sentence')}"
    note = f"{counted(concepts, 'concept')}, {lacking if short.height else 'none short'}"
    width, height = shared.axes_size(axes)
    rise = lines.top - HEAD_MM
    spot = {"transform": axes.transAxes, "va": "baseline"}
    x = -lines.names / width
    axes.text(
        x, 1 + (rise + 5.2) / height, "What was kept of what is wanted", **spot, weight="bold", size=7.5
    )
    axes.text(x, 1 + (rise + 1.9) / height, note, fontsize=SIZE, color=INK, **spot)
