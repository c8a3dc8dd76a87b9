"""Alignment with each reference over training, against controls, baselines and any human ceiling."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures import axes as shared
from golgi.figures.page import message_page, wrapped_grid
from golgi.figures.rows import at_threshold, checkpoints, counted, jaccard, models, share, study_threshold
from golgi.figures.style import BASELINES, INK, SERIES, WITH_INTERVAL, styled

TABLES = ("alignment",)
CURVES = ("rotated", "shuffled", "word", *BASELINES)


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Spearman's rho against training step, a panel per model and reference; option `threshold` is tau."""
    table = tables["alignment"]
    if table.is_empty():
        return message_page("No reference rates a pair of this study's concepts.", options)
    threshold = study_threshold(jaccard(table), options)
    rows = pl.concat(
        [at_threshold(jaccard(table), threshold), table.filter(pl.col("control").is_in(BASELINES))]
    )
    wanted = [
        (name, reference)
        for name in models(rows, options)
        for reference in rows.filter(pl.col("model") == name)["reference"].unique().sort()
    ]
    texts = [SERIES[control].name for control in rows["control"].unique()]
    texts += ["human ceiling"] if rows["ceiling"].count() else []
    figure, panels = wrapped_grid(
        len(wanted),
        most=2,
        options=options,
        panel_height=44,
        left=14,
        right=shared.label_margin(texts),
        top=11,
    )
    for panel, (name, reference) in zip(panels, wanted, strict=True):
        part = rows.filter((pl.col("model") == name) & (pl.col("reference") == reference))
        draw_panel(panel, part, heading=f"{name}, {reference}", threshold=threshold)
    return figure


def draw_panel(axes: Axes, rows: pl.DataFrame, *, heading: str, threshold: float) -> None:
    order = checkpoints(rows)
    places = shared.step_positions(order)
    placed = (
        rows.filter(pl.col("checkpoint") != "untrained")
        .with_columns(pl.col("checkpoint").replace_strict(places, return_dtype=pl.Float64).alias("place"))
        .sort("place")
    )
    axes.axhline(0, color=INK, lw=0.6, gid="zero")
    labels = [draw_measured(axes, placed.filter(pl.col("control") == "measured"))]
    labels += [draw_curve(axes, placed, control) for control in CURVES if control in set(rows["control"])]
    labels += draw_levels(axes, rows, max(places.values()))
    axes.set_ylabel("alignment (Spearman's ρ)")
    shared.step_axis(axes, order)
    frame_rho(axes)
    measured = rows.filter(pl.col("control") == "measured")
    undefined = measured["rho"].null_count()
    pairs, words = counted(measured["pairs"].max(), "pair"), counted(measured["words"].max(), "word")
    note = f"AP ≥ {share(threshold)}; {pairs}, {words}"
    if undefined:
        note += f"; ρ undefined at {counted(undefined, 'step')}"
    shared.title(axes, heading, note)
    shared.label_ends(axes, [label for label in labels if label is not None])


def draw_measured(axes: Axes, measured: pl.DataFrame) -> shared.EndLabel | None:
    """The measured curve with its 95 % band; gaps where rho is undefined."""
    style = SERIES["measured"]
    shared.interval_band(axes, measured, style.colour)
    values = measured["rho"].fill_null(float("nan"))
    axes.plot(measured["place"], values, **style.plotting(), gid="measured", zorder=4)
    return end_label(measured, "measured")


def draw_curve(axes: Axes, placed: pl.DataFrame, control: str) -> shared.EndLabel | None:
    part = placed.filter(pl.col("control") == control)
    if part.is_empty():
        return None
    style = SERIES[control]
    if control == WITH_INTERVAL:
        shared.interval_bars(axes, part, style.colour)
    axes.plot(part["place"], part["rho"].fill_null(float("nan")), **style.plotting(), gid=control, zorder=3)
    return end_label(part, control)


def end_label(part: pl.DataFrame, control: str) -> shared.EndLabel | None:
    known = part.filter(pl.col("rho").is_not_null())
    if known.is_empty():
        return None
    return shared.EndLabel(SERIES[control].name, known["place"][-1], known["rho"][-1], SERIES[control].colour)


def draw_levels(axes: Axes, rows: pl.DataFrame, end: float) -> list[shared.EndLabel]:
    """Horizontal lines: the untrained twin, and the agreement between people where it is known."""
    style = SERIES["untrained"]
    twin = rows.filter((pl.col("control") == "untrained") & pl.col("rho").is_not_null())["rho"].to_list()
    ceiling = rows["ceiling"].drop_nulls().to_list()
    labels = []
    if twin:
        axes.axhline(twin[0], color=style.colour, ls=style.line, lw=style.width, gid="untrained")
        labels.append(shared.EndLabel(style.name, end, twin[0], style.colour))
    if ceiling:
        axes.axhline(ceiling[0], color=INK, ls=(0, (7, 2)), lw=0.7, gid="ceiling")
        labels.append(shared.EndLabel("human ceiling", end, ceiling[0], INK))
    return labels


def frame_rho(axes: Axes) -> None:
    """Keep zero and a share of the scale in view, so that noise about zero does not look like a result."""
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.1), min(max(high, 0.5), 1.02))
