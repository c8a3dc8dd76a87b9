"""The texts of neuron graphs: parts of one source never meet, and order and amount are as asked."""

import json
import re
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from golgi.concepts.graph_text import LETTERS_PER_TOKEN, write_graph_text
from golgi.concepts.microworld import split
from golgi.errors import GolgiError
from golgi.tables import table_schema, write_table

LEXICON = Path(__file__).parents[2] / "config" / "lexicons" / "microworld.yaml"
TEXTS = [f"document {number} about a thing" for number in range(400)]


@pytest.fixture
def pool(tmp_path):
    blanks = {"str": "", "int": 0, "float": 0.0, "bool": False}
    blank = {column["name"]: blanks[column["type"]] for column in table_schema("pool")["columns"]}
    rows = [blank | {"sentence": number, "text": text} for number, text in enumerate(TEXTS)]
    write_table(pl.DataFrame(rows), tmp_path / "pool.parquet", schema="pool")
    return tmp_path / "pool.parquet"


@pytest.fixture
def write(tmp_path, pool):
    """Write a part of a text and return its documents."""

    def run(part="build", source="sentences", *, split=True, tokens=10**6, seed=0, build=None):
        out = tmp_path / "out.jsonl"
        write_graph_text(
            part=part,
            source=source,
            split=split,
            lexicon=LEXICON,
            pool=pool,
            tokens=tokens,
            seed=seed,
            build=build,
            text=out,
        )
        records = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        assert all(list(record) == ["text"] for record in records)
        return [record["text"] for record in records]

    return run


def test_one_source_is_split_and_nothing_is_lost(write):
    build, test = write("build"), write("test")
    assert not set(build) & set(test)
    assert sorted(build + test) == sorted(TEXTS)
    assert 20 < len(test) < 60  # a tenth of 400


def test_another_seed_is_another_order_and_the_same_split(write):
    one, again, other = write(seed=1), write(seed=1), write(seed=2)
    assert one == again
    assert one != other
    assert sorted(one) == sorted(other)
    assert set(write("test", seed=1)) == set(write("test", seed=2))


def test_order_has_nothing_to_do_with_that_of_the_source(write):
    numbers = [int(text.split()[1]) for text in write()]
    rises = sum(one < next_one for one, next_one in pairwise(numbers))
    assert 0.4 < rises / len(numbers) < 0.6


def test_sources_of_their_own_are_read_whole(write):
    assert sorted(write("test", split=False)) == sorted(TEXTS)
    assert sorted(write("shifted", split=True)) == sorted(TEXTS)


@pytest.fixture
def files(tmp_path):
    plain, lines = tmp_path / "a.txt", tmp_path / "b.jsonl"
    plain.write_text("\n\n".join(f"plain {number}\nin two lines" for number in range(100)), encoding="utf-8")
    records = [{"text": f"naïve — {number}"} for number in range(100)] + [{"text": " "}]
    lines.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return [str(plain), str(lines)]


def test_files_of_both_kinds_are_mixed(write, files):
    texts = write("build", files, split=False)
    assert len(texts) == 200  # a text of nothing but a space is none
    kinds = [text.startswith("plain") for text in texts]
    assert 30 < sum(kinds[:100]) < 70
    assert "plain 7\nin two lines" in texts
    assert "naïve — 7" in texts


def test_a_document_that_stands_there_twice_comes_once(write, files):
    assert sorted(write("build", [*files, files[0]], split=False)) == sorted(
        write("build", files, split=False)
    )


@pytest.mark.parametrize("source", ["sentences", "files", "microworld"])
def test_there_is_enough_text_for_the_tokens_and_not_much_more(write, files, source):
    tokens = 100
    texts = write("build", files if source == "files" else source, split=False, tokens=tokens)
    letters = sum(map(len, texts))
    assert letters >= tokens * LETTERS_PER_TOKEN
    assert letters - len(texts[-1]) < tokens * LETTERS_PER_TOKEN


def test_a_shorter_text_is_the_beginning_of_a_longer_one(write):
    few, many = write(tokens=50), write(tokens=200)
    assert many[: len(few)] == few


def test_parts_of_microworld_share_no_fact_and_no_story(write):
    parts = {part: write(part, "microworld", tokens=5000) for part in ("build", "test", "shifted")}
    sentences = {part: {one for text in texts for one in cut(text)} for part, texts in parts.items()}
    assert min(map(len, sentences.values())) > 300
    # What opens a text is a fact, or opens a story; the later sentences of stories may be alike.
    opening = {part: {cut(text)[0] for text in texts} for part, texts in parts.items()}
    assert not opening["test"] & sentences["build"]
    assert not opening["build"] & sentences["test"]
    assert not opening["shifted"] & sentences["test"]
    sides = {part: {split(one) for one in of_part} for part, of_part in opening.items()}
    assert sides == {"build": {"training"}, "test": {"heldout"}, "shifted": {"training"}}


def cut(text):
    return re.findall(r'.*?[.?!]"?(?: |$)', text)


def test_microworld_is_written_anew_for_every_part_and_seed(write):
    build = write("build", "microworld", tokens=500)
    assert write("build", "microworld", tokens=500) == build
    assert write("build", "microworld", tokens=500, seed=1) != build
    assert write("shifted", "microworld", tokens=500) != build


def test_a_source_without_text_is_named(write, tmp_path):
    empty = tmp_path / "empty.txt"
    empty.write_text("\n \n\n")
    with pytest.raises(GolgiError, match=r"graphs\.corpora\.test: .*empty\.txt.* holds no text"):
        write("test", [str(empty)], split=False)


def test_a_single_document_is_too_few_for_build_and_test(write, tmp_path):
    single = tmp_path / "single.txt"
    single.write_text("A text of one document.")
    assert write("build", [str(single)], split=True) == ["A text of one document."]
    with pytest.raises(GolgiError, match=r"graphs\.corpora\.test: .*single\.txt.* holds no text"):
        write("test", [str(single)], split=True)


def test_what_graphs_grow_from_is_not_scored_on(write, tmp_path):
    known = tmp_path / "build.jsonl"
    known.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS[:100]), encoding="utf-8")
    assert sorted(write("shifted", split=False, build=known)) == sorted(TEXTS[100:])
