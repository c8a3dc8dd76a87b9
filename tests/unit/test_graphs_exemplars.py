"""Exemplars: one pass over a text in any pieces finds what looking at the whole of it finds."""

import numpy as np
import pytest
from graph_worlds import brute_force
from hypothesis import given, settings
from hypothesis import strategies as st

from golgi.graphs.exemplars import Finder

SHARES = [-1.0, -0.25, 0.0, 0.25, 0.5, 1.0, 1.25, 2.0]  # few, so that there are ties


@st.composite
def texts(draw):
    """Peaks and places [window, unit], documents, luck, and where the text is cut into calls."""
    windows, units = draw(st.integers(1, 25)), draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    values = random.choice(SHARES, (windows, units)).astype(np.float32)
    values[:, 0] *= draw(st.sampled_from([1, -1]))  # so that some units are dead
    places = random.integers(0, 9, values.shape).astype(np.int32)
    documents = np.cumsum(random.random(windows) < draw(st.sampled_from([0.2, 0.7, 1.0])))
    luck = random.integers(0, draw(st.sampled_from([4, 1000])), windows) / 1000
    cuts = draw(st.sets(st.integers(1, windows), max_size=6))
    return values, places, documents, luck, sorted(cuts | {windows})


def stream(values, places, documents, luck, cuts, **limits):
    finder = Finder(values.shape[1], **limits)
    for start, stop in zip([0, *cuts], cuts, strict=False):
        numbers = np.arange(start, stop)
        part = {"windows": numbers, "documents": documents[numbers], "luck": luck[numbers]}
        finder.add(values[numbers], places[numbers], **part)
    return finder.exemplars()


def rows_of(found):
    columns = (found.unit, found.window, found.token, found.activation, found.strongest)
    return list(zip(*columns, strict=True))


@settings(deadline=None)  # the first call compiles
@given(
    text=texts(),
    strongest=st.integers(1, 5),
    firings=st.integers(0, 5),
    fires=st.sampled_from([0.25, 0.5, 1.0]),
    weakest=st.sampled_from([0.0, 0.5, 0.9]),
)
def test_a_text_in_any_pieces_is_the_whole_text(text, **limits):
    found = stream(*text, **limits)
    rows, weak = brute_force(*text[:4], **limits)
    assert rows_of(found) == rows
    assert found.weak.tolist() == weak
    np.testing.assert_array_equal(found.maximum, text[0].max(axis=0))


LIMITS = {"strongest": 3, "firings": 4, "fires": 0.5, "weakest": 0.5}


def find_one(values, *, documents=None, luck=None, cuts=None, **changes):
    """The exemplars of one unit whose windows peak at these values, each at the token of its number."""
    count = len(values)
    documents = np.arange(count) if documents is None else np.array(documents)
    luck = np.linspace(1, 0, count) if luck is None else np.array(luck)
    column = np.array(values, np.float32)[:, None]
    return stream(column, np.arange(count)[:, None], documents, luck, cuts or [count], **LIMITS | changes)


@pytest.mark.parametrize("cuts", [[4], [1, 4], [2, 4], [3, 4], [1, 2, 3, 4]])
def test_one_window_a_document_though_it_comes_in_pieces(cuts):
    found = find_one([1.5, 2.0, 2.0, 1.0], documents=[7, 7, 7, 9], cuts=cuts, firings=0)
    assert found.window.tolist() == [1, 3]
    assert found.token.tolist() == [1, 3]


def test_in_a_tie_the_earlier_window_counts():
    found = find_one([1, 2, 2, 1, 2, 2], firings=0, cuts=[2, 3, 6])
    assert found.window.tolist() == [1, 2, 4]


def test_windows_that_are_too_weak_are_counted():
    found = find_one([2.0, 0.75, 0.5, 0.25], strongest=3)
    assert found.window[found.strongest].tolist() == [0]
    assert found.weak.tolist() == [2]


@pytest.mark.parametrize("values", [[-2.0, -1.0], [0.0, -1.0]])
def test_a_unit_that_never_rises_above_zero_has_none(values):
    found = find_one(values)
    assert not len(found.unit)
    assert found.weak.tolist() == [0]
    assert found.maximum.tolist() == [max(values)]


def test_firings_are_measured_against_the_final_maximum():
    # When window 2 comes, windows 0 and 1 fire, and one alone is to be kept; by window 3 only 1 does.
    values, luck = [1.0, 1.8, 1.9, 2.2], [0.9, 0.5, 0.4, 0.1]
    for cuts in ([4], [1, 2, 3, 4]):
        found = find_one(values, luck=luck, cuts=cuts, strongest=1, firings=1)
        assert found.window.tolist() == [3, 1]
        assert found.strongest.tolist() == [True, False]


def test_more_firings_than_wanted_are_drawn_by_luck():
    luck = [0.1, 0.8, 0.3, 0.9, 0.2, 0.7]
    found = find_one([2.0, 1, 1, 1, 1, 1], luck=luck, strongest=1, firings=3)
    assert found.window.tolist() == [0, 1, 3, 5]


def test_memory_for_firings_hardly_grows_with_the_text():
    random = np.random.default_rng(0)
    finder = Finder(2, **LIMITS | {"firings": 10})
    for start in range(0, 4000, 100):
        values = random.uniform(1, 2, (100, 2)).astype(np.float32)
        windows = np.arange(start, start + 100)
        finder.add(
            values, np.zeros((100, 2), int), windows=windows, documents=windows, luck=random.random(100)
        )
    assert finder._drawn._luck.shape[1] < 10 * (2 + np.log(4000 / 10))
