import tracemalloc

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score

from golgi.errors import GolgiError
from golgi.experts import expertise, kernels
from golgi.experts.expertise import average_precision, response_summaries


def score(responses, sets, **options):
    return average_precision(
        lambda start, stop: responses[:, start:stop], sets, units=responses.shape[1], **options
    )


def oracle(responses, sets):
    result = np.empty((len(sets), responses.shape[1]))
    for index, (positives, negatives) in enumerate(sets):
        labels = np.repeat([1, 0], [len(positives), len(negatives)])
        rows = np.concatenate([positives, negatives]).astype(int)
        result[index] = [average_precision_score(labels, column) for column in responses[rows].T]
    return result


def random_sets(random, rows, count, positives, negatives):
    drawn = [random.permutation(rows)[: positives + negatives] for _ in range(count)]
    return [(rows[:positives], rows[positives:]) for rows in drawn]


TIES = st.sampled_from([-1e30, -2.5, -1.0, -1e-45, -0.0, 0.0, 1e-45, 0.5, 1.0, 3e30])
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=150, deadline=None)
@given(
    data=st.data(), values=st.sampled_from([TIES, FLOATS]), rows=st.integers(2, 24), units=st.integers(1, 3)
)
def test_equals_sklearn(data, values, rows, units):
    responses = data.draw(arrays(np.float32, (rows, units), elements=values))
    kinds = data.draw(arrays(np.int8, (3, rows), elements=st.integers(0, 2)))
    kinds[:, 0] = 1
    sets = [(np.flatnonzero(kind == 1), np.flatnonzero(kind == 2)) for kind in kinds]
    np.testing.assert_allclose(score(responses, sets), oracle(responses, sets), rtol=0, atol=1e-6)


@pytest.mark.parametrize("step", [None, 1e-3, 0.25, 1.0, 100.0])
def test_equals_sklearn_on_many_rows(step):
    random = np.random.default_rng(0)
    responses = random.standard_normal((3000, 70)).astype(np.float32)
    if step:
        responses = (np.round(responses / step) * step).astype(np.float32)
    sets = random_sets(random, 3000, 7, 200, 600)
    sets += [(np.arange(5), np.arange(5, 3000)), (np.arange(2999), [2999])]
    deviation = np.abs(score(responses, sets) - oracle(responses, sets)).max()
    print(f"largest deviation {deviation:.1e}")  # noqa: T201
    assert deviation <= 1e-6


def test_groups_of_ties_of_every_size():
    # Small groups are settled row by row, large ones set by set: both borders are crossed here.
    sizes = [1, 2, 3, 4, 1, 1, 9, 30, 2, 1]
    responses = np.repeat(np.arange(len(sizes), dtype=np.float32), sizes)[:, None]
    random = np.random.default_rng(0)
    sets = random_sets(random, len(responses), 3, 12, 25)
    np.testing.assert_allclose(score(responses, sets), oracle(responses, sets), rtol=0, atol=1e-7)


def test_half_precision_and_ten_thousand_sets_of_one_row():
    random = np.random.default_rng(0)
    responses = random.standard_normal((500, 3)).astype(np.float16)
    sets = random_sets(random, 500, 3000, 4, 10)  # 42,000 instructions: the stream is emptied many times over
    np.testing.assert_allclose(
        score(responses, sets)[::100], oracle(responses, sets[::100]), rtol=0, atol=1e-6
    )


def test_minus_zero_ties_with_zero():
    responses = np.array([[0.0], [-0.0], [0.0], [-0.0]], np.float32)
    assert score(responses, [([0, 1], [2, 3])])[0, 0] == 0.5


def test_perfect_and_worst_unit():
    responses = np.array([[3, -3], [2, -2], [1, -1], [0, 0]], np.float32)
    np.testing.assert_allclose(score(responses, [([0, 1], [2, 3])]), [[1.0, (1 / 3 + 2 / 4) / 2]], rtol=1e-6)


@pytest.mark.parametrize(
    ("positives", "negatives", "chance", "within"), [(400, 1000, 0.289, 0.012), (100, 100, 0.512, 0.04)]
)
def test_chance_is_the_prevalence(positives, negatives, chance, within):
    random = np.random.default_rng(0)
    responses = random.standard_normal((positives + negatives, 1500), np.float32)
    precision = score(responses, [(np.arange(positives), np.arange(positives, positives + negatives))])
    assert abs(precision.mean() - chance) < 0.003
    assert abs(precision.std() - within) < within / 4


@settings(max_examples=50, deadline=None)
@given(responses=arrays(np.float32, (12, 2), elements=st.integers(-9, 9)), shift=st.integers(-3, 3))
def test_only_ranks_matter(responses, shift):
    sets = [(np.arange(5), np.arange(5, 12))]
    np.testing.assert_array_equal(score(responses, sets), score(np.ldexp(responses, shift), sets))


def test_same_bytes_for_any_threads_blocks_and_companions(monkeypatch):
    random = np.random.default_rng(0)
    responses = np.round(random.standard_normal((300, 200)) * 4).astype(np.float32)
    sets = random_sets(random, 300, 5, 40, 90)
    alone = score(responses, sets)
    monkeypatch.setattr(expertise, "BLOCK_BYTES", 4 * 300 * 64)
    assert score(responses, sets, threads=3).tobytes() == alone.tobytes()
    monkeypatch.setattr(expertise, "STRIP_BYTES", 4 * 300 * 128)
    monkeypatch.setattr(expertise, "PAGE_BYTES", 1)
    for threads in (1, 2):
        assert score(responses, sets, threads=threads).tobytes() == alone.tobytes()
    assert np.concatenate([score(responses, [rows]) for rows in sets]).tobytes() == alone.tobytes()
    assert score(responses, sets[::-1])[::-1].tobytes() == alone.tobytes()


class Recorder:
    """Responses [row, unit] that remember which units were read, one list entry a call."""

    def __init__(self, responses):
        self.responses, self.calls = responses, []

    def __call__(self, start, stop):
        if stop > start:
            self.calls.append((start, stop))
        return self.responses[:, start:stop]


@pytest.mark.parametrize("compute", [average_precision, response_summaries])
def test_every_unit_is_read_once_and_in_strips_no_narrower_than_a_page(compute, monkeypatch):
    monkeypatch.setattr(expertise, "STRIP_BYTES", 1)
    units = 5000
    read = Recorder(np.random.default_rng(0).random((40, units)).astype(np.float16))
    compute(read, [(np.arange(9), np.arange(9, 40))], units=units, threads=2)
    assert [start for start, _ in read.calls] == [0, *(stop for _, stop in read.calls[:-1])]
    assert read.calls[-1][1] == units
    assert {2 * (stop - start) for start, stop in read.calls[:-1]} == {expertise.PAGE_BYTES}


@pytest.mark.parametrize(("rows", "itemsize"), [(1, 4), (8000, 4), (193_600, 2), (10**6, 4)])
def test_a_strip_is_a_page_of_each_row_or_more_and_bounded(rows, itemsize):
    row_bytes = expertise.strip_units(rows, itemsize) * itemsize
    assert row_bytes >= expertise.PAGE_BYTES
    assert row_bytes * rows <= max(expertise.STRIP_BYTES, expertise.PAGE_BYTES * rows)


def test_memory_is_a_strip_and_blocks_not_the_matrix(monkeypatch):
    monkeypatch.setattr(expertise, "STRIP_BYTES", 2**20)
    monkeypatch.setattr(expertise, "BLOCK_BYTES", 2**18)
    rows, units = 256, 20_000
    row = np.random.default_rng(0).random((rows, 1), np.float32)
    sets = [(np.arange(50), np.arange(50, rows))]
    average_precision(lambda start, stop: row[:, start:stop], sets, units=1)  # compiles
    tracemalloc.start()
    average_precision(lambda start, stop: np.repeat(row, stop - start, axis=1), sets, units=units)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * 2**20 + 4 * units < 4 * rows * units / 8


def test_summaries_are_numpys():
    random = np.random.default_rng(0)
    responses = random.standard_normal((90, 70)).astype(np.float32)
    sets = [*random_sets(random, 90, 4, 11, 30), ([3], [5, 6])]
    summaries = response_summaries(lambda start, stop: responses[:, start:stop], sets, units=70, threads=2)
    exact = responses.astype(np.float64)
    for index, (positives, negatives) in enumerate(sets):
        np.testing.assert_allclose(
            summaries.negative_mean[index], exact[negatives].mean(axis=0), rtol=1e-6, atol=1e-7
        )
        for values, share in ((summaries.positive_median, 0.5), (summaries.positive_p90, 0.9)):
            np.testing.assert_allclose(
                values[index], np.quantile(exact[positives], share, axis=0), rtol=1e-6, atol=1e-7
            )


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ([([], [1])], "no positives"),
        ([([0], [1]), ([0, 1], [1])], "set 1 names a row twice"),
        ([([0], [9])], "there are 3 rows"),
        ([([-1], [1])], "there are 3 rows"),
    ],
)
def test_faulty_sets(sets, message):
    with pytest.raises(GolgiError, match=message):
        score(np.zeros((3, 1), np.float32), sets)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_responses_that_are_not_finite(value):
    responses = np.zeros((3, 80), np.float32)
    responses[2, 77] = value
    with pytest.raises(GolgiError, match="unit 77 to sentence row 2"):
        score(responses, [([0], [1])])


def test_compiles_where_no_cache_can_be_written(monkeypatch):
    compile_in_memory = numba.njit

    def refuse(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return compile_in_memory(**options)

    monkeypatch.setattr(numba, "njit", refuse)
    assert kernels.compiled(lambda number: number + 1)(1) == 2


def test_nothing_to_score():
    assert score(np.zeros((3, 0), np.float32), [([0], [1])]).shape == (1, 0)
    assert score(np.zeros((3, 2), np.float32), []).shape == (0, 2)
