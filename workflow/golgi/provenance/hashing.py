"""Hashes of files and folders, read in pieces, so that a file may be larger than the memory."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_below(folder: str | Path) -> Iterator[str]:
    """Yield the paths of a folder's files below it, sorted; hidden ones and links to folders are left out."""
    found = []
    for place, names, files in os.walk(folder):
        names[:] = [name for name in names if not name.startswith(".")]
        found += [Path(place, name) for name in files if not name.startswith(".")]
    yield from sorted(path.relative_to(folder).as_posix() for path in found)


def content(path: str | Path) -> dict:
    """Return `sha256` and `bytes` of a file, or those of every file of a folder as `files`."""
    path = Path(path)
    if path.is_dir():
        return {"files": {name: content(path / name) for name in files_below(path)}}
    return {"sha256": file_sha256(path), "bytes": path.stat().st_size}
