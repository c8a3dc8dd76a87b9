"""How well neuron graphs foretell firing in each layer, against n-gram baselines and published values."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures import axes as shared
from golgi.figures.page import grid, message_page, page_columns
from golgi.figures.rows import at_last, at_studied, models
from golgi.figures.style import METHODS, SERIES, styled

TABLES = ("graph_layers",)
WINDOWS = ("strong", "random")
TEXTS = ("test", "shifted")
BASELINES = ("token", "bigram", "trigram")
# F1 of firing in layers 0 to 5 of a 6-layer SoLU model: Foote et al. 2023 (arXiv 2304.12918).
PUBLISHED = (0.741, 0.638, 0.600, 0.484, 0.457, 0.423)
# Intervals at one layer stand beside each other: so many layers apart, or this share of all of them if less.
DODGE, DODGE_SHARE = 0.06, 0.022


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Mean F1 of firing against layer: strong windows above random ones, test text beside shifted text.

    The last checkpoint is shown, with its untrained twin where the study has graphs of it.
    """
    rows = at_last(tables["graph_layers"]).filter(pl.col("measure") == "f1")
    if rows.is_empty():
        return message_page("No neuron graph was scored.", options)
    stacks = wanted_stacks(rows, options)
    windows = [name for name in WINDOWS if name in set(rows["windows"])]
    columns = page_columns(len(stacks), 2, options)
    names = [style.name for style in METHODS.values()] + [SERIES["untrained"].name]
    figure, axes = grid(
        -(-len(stacks) // columns) * len(windows),
        columns,
        options=options,
        panel_height=32,
        right=shared.label_margin(names),
        top=11,
        bottom=9,
        stack=len(windows),
        gap=9,
    )
    for place in range(axes.size // len(windows)):
        band, column = divmod(place, columns)
        panels = axes[band * len(windows) : (band + 1) * len(windows), column]
        if place < len(stacks):
            draw_stack(panels, rows, stacks[place], windows)
        else:
            for spare in panels:
                spare.remove()
    return figure


def wanted_stacks(rows: pl.DataFrame, options: dict) -> list[tuple[str, str, str]]:
    """(model, site, text) of every stack of panels, in the order of the study."""
    there = set(rows.select("model", "site", "text").rows())
    sites = rows["site"].unique().sort()
    return [
        (model, site, text)
        for model in models(rows, options)
        for site in sites
        for text in TEXTS
        if (model, site, text) in there
    ]


def draw_stack(panels, rows: pl.DataFrame, stack: tuple[str, str, str], windows: list[str]) -> None:
    model, site, text = stack
    own = rows.filter(pl.col("model") == model, pl.col("site") == site)
    layers = own["layer"].unique().sort().to_list()
    for axes, name in zip(panels, windows, strict=True):
        part = own.filter(pl.col("text") == text, pl.col("windows") == name)
        draw_panel(axes, part, layers, reference=name == "strong" and text == "test")
        note = f"{name} windows; {scored(part)}"
        if axes is panels[0]:
            shared.title(axes, f"{model}, {site}, {text} text", note)
        else:
            shared.fact_line(axes, note, rise=1.4)
        if axes is not panels[-1]:
            axes.set_xlabel("")


def draw_panel(axes: Axes, rows: pl.DataFrame, layers: list[int], *, reference: bool) -> None:
    axes.set_ylim(0, 1.03)
    shared.layer_axis(axes, layers)
    axes.set_ylabel("F1 of firing (mean)")
    labels = [draw_published(axes, layers)] if reference else []
    studied = at_studied(rows)
    step = min(DODGE, DODGE_SHARE * max(layers[-1] - layers[0], 1))
    axes.set_xlim(right=max(axes.get_xlim()[1], layers[-1] + (len(BASELINES) + 0.7) * step))
    for rank, method in enumerate(BASELINES):
        part = placed(studied, method, (rank + 1) * step)
        shared.interval_bars(axes, part, METHODS[method].colour)
        labels.append(draw_curve(axes, part, METHODS[method], method))
    twin = placed(rows.filter(pl.col("checkpoint") == "untrained"), "graph", -step)
    if set(rows["checkpoint"]) > {"untrained"}:
        shared.interval_bars(axes, twin, SERIES["untrained"].colour)
        labels.append(draw_curve(axes, twin, SERIES["untrained"], "untrained"))
    graph = placed(studied, "graph", 0.0)
    shared.interval_band(axes, graph, METHODS["graph"].colour)
    labels.append(draw_curve(axes, graph, METHODS["graph"], "graph"))
    shared.label_ends(axes, [label for label in labels if label is not None])


def placed(rows: pl.DataFrame, method: str, shift: float) -> pl.DataFrame:
    """Rows of one method by layer, with their place on the axis as `place`."""
    part = rows.filter(pl.col("method") == method).sort("layer")
    return part.with_columns((pl.col("layer") + shift).alias("place"))


def draw_curve(axes: Axes, part: pl.DataFrame, style, gid: str) -> shared.EndLabel | None:
    """A curve of means, with gaps where no unit has a value; labelled at its last known point."""
    known = part.filter(pl.col("mean").is_not_null())
    if known.is_empty():
        return None
    values = part["mean"].fill_null(float("nan"))
    axes.plot(part["place"], values, **style.plotting(), gid=gid, zorder=4 if gid == "graph" else 3)
    return shared.EndLabel(style.name, known["place"][-1], known["mean"][-1], style.colour)


def draw_published(axes: Axes, layers: list[int]) -> shared.EndLabel | None:
    """The published values, each at its own layer; none beyond the layers that the model has here."""
    known = [layer for layer in range(len(PUBLISHED)) if layers[0] <= layer <= layers[-1]]
    if not known:
        return None
    style = METHODS["published"]
    values = [PUBLISHED[layer] for layer in known]
    marker = "o" if len(known) == 1 else "none"
    axes.plot(known, values, **style.plotting() | {"marker": marker}, gid="published", zorder=1)
    return shared.EndLabel(style.name, known[-1], values[-1], style.colour)


def scored(rows: pl.DataFrame) -> str:
    """How many units the means of the graphs rest on, and how many never fired."""
    graph = at_studied(rows).filter(pl.col("method") == "graph")
    if graph.is_empty():
        return "not scored"
    numbers = sorted({graph["units"].min(), graph["units"].max()})
    units = " to ".join(f"{number:,}" for number in numbers)
    silent = f"{graph['never_fires'].sum():,} of {graph['all_units'].sum():,} never fire"
    return f"n = {units} a layer; {silent}"
