"""What running a model costs: rates, bytes and seconds that every estimate is reckoned with."""

from __future__ import annotations

import math

from golgi.study.plan import Study
from golgi.study.shapes import Shape

# Sustained, not peak: pooling and copying keep a model from the rates that vendors print.
GPU_RATE = {"float32": 1e13, "float16": 3e13, "bfloat16": 3e13}
CPU_RATE_PER_THREAD = 2e10
# Activations that live at once, in units of the residual stream's width.
LIVE_WIDTHS = 24
# Bytes in memory per byte of weights: TransformerLens keeps queries, keys and values once more. With a GPU
# that is in the GPU's memory, and one copy passes through the host's, which is asked for as much as well.
WEIGHTS_HELD = 1.5
LIBRARIES = 10**9  # bytes that torch and its company take before there is a model
DISK_RATE = 2e8  # bytes per second
# Processor seconds per unit: to walk one sentence of one set, and to sort one sentence.
WALK_SECONDS, SORT_SECONDS = 1e-8, 2e-8

DOWNLOAD_RATE = 1e7  # bytes per second, of a busy connection
TEXT_RATE = 1e6  # bytes per second that are cut into sentences and looked through for words
# Bytes in memory for each byte of text: 1.0 measured of an encyclopedia, 3.6 of children's stories, where
# every other sentence names a concept.
TEXT_HELD = 4
ARITHMETIC_RATE = 2e9  # operations per second of statistics, on one thread

# What a job asks for, beside its own.
STARTERS = 4e8  # bytes of the two processes that start it on a node of a cluster
TABLES = 2.5e8  # bytes of a job that reads and writes tables, with its libraries; and of one that draws
START_SECONDS = 150.0  # seconds until a job is at work, and until its files are seen: network disks are slow
NEXT_SECONDS = 20.0  # seconds until the next one of a shard is at work
SAFETY, SLACK = 1.5, 2.0  # more memory, and more time, than is reckoned with
# Where a model's shape is not known beforehand.
DEFAULT_MB, DEFAULT_MINUTES = 16000, 240


def in_megabytes(size: float) -> int:
    """Return the memory to ask for, in MB of 10^6 bytes, where a job holds `size` bytes."""
    return math.ceil((SAFETY * size + STARTERS) / 1e6)


def in_minutes(seconds: float) -> int:
    """Return the minutes to ask for where a job takes so many seconds."""
    return math.ceil(SLACK * seconds / 60)


def model_dtype(study: Study, model: str) -> str:
    """Return the number format that a model runs in."""
    return study.spec["models"][model]["dtype"]


def weight_bytes(study: Study, model: str) -> int:
    """Return the bytes of one weight."""
    return 4 if model_dtype(study, model) == "float32" else 2


def rate(study: Study, dtype: str) -> float:
    """Return the floating-point operations per second that hours are reckoned with."""
    return GPU_RATE[dtype] if study.gpu else CPU_RATE_PER_THREAD * study.threads


def forward_seconds(study: Study, model: str, shape: Shape, tokens: float) -> float:
    """Return the seconds in which a model reads so many tokens."""
    return 2 * shape.parameters * tokens / rate(study, model_dtype(study, model))


def loading_seconds(study: Study, model: str, shape: Shape) -> float:
    """Return the seconds in which weights are loaded, and hashed."""
    return 2 * weight_bytes(study, model) * shape.parameters / DISK_RATE


def scoring_seconds(study: Study, units: int, *, walked: int, rows: int) -> float:
    """Return the seconds in which units are scored: sorted over `rows`, for sets of `walked` rows in all."""
    return units * (walked * WALK_SECONDS + rows * SORT_SECONDS) / study.threads


def held_by_model(study: Study, model: str, shape: Shape) -> int:
    """Return the bytes that a model holds while it reads: libraries, weights, activations of one batch."""
    size = weight_bytes(study, model)
    batch = size * study.spec["compute"]["batch_tokens"] * shape.width * LIVE_WIDTHS
    return LIBRARIES + int(WEIGHTS_HELD * size * shape.parameters) + batch
