"""Read concept sentences from the user's own files: JSON lines, CSV or Parquet."""

import csv
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import polars as pl
from polars.exceptions import PanicException  # not a PolarsError, not even an Exception

from golgi.concepts.lexicon import Concept
from golgi.concepts.pool import Candidate
from golgi.concepts.texts import LONGEST_LINE, read_records
from golgi.errors import GolgiError
from golgi.study.problems import did_you_mean
from golgi.study.words import compose

KINDS = ("fact", "story", "mention")
FAULTS_SHOWN = 10
NAMES_SHOWN = 5
MOST_ROWS = 10_000_000
MOST_LETTERS = 2 * 10**9  # bytes of text in one Parquet file
Row = tuple[int, dict]
logger = logging.getLogger(__name__)


def read_files(paths: Iterable[Path], concepts: list[Concept]) -> Iterator[Candidate]:
    """Yield the sentences of files with the columns `concept`, `text` and, if there is one, `kind`.

    Sentences of concepts outside the study are passed over, counted in the log, and named there where they
    are nearly one of the study's. Raises GolgiError, with the bad rows of a file at once, for a field that is
    not text, an empty text or an unknown kind.
    """
    names = {compose(concept.name): concept.name for concept in concepts}
    for path in paths:
        rows = _rows(path)
        _refuse_bad_rows(rows, path)
        outside: Counter[str] = Counter()
        for line, row in rows:
            concept = compose(row["concept"])
            if concept in names:
                text = " ".join(compose(row["text"]).split())
                yield Candidate(text, names[concept], row.get("kind", "mention"), f"{path.name}:{line}")
            else:
                outside[row["concept"]] += 1
        _tell_of_others(outside, list(names), path)


def _rows(path: Path) -> list[Row]:
    if path.suffix not in READERS:
        raise GolgiError(f"{path}: a file of sentences ends in {', '.join(READERS)}.")
    try:
        return list(READERS[path.suffix](path))
    except (OSError, UnicodeDecodeError, csv.Error, pl.exceptions.PolarsError, PanicException) as error:
        raise GolgiError(f"{path} cannot be read: {error}") from error


def _csv_rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(_csv_lines(file, path))
        _refuse_missing_columns(reader.fieldnames or [], path)
        for row in reader:
            yield reader.line_num, row


def _csv_lines(file: TextIO, path: Path) -> Iterator[str]:
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), ""), start=1):
        if len(line) > LONGEST_LINE:
            raise GolgiError(f"{path}:{number}: a line of more than {LONGEST_LINE:,} characters.")
        yield line


def _parquet_rows(path: Path) -> Iterator[Row]:
    table = pl.scan_parquet(path, glob=False)
    schema = table.collect_schema()
    _refuse_missing_columns(schema.names(), path)
    fields = [name for name in ("concept", "text", "kind") if name in schema]
    for name in fields:
        if schema[name].is_nested() or schema[name] == pl.Binary:
            raise GolgiError(f"{path}: column {name} is {schema[name]}, not text.")
    table = table.select(fields)
    _refuse_what_swells(table, path)
    return enumerate(table.collect().iter_rows(named=True), start=1)


def _refuse_what_swells(table: pl.LazyFrame, path: Path) -> None:
    # A few kilobytes of Parquet can stand for a billion rows, or for one long text a million times.
    number = table.select(pl.len()).collect().item()
    if number > MOST_ROWS:
        raise GolgiError(f"{path} has {number:,} rows; more than {MOST_ROWS:,} are no study's sentences.")
    letters = table.select(pl.all().cast(pl.String).str.len_bytes().sum()).collect()
    if sum(letters.row(0)) > MOST_LETTERS:
        raise GolgiError(f"{path} unpacks to more than {MOST_LETTERS:,} bytes of text. Split it into files.")


READERS = {".jsonl": read_records, ".csv": _csv_rows, ".parquet": _parquet_rows}


def _refuse_missing_columns(columns: Iterable[str], path: Path) -> None:
    if missing := {"concept", "text"} - set(columns):
        raise GolgiError(f"{path}: no column {' nor '.join(sorted(missing))}; found {', '.join(columns)}.")


def _refuse_bad_rows(rows: list[Row], path: Path) -> None:
    faults = [f"{path}:{line}: {fault}" for line, row in rows if (fault := _fault(row))]
    if faults:
        more = f"\n... and {len(faults) - FAULTS_SHOWN} more." if len(faults) > FAULTS_SHOWN else ""
        raise GolgiError("\n".join(faults[:FAULTS_SHOWN]) + more)


def _fault(row: dict) -> str:
    if None in row:
        return "more fields than the header has; put a text with commas in quotes."
    for field in ("concept", "text"):
        value = row.get(field)
        if not isinstance(value, str | None):
            return f"the {field} is {value!r}, which is not a text."
        if not value or not value.strip():
            return f"the {field} is empty."
    kind = row.get("kind", "mention")
    return "" if kind in KINDS else f"kind {kind!r} is not one of {', '.join(KINDS)}."


def _tell_of_others(outside: Counter[str], names: list[str], path: Path) -> None:
    if not outside:
        return
    near = [f"`{name}`.{hint}" for name in sorted(outside) if (hint := did_you_mean(name, names))]
    shown = near[:NAMES_SHOWN] + ([f"... and {len(near) - NAMES_SHOWN} more"] if near[NAMES_SHOWN:] else [])
    logger.info(
        "%s: %d sentences of %d concepts outside the study passed over. %s",
        path,
        outside.total(),
        len(outside),
        " ".join(shown),
    )
