"""Find units in the tables of a study's graphs, by what a person types."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from golgi.errors import GolgiError
from golgi.study.problems import did_you_mean


def nodes_file(results: str | Path) -> Path:
    """Return the table `graph_nodes` in a study's folder of results; GolgiError where there is none."""
    path = Path(results) / "tables" / "graph_nodes.parquet"
    if not path.is_file():
        raise GolgiError(
            f"there is no {path}: the study has no neuron graphs yet. They are made by a run of the study "
            "whose spec has a section `graphs`."
        )
    return path


def units_file(results: str | Path) -> Path:
    """Return the table `graph_units` in a study's folder of results; graphs can be there before it is."""
    return Path(results) / "tables" / "graph_units.parquet"


def read_columns(path: str | Path, columns: list[str], rows: pl.Expr | bool = True) -> pl.DataFrame:
    """Read some columns of a Parquet table, and some rows; GolgiError if it is damaged."""
    try:
        return pl.scan_parquet(path, glob=False).filter(rows).select(columns).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise GolgiError(f"{path} cannot be read as a table: {error}. Delete it and run again.") from error


def within(nodes: pl.DataFrame, **scope: str | None) -> pl.DataFrame:
    """Return the rows of a `model`, `checkpoint` and `site`; None is any. GolgiError if one is not there."""
    for name, wanted in scope.items():
        if wanted is None:
            continue
        there = nodes[name].unique().sort().to_list()
        if wanted not in there:
            nearest = did_you_mean(wanted, there)
            raise GolgiError(f"no graphs of the {name} `{wanted}`.{nearest} There are: {listed(there)}.")
        nodes = nodes.filter(pl.col(name) == wanted)
    return nodes


def unit_named(name: str, example: str) -> pl.Expr:
    """Return which rows are of a unit LAYER.UNIT; GolgiError, with an example, for what is none."""
    if not re.fullmatch(r"\d{1,9}\.\d{1,9}", name):
        said = "a unit is named by its layer and number"
        raise GolgiError(f"{example} {name}: {said}, as in `{example} 1.17`.")
    layer, unit = map(int, name.split("."))
    return (pl.col("layer") == layer) & (pl.col("unit") == unit)


def no_unit(nodes: pl.DataFrame, name: str) -> GolgiError:
    """Return the error that says that a unit has no graph."""
    layers = listed(nodes["layer"].unique().sort())
    return GolgiError(
        f"unit {name} has no graph: it is not among the study's units, or it never answered. There are "
        f"graphs of the layers {layers}."
    )


def listed(names: Iterable) -> str:
    """Return names joined with commas."""
    return ", ".join(map(str, names))
