"""Which files of this library a module's results depend on: what it imports, and what that imports."""

import ast
import re
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).resolve().parent
# How results are written, logged and described, and how a writer is reached, does not change what they are.
INFRASTRUCTURE = {
    "errors",
    "files",
    "jobs",
    "modules",
    "tables",
    "progress",
    "models/device",
    "writing/reach",
    *(f"{room}/{path.stem}" for room in ("archive", "provenance") for path in (LIBRARY / room).glob("*.py")),
}


def depends_on(*modules: str) -> list[str]:
    """Return the modules that the named ones import, directly or not, themselves included, sorted.

    Modules are named by their path in the library: `experts/scoring`. FileNotFoundError for an unknown one.

    >>> depends_on("statistics/resampling")
    ['statistics/resampling']
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imports(module)
    return sorted(found - INFRASTRUCTURE)


# A statement that imports from this library, wherever it stands. To parse whole modules takes ten times as
# long, and every job of a cluster asks twice.
_STATEMENT = re.compile(
    r"^[ \t]*((?:from[ \t]+golgi[\w.]*[ \t]+import|import[ \t]+golgi)[^\n(]*(?:\([^)]*\))?)", re.MULTILINE
)


@cache
def _imports(module: str) -> list[str]:
    text = (LIBRARY / f"{module}.py").read_text(encoding="utf-8")
    named = []
    for node in ast.parse("\n".join(_STATEMENT.findall(text))).body:
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # `from golgi.figures import axes` names a module, `from golgi.study import Study` a content.
            named += [f"{node.module}.{alias.name}" for alias in node.names]
    return [path for name in named if (path := _path(name))]


def _path(name: str) -> str | None:
    package, *parts = name.split(".")
    if package != "golgi":
        return None
    for stop in (len(parts), len(parts) - 1):
        path = "/".join(parts[:stop])
        for file in (path, f"{path}/__init__"):
            if path and (LIBRARY / f"{file}.py").is_file():
                return file
    return None
