"""Overlap of the experts of disjoint folds, and their number, by threshold and numbers of sentences."""

from dataclasses import dataclass

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from golgi.figures import axes as shared
from golgi.figures.page import (
    blank,
    message_page,
    need_room,
    page_columns,
    page_width,
    place,
    text_width,
)
from golgi.figures.rows import at_last, checkpoints, compact, controls, counted, models, share, step_label
from golgi.figures.style import CONTRAST, FAINT, SERIES, checkpoint_colours, styled

TABLES = ("stability",)
MARKERS = "os^Dvph"
KEY = "ringed: recommended size; hollow: threshold near chance"
# Millimetres.
LEFT, GAP, NARROWEST, PANEL, APART, TOP, BOTTOM = 12.0, 2.0, 16.0, 29.0, 3.5, 18.0, 9.5


@dataclass(frozen=True)
class Page:
    """Where panels stand: each model has rows of so many panels, one for each number of positives."""

    width: float  # of a model, mm
    right: float  # kept free for labels, mm
    panels: int  # in a row
    bands: int  # rows of a model

    @property
    def panel(self) -> float:
        """Width of a panel in mm."""
        return (self.width - LEFT - self.right - (self.panels - 1) * GAP) / self.panels

    @property
    def height(self) -> float:
        """Height of a model in mm."""
        return self.bands * (TOP + 2 * PANEL + APART + BOTTOM)


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Mean overlap of folds above, experts below, against tau; a panel per N+, a curve per N-."""
    rows = at_last(tables["stability"])
    if rows.is_empty():
        return message_page("No folds of sentences were compared.", options)
    names = models(rows, options)
    columns = page_columns(len(names), 2, options)
    width = page_width(max(columns, rows["positives"].n_unique()), options)
    page = arrange(rows, width / columns)
    need_room(width, page.panel, columns * page.panels)
    bands = -(-len(names) // columns)
    figure = blank(width, bands * page.height)
    for number, name in enumerate(names):
        band, column = divmod(number, columns)
        corner = column * page.width, (bands - band) * page.height
        draw_model(figure, page, corner, rows.filter(pl.col("model") == name), name, options.get("threshold"))
    return figure


def arrange(rows: pl.DataFrame, width: float) -> Page:
    """As many panels side by side as there is room for, and no more than needed."""
    names = [f"N\N{MINUS SIGN} = {size:,}" for size in rows["negatives"].unique()]
    right = shared.label_margin(names + [SERIES[control].name for control in controls(rows)])
    sizes = rows["positives"].n_unique()
    fitting = max(1, int((width - LEFT - right + GAP) // (NARROWEST + GAP)))
    bands = -(-sizes // fitting)
    return Page(width, right, -(-sizes // bands), bands)


def draw_model(
    figure: Figure,
    page: Page,
    corner: tuple[float, float],
    rows: pl.DataFrame,
    name: str,
    threshold: float | None,
) -> None:
    left, top = corner
    sizes = rows["positives"].unique().sort().to_list()
    for number, size in enumerate(sizes):
        band, column = divmod(number, page.panels)
        across = left + LEFT + column * (page.panel + GAP)
        below = top - band * page.height / page.bands - TOP - PANEL
        upper = place(figure, across, below, page.panel, PANEL)
        lower = place(figure, across, below - APART - PANEL, page.panel, PANEL)
        part = rows.filter(pl.col("positives") == size)
        last = column == page.panels - 1 or size == sizes[-1]
        for axes, quantity in ((upper, "overlap"), (lower, "experts")):
            frame(axes, part, rows, quantity, threshold)
            draw_quantity(axes, part, size_colours(rows), quantity, last=last)
        describe(upper, lower, part, first=column == 0)
        if column == 0:
            name_model(upper, rows, name, room=page.width - LEFT - 3)


def name_model(axes: Axes, rows: pl.DataFrame, name: str, *, room: float) -> None:
    """The model, what its panels rest on, and how to read them."""
    moment = step_label(checkpoints(rows)[-1]) + "; " if checkpoints(rows) else ""
    folds, concepts = counted(rows["folds"].max(), "fold"), counted(rows["concepts"].max(), "concept")
    shared.heading(axes, name, rise=14.2, room=room)
    sharing = rows["sharing_concepts"].max()
    fact = f"{moment}{folds}, {concepts}"
    noted = f"{fact} ({sharing:,} with shared documents)" if sharing else fact
    fits = text_width(noted, shared.LABEL_SIZE) <= room
    shared.fact_line(axes, noted if fits else fact, rise=10.8)
    if text_width(KEY, shared.LABEL_SIZE) <= room:
        shared.fact_line(axes, KEY, rise=7.6)


def frame(axes: Axes, part: pl.DataFrame, rows: pl.DataFrame, quantity: str, threshold: float | None) -> None:
    """Scales, the same in all panels of a model (`rows`), the study's threshold and the AP of chance."""
    if quantity == "overlap":
        axes.set_ylim(0, 1.03)
    else:
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylim(0, 2 * max(rows["experts"].max(), 1))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
    threshold_axis(axes, part["threshold"].unique().sort().to_list())
    if threshold is not None:
        axes.axvline(threshold, color=FAINT, lw=0.6, gid="threshold", zorder=1)
    for size, colour in size_colours(rows).items():
        draw_chance(axes, part.filter(pl.col("negatives") == size)["chance"].max(), colour)


def draw_quantity(
    axes: Axes, part: pl.DataFrame, colours: dict[int, str], quantity: str, *, last: bool
) -> None:
    """Curves of one quantity in one panel, named at their ends in the last of a row."""
    labels = [draw_control(axes, part, quantity, control) for control in controls(part)]
    measured = part.filter(pl.col("control") == "measured")
    for rank, (size, colour) in enumerate(colours.items()):
        curve = measured.filter(pl.col("negatives") == size).sort("threshold")
        labels.append(draw_curve(axes, curve, quantity, colour, MARKERS[rank % len(MARKERS)]))
    if last:
        shared.label_ends(axes, [label for label in labels if label is not None])


def size_colours(rows: pl.DataFrame) -> dict[int, str]:
    """A colour per number of negatives: light for few, dark for many."""
    sizes = rows["negatives"].unique().sort().to_list()
    return dict(zip(sizes, checkpoint_colours([str(size) for size in sizes]).values(), strict=True))


def draw_curve(
    axes: Axes, curve: pl.DataFrame, quantity: str, colour: str, marker: str
) -> shared.EndLabel | None:
    """A measured curve with its interval; hollow where chance is near, ringed where recommended."""
    if curve.is_empty():
        return None
    ends = {f"{quantity}_low": "low", f"{quantity}_high": "high"}
    placed = curve.select("threshold", *ends).rename({"threshold": "place", **ends})
    shared.interval_band(axes, placed, colour)
    size = curve["negatives"][0]
    axes.plot(curve["threshold"], curve[quantity], color=colour, lw=1.2, gid=f"measured {size}", zorder=4)
    for beyond, face in ((True, colour), (False, "white")):
        points = curve.filter(pl.col("beyond_chance") == beyond)
        look = {"ls": "none", "marker": marker, "ms": 3.2, "mec": colour, "mfc": face}
        axes.plot(points["threshold"], points[quantity], **look, gid=f"points {size}", zorder=5)
    chosen = curve.filter(pl.col("recommended"))
    ring = {
        "ls": "none",
        "marker": "o",
        "ms": 7,
        "mec": CONTRAST,
        "mfc": "none",
        "mew": 0.9,
        "clip_on": False,
    }
    axes.plot(chosen["threshold"], chosen[quantity], **ring, gid="recommended", zorder=6)
    text = f"N\N{MINUS SIGN} = {size:,}"
    return shared.EndLabel(text, curve["threshold"][-1], curve[quantity][-1], colour)


def draw_control(axes: Axes, part: pl.DataFrame, quantity: str, control: str) -> shared.EndLabel:
    """A control at the largest number of negatives."""
    style = SERIES[control]
    curve = part.filter(pl.col("control") == control).sort("threshold")
    curve = curve.filter(pl.col("negatives") == curve["negatives"].max())
    axes.plot(curve["threshold"], curve[quantity], **style.plotting() | {"ms": 2.6}, gid=control, zorder=3)
    return shared.EndLabel(style.name, curve["threshold"][-1], curve[quantity][-1], style.colour)


def draw_chance(axes: Axes, chance: float | None, colour: str) -> None:
    """The AP of chance, where it lies among the thresholds."""
    low, high = axes.get_xlim()
    if chance is not None and low <= chance <= high:
        axes.axvline(chance, color=colour, lw=0.9, ls=(0, (1.5, 1.5)), gid="chance", zorder=1)


def threshold_axis(axes: Axes, taus: list[float]) -> None:
    pad = max(0.07 * (taus[-1] - taus[0]), 0.02)
    axes.set_xlim(taus[0] - pad, taus[-1] + pad)
    texts = {tau: share(tau, 2 if round(tau * 10, 9) % 1 else 1) for tau in taus}
    labelled = shared.roomy_ticks(axes, texts)
    axes.set_xticks(list(labelled), list(labelled.values()))
    axes.minorticks_off()


def describe(upper: Axes, lower: Axes, part: pl.DataFrame, *, first: bool) -> None:
    """Titles and the names of the axes; the first panel of a row speaks for the others."""
    chances = sorted({share(part["chance"].min()), share(part["chance"].max())})
    shared.fact_line(upper, f"N+ = {part['positives'][0]:,}", rise=4.3)
    shared.fact_line(upper, "chance " + "\N{EN DASH}".join(chances), rise=1.3)
    upper.set_xticklabels([])
    if first:
        upper.set_ylabel("overlap (Jaccard)")
        lower.set_ylabel("experts per concept")
        lower.set_xlabel("threshold τ (AP)")
    else:
        upper.set_yticklabels([])
        lower.set_yticklabels([])
