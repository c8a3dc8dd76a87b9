"""Score other label sets than the study's own on stored responses, in a bounded amount of memory."""

from collections.abc import Iterator, Sequence

import numpy as np

from golgi.errors import GolgiError
from golgi.experts.expertise import BATCH_UNITS, Rows, average_precision
from golgi.experts.scoring import in_order
from golgi.tables import Arrays

BLOCK_BYTES = 64 * 2**20  # of average precision [set, unit] at a time
PASS_ROWS = 4_000_000  # rows that the label sets of one pass over the units may name together


def concept_passes(concepts: int, rows_each: int, *, most: int | None = None) -> Iterator[slice]:
    """Yield slices of the concepts, so that the label sets of one pass name at most `PASS_ROWS` rows.

    `rows_each` are those of a concept. A slice has at most `most` concepts, and one at least.
    """
    size = max(1, min(PASS_ROWS // max(rows_each, 1), concepts if most is None else most))
    return (slice(start, min(start + size, concepts)) for start in range(0, concepts, size))


def scored_blocks(
    responses: Arrays, sets: Sequence[Rows], *, threads: int = 1
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Yield (site/layer, first unit, average precision [set, unit]) of the units, some at a time.

    `responses` holds "{site}/{layer}" [row, unit]; AP as in Suau et al. 2020, sec. 3. Every unit's responses
    are sorted once, whatever the number of sets. Raises GolgiError if sets and responses do not fit.
    """
    width = max(BATCH_UNITS, BLOCK_BYTES // (4 * max(len(sets), 1)) // BATCH_UNITS * BATCH_UNITS)
    for name in in_order(responses.names):
        units = responses.shape(name)[1]
        for start in range(0, units, width):
            yield name, start, _score(responses, name, (start, min(start + width, units)), sets, threads)


def _score(
    responses: Arrays, name: str, span: tuple[int, int], sets: Sequence[Rows], threads: int
) -> np.ndarray:
    first, stop = span

    def read(start: int, end: int) -> np.ndarray:
        return responses.columns(name, first + start, first + end)

    try:
        return average_precision(read, sets, units=stop - first, threads=threads)
    except GolgiError as error:
        raise GolgiError(f"{responses.path}, {name}, units {first} to {stop - 1}: {error}") from error
