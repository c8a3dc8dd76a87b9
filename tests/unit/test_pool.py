"""The pool: every sentence once, of one concept, the asked-for number, whatever the order of the source."""

import random

import pytest

from golgi.concepts.lexicon import Concept, word_pattern
from golgi.concepts.pool import Candidate, choose
from golgi.concepts.sets import draw_negatives
from golgi.errors import GolgiError


def concept(name: str) -> Concept:
    return Concept(name, name, name + "s", "animal", "noun", f"a {name}")


DOG, CAT, COW = map(concept, ["dog", "cat", "cow"])


def offers(name: str, number: int, kind: str = "mention") -> list[Candidate]:
    return [Candidate(f"The {name} saw {kind} {i}.", name, kind, f"{name}:{i}") for i in range(number)]


def test_the_asked_for_number_is_chosen_whatever_the_order_of_the_candidates():
    candidates = offers("dog", 20) + offers("cat", 9)
    pool = choose(candidates, [DOG, CAT], positives=8, seed=1)
    shuffled = random.Random(0).sample(candidates, len(candidates))
    assert choose(shuffled, [DOG, CAT], positives=8, seed=1).sentences == pool.sentences
    assert [sentence.concept for sentence in pool.sentences] == ["dog"] * 8 + ["cat"] * 8
    assert pool.tallies["dog"]["surplus"] == 12


def test_the_choice_depends_on_the_seed_and_not_on_other_concepts():
    dogs = offers("dog", 40)
    alone = choose(dogs, [DOG], positives=8, seed=1).sentences
    beside = choose(dogs + offers("cat", 9), [DOG, CAT], positives=8, seed=1).sentences[:8]
    assert alone == beside
    assert choose(dogs, [DOG], positives=8, seed=2).sentences != alone


def test_repeats_within_a_concept_are_dropped_and_counted():
    repeat = Candidate("the DOG  saw mention 0.", "dog", "mention", "x")
    pool = choose([*offers("dog", 5), repeat], [DOG], positives=5, seed=0)
    assert pool.tallies["dog"] == {
        "found": 6,
        "duplicates_within": 1,
        "duplicates_across": 0,
        "surplus": 0,
        "shared": 0,
    }


def both(number: int) -> list[Candidate]:
    return [
        Candidate(f"Dog {i} chased a cat.", name, "mention", "x")
        for i in range(number)
        for name in ("dog", "cat")
    ]


def test_a_text_of_two_concepts_is_a_last_resort():
    pool = choose([*both(50), *offers("dog", 5), *offers("cat", 5)], [DOG, CAT], positives=5, seed=0)
    assert not [sentence for sentence in pool.sentences if "chased" in sentence.text]
    assert pool.tallies["dog"]["shared"] == 0


def test_a_text_is_chosen_once_and_goes_to_the_concept_with_fewer():
    pool = choose([*both(4), *offers("dog", 9), *offers("cat", 1)], [DOG, CAT], positives=5, seed=0)
    texts = [sentence.text for sentence in pool.sentences]
    assert len(set(texts)) == len(texts)
    assert pool.tallies["cat"]["shared"] == 4
    assert pool.tallies["dog"]["duplicates_across"] == 4


def test_facts_and_stories_come_in_halves():
    candidates = offers("dog", 9, "fact") + offers("dog", 9, "story")
    kinds = [sentence.kind for sentence in choose(candidates, [DOG], positives=7, seed=0).sentences]
    assert (kinds.count("fact"), kinds.count("story")) == (3, 4)


@pytest.mark.parametrize(("facts", "stories", "kept"), [(2, 9, (2, 5)), (9, 1, (6, 1)), (3, 4, (3, 4))])
def test_a_kind_that_is_short_is_taken_whole(facts, stories, kept, caplog):
    candidates = offers("dog", facts, "fact") + offers("dog", stories, "story")
    kinds = [sentence.kind for sentence in choose(candidates, [DOG], positives=7, seed=0).sentences]
    assert (kinds.count("fact"), kinds.count("story")) == kept
    assert (f"dog ({kept[0]} facts, {kept[1]} stories)" in caplog.text) == (kept != (3, 4))


def test_mentions_fill_what_facts_and_stories_leave():
    candidates = offers("dog", 1, "fact") + offers("dog", 1, "story") + offers("dog", 9)
    kinds = [sentence.kind for sentence in choose(candidates, [DOG], positives=5, seed=0).sentences]
    assert kinds == ["fact", "story", "mention", "mention", "mention"]


def test_a_source_of_one_kind_has_no_halves(caplog):
    choose(offers("dog", 9, "fact"), [DOG], positives=7, seed=0)
    assert not caplog.text


def test_all_short_concepts_are_named_at_once():
    with pytest.raises(GolgiError) as raised:
        choose(offers("dog", 3) + offers("cat", 1), [DOG, CAT, COW], positives=3, seed=0)
    assert "2 of 3 concepts" in str(raised.value)
    assert "cat: 1 (1 found" in str(raised.value)
    assert "cow: 0 (0 found" in str(raised.value)


TEXTS = ["A dog.", "Dogs ran.", "A cat.", "The cat saw DOGS.", "A cow.", "Cows eat."]
OWNERS = ["dog", "dog", "cat", "cat", "cow", "cow"]
PATTERNS = {item.name: word_pattern(item) for item in (DOG, CAT, COW)}


def test_negatives_are_of_other_concepts_and_never_name_the_concept():
    negatives = draw_negatives(TEXTS, OWNERS, PATTERNS, number=3, seed=0)
    assert negatives["dog"] == [2, 4, 5]
    for name, rows in negatives.items():
        assert all(OWNERS[row] != name and not PATTERNS[name].search(TEXTS[row]) for row in rows)


def test_negatives_are_spread_evenly_over_the_other_concepts():
    names = [f"c{i}" for i in range(7)]
    owners = [name for name in names for _ in range(30)]
    texts = [f"{owner} {row}" for row, owner in enumerate(owners)]
    patterns = {name: word_pattern(concept(name)) for name in names}
    drawn = draw_negatives(texts, owners, patterns, number=100, seed=3)["c2"]
    shares = [sum(owners[row] == name for row in drawn) for name in names if name != "c2"]
    assert len(set(drawn)) == 100
    assert max(shares) - min(shares) <= 1
    assert draw_negatives(texts, owners, patterns, number=100, seed=3)["c2"] == drawn
    assert draw_negatives(texts, owners, patterns, number=100, seed=4)["c2"] != drawn


class Counted:
    """A pattern that counts how often it is asked."""

    def __init__(self, pattern):
        self.pattern, self.asked = pattern, 0

    def search(self, text):
        self.asked += 1
        return self.pattern.search(text)


def test_no_more_sentences_are_searched_than_are_needed():
    names = [f"c{i}" for i in range(20)]
    owners = [name for name in names for _ in range(50)]
    patterns = {name: Counted(word_pattern(concept(name))) for name in names}
    draw_negatives(owners, owners, patterns, number=38, seed=3)
    assert {pattern.asked for pattern in patterns.values()} == {38}


def test_too_few_negatives_name_every_concept_that_is_short():
    with pytest.raises(GolgiError, match=r"asks for 4.*\n  dog: 3"):
        draw_negatives(TEXTS, OWNERS, PATTERNS, number=4, seed=0)
