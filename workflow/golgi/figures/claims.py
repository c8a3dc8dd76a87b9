"""What the study claims, as a forest plot: the effect of every claim in every model, and its verdict."""

from dataclasses import dataclass
from itertools import groupby

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from golgi.figures.page import blank, fit_title, message_page, need_room, page_width, place, text_width
from golgi.figures.rows import counted, models, p_value
from golgi.figures.style import FAINT, INK, MEASURED, styled

TABLES = ("claims",)
RED = "#C00000"
# Colour, marker, its filling and the word of each verdict.
VERDICTS = {
    "held": (MEASURED, "o", MEASURED, "held"),
    "not_held": (RED, "X", RED, "not held"),
    "underpowered": ("#6b6b6b", "D", "white", "underpowered"),
}
NOTES = {
    "matters": "smallest that matters",
    "interval": "95 % interval",
    "p": "p: one-sided, Holm-adjusted",
}
ROW_MM, LINE_MM, GAP_MM, AXIS_MM, EDGE_MM, KEY_LINE_MM = 4.4, 3.1, 2.4, 10.5, 1.5, 3.6
SENTENCE_SIZE, FACT_SIZE, KEY_SIZE = 7.0, 6.0, 6.5
BESIDE_MM, SENTENCE_MM, LONGEST_MODEL_MM = 140.0, 62.0, 30.0
NARROW_MODEL_MM = 22.0
WORD_GAP_MM, P_GAP_MM = 2.0, 3.0


@dataclass(frozen=True)
class Columns:
    """Millimetres from the left edge: where model names begin, where the panel begins and ends."""

    sentence: float
    names: float
    panel: float
    verdict: float
    beside: bool


@dataclass(frozen=True)
class Block:
    """One claim: its sentence in lines, a line of facts, its rows, and the place of its top in its panel."""

    lines: list[str]
    facts: str
    rows: list[dict]
    top: float
    first: float  # top of the first row
    height: float


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Effects with 95 % intervals against 0 and the smallest that matters; a panel for each unit."""
    table = tables["claims"]
    if table.is_empty():
        return message_page("This study states no claims.", options)
    columns, width = columns_of(table, options)
    need_room(width, columns.verdict - columns.panel, 1)
    groups = [blocks_of(claims, columns) for claims in by_unit(table, options)]
    heights = [blocks[-1].top + blocks[-1].height for blocks in groups]
    key = key_lines(width)
    total = key_height(key) + sum(heights) + AXIS_MM * len(groups)
    figure = blank(width, total)
    below = total - key_height(key)
    for blocks, height in zip(groups, heights, strict=True):
        below -= height
        axes = place(figure, columns.panel, below, columns.verdict - columns.panel, height)
        draw_group(axes, blocks, columns, height)
        below -= AXIS_MM
    draw_key(figure, key)
    return figure


def columns_of(table: pl.DataFrame, options: dict) -> tuple[Columns, float]:
    """The columns of the page and its width: sentences beside the panel where there is room, else above."""
    asked = options.get("width_mm")
    width = float(asked) if asked else page_width(2 if table.height > 3 else 1, options)
    beside = width >= BESIDE_MM
    names = max(text_width(name) for name in table["model"])
    names = min(names, LONGEST_MODEL_MM if beside else NARROW_MODEL_MM) + 2.5
    left = EDGE_MM + (SENTENCE_MM + 3.0 if beside else 0.0)
    sentence = SENTENCE_MM if beside else width - 2 * EDGE_MM
    verdict = WORD_GAP_MM + text_width("underpowered") + P_GAP_MM + text_width("p < .001") + EDGE_MM
    return Columns(sentence, left, left + names, width - verdict, beside), width


def by_unit(table: pl.DataFrame, options: dict) -> list[list[list[dict]]]:
    """Claims, each as its rows, grouped by what their effects are counted in, in the order of the study."""
    order = {model: place for place, model in enumerate(models(table, options))}
    rows = table.sort("index").to_dicts()
    claims = [list(found) for _, found in groupby(rows, key=lambda row: row["claim"])]
    claims = [sorted(claim, key=lambda row: order[row["model"]]) for claim in claims]
    units = list(dict.fromkeys(row["unit"] for row in rows))
    return [[claim for claim in claims if claim[0]["unit"] == unit] for unit in units]


def blocks_of(claims: list[list[dict]], columns: Columns) -> list[Block]:
    """The claims of one panel, one below the other."""
    blocks, top = [], 0.0
    for rows in claims:
        lines = wrapped(rows[0]["say"], columns.sentence)
        words = LINE_MM * (len(lines) + 1) + (ROW_MM - LINE_MM if columns.beside else 0.0)
        first = top if columns.beside else top + words
        tall = ROW_MM * len(rows)
        height = max(words, tall) if columns.beside else words + tall
        blocks.append(Block(lines, facts(rows, columns.sentence), rows, top, first, height + GAP_MM))
        top += height + GAP_MM
    return blocks


def wrapped(text: str, room: float) -> list[str]:
    """A text in lines of at most `room` millimetres, broken between words; a word too long is cut."""
    lines: list[str] = []
    room *= 0.97  # renderers differ a little in how wide they set a line
    for word in text.split():
        word = fit_title(word, room, SENTENCE_SIZE)
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, SENTENCE_SIZE) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def facts(rows: list[dict], room: float) -> str:
    """How a claim was tested, on how much, and what had no value."""
    sizes = sorted({row["n"] for row in rows})
    noun = rows[0]["unit_of_replication"]
    number = counted(sizes[0], noun[:-1]) if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,} {noun}"
    left_out = max(row["left_out"] for row in rows)
    less = f", {'up to ' * (len(rows) > 1)}{left_out:,} left out" if left_out else ""
    return fit_title(f"{rows[0]['test']}, {number}{less}", room, FACT_SIZE)


def draw_group(axes: Axes, blocks: list[Block], columns: Columns, height: float) -> None:
    """One panel: its claims, and an axis in the unit of their effects."""
    axes.set_ylim(height, 0)
    axes.set_xlim(*limits([row for block in blocks for row in block.rows]))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    for number, block in enumerate(blocks):
        draw_sentence(axes, block, columns)
        for line, row in enumerate(block.rows):
            draw_row(axes, row, block.first + (line + 0.5) * ROW_MM, columns)
        if number:
            draw_rule(axes, block.top - GAP_MM / 2, columns)
    unit = blocks[0].rows[0]["unit"]
    label = fit_title(f"effect (difference in {unit})", 0.97 * (columns.verdict - EDGE_MM), 7.0)
    axes.set_xlabel(label, loc="right")


def draw_rule(axes: Axes, y: float, columns: Columns) -> None:
    """A line over the width of the page, between two claims."""
    page = 25.4 * axes.figure.get_figwidth()
    ends = [from_left(x, columns) for x in (EDGE_MM, page - EDGE_MM)]
    spot = {"transform": axes.get_yaxis_transform(), "clip_on": False, "gid": "rule"}
    axes.plot(ends, [y, y], color=FAINT, lw=0.3, **spot)


def limits(rows: list[dict]) -> tuple[float, float]:
    """A scale that holds every effect, interval and difference that matters, and 0."""
    values = [row[name] for row in rows for name in ("effect", "low", "high", "matters")]
    known = [0.0, *(value for value in values if value is not None)]
    room = 0.06 * (max(known) - min(known))
    return min(known) - room, max(known) + room


def from_left(millimetres: float, columns: Columns) -> float:
    """A place in millimetres from the page's left edge, in shares of the panel's width."""
    return (millimetres - columns.panel) / (columns.verdict - columns.panel)


def draw_sentence(axes: Axes, block: Block, columns: Columns) -> None:
    x = from_left(EDGE_MM, columns)
    spot = {"transform": axes.get_yaxis_transform(), "ha": "left", "va": "center_baseline"}
    top = block.top + (ROW_MM / 2 if columns.beside else LINE_MM / 2)
    for number, line in enumerate(block.lines):
        axes.text(x, top + number * LINE_MM, line, fontsize=SENTENCE_SIZE, gid="say", **spot)
    y = top + len(block.lines) * LINE_MM
    axes.text(x, y, block.facts, fontsize=FACT_SIZE, color="#595959", gid="facts", **spot)


def draw_row(axes: Axes, row: dict, y: float, columns: Columns) -> None:
    """One model: its name, effect and interval, what matters, and the verdict in words."""
    colour, marker, fill, word = VERDICTS[row["verdict"]]
    half = ROW_MM / 2
    axes.vlines(0, y - half, y + half, color=INK, lw=0.6, gid="zero")
    axes.vlines(row["matters"], y - half, y + half, color=FAINT, lw=0.8, ls=(0, (1, 1.2)), gid="matters")
    if row["effect"] is None:
        axes.text(0, y, " undefined", fontsize=FACT_SIZE, color=FAINT, va="center_baseline", gid="undefined")
    else:
        if row["low"] is not None:
            axes.hlines(y, row["low"], row["high"], color=colour, lw=1.2, gid="interval")
        axes.plot(
            row["effect"], y, marker=marker, color=colour, mfc=fill, ms=4, ls="none", gid=row["verdict"]
        )
    spot = {"transform": axes.get_yaxis_transform(), "va": "center_baseline"}
    name = fit_title(row["model"], columns.panel - columns.names - 2.0, 7.0)
    axes.text(from_left(columns.names, columns), y, name, gid="model", **spot)
    weight = "bold" if row["verdict"] == "not_held" else "normal"
    axes.text(
        from_left(columns.verdict + WORD_GAP_MM, columns),
        y,
        word,
        color=colour,
        weight=weight,
        gid="word",
        **spot,
    )
    end = 25.4 * axes.figure.get_figwidth() - EDGE_MM
    axes.text(from_left(end, columns), y, adjusted(row["p_holm"]), ha="right", gid="p", **spot)


def adjusted(p: float | None) -> str:
    """The adjusted p-value; nothing where there is none."""
    if p is None:
        return ""
    return "p = 1" if p > 0.9995 else p_value(p)


def key_lines(width: float) -> list[list[tuple[str, str, float]]]:
    """What the marks are, in as many lines as the page needs: (verdict or other mark, words, place in mm)."""
    marks = {**{verdict: word for verdict, (*_, word) in VERDICTS.items()}, **NOTES}
    lines: list[list[tuple[str, str, float]]] = [[]]
    x = EDGE_MM
    for mark, words in marks.items():
        wide = 6.0 + text_width(words, KEY_SIZE)
        if lines[-1] and x + wide > width:
            lines.append([])
            x = EDGE_MM
        lines[-1].append((mark, words, x))
        x += wide
    return lines


def draw_key(figure: Figure, lines: list[list[tuple[str, str, float]]]) -> None:
    """What the marks are, along the top of the page."""
    width, height = (side * 25.4 for side in figure.get_size_inches())
    tall = key_height(lines)
    axes = place(figure, 0, height - tall, width, tall)
    axes.set_axis_off()
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlim(0, width)
    axes.set_ylim(tall, 0)
    for number, line in enumerate(lines):
        y = 3.0 + number * KEY_LINE_MM
        for mark, words, x in line:
            draw_mark(axes, mark, x + 1.0, y)
            axes.text(x + 3.0, y, words, fontsize=KEY_SIZE, va="center_baseline", gid="key")


def draw_mark(axes: Axes, mark: str, x: float, y: float) -> None:
    if mark in VERDICTS:
        colour, marker, fill, _ = VERDICTS[mark]
        axes.plot(x, y, marker=marker, color=colour, mfc=fill, ms=4, ls="none", gid="key")
    elif mark == "matters":
        axes.vlines(x, y - 1.4, y + 1.4, color=FAINT, lw=0.8, ls=(0, (1, 1.2)), gid="key")
    elif mark == "interval":
        axes.hlines(y, x - 1.2, x + 1.2, color=INK, lw=1.2, gid="key")


def key_height(lines: list[list[tuple[str, str, float]]]) -> float:
    """Millimetres that the key takes."""
    return 4.5 + KEY_LINE_MM * len(lines)
