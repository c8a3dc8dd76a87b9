"""What each concept, or the concepts of each category, have of the sentences that are wanted of them."""

from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from golgi.figures import axes as shared
from golgi.figures.page import fit_title, text_width
from golgi.figures.style import CONTRAST, FAINT, INK, MEASURED

KINDS = {"fact": "facts", "story": "stories"}
# Marker, its filling and place beside the row's middle.
MARKS = {"fact": ("o", MEASURED, -0.19), "story": ("s", "white", 0.19)}
MOST_CONCEPTS, MOST_ROWS = 40, 60
# Millimetres.
ROW_MM, COLUMN_MM, GAP_MM, TOP_MM, BOTTOM_MM = 3.7, 10.5, 2.0, 16.0, 10.0
LONGEST_NAME_MM, LONGEST_CATEGORY_MM, LONGEST_ALONE_MM = 22.0, 20.0, 38.0
SIZE = shared.LABEL_SIZE


@dataclass(frozen=True)
class Line:
    """A row: its category where it is told, its name, and per kind the shares kept and what is missing."""

    category: str
    name: str
    shares: dict[str, list[float]]
    missing: dict[str, str]


@dataclass(frozen=True)
class Lines:
    """The rows of the panel: one per concept, or one per category; widths of their columns in mm."""

    rows: list[Line]
    by_category: bool
    categories: float
    names: float
    numbers: float
    most: float  # the largest share kept of what is wanted
    top: float = TOP_MM

    @property
    def tall(self) -> float:
        """Height of the panel in mm."""
        return ROW_MM * len(self.rows)

    def plot(self, width: float) -> float:
        """Width of the panel in mm, if names, panel and numbers are to take `width`."""
        return width - self.names - len(KINDS) * self.numbers


def lines_height(lines: Lines) -> float:
    """Millimetres that the panel takes with all about it."""
    return lines.top + lines.tall + BOTTOM_MM


def lines_of(table: pl.DataFrame) -> Lines:
    """A row per concept of a table `writing`, or per category where there are too many concepts to name."""
    known = table.sort("index", "kind").with_columns(
        share=pl.when(pl.col("wanted") > 0).then(pl.col("kept") / pl.col("wanted")),
        group=pl.col("category"),
    )
    by_category = known["index"].n_unique() > MOST_CONCEPTS
    rows = category_lines(pooled(known)) if by_category else concept_lines(known)
    names = widest((row.name for row in rows), LONGEST_ALONE_MM if by_category else LONGEST_NAME_MM)
    categories = widest((row.category for row in rows), LONGEST_CATEGORY_MM)
    most = max(known["share"].max() or 0.0, 1.0)
    told = max(text_width(text, SIZE) for row in rows for text in row.missing.values())
    return Lines(rows, by_category, categories, names + categories, max(COLUMN_MM, told + GAP_MM), most)


def widest(texts, most: float) -> float:
    found = max((text_width(text, SIZE) for text in texts), default=0.0)
    return min(found + 0.3, most) + GAP_MM if found else 0.0


def concept_lines(known: pl.DataFrame) -> list[Line]:
    """Concepts as the lexicon has them, those of a category together, which is named beside the first."""
    first = known.group_by("category").agg(first=pl.col("index").min())
    ordered = known.join(first, on="category", maintain_order="left").sort("first", "index", "kind")
    rows, before = [], None
    for _, part in ordered.group_by("index", maintain_order=True):
        name, category = part["concept"][0], part["category"][0]
        missing = {kind: f"{number:,}" if number else "" for kind, number in by_kind(part, "missing").items()}
        rows.append(Line("" if category == before else category, name, shares_of(part), missing))
        before = category
    return rows


def by_kind(part: pl.DataFrame, column: str) -> dict[str, int]:
    return dict(part.group_by("kind").agg(pl.col(column).sum()).rows())


def shares_of(part: pl.DataFrame) -> dict[str, list[float]]:
    known = part.filter(pl.col("share").is_not_null())
    return {kind: known.filter(pl.col("kind") == kind)["share"].to_list() for kind in KINDS}


def pooled(known: pl.DataFrame) -> pl.DataFrame:
    """The table with the categories that have no row of their own in one group: those least short."""
    totals = known.group_by("category").agg(pl.col("missing").sum(), first=pl.col("index").min())
    if totals.height <= MOST_ROWS:
        return known
    shown = totals.sort(-pl.col("missing"), "first")["category"].head(MOST_ROWS - 1)
    rest = f"{totals.height - len(shown)} other categories"
    group = pl.when(pl.col("category").is_in(shown.implode())).then("category").otherwise(pl.lit(rest))
    return known.with_columns(group=group).sort(pl.col("group") == rest, "index", "kind")


def category_lines(known: pl.DataFrame) -> list[Line]:
    rows = []
    for (group,), part in known.group_by(["group"], maintain_order=True):
        short = part.with_columns(short=(pl.col("missing") > 0).cast(pl.Int64))
        concepts = part["index"].n_unique()
        missing = {
            kind: f"{number:,} of {concepts:,}" if number else ""
            for kind, number in by_kind(short, "short").items()
        }
        rows.append(Line("", group, shares_of(part), missing))
    return rows


def draw_lines(axes: Axes, lines: Lines) -> None:
    """The shares kept, a line at what is wanted, names at the left and what is missing at the right."""
    axes.set_ylim(len(lines.rows) - 0.5, -0.5)
    axes.set_xlim(-0.03 * lines.most, 1.05 * lines.most)
    axes.axvline(1, color=INK, lw=0.6, gid="wanted", zorder=1)
    for number, row in enumerate(lines.rows):
        if number and (row.category or lines.by_category):
            axes.axhline(number - 0.5, color=FAINT, lw=0.3, gid="rule", zorder=0)
        name_row(axes, row, number, lines)
        for kind, shares in row.shares.items():
            draw_shares(axes, shares, number, kind, spread=lines.by_category)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f}"))
    axes.set_xlabel("kept of wanted (%)")
    draw_key(axes, lines)


def name_row(axes: Axes, row: Line, number: int, lines: Lines) -> None:
    width, _ = shared.axes_size(axes)
    spot = {"transform": axes.get_yaxis_transform(), "va": "center_baseline", "fontsize": SIZE}
    category = fit_title(row.category, lines.categories - GAP_MM, SIZE) if row.category else ""
    axes.text(-lines.names / width, number, category, color="#595959", gid="category", **spot)
    name = fit_title(row.name, lines.names - lines.categories - GAP_MM, SIZE)
    axes.text((lines.categories - lines.names) / width, number, name, gid="name", **spot)
    for place, kind in enumerate(KINDS, start=1):
        text, x = row.missing.get(kind, ""), 1 + place * lines.numbers / width
        axes.text(x, number, text, ha="right", color=CONTRAST, gid=f"missing {kind}", **spot)


def draw_shares(axes: Axes, shares: list[float], number: int, kind: str, *, spread: bool) -> None:
    """One kind of a row: a mark, with a line up to what is wanted where it is short of that.

    With `spread` the middle concept, a line from lowest to highest, and a cross for each that is short.
    """
    marker, fill, shift = MARKS[kind]
    y = number + shift
    short = [share for share in shares if share < 1]
    if spread and shares:
        axes.hlines(y, min(shares), max(shares), color=MEASURED, lw=0.7, gid=f"spread {kind}", zorder=2)
        axes.plot(
            short, [y] * len(short), ls="none", marker="x", ms=2.6, color=CONTRAST, gid="short", zorder=4
        )
        shares = [pl.Series(shares).median()]
    elif short:
        axes.hlines(y, short[0], 1, color=CONTRAST, lw=0.9, gid="gap", zorder=2)
    colour = CONTRAST if short and not spread else MEASURED
    filling = colour if fill != "white" else fill
    axes.plot(
        shares,
        [y] * len(shares),
        ls="none",
        marker=marker,
        ms=2.6,
        color=colour,
        mfc=filling,
        gid=kind,
        zorder=3,
    )


def draw_key(axes: Axes, lines: Lines) -> None:
    """What the marks are, above the panel, and what the columns of numbers are."""
    width, height = shared.axes_size(axes)
    y, x = 1 + 4.6 / height, -lines.names + 0.8
    spot = {"transform": axes.transAxes, "clip_on": False, "gid": "key"}
    entries = [(*MARKS[kind][:2], MEASURED, name) for kind, name in KINDS.items()]
    entries.append(
        ("x", CONTRAST, CONTRAST, "short") if lines.by_category else ("o", CONTRAST, CONTRAST, "short")
    )
    for marker, fill, colour, name in entries:
        axes.plot([x / width], [y + 0.8 / height], marker=marker, ms=2.6, color=colour, mfc=fill, **spot)
        axes.text((x + 1.6) / width, y, name, fontsize=SIZE, **spot)
        x += 4.6 + text_width(name, SIZE)
    if not any(text for row in lines.rows for text in row.missing.values()):
        return
    title = "concepts short" if lines.by_category else "missing"
    ends = {"va": "baseline", "fontsize": SIZE, "transform": axes.transAxes}
    middle = 2 * lines.numbers - (lines.numbers + text_width(KINDS["fact"], SIZE)) / 2
    axes.text(1 + middle / width, y, title, ha="center", **ends)
    for place, name in enumerate(KINDS.values(), start=1):
        axes.text(1 + place * lines.numbers / width, 1 + 1.4 / height, name, ha="right", **ends)
