"""Training and held-out loss over training, against unigram and bigram models."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from golgi.figures import axes as shared
from golgi.figures.page import message_page, wrapped_grid
from golgi.figures.rows import compact, models
from golgi.figures.style import CONTRAST, FAINT, INK, MEASURED, styled

TABLES = ("training",)
CURVES = (("training_loss", "training", FAINT, "none"), ("heldout_loss", "held out", MEASURED, "o"))
LEVELS = (("unigram_loss", "unigram", INK, (0, (1, 1.4))), ("bigram_loss", "bigram", CONTRAST, (0, (5, 1.5))))


@styled
def draw(tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Cross-entropy in nats per token against training step, one panel per model trained in the study."""
    training = tables["training"]
    if training.is_empty():
        return message_page("No model of this study was trained here.", options)
    names = models(training, options)
    figure, panels = wrapped_grid(
        len(names), most=2, options=options, panel_height=42, right=shared.label_margin(["held out"]), top=11
    )
    for panel, name in zip(panels, names, strict=True):
        draw_panel(panel, training.filter(pl.col("model") == name).sort("step"), heading=name)
    return figure


def draw_panel(axes: Axes, training: pl.DataFrame, *, heading: str) -> None:
    shared.step_axis(axes, checkpoint_names(training))
    labels = [label for curve in CURVES if (label := draw_curve(axes, training, *curve)) is not None]
    end = float(training["step"].max())
    for column, name, colour, line in LEVELS:
        level = training[column].drop_nulls().to_list()
        if level:
            axes.axhline(level[-1], color=colour, ls=line, lw=0.9, gid=column, zorder=2)
            labels.append(shared.EndLabel(name, end, level[-1], colour))
    axes.set_ylim(0, None)
    axes.set_ylabel("loss (nats per token)")
    shared.title(
        axes, heading, f"{compact(training['tokens'].max())} tokens in {training['step'].max():,} steps"
    )
    shared.label_ends(axes, labels)


def checkpoint_names(training: pl.DataFrame) -> list[str]:
    """Steps for the axis: those with a held-out loss, and the last one."""
    known = training.filter(pl.col("heldout_loss").is_not_null())["step"].to_list()
    return [str(step) for step in sorted({*known, training["step"].min(), training["step"].max()})]


def draw_curve(
    axes: Axes, training: pl.DataFrame, column: str, name: str, colour: str, marker: str
) -> shared.EndLabel | None:
    known = training.filter(pl.col(column).is_not_null())
    if known.is_empty():
        return None
    lone = "o" if known.height == 1 else marker
    axes.plot(known["step"], known[column], color=colour, marker=lone, gid=column, zorder=3)
    return shared.EndLabel(name, known["step"][-1], known[column][-1], colour)
