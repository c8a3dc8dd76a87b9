"""How many concepts a unit is an expert of, and whether they are of one category."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from golgi.figures import axes as shared
from golgi.figures.ap_distribution import power_of_ten
from golgi.figures.page import grid, message_page, page_columns
from golgi.figures.rows import (
    at_last,
    at_threshold,
    checkpoints,
    controls,
    counted,
    interval,
    models,
    share,
    step_label,
    study_threshold,
)
from golgi.figures.style import CONTRAST, INK, SERIES, styled

TABLES = ("polysemy", "polysemy_sharing")
COLUMNS = 2


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Share of units that are experts of at least so many concepts, and which concepts share a unit.

    A column per model: above the distribution, below the share of pairs of one category with its 95 %
    interval, against the share under permuted labels. Option `threshold` is tau.
    """
    threshold = study_threshold(tables["polysemy"], options)
    spectra = at_last(at_threshold(tables["polysemy"], threshold))
    sharing = at_last(at_threshold(tables["polysemy_sharing"], threshold))
    if spectra.is_empty():
        return message_page("The concepts of the units were not counted.", options)
    names = models(spectra, options)
    columns = page_columns(len(names), COLUMNS, options)
    bands = -(-len(names) // columns)
    figure, axes = grid(
        2 * bands, columns, options=options, panel_height=33, left=19, right=29, top=12, stack=2, gap=15
    )
    for place in range(bands * columns):
        band, column = divmod(place, columns)
        upper, lower = axes[2 * band, column], axes[2 * band + 1, column]
        if place < len(names):
            chosen = pl.col("model") == names[place]
            draw_spectrum(upper, spectra.filter(chosen), sharing.filter(chosen), threshold)
            draw_sharing(lower, sharing.filter(chosen))
        else:
            upper.remove()
            lower.remove()
    return figure


def survival(part: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of concepts from 1, and the share of all units that are experts of at least so many."""
    ordered = part.sort("concepts")
    numbers, units = ordered["concepts"].to_numpy(), ordered["units"].to_numpy()
    above = np.cumsum(units[::-1])[::-1] / max(units.sum(), 1)
    return numbers[numbers > 0], above[numbers > 0]


def draw_spectrum(axes: Axes, rows: pl.DataFrame, sharing: pl.DataFrame, threshold: float) -> None:
    order = ["measured", *controls(rows)]
    axes.set_yscale("log")
    for control in order:
        numbers, shares = survival(rows.filter(pl.col("control") == control))
        style = SERIES[control]
        keywords = style.plotting() | {"markersize": 2.4}
        label = style.name if len(numbers) else f"{style.name}: 0"
        axes.plot(numbers, shares, **keywords, label=label, gid=control, zorder=3 + (control == "measured"))
    units, most = int(sharing["units"].max()), int(rows["concepts"].max())
    axes.set_ylim(0.5 / units, 1.6)
    axes.set_xlim(0.5, max(most, 2) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(power_of_ten))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("number of concepts k")
    axes.set_ylabel("share of units with ≥ k")
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), fontsize=6.5)
    concepts = counted(sharing["concepts"].max(), "concept")
    step = step_label(checkpoints(rows)[-1])
    note = f"{step}; AP ≥ {share(threshold)}; {concepts}, {counted(units, 'unit')}"
    shared.title(axes, rows["model"][0], note)


def draw_sharing(axes: Axes, rows: pl.DataFrame) -> None:
    order = ["measured", *controls(rows)]
    places = {control: len(order) - 1 - place for place, control in enumerate(order)}
    for row in rows.iter_rows(named=True):
        draw_row(axes, places[row["control"]], row)
    expected = rows["expected"].drop_nulls().to_list()
    if expected:
        axes.axvline(expected[0], color=CONTRAST, lw=0.9, ls=(0, (1.5, 1.5)), gid="expected", zorder=1)
        shared.fact_line(axes, f"dotted: permuted labels, {share(expected[0], 3)}", rise=1.6)
    axes.set_xlim(0, widest(rows))
    axes.xaxis.set_major_locator(MaxNLocator(4, min_n_ticks=3))
    axes.set_ylim(-0.7, len(order) - 0.3)
    axes.set_yticks(range(len(order)), [SERIES[control].name for control in reversed(order)])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("share of co-expert pairs of one category")
    mark_cut_intervals(axes, rows, places)


def widest(rows: pl.DataFrame) -> float:
    """The end of the axis: the wide interval of a control with few experts does not squeeze the rest."""
    highest = [*rows["expected"].drop_nulls(), *rows["same_category"].drop_nulls(), 0.05]
    close = rows.filter(pl.col("control").is_in(["measured", "untrained", "rotated"]))
    return min(1.08 * max([*highest, *close["same_category_high"].drop_nulls()]), 1.02)


def draw_row(axes: Axes, y: float, row: dict) -> None:
    """One control: its point, its interval, which ends in an arrow where the axis does, and the numbers."""
    style, width = SERIES[row["control"]], shared.axes_size(axes)[0]
    keywords = {"fontsize": shared.LABEL_SIZE, "color": INK, "va": "center_baseline"}
    keywords["transform"] = axes.get_yaxis_transform()
    if row["same_category"] is None:
        text = "no pair" if row["experts"] else "no expert"
        axes.text(1 + 2.4 / width, y, text, **keywords)
        return
    axes.text(1 + 2.4 / width, y, described(row), **keywords)
    if row["same_category_low"] is not None:
        ends = row["same_category_low"], row["same_category_high"]
        axes.hlines(y, *ends, color=style.colour, lw=0.9, gid="interval")
    point = style.plotting() | {"linestyle": "none", "markersize": 4.2}
    axes.plot([row["same_category"]], [y], **point, gid=f"sharing {row['control']}", zorder=3)


def described(row: dict) -> str:
    value = share(row["same_category"], 3)
    if row["same_category_low"] is None:
        return value
    return f"{value} {interval(row, 3, 'same_category_')}"


def mark_cut_intervals(axes: Axes, rows: pl.DataFrame, places: dict[str, int]) -> None:
    """An arrow head at the end of the axis for every interval that goes on beyond it."""
    end = axes.get_xlim()[1]
    for row in rows.iter_rows(named=True):
        if row["same_category_high"] is not None and row["same_category_high"] > end:
            colour = SERIES[row["control"]].colour
            keywords = {"color": colour, "marker": ">", "ms": 3.0, "clip_on": False, "gid": "beyond"}
            axes.plot([end], [places[row["control"]]], **keywords)
