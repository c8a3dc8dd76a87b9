"""Microworld: its English, how much of it there is, and that its two sides never meet."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from golgi.concepts import frames
from golgi.concepts.grammar import Grammar
from golgi.concepts.lexicon import Category, Concept, Lexicon, load_lexicon, select, word_pattern
from golgi.concepts.microworld import Sentence, sentences, split, write_corpus
from golgi.concepts.phrases import finish, inflect, join, parts_of_many, pluralise
from golgi.errors import GolgiError

LEXICON = Path(__file__).parents[2] / "config" / "lexicons" / "microworld.yaml"
WORLD = load_lexicon(LEXICON)
PATTERNS = {concept.name: word_pattern(concept) for concept in WORLD.concepts}
NAMES = "|".join((*frames.SHE, *frames.HE))


@pytest.fixture(scope="module")
def written() -> list[Sentence]:
    return sentences(WORLD, WORLD.concepts, 200, seed=3)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("corpus")
    training, heldout = folder / "training.jsonl", folder / "heldout.jsonl"
    write_corpus(lexicon=LEXICON, documents=960, seed=5, training=training, heldout=heldout)
    return training, heldout


@pytest.mark.parametrize(
    ("phrase", "tense", "plural", "expected"),
    [
        ("fly", "present", False, "flies"),
        ("fly", "present", True, "fly"),
        ("fly", "past", True, "flew"),
        ("be soft", "present", True, "are soft"),
        ("be soft", "past", False, "was soft"),
        ("have wings", "present", False, "has wings"),
        ("carry people", "past", False, "carried people"),
        ("stop often", "past", False, "stopped often"),
        ("wash it", "present", False, "washes it"),
        ("bloom", "past", False, "bloomed"),
        ("play it", "past", False, "played it"),
        ("show it", "past", False, "showed it"),
    ],
)
def test_verbs_agree(phrase: str, tense: str, plural: bool, expected: str):
    assert inflect(phrase, tense, plural) == expected


@pytest.mark.parametrize(
    ("noun", "expected"),
    [("bus", "buses"), ("cherry", "cherries"), ("boy", "boys"), ("bench", "benches"), ("child", "children")],
)
def test_nouns_have_plurals(noun: str, expected: str):
    assert pluralise(noun) == expected


def test_parts_follow_the_number_of_their_owners():
    assert [parts_of_many(part) for part in ("a long neck", "an engine", "soft fur")] == [
        "long necks",
        "engines",
        "soft fur",
    ]


def test_predicates_share_their_verb():
    assert join("is red", "is soft") == "is red and soft"
    assert join("is red", "has wings") == "is red and has wings"
    assert join("isolates heat", "is red") == "isolates heat and is red"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a axe is a tool.", "An axe is a tool."),
        ("a useful hat. a hour later", "A useful hat. An hour later"),
        (
            '"what a orange hat!" she said. "is it?" he asked.',
            '"What an orange hat!" she said. "Is it?" he asked.',
        ),
    ],
)
def test_finished_text_has_articles_and_capitals(text: str, expected: str):
    assert finish(text) == expected


def test_articles_agree_with_the_next_word(written: list[Sentence]):
    for sentence in written:
        assert not re.search(r"\ba [aeio]|\ban [^aeiou]", sentence.text, re.IGNORECASE), sentence.text


def test_verbs_agree_with_the_concept(written: list[Sentence]):
    for concept in select(WORLD, only=["horse", "knife", "cherry", "glove"]):
        own = " ".join(sentence.text for sentence in written if sentence.concept == concept.name)
        one, many = concept.word, concept.plural
        assert re.search(rf"\b{one} (is|has|was)\b", own)
        assert re.search(rf"\b{many} (are|have|were)\b", own, re.IGNORECASE)
        assert not re.search(rf"\b{one} (are|have|were)\b", own)
        assert not re.search(rf"\b{many} (is|has|was)\b", own, re.IGNORECASE)
        assert not re.search(r"\b(it (are|have|were)|they (is|has|was))\b", own, re.IGNORECASE)
        assert not re.search(rf"\b(a|an|every) {many}\b|\b(two|some|most|all|many) {one}\b", own)


def test_pronouns_are_those_of_the_person_named_first(written: list[Sentence]):
    for sentence in written:
        pronoun = re.search(r'[.!?"] (?:Then )?\b(she|he)\b', sentence.text, re.IGNORECASE)
        if pronoun and "together" not in sentence.frame:
            person = re.search(rf"\b({NAMES})\b", sentence.text)[1]
            assert (person in frames.SHE) == (pronoun[1].lower() == "she"), sentence.text


def test_sentences_are_whole(written: list[Sentence]):
    for sentence in written:
        assert not re.search(r"[{}\[\]]|  | [.,!?]", sentence.text), sentence.text
        assert re.match(r'"?[A-Z]', sentence.text), sentence.text
        assert re.search(r'[.?!]"?$', sentence.text), sentence.text


def test_a_sentence_names_its_concept_and_no_other(written: list[Sentence]):
    for sentence in written:
        named = {name for name, pattern in PATTERNS.items() if pattern.search(sentence.text)}
        assert named == {sentence.concept}, sentence.text


def test_there_are_as_many_as_asked_half_of_each_kind_and_all_held_out(written: list[Sentence]):
    assert len({sentence.text for sentence in written}) == len(written) == 200 * len(WORLD.concepts)
    per_kind = Counter((sentence.concept, sentence.kind) for sentence in written)
    assert set(per_kind.values()) == {100}
    assert {split(sentence.text) for sentence in written} == {"heldout"}


def test_facts_are_in_the_present_and_stories_have_people(written: list[Sentence]):
    for sentence in written:
        has_people = bool(re.search(rf"\b({NAMES})\b", sentence.text))
        assert has_people == (sentence.kind == "story"), sentence.text
        assert sentence.frame.startswith(sentence.kind + "/")
        if sentence.kind == "fact":
            assert not re.search(r"\b(was|were|had)\b", sentence.text), sentence.text


def test_every_attribute_of_a_concept_is_spoken_of():
    horse = WORLD.by_name["horse"]
    own = " ".join(sentence.text for sentence in sentences(WORLD, [horse], 400, seed=1))
    for key, values in horse.attributes.items():
        for value in values:
            stem = (
                value.replace(" it", "").removeprefix("a ").split()[-1]
                if key != "people"
                else value.split()[0]
            )
            assert stem[:3] in own, (key, value)


def test_no_category_has_frames_of_its_own(written: list[Sentence]):
    categories = {concept.name: concept.category for concept in WORLD.concepts}
    users: dict[str, set[str]] = {}
    for sentence in written:
        for frame in re.split(r"[/+]", sentence.frame)[1:]:
            users.setdefault(frame, set()).add(categories[sentence.concept])
    alone = {frame: seen for frame, seen in users.items() if len(seen) < 4}
    assert not alone


def test_the_poorest_concepts_have_six_hundred_held_out_sentences_of_each_kind():
    poorest = sorted(WORLD.concepts, key=lambda concept: sum(map(len, concept.attributes.values())))[:5]
    many = sentences(WORLD, poorest, 1200, seed=0)
    assert len({sentence.text for sentence in many}) == 1200 * len(poorest)


def test_there_are_more_than_two_hundred_thousand_sentences():
    grammar, generator = Grammar(WORLD, WORLD.concepts), np.random.default_rng(0)
    knife = WORLD.by_name["knife"]
    texts = {grammar.until(bool, tell, knife, generator).text
             for tell in (grammar.fact, grammar.story) for _ in range(5000)}  # fmt: skip
    assert len(texts) > 200_000 / len(WORLD.concepts)


def test_a_concepts_sentences_do_not_depend_on_the_others():
    alone = sentences(WORLD, [WORLD.by_name["boat"]], 20, seed=9)
    among = sentences(WORLD, select(WORLD, ["vehicle"]), 20, seed=9)
    assert alone == [sentence for sentence in among if sentence.concept == "boat"]
    assert alone != sentences(WORLD, [WORLD.by_name["boat"]], 20, seed=10)


PLAIN = {"people": ("eat it",), "quality": ("soft", "warm"), "has": ("wings", "a tail")}


def world_of_buns(attributes: dict[str, tuple[str, ...]]) -> Lexicon:
    bun = Concept("bun", "bun", "buns", "food", "noun", "a small sweet bread", attributes)
    park = Concept("car park", "car park", "car parks", "place", "noun", "a place for cars", PLAIN)
    return Lexicon((bun, park), (Category("food"), Category("place")))


def test_a_concept_that_runs_out_is_named():
    world = world_of_buns(PLAIN)
    with pytest.raises(GolgiError, match=r"concept `bun`: Microworld has about \d+ held-out"):
        sentences(world, world.concepts, 100_000, seed=0)


def test_concepts_without_attributes_are_named():
    world = world_of_buns({})
    with pytest.raises(GolgiError, match="concepts bun: sentences from the templates of Microworld need"):
        sentences(world, world.concepts, 2, seed=0)


def test_values_that_are_other_concepts_words_are_not_used():
    world = world_of_buns({**PLAIN, "place": ("in the car  park", "in the kitchen")})
    texts = " ".join(sentence.text for sentence in sentences(world, world.concepts[:1], 200, seed=0))
    assert "kitchen" in texts
    assert "park" not in texts


@given(st.text())
def test_a_text_is_on_one_side(text: str):
    assert split(text) in ("training", "heldout")
    assert split(text) == split(text)


def test_a_fifth_is_held_out():
    sides = Counter(split(f"sentence {number}") for number in range(5000))
    assert 0.18 < sides["heldout"] / 5000 < 0.22


def texts_of(path: Path) -> list[str]:
    return [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]


def test_documents_are_paragraphs_about_every_concept(corpus: tuple[Path, Path]):
    training, heldout = (texts_of(path) for path in corpus)
    assert (len(training), len(heldout)) == (960, 48)
    for text in training:
        assert 4 <= len(re.findall(r'[.?!]"?(?= [A-Z"]|$)', text)) <= 30
        assert any(pattern.search(text) for pattern in PATTERNS.values())
    spoken = Counter(name for text in training for name, pattern in PATTERNS.items() if pattern.search(text))
    assert min(spoken[name] for name in PATTERNS) >= 15


def test_studies_never_meet_what_was_trained_on(corpus: tuple[Path, Path], written: list[Sentence]):
    training = " ".join(texts_of(corpus[0]))
    seen = [sentence.text for sentence in written if f" {sentence.text} " in f" {training} "]
    assert not seen


def test_a_sentence_and_the_story_it_opens_are_on_one_side():
    opening = "On Monday, Mia found a red apple in a bowl."
    assert (
        len({split(opening), split(f"{opening} It was sweet."), split(f'{opening} "What?" she said.')}) == 1
    )


@pytest.mark.parametrize("salt", ["1", "2"])
def test_same_seed_same_bytes_in_another_process(corpus: tuple[Path, Path], tmp_path: Path, salt: str):
    program = (
        "import sys; from pathlib import Path; from golgi.concepts.microworld import write_corpus; "
        "a, b, c = map(Path, sys.argv[1:]); "
        "write_corpus(lexicon=a, documents=960, seed=5, training=b, heldout=c)"
    )
    paths = [tmp_path / "training.jsonl", tmp_path / "heldout.jsonl"]
    environment = {**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program, LEXICON, *paths], check=True, env=environment)
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in corpus]
