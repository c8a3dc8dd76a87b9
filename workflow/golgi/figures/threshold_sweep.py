"""Number of experts and alignment against the threshold, together."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from golgi.figures import axes as shared
from golgi.figures.page import message_page, wrapped_stacks
from golgi.figures.rows import (
    at_last,
    checkpoints,
    controls,
    counted,
    jaccard,
    mean_experts,
    models,
    share,
    step_label,
)
from golgi.figures.style import CONTRAST, FAINT, INK, SERIES, styled

TABLES = ("counts", "distribution", "alignment")


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Experts per concept above, alignment with each reference below, against tau; a column per model.

    Option `threshold` is the study's tau.
    """
    counts = at_last(tables["counts"])
    if counts.is_empty():
        return message_page("No experts were counted.", options)
    alignment = sweep(tables.get("alignment"))
    references = alignment["reference"].unique().sort().to_list()
    names = models(counts, options)
    texts = [SERIES[control].name for control in ("measured", *controls(counts))]
    figure, stacks = wrapped_stacks(
        len(names),
        most=2,
        stack=1 + len(references),
        options=options,
        panel_height=32,
        right=shared.label_margin(texts),
        top=11,
        bottom=9,
        gap=8.5,
    )
    lines = tables["distribution"]["chance"].mean(), options.get("threshold")
    for stack, name in zip(stacks, names, strict=True):
        chosen = pl.col("model") == name
        draw_model(stack, counts.filter(chosen), alignment.filter(chosen), references, lines)
    return figure


def sweep(alignment: pl.DataFrame | None) -> pl.DataFrame:
    """Alignment at the last checkpoint for every threshold; no rows without a reference."""
    if alignment is None:
        schema = {"model": pl.String, "control": pl.String, "reference": pl.String}
        return pl.DataFrame(schema=schema)
    return at_last(jaccard(alignment))


def draw_model(
    stack, counts: pl.DataFrame, alignment: pl.DataFrame, references: list[str], lines: tuple
) -> None:
    means = mean_experts(counts, ("control", "threshold")).rename({"mean": "value"}).sort("threshold")
    step = step_label(checkpoints(counts)[-1])
    labels = draw_curves(stack[0], means)
    most = means["value"].max()
    stack[0].set_yscale("symlog", linthresh=1)
    stack[0].set_ylim(0, 2 * max(most, 1))
    stack[0].yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    stack[0].set_ylabel("experts per concept")
    finish(stack[0], counts, lines)
    chance_name = "" if lines[0] is None else f"; chance AP {share(lines[0])} (dotted)"
    shared.title(
        stack[0],
        counts["model"][0],
        f"{step}; {counted(counts['concept'].n_unique(), 'concept')}{chance_name}",
    )
    shared.label_ends(stack[0], labels)
    for axes, reference in zip(stack[1:], references, strict=True):
        draw_alignment(axes, counts, alignment.filter(pl.col("reference") == reference), reference, lines)
    for axes in stack[:-1]:
        axes.set_xlabel("")


def draw_alignment(
    axes: Axes, counts: pl.DataFrame, rows: pl.DataFrame, reference: str, lines: tuple
) -> None:
    values = rows.rename({"rho": "value"}).sort("threshold")
    axes.axhline(0, color=INK, lw=0.6, gid="zero")
    labels = draw_curves(axes, values)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.1), min(max(high, 0.5), 1.02))
    axes.set_ylabel("alignment (ρ)")
    finish(axes, counts, lines)
    undefined = values["value"].null_count()
    pairs = counted(values["pairs"].max() or 0, "pair")
    shared.fact_line(
        axes,
        f"{reference}: {pairs}" + (f"; ρ undefined at {undefined} points" if undefined else ""),
        rise=1.4,
    )
    shared.label_ends(axes, labels)


def draw_curves(axes: Axes, values: pl.DataFrame) -> list[shared.EndLabel]:
    """A curve of `value` per control; labelled at its last known point."""
    labels = []
    for control in [*reversed(controls(values)), "measured"]:
        part = values.filter(pl.col("control") == control)
        style = SERIES[control]
        axes.plot(
            part["threshold"],
            part["value"].fill_null(float("nan")),
            **style.plotting(),
            gid=control,
            zorder=3,
        )
        known = part.filter(pl.col("value").is_not_null())
        if known.height:
            labels.append(
                shared.EndLabel(style.name, known["threshold"][-1], known["value"][-1], style.colour)
            )
    return labels


def finish(axes: Axes, counts: pl.DataFrame, lines: tuple) -> None:
    """The threshold axis, shared by the stack, with the line of chance and the study's own threshold."""
    chance, threshold = lines
    taus = counts["threshold"].unique().sort().to_list()
    first = taus[0] if chance is None else min(taus[0], chance)
    axes.set_xlim(first - 0.03, min(taus[-1] + 0.03, 1.01))
    if chance is not None:
        axes.axvline(chance, color=CONTRAST, lw=0.9, ls=(0, (1.5, 1.5)), gid="chance", zorder=1)
    if threshold is not None:
        axes.axvline(threshold, color=FAINT, lw=0.7, gid="threshold", zorder=1)
    labelled = shared.roomy_ticks(
        axes, {tau: share(tau, 2 if round(tau * 10) != tau * 10 else 1) for tau in taus}
    )
    axes.set_xticks(list(labelled), list(labelled.values()))
    axes.set_xlabel("threshold τ (average precision)")
