"""Facts that read like stories, stories that read like facts, and what is done where all are swapped."""

import logging

import numpy as np
import pytest
from written_replies import CONCEPTS, written_replies, written_verdicts

from golgi.concepts import microworld
from golgi.concepts.lexicon import load_lexicon
from golgi.study.writing import LEAST_ORIENTATION
from golgi.writing.kinds import KindGate, Told, are_swapped, reference
from golgi.writing.parsing import parse_reply

SURE = 0.9
NONSENSE = [("dog", "blick"), ("cat", "dax"), ("car", "wug"), ("boat", "zorp")]
OTHER = {"fact": "story", "story": "fact"}


@pytest.fixture(scope="module")
def told() -> list[Told]:
    """The good sentences of the replies written by hand."""
    bad = written_verdicts()
    return [
        Told(text, concept, kind)
        for (concept, kind), replies in written_replies().items()
        for draw, reply in enumerate(replies)
        for text in parse_reply(reply).items
        if (concept, kind, draw, text) not in bad
    ]


def swapped(told: list[Told], those: np.ndarray) -> list[Told]:
    return [
        one._replace(kind=OTHER[one.kind]) if swap else one for one, swap in zip(told, those, strict=True)
    ]


def test_few_good_sentences_are_told(told: list[Told]):
    chances = KindGate("en", SURE).swapped(told)
    assert np.mean(chances >= SURE) < 0.02
    assert np.mean(chances < 0.5) > 0.9


def test_swapped_sentences_among_good_ones_are_told(told: list[Told]):
    those = np.random.default_rng(0).random(len(told)) < 0.05
    chances = KindGate("en", SURE).swapped(swapped(told, those))
    assert np.mean(chances[those] >= SURE) > 0.4
    assert np.mean(chances[those] >= 0.5) > 0.7
    assert np.mean(chances[~those] >= SURE) < 0.02


@pytest.mark.parametrize("concept", CONCEPTS)
def test_a_concept_whose_kinds_are_swapped_is_told_by_the_others(told: list[Told], concept: str):
    those = np.array([one.concept == concept for one in told])
    chances = KindGate("en", SURE).swapped(swapped(told, those))
    assert np.median(chances[those]) > 0.8
    assert np.mean(chances[~those] >= SURE) < 0.03


def test_later_sentences_are_judged_by_the_first(told: list[Told]):
    first = [one for one in told if one.concept != "school"]
    later = [one for one in told if one.concept == "school"]
    gate, again = KindGate("en", SURE), KindGate("en", SURE)
    assert np.array_equal(gate.swapped(first), again.swapped(first))
    chances = gate.swapped(later)
    again.swapped(swapped(told, np.ones(len(told), dtype=bool)))  # nothing is learned from later ones
    assert np.array_equal(chances, again.swapped(later))
    assert np.mean(chances < 0.5) > 0.85


def test_the_order_of_concepts_is_no_matter(told: list[Told]):
    chances = KindGate("en", SURE).swapped(told)
    alone = [KindGate("en", SURE).swapped([*told[start:], *told[:start]]) for start in (0, 100)]
    assert np.array_equal(chances, alone[0])
    assert np.mean((np.roll(alone[1], 100) >= SURE) == (chances >= SURE)) > 0.97


def test_kinds_that_are_all_swapped_are_seen(told: list[Told]):
    gate = KindGate("en", SURE)
    assert gate.orientation is None
    gate.swapped(swapped(told, np.ones(len(told), dtype=bool)))
    assert gate.orientation < LEAST_ORIENTATION
    assert are_swapped(gate.orientation)


def test_orientation_is_known_in_english_alone(told: list[Told]):
    gate = KindGate("de", SURE)
    assert len(gate.swapped(swapped(told, np.ones(len(told), dtype=bool)))) == len(told)
    assert gate.orientation is None
    assert not are_swapped(None)


@pytest.mark.parametrize("number", [3, 4, 8])
def test_few_sentences_suffice_for_the_orientation(told: list[Told], number: int):
    few = [one for one in told if one.concept in CONCEPTS[:number]]
    right, wrong = KindGate("en", SURE), KindGate("en", SURE)
    right.swapped(few)
    wrong.swapped(swapped(few, np.ones(len(few), dtype=bool)))
    assert wrong.orientation < LEAST_ORIENTATION <= right.orientation
    first = right.orientation
    right.swapped(swapped(few, np.ones(len(few), dtype=bool)))
    assert right.orientation == first


@pytest.mark.parametrize(
    "few",
    [
        lambda told: [],
        lambda told: [one for one in told if one.concept in ("dog", "cat")],
        lambda told: [one for one in told if one.kind == "fact"],
        lambda told: [one for one in told if one.kind == "fact" or one.concept == "dog"],
        lambda told: told[::12],
    ],
)
def test_too_few_to_fit_to_tells_nothing_and_says_so(told: list[Told], few, caplog: pytest.LogCaptureFixture):
    gate = KindGate("en", SURE)
    with caplog.at_level(logging.WARNING):
        assert not gate.swapped(few(told)).any()
    assert "not looked at: that takes 3 concepts and 30 sentences of each kind" in caplog.text
    assert not gate.swapped(told).any()  # nor later: verdicts would depend on how replies fall into rounds


def test_the_reference_is_always_the_same():
    assert reference() == reference()
    assert sum(one.kind == "fact" for one in reference()) == len(reference()) // 2


def test_plain_sentences_of_templates_are_told_apart(root):
    lexicon = load_lexicon(root / "config" / "lexicons" / "microworld.yaml")
    written = microworld.sentences(lexicon, lexicon.concepts, 20, seed=0)
    chances = KindGate("en", SURE).swapped([Told(one.text, one.concept, one.kind) for one in written])
    assert np.mean(chances >= SURE) < 0.002


def test_a_kind_that_is_told_altogether_is_learned_from_all_the_same():
    told = [Told(f"{word} {number} one", name, "fact") for name, word in NONSENSE for number in range(40)]
    told += [Told(f"{word} {number} two", name, "story") for name, word in NONSENSE for number in range(40)]
    gate = KindGate("en", sure=0.0)
    gate.swapped(told)
    assert len(gate.swapped(told[:5])) == 5
