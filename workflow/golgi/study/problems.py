"""What is wrong with a study spec, said where it is."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from golgi.errors import GolgiError, plain

Path = tuple[str | int, ...]
SHOWN = 50
LONGEST_LINE = 2000  # characters; what is quoted may be a megabyte


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to change in a file: lines and columns from 1, a field such as `experts.thresholds[5]`."""

    file: str
    line: int
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        line = f"{place} {self.field}: {self.message}" if self.field else f"{place}: {self.message}"
        return plain(line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ...")


class StudyError(GolgiError):
    """A study cannot be used; `problems` holds every reason, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(sorted(set(problems)))
        lines = [str(problem) for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            lines.append(f"... and {len(self.problems) - SHOWN} more problems")
        super().__init__("\n".join(lines))


def field_name(path: Path) -> str:
    """Return a path within a spec as it is read aloud: `experts.thresholds[5]`."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            name += f".{step}" if name else step
    return name


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return ` Did you mean x?` for the name nearest to a word, or nothing where none is near."""
    names = list(names)
    lowered = {name.lower(): name for name in names}
    word = word[:100].lower()
    near = difflib.get_close_matches(word, list(lowered), n=1, cutoff=0.6)
    near = near or [name for name in lowered if len(word) > 2 and name.startswith(word)]
    return f" Did you mean `{lowered[near[0]]}`?" if near else ""
