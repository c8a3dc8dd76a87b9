"""Sentences mined from text, and sentences of the user's own files."""

import json
from pathlib import Path

import polars as pl
import pytest

from golgi.concepts.corpus import mine_corpus, read_texts, split_sentences
from golgi.concepts.files import read_files
from golgi.concepts.lexicon import Concept
from golgi.concepts.training_text import write_training_text
from golgi.errors import GolgiError

DOG = Concept("dog", "dog", "dogs", "animal", "noun", "an animal that barks")
BEAR = Concept("polar-bear", "polar bear", "polar bears", "animal", "noun", "a white bear")


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ('"Stop!" said the dog. It ran.', ['"Stop!" said the dog.', "It ran."]),
        ('He said, "Go." Then he left.', ['He said, "Go."', "Then he left."]),
        ("Mr. Fox met Dr. Owl at 3.5 miles.", ["Mr. Fox met Dr. Owl at 3.5 miles."]),
        ("A line\nanother  line", ["A line", "another line"]),
        ("  \n\n", []),
        ("Élan vital. Über alles.", ["Élan vital.", "Über alles."]),
    ],
)
def test_prose_is_split_where_sentences_end(text: str, sentences: list[str]):
    assert split_sentences(text) == sentences


def test_mining_finds_whole_words_plurals_and_phrases(tmp_path: Path):
    lines = [
        "The big dog ran home. The dogma of the day was long.",
        "All DOGS like to run far. A dog ran.",
        "We saw two polar bears on the ice. The bear was not polar at all.",
        "The dog barked at the polar bear.",
    ]
    path = tmp_path / "a.txt"
    path.write_text("\n".join(lines))
    mined = list(mine_corpus([path], [DOG, BEAR]))
    assert [(c.concept, c.origin) for c in mined] == [
        ("dog", "a.txt:1"),
        ("dog", "a.txt:2"),
        ("polar-bear", "a.txt:3"),
        ("dog", "a.txt:4"),
        ("polar-bear", "a.txt:4"),
    ]
    assert mined[1].text == "All DOGS like to run far."


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"fine\n\xff\xfe bad", r"a\.txt:2: not UTF-8"),
        ("a.jsonl", b'{"text": "fine"}\n{"text": ', r"a\.jsonl:2: not a JSON line"),
        ("a.jsonl", b'{"txt": "fine"}', r"a\.jsonl:1: not a JSON line with a field"),
        ("a.txt", b"x" * 1_000_002, r"a\.txt:1: a line of more than"),
    ],
)
def test_a_broken_corpus_is_an_error_with_file_and_line(
    tmp_path: Path, name: str, content: bytes, message: str
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GolgiError, match=message):
        list(read_texts(tmp_path / name))


def test_a_missing_corpus_is_named(tmp_path: Path):
    with pytest.raises(GolgiError, match=r"none\.txt cannot be read"):
        list(read_texts(tmp_path / "none.txt"))


ROWS = pl.DataFrame(
    {
        "concept": ["dog", "cow", "dog"],
        "text": ["A dog  ran.", "A cow.", "Dogs."],
        "kind": ["fact", "fact", "story"],
    }
)
WRITERS = {
    ".csv": pl.DataFrame.write_csv,
    ".jsonl": pl.DataFrame.write_ndjson,
    ".parquet": pl.DataFrame.write_parquet,
}


@pytest.mark.parametrize("suffix", WRITERS)
def test_files_of_every_format_give_the_same_sentences(tmp_path: Path, suffix: str):
    path = tmp_path / f"own{suffix}"
    WRITERS[suffix](ROWS, path)
    found = list(read_files([path], [DOG]))
    assert [(c.text, c.kind) for c in found] == [("A dog ran.", "fact"), ("Dogs.", "story")]
    first = 2 if suffix == ".csv" else 1
    assert [c.origin for c in found] == [f"own{suffix}:{first}", f"own{suffix}:{first + 2}"]


def test_bad_rows_of_a_file_are_reported_together(tmp_path: Path):
    frame = ROWS.with_columns(text=pl.Series(["", "A cow.", " "]), kind=pl.Series(["fact", "tale", "story"]))
    frame.write_csv(tmp_path / "own.csv")
    with pytest.raises(GolgiError) as raised:
        list(read_files([tmp_path / "own.csv"], [DOG]))
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("own.csv:2: the text is empty.")
    assert "own.csv:3: kind 'tale'" in lines[2]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("own.txt", "x", "ends in"),
        ("own.csv", "text\nx\n", "no column concept"),
        ("own.parquet", "not parquet", "cannot be read"),
    ],
)
def test_an_unusable_file_is_an_error_that_names_it(tmp_path: Path, name: str, content: str, message: str):
    (tmp_path / name).write_text(content)
    with pytest.raises(GolgiError, match=message):
        list(read_files([tmp_path / name], [DOG]))


def test_the_users_own_text_is_split_into_training_and_heldout_documents(tmp_path: Path):
    documents = [f"Document {i} has a line.\nAnd another." for i in range(200)]
    source = tmp_path / "own.txt"
    source.write_text("\n\n".join(documents))
    paths = {"training": tmp_path / "training.jsonl", "heldout": tmp_path / "heldout.jsonl"}
    write_training_text(corpus=str(source), lexicon=Path("unused"), documents=0, seed=0, **paths)
    parts = [[json.loads(line)["text"] for line in path.open()] for path in paths.values()]
    assert sorted(parts[0] + parts[1]) == sorted(documents)
    assert 2 <= len(parts[1]) <= 25
