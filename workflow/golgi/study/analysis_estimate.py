"""How much work the analyses are that score responses again, or read a model again."""

from __future__ import annotations

from dataclasses import dataclass

from golgi.study.costs import (
    LIBRARIES,
    forward_seconds,
    held_by_model,
    loading_seconds,
    scoring_seconds,
)
from golgi.study.plan import UNTRAINED, Study
from golgi.study.shapes import Shape, model_shape

TOKENS_PER_SENTENCE = 16
READING = ("interventions", "sensitivity")  # the others score what was read before
STRIP_BYTES = 512 * 2**20  # of responses, and of what is made of them, at a time
PROBE_BYTES = 16  # of a response of one concept's sentences while its probes are fitted
PROBE_SECONDS = 0.015  # one probe
SELECT_SECONDS = 6e-9  # one response, while units are chosen for a probe
# Jobs beside those of single checkpoints.
ONCE = {
    "discoveries": ("gather_discoveries",),
    "stability": ("summarise_stability",),
    "hierarchy": ("measure_hierarchy",),
    "polysemy": ("measure_polysemy",),
    "distributed": ("gather_probes", "measure_distributed"),
    "dynamics": ("measure_dynamics",),
    "interventions": ("write_intervention_text", "gather_interventions", "measure_interventions"),
    "sensitivity": ("gather_sensitivity",),
}
EACH = {
    "discoveries": ("measure_discoveries",),
    "stability": ("measure_stability",),
    "hierarchy": ("score_parents",),
    "distributed": ("fit_probes",),
    "interventions": ("intervene",),
    "sensitivity": ("read_variants", "measure_sensitivity"),
}


@dataclass(frozen=True)
class AnalysisWork:
    """What an analysis takes of one model; disk and memory in bytes, None where its shape is not known."""

    analysis: str
    model: str
    tokens: int
    disk: int | None
    memory: int | None
    hours: float | None


def analysis_jobs(study: Study) -> dict[str, int]:
    """Return how many jobs each rule of the analyses has that work per checkpoint, and of the claims."""
    jobs = {}
    for analysis in study.spec["analyses"]:
        rows = len(study.analysis_rows(analysis))
        jobs |= dict.fromkeys(EACH.get(analysis, ()), rows) | dict.fromkeys(ONCE.get(analysis, ()), 1)
    return jobs | {"test_claims": int(bool(study.claims))}


def analysis_work(study: Study) -> list[AnalysisWork]:
    """Return the work of every analysis that takes more than tables, model by model."""
    there = [analysis for analysis in EACH if analysis in study.spec["analyses"]]
    return [_work(study, analysis, model) for analysis in there for model in study.models]


def _work(study: Study, analysis: str, model: str) -> AnalysisWork:
    shape = model_shape(study, model)
    rows = sum(name == model for name, _ in study.analysis_rows(analysis))
    tokens = rows * _tokens(study, analysis)
    if shape is None:
        return AnalysisWork(analysis, model, tokens, None, None, None)
    hours = rows * analysis_seconds(study, model, shape, analysis) / 3600
    disk, memory = _disk(study, analysis, shape), analysis_bytes(study, model, shape, analysis)
    return AnalysisWork(analysis, model, tokens, disk, memory, hours)


def count_sentences(study: Study) -> int:
    """Return how many sentences a model reads for each checkpoint, masked ones not counted."""
    return len(study.concepts) * study.spec["concepts"]["sentences"]["positives"]


def _set_size(study: Study) -> int:
    sentences = study.spec["concepts"]["sentences"]
    return sentences["positives"] + sentences["negatives"]


def all_units(study: Study, shape: Shape) -> int:
    """Return how many units a study looks at in a model, over all its layers and sites."""
    return shape.layers * shape.units(study.spec["experts"]["sites"])


def _ways(study: Study) -> int:
    """Other ways to read the sentences; those with the study's own BOS share a pass over them."""
    chosen = study.spec["analyses"]["sensitivity"]
    return len(chosen["poolings"]) + len(chosen["sites"]) + int(chosen["bos"])


def _tokens(study: Study, analysis: str) -> int:
    """Tokens that a model reads at one checkpoint."""
    if analysis == "sensitivity":
        return min(_ways(study), 2) * count_sentences(study) * TOKENS_PER_SENTENCE
    if analysis != "interventions":
        return 0
    chosen = study.spec["analyses"]["interventions"]
    concepts = chosen["concepts"] if isinstance(chosen["concepts"], int) else len(chosen["concepts"])
    conditions = len(chosen["actions"]) * len(chosen["sizes"]) * (2 + chosen["draws"]) + 1
    measured = 2 * chosen["prompts"] * TOKENS_PER_SENTENCE + chosen["neutral"]
    continued = chosen["continuations"] * (chosen["length"] + TOKENS_PER_SENTENCE // 4)
    return min(concepts, len(study.concepts)) * conditions * (measured + continued)


def _label_rows(study: Study, analysis: str) -> int:
    """Sentences of all label sets that an analysis scores, each as often as it is in one."""
    analyses, concepts = study.spec["analyses"], len(study.concepts)
    if analysis == "stability":
        chosen = analyses["stability"]
        cells = sum(more + less for more in chosen["positives"] for less in chosen["negatives"])
        return concepts * chosen["folds"] * cells * (1 + ("shuffled" in study.controls))
    if analysis == "discoveries":
        return concepts * analyses["discoveries"]["shuffles"] * _set_size(study)
    if analysis == "hierarchy":
        return 2 * concepts * _set_size(study) * (1 + len(set(study.controls) - {UNTRAINED}))
    if analysis == "sensitivity":
        chosen = analyses["sensitivity"]
        fewer = len(chosen["positives"]) + len(chosen["negatives"])
        return concepts * _set_size(study) * (_ways(study) + fewer)
    return 0


def analysis_seconds(study: Study, model: str, shape: Shape, analysis: str) -> float:
    """Return the seconds that an analysis takes of one checkpoint."""
    units, rows = all_units(study, shape), count_sentences(study)
    if analysis == "distributed":
        bases = 2 + len({"rotated", "word"} & set(study.controls))
        fits = bases * len(study.concepts) * len(study.spec["analyses"]["distributed"]["sizes"])
        chosen = bases * len(study.concepts) * _set_size(study) * units
        return PROBE_SECONDS * fits + SELECT_SECONDS * chosen
    seconds = scoring_seconds(study, units, walked=_label_rows(study, analysis), rows=rows)
    if analysis in READING:
        seconds += forward_seconds(study, model, shape, _tokens(study, analysis))
        seconds += loading_seconds(study, model, shape)
    return seconds


def _disk(study: Study, analysis: str, shape: Shape) -> int:
    """Bytes while it runs: the responses of other ways to read are gone when they have been scored."""
    if analysis != "sensitivity":
        return 4 * len(study.concepts) * all_units(study, shape) * (analysis == "hierarchy")
    return 4 * _ways(study) * count_sentences(study) * all_units(study, shape)


def analysis_bytes(study: Study, model: str, shape: Shape, analysis: str) -> int:
    """Return the bytes that a job of an analysis holds at one checkpoint."""
    units = all_units(study, shape)
    if analysis == "distributed":
        return LIBRARIES + STRIP_BYTES + PROBE_BYTES * _set_size(study) * units
    if analysis in READING:
        return held_by_model(study, model, shape) + STRIP_BYTES + 8 * len(study.concepts) * units
    return (
        LIBRARIES // 2
        + 2 * STRIP_BYTES
        + 8 * len(study.concepts) * max(shape.widths(study.spec["experts"]["sites"]))
    )
