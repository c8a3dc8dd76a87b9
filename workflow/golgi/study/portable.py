"""A spec without places of one machine: what is told of a study names no folder outside its project."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any


class Portable:
    """Names for the paths of a study that are the same wherever it lies.

    `written` is the spec with paths as the user wrote them, `spec` the same with `${GOLGI_...}` expanded. A
    path that was written in full becomes `<folder 1>/NAME`, with a number for each folder that holds one.
    """

    def __init__(self, written: Any, spec: Any):
        pairs = dict(_pairs(spec, written))
        folders = sorted(
            {posixpath.dirname(one.rstrip("/")) for one in pairs.values() if one.startswith("/")}
        )
        self._folders = {folder: f"<folder {number}>" for number, folder in enumerate(folders, start=1)}
        self.names = {one: self._name(name) for one, name in pairs.items()}

    def data(self, data: Any) -> Any:
        """Return a spec as it is written, or a part of one, with the names of its paths."""
        if isinstance(data, dict):
            return {key: self.data(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.data(value) for value in data]
        return self._name(data) if isinstance(data, str) else data

    def _name(self, written: str) -> str:
        folder, name = posixpath.split(written.rstrip("/"))
        return f"{self._folders[folder]}/{name}" if folder in self._folders else written


def _pairs(spec: Any, written: Any) -> Iterator[tuple[str, str]]:
    """Yield every path of a spec that is not the same on all machines, expanded and as it is written."""
    if isinstance(spec, dict):
        for key in spec:
            yield from _pairs(spec[key], written[key])
    elif isinstance(spec, list):
        for one, other in zip(spec, written, strict=True):
            yield from _pairs(one, other)
    elif isinstance(spec, str) and (spec != written or spec.startswith("/")):
        yield spec, written


def named(path: str, names: Mapping[str, str]) -> str:
    """Return the name of a path, or of a file in a folder that has a name; `names` are those of a study.

    >>> named("/data/men/men.txt", {"/data/men": "${GOLGI_DATA}/men"})
    '${GOLGI_DATA}/men/men.txt'
    """
    # The longest first: a path may be named, and the folder that it lies in too.
    for one in sorted(names, key=lambda one: (-len(one), one)):
        place = posixpath.normpath(one)
        if path in (one, place) or path.startswith(f"{place}/"):
            return names[one].rstrip("/") + path[len(one if path == one else place) :]
    return f"<elsewhere>/{posixpath.basename(path)}" if path.startswith("/") else path
