"""The transcript of a study: every request with its reply, a line each, only ever added to.

A run that is killed loses no reply that it got, the next one asks nothing twice, and a transcript that is
published answers for its writer. Several jobs may add to one: each reads what the others added before it
adds a line, and of two replies to one request the first in the file is the one that counts.
"""

import contextlib
import fcntl
import logging
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from golgi.errors import GolgiError
from golgi.files import flush, unwritable
from golgi.writing.lines import LineFault, decode_line, encode_line
from golgi.writing.requests import Reply, Request

LONGEST_LINE = 10_000_000  # bytes; no reply to a request for some sentences is longer
LINES_SHOWN = 5
CUT_OFF = "cut off, as by a run that was killed"
logger = logging.getLogger(__name__)


class Transcript:
    """Replies that are there already, by the keys of their requests.

    `own` is the file that replies are added to, read first; `others` are only read. Lines that are no request
    with its reply, or whose key is not that of their request, are passed over and counted in the log.
    Raises GolgiError for a file that cannot be read, and for a line longer than 10 MB.
    """

    def __init__(self, own: Path, others: Sequence[Path] = ()):
        self._own = Path(own)
        self._places: dict[str, tuple[Path, int]] = {}
        self._new: dict[str, Reply] = {}
        self._read, self._lines = 0, 0  # of the own file: bytes and lines
        self.catch_up()
        for path in map(Path, others):
            with _reading(path) as file:
                self._index(file, path)

    def __contains__(self, key: str) -> bool:
        """Tell whether there is a reply to the request with that key."""
        return key in self._new or key in self._places

    def get(self, key: str) -> Reply | None:
        """Return the reply to the request with that key, or None; GolgiError if the file was changed."""
        if key in self._new or key not in self._places:
            return self._new.get(key)
        path, place = self._places[key]
        with _reading(path) as file:
            file.seek(place)
            line = file.readline(LONGEST_LINE)
        with contextlib.suppress(LineFault):
            found, reply = decode_line(line)
            if found == key:
                return reply
        raise GolgiError(f"{path} was changed while it was read. Let lines only be added to it; run again.")

    def file_of(self, key: str) -> Path | None:
        """Return the file with the reply to the request with that key; None where there is none."""
        return self._own if key in self._new else self._places.get(key, (None, 0))[0]

    def keep(self, request: Request, reply: Reply) -> None:
        """Add a request with its reply and have it on the disk; the first reply to a request is kept.

        Raises GolgiError where nothing can be written, and for a reply that could not be read again.
        """
        line = encode_line(request, reply)
        try:
            if len(line) > LONGEST_LINE:
                raise LineFault(f"it has more than {LONGEST_LINE:,} bytes")
            key, reply = decode_line(line)
        except LineFault as fault:
            raise GolgiError(f"A reply about {request.concept} cannot be kept: {fault}.") from fault
        try:
            if key not in self and self._add(key, line):
                self._new[key] = reply
        except OSError as error:
            raise unwritable(self._own, error) from error

    def catch_up(self) -> None:
        """Read what other jobs added to the own file meanwhile."""
        if self._own.exists():
            with _reading(self._own) as file:
                _lock(file.fileno(), fcntl.LOCK_SH)
                self._index_own(file)

    def _add(self, key: str, line: bytes) -> bool:
        # Whether the line was added: another job may have had a reply to the same request before.
        self._own.parent.mkdir(parents=True, exist_ok=True)
        is_first = not self._own.exists()
        descriptor = os.open(self._own, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            _lock(descriptor, fcntl.LOCK_EX)
            with _reading(self._own) as file:
                self._index_own(file)
            if key in self:
                return False
            self._read = _append(descriptor, line)
            self._lines += 1
        finally:
            os.close(descriptor)
        if is_first:
            flush(self._own.parent)
        return True

    def _index_own(self, file: BinaryIO) -> None:
        if os.fstat(file.fileno()).st_size > self._read:
            self._read, self._lines = self._index(file, self._own, self._read, self._lines)

    def _index(self, file: BinaryIO, path: Path, place: int = 0, number: int = 0) -> tuple[int, int]:
        # Places of lines, not their replies: a stranger's transcript may be larger than the memory.
        faults: dict[str, list[int]] = defaultdict(list)
        found, repeated, is_opened = 0, 0, place == 0
        file.seek(place)
        for line in _lines(file, path, number):
            number += 1
            if line.strip():
                try:
                    key, _ = decode_line(line)
                except LineFault as fault:
                    faults[str(fault) if line.endswith(b"\n") else CUT_OFF].append(number)
                else:
                    found, repeated = found + 1, repeated + (key in self)
                    self._places.setdefault(key, (path, place))
            place += len(line)
        if is_opened:
            logger.info("%s: %d replies.", path, found - repeated)
        _tell_passed_over(path, repeated, faults)
        return place, number


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise GolgiError(f"{path} cannot be read: {error.strerror}.") from error


def _lines(file: BinaryIO, path: Path, before: int) -> Iterator[bytes]:
    lines = iter(lambda: file.readline(LONGEST_LINE + 1), b"")
    for number, line in enumerate(lines, start=before + 1):
        if len(line) > LONGEST_LINE:
            raise GolgiError(f"{path}:{number}: a line of more than {LONGEST_LINE:,} bytes is no reply.")
        yield line


def _lock(descriptor: int, way: int) -> None:
    # While another job adds a line its end may be missing. Some network disks have no locks; there a line
    # that is written in one go has to do.
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, way)


def _append(descriptor: int, line: bytes) -> int:
    # Size of the file afterwards. What a killed run left without its end becomes a line of its own.
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line
    size += len(line)
    while line:
        line = line[os.write(descriptor, line) :]
    os.fsync(descriptor)
    return size


def _tell_passed_over(path: Path, repeated: int, faults: dict[str, list[int]]) -> None:
    if repeated:
        logger.info("%s: %d replies to requests that had one already are not used.", path, repeated)
    for fault, lines in sorted(faults.items()):
        shown = ", ".join(map(str, lines[:LINES_SHOWN])) + (", ..." if lines[LINES_SHOWN:] else "")
        logger.warning("%s: %d lines passed over: %s (line %s).", path, len(lines), fault, shown)
