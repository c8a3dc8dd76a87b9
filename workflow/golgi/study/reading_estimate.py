"""What reading the sentences with a model costs, and scoring its units: seconds, and bytes held."""

from __future__ import annotations

from golgi.study.analysis_estimate import TOKENS_PER_SENTENCE, all_units, count_sentences
from golgi.study.costs import (
    CPU_RATE_PER_THREAD,
    DISK_RATE,
    LIBRARIES,
    forward_seconds,
    held_by_model,
    loading_seconds,
    model_dtype,
    rate,
    scoring_seconds,
    weight_bytes,
)
from golgi.study.plan import Study
from golgi.study.shapes import Shape

SENTENCE_BYTES = 2000  # a sentence and its tokens, masked and not
STRIP_BYTES, PAGE_BYTES = 256 * 2**20, 4096  # of responses that are scored at a time: as in golgi.experts
BLOCK_BYTES, BLOCK_UNITS = 32 * 2**20, 64
# Of all pairs of a unit and a concept, in the neuron basis or the rotated one; less at high thresholds.
EXPERT_SHARE = 0.05
EXPERT_MEMORY = 300  # bytes of an expert while the list of them is sorted
# A network that learns: weights, gradients, two moments, and a copy that is saved; bytes of one number.
LEARNT_COPIES, NUMBER = 5, 4
# Of each token that is learnt from: activations of a layer in widths, and logits with what is made of them.
LEARNT_WIDTHS, LEARNT_LOGITS = 34, 4


def _has(study: Study, control: str) -> bool:
    return control in study.controls


def _sites(study: Study) -> list[str]:
    return study.spec["experts"]["sites"]


def response_bytes(study: Study, model: str) -> int:
    """Return the bytes of one response on disk."""
    return 2 if model_dtype(study, model) == "float16" else 4  # bfloat16 is stored as float32


def training_seconds(study: Study, model: str, shape: Shape) -> float:
    """Return the seconds in which a model is trained, on processors alone; 0 for one that is not."""
    training = study.source(model).get("train")
    if not training:
        return 0.0
    tokens = training["steps"] * training["batch"] * training["context"]
    return 6 * shape.parameters * tokens / (CPU_RATE_PER_THREAD * study.training_threads(model))


def training_bytes(study: Study, model: str, shape: Shape) -> float:
    """Return the bytes that a job holds while it trains a model."""
    training = study.source(model)["train"]
    each = LEARNT_WIDTHS * shape.layers * shape.width + LEARNT_LOGITS * training["vocabulary"]
    learnt = training["batch"] * training["context"] * each
    return LIBRARIES + NUMBER * (LEARNT_COPIES * shape.parameters + learnt)


def sentence_seconds(study: Study, model: str, shape: Shape) -> float:
    """Return the seconds in which a model reads every sentence once."""
    return forward_seconds(study, model, shape, count_sentences(study) * TOKENS_PER_SENTENCE)


def reading_seconds(study: Study, model: str, shape: Shape) -> float:
    """Return the seconds in which `collect_responses` reads a checkpoint."""
    seconds = (1 + _has(study, "word")) * sentence_seconds(study, model, shape)
    stored = (1 + _has(study, "word") + _has(study, "rotated")) * count_sentences(study)
    seconds += stored * all_units(study, shape) * response_bytes(study, model) / DISK_RATE
    seconds += loading_seconds(study, model, shape)
    if _has(study, "rotated"):
        tokens, widths = count_sentences(study) * TOKENS_PER_SENTENCE, shape.widths(_sites(study))
        turned = 2 * tokens * shape.layers * sum(width**2 for width in widths)
        made = sum(8 / 3 * width**3 for width in set(widths))  # QR, on the CPU
        seconds += turned / rate(study, "float32") + made / (CPU_RATE_PER_THREAD * study.threads)
    return seconds


def reading_bytes(study: Study, model: str, shape: Shape) -> int:
    """Return the bytes that `collect_responses` holds."""
    tokens, widths = study.spec["compute"]["batch_tokens"], shape.widths(_sites(study))
    rows = (1 + _has(study, "rotated")) * tokens // TOKENS_PER_SENTENCE
    held = held_by_model(study, model, shape) + SENTENCE_BYTES * count_sentences(study)
    held += (
        2 * rows * all_units(study, shape) * weight_bytes(study, model)
    )  # pooled, on the device and off it
    if _has(study, "rotated"):
        # Kept in float32, made in float64 from a second one; a batch's activations are turned in float32.
        held += sum(4 * width**2 for width in set(widths)) + 16 * max(widths) ** 2
        held += 8 * tokens * max(widths)
    return held


def expertise_seconds(study: Study, model: str, shape: Shape) -> float:
    """Return the seconds in which `score_experts` scores a checkpoint."""
    chosen, units = study.spec["concepts"]["sentences"], all_units(study, shape)
    kinds = 2 + sum(_has(study, control) for control in ("shuffled", "word", "rotated"))  # and the summaries
    walked = kinds * len(study.concepts) * (chosen["positives"] + chosen["negatives"])
    rows = (1 + _has(study, "word") + _has(study, "rotated")) * count_sentences(study)
    processor = scoring_seconds(study, units, walked=walked, rows=rows)
    return processor + 2 * rows * units * response_bytes(study, model) / DISK_RATE


def expertise_bytes(study: Study, model: str, shape: Shape) -> int:
    """Return the bytes that `score_experts` holds."""
    rows, per_layer = (1 + _has(study, "word")) * count_sentences(study), max(shape.widths(_sites(study)))
    strip = min(max(STRIP_BYTES, PAGE_BYTES * rows), rows * per_layer * response_bytes(study, model))
    blocks = 3 * study.threads * max(BLOCK_BYTES, 4 * BLOCK_UNITS * rows)
    arrays = 2 * (4 + len(study.controls)) * len(study.concepts) * per_layer * 4
    return LIBRARIES // 2 + strip + blocks + arrays + EXPERT_MEMORY * count_experts(study, shape)


def count_experts(study: Study, shape: Shape) -> int:
    """Return how many experts a checkpoint may have, over all concepts."""
    pairs = len(study.concepts) * all_units(study, shape)
    return int(EXPERT_SHARE * pairs * (1 + _has(study, "rotated")))
