"""How much work a study is, before it is paid for: jobs, tokens, disk, memory, hours. Nothing is run."""

from __future__ import annotations

from dataclasses import dataclass

from golgi.study.analysis_estimate import (
    TOKENS_PER_SENTENCE,
    AnalysisWork,
    analysis_jobs,
    analysis_work,
    count_sentences,
)
from golgi.study.costs import (
    CPU_RATE_PER_THREAD,
    DEFAULT_MB,
    DEFAULT_MINUTES,
    DISK_RATE,
    LIBRARIES,
    forward_seconds,
    held_by_model,
    in_megabytes,
    in_minutes,
    loading_seconds,
    model_dtype,
    rate,
    scoring_seconds,
    weight_bytes,
)
from golgi.study.graph_estimate import GraphWork, graph_jobs, graph_work
from golgi.study.outputs import FIGURE_TABLES
from golgi.study.plan import UNTRAINED, Study
from golgi.study.shapes import Shape, model_shape

SENTENCE_BYTES = 2000  # a sentence and its tokens, masked and not
STRIP_BYTES, PAGE_BYTES = 256 * 2**20, 4096  # of responses that are scored at a time: as in golgi.experts
BLOCK_BYTES, BLOCK_UNITS = 32 * 2**20, 64
# Of all pairs of a unit and a concept, in the neuron basis or the rotated one; less at high thresholds.
EXPERT_SHARE = 0.05
EXPERT_DISK, EXPERT_MEMORY = 115, 300  # bytes: two Parquet files and a CSV; in memory while they are sorted


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
    graphs: list[GraphWork]
    analyses: list[AnalysisWork]

    @property
    def tokens(self) -> int:
        """Tokens of sentences that models read, all checkpoints and controls."""
        return sum(work.tokens for work in self.models)


def estimate(study: Study) -> Estimate:
    """Return a rough estimate of a study's work, at 16 tokens a sentence."""
    return Estimate(
        sentences=count_sentences(study),
        jobs=count_jobs(study),
        models=[_work(study, model) for model in study.models],
        graphs=[graph_work(study, model) for model in study.models if study.graph_checkpoints(model)],
        analyses=analysis_work(study),
    )


def response_memory_mb(study: Study, model: str) -> int:
    """Return the memory to ask for where `collect_responses` reads a model, in MB of 10^6 bytes."""
    shape = model_shape(study, model)
    return DEFAULT_MB if shape is None else in_megabytes(_reading_memory(study, model, shape))


def scoring_memory_mb(study: Study, model: str) -> int:
    """Return the memory to ask for where `score_experts` scores a model, in MB of 10^6 bytes."""
    shape = model_shape(study, model)
    return DEFAULT_MB if shape is None else in_megabytes(_scoring_memory(study, model, shape))


def response_minutes(study: Study, model: str) -> int:
    """Return the minutes to ask for where `collect_responses` reads a model at one checkpoint."""
    shape = model_shape(study, model)
    return DEFAULT_MINUTES if shape is None else in_minutes(_reading_seconds(study, model, shape))


def scoring_minutes(study: Study, model: str) -> int:
    """Return the minutes to ask for where `score_experts` scores a model at one checkpoint."""
    shape = model_shape(study, model)
    return DEFAULT_MINUTES if shape is None else in_minutes(_scoring_seconds(study, model, shape))


def count_jobs(study: Study) -> dict[str, int]:
    """Return how many jobs each rule has when nothing of the study is done yet."""
    rows, analyses = len(study.rows()), study.spec["analyses"]
    fetched = {
        study.folder(model, step)
        for model in study.models
        if study.kind(model) == "hub"
        for step in study.weights(model)
    } | ({study.masked_lm} if study.masked_lm_is_fetched else set())
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
        **analysis_jobs(study),
        **graph_jobs(study),
        **{
            f"gather_{table}": int(table in study.tables)
            for table in ("models", "experts", "overlap", "training")
        },
        **{f"draw_{figure}": int(figure in study.figures) for figure in FIGURE_TABLES},
        "write_report": 1,
    }
    return {rule: number for rule, number in jobs.items() if number}


def _work(study: Study, model: str) -> ModelWork:
    shape, checkpoints = model_shape(study, model), study.checkpoints(model)
    readings = len(study.weights(model)) * (1 + _has(study, "word")) + _has(study, UNTRAINED)
    tokens = readings * count_sentences(study) * TOKENS_PER_SENTENCE
    if shape is None:
        return ModelWork(model, len(checkpoints), tokens, None, None, None, None, None)
    seconds = len(study.weights(model)) * _reading_seconds(study, model, shape)
    seconds += _has(study, UNTRAINED) * _forward_seconds(study, model, shape)
    return ModelWork(
        model=model,
        checkpoints=len(checkpoints),
        tokens=tokens,
        shape=shape,
        units=_units(study, shape),
        disk=_disk(study, model, shape, readings),
        memory=max(_reading_memory(study, model, shape), _scoring_memory(study, model, shape)),
        hours=(seconds + _training_seconds(study, model, shape)) / 3600,
    )


def _has(study: Study, control: str) -> bool:
    return control in study.controls


def _sites(study: Study) -> list[str]:
    return study.spec["experts"]["sites"]


def _units(study: Study, shape: Shape) -> int:
    return shape.layers * shape.units(_sites(study))


def _response_bytes(study: Study, model: str) -> int:
    return 2 if model_dtype(study, model) == "float16" else 4  # bfloat16 is stored as float32


def _training_seconds(study: Study, model: str, shape: Shape) -> float:
    training = study.source(model).get("train")
    if not training:
        return 0.0
    tokens = training["steps"] * training["batch"] * training["context"]
    return 6 * shape.parameters * tokens / rate(study, model_dtype(study, model))


def _forward_seconds(study: Study, model: str, shape: Shape) -> float:
    return forward_seconds(study, model, shape, count_sentences(study) * TOKENS_PER_SENTENCE)


def _reading_seconds(study: Study, model: str, shape: Shape) -> float:
    seconds = (1 + _has(study, "word")) * _forward_seconds(study, model, shape)
    stored = (1 + _has(study, "word") + _has(study, "rotated")) * count_sentences(study)
    seconds += stored * _units(study, shape) * _response_bytes(study, model) / DISK_RATE
    seconds += loading_seconds(study, model, shape)
    if _has(study, "rotated"):
        tokens, widths = count_sentences(study) * TOKENS_PER_SENTENCE, shape.widths(_sites(study))
        turned = 2 * tokens * shape.layers * sum(width**2 for width in widths)
        made = sum(8 / 3 * width**3 for width in set(widths))  # QR, on the CPU
        seconds += turned / rate(study, "float32") + made / (CPU_RATE_PER_THREAD * study.threads)
    return seconds


def _reading_memory(study: Study, model: str, shape: Shape) -> int:
    tokens, widths = study.spec["compute"]["batch_tokens"], shape.widths(_sites(study))
    rows = (1 + _has(study, "rotated")) * tokens // TOKENS_PER_SENTENCE
    held = held_by_model(study, model, shape) + SENTENCE_BYTES * count_sentences(study)
    held += 2 * rows * _units(study, shape) * weight_bytes(study, model)  # pooled, on the device and off it
    if _has(study, "rotated"):
        # Kept in float32, made in float64 from a second one; a batch's activations are turned in float32.
        held += sum(4 * width**2 for width in set(widths)) + 16 * max(widths) ** 2
        held += 8 * tokens * max(widths)
    return held


def _scoring_seconds(study: Study, model: str, shape: Shape) -> float:
    chosen, units = study.spec["concepts"]["sentences"], _units(study, shape)
    kinds = 2 + sum(_has(study, control) for control in ("shuffled", "word", "rotated"))  # and the summaries
    walked = kinds * len(study.concepts) * (chosen["positives"] + chosen["negatives"])
    rows = (1 + _has(study, "word") + _has(study, "rotated")) * count_sentences(study)
    processor = scoring_seconds(study, units, walked=walked, rows=rows)
    return processor + 2 * rows * units * _response_bytes(study, model) / DISK_RATE


def _scoring_memory(study: Study, model: str, shape: Shape) -> int:
    rows, per_layer = (1 + _has(study, "word")) * count_sentences(study), max(shape.widths(_sites(study)))
    strip = min(max(STRIP_BYTES, PAGE_BYTES * rows), rows * per_layer * _response_bytes(study, model))
    blocks = 3 * study.threads * max(BLOCK_BYTES, 4 * BLOCK_UNITS * rows)
    arrays = 2 * (4 + len(study.controls)) * len(study.concepts) * per_layer * 4
    return LIBRARIES // 2 + strip + blocks + arrays + EXPERT_MEMORY * _experts(study, shape)


def _experts(study: Study, shape: Shape) -> int:
    pairs = len(study.concepts) * _units(study, shape)
    return int(EXPERT_SHARE * pairs * (1 + _has(study, "rotated")))


def _disk(study: Study, model: str, shape: Shape, readings: int) -> int:
    kind, steps, units = study.kind(model), len(study.weights(model)), _units(study, shape)
    rotated = steps * _has(study, "rotated")
    responses = (readings + rotated) * count_sentences(study) * units * _response_bytes(study, model)
    # Three summaries of the measured responses stand beside the average precisions.
    arrays = steps * (4 + len([control for control in study.controls if control != UNTRAINED]))
    arrays += 4 * _has(study, UNTRAINED)
    experts = (steps + _has(study, UNTRAINED)) * _experts(study, shape) * EXPERT_DISK
    weights = {"hub": 2, "train": 4, "directory": 0}[kind] * shape.parameters * steps
    return responses + arrays * len(study.concepts) * units * 4 + experts + weights
