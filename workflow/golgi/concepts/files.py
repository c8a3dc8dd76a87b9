"""Read concept sentences from the user's own files: JSON lines, CSV or Parquet."""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import polars as pl

from golgi.concepts.lexicon import Concept
from golgi.concepts.pool import Candidate
from golgi.errors import GolgiError

KINDS = ("fact", "story", "mention")
READERS = {".jsonl": pl.read_ndjson, ".csv": pl.read_csv, ".parquet": pl.read_parquet}
FIRST_LINE = {".jsonl": 1, ".csv": 2, ".parquet": 1}
logger = logging.getLogger(__name__)


def read_files(paths: Iterable[Path], concepts: list[Concept]) -> Iterator[Candidate]:
    """Yield the sentences of files with the columns `concept`, `text` and, if there is one, `kind`.

    Sentences of concepts outside the study are passed over and counted in the log. Raises GolgiError, with
    all bad rows of a file at once, for an empty text or an unknown kind.
    """
    names = [concept.name for concept in concepts]
    for path in paths:
        frame = _read(path)
        _refuse_bad_rows(frame, path)
        wanted = frame.filter(pl.col("concept").is_in(names))
        if passed_over := len(frame) - len(wanted):
            logger.info("%s: %d sentences of concepts outside the study passed over.", path, passed_over)
        for row in wanted.iter_rows(named=True):
            text = " ".join(row["text"].split())
            yield Candidate(text, row["concept"], row["kind"], f"{path.name}:{row['line']}")


def _read(path: Path) -> pl.DataFrame:
    if path.suffix not in READERS:
        raise GolgiError(f"{path}: a file of sentences ends in {', '.join(READERS)}.")
    try:
        frame = READERS[path.suffix](path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise GolgiError(f"{path} cannot be read: {error}") from error
    if missing := {"concept", "text"} - set(frame.columns):
        raise GolgiError(
            f"{path}: no column {' nor '.join(sorted(missing))}; found {', '.join(frame.columns)}."
        )
    if "kind" not in frame.columns:
        frame = frame.with_columns(kind=pl.lit("mention"))
    columns = [pl.col(name).cast(pl.String) for name in ("concept", "text", "kind")]
    return frame.select(columns).with_row_index("line", offset=FIRST_LINE[path.suffix])


def _refuse_bad_rows(frame: pl.DataFrame, path: Path) -> None:
    empty = pl.col("text").fill_null("").str.strip_chars() == ""
    unknown = ~pl.col("kind").fill_null("").is_in(KINDS)
    problems = [f"{path}:{line}: the text is empty." for line in frame.filter(empty)["line"]]
    problems += [
        f"{path}:{line}: kind {kind!r} is not one of {', '.join(KINDS)}."
        for line, kind in frame.filter(unknown).select("line", "kind").iter_rows()
    ]
    if problems:
        more = f"\n... and {len(problems) - 10} more." if len(problems) > 10 else ""
        raise GolgiError("\n".join(problems[:10]) + more)
