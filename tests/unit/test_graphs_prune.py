"""Pruning: the shortest context that is enough, as trying every length finds it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golgi.graphs.prune import Pivots, cut, keeps, prune, stays_below


class Table:
    """Activations by text and length of the context; the texts' last tokens tell them apart."""

    def __init__(self, values: list[list[float]]):
        self.values = values
        self.asked: list[tuple[int, int]] = []

    def pivots(self, activations) -> Pivots:
        texts = [
            np.append(np.arange(len(of_text) - 1)[::-1], number).astype(np.int32)
            for number, of_text in enumerate(self.values)
        ]
        return Pivots(10 + np.arange(len(texts)), texts, np.array(activations, np.float32))

    def probe(self, contexts, units):
        numbers = [int(context[-1]) for context in contexts]
        assert units.tolist() == [10 + number for number in numbers]
        assert all(context[:-1].tolist() == [*range(len(context) - 1)][::-1] for context in contexts)
        asked = [(number, len(context)) for number, context in zip(numbers, contexts, strict=True)]
        self.asked += asked
        return np.array([self.values[number][length - 1] for number, length in asked], np.float32)


VALUES = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 0.9, 1.0, 2.0]), min_size=1, max_size=40)


def by_trying_every_length(values, cap, enough):
    """Length, activation and whether no length is enough, of one text."""
    longest = min(cap, len(values))
    for length in range(1, longest + 1):
        if enough(values[length - 1]):
            return length, values[length - 1], False
    return longest, values[longest - 1], True


@given(texts=st.lists(VALUES, max_size=6), cap=st.integers(1, 40), share=st.sampled_from([0.25, 0.5, 1.0]))
def test_as_trying_every_length_though_activation_goes_up_and_down(texts, cap, share):
    table, whole = Table(texts), [1.0 + number / 2 for number in range(len(texts))]
    pivots = table.pivots(whole)
    for enough, alone in (
        (keeps(pivots, share), lambda number: lambda value: value >= share * whole[number]),
        (stays_below(np.array(whole)), lambda number: lambda value: value < whole[number]),
    ):
        table.asked.clear()
        pruned = prune(table.probe, pivots, enough=enough, cap=cap)
        found = zip(map(len, pruned.contexts), pruned.activations, pruned.long_range, strict=True)
        wanted = [by_trying_every_length(values, cap, alone(number)) for number, values in enumerate(texts)]
        assert list(found) == wanted
        assert len(set(table.asked)) == len(table.asked)
        assert all(length <= cap for _, length in table.asked)


def test_a_context_ends_at_its_pivot():
    table = Table([[0, 0, 1.0, 1.0]])
    pruned = prune(table.probe, table.pivots([1.0]), enough=keeps(table.pivots([1.0]), 0.5), cap=4)
    assert pruned.contexts[0].tolist() == [1, 0, 0]


def test_no_context_up_to_the_cap_is_marked_and_not_taken_for_enough():
    table = Table([[0.1] * 9 + [1.0], [0.1] * 7 + [1.0] * 3])
    pivots = table.pivots([1.0, 1.0])
    pruned = prune(table.probe, pivots, enough=keeps(pivots, 0.5), cap=8)
    assert pruned.long_range.tolist() == [True, False]
    assert [len(context) for context in pruned.contexts] == [8, 8]
    np.testing.assert_allclose(pruned.ratios(pivots), [0.1, 1.0], rtol=1e-6)


@pytest.mark.parametrize(("tokens", "probes"), [(1, 2), (3, 6), (30, 30)])
def test_lengths_are_tried_from_the_shortest_on(tokens, probes):
    table = Table([[0.0] * (tokens - 1) + [1.0] * (31 - tokens)])
    pivots = table.pivots([1.0])
    assert len(prune(table.probe, pivots, enough=keeps(pivots, 0.5), cap=30).contexts[0]) == tokens
    assert len(table.asked) == probes


def test_ratios_where_there_was_nothing_to_lose():
    table = Table([[0.5], [0.5], [0.5]])
    pivots = table.pivots([0.0, -1.0, 2.0])
    with np.errstate(all="raise"):
        assert cut(table.probe, pivots, cap=1).ratios(pivots).tolist() == [1.0, 1.0, 0.25]


def test_without_pruning_a_context_is_as_long_as_allowed():
    table = Table([[1.0, 0.5, 0.25, 2.0], [3.0]])
    uncut = cut(table.probe, table.pivots([2.0, 3.0]), cap=3)
    assert [len(context) for context in uncut.contexts] == [3, 1]
    assert uncut.activations.tolist() == [0.25, 3.0]
    assert not uncut.long_range.any()


def test_some_pivots_keep_what_belongs_to_them():
    pivots = Table([[1.0], [2.0], [3.0]]).pivots([1, 2, 3])
    some = pivots.some(np.array([2, 0]))
    assert some.units.tolist() == [12, 10]
    assert some.activations.tolist() == [3, 1]
    assert [text.tolist() for text in some.texts] == [[2], [0]]
