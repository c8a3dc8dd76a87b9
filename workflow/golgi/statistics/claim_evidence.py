"""What tables say about the two sides of a claim, before these are compared."""

import logging
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.statistics.similarity import Overlap, read_overlaps
from golgi.study.quantities import LARGEST, QUANTITIES
from golgi.tables import read_table

logger = logging.getLogger(__name__)


class Undefined(Exception):
    """What a claim is about has no row in the tables, or no value; `left_out` counts items without one."""

    def __init__(self, reason: str, *, left_out: int = 0):
        super().__init__(reason)
        self.left_out = left_out


class Evidence:
    """The tables of a study, each read when a claim asks for it."""

    def __init__(self, tables: dict[str, Path]):
        self._tables = tables
        self._frames: dict[str, pl.DataFrame] = {}

    def table(self, name: str) -> pl.DataFrame:
        """Return a table by its name."""
        if name not in self._frames:
            self._frames[name] = read_table(self._tables[name], schema=name)
        return self._frames[name]

    @cached_property
    def categories(self) -> np.ndarray:
        """The category of every concept, [concept]."""
        return self.table("concepts")["category"].to_numpy()

    @cached_property
    def overlaps(self) -> list[Overlap]:
        """The overlaps of all pairs, at each model's last checkpoint and control."""
        return read_overlaps(self._tables["overlap"], self.table("concepts")["concept"].to_list())


def settle_sizes(row: dict[str, Any], evidence: Evidence) -> dict[str, Any]:
    """Return a claim with the largest size that the table has of a model, where the claim leaves it open."""
    for name, text in (("left", "quantity"), ("right", "against")):
        side = row[name]
        if not isinstance(side, dict) or side["where"].get("size") != LARGEST:
            continue
        quantity = QUANTITIES[side["quantity"]]
        others = {key: value for key, value in side["where"].items() if key != "size"}
        size = _matching({**side, "where": others}, evidence.table(quantity.table))["size"].max()
        row = row | {name: {**side, "where": others | ({} if size is None else {"size": size})}}
        row |= {text: f"{row[text]} of {size} units"} if size is not None else {}
    return row


def both_sides(row: dict[str, Any], evidence: Evidence) -> tuple[pl.DataFrame, int]:
    """Return the items that have a value on both sides, and how many have not.

    Columns are `value` and `per`, and of the other side, or the number, `value_other` and `per_other`. Raises
    Undefined where no item has both.
    """
    quantity = QUANTITIES[row["left"]["quantity"]]
    both, items = item_values(row["left"], evidence), list(quantity.items)
    if isinstance(row["right"], dict):
        right = item_values(row["right"], evidence).rename({"value": "value_other", "per": "per_other"})
        both = both.join(right, on=items, how="full", coalesce=True).sort(items)
    else:
        both = both.with_columns(value_other=pl.lit(float(row["right"])), per_other=pl.lit(1.0))
    known = both.drop_nulls()
    left_out = both.height - known.height
    if left_out:
        logger.info("%s: %d of %d have no value.", row["claim"], left_out, both.height)
    if known.is_empty():
        raise Undefined(f"none of {both.height} {quantity.replication} has a value", left_out=left_out)
    return known, left_out


def item_values(side: dict[str, Any], evidence: Evidence) -> pl.DataFrame:
    """Return `value` of every item of one side, and `per` (1 where it is no share), in the order of items."""
    quantity = QUANTITIES[side["quantity"]]
    rows, items = chosen(side, evidence.table(quantity.table)), list(quantity.items)
    if not quantity.summed and rows.select(items).is_duplicated().any():
        raise GolgiError(f"table {quantity.table} has several values for one of the {quantity.replication}.")
    value = pl.col(quantity.value).cast(pl.Float64)
    per = pl.col(quantity.per).cast(pl.Float64) if quantity.per else pl.lit(1.0)
    return (
        rows.group_by(items)
        .agg((value.sum() if quantity.summed else value.first()).alias("value"), per.first().alias("per"))
        .sort(items)
    )


def chosen(side: dict[str, Any], frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a table that one side of a claim is about; raises Undefined where there is none."""
    rows = _matching(side, frame)
    if rows.is_empty():
        listed = ", ".join(f"{column} {value}" for column, value in _conditions(side).items())
        raise Undefined(f"table {QUANTITIES[side['quantity']].table} has no row with {listed}")
    return rows


def _matching(side: dict[str, Any], frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(*(_equals(column, value) for column, value in _conditions(side).items()))


def _conditions(side: dict[str, Any]) -> dict[str, Any]:
    quantity = QUANTITIES[side["quantity"]]
    return {quantity.columns.get(key, key): value for key, value in side["where"].items()} | quantity.fixed


def _equals(column: str, value: Any) -> pl.Expr:
    return (pl.col(column) - value).abs() < 1e-9 if isinstance(value, float) else pl.col(column) == value


def overlap_of(side: dict[str, Any], evidence: Evidence) -> Overlap:
    """Return the overlaps that one side of a claim is about; raises Undefined where there are none."""
    where = side["where"]
    for overlap in evidence.overlaps:
        there = (overlap.point.model, overlap.point.checkpoint, overlap.control)
        same = there == (where["model"], where["checkpoint"], where["control"])
        if same and overlap.is_threshold(where["threshold"]):
            return overlap
    listed = ", ".join(f"{name} {value}" for name, value in where.items())
    raise Undefined(f"table overlap has no row with {listed}")


def rated_pairs(side: dict[str, Any], evidence: Evidence) -> pl.DataFrame:
    """Return the rated pairs of one side, which table `alignment_pairs` has at one threshold alone."""
    where = {key: value for key, value in side["where"].items() if key != "threshold"}
    return chosen({**side, "where": where}, evidence.table("alignment_pairs"))
