"""Saliency: what is lost, and what is set free, when one token is masked."""

import numpy as np
import pytest

from golgi.graphs.saliency import measure_importance, measure_silencing, replaced

NEUTRAL = 77


class Unit:
    """Answers with a sum of weights by token, and keeps what it was asked."""

    def __init__(self, **weights):
        self.weights = {int(name[1:]): weight for name, weight in weights.items()}
        self.asked: list[list[int]] = []

    def probe(self, contexts, units):
        self.asked += [context.tolist() for context in contexts]
        return np.array([sum(self.weights.get(int(t), 0) for t in c) for c in contexts], np.float32)


def importance(unit, *contexts, neutral=NEUTRAL):
    contexts = [np.array(context, np.int32) for context in contexts]
    activations = unit.probe(contexts, None)
    unit.asked.clear()
    with np.errstate(all="raise"):
        return measure_importance(
            unit.probe, contexts, np.arange(len(contexts)), activations, neutral=neutral
        )


def test_importance_is_the_share_that_is_lost():
    unit = Unit(t1=1.0, t2=3.0, t3=-2.0, t9=4.0)
    first, second = importance(unit, [2, 1, 5, 9], [3, 9])
    np.testing.assert_allclose(first, [3 / 8, 1 / 8, 0, 1])
    assert second.tolist() == [0, 1]  # without token 3 it is stronger: nothing is lost
    assert unit.asked == [[77, 1, 5, 9], [2, 77, 5, 9], [2, 1, 77, 9], [77, 9]]


def test_more_than_all_is_not_lost():
    assert importance(Unit(t1=3.0, t9=-2.0), [1, 9])[0].tolist() == [1, 1]


@pytest.mark.parametrize("pivot", [-1.0, -0.5])
def test_where_nothing_is_there_nothing_can_be_lost(pivot):
    assert importance(Unit(t1=0.5, t9=pivot), [1, 2, 9])[0].tolist() == [0, 0, 1]


def test_the_pivot_is_never_masked():
    unit = Unit(t9=1.0)
    assert [one.tolist() for one in importance(unit, [9], [9])] == [[1], [1]]
    assert unit.asked == []
    assert importance(unit) == []


@pytest.mark.parametrize("neutral", [0, 3, 50256])
def test_the_token_that_masks_is_the_one_that_is_named(neutral):
    unit = Unit(t1=1.0, t9=1.0)
    assert importance(unit, [1, 1, 9], neutral=neutral)[0].tolist() == pytest.approx([1 / 3, 1 / 3, 1])
    assert unit.asked == [[neutral, 1, 9], [1, neutral, 9]]


def test_a_token_silences_that_keeps_a_unit_below_its_limit():
    unit = Unit(t1=-3.0, t2=-0.5, t3=0.25, t9=2.0)
    context = np.array([1, 2, 3, 9], np.int32)
    silence = measure_silencing(
        unit.probe,
        [context],
        np.zeros(1, int),
        unit.probe([context], None),  # -1.25
        np.array([1.0], np.float32),  # 2.25 above it
        neutral=NEUTRAL,
    )
    np.testing.assert_allclose(silence[0], [1, 0.5 / 2.25, 0, 1])


def test_a_unit_at_its_limit_divides_by_no_zero():
    unit, context = Unit(t1=-1.0, t9=2.0), np.array([1, 9], np.int32)
    now = unit.probe([context], None)
    with np.errstate(all="raise"):
        silence = measure_silencing(unit.probe, [context], np.zeros(1, int), now, now, neutral=NEUTRAL)
    assert silence[0].tolist() == [1, 1]


def test_a_replaced_token_leaves_the_context_as_it_was():
    context = np.array([1, 2, 3], np.int32)
    assert replaced(context, 1, 9).tolist() == [1, 9, 3]
    assert context.tolist() == [1, 2, 3]
