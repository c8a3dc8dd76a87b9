"""Share of (unit, concept) pairs whose average precision reaches each value."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from golgi.figures import axes as shared
from golgi.figures.page import message_page, wrapped_grid
from golgi.figures.rows import at_last, checkpoints, controls, models, share, step_label
from golgi.figures.style import CONTRAST, FAINT, INK, SERIES, styled

TABLES = ("distribution",)
SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Survival function of AP at the last checkpoint and in the controls, one panel per model.

    Options: `threshold` (tau of the study, a solid line) and `thresholds` (others, as small marks).
    """
    last = at_last(tables["distribution"])
    if last.is_empty():
        return message_page("No average precision was measured.", options)
    names = models(last, options)
    figure, panels = wrapped_grid(len(names), most=2, options=options, panel_height=46, right=28, top=15)
    for panel, name in zip(panels, names, strict=True):
        draw_panel(panel, last.filter(pl.col("model") == name), heading=name, options=options)
    return figure


def survival(part: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Lower bin edges and the share of pairs at or above each of them."""
    ordered = part.sort("low")
    pairs = ordered["pairs"].to_numpy()
    above = np.cumsum(pairs[::-1])[::-1]
    return ordered["low"].to_numpy(), above / max(pairs.sum(), 1)


def power_of_ten(value: float, _place: int) -> str:
    """A tick of the logarithmic axis: 1, 0.1, 0.01, then 10⁻³ and so on."""
    exponent = round(np.log10(value))
    if exponent > -3:
        return f"{10.0**exponent:g}"
    return "10\N{SUPERSCRIPT MINUS}" + str(-exponent).translate(SUPERSCRIPTS)


def draw_panel(axes: Axes, part: pl.DataFrame, *, heading: str, options: dict) -> None:
    total = int(part.filter(pl.col("control") == "measured")["pairs"].sum())
    axes.set_yscale("log")
    for control in ["measured", *controls(part)]:
        edges, shares = survival(part.filter(pl.col("control") == control))
        shown = shares > 0
        style = SERIES[control]
        keywords = style.plotting(marker=False)
        axes.plot(edges[shown], shares[shown], **keywords, label=style.name, gid=control, zorder=3)
        if shown.any():
            axes.plot(
                edges[shown][-1:], shares[shown][-1:], **style.plotting(), gid=f"end {control}", zorder=4
            )
    axes.set_ylim(0.5 / max(total, 1), 1.6)
    axes.yaxis.set_major_formatter(FuncFormatter(power_of_ten))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlim(0, 1.01)
    axes.set_xlabel("average precision x")
    axes.set_ylabel("share of pairs with AP ≥ x")
    mark_lines(axes, part["chance"].mean(), options)
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1.0), fontsize=6.5)
    shared.fact_line(
        axes, f"{step_label(checkpoints(part)[-1])}; n = {total:,} (unit, concept) pairs", rise=5.2
    )
    shared.heading(axes, heading, rise=8.8)


def mark_lines(axes: Axes, chance: float, options: dict) -> None:
    """Vertical lines at chance and the study's threshold, named above the axes, and marks at the others."""
    width, height = shared.axes_size(axes)
    threshold = options.get("threshold")
    axes.axvline(chance, color=CONTRAST, lw=0.9, ls=(0, (1.5, 1.5)), gid="chance", zorder=2)
    texts = [(chance, f"chance {share(chance)}", CONTRAST)]
    if threshold is not None:
        axes.axvline(threshold, color=INK, lw=0.7, gid="threshold", zorder=2)
        texts.append((float(threshold), f"τ = {share(float(threshold))}", INK))
    for other in options.get("thresholds") or []:
        axes.axvline(other, ymax=0.025, color=FAINT, lw=0.7, gid="mark")
    room = max(shared.text_width(text, 6.5) for _, text, _ in texts) + 1.5
    places = shared.spread([place / 1.01 * width for place, _, _ in texts], room, room / 2, width - room / 2)
    for (_, text, colour), place in zip(texts, places, strict=True):
        corner = (place / width, 1 + 1.4 / height)
        axes.text(*corner, text, transform=axes.transAxes, color=colour, fontsize=6.5, ha="center")
