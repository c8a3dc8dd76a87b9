"""Paths as a spec has them: a record names no folder of one machine where a variable leads to it."""

import os
import re
from collections.abc import Iterator

VARIABLE = re.compile(r"\$\{(GOLGI_[A-Z0-9_]+)\}(?=/|$)")
# The project's own folders have one name everywhere, whatever a variable may say.
OWN = ("results/", "resources/", "workflow/")


def as_written(path: str) -> str:
    """Return a path with `${GOLGI_...}` for the value of such a variable that it begins with.

    Of several variables the one that leads farthest is named, and of those with one value the first by name.
    """
    if path.startswith(OWN):
        return path
    for value, name in sorted(_variables(), key=lambda pair: (-len(pair[0]), pair[1])):
        if path == value or path.startswith(f"{value}/"):
            return f"${{{name}}}{path[len(value) :]}"
    return path


def expanded(path: str) -> str:
    """Return a path with the value of its `${GOLGI_...}`, or as it is where that variable is unset."""
    found = VARIABLE.match(path)
    value = os.environ.get(found[1], "").rstrip("/") if found else ""
    return value + path[found.end() :] if value else path


def _variables() -> Iterator[tuple[str, str]]:
    for name, value in os.environ.items():
        if VARIABLE.fullmatch(f"${{{name}}}") and value.rstrip("/"):
            yield value.rstrip("/"), name
