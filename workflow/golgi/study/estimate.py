"""How much work a study is, before it is paid for: jobs, tokens, disk, memory, hours. Nothing is run."""

from __future__ import annotations

from dataclasses import dataclass

from golgi.study.analysis_estimate import (
    TOKENS_PER_SENTENCE,
    AnalysisWork,
    all_units,
    analysis_jobs,
    analysis_work,
    count_sentences,
)
from golgi.study.graph_estimate import GraphWork, graph_jobs, graph_work
from golgi.study.outputs import FIGURE_TABLES
from golgi.study.plan import UNTRAINED, Study
from golgi.study.reading_estimate import (
    count_experts,
    expertise_bytes,
    reading_bytes,
    reading_seconds,
    response_bytes,
    sentence_seconds,
    training_seconds,
)
from golgi.study.shapes import Shape, model_shape
from golgi.study.shards import shards, shared
from golgi.study.writing_estimate import WritingWork, writing_work

EXPERT_DISK = 115  # bytes of an expert: two Parquet files and a CSV


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
    writing: tuple[WritingWork, WritingWork] | None = None

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
        writing=writing_work(study),
    )


def count_jobs(study: Study) -> dict[str, int]:
    """Return how many jobs each rule has when nothing of the study is done yet."""
    rows, analyses = len(study.rows()), study.spec["analyses"]
    fetched = {
        study.folder(model, step)
        for model in study.models
        if study.kind(model) == "hub"
        for step in study.weights(model)
    } | ({study.masked_lm} if study.masked_lm_is_fetched else set())
    fetched |= {study.writer_folder} if study.writer_kind == "hub" else set()
    jobs = {
        "ask_writer": int(study.llm is not None),
        "write_sentences": 1,
        "write_corpus": len(study.trained()),
        "train_model": len(study.trained()),
        "fetch_model": len(fetched),
        "fetch_reference": len(study.downloads),
        "collect_responses": rows,
        "score_experts": rows,
        "measure_overlap": rows if "overlap" in analyses else 0,
        "measure_counts": len(shards(study, "score_experts")),
        "gather_counts": 1,
        "gather_distribution": 1,
        "gather_facts": len(shared(study, "collect_responses")),
        "measure_categories": int("categories" in analyses),
        "measure_alignment": int("alignment" in analyses),
        **analysis_jobs(study),
        **graph_jobs(study),
        **{
            f"gather_{table}": int(table in study.tables)
            for table in ("models", "experts", "overlap", "training")
        },
        **{f"draw_{figure}": int(figure in study.figures) for figure in FIGURE_TABLES},
        "describe_units": rows,
        "read_windows": len(study.graph_rows()),
        "write_atlas": 1,
        "write_report": 1,
        "write_provenance": 1,
    }
    return {rule: number for rule, number in jobs.items() if number}


def _work(study: Study, model: str) -> ModelWork:
    shape, checkpoints = model_shape(study, model), study.checkpoints(model)
    readings = len(study.weights(model)) * (1 + _has(study, "word")) + _has(study, UNTRAINED)
    tokens = readings * count_sentences(study) * TOKENS_PER_SENTENCE
    if shape is None:
        return ModelWork(model, len(checkpoints), tokens, None, None, None, None, None)
    seconds = len(study.weights(model)) * reading_seconds(study, model, shape)
    seconds += _has(study, UNTRAINED) * sentence_seconds(study, model, shape)
    return ModelWork(
        model=model,
        checkpoints=len(checkpoints),
        tokens=tokens,
        shape=shape,
        units=all_units(study, shape),
        disk=_disk(study, model, shape, readings),
        memory=max(reading_bytes(study, model, shape), expertise_bytes(study, model, shape)),
        hours=(seconds + training_seconds(study, model, shape)) / 3600,
    )


def _has(study: Study, control: str) -> bool:
    return control in study.controls


def _disk(study: Study, model: str, shape: Shape, readings: int) -> int:
    kind, steps, units = study.kind(model), len(study.weights(model)), all_units(study, shape)
    rotated = steps * _has(study, "rotated")
    responses = (readings + rotated) * count_sentences(study) * units * response_bytes(study, model)
    # Three summaries of the measured responses stand beside the average precisions.
    arrays = steps * (4 + len([control for control in study.controls if control != UNTRAINED]))
    arrays += 4 * _has(study, UNTRAINED)
    experts = (steps + _has(study, UNTRAINED)) * count_experts(study, shape) * EXPERT_DISK
    weights = {"hub": 2, "train": 4, "directory": 0}[kind] * shape.parameters * steps
    return responses + arrays * len(study.concepts) * units * 4 + experts + weights
