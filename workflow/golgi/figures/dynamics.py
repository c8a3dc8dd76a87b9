"""Number of experts and alignment over training, models of all sizes together."""

import matplotlib
import polars as pl
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from golgi.figures import axes as shared
from golgi.figures.alignment_over_training import frame_rho
from golgi.figures.page import axes_size, fit_title, message_page, text_width, wrapped_grid
from golgi.figures.rows import at_threshold, checkpoints, compact, counted, models, share, study_threshold
from golgi.figures.style import INK, MEASURED, SERIES, styled

TABLES = ("dynamics", "dynamics_alignment")
MARKERS = "os^DvP"
LONGEST_NAME_MM = 24.0
# Of more models, the bands and the rotated basis could not be told apart.
MOST_BANDS = 2
MOST_ROTATED = 3
# Models that differ by more are drawn on a logarithmic axis, or the smaller would lie on its bottom.
LINEAR_RANGE = 12.0
# A share of the logarithmic axis between intervals that stand side by side.
BESIDE = 0.008


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Experts per concept, and Spearman's rho with each reference, against training step; a curve per model.

    Option `threshold` is tau. Without the table `dynamics_alignment` there is the first panel alone.
    """
    threshold = study_threshold(tables["dynamics"], options)
    experts = whole_models(tables["dynamics"], threshold)
    if experts.is_empty():
        return message_page("Experts were not followed over training.", options)
    alignment = whole_models(tables.get("dynamics_alignment"), threshold)
    references = [] if alignment.is_empty() else alignment["reference"].unique().sort().to_list()
    colours = model_colours(models(experts, options))
    labels = ["human ceiling", *(fit_title(name, LONGEST_NAME_MM, shared.LABEL_SIZE) for name in colours)]
    figure, panels = wrapped_grid(
        1 + len(references),
        most=2,
        options=options,
        panel_height=44,
        left=14,
        right=shared.label_margin(labels),
        top=15,
    )
    draw_experts(panels[0], experts, colours, threshold)
    for panel, reference in zip(panels[1:], references, strict=True):
        draw_alignment(panel, alignment.filter(pl.col("reference") == reference), colours, threshold)
    return figure


def whole_models(table: pl.DataFrame | None, threshold: float) -> pl.DataFrame:
    """Rows of all layers together, each with its place on the step axis; none of a table that is missing."""
    if table is None or table.is_empty():
        return pl.DataFrame()
    rows = at_threshold(table, threshold).filter(pl.col("layer").is_null())
    places = shared.step_positions(checkpoints(rows))
    place = pl.col("checkpoint").replace_strict(places, default=None, return_dtype=pl.Float64)
    return rows.with_columns(place.alias("place")).sort("place", nulls_last=True, maintain_order=True)


def model_colours(names: list[str]) -> dict[str, str]:
    """One colour per model, light to dark in the order of the study, which is as a rule that of size."""
    if len(names) == 1:
        return {names[0]: MEASURED}
    shades = matplotlib.colormaps["plasma"]
    return {name: to_hex(shades(0.74 - 0.7 * rank / (len(names) - 1))) for rank, name in enumerate(names)}


def draw_experts(axes: Axes, rows: pl.DataFrame, colours: dict[str, str], threshold: float) -> None:
    ends = rows.rename({"experts": "value", "experts_low": "low", "experts_high": "high"})
    drawn = draw_curves(axes, ends, colours)
    count_axis(axes, ends)
    shared.step_axis(axes, checkpoints(rows))
    axes.set_ylabel("experts per concept (mean)")
    units = " to ".join(f"{number:,}" for number in sorted({rows["units"].min(), rows["units"].max()}))
    concepts = counted(rows["concepts"].max(), "concept")
    header(axes, "Experts", f"AP ≥ {share(threshold)}; {concepts}, {units} units", drawn)
    shared.label_ends(axes, end_labels(ends, colours))


def draw_alignment(axes: Axes, rows: pl.DataFrame, colours: dict[str, str], threshold: float) -> None:
    ends = rows.rename({"rho": "value"})
    axes.axhline(0, color=INK, lw=0.6, gid="zero")
    drawn = draw_curves(axes, ends, colours)
    shared.step_axis(axes, checkpoints(rows))
    frame_rho(axes)
    axes.set_ylabel("alignment (Spearman's ρ)")
    pairs, words = counted(rows["pairs"].max(), "pair"), counted(rows["words"].max(), "word")
    undefined = rows.filter(pl.col("control") == "measured")["rho"].null_count()
    note = f"AP ≥ {share(threshold)}; {pairs}, {words}"
    note += f"; ρ undefined at {counted(undefined, 'point')}" if undefined else ""
    header(axes, f"Alignment with {rows['reference'][0]}", note, drawn)
    labels = end_labels(ends, colours)
    ceiling = rows["ceiling"].drop_nulls().to_list()
    if ceiling:
        axes.axhline(ceiling[0], color=INK, ls=(0, (7, 2)), lw=0.7, gid="ceiling")
        axes.set_ylim(None, max(axes.get_ylim()[1], min(ceiling[0] + 0.06, 1.02)))
        labels.append(shared.EndLabel("human ceiling", axes.get_xlim()[1], ceiling[0], INK))
    shared.label_ends(axes, labels)


def draw_curves(axes: Axes, rows: pl.DataFrame, colours: dict[str, str]) -> list[str]:
    """Every model's curve with its interval, rotated basis and untrained twin; which of them were drawn."""
    drawn = ["measured"]
    for rank, (name, colour) in enumerate(colours.items()):
        own = rows.filter(pl.col("model") == name)
        curve = own.filter(pl.col("control") == "measured")
        draw_interval(axes, curve, colour, rank, bands=len(colours) <= MOST_BANDS)
        draw_rotated(axes, own, colour, drawn, wanted=len(colours) <= MOST_ROTATED)
        draw_twin(axes, own, colour, drawn)
        values = curve["value"].fill_null(float("nan"))
        keywords = {"color": colour, "marker": MARKERS[rank % len(MARKERS)], "lw": 1.4}
        keywords |= {"ms": 3.4, "mec": "white", "mew": 0.4}
        axes.plot(curve["place"], values, **keywords, gid=f"measured {name}", zorder=4)
    return drawn


def draw_interval(axes: Axes, curve: pl.DataFrame, colour: str, rank: int, *, bands: bool) -> None:
    """The 95 % interval as a band; of many models that of the last point alone, side by side to its left."""
    if bands:
        shared.interval_band(axes, curve, colour)
        for side in ("low", "high"):  # two bands that lie on each other are told apart by their edges
            values = curve[side].fill_null(float("nan"))
            axes.plot(curve["place"], values, color=colour, lw=0.4, alpha=0.6, marker="none", gid="edge")
        return
    beside = curve.tail(1).with_columns(pl.col("place") ** (1 - BESIDE * rank))
    shared.interval_bars(axes, beside, colour)


def draw_rotated(axes: Axes, own: pl.DataFrame, colour: str, drawn: list[str], *, wanted: bool) -> None:
    part, style = own.filter(pl.col("control") == "rotated"), SERIES["rotated"]
    if wanted and not part.is_empty():
        values = part["value"].fill_null(float("nan"))
        axes.plot(part["place"], values, color=colour, ls=style.line, lw=0.7, marker="none", gid="rotated")
        drawn.append("rotated")


def draw_twin(axes: Axes, own: pl.DataFrame, colour: str, drawn: list[str]) -> None:
    level = own.filter(pl.col("control") == "untrained")["value"].drop_nulls().to_list()
    if level:
        axes.axhline(level[0], color=colour, ls=SERIES["untrained"].line, lw=0.9, gid="untrained", zorder=2)
        drawn.append("untrained")


def count_axis(axes: Axes, rows: pl.DataFrame) -> None:
    """Counts from 0, on a logarithmic axis where models differ much in theirs."""
    shown = rows.filter(pl.col("control").is_in(["measured", "untrained"]))["value"]
    low, high = shown.filter(shown > 0).min(), shown.max()
    most = rows.filter(pl.col("control") == "measured").group_by("model").agg(pl.col("value").max())["value"]
    if low is None:
        axes.set_ylim(0, 1)
    elif high <= LINEAR_RANGE * most.min():
        axes.set_ylim(0, None)
    else:
        if shown.min() > 0:
            axes.set_yscale("log")
            axes.set_ylim(low / 1.6, 1.6 * high)
        else:
            axes.set_yscale("symlog", linthresh=low, linscale=0.4)
            axes.set_ylim(0, 1.6 * high)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
        axes.yaxis.set_minor_formatter(NullFormatter())


def end_labels(rows: pl.DataFrame, colours: dict[str, str]) -> list[shared.EndLabel]:
    labels = []
    for name, colour in colours.items():
        own = rows.filter((pl.col("model") == name) & (pl.col("control") == "measured"))
        known = own.filter(pl.col("value").is_not_null())
        if not known.is_empty():
            text = fit_title(name, LONGEST_NAME_MM, shared.LABEL_SIZE)
            labels.append(shared.EndLabel(text, known["place"][-1], known["value"][-1], colour))
    return labels


def header(axes: Axes, heading: str, note: str, drawn: list[str]) -> None:
    """Title, facts and, next to the axes, what the kinds of line are."""
    shared.heading(axes, heading, rise=8.8)
    shared.fact_line(axes, note, rise=5.2)
    width, height = axes_size(axes)
    left, middle = 0.0, 1 + 2.2 / height
    for control in ("measured", "rotated", "untrained"):
        if control in drawn:
            style = SERIES[control]
            text = style.name
            keywords = {"color": INK, "ls": style.line, "lw": 0.9 if control != "measured" else 1.4}
            ends = [left / width, (left + 6.0) / width]
            axes.plot(
                ends,
                [middle] * 2,
                **keywords,
                transform=axes.transAxes,
                clip_on=False,
                marker="none",
                gid="key",
            )
            place = (left + 6.8) / width, middle
            axes.text(
                *place, text, transform=axes.transAxes, fontsize=shared.LABEL_SIZE, va="center_baseline"
            )
            left += 6.8 + text_width(text, shared.LABEL_SIZE) + 2.6
