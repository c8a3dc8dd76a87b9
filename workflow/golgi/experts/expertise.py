"""Average precision of many units for many label sets, from one sort per unit.

Concepts, folds, shuffled labels and masked sentences are all label sets over the rows of one response
matrix. The rows are sorted once per unit; one walk down that order serves every set.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from golgi.errors import GolgiError
from golgi.experts.kernels import COPY, CREDIT, FLAGS, FOUND, SEEN, pack_keys, score_units

# Responses lie row by row on the disk, and a strip of units is read at a time: this many bytes of them or,
# with very many rows, one page of each. Were strips narrower than a page, many would read every page again.
STRIP_BYTES = 256 * 2**20
PAGE_BYTES = 4096
BLOCK_BYTES = 32 * 2**20  # of a strip, scored at a time by one thread
BATCH_UNITS = 64  # units whose keys are sorted and walked together: they stay in the processor's cache

Read = Callable[[int, int], np.ndarray]
Rows = tuple[Sequence[int] | np.ndarray, Sequence[int] | np.ndarray]


@dataclass(frozen=True)
class Summaries:
    """Responses of each set summed up, each [set, unit] float32, in the unit of the responses."""

    negative_mean: np.ndarray
    positive_median: np.ndarray
    positive_p90: np.ndarray


def average_precision(read: Read, sets: Sequence[Rows], *, units: int, threads: int = 1) -> np.ndarray:
    """Return average precision [set, unit] float32 of each unit's response as a classifier of each set.

    AP = sum over distinct responses of (R_n - R_{n-1}) P_n (Suau et al. 2020, sec. 3), with ties grouped:
    scikit-learn's `average_precision_score`. `read(start, stop)` returns the responses [row, stop - start]
    of some units; a set is (positive rows, negative rows). The result does not depend on `threads`. Memory
    is that of one strip (256 MiB, or 4 KiB of each row if that is more) and of three blocks a thread.
    Raises GolgiError for a set without positives, a row named twice in a set or beyond the responses, and a
    response that is not finite.

    >>> responses = np.array([[0.9], [0.8], [0.7], [0.1]], np.float32)
    >>> average_precision(lambda start, stop: responses[:, start:stop], [([0, 2], [1, 3])], units=1)
    array([[0.8333333]], dtype=float32)
    """
    labels = _index_labels(sets)
    result = np.empty((len(sets), units), np.float32)

    def score(block: np.ndarray, start: int) -> None:
        _check_rows(labels.rows, len(block))
        for first in range(0, block.shape[1], BATCH_UNITS):
            last = min(first + BATCH_UNITS, block.shape[1])
            result[:, start + first : start + last] = _score_batch(block, first, last, labels)

    if sets:
        _each_block(score, read, units=units, threads=threads)
    return result


def response_summaries(read: Read, sets: Sequence[Rows], *, units: int, threads: int = 1) -> Summaries:
    """Return each unit's mean response to negatives, and median and 90th percentile to positives, per set.

    Arguments as in `average_precision`; percentiles interpolate linearly, as numpy's do by default.
    These are the values interventions set a unit to (Suau et al. 2020). Raises GolgiError also for a
    set without negatives.
    """
    for index, (positives, negatives) in enumerate(sets):
        _check_set(index, positives, negatives)
        if len(negatives) == 0:
            raise GolgiError(f"Label set {index} has no negatives.")
    summaries = Summaries(*(np.empty((len(sets), units), np.float32) for _ in range(3)))

    def summarise(block: np.ndarray, start: int) -> None:
        stop = start + block.shape[1]
        for index, (positives, negatives) in enumerate(sets):
            ordered = np.sort(block[positives].T, axis=1)  # [unit, positive], contiguous
            summaries.negative_mean[index, start:stop] = block[negatives].mean(axis=0, dtype=np.float64)
            summaries.positive_median[index, start:stop] = _quantile(ordered, 0.5)
            summaries.positive_p90[index, start:stop] = _quantile(ordered, 0.9)

    _each_block(summarise, read, units=units, threads=threads)
    return summaries


def _quantile(ordered: np.ndarray, share: float) -> np.ndarray:
    place = share * (ordered.shape[1] - 1)
    below = int(place)
    above = min(below + 1, ordered.shape[1] - 1)
    low, high = ordered[:, below].astype(np.float64), ordered[:, above].astype(np.float64)
    return low + (high - low) * (place - below)


@dataclass(frozen=True)
class _Labels:
    rows: np.ndarray  # [position] rows that some set names
    starts: np.ndarray  # [2 * position + 1] where instructions begin: of negatives, then of positives
    instructions: np.ndarray  # [entry + COPY] uint32
    inverse: np.ndarray  # [count + 1] 1 / count
    positives: np.ndarray  # [set]


def _index_labels(sets: Sequence[Rows]) -> _Labels:
    for index, (positives, negatives) in enumerate(sets):
        _check_set(index, positives, negatives)
    negative_rows, negative_sets = _flatten([negatives for _, negatives in sets])
    positive_rows, positive_sets = _flatten([positives for positives, _ in sets])
    rows = np.union1d(positive_rows, negative_rows)
    places = np.concatenate(
        [2 * np.searchsorted(rows, negative_rows), 2 * np.searchsorted(rows, positive_rows) + 1]
    )
    order = np.argsort(places, kind="stable")
    instructions = np.concatenate(
        [negative_sets << FLAGS | SEEN, positive_sets << FLAGS | SEEN | FOUND | CREDIT]
    )
    largest = max((len(positives) + len(negatives) for positives, negatives in sets), default=0)
    return _Labels(
        rows=rows,
        starts=np.searchsorted(places[order], np.arange(2 * len(rows) + 1)),
        instructions=np.concatenate([instructions[order], np.zeros(COPY, np.uint32)]),
        inverse=np.concatenate([[0.0], 1 / np.arange(1, largest + 1)]),
        positives=np.bincount(positive_sets, minlength=len(sets)),
    )


def _check_set(
    index: int, positives: Sequence[int] | np.ndarray, negatives: Sequence[int] | np.ndarray
) -> None:
    named = np.concatenate([np.asarray(positives, np.int64), np.asarray(negatives, np.int64)])
    if len(positives) == 0:
        raise GolgiError(f"Label set {index} has no positives.")
    if len(np.unique(named)) != len(named):
        raise GolgiError(f"Label set {index} names a row twice.")


def _flatten(rows_of_sets: list[Sequence[int] | np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    rows = np.concatenate([np.empty(0, np.int64), *(np.asarray(rows, np.int64) for rows in rows_of_sets)])
    sets = np.repeat(np.arange(len(rows_of_sets), dtype=np.uint32), [len(rows) for rows in rows_of_sets])
    return rows, sets


def _score_batch(block: np.ndarray, first: int, last: int, labels: _Labels) -> np.ndarray:
    keys = np.empty((last - first, len(labels.rows)), np.uint32)
    result = np.empty((len(labels.positives), last - first), np.float32)
    pack_keys(block.view(np.uint32), first, labels.rows, keys)
    score_units(keys, (labels.starts, labels.instructions), labels.inverse, labels.positives, result)
    return result


def _check_rows(rows: np.ndarray, available: int) -> None:
    # The compiled loops do not check bounds.
    if len(rows) and (rows[0] < 0 or rows[-1] >= available):
        raise GolgiError(f"label sets name rows {rows[0]} to {rows[-1]}, but there are {available} rows.")


Work = Callable[[np.ndarray, int], None]  # on responses [row, unit] and the number of their first unit


def _each_block(work: Work, read: Read, *, units: int, threads: int) -> None:
    empty = read(0, 0)
    strip, block = strip_units(len(empty), empty.itemsize), block_units(len(empty))
    with ThreadPoolExecutor(threads) as pool:
        each = map if threads == 1 else pool.map
        for start in range(0, units, strip):
            _each_block_of(work, read(start, min(start + strip, units)), start, block, each)


def strip_units(rows: int, itemsize: int) -> int:
    """Return how many units are read at a time, of responses to `rows` sentences of `itemsize` bytes each."""
    row_bytes = max(PAGE_BYTES, STRIP_BYTES // max(rows, 1))
    return max(BATCH_UNITS, row_bytes // itemsize // BATCH_UNITS * BATCH_UNITS)


def block_units(rows: int) -> int:
    """Return how many units of a strip a thread scores at a time."""
    return max(BATCH_UNITS, BLOCK_BYTES // (4 * max(rows, 1)) // BATCH_UNITS * BATCH_UNITS)


def _each_block_of(work: Work, strip: np.ndarray, start: int, width: int, each: Callable) -> None:
    def run(first: int) -> None:
        work(_finite_block(strip[:, first : first + width], start + first), start + first)

    list(each(run, range(0, strip.shape[1], width)))


def _finite_block(responses: np.ndarray, start: int) -> np.ndarray:
    block = np.ascontiguousarray(responses, dtype=np.float32)
    finite = np.isfinite(block)
    if not finite.all():
        row, unit = np.argwhere(~finite)[0]
        raise GolgiError(
            f"the response of unit {start + unit} to sentence row {row} is {block[row, unit]}, not a number."
        )
    return block
