"""How much work the neuron graphs of a study are: units, tokens read, memory and time of each stage."""

from __future__ import annotations

from dataclasses import dataclass

from golgi.study.costs import (
    DEFAULT_MB,
    DEFAULT_MINUTES,
    forward_seconds,
    held_by_model,
    in_megabytes,
    in_minutes,
    loading_seconds,
)
from golgi.study.graphs import LONGEST_WINDOW
from golgi.study.plan import Study
from golgi.study.shapes import Shape, model_shape

STAGES = ("find", "trace", "grow", "ablate", "score")
# Token positions that an exemplar costs at a longest context of 32, as measured on a small model of stories:
# with substitutes, without them, and in all ablations together, of which the one without pruning is the most.
POSITIONS, POSITIONS_ALONE, POSITIONS_ABLATED, MEASURED_CAP = 180, 90, 1600, 32
CELL_BYTES = 3 * 2**28  # activations held while a text is read: windows, tokens and units
EXEMPLAR_BYTES = 64  # of an exemplar while a text streams by
CONTEXT_BYTES = 2**30  # contexts of the exemplars that are explained together, and their paths
UNITS_AT_ONCE = 256  # explained together, as in golgi.graphs.growing
SCORING_BYTES = 10**9  # the chunk of units that is scored, and libraries
STORED_BYTES = 2  # of an activation: half precision
MATCH_SECONDS = 1e-6  # processor seconds in which a unit's graph and its rivals are held against one token
GROW_SECONDS = 5e-3  # processor seconds of an exemplar outside the model: paths, tries, calibration
NODES, NODE_BYTES = 300, 250  # of a graph; on disk, in JSON and Parquet


@dataclass(frozen=True)
class GraphWork:
    """The graphs of one model, all its checkpoints; None for what needs a shape that is not known yet.

    `tokens` are positions run through the model; `disk` and `memory` are bytes.
    """

    model: str
    checkpoints: int
    units: int | None
    tokens: int | None
    disk: int | None
    memory: int | None
    hours: float | None


def graph_work(study: Study, model: str) -> GraphWork:
    """Return a rough estimate of the work that the graphs of a model are."""
    rows, shape = len(study.graph_checkpoints(model)), model_shape(study, model)
    if shape is None:
        return GraphWork(model, rows, None, None, None, None, None)
    units, texts = count_units(study, model, shape), study.graph_settings("find", "trace")["tokens"]
    kept = _sampled(study, shape) + sum(tokens for part, tokens in texts.items() if part != "build")
    return GraphWork(
        model=model,
        checkpoints=rows,
        units=units,
        tokens=rows * int(sum(_positions(study, model, shape, stage) for stage in STAGES)),
        disk=rows * units * (NODES * NODE_BYTES + STORED_BYTES * kept),
        memory=max(_memory(study, model, shape, stage) for stage in STAGES),
        hours=rows * sum(_seconds(study, model, shape, stage) for stage in STAGES) / 3600,
    )


def graph_jobs(study: Study) -> dict[str, int]:
    """Return how many jobs each rule of the section has; of layers not known yet, one a checkpoint."""
    rows = study.graph_rows()
    if not rows:
        return {}
    shapes = {model: model_shape(study, model) for model, _ in rows}
    layers = sum(len(study.graph_layers(model)) if shapes[model] else 1 for model, _ in rows)
    per_row = ("choose_units", "find_exemplars", "trace_texts", "choose_gallery", "draw_graphs")
    per_layer = ("grow_graphs", "score_graphs", *["ablate_graphs"] * (len(study.graph_variants) > 1))
    once = ("measure_graphs", "index_graphs", "gather_gallery")
    once += ("name_experts",) if "graph_experts" in study.graph_tables else ()
    return {
        "write_graph_text": 1 + len(study.graph_texts),
        **dict.fromkeys(per_row, len(rows)),
        **dict.fromkeys(per_layer, layers),
        **dict.fromkeys(once, 1),
    }


def graph_memory_mb(study: Study, model: str, stage: str) -> int:
    """Return the memory to ask for in a job of a stage of a model, in MB of 10^6 bytes.

    Stages are `find` and `trace`, a job per checkpoint, and `grow`, `ablate` and `score`, a job per layer.
    """
    shape = model_shape(study, model)
    return DEFAULT_MB if shape is None else in_megabytes(_memory(study, model, shape, stage))


def graph_minutes(study: Study, model: str, stage: str) -> int:
    """Return the minutes to ask for in a job of a stage of a model."""
    shape = model_shape(study, model)
    if shape is None:
        return DEFAULT_MINUTES
    layers = 1 if stage in ("find", "trace") else max(1, len(study.graph_layers(model)))
    return in_minutes(_seconds(study, model, shape, stage) / layers)


def count_units(study: Study, model: str, shape: Shape) -> int:
    """Return how many units of a model get graphs at most: a unit chosen twice is counted twice."""
    chosen = study.graph_units(model)
    layers = range(shape.layers) if chosen["layers"] == "all" else chosen["layers"] or ()
    there = sum(layer < shape.layers for layer in layers)
    drawn = sum(min(chosen["sample"] or width, width) for width in shape.widths(chosen["sites"]))
    experts = (chosen["experts"] or 0) * len(study.concepts)
    return experts + there * drawn + len(chosen["listed"])


def _positions(study: Study, model: str, shape: Shape, stage: str) -> float:
    graphs = study.spec["graphs"]
    if stage in ("find", "trace"):
        return sum(study.graph_settings(stage)["tokens"].values())
    each = {"grow": POSITIONS, "ablate": POSITIONS_ABLATED, "score": 0}[stage]
    if stage == "grow" and graphs["augment"] == "none":
        each = POSITIONS_ALONE
    return _exemplars(study, model, shape, stage) * each * graphs["cap"] / MEASURED_CAP


def _exemplars(study: Study, model: str, shape: Shape, stage: str) -> int:
    graphs, units = study.spec["graphs"], count_units(study, model, shape)
    if stage == "ablate":
        places = len(study.graph_sites(model)) * shape.layers
        units = min(graphs["ablation"] * places, units)
    return units * (graphs["exemplars"] + graphs["firings"] + graphs["silences"])


def _window(study: Study, shape: Shape) -> int:
    return study.spec["graphs"]["window"] or min(LONGEST_WINDOW, shape.context or LONGEST_WINDOW)


def _sampled(study: Study, shape: Shape) -> int:
    graphs = study.spec["graphs"]
    return min(graphs["calibration"] * _window(study, shape), graphs["tokens"]["build"])


def _memory(study: Study, model: str, shape: Shape, stage: str) -> int:
    if stage == "score":
        return SCORING_BYTES
    held = held_by_model(study, model, shape)
    if stage in ("find", "trace"):
        kept = EXEMPLAR_BYTES * _exemplars(study, model, shape, stage) if stage == "find" else 0
        return held + CELL_BYTES + kept
    units = min(count_units(study, model, shape), UNITS_AT_ONCE)
    return held + CONTEXT_BYTES + 4 * units * _sampled(study, shape)


def _seconds(study: Study, model: str, shape: Shape, stage: str) -> float:
    graphs = study.spec["graphs"]
    if stage == "score":
        tokens = sum(study.graph_settings("trace")["tokens"].values())
        return MATCH_SECONDS * count_units(study, model, shape) * tokens
    if stage == "ablate" and not graphs["ablation"]:
        return 0.0
    seconds = forward_seconds(study, model, shape, _positions(study, model, shape, stage))
    if stage in ("grow", "ablate"):
        seconds += GROW_SECONDS * _exemplars(study, model, shape, stage)
    return seconds + loading_seconds(study, model, shape)
