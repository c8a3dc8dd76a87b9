"""A corpus from a stranger: lines without end, bytes that are no text, files that swell, slow patterns."""

import os
import time
import tracemalloc
from pathlib import Path

import polars as pl
import pytest

from golgi.concepts import files
from golgi.concepts.corpus import mine_corpus, split_sentences
from golgi.concepts.files import read_files
from golgi.concepts.texts import read_texts
from golgi.concepts.training_text import read_documents
from golgi.errors import GolgiError
from golgi.study.lexicon import Concept
from golgi.study.ratings import read_ratings
from golgi.study.words import JOINER, compose

DOG = Concept("dog", "dog", "dogs", "animal", "noun", "a pet")
MB = 2**20


def mined(path: Path) -> list:
    return list(mine_corpus([path], [DOG]))


def given(path: Path) -> list:
    return list(read_files([path], [DOG]))


def documents(path: Path) -> list:
    return list(read_documents(path))


READERS = [(mined, ".txt"), (mined, ".jsonl"), (documents, ".txt"), (documents, ".jsonl"), (given, ".jsonl")]


@pytest.mark.parametrize(("read", "ending"), [*READERS, (given, ".csv"), (read_ratings, ".txt")])
def test_a_line_without_end_takes_little_memory(tmp_path, read, ending):
    path = tmp_path / f"long{ending}"
    path.write_text("concept,text\n" if ending == ".csv" else "")
    os.truncate(path, 200 * MB)  # a hole in the file: a line of as many zero bytes
    tracemalloc.start()
    with pytest.raises(GolgiError, match=r"a line of more than|more than 10,485,760 bytes"):
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * MB


@pytest.mark.parametrize(
    "line",
    [
        b"The dog \xff runs.",
        b"\xed\xa0\x80 half a character",
        b"\xc0\xaf an overlong slash",
        b"\x1f\x8b\x08\x00 the head of a gzip file \x95",
    ],
)
def test_bytes_that_are_no_text_name_their_line(tmp_path, line):
    path = tmp_path / "broken.txt"
    path.write_bytes(b"One line.\n" + line + b"\n")
    with pytest.raises(GolgiError, match=r"broken\.txt:2: not UTF-8"):
        mined(path)


@pytest.mark.parametrize(
    "line",
    [
        "[" * 400_000,
        '{"text": ' * 100_000,
        '{"text": ' + "9" * 400_000 + "}",
        '{"text": 1e999999}',
        r'{"text": "\ud800"}',
        '{"text": ["a"]}',
        '{"text": null}',
    ],
)
def test_records_that_are_none_name_their_line(tmp_path, line):
    path = tmp_path / "records.jsonl"
    path.write_text('{"text": "The dog runs home."}\n' + line + "\n")
    with pytest.raises(GolgiError, match=r"records\.jsonl:2: not a JSON line"):
        list(read_texts(path))


def test_what_a_message_quotes_of_a_file_is_not_obeyed(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"concept": "dog", "text": "x", "kind": "\\u001b[2J\\u202efact"}\n')
    with pytest.raises(GolgiError) as raised:
        given(path)
    assert not set(str(raised.value)) & set("\x1b\u202e")


def test_control_characters_stay_within_their_sentence(tmp_path):
    path = tmp_path / "odd.txt"
    path.write_text("The dog \x00 barks \x1b[31m at the \u202e moon.\r\n")
    assert [one.text for one in mined(path)] == ["The dog \x00 barks \x1b[31m at the \u202e moon."]


@pytest.mark.parametrize(
    "text",
    [
        "A. " * 60_000,
        "Mr. " * 60_000,
        ". " * 90_000,
        "." + '"' * 200_000,
        "." + " " * 200_000 + "x",
        "a." * 90_000,
    ],
    ids=["initials", "titles", "stops", "quotes", "spaces", "no spaces"],
)
def test_no_line_takes_for_ever_to_split(text):
    start = time.process_time()
    assert split_sentences(f"{text}The dog ran.")
    assert time.process_time() - start < 5


def parquet(path: Path, rows: int, text: str) -> int:
    one = pl.DataFrame({"concept": ["dog"], "text": [text]})
    one.select(pl.all().repeat_by(rows).explode()).write_parquet(path)
    return path.stat().st_size


@pytest.mark.parametrize(
    ("rows", "text", "message"),
    [(1_200_000, "x", "1,200,000 rows"), (150, "The dog runs. " * 70_000, "unpacks to more than")],
)
def test_a_small_file_does_not_swell(tmp_path, monkeypatch, rows, text, message):
    monkeypatch.setattr(files, "MOST_ROWS", files.MOST_ROWS // 10)
    monkeypatch.setattr(files, "MOST_LETTERS", files.MOST_LETTERS // 20)
    path = tmp_path / "small.parquet"
    assert parquet(path, rows, text) < MB / 4
    with pytest.raises(GolgiError, match=message):
        given(path)


def test_columns_that_are_no_text_are_not_unpacked(tmp_path):
    path = tmp_path / "nested.parquet"
    for texts in ([["a", "b"]], [b"\x00\xff"], [{"a": 1}]):
        pl.DataFrame({"concept": ["dog"], "text": texts}).write_parquet(path)
        with pytest.raises(GolgiError, match=r"column text is .*, not text"):
            given(path)


def test_only_what_is_read_of_a_table_is_unpacked(tmp_path):
    path = tmp_path / "more.parquet"
    pl.DataFrame({"concept": ["dog"], "text": ["The dog."], "other": [[1, 2]]}).write_parquet(path)
    assert [one.text for one in given(path)] == ["The dog."]


def test_marks_without_end_on_one_letter_take_no_time():
    stacked = "a" + "\u0301\u0323" * 200_000
    began = time.process_time()
    assert compose(stacked).replace(JOINER, "").startswith("\u1ea1\u0323")
    assert time.process_time() - began < 2
    assert compose("e\u0301" * 50) == "\u00e9" * 50
