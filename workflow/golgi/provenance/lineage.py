"""What files were made from, directly or not, as their records tell it."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from golgi.provenance.hashing import files_below
from golgi.provenance.records import RECORDS, read_record

Record = dict[str, Any]


def records_of(root: str) -> dict[str, Record | None]:
    """Return every output below `root`, `results/STUDY` or `resources`, that has a record: output -> record.

    The record is None where it cannot be read, or where it is no more than the note that a job has begun.
    """
    folder = Path(root, RECORDS)
    names = files_below(folder) if folder.is_dir() else ()
    outputs = [f"{root}/{name.removesuffix('.json')}" for name in names if name.endswith(".json")]
    return {output: read_record(output) for output in outputs}


def job_of(record: Record) -> tuple[str, str, str]:
    """Return what tells the job of a record from all others of its study, and from earlier runs of it."""
    return record["rule"], record["log"], record["started"]


class Lineage:
    """The jobs that the files `ends` of the study in `root` hang on, and what these jobs read and wrote."""

    def __init__(self, root: str, ends: Iterable[str]):
        self._there = {output: record for output, record in records_of(root).items() if record}
        self._beside: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for output, record in self._there.items():
            self._beside[job_of(record)].append(output)
        self._found: dict[str, Record] = {}
        self._read: dict[str, str] = {}
        self._unknown: set[str] = set()
        self._follow(ends)

    @cached_property
    def records(self) -> dict[str, Record]:
        """The record of every output, sorted: those that were asked for, and all that the same jobs wrote."""
        return dict(sorted(self._found.items()))

    @cached_property
    def jobs(self) -> list[Record]:
        """One record of each job, sorted by rule and log."""
        return [record for _, record in sorted({job_of(one): one for one in self.records.values()}.items())]

    @cached_property
    def inputs(self) -> dict[str, str]:
        """Path and hash of every file that was read and that no job made, sorted."""
        return dict(sorted(self._read.items()))

    @cached_property
    def unrecorded(self) -> list[str]:
        """Results that were asked for or read, there or not, and of which no record tells, sorted."""
        return sorted(self._unknown)

    def maker(self, path: str) -> str | None:
        """Return the output that a file is, or is a part of; None where no record tells of it."""
        for place in (path, *map(str, PurePosixPath(path).parents)):
            if place not in self._there and place.startswith("resources/"):
                record = read_record(place)
                if record:
                    self._there[place] = record
            if place in self._there:
                return place
        return None

    def _follow(self, ends: Iterable[str]) -> None:
        waiting = list(dict.fromkeys(ends))
        while waiting:
            path = waiting.pop()
            output = self.maker(path)
            if output is None:
                self._unknown.add(path)
            elif output not in self._found:
                for one in self._beside.get(job_of(self._there[output]), [output]):
                    self._found[one] = self._there[one]
                    waiting += self._inputs_of(self._there[one])

    def _inputs_of(self, record: Record) -> list[str]:
        made = []
        for path, sha256 in record["inputs"].items():
            if self.maker(path) or is_result(path):
                made.append(path)
            else:
                self._read[path] = sha256
        return made


def is_result(path: str) -> bool:
    """Tell whether a file is one that jobs make."""
    return path.startswith(("results/", "resources/"))
