"""What a job of each rule asks a cluster for: memory, minutes, GPUs. One line a rule; nothing constant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from golgi.study import reading_estimate as reading
from golgi.study import table_estimate as tables
from golgi.study.analysis_estimate import analysis_bytes, analysis_seconds
from golgi.study.costs import (
    DEFAULT_MB,
    DEFAULT_MINUTES,
    DOWNLOAD_RATE,
    START_SECONDS,
    TABLES,
    in_megabytes,
    in_minutes,
)
from golgi.study.graph_estimate import stage_bytes, stage_seconds
from golgi.study.outputs import FIGURE_TABLES
from golgi.study.plan import Study
from golgi.study.shapes import Shape, declared_shape, model_shape
from golgi.study.writing_estimate import writing_bytes, writing_seconds

GRAPH_RULES = (
    "choose_units",
    "find_exemplars",
    "trace_texts",
    "grow_graphs",
    "ablate_graphs",
    "score_graphs",
)
OfModel = Callable[[Study, str, Shape], float]
OfStudy = Callable[[Study], float | None]


@dataclass(frozen=True)
class Need:
    """Bytes that a job holds and seconds that it takes, of a study or, `of_model`, of a model of it."""

    held: OfModel | OfStudy
    seconds: OfModel | OfStudy
    of_model: bool = False
    gpu: bool = False

    def models(self, study: Study, rule: str) -> list[str | None]:
        """Return the models that jobs of this rule work for, or None for all of them together."""
        if not self.of_model:
            return [None]
        if rule == "fetch_model":
            others = [None] if study.masked_lm_is_fetched or study.writer_kind == "hub" else []
            return [model for model in study.models if study.kind(model) == "hub"] + others
        if rule in GRAPH_RULES:
            return [model for model in study.models if study.graph_checkpoints(model)]
        return list(study.trained() if rule == "train_model" else study.models)


def memory_mb(study: Study, rule: str, model: str | None = None) -> int:
    """Return the memory that a job of a rule asks for, in MB of 10^6 bytes."""
    held = _asked(study, rule, model, NEEDS[rule].held)
    return DEFAULT_MB if held is None else in_megabytes(held)


def minutes(
    study: Study, rule: str, model: str | None = None, *, times: int = 1, start: float = START_SECONDS
) -> int:
    """Return the minutes that a job of a rule asks for, `start` seconds and its work `times` over."""
    seconds = seconds_of(study, rule, model)
    return DEFAULT_MINUTES if seconds is None else in_minutes(start + times * seconds)


def seconds_of(study: Study, rule: str, model: str | None = None) -> float | None:
    """Return the seconds that a job of a rule works; None where its model's shape is not known yet."""
    return _asked(study, rule, model, NEEDS[rule].seconds)


def told_seconds(study: Study, rule: str, model: str) -> float | None:
    """Return the same by what the study alone tells of a model, before its download and after it."""
    source = study.source(model)
    shape = declared_shape(source) if "hub" in source else model_shape(study, model)
    return None if shape is None else NEEDS[rule].seconds(study, model, shape)


def gpus(study: Study, rule: str) -> int:
    """Return the GPUs that a job of a rule asks for: none where it runs no model, or the study wants none."""
    if rule == "ask_writer":
        return study.writer_gpu
    return study.gpu if NEEDS[rule].gpu else 0


def _asked(study: Study, rule: str, model: str | None, what: OfModel | OfStudy) -> float | None:
    if not NEEDS[rule].of_model:
        return what(study)
    shape = None if model is None else model_shape(study, model)
    return None if shape is None else what(study, model, shape)


def _model(held: OfModel, seconds: OfModel, *, gpu: bool = False) -> Need:
    return Need(held, seconds, of_model=True, gpu=gpu)


def _analysis(name: str, *, gpu: bool = False) -> Need:
    return _model(
        lambda study, model, shape: analysis_bytes(study, model, shape, name),
        lambda study, model, shape: analysis_seconds(study, model, shape, name),
        gpu=gpu,
    )


def _stage(name: str, *, gpu: bool = True) -> Need:
    return _model(
        lambda study, model, shape: stage_bytes(study, model, shape, name),
        lambda study, model, shape: stage_seconds(study, model, shape, name),
        gpu=gpu,
    )


def _twice(what: OfModel) -> OfModel:
    return lambda study, model, shape: 2 * what(study, model, shape)


def _text(size: OfStudy) -> Need:
    return Need(lambda s: tables.text_held(size(s)), lambda s: tables.text_seconds(size(s)))


def _table(rows: OfStudy, parts: OfStudy = lambda s: 1) -> Need:
    return Need(lambda s: tables.table_held(rows(s)), lambda s: tables.table_seconds(rows(s), parts(s)))


def _gathered(
    count: Callable[[Study, tables.Rows], float],
    rows: Callable[[Study], tables.Rows],
    largest: OfStudy | None = None,
) -> Need:
    return Need(
        lambda s: tables.gathered_held(largest(s) if largest else tables.largest_part(s, rows(s), count)),
        lambda s: tables.table_seconds(count(s, rows(s)), len(rows(s))),
    )


def _compared(rows: Callable[[Study], tables.Rows], analysis: str) -> Need:
    return Need(
        lambda s: tables.compared_held(s, rows(s)), lambda s: tables.compared_seconds(s, rows(s), analysis)
    )


def _followed(rows: Callable[[Study], tables.Rows], analysis: str) -> Need:
    return Need(
        lambda s: tables.followed_held(s, rows(s)), lambda s: tables.followed_seconds(s, rows(s), analysis)
    )


def _graphs(rows: Callable[[Study], tables.Rows] = Study.graph_rows) -> Need:
    return Need(lambda s: tables.graphs_held(s, rows(s)), lambda s: tables.graphs_seconds(s, rows(s)))


def _figure(name: str) -> Need:
    return Need(
        lambda s: tables.table_held(tables.drawn_rows(s, name)),
        lambda s: tables.FIGURE_SECONDS + tables.table_seconds(tables.drawn_rows(s, name)),
    )


def _source(study: Study) -> float:
    return tables.text_bytes(study, study.sentence_files)


def _corpora(study: Study) -> float:
    return max(tables.text_bytes(study, study.corpus_files(model)) for model in study.trained())


def _graph_text(study: Study) -> float:
    return max(tables.text_bytes(study, study.graph_corpora[part]) for part in study.graph_corpora)


def _intervention_text(study: Study) -> float:
    return tables.text_bytes(study, study.spec["analyses"]["interventions"]["text"])


def _points(study: Study) -> int:
    return len(study.rows())


def _shown(study: Study) -> int:
    return len(study.tables) + len(study.figures)


def _drawings(study: Study) -> float:
    return tables.DRAWING_SECONDS * study.spec["graphs"]["drawings"]


def _largest_graph_row(study: Study) -> tables.Rows:
    return sorted(study.graph_rows(), key=lambda row: tables.graph_count(study, [row]))[-1:]


NEEDS: dict[str, Need] = {
    "ask_writer": Need(writing_bytes, writing_seconds),
    "write_sentences": _text(_source),
    "write_corpus": _text(_corpora),
    "write_graph_text": _text(_graph_text),
    "write_intervention_text": _text(_intervention_text),
    "train_model": _model(reading.training_bytes, reading.training_seconds),
    "fetch_model": _model(
        lambda s, m, shape: TABLES, lambda s, m, shape: 4 * shape.parameters / DOWNLOAD_RATE
    ),
    "fetch_reference": _table(lambda s: 1e5),
    "collect_responses": _model(reading.reading_bytes, reading.reading_seconds, gpu=True),
    "score_experts": _model(reading.expertise_bytes, reading.expertise_seconds),
    "measure_overlap": _model(tables.overlap_held, tables.overlap_seconds),
    "measure_counts": _model(tables.counted_held, tables.counted_seconds),
    "measure_stability": _analysis("stability"),
    "measure_discoveries": _analysis("discoveries"),
    "score_parents": _model(_twice(reading.expertise_bytes), _twice(reading.expertise_seconds)),
    "fit_probes": _analysis("distributed"),
    "intervene": _analysis("interventions", gpu=True),
    "read_variants": _analysis("sensitivity", gpu=True),
    "measure_sensitivity": _model(reading.expertise_bytes, reading.expertise_seconds),
    "gather_facts": _table(_points),
    "gather_models": _table(_points, _points),
    "gather_training": _table(lambda s: 1000 * len(s.trained())),
    "gather_experts": _gathered(tables.expert_rows, Study.rows),
    "gather_counts": _gathered(tables.count_rows, Study.rows, tables.counted_part),
    "gather_distribution": _table(lambda s: 50 * tables.sets_of(s, s.rows()), _points),
    "gather_overlap": _gathered(lambda s, rows: tables.pairs_of(s, rows) / 2, Study.last_rows),
    "gather_discoveries": _table(lambda s: tables.pairs_of(s, s.last_rows()) / len(s.concepts)),
    "gather_probes": _table(lambda s: 10 * tables.pairs_of(s, s.last_rows()) / len(s.concepts)),
    "gather_sensitivity": _table(lambda s: tables.pairs_of(s, s.last_rows()) / len(s.concepts)),
    "gather_interventions": _table(tables.prompt_rows),
    "gather_gallery": _table(lambda s: tables.graph_count(s, s.graph_rows())),
    "summarise_stability": _compared(Study.last_rows, "stability"),
    "measure_categories": Need(
        lambda s: tables.tested_held(s, s.rows()),
        lambda s: tables.compared_seconds(s, s.rows(), "categories"),
    ),
    "measure_alignment": _compared(Study.rows, "alignment"),
    "measure_hierarchy": _compared(Study.last_rows, "hierarchy"),
    "measure_polysemy": _compared(Study.last_rows, "polysemy"),
    "measure_dynamics": _followed(Study.rows, "dynamics"),
    "measure_distributed": _followed(Study.last_rows, "distributed"),
    "measure_interventions": _table(lambda s: 10 * tables.prompt_rows(s)),
    "test_claims": Need(tables.claims_held, tables.claim_seconds),
    "choose_units": _model(tables.chosen_held, tables.chosen_seconds),
    "find_exemplars": _stage("find"),
    "trace_texts": _stage("trace"),
    "grow_graphs": _stage("grow"),
    "ablate_graphs": _stage("ablate"),
    "score_graphs": _stage("score", gpu=False),
    "measure_graphs": _graphs(),
    "index_graphs": _graphs(),
    "name_experts": Need(
        lambda s: tables.graphs_held(s, s.graph_rows()) + tables.table_held(tables.expert_rows(s, s.rows())),
        lambda s: (
            tables.graphs_seconds(s, s.graph_rows()) + tables.table_seconds(tables.expert_rows(s, s.rows()))
        ),
    ),
    "choose_gallery": _graphs(_largest_graph_row),
    "draw_graphs": Need(lambda s: tables.graphs_held(s, s.graph_rows()), _drawings),
    **{f"draw_{figure}": _figure(figure) for figure in FIGURE_TABLES},
    "describe_units": _model(tables.described_held, tables.described_seconds),
    "read_windows": _graphs(_largest_graph_row),
    "write_atlas": Need(tables.atlas_held, tables.atlas_seconds),
    "write_report": _table(lambda s: 100 * _shown(s), _shown),
    "write_provenance": _table(lambda s: 50 * _points(s), lambda s: _shown(s) + 20 * _points(s)),
}
