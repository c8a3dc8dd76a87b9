"""The hashes of many files, each read once, with a bar on a terminal."""

from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from golgi.provenance.hashing import file_sha256


class Sums:
    """The SHA-256 of every file of `paths` that is there; `read` files of `bytes` bytes in all."""

    def __init__(self, paths: Iterable[str]):
        sizes = {path: Path(path).stat().st_size for path in sorted(set(paths)) if Path(path).is_file()}
        self.read, self.bytes = len(sizes), sum(sizes.values())
        self._sums: dict[str, str | None] = {}
        with tqdm(total=self.bytes, unit="B", unit_scale=True, desc="reading", disable=None) as bar:
            for path, size in sizes.items():
                self._sums[path] = _sum(path)
                bar.update(size)

    def of(self, path: str) -> str | None:
        """Return the hash of a file; None where it is not there, cannot be read, or was not asked for."""
        return self._sums.get(path)


def _sum(path: str) -> str | None:
    try:
        return file_sha256(path)
    except OSError:
        return None
