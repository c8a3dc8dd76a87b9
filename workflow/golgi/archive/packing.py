"""Packing files into a .tar.zst: the same files give the same bytes, and what is unpacked is files alone."""

import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

import zstandard

from golgi.errors import GolgiError
from golgi.files import write_atomically
from golgi.provenance.commits import SUMS
from golgi.provenance.lineage import is_result

# What was made is younger than the code and all else that it was made from, as it is where a study was run.
MOMENT = 315_532_800  # the first second of 1980, before which some file systems have no time
LATER = MOMENT + 86_400
LEVEL = 10


@dataclass(frozen=True)
class Member:
    """A file of an archive: its name there, what kind it is of, and where its bytes are."""

    name: str
    kind: str
    source: Path | bytes

    @property
    def bytes(self) -> int:
        """The file's size."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size


def pack(
    members: Sequence[Member],
    path: Path,
    *,
    folder: str,
    unsummed: Sequence[str],
    advance: Callable[[int], None],
) -> None:
    """Write members to `path`, all inside one `folder`, and the hashes of all but the kinds `unsummed` last.

    `advance` is told the bytes that were read. GolgiError for a name that would be unpacked elsewhere, a
    source that is no regular file, and one that changes while it is read; `path` is then left as it was.
    """
    sums = []
    compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    with (
        write_atomically(path) as temporary,
        temporary.open("wb") as raw,
        compressor.stream_writer(raw, closefd=False) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for member in members:
            sha256 = _add(archive, member, folder, advance)
            if member.kind not in unsummed:
                sums.append(f"{sha256}  {member.name}\n")
        listed = "".join(sorted(sums, key=lambda line: line[66:])).encode()
        _add(archive, Member(SUMS, "sums", listed), folder, advance)


def _add(archive: tarfile.TarFile, member: Member, folder: str, advance: Callable[[int], None]) -> str:
    with _opened(member) as stream:
        size = len(member.source) if isinstance(member.source, bytes) else os.fstat(stream.fileno()).st_size
        header = tarfile.TarInfo(f"{folder}/{safe_name(member.name)}")
        header.size, header.mode = size, 0o644
        header.mtime = LATER if is_result(member.name) else MOMENT
        told = _Told(stream, advance)
        try:
            archive.addfile(header, told)
        except OSError as error:
            # Short of what the header says: tarfile has no error of its own for it.
            if error.errno is not None:
                raise
            raise _changed(member) from error
        if stream.read(1):
            raise _changed(member)
        return told.sha256.hexdigest()


def _opened(member: Member) -> IO[bytes]:
    if isinstance(member.source, bytes):
        return BytesIO(member.source)
    # A pipe would be waited for, and a link may have been put there since it was looked at.
    descriptor = os.open(member.source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    stream = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        stream.close()
        raise GolgiError(f"{member.source} is no file; an archive holds nothing else.")
    return stream


class _Told:
    """A stream that is hashed and counted as it is read."""

    def __init__(self, stream: IO[bytes], advance: Callable[[int], None]):
        self._stream, self._advance, self.sha256 = stream, advance, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self.sha256.update(piece)
        self._advance(len(piece))
        return piece


def _changed(member: Member) -> GolgiError:
    return GolgiError(f"{member.source} was changed while it was archived. Run the same command again.")


def safe_name(name: str) -> str:
    """Return a name as it is; GolgiError where unpacking it could write elsewhere or it cannot be listed."""
    parts = PurePosixPath(name).parts
    plain = name.isprintable() and "\\" not in name and str(PurePosixPath(name)) == name
    if not plain or not parts or parts[0] == "/" or ".." in parts:
        raise GolgiError(f"{name!r} cannot be the name of a file in an archive. Rename the file.")
    return name
