"""Overlap within and between categories over training, and its difference against the controls."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures import axes as shared
from golgi.figures.page import message_page, wrapped_stacks
from golgi.figures.rows import (
    at_threshold,
    checkpoints,
    controls,
    counted,
    models,
    p_value,
    share,
    step_label,
    study_threshold,
)
from golgi.figures.style import INK, MEASURED, SERIES, WITH_INTERVAL, styled

TABLES = ("categories",)


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Mean Jaccard overlap by checkpoint above, its difference with 95 % intervals below; a column per model.

    Option `threshold` is tau.
    """
    threshold = study_threshold(tables["categories"], options)
    rows = at_threshold(tables["categories"], threshold)
    if rows.is_empty():
        return message_page("Within and between categories were not compared.", options)
    names = models(rows, options)
    texts = ["between", *(SERIES[control].name for control in ("measured", *controls(rows)))]
    figure, stacks = wrapped_stacks(
        len(names),
        most=2,
        stack=2,
        options=options,
        panel_height=30,
        left=14,
        right=shared.label_margin(texts),
        top=11,
        bottom=9,
        gap=8.5,
    )
    for pair, name in zip(stacks, names, strict=True):
        draw_model(*pair, rows.filter(pl.col("model") == name), name, threshold)
    return figure


def draw_model(upper: Axes, lower: Axes, rows: pl.DataFrame, name: str, threshold: float) -> None:
    measured = rows.filter((pl.col("control") == "measured") & (pl.col("checkpoint") != "untrained"))
    order = checkpoints(rows)
    measured = in_order(measured, order)
    draw_means(upper, measured, order)
    upper.set_xlabel("")
    shared.title(
        upper,
        name,
        f"AP ≥ {share(threshold)}; {counted(measured['pairs_within'][-1], 'pair')} within, "
        f"{measured['pairs_between'][-1]:,} between",
    )
    draw_differences(lower, rows, measured, order)
    shared.fact_line(lower, last_fact(measured), rise=1.4)


def in_order(rows: pl.DataFrame, order: list[str]) -> pl.DataFrame:
    """Rows in the order of training, with their place on the step axis as `place`."""
    places = shared.step_positions(order)
    return rows.with_columns(
        pl.col("checkpoint").replace_strict(places, return_dtype=pl.Float64).alias("place")
    ).sort("place")


def draw_means(axes: Axes, measured: pl.DataFrame, order: list[str]) -> None:
    labels = []
    for column, keywords in (
        ("within", {"marker": "o"}),
        ("between", {"marker": "o", "mfc": "white", "ls": (0, (4, 1.5))}),
    ):
        axes.plot(measured["place"], measured[column], color=MEASURED, gid=column, **keywords)
        labels.append(shared.EndLabel(column, measured["place"][-1], measured[column][-1], MEASURED))
    axes.set_ylim(0, None if measured.select(pl.max_horizontal("within", "between").max()).item() else 1)
    axes.set_ylabel("mean Jaccard overlap")
    shared.step_axis(axes, order)
    shared.label_ends(axes, labels)


def draw_differences(axes: Axes, rows: pl.DataFrame, measured: pl.DataFrame, order: list[str]) -> None:
    style = SERIES["measured"]
    axes.axhline(0, color=INK, lw=0.6, gid="zero")
    labels = []
    for control in controls(rows):
        labels.append(draw_control(axes, rows.filter(pl.col("control") == control), control, measured, order))
    shared.interval_band(axes, measured, style.colour)
    axes.plot(measured["place"], measured["difference"], **style.plotting(), gid="measured", zorder=4)
    labels.append(
        shared.EndLabel("measured", measured["place"][-1], measured["difference"][-1], style.colour)
    )
    axes.set_ylabel("within \N{MINUS SIGN} between")
    shared.step_axis(axes, order)
    shared.label_ends(axes, labels)


def draw_control(
    axes: Axes, part: pl.DataFrame, control: str, measured: pl.DataFrame, order: list[str]
) -> shared.EndLabel:
    style = SERIES[control]
    if control == "untrained":
        value = part["difference"][-1]
        axes.axhline(value, color=style.colour, ls=style.line, lw=style.width, gid=control, zorder=2)
        return shared.EndLabel(style.name, measured["place"][-1], value, style.colour)
    part = in_order(part, order)
    if control == WITH_INTERVAL:
        shared.interval_bars(axes, part, style.colour)
    axes.plot(part["place"], part["difference"], **style.plotting(), gid=control, zorder=3)
    return shared.EndLabel(style.name, part["place"][-1], part["difference"][-1], style.colour)


def last_fact(measured: pl.DataFrame) -> str:
    last = measured.row(-1, named=True)
    name = step_label(last["checkpoint"])
    ratio = "between is 0" if last["ratio"] is None else f"within/between = {last['ratio']:.2f}"
    holm = "" if last["p_holm"] is None else f" (Holm {p_value(last['p_holm']).removeprefix('p = ')})"
    return f"{name}: {ratio}, {p_value(last['p'])}{holm}"
