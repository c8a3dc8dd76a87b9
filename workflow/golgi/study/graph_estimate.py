"""How much work the neuron graphs of a study are: units, tokens read, memory and time of each stage."""

from __future__ import annotations

from dataclasses import dataclass

from golgi.study.costs import (
    forward_seconds,
    held_by_model,
    loading_seconds,
)
from golgi.study.graphs import LONGEST_WINDOW
from golgi.study.plan import Study
from golgi.study.problems import StudyError
from golgi.study.shapes import Shape, model_shape

READING, BY_LAYER = ("find", "trace"), ("grow", "ablate", "score")  # a job per checkpoint, a job per layer
STAGES = (*READING, *BY_LAYER)
# Token positions that an exemplar costs at a longest context of 32, as measured on a small model of stories:
# with substitutes, without them, and in all ablations together, of which the one without pruning is the most.
POSITIONS, POSITIONS_ALONE, POSITIONS_ABLATED, MEASURED_CAP = 180, 90, 1600, 32
CELL_BYTES = 3 * 2**28  # activations held while a text is read: windows, tokens and units
EXEMPLAR_BYTES = 64  # of an exemplar while a text streams by
CONTEXT_BYTES = 2**30  # contexts of the exemplars that are explained together, and their paths
UNITS_AT_ONCE = 256  # explained together, as in golgi.graphs.growing
SCORED_BYTES = 80  # of a token of the texts and of the sample: its n-grams, and where it stands
SCORING_BYTES = 10**9  # the chunk of units that is scored, and libraries
STORED_BYTES = 2  # of an activation: half precision
SHARE_BYTES = STORED_BYTES + 2 * 4  # of an activation that becomes a share of the unit's maximum
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
    units = count_units(study, model, shape)
    kept = _sampled(study, model, shape) + _read(study, "trace")
    return GraphWork(
        model=model,
        checkpoints=rows,
        units=units,
        tokens=rows * int(sum(_positions(study, model, shape, stage) for stage in STAGES)),
        disk=rows * units * (NODES * NODE_BYTES + STORED_BYTES * kept),
        memory=max(stage_bytes(study, model, shape, stage) for stage in STAGES),
        hours=rows * sum(_seconds(study, model, shape, stage) for stage in STAGES) / 3600,
    )


def graph_jobs(study: Study) -> dict[str, int]:
    """Return how many jobs each rule of the section has; of layers not known yet, one a checkpoint."""
    rows = study.graph_rows()
    if not rows:
        return {}
    layers = sum(_layers_or_one(study, model) for model, _ in rows)
    ablate = ("ablate_graphs",) if len(study.graph_variants) > 1 else ()
    name = ("name_experts",) if "graph_experts" in study.graph_tables else ()
    return {
        "write_graph_text": 1 + len(study.graph_texts),
        **dict.fromkeys(("choose_units", "find_exemplars", "trace_texts"), len(rows)),
        **dict.fromkeys(("grow_graphs", *ablate, "score_graphs"), layers),
        **dict.fromkeys(("measure_graphs", "index_graphs", *name), 1),
        "choose_gallery": len(rows),
        "gather_gallery": 1,
        "draw_graphs": len(rows),
    }


def count_units(study: Study, model: str, shape: Shape) -> int:
    """Return how many units of a model get graphs at most: a unit chosen twice is counted twice."""
    chosen = study.graph_units(model)
    layers = range(shape.layers) if chosen["layers"] == "all" else chosen["layers"] or ()
    there = sum(layer < shape.layers for layer in layers)
    drawn = sum(min(chosen["sample"] or width, width) for width in shape.widths(chosen["sites"]))
    experts = (chosen["experts"] or 0) * len(study.concepts)
    return experts + there * drawn + len(chosen["listed"])


def _layers_or_one(study: Study, model: str) -> int:
    try:
        return len(study.graph_layers(model))
    except StudyError:
        return 1


def _jobs(study: Study, model: str, stage: str) -> int:
    return 1 if stage in READING else max(1, len(study.graph_layers(model)))


def _read(study: Study, stage: str) -> int:
    return sum(study.graph_settings(stage)["tokens"].values())


def _positions(study: Study, model: str, shape: Shape, stage: str) -> float:
    if stage in READING:
        return _read(study, stage)
    graphs = study.spec["graphs"]
    alone = stage == "grow" and graphs["augment"] == "none"
    each = {"grow": POSITIONS_ALONE if alone else POSITIONS, "ablate": POSITIONS_ABLATED, "score": 0}[stage]
    return _exemplars(study, model, shape, stage) * each * graphs["cap"] / MEASURED_CAP


def _exemplars(study: Study, model: str, shape: Shape, stage: str) -> int:
    graphs, units = study.spec["graphs"], count_units(study, model, shape)
    if stage == "ablate":
        places = len(study.graph_sites(model)) * len(study.graph_layers(model))
        units = min(graphs["ablation"] * places, units)
    return units * (graphs["exemplars"] + graphs["firings"] + graphs["silences"])


def _sampled(study: Study, model: str, shape: Shape) -> int:
    graphs, bos = study.spec["graphs"], study.spec["models"][model]["bos"]
    longest = min(LONGEST_WINDOW, shape.context - bos) if shape.context else LONGEST_WINDOW
    return min(graphs["calibration"] * (graphs["window"] or longest), graphs["tokens"]["build"])


def stage_bytes(study: Study, model: str, shape: Shape, stage: str) -> int:
    """Return the bytes that a job of a stage holds: `find`, `trace`, `grow`, `ablate` or `score`."""
    if stage == "score":
        texts = study.graph_settings("trace")["tokens"].values()
        return SCORING_BYTES + SCORED_BYTES * (_sampled(study, model, shape) + sum(texts))
    held = held_by_model(study, model, shape)
    units, sampled = count_units(study, model, shape), _sampled(study, model, shape)
    if stage in ("grow", "ablate"):
        return held + CONTEXT_BYTES + SHARE_BYTES * min(units, UNITS_AT_ONCE) * sampled
    if stage == "trace":
        return held + CELL_BYTES
    # The facts of the units of one site and layer are told from all that was sampled of them.
    widest = min(units, max(shape.widths(study.graph_sites(model)), default=0))
    found = EXEMPLAR_BYTES * _exemplars(study, model, shape, stage) + STORED_BYTES * widest * sampled
    return held + CELL_BYTES + found


def stage_seconds(study: Study, model: str, shape: Shape, stage: str) -> float:
    """Return the seconds that a job of a stage takes: of a layer, where it has one for each."""
    return _seconds(study, model, shape, stage) / _jobs(study, model, stage)


def _seconds(study: Study, model: str, shape: Shape, stage: str) -> float:
    if stage == "score":
        return MATCH_SECONDS * count_units(study, model, shape) * _read(study, "trace")
    if stage == "ablate" and not study.spec["graphs"]["ablation"]:
        return 0.0
    seconds = forward_seconds(study, model, shape, _positions(study, model, shape, stage))
    seconds += _jobs(study, model, stage) * loading_seconds(study, model, shape)
    if stage in READING:
        return seconds
    return seconds + GROW_SECONDS * _exemplars(study, model, shape, stage)
