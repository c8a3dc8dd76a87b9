"""Compiled inner loops of average precision.

Three steps per unit: `order_rows` sorts its responses, `spell_out` writes down what each row means to each
label set, in that order, as a stream of small instructions, and `tally` obeys them. The detour through a
stream is for speed: `tally` takes most of the time, and has no branch that a processor could guess wrongly.

An instruction is one 32-bit number: the label set in the upper bits, and three flags.
"""

import numba
import numpy as np

from golgi.compiling import compiled

SIGN = np.uint32(1 << 31)
HALF = np.uint64(32)
TILE = 16  # rows turned at a time: one line of the cache
DIGIT = np.uint32(11)  # bits sorted at a time: three passes, and counters that fit the fastest cache
BUCKETS = 1 << 11
LOW = np.uint32(BUCKETS - 1)

SEEN = np.uint32(1)  # one more sentence of the set has been passed
FOUND = np.uint32(2)  # and it is a positive
CREDIT = np.uint32(4)  # add the precision at this point
FLAGS = np.uint32(3)  # how many bits the flags take
ALL = np.uint32(0xFFFFFFFF)
COUNT = np.uint32(ALL ^ CREDIT)
CREDIT_ONLY = np.uint32(ALL ^ (SEEN | FOUND))
COPY = 8  # instructions copied at once, needed or not; lists of instructions end with as many spare ones
STREAM = 4096  # instructions between two tallies: they stay in the processor's cache


@compiled
def pack_keys(bits: np.ndarray, first: int, rows: np.ndarray, keys: np.ndarray) -> None:
    """Fill keys [unit, position] from float32 bit patterns [row, unit] at rows [position].

    Units are those from `first` on. Keys are unsigned numbers that grow as responses fall; -0.0 and 0.0 have
    the same key.
    """
    for start in range(0, rows.size, TILE):
        for unit in range(keys.shape[0]):
            for position in range(start, min(start + TILE, rows.size)):
                pattern = bits[rows[position], first + unit]
                pattern = np.uint32(pattern * np.uint32(pattern != SIGN))  # -0.0 becomes 0.0
                if pattern & SIGN == 0:
                    pattern = np.uint32(~(pattern | SIGN))
                keys[unit, position] = pattern


@compiled
def order_rows(keys: np.ndarray, ordered: np.ndarray, spare: np.ndarray, counts: np.ndarray) -> None:
    """Fill ordered [position] with `key << 32 | position`, keys [position] rising.

    A radix sort; equal keys keep their order. `spare` [position] and `counts` [3, BUCKETS] are scratch.
    """
    counts[:] = 0
    for position in range(keys.size):
        key = keys[position]
        counts[0, key & LOW] += np.uint32(1)
        counts[1, key >> DIGIT & LOW] += np.uint32(1)
        counts[2, key >> DIGIT >> DIGIT] += np.uint32(1)
    for digit in range(3):
        total = np.uint32(0)
        for bucket in range(BUCKETS):
            count = counts[digit, bucket]
            counts[digit, bucket] = total
            total = np.uint32(total + count)
    for position in range(keys.size):
        key = keys[position]
        _put(np.uint64(key) << HALF | np.uint64(position), key & LOW, counts[0], ordered)
    for place in range(keys.size):
        _put(ordered[place], np.uint32(ordered[place] >> HALF) >> DIGIT & LOW, counts[1], spare)
    for place in range(keys.size):
        _put(spare[place], np.uint32(spare[place] >> HALF) >> DIGIT >> DIGIT, counts[2], ordered)


@numba.njit(inline="always")
def _put(item, bucket, counts, target):
    place = counts[bucket]
    counts[bucket] = np.uint32(place + 1)
    target[place] = item


@compiled
def tally(
    stream: np.ndarray, length: int, counters: np.ndarray, inverse: np.ndarray, total: np.ndarray
) -> None:
    """Obey `length` instructions: update counters [set] and total [set], a sum of precisions.

    A counter is `found << 32 | seen`; `inverse` [n] holds 1 / n, up to the number of rows of the largest set.
    """
    for place in range(length):
        instruction = np.uint64(stream[place])
        label_set = instruction >> np.uint64(FLAGS)
        found = instruction >> np.uint64(1) & np.uint64(1)
        counter = counters[label_set] + (found << HALF | instruction & np.uint64(1))
        counters[label_set] = counter
        credit = np.int64(counter >> HALF) * np.int64(instruction >> np.uint64(2) & np.uint64(1))
        total[label_set] += credit * inverse[np.uint32(counter)]


@numba.njit(inline="always")
def _emit(ordered, start, stop, half, program, keep, stream, length, sums):
    starts, instructions = program
    for place in range(start, stop):
        entry = np.uint64(np.uint32(ordered[place])) * np.uint64(2)
        begin, end = np.uint64(starts[entry + half]), np.uint64(starts[entry + np.uint64(2)])
        for step in range(COPY):
            stream[length + np.uint64(step)] = instructions[begin + np.uint64(step)] & keep
        for step in range(np.uint64(COPY), end - begin):
            stream[length + step] = instructions[begin + step] & keep
        length += end - begin
        if length > STREAM:
            tally(stream, length, *sums)
            length = np.uint64(0)
    return length


@numba.njit(inline="always")
def _next_run(ordered, start):
    # A run is either one group of ties or a stretch without any.
    tied = start + 1 < ordered.size and ordered[start] >> HALF == ordered[start + 1] >> HALF
    stop = start + 1
    while stop < ordered.size and (ordered[stop - 1] >> HALF == ordered[stop] >> HALF) == tied:
        stop += 1
    if not tied and stop < ordered.size:
        stop -= 1  # the last row passed belongs to the next group
    return tied, stop


@compiled
def _credit_sets(before, counters, inverse, total):
    for label_set in range(counters.size):
        found = counters[label_set] >> HALF
        gained = np.int64(found - before[label_set]) * np.int64(found)
        total[label_set] += gained * inverse[np.uint32(counters[label_set])]


@compiled
def spell_out(
    ordered: np.ndarray,
    program: tuple[np.ndarray, np.ndarray],
    stream: np.ndarray,
    sums: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    """Write the instructions of `ordered` rows to the stream and tally them into `sums`.

    `program` is as in `score_units`, `sums` are the last arguments of `tally`. Rows that tie are counted
    first and credited after, so that they share the precision at the end of their group: row by row in a
    small group, set by set in a large one.
    """
    both, positives, none = np.uint64(0), np.uint64(1), np.uint64(0)
    length, start = none, 0
    while start < ordered.size:
        tied, stop = _next_run(ordered, start)
        if not tied:
            length = _emit(ordered, start, stop, both, program, ALL, stream, length, sums)
        elif stop - start <= sums[0].size:
            length = _emit(ordered, start, stop, both, program, COUNT, stream, length, sums)
            length = _emit(ordered, start, stop, positives, program, CREDIT_ONLY, stream, length, sums)
        else:
            tally(stream, length, *sums)
            before = sums[0] >> HALF
            length = _emit(ordered, start, stop, both, program, COUNT, stream, none, sums)
            tally(stream, length, *sums)
            _credit_sets(before, *sums)
            length = none
        start = stop
    tally(stream, length, *sums)


@compiled
def score_units(
    keys: np.ndarray,
    program: tuple[np.ndarray, np.ndarray],
    inverse: np.ndarray,
    positives: np.ndarray,
    result: np.ndarray,
) -> None:
    """Fill result [set, unit] with average precision, from keys [unit, position].

    `program` is (starts, instructions): of position p, instructions[starts[2p] : starts[2p + 2]],
    and those it has as a positive begin at starts[2p + 1]. positives [set] is how many positives a set has.
    """
    places = keys.shape[1]
    ordered, spare = np.empty(places, np.uint64), np.empty(places, np.uint64)
    counts = np.empty((3, BUCKETS), np.uint32)
    longest = np.max(np.diff(program[0]))
    stream = np.empty(STREAM + 2 * longest + COPY, np.uint32)
    for unit in range(keys.shape[0]):
        order_rows(keys[unit], ordered, spare, counts)
        counters = np.zeros(positives.size, np.uint64)
        total = np.zeros(positives.size, np.float64)
        spell_out(ordered, program, stream, (counters, inverse, total))
        for label_set in range(positives.size):
            result[label_set, unit] = total[label_set] / positives[label_set]
