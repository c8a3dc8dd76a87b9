"""How much work a study is, before it is paid for: jobs, tokens, disk, memory, hours. Nothing is run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path as FilePath

from golgi.study.plan import FIGURE_TABLES, UNTRAINED, Study

TOKENS_PER_SENTENCE = 16
# Sustained, not peak: pooling and copying keep a model from the rates that vendors print.
GPU_RATE = {"float32": 1e13, "float16": 3e13, "bfloat16": 3e13}
CPU_RATE_PER_THREAD = 2e10
# Activations that live at once, in units of the residual stream's width.
LIVE_WIDTHS = 24
# Published shapes: layers, width, parameters (Biderman et al. 2023, table 1).
PYTHIA = {
    "14m": (6, 128, 14_067_712),
    "31m": (6, 256, 30_494_720),
    "70m": (6, 512, 70_426_624),
    "160m": (12, 768, 162_322_944),
    "410m": (24, 1024, 405_334_016),
    "1b": (16, 2048, 1_011_781_632),
    "1.4b": (24, 2048, 1_414_647_808),
    "2.8b": (32, 2560, 2_775_208_960),
    "6.9b": (32, 4096, 6_857_302_016),
    "12b": (36, 5120, 11_846_072_320),
}


@dataclass(frozen=True)
class Shape:
    """As much of an architecture as decides its cost."""

    layers: int
    width: int
    hidden: int
    parameters: int

    def units(self, sites: list[str]) -> int:
        """Return the units of one block, over the given sites."""
        widths = {"mlp_pre": self.hidden, "mlp_post": self.hidden, "qkv": 3 * self.width}
        return sum(widths.get(site, self.width) for site in sites)


@dataclass(frozen=True)
class ModelWork:
    """The work of one model; what needs its shape is None where that is not known before the download."""

    model: str
    checkpoints: int
    tokens: int
    shape: Shape | None
    units: int | None
    disk: int | None
    memory: int | None
    hours: float | None


@dataclass(frozen=True)
class Estimate:
    """The work of a study; bytes for disk and memory."""

    sentences: int
    jobs: dict[str, int]
    models: list[ModelWork]

    @property
    def tokens(self) -> int:
        """Tokens that models read, all checkpoints and controls."""
        return sum(work.tokens for work in self.models)


def estimate(study: Study) -> Estimate:
    """Return a rough estimate of a study's work, at 16 tokens a sentence."""
    sentences = len(study.concepts) * study.spec["concepts"]["sentences"]["positives"]
    return Estimate(sentences, count_jobs(study), [_work(study, model, sentences) for model in study.models])


def count_jobs(study: Study) -> dict[str, int]:
    """Return how many jobs each rule has when nothing of the study is done yet."""
    rows, analyses = len(study.rows()), study.spec["analyses"]
    fetched = {
        study.folder(model, step)
        for model in study.models
        if study.kind(model) == "hub"
        for step in study.weights(model)
    }
    jobs = {
        "write_sentences": 1,
        "write_corpus": len(study.trained()),
        "train_model": len(study.trained()),
        "fetch_model": len(fetched),
        "fetch_reference": len(study.downloads),
        "collect_responses": rows,
        "score_experts": rows,
        "measure_overlap": rows if "overlap" in analyses else 0,
        "measure_counts": 1,
        "measure_categories": int("categories" in analyses),
        "measure_alignment": int("alignment" in analyses),
        **{
            f"gather_{table}": int(table in study.tables)
            for table in ("models", "experts", "overlap", "training")
        },
        **{f"draw_{figure}": int(figure in study.figures) for figure in FIGURE_TABLES},
        "write_report": 1,
    }
    return {rule: number for rule, number in jobs.items() if number}


def model_shape(study: Study, model: str) -> Shape | None:
    """Return a model's shape: as trained here, from its folder's config.json, or as published for Pythia."""
    training = study.source(model).get("train")
    if training:
        width, layers = training["width"], training["layers"]
        return _shape(layers, width, 4 * width, training["vocabulary"])
    config = FilePath(study.folder(model, study.last_checkpoint(model))) / "config.json"
    if config.is_file():
        return _configured(config)
    name = study.source(model).get("hub", "").lower()
    size = name.removeprefix("eleutherai/pythia-").removesuffix("-deduped")
    if name.startswith("eleutherai/pythia-") and size in PYTHIA:
        layers, width, parameters = PYTHIA[size]
        return Shape(layers, width, 4 * width, parameters)
    return None


def _shape(layers: int, width: int, hidden: int, vocabulary: int) -> Shape:
    block = 4 * width**2 + 2 * width * hidden
    return Shape(layers, width, hidden, layers * block + 2 * vocabulary * width)


def _configured(config: FilePath) -> Shape | None:
    try:
        facts = json.loads(config.read_text(encoding="utf-8"))
        layers = facts.get("num_hidden_layers") or facts["n_layer"]
        width = facts.get("hidden_size") or facts["n_embd"]
        hidden = facts.get("intermediate_size") or facts.get("n_inner") or 4 * width
        return _shape(int(layers), int(width), int(hidden), int(facts["vocab_size"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _work(study: Study, model: str, sentences: int) -> ModelWork:
    shape, dtype = model_shape(study, model), study.spec["models"][model]["dtype"]
    checkpoints, masked = study.checkpoints(model), "word" in study.controls
    readings = len(study.weights(model)) * (1 + masked) + (UNTRAINED in checkpoints)
    tokens = readings * sentences * TOKENS_PER_SENTENCE
    if shape is None:
        return ModelWork(model, len(checkpoints), tokens, None, None, None, None, None)
    per_layer = shape.units(study.spec["experts"]["sites"])
    units = shape.layers * per_layer
    operations = 2 * shape.parameters * tokens + _training_operations(study, model, shape)
    return ModelWork(
        model=model,
        checkpoints=len(checkpoints),
        tokens=tokens,
        shape=shape,
        units=units,
        disk=_disk(study, model, shape, sentences, units, readings),
        memory=max(_reading_memory(study, shape, dtype), sentences * per_layer * 8),
        hours=operations / rate(study, dtype) / 3600,
    )


def rate(study: Study, dtype: str) -> float:
    """Return the floating-point operations per second that hours are reckoned with."""
    return GPU_RATE[dtype] if study.gpu else CPU_RATE_PER_THREAD * study.threads


def _training_operations(study: Study, model: str, shape: Shape) -> int:
    training = study.source(model).get("train")
    if not training:
        return 0
    return 6 * shape.parameters * training["steps"] * training["batch"] * training["context"]


def _disk(study: Study, model: str, shape: Shape, sentences: int, units: int, readings: int) -> int:
    dtype, kind, steps = study.spec["models"][model]["dtype"], study.kind(model), len(study.weights(model))
    rotated = steps if "rotated" in study.controls else 0
    responses = (readings + rotated) * sentences * units * (2 if dtype == "float16" else 4)
    # Three summaries of the measured responses stand beside the average precisions.
    arrays = steps * (4 + len([control for control in study.controls if control != UNTRAINED]))
    arrays += 4 * (UNTRAINED in study.controls)
    weights = {"hub": 2, "train": 4, "directory": 0}[kind] * shape.parameters * steps
    return responses + arrays * len(study.concepts) * units * 4 + weights


def _reading_memory(study: Study, shape: Shape, dtype: str) -> int:
    size = 4 if dtype == "float32" else 2
    return size * (shape.parameters + study.spec["compute"]["batch_tokens"] * shape.width * LIVE_WIDTHS)
