"""What each stage of neuron graphs buys: scores without it, less the scores with all stages."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures import axes as shared
from golgi.figures.page import blank, message_page, need_room, page_columns, page_width, place, text_width
from golgi.figures.rows import at_studied, counted, models, share
from golgi.figures.style import CONTRAST, FAINT, INK, MEASURED, styled

TABLES = ("graph_ablation",)
VARIANTS = {
    "no_prune": "without pruning",
    "no_saliency": "without saliency",
    "no_augment": "without augmentation",
    "no_calibration": "without calibration",
    "no_context": "without any context",
    "published": "as published",
}
MEASURES = {"precision": "precision", "recall": "recall", "f1": "F1"}
WINDOWS = ("strong", "random")
# Colour, marker and place beside the row's middle.
TEXTS = {"test": (MEASURED, "o", -0.21), "shifted": (CONTRAST, "s", 0.21)}
TOP_MM, LINE_TOP_MM, BOTTOM_MM, ROW_MM, GAP_MM, RIGHT_MM = 16.5, 5.0, 10.0, 5.5, 4.0, 3.0


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Paired differences of precision, recall and F1 to graphs of all stages, with 95 % intervals.

    A row of panels for each model and kind of windows, at the last checkpoint.
    """
    rows = at_studied(tables["graph_ablation"])
    if rows.filter(pl.col("variant") != "full").is_empty():
        return message_page("No graph was grown without one of its stages.", options)
    bands = [
        (model, windows)
        for model in models(rows, options)
        for windows in WINDOWS
        if rows.filter(pl.col("model") == model, pl.col("windows") == windows).height
    ]
    variants = [name for name in VARIANTS if name in set(rows["variant"])]
    figure, panels = panel_grid(len(bands), len(variants), options)
    for (model, windows), band in zip(bands, panels, strict=True):
        part = rows.filter(pl.col("model") == model)
        for axes, measure in zip(band, MEASURES, strict=True):
            chosen = part.filter(pl.col("windows") == windows, pl.col("measure") == measure)
            draw_panel(axes, chosen, variants, measure, limits(part))
        room = 25.4 * figure.get_figwidth() * (1 - band[0].get_position().x0)
        shared.heading(band[0], f"{model}, {windows} windows", rise=9.6, room=room)
        draw_key(band[0], [text for text in TEXTS if text in set(part["text"])])
    return figure


def panel_grid(bands: int, variants: int, options: dict) -> tuple[Figure, list[list[Axes]]]:
    """A band of panels, one per measure, for each of `bands`; names of variants at the left of each row."""
    columns = page_columns(len(MEASURES), len(MEASURES), options)
    width = page_width(columns, options)
    left = 3.0 + max(text_width(name) for name in VARIANTS.values())
    panel = (width - left - RIGHT_MM - (columns - 1) * GAP_MM) / columns
    need_room(width, panel, columns)
    lines = -(-len(MEASURES) // columns)
    pitch = variants * ROW_MM + BOTTOM_MM + LINE_TOP_MM
    tall = TOP_MM - LINE_TOP_MM + lines * pitch
    height = bands * tall
    figure = blank(width, height)
    found = []
    for band in range(bands):
        cells = [divmod(index, columns) for index in range(len(MEASURES))]
        corners = [
            (
                left + column * (panel + GAP_MM),
                height - band * tall - TOP_MM + LINE_TOP_MM - (line + 1) * pitch + BOTTOM_MM,
            )
            for line, column in cells
        ]
        found.append([place(figure, *corner, panel, variants * ROW_MM) for corner in corners])
        for axes, (_, column) in zip(found[-1], cells, strict=True):
            axes.tick_params(labelleft=column == 0)
    return figure, found


def limits(rows: pl.DataFrame) -> tuple[float, float]:
    """One scale for all differences of a model, with 0 in it."""
    ends = rows.select("difference", "difference_low", "difference_high")
    known = [value for column in ends.iter_columns() for value in column.drop_nulls()]
    low, high = min([*known, -0.05]), max([*known, 0.05])
    return low - 0.05 * (high - low), high + 0.05 * (high - low)


def draw_panel(
    axes: Axes, rows: pl.DataFrame, variants: list[str], measure: str, scale: tuple[float, float]
) -> None:
    axes.axvline(0, color=INK, lw=0.6, gid="zero")
    axes.set_xlim(*scale)
    axes.set_ylim(len(variants) - 0.5, -0.5)
    axes.set_yticks(range(len(variants)), [VARIANTS[name] for name in variants])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for text, (colour, marker, shift) in TEXTS.items():
        for row, variant in enumerate(variants):
            found = rows.filter(pl.col("text") == text, pl.col("variant") == variant)
            if found.height:
                draw_difference(axes, found.row(0, named=True), row + shift, colour, marker)
    axes.set_xlabel(f"change in {MEASURES[measure]}")
    shared.fact_line(axes, all_stages(rows), rise=1.4)


def draw_difference(axes: Axes, row: dict, y: float, colour: str, marker: str) -> None:
    if row["difference"] is None:
        axes.text(0, y, " undefined", fontsize=5.5, color=FAINT, va="center", gid="undefined")
        return
    if row["difference_low"] is not None:
        axes.hlines(y, row["difference_low"], row["difference_high"], color=colour, lw=0.9, gid="interval")
    axes.plot(row["difference"], y, color=colour, marker=marker, ls="none", gid=row["variant"])


def all_stages(rows: pl.DataFrame) -> str:
    """The scores of graphs grown with all stages: what the differences are taken from."""
    full = rows.filter(pl.col("variant") == "full")
    values = [
        f"{text} {share(row['mean'])}"
        for text in TEXTS
        for row in full.filter(pl.col("text") == text).iter_rows(named=True)
    ]
    units = full["units"].max()
    return (
        f"all stages: {', '.join(values)}; {counted(units, 'unit')}" if values else "all stages: not scored"
    )


def draw_key(axes: Axes, texts: list[str]) -> None:
    width, height = shared.axes_size(axes)
    x, y = 1.0, 1 + 5.4 / height
    for text in texts:
        colour, marker, _ = TEXTS[text]
        spot = {"transform": axes.transAxes, "clip_on": False, "gid": "key"}
        axes.plot([x / width], [y + 0.8 / height], marker=marker, color=colour, **spot)
        axes.text((x + 1.8) / width, y, f"{text} text", fontsize=shared.LABEL_SIZE, **spot)
        x += 6.0 + text_width(f"{text} text", shared.LABEL_SIZE)
