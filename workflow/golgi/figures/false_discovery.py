"""Experts against those that chance would give, and against those left when false ones are controlled."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, StrMethodFormatter

from golgi.figures import axes as shared
from golgi.figures.page import message_page, wrapped_stacks
from golgi.figures.rows import at_last, checkpoints, counted, models, share, step_label
from golgi.figures.style import CONTRAST, FAINT, INK, MEASURED, SERIES, LineStyle, styled

TABLES = ("discoveries",)
# Which control and column of the table each curve shows.
CURVES = {
    "expected": ("measured", LineStyle("by chance", SERIES["shuffled"].colour, (0, (1, 1.4)), "^")),
    "untrained": ("untrained", SERIES["untrained"]),
    "experts": ("measured", LineStyle("experts", MEASURED, "-", "o", 1.4)),
    "controlled": ("measured", LineStyle("controlled", CONTRAST, (0, (4, 1.5)), "D", 0.9)),
}


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Experts per concept above, the estimated share of false ones below, against tau; a column per model.

    Option `threshold` is the study's tau.
    """
    rows = at_last(tables["discoveries"])
    if rows.is_empty():
        return message_page("No labels were shuffled.", options)
    names = models(rows, options)
    figure, stacks = wrapped_stacks(
        len(names),
        most=2,
        stack=2,
        options=options,
        panel_height=32,
        left=14,
        right=shared.label_margin([style.name for _, style in CURVES.values()]),
        top=12,
        bottom=9,
        gap=8.5,
    )
    for pair, name in zip(stacks, names, strict=True):
        draw_model(*pair, rows.filter(pl.col("model") == name), name, options.get("threshold"))
    return figure


def means(rows: pl.DataFrame) -> pl.DataFrame:
    """Means over concepts by control and threshold, and the share of false experts among all of them."""
    sums = rows.group_by("control", "threshold").agg(
        pl.col("experts", "expected", "controlled").mean(), concepts=pl.len()
    )
    false = pl.when(pl.col("experts") > 0).then((pl.col("expected") / pl.col("experts")).clip(0, 1))
    return sums.with_columns(false=false, untrained=pl.col("experts")).sort("control", "threshold")


def draw_model(upper: Axes, lower: Axes, rows: pl.DataFrame, name: str, threshold: float | None) -> None:
    found = means(rows)
    for axes in (upper, lower):
        frame(axes, rows, threshold)
    draw_counts(upper, found)
    draw_shares(lower, found, rows["level"].max())
    upper.set_xlabel("")
    describe(upper, lower, rows, name)


def draw_counts(axes: Axes, found: pl.DataFrame) -> None:
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, 2 * max(found["experts"].max(), found["expected"].max(), 1))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axes.set_ylabel("experts per concept")
    labels = [draw_curve(axes, found, column) for column in CURVES]
    shared.label_ends(axes, [label for label in labels if label is not None])


def draw_curve(axes: Axes, found: pl.DataFrame, column: str) -> shared.EndLabel | None:
    control, style = CURVES[column]
    curve = found.filter(pl.col("control") == control)
    if curve.is_empty():
        return None
    size = (
        {"markersize": 4.4, "markerfacecolor": "none"} if column == "controlled" else {}
    )  # a ring about the experts' dots
    axes.plot(curve["threshold"], curve[column], **style.plotting() | size, gid=column, zorder=3)
    return shared.EndLabel(style.name, curve["threshold"][-1], curve[column][-1], style.colour)


def draw_shares(axes: Axes, found: pl.DataFrame, level: float) -> None:
    """Expected over raw experts, with the level that false discoveries are held to."""
    axes.axhline(level, color=INK, lw=0.7, ls=(0, (7, 2)), gid="level", zorder=1)
    labels = []
    for control, name in (("untrained", "untrained"), ("measured", "experts")):
        curve = found.filter(pl.col("control") == control)
        style = CURVES[name][1]
        values = curve["false"].fill_null(float("nan"))
        axes.plot(curve["threshold"], values, **style.plotting(), gid=f"false {control}", zorder=3)
        known = curve.filter(pl.col("false").is_not_null())
        if known.height:
            labels.append(
                shared.EndLabel(style.name, known["threshold"][-1], known["false"][-1], style.colour)
            )
    axes.set_ylim(0, min(1.03, 1.15 * max(found["false"].max() or 0, 1.5 * level)))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: share(value, 2 if level >= 0.02 else 3)))
    axes.set_ylabel("expected false share")
    shared.label_ends(axes, labels)


def frame(axes: Axes, rows: pl.DataFrame, threshold: float | None) -> None:
    """The axis of thresholds, with the AP of chance and the study's own threshold."""
    chance, taus = rows["chance"].mean(), rows["threshold"].unique().sort().to_list()
    axes.set_xlim(min(taus[0], chance) - 0.03, min(taus[-1] + 0.03, 1.01))
    axes.axvline(chance, color=CONTRAST, lw=0.9, ls=(0, (1.5, 1.5)), gid="chance", zorder=1)
    if threshold is not None:
        axes.axvline(threshold, color=FAINT, lw=0.7, gid="threshold", zorder=1)
    texts = {tau: share(tau, 2 if round(tau * 10, 9) % 1 else 1) for tau in taus}
    labelled = shared.roomy_ticks(axes, texts)
    axes.set_xticks(list(labelled), list(labelled.values()))
    axes.set_xlabel("threshold τ (average precision)")


def describe(upper: Axes, lower: Axes, rows: pl.DataFrame, name: str) -> None:
    moment = step_label(checkpoints(rows)[-1]) + "; " if checkpoints(rows) else ""
    concepts = counted(rows["concept"].n_unique(), "concept")
    shared.heading(upper, name, rise=8.2)
    shared.fact_line(upper, f"{moment}{concepts}, {counted(rows['units'].max(), 'unit')}", rise=4.8)
    shared.fact_line(upper, f"chance AP {share(rows['chance'].mean())} (dotted)", rise=1.4)
    shuffles, level = counted(rows["shuffles"].max(), "shuffle"), share(rows["level"].max(), 3).rstrip("0")
    shared.fact_line(lower, f"{shuffles}; controlled at level {level} (dashed)", rise=1.4)
