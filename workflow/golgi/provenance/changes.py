"""What has changed in a spec since a study was run, in the words of the spec."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from golgi.study.plan import Study
from golgi.study.problems import field_name

FIGURE = re.compile(r"results/[^/]+/figures/([^/.]+)\.[a-z]+")
DRAWINGS = re.compile(r"results/[^/]+/graphs/[^/]+/[^/]+/drawings")
REPORT = re.compile(r"results/[^/]+/report\.html")
ABSENT = object()


@dataclass(frozen=True)
class Change:
    """A field of a spec with its old and its new value, each None where the field is not there."""

    field: str
    old: Any
    new: Any


def changed_fields(old: Any, new: Any) -> list[Change]:
    """Return every field in which two specs differ, the innermost that do.

    >>> changed_fields({"seed": 1, "experts": {"sites": ["mlp_post"]}}, {"seed": 2, "experts": {"sites": []}})
    [Change(field='seed', old=1, new=2), Change(field='experts.sites', old=['mlp_post'], new=[])]
    """
    return list(_changed(old, new, ()))


def _changed(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from _changed(old.get(key, ABSENT), new.get(key, ABSENT), (*path, key))
    elif old is ABSENT or new is ABSENT or json.dumps(old) != json.dumps(new):  # true is not 1
        yield Change(field_name(path), *(None if value is ABSENT else value for value in (old, new)))


def drawn_otherwise(study: Study, records: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the figures, drawings and reports whose parts of the spec are no longer what they were."""
    made = {output: record.get("fingerprint") for output, record in records.items()}
    return {output for output, was in _with_fingerprint(made) if was != _fingerprint(study, output)}


def _with_fingerprint(made: Mapping[str, str | None]) -> Iterable[tuple[str, str]]:
    return ((output, fingerprint) for output, fingerprint in made.items() if fingerprint)


def _fingerprint(study: Study, output: str) -> str | None:
    figure = FIGURE.fullmatch(output)
    if figure:
        return study.figure_fingerprint(figure[1]) if figure[1] in study.figures else None
    if DRAWINGS.fullmatch(output):
        return study.drawings_fingerprint() if study.has_graphs else None
    return study.fingerprint() if REPORT.fullmatch(output) else None
