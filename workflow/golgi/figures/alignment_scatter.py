"""A reference's ratings against the overlap of expert sets, pair by pair."""

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures import axes as shared
from golgi.figures.page import fit_title, message_page, wrapped_grid
from golgi.figures.rows import (
    at_last,
    at_threshold,
    counted,
    jaccard,
    models,
    p_value,
    share,
    study_threshold,
)
from golgi.figures.style import CONTRAST, MEASURED, styled

TABLES = ("alignment_pairs", "alignment")
FEW_LEVELS = 8
OTHER = "#a3a3a3"
GOLDEN = 0.6180339887498949


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Jaccard overlap against rating at the last checkpoint; option `threshold` is tau."""
    measured = (pl.col("control") == "measured") & (pl.col("checkpoint") != "untrained")
    pairs = tables["alignment_pairs"].filter(measured)
    if pairs.is_empty():
        return message_page("No reference rates a pair of this study's concepts.", options)
    threshold = study_threshold(tables["alignment"], options)
    results = at_last(at_threshold(jaccard(tables["alignment"]).filter(measured), threshold))
    wanted = [
        (name, reference)
        for name in models(pairs, options)
        for reference in pairs.filter(pl.col("model") == name)["reference"].unique(maintain_order=True)
    ]
    figure, panels = wrapped_grid(
        len(wanted), most=2 if len(wanted) in (2, 4) else 3, options=options, panel_height=40, top=20, right=3
    )
    for panel, (name, reference) in zip(panels, wanted, strict=True):
        chosen = (pl.col("model") == name) & (pl.col("reference") == reference)
        draw_panel(panel, pairs.filter(chosen), results.filter(chosen), f"{name}, {reference}")
    return figure


def draw_panel(axes: Axes, pairs: pl.DataFrame, results: pl.DataFrame, heading: str) -> None:
    levels = pairs["rating"].unique().sort().to_list()
    few = 1 < len(levels) <= FEW_LEVELS
    pairs = pairs.with_columns(
        jittered(pairs["rating"], min(np.diff(levels))) if few else pl.col("rating").alias("place")
    )
    for same, colour, marker, layer in ((False, OTHER, "o", 2), (True, MEASURED, "D", 3)):
        part = pairs.filter(pl.col("same_category") == same)
        axes.scatter(
            part["place"],
            part["similarity"],
            s=point_size(pairs.height),
            marker=marker,
            color=colour,
            alpha=opacity(pairs.height),
            linewidths=0,
            zorder=layer,
            rasterized=pairs.height > 3000,
            gid="same" if same else "different",
        )
    if few:
        draw_level_means(axes, pairs, levels)
    top = pairs["similarity"].max()
    axes.set_ylim(-0.03 * (top or 1), 1.06 * (top or 1))
    width, _ = shared.axes_size(axes)
    kind = "rating, spread sideways" if few else "rating"
    axes.set_xlabel(fit_title(f"{pairs['reference'][0]} {kind}", width, 7))
    axes.set_ylabel("Jaccard overlap of experts")
    draw_facts(axes, results, pairs)
    shared.heading(axes, heading, rise=15.2)


def jittered(ratings: pl.Series, step: float) -> pl.Series:
    """Ratings moved sideways by a fixed even pattern, so that pairs of one level can be told apart."""
    offsets = (np.arange(len(ratings)) * GOLDEN) % 1 - 0.5
    return pl.Series("place", ratings.to_numpy() + 0.6 * step * offsets)


def opacity(pairs: int) -> float:
    """Fainter points where there are more of them."""
    return float(np.clip(12 / np.sqrt(max(pairs, 1)), 0.12, 0.8))


def point_size(pairs: int) -> float:
    """Area of a point in square points: smaller where there are more of them."""
    return float(np.clip(400 / np.sqrt(max(pairs, 1)), 2, 9))


def draw_level_means(axes: Axes, pairs: pl.DataFrame, levels: list[float]) -> None:
    half = 0.36 * min(np.diff(levels))
    for level, mean in pairs.group_by("rating").agg(pl.col("similarity").mean()).sort("rating").rows():
        axes.plot([level - half, level + half], [mean, mean], color=CONTRAST, lw=1.4, zorder=5, gid="mean")
    axes.set_xticks(levels, [f"{level:g}" for level in levels])


def draw_facts(axes: Axes, results: pl.DataFrame, pairs: pl.DataFrame) -> None:
    """Three lines above the panel: rho with interval, p and n, and the key of the points."""
    result = results.row(0, named=True) if results.height else None
    if result is None or result["rho"] is None:
        first = "ρ undefined: overlap does not vary"
    else:
        first = f"ρ = {share(result['rho'])} [{share(result['low'])}, {share(result['high'])}]"
    words = len(set(pairs["concept_a"]) | set(pairs["concept_b"]))
    chance = "" if result is None or result["rho"] is None else f"{p_value(result['p'])}, "
    shared.fact_line(axes, first, rise=11.4)
    shared.fact_line(axes, f"{chance}{counted(pairs.height, 'pair')}, {counted(words, 'word')}", rise=8.2)
    draw_key(axes)


def draw_key(axes: Axes) -> None:
    width, height = shared.axes_size(axes)
    x, y = 1.0, 1 + 4.6 / height
    for text, colour, marker in (("same category", MEASURED, "D"), ("different", OTHER, "o")):
        axes.plot(
            [x / width],
            [y + 0.8 / height],
            marker=marker,
            ms=2.8,
            mew=0,
            color=colour,
            transform=axes.transAxes,
            clip_on=False,
            gid="key",
        )
        axes.text(
            (x + 1.6) / width, y, text, transform=axes.transAxes, fontsize=shared.LABEL_SIZE, va="baseline"
        )
        x += 5.0 + shared.text_width(text, shared.LABEL_SIZE)
