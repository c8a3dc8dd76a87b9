"""Where the files of a study lie, seen from its report."""

import os
from collections.abc import Mapping
from pathlib import Path

PICTURES = (".pdf", ".svg", ".png")
TABLES = (".csv", ".parquet")


def beside(path: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files that exist under one name with each of the suffixes."""
    return [path.with_suffix(suffix) for suffix in suffixes if path.with_suffix(suffix).exists()]


def link(path: Path, report: Path) -> dict[str, str]:
    """Return name and address of a file, relative to the report."""
    return {"name": path.name, "target": Path(os.path.relpath(path, report.parent)).as_posix()}


def table_links(tables: Mapping[str, Path], report: Path) -> dict[str, list[dict[str, str]]]:
    """Return of every table its files, the one that a person opens first."""
    return {name: [link(file, report) for file in beside(path, TABLES)] for name, path in tables.items()}
