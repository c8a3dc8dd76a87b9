"""Held-out text of interventions: none of it is in the pool, words are found whole, and shortage is told."""

import json
from pathlib import Path

import polars as pl
import pytest

from golgi.concepts.intervention_text import (
    beginning,
    choose_concepts,
    read_intervention_text,
    study_concepts,
    write_intervention_text,
)
from golgi.concepts.lexicon import load_lexicon
from golgi.concepts.microworld import split
from golgi.errors import GolgiError
from golgi.tables import table_schema, write_table

LEXICON = Path(__file__).parents[2] / "config" / "lexicons" / "microworld.yaml"
NAMES = ["dog", "cat", "bus"]
POOL = ["The  DOG ran to the big house.", "It was known before by everyone. Then they forgot it again."]


@pytest.fixture
def tables(tmp_path):
    """The pool and the concepts of a study of dogs, cats and buses."""
    known = load_lexicon(LEXICON).by_name
    rows = [
        {"index": number, "concept": name, "word": known[name].word, "plural": known[name].plural}
        for number, name in enumerate(NAMES)
    ]
    write(rows, tmp_path / "concepts.parquet", "concepts")
    write([{"sentence": n, "text": text} for n, text in enumerate(POOL)], tmp_path / "pool.parquet", "pool")
    return {"concepts": tmp_path / "concepts.parquet", "pool": tmp_path / "pool.parquet"}


def write(rows, path, schema):
    blanks = {"str": "", "int": 0, "float": 0.0, "bool": False}
    blank = {column["name"]: blanks[column["type"]] for column in table_schema(schema)["columns"]}
    write_table(pl.DataFrame([blank | row for row in rows]), path, schema=schema)


@pytest.fixture
def held_out(tmp_path, tables):
    """Write the text of some documents, or of the microworld, and read it again."""

    def run(documents=None, *, chosen=NAMES, prompts=4, continuations=3, neutral=20, seed=0):
        source = "microworld"
        if documents is not None:
            source = [str(tmp_path / "own.jsonl")]
            lines = (json.dumps({"text": text}) + "\n" for text in documents)
            (tmp_path / "own.jsonl").write_text("".join(lines))
        amounts = {"prompts": prompts, "continuations": continuations, "neutral": neutral, "seed": seed}
        out = tmp_path / "texts.jsonl"
        write_intervention_text(source=source, lexicon=LEXICON, **tables, chosen=chosen, **amounts, texts=out)
        return read_intervention_text(out)

    return run


DOCUMENTS = [
    "The dog ran to the big  house. Two dogs met a cat near the gate. Nobody knew what to do then.",
    "A hotdog is a warm thing to eat. The CATS slept all day in it. No. It was known before by everyone.",
    "Nobody knew what to say about it. Then they forgot it again. Every bus was late that rainy day.",
]


def test_sentences_are_those_of_the_text_that_are_not_in_the_pool(held_out):
    texts = {line.text: sorted(line.spans) for line in held_out(DOCUMENTS)}
    assert texts == {
        "Two dogs met a cat near the gate.": ["cat", "dog"],
        "Nobody knew what to do then.": [],
        "A hotdog is a warm thing to eat.": [],
        "The CATS slept all day in it.": ["cat"],
        "Nobody knew what to say about it.": [],
        "Every bus was late that rainy day.": ["bus"],
    }


def test_spans_are_where_the_words_stand(held_out):
    for line in held_out(DOCUMENTS):
        for name, spans in line.spans.items():
            assert {line.text[start:stop].lower().removesuffix("s") for start, stop in spans} <= {name, "bu"}


def test_a_shortage_is_told_for_every_concept(held_out, caplog):
    with caplog.at_level("INFO"):
        held_out(DOCUMENTS, prompts=1, continuations=3)
    told = {record.getMessage(): record.levelname for record in caplog.records}
    assert told["dog: 1 held-out sentences of 1."] == "INFO"
    assert told["no concept: 3 held-out sentences of 4."] == "WARNING"
    # "Nobody knew what to" begins two of them.
    assert told["no concept, another beginning: 2 held-out sentences of 3."] == "WARNING"


def test_beginnings_come_first_and_differ(held_out):
    lines = held_out(continuations=20, prompts=10)
    first = [beginning(line.text) for line in lines[:20]]
    assert len(set(first)) == 20
    assert not any(line.spans for line in lines[:20])


def test_the_microworlds_text_is_held_out_and_enough(held_out):
    lines = held_out(prompts=12, neutral=400)
    for name in NAMES:
        assert sum(name in line.spans for line in lines) >= 12
    without = [line for line in lines if not line.spans]
    assert sum(len(line.text.split()) for line in without) >= 400
    # What opens a document is on its own side of the split.
    assert any(split(line.text) == "heldout" for line in lines)


def test_the_choice_follows_from_the_seed_and_not_from_the_order(held_out):
    documents = [f"The dog saw thing {n} there. No such thing is number {n} here." for n in range(3000)]
    chosen = held_out(documents, chosen=["dog"])
    assert held_out(documents[::-1], chosen=["dog"]) == chosen
    assert held_out(documents, chosen=["dog"], seed=1) != chosen


def test_text_without_any_new_sentence_is_an_error(held_out):
    with pytest.raises(
        GolgiError, match=r"analyses\.interventions\.text: .* holds no sentence that is not in"
    ):
        held_out([POOL[1]])


def test_a_damaged_line_is_named(tmp_path):
    (tmp_path / "texts.jsonl").write_text('{"text": "One line.", "spans": {}}\n{"text": "Two."}\n')
    with pytest.raises(GolgiError, match=r"texts\.jsonl:2: not a sentence with spans"):
        read_intervention_text(tmp_path / "texts.jsonl")


def test_boundaries_are_ends_of_words_inside_the_sentence(held_out):
    for line in held_out(DOCUMENTS):
        places = {line.boundary(seed) for seed in range(50)}
        assert all(line.text[place - 1].isalnum() and line.text[place] == " " for place in places)
        assert len(places) > 3


def test_concepts_are_named_or_sampled(tables):
    assert [concept.word for concept in study_concepts(tables["concepts"])] == NAMES
    assert choose_concepts(NAMES, ["bus", "dog"], 0) == ["dog", "bus"]
    assert choose_concepts(NAMES, 12, 0) == NAMES
    many = [f"concept {number}" for number in range(100)]
    assert len(choose_concepts(many, 12, 0)) == 12
    assert choose_concepts(many, 12, 0) != choose_concepts(many, 12, 1)
    # One concept more displaces one at most.
    assert len(set(choose_concepts(many, 12, 0)) - set(choose_concepts([*many, "new"], 12, 0))) <= 1
    with pytest.raises(GolgiError, match="tram is not a concept of the study"):
        choose_concepts(NAMES, ["tram"], 0)
