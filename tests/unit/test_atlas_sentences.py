"""Sentences that units tell best and worst: the area under the ROC curve, and what was planted."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score
from synthetic_tables import table

from golgi.atlas.sentences import BestUnits, Separations, chosen_sentences, twice_told

VALUES = st.sampled_from([-1.0, 0.0, 0.5, 0.5, 2.0]) | st.floats(-3, 3, width=32)
RESPONSES = arrays(np.float32, (12, 5), elements=VALUES)
LABELS = [([0, 1, 2, 9], [3, 4, 5, 6, 7]), ([3, 4, 5], [0, 1, 8, 10, 11, 2])]


def told(positive, negative):
    return (positive > negative) + (positive == negative) / 2


@given(positives=st.lists(VALUES, min_size=1), negatives=st.lists(VALUES, min_size=1))
def test_every_pair_is_counted(positives, negatives):
    of_positives, of_negatives = twice_told(np.array(positives), np.array(negatives))
    assert of_positives.tolist() == [2 * sum(told(one, other) for other in negatives) for one in positives]
    assert of_negatives.tolist() == [2 * sum(told(other, one) for other in positives) for one in negatives]


@given(responses=RESPONSES)
def test_the_mean_is_the_area_under_the_roc_curve(responses):
    units = [np.array([3]), np.array([0, 4, 2])]
    separations = Separations(LABELS, units)
    separations.add(responses, 0)
    for concept, (positives, negatives) in enumerate(LABELS):
        truth = np.repeat([1, 0], [len(positives), len(negatives)])
        areas = [roc_auc_score(truth, responses[positives + negatives, unit]) for unit in units[concept]]
        for of_kind in separations.of(concept):
            assert of_kind.mean() == pytest.approx(np.mean(areas), abs=1e-12)


@given(responses=RESPONSES, start=st.integers(0, 9))
def test_blocks_of_units_change_nothing(responses, start):
    units = [np.array([start + 3]), np.array([start + 4, start, start + 2])]
    whole, parts = Separations(LABELS, units), Separations(LABELS, units)
    whole.add(responses, start)
    for first, last in ((4, 5), (0, 3), (3, 4)):
        parts.add(responses[:, first:last], start + first)
    for concept in range(2):
        for one, other in zip(whole.of(concept), parts.of(concept), strict=True):
            assert (one == other).all()


def test_half_precision_is_read_as_it_is():
    responses = np.array([[0.1], [0.2], [0.1]], np.float16)
    separations = Separations([([0], [1, 2])], [np.array([0])])
    separations.add(responses, 0)
    assert [one.tolist() for one in separations.of(0)] == [[0.25], [0.0, 0.5]]


@given(ap=arrays(np.float32, (3, 15), elements=st.sampled_from([0.1, 0.5, 0.7, 0.9])), cut=st.integers(0, 15))
def test_the_best_units_of_each_concept(ap, cut):
    best = BestUnits(3, most=4)
    for first, last in ((0, cut), (cut, 15)):
        best.add(ap[:, first:last].copy(), 7 + first)
    for concept, found in enumerate(best.experts(0.5)):
        ranked = sorted(range(15), key=lambda unit: (-ap[concept, unit], unit))[:4]
        assert best.row[concept].tolist() == [7 + unit for unit in ranked]
        assert found.tolist() == [7 + unit for unit in ranked if ap[concept, unit] >= np.float32(0.5)]


def test_there_may_be_fewer_units_than_are_read():
    best = BestUnits(1, most=4)
    best.add(np.array([[0.6, 0.8]], np.float32), 0)
    assert best.experts(0.5)[0].tolist() == [1, 0]


def pool(count):
    rows = [
        {"sentence": place, "text": f"sentence {place}", "concept": "dog" if place < 30 else "cat"}
        | {
            "category": "animal",
            "kind": ("fact", "story")[place % 2],
            "source": "files",
            "origin": "",
            "spans": "",
        }
        for place in range(count)
    ]
    return table("pool", rows)


def chosen(responses, labels, experts=1):
    separations = Separations([labels], [np.arange(responses.shape[1])])
    separations.add(responses, 0)
    return chosen_sentences(separations, np.array([experts]), ["dog"], pool(len(responses))).sort(
        "standing", "rank"
    )


def standing(frame, name):
    return frame.filter(pl.col("standing") == name)["sentence"].to_list()


def test_planted_sentences_stand_out():
    responses = np.repeat([1.0, 0.0], 30)[:, None] + np.linspace(0, 0.5, 60)[:, None]
    responses[[3, 5], 0] = -1, -2  # positives that the unit does not respond to
    responses[[40, 50], 0] = 5, 4  # negatives that it responds to more than to any positive
    frame = chosen(responses, (range(30), range(30, 60)))
    assert standing(frame, "worst")[:2] == [5, 3]
    assert standing(frame, "confused")[:2] == [40, 50]
    assert not {3, 5} & set(standing(frame, "best"))
    assert frame.filter(pl.col("sentence") == 40).select("text", "kind", "about", "positive", "units").row(
        0
    ) == (*("sentence 40", "fact", "cat", False, 1),)
    assert frame.filter(pl.col("sentence") == 5)["separation"].item() == 0
    assert frame.filter(pl.col("sentence") == 50)["separation"].item() == 0
    assert frame.group_by("standing").len().sort("standing")["len"].to_list() == [4, 4, 4]


@pytest.mark.parametrize("positives", range(1, 10))
def test_no_sentence_is_best_and_worst(positives):
    responses = np.zeros((60, 1))
    frame = chosen(responses, (range(positives), [50, 51]))
    best, worst = standing(frame, "best"), standing(frame, "worst")
    assert not set(best) & set(worst)
    assert len(best) + len(worst) == min(positives, 8)
    assert (len(best), standing(frame, "confused")) == (min(4, -(-positives // 2)), [50, 51])
    assert frame["separation"].unique().to_list() == [0.5]
