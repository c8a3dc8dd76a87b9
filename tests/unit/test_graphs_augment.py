"""Augmentation: other tokens in the important places, never the original, whether they fire or not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from golgi.graphs.augment import augment, no_variants
from golgi.graphs.prune import Pivots, Pruned


class Model:
    """The last token's activation is the sum of its context's ids; proposals are as they are told."""

    def __init__(self, proposed):
        self.proposed = proposed
        self.asked = []

    def probe(self, contexts, units):
        return np.array([context.sum() + 1000 * unit for context, unit in zip(contexts, units, strict=True)])

    def propose(self, texts, places, k):
        self.asked = [(text.tolist(), place) for text, place in zip(texts, places, strict=True)]
        rows = [self.proposed(text, place) for text, place in zip(texts, places, strict=True)]
        return np.array([(row + [-1] * k)[:k] for row in rows], np.int64)


def vary(proposed, text, context, importances, *, candidates=5, substitute=0.8, unit=0):
    model = Model(proposed)
    text, context = np.array(text, np.int32), np.array(context, np.int32)
    pivots = Pivots(np.array([unit]), [text], np.ones(1, np.float32))
    pruned = Pruned([context], np.ones(1, np.float32), np.zeros(1, bool))
    limits = {"substitute": substitute, "candidates": candidates}
    made = augment(model.probe, model.propose, pivots, pruned, [np.array(importances)], **limits)
    return made, model


def rows_of(variants):
    columns = (variants.pivot, variants.place, variants.token, variants.activations)
    return [tuple(float(one) for one in row) for row in zip(*columns, strict=True)]


def test_tokens_that_matter_are_replaced_one_at_a_time_the_pivot_too():
    made, model = vary(lambda text, place: [7, 8], [9, 4, 5, 6], [4, 5, 6], [0.8, 0.79, 1.0], unit=2)
    assert model.asked == [([9, 4, 5, 6], 1), ([9, 4, 5, 6], 3)]  # places in the whole text
    assert rows_of(made) == [
        (0, 0, 7, 2018),
        (0, 0, 8, 2019),
        (0, 2, 7, 2016),
        (0, 2, 8, 2017),
    ]


@given(st.lists(st.integers(1, 6), unique=True, max_size=8), st.integers(1, 5), st.integers(1, 6))
def test_the_original_is_no_substitute_and_costs_no_place(proposed, candidates, original):
    made, _ = vary(lambda text, place: proposed, [original], [original], [1.0], candidates=candidates)
    wanted = [token for token in proposed if token != original]
    # One more than wanted is asked for, so that the original takes nobody's place.
    assert made.token.tolist() == wanted[:candidates]


def test_fewer_proposals_than_wanted_are_all_there_are():
    made, _ = vary(lambda text, place: [3], [1, 2], [1, 2], [1.0, 1.0])
    assert made.token.tolist() == [3, 3]
    none, _ = vary(lambda text, place: [2], [2], [2], [1.0])
    assert rows_of(none) == []


def test_variants_that_fire_and_that_do_not_are_kept_with_what_was_measured():
    made, _ = vary(lambda text, place: [500, 0] if place == 0 else [], [1, 2], [1, 2], [1.0, 1.0])
    assert rows_of(made) == [(0, 0, 500, 502), (0, 0, 0, 2)]


def test_nothing_that_matters_is_nothing_to_ask():
    model = Model(None)
    pivots = Pivots(np.zeros(0, int), [], np.zeros(0, np.float32))
    pruned = Pruned([], np.zeros(0, np.float32), np.zeros(0, bool))
    made = augment(model.probe, model.propose, pivots, pruned, [], substitute=0.8, candidates=5)
    assert rows_of(made) == rows_of(no_variants()) == []
