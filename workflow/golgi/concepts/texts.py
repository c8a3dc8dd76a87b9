"""Read texts from files, line by line, and say where a line is broken."""

import json
from collections.abc import Iterator
from pathlib import Path

from golgi.errors import GolgiError
from golgi.study.words import compose

LONGEST_LINE = 1_000_000  # bytes; a longer line is not prose
BYTE_ORDER_MARK = "\ufeff"


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) of a UTF-8 file, in Unicode normal form C.

    Raises GolgiError, naming file and line, for a line that is not UTF-8 or longer than a million bytes.
    """
    try:
        with path.open("rb") as file:
            lines = iter(lambda: file.readline(LONGEST_LINE + 1), b"")
            for number, line in enumerate(lines, start=1):
                yield number, compose(_decoded(line, f"{path}:{number}")).removeprefix(BYTE_ORDER_MARK)
    except OSError as error:
        raise GolgiError(f"{path} cannot be read: {error.strerror}.") from error


def read_records(path: Path) -> Iterator[tuple[int, dict]]:
    """Yield (line number, fields) of a file of JSON lines, blank lines passed over; GolgiError as above."""
    for number, line in read_lines(path):
        if line.strip():
            yield number, _record(line, f"{path}:{number}")


def read_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, text) from a `.txt` file, or from the `text` field of a `.jsonl` file.

    Raises GolgiError, naming file and line, for a line that is not UTF-8, not JSON, without a `text` that is
    one, or longer than a million bytes.
    """
    if path.suffix not in {".jsonl", ".json"}:
        yield from read_lines(path)
        return
    for number, record in read_records(path):
        text = record.get("text")
        if not isinstance(text, str):
            raise GolgiError(f'{path}:{number}: not a JSON line with a field "text" that is a text.')
        yield number, compose(text)


def _decoded(line: bytes, where: str) -> str:
    if len(line) > LONGEST_LINE:
        raise GolgiError(f"{where}: a line of more than {LONGEST_LINE:,} bytes. Break it into lines of text.")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GolgiError(
            f"{where}: not UTF-8 (byte {error.start} of the line). Convert it to UTF-8."
        ) from error


def _record(line: str, where: str) -> dict:
    try:
        record = json.loads(line)
        if "\\u" in line:
            # Half of a surrogate pair, which no UTF-8 file can hold, is a UnicodeEncodeError here.
            json.dumps(record, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise GolgiError(f"{where}: not a JSON line.") from error
    if not isinstance(record, dict):
        raise GolgiError(f"{where}: not a JSON line with fields.")
    return record
