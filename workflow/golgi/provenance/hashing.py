"""Hashes of files and folders, read in pieces, so that a file may be larger than the memory."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from tqdm import tqdm


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


class Sums:
    """The SHA-256 of every file of `paths` that is there, each read once, with a bar on a terminal.

    `read` files were read, of `bytes` bytes in all.
    """

    def __init__(self, paths: Iterable[str]):
        sizes = {path: Path(path).stat().st_size for path in sorted(set(paths)) if Path(path).is_file()}
        self.read, self.bytes = len(sizes), sum(sizes.values())
        self._sums: dict[str, str | None] = {}
        with tqdm(total=self.bytes, unit="B", unit_scale=True, desc="reading", disable=None) as bar:
            for path, size in sizes.items():
                self._sums[path] = _readable_sha256(path)
                bar.update(size)

    def of(self, path: str) -> str | None:
        """Return the hash of a file; None where it is not there, cannot be read, or was not asked for."""
        return self._sums.get(path)


def _readable_sha256(path: str) -> str | None:
    try:
        return file_sha256(path)
    except OSError:
        return None
