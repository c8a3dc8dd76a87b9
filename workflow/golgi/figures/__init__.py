"""Figures of a study: tables in, matplotlib figures out; nothing here reads a file but the style."""

from types import ModuleType

import polars as pl
from matplotlib.figure import Figure

from golgi.figures import (
    alignment_over_training,
    alignment_scatter,
    ap_distribution,
    claims,
    containment,
    dendrogram,
    distributed,
    dynamics,
    dynamics_by_layer,
    experts_by_layer,
    false_discovery,
    graph_ablation,
    graph_f1_by_layer,
    graph_gallery,
    graph_naming,
    interventions,
    overlap,
    polysemy,
    sensitivity,
    stability,
    threshold_sweep,
    training_loss,
    within_between,
    writing,
)
from golgi.figures.style import style_context

FIGURES: dict[str, ModuleType] = {
    "claims": claims,
    "writing": writing,
    "training_loss": training_loss,
    "experts_by_layer": experts_by_layer,
    "ap_distribution": ap_distribution,
    "threshold_sweep": threshold_sweep,
    "false_discovery": false_discovery,
    "stability": stability,
    "overlap": overlap,
    "within_between": within_between,
    "dendrogram": dendrogram,
    "containment": containment,
    "alignment_scatter": alignment_scatter,
    "alignment_over_training": alignment_over_training,
    "dynamics": dynamics,
    "dynamics_by_layer": dynamics_by_layer,
    "polysemy": polysemy,
    "distributed": distributed,
    "interventions": interventions,
    "graph_f1_by_layer": graph_f1_by_layer,
    "graph_ablation": graph_ablation,
    "graph_naming": graph_naming,
    "graph_gallery": graph_gallery,
    "sensitivity": sensitivity,
}


def draw_figure(name: str, tables: dict[str, pl.DataFrame], options: dict) -> Figure:
    """Draw one figure by its name in `FIGURES` from the tables its module names in `TABLES`.

    Options that every figure knows: `threshold` (the study's tau), `models` (their order) and `width_mm`;
    a figure's own options are in its module. Raises GolgiError if the panels have no room in that width.
    """
    with style_context():
        return FIGURES[name].draw(tables, options)
