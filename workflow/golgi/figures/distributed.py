"""What a view of single units misses: linear probes against the best unit, and bases at equal sizes."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from golgi.figures import axes as shared
from golgi.figures.page import message_page, wrapped_stacks
from golgi.figures.rows import (
    at_last,
    checkpoints,
    controls,
    counted,
    interval,
    models,
    p_value,
    share,
    step_label,
)
from golgi.figures.style import CONTRAST, INK, MEASURED, SERIES, WITH_INTERVAL, styled

TABLES = ("distributed", "equal_units")
APART = 3.0  # the single unit stands this many times left of the smallest probe, on the axis of sizes
LEVEL = (0, (6, 2))
LEAST_GAIN = 0.05


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Probes beside the best unit, their gain over it, the mean of the best units; a column per model."""
    fits, units = at_last(tables["distributed"]), at_last(tables["equal_units"])
    if fits.is_empty():
        return message_page("No probes were fitted.", options)
    names = models(fits, options)
    texts = ["best unit", *(SERIES[control].name for control in ("measured", *controls(fits)))]
    figure, stacks = wrapped_stacks(
        len(names),
        most=2,
        stack=3,
        options=options,
        panel_height=28,
        left=15.5,
        right=shared.label_margin(texts),
        top=11,
        bottom=10,
        gap=13.5,
    )
    for stack, name in zip(stacks, names, strict=True):
        chosen = pl.col("model") == name
        draw_model(stack, fits.filter(chosen), units.filter(chosen), name)
    return figure


def draw_model(stack, fits: pl.DataFrame, units: pl.DataFrame, name: str) -> None:
    single = pl.col("kind") == "unit"
    sizes = sorted({*fits.filter(~single)["size"], *units["size"]})
    fits = fits.with_columns(
        pl.when(single).then(min(sizes) / APART).otherwise(pl.col("size")).alias("place")
    ).sort("place")
    draw_probes(stack[0], fits.filter(~single), fits.filter(single), sizes)
    shared.title(stack[0], name, probe_facts(fits))
    draw_gains(stack[1], fits.filter(~single), sizes)
    shared.fact_line(stack[1], gain_facts(fits.filter(~single)), rise=1.4)
    draw_units(stack[2], units, sizes)
    shared.fact_line(stack[2], unit_facts(units), rise=1.4)


def draw_probes(axes: Axes, probes: pl.DataFrame, singles: pl.DataFrame, sizes: list[int]) -> None:
    """A curve of probes per control, its best unit left of the curve, and the measured one as a level."""
    size_axis(axes, sizes, single=True)
    precision_axis(axes)
    axes.set_xlabel("units of the probe; best: one unit alone")
    axes.set_ylabel("AP, held-out text")
    labels = draw_curves(axes, probes)
    draw_singles(axes, singles)
    level = singles.filter(pl.col("control") == "measured")["ap"][0]
    axes.axhline(level, color=MEASURED, ls=LEVEL, lw=0.9, gid="best unit", zorder=2)
    draw_chance(axes, probes)
    shared.label_ends(axes, [*labels, shared.EndLabel("best unit", max(sizes), level, MEASURED)])


def draw_gains(axes: Axes, probes: pl.DataFrame, sizes: list[int]) -> None:
    """A curve per control of what probes gain over the best unit of the same control."""
    size_axis(axes, sizes, single=False)
    axes.axhline(0, color=INK, lw=0.6, gid="zero")
    gains = {"ap": "gain", "low": "gain_low", "high": "gain_high"}
    labels = draw_curves(axes, probes.with_columns(pl.col(old).alias(new) for new, old in gains.items()))
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -LEAST_GAIN), max(high, LEAST_GAIN))  # noise about 0 fills no panel
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_xlabel("units of the probe")
    axes.set_ylabel("AP above best unit")
    shared.label_ends(axes, labels)


def draw_units(axes: Axes, units: pl.DataFrame, sizes: list[int]) -> None:
    """A curve per control of the mean average precision of the best units."""
    placed = units.with_columns(pl.col("size").cast(pl.Float64).alias("place")).sort("place")
    size_axis(axes, sizes, single=False)
    precision_axis(axes)
    axes.set_xlabel("best units of each concept")
    axes.set_ylabel("mean AP of units")
    labels = draw_curves(axes, placed)
    draw_chance(axes, units)
    shared.label_ends(axes, labels)


def size_axis(axes: Axes, sizes: list[int], *, single: bool) -> None:
    """Logarithmic axis of numbers of units, the same with and without the place of a single unit."""
    axes.set_xscale("log")
    axes.set_xlim(min(sizes) / APART / 1.5, max(sizes) * 1.25)
    names = {float(size): f"{size:,}" for size in sizes}
    labelled = shared.roomy_ticks(axes, names | ({min(sizes) / APART: "best"} if single else {}))
    axes.set_xticks(list(labelled), list(labelled.values()))
    axes.xaxis.set_minor_locator(NullLocator())


def precision_axis(axes: Axes) -> None:
    """The whole range, with room above 1 for the names of curves that end there."""
    axes.set_ylim(0, 1.08)
    axes.set_yticks([0, 0.5, 1])


def draw_curves(axes: Axes, placed: pl.DataFrame) -> list[shared.EndLabel]:
    labels = []
    for control in [*reversed(controls(placed)), "measured"]:
        part = placed.filter(pl.col("control") == control)
        style = SERIES[control]
        if control == "measured":
            shared.interval_band(axes, part, style.colour)
        elif control == WITH_INTERVAL:
            shared.interval_bars(axes, part, style.colour)
        values = part["ap"].fill_null(float("nan"))
        axes.plot(part["place"], values, **style.plotting(), gid=control, zorder=3 + (control == "measured"))
        known = part.filter(pl.col("ap").is_not_null())
        if known.height:
            labels.append(shared.EndLabel(style.name, known["place"][-1], known["ap"][-1], style.colour))
    return labels


def draw_singles(axes: Axes, singles: pl.DataFrame) -> None:
    for control in [*reversed(controls(singles)), "measured"]:
        part = singles.filter(pl.col("control") == control)
        style = SERIES[control]
        if control in ("measured", WITH_INTERVAL):
            shared.interval_bars(axes, part, style.colour)
        axes.plot(part["place"], part["ap"], **style.plotting(), gid=f"{control} unit", zorder=4)


def draw_chance(axes: Axes, rows: pl.DataFrame) -> None:
    axes.axhline(rows["chance"].mean(), color=CONTRAST, lw=0.9, ls=(0, (1.5, 1.5)), gid="chance", zorder=1.5)


def probe_facts(fits: pl.DataFrame) -> str:
    measured = fits.filter(pl.col("control") == "measured")
    concepts = counted(measured.select(pl.col("concepts") + pl.col("failed")).row(0)[0], "concept")
    chance = share(measured["chance"][0])
    note = f"{step_label(checkpoints(fits)[-1])}; {concepts}; chance {chance} (dotted)"
    failed = measured["failed"].sum()
    return note + (f"; {counted(failed, 'fit')} failed" if failed else "")


def gain_facts(probes: pl.DataFrame) -> str:
    last = probes.filter(pl.col("control") == "measured").row(-1, named=True)
    if last["gain"] is None:
        return f"{counted(last['size'], 'unit')}: gain undefined"
    gain = f"{share(last['gain'], 3)} {interval(last, 3, 'gain_')}"
    return f"{counted(last['size'], 'unit')}: gain {gain}, {p_value(last['p'])}"


def unit_facts(units: pl.DataFrame) -> str:
    """Measured and rotated beside each other, at the middle one of the sizes."""
    sizes = units["size"].unique().sort()
    middle = sizes[len(sizes) // 2]
    rows = {row["control"]: row for row in units.filter(pl.col("size") == middle).iter_rows(named=True)}
    text = f"{counted(middle, 'unit')}: neurons {share(rows['measured']['ap'])}"
    if "rotated" not in rows:
        return text
    return f"{text}, rotated {share(rows['rotated']['ap'])}, {difference_text(rows['rotated'])}"


def difference_text(row: dict) -> str:
    return f"difference {share(row['difference'])} {interval(row, prefix='difference_')}"
