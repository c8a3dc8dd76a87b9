"""Sentences mined from text, and sentences of the user's own files."""

import json
from pathlib import Path

import polars as pl
import pytest

from golgi.concepts.corpus import mine_corpus, read_texts, split_sentences
from golgi.concepts.files import read_files
from golgi.concepts.lexicon import Concept
from golgi.concepts.training_text import write_corpus
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
        ("a.jsonl", b'{"text": "fine"}\n\n{"text": 3}', r"a\.jsonl:3: not a JSON line with a field"),
        ("a.jsonl", b'["text"]', r"a\.jsonl:1: not a JSON line"),
        ("a.jsonl", b'{"text": "\\ud800"}', r"a\.jsonl:1: not a JSON line"),
        ("a.txt", b"x" * 1_000_002, r"a\.txt:1: a line of more than"),
    ],
)
def test_a_broken_corpus_is_an_error_with_file_and_line(
    tmp_path: Path, name: str, content: bytes, message: str
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GolgiError, match=message):
        list(read_texts(tmp_path / name))


def test_texts_are_composed_and_underscores_end_words(tmp_path: Path):
    cafe = Concept("cafe", "caf\u00e9", "caf\u00e9s", "place", "noun", "a place for coffee")
    path = tmp_path / "a.txt"
    path.write_text(
        "\ufeffWe met in a _cafe\u0301_ that day.\nWe met in a cafeteria that day.", encoding="utf-8"
    )
    mined = list(mine_corpus([path], [cafe]))
    assert [candidate.text for candidate in mined] == ["We met in a _caf\u00e9_ that day."]


def test_phrases_are_found_with_hyphens(tmp_path: Path):
    (tmp_path / "a.txt").write_text("We saw a big polar-bear on the ice.")
    assert [candidate.concept for candidate in mine_corpus([tmp_path / "a.txt"], [BEAR])] == ["polar-bear"]


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


def test_rows_of_json_lines_may_differ_from_the_first_hundreds(tmp_path: Path):
    rows = [{"concept": "dog", "text": f"Dog {i} ran."} for i in range(200)]
    rows.append({"concept": "dog", "text": "A dog sat.", "kind": "story", "page": {"number": 1}})
    (tmp_path / "own.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    assert list(read_files([tmp_path / "own.jsonl"], [DOG]))[-1].kind == "story"


def test_lines_of_csv_are_those_of_the_file(tmp_path: Path):
    (tmp_path / "own.csv").write_text('concept,text\n"dog","A dog\nran."\n\ndog,A dog sat.\n')
    found = list(read_files([tmp_path / "own.csv"], [DOG]))
    assert [(c.text, c.origin) for c in found] == [("A dog ran.", "own.csv:3"), ("A dog sat.", "own.csv:5")]


def test_a_parquet_column_that_is_not_text_is_refused(tmp_path: Path):
    pl.DataFrame({"concept": ["dog"], "text": [3]}).write_parquet(tmp_path / "own.parquet")
    with pytest.raises(GolgiError, match=r"own\.parquet:1: the text is 3, which is not a text"):
        list(read_files([tmp_path / "own.parquet"], [DOG]))


def test_names_that_are_nearly_a_concept_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO")
    ROWS.with_columns(concept=pl.Series(["Dog", "cow", "dog"])).write_csv(tmp_path / "own.csv")
    assert len(list(read_files([tmp_path / "own.csv"], [DOG]))) == 1
    assert "2 sentences of 2 concepts outside the study passed over" in caplog.text
    assert "`Dog`. Did you mean `dog`?" in caplog.text
    assert "`cow`" not in caplog.text


def test_bad_rows_of_a_file_are_reported_together(tmp_path: Path):
    frame = ROWS.with_columns(text=pl.Series(["", "A cow.", " "]), kind=pl.Series(["fact", "tale", "story"]))
    frame.write_csv(tmp_path / "own.csv")
    with pytest.raises(GolgiError) as raised:
        list(read_files([tmp_path / "own.csv"], [DOG]))
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert lines[0].endswith("own.csv:2: the text is empty.")
    assert "own.csv:3: kind 'tale'" in lines[1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("own.txt", "x", "ends in"),
        ("own.csv", "text\nx\n", "no column concept"),
        ("own.csv", "concept,text\ndog,Yes, it ran.\n", r"own\.csv:2: more fields than the header"),
        (
            "own.jsonl",
            '{"concept": "dog", "text": "x"}\n\n{"concept": "dog", "text": 3}',
            r":3: the text is 3",
        ),
        ("own.jsonl", '{"text": "x"}', r"own\.jsonl:1: the concept is empty"),
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
    write_corpus(corpus=str(source), lexicon=Path("unused"), documents=0, seed=0, **paths)
    parts = [[json.loads(line)["text"] for line in path.open()] for path in paths.values()]
    assert sorted(parts[0] + parts[1]) == sorted(documents)
    assert 2 <= len(parts[1]) <= 25
