"""Are the claims of a study held by its finished tables?"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.statistics.claim_tests import (
    FEWEST,
    Evidence,
    Finding,
    compare_alignments,
    compare_items,
    compare_overlaps,
    read_printed,
)
from golgi.statistics.resampling import holm
from golgi.study.quantities import QUANTITIES
from golgi.tables import write_table

logger = logging.getLogger(__name__)

LEVEL = 0.05
WAYS = {
    "paired": compare_items,
    "overlap": compare_overlaps,
    "alignment": compare_alignments,
    "printed": read_printed,
}
NUMBERS = ("value", "other", "effect", "low", "high", "p", "p_holm")


def test_claims(
    *, rows: list[dict[str, Any]], tables: dict[str, Path], draws: int, seed: int, claims: Path
) -> None:
    """Write table `claims`: effect, interval, p-value and verdict of each claim of a study.

    `rows` are those of golgi.study.claim_rows.settled_claims, `tables` the files of the tables they need, by
    name; `draws` are the permutations, and the bootstrap samples, of every test. P-values are one-sided and
    adjusted by Holm's method over all rows; one that is undefined stays in the family as p = 1. Raises
    GolgiError where a table lacks what a claim is about.
    """
    evidence = Evidence(tables)
    findings = [find(row, evidence, draws=draws, seed=seed) for row in rows]
    adjusted = holm(np.array([1.0 if finding.p is None else finding.p for finding in findings]))
    described = [
        _described(place, row, finding, None if finding.p is None else float(corrected))
        for place, (row, finding, corrected) in enumerate(zip(rows, findings, adjusted, strict=True))
    ]
    for row in described:
        logger.info("%s of %s: %s.", row["claim"], row["model"], row["verdict"])
    frame = pl.DataFrame(described, schema_overrides=dict.fromkeys(NUMBERS, pl.Float64))
    write_table(frame, claims, schema="claims", csv=True)


def find(row: dict[str, Any], evidence: Evidence, *, draws: int, seed: int) -> Finding:
    """Return what the tables say about one claim; GolgiError, with its name, where they lack its values."""
    way = QUANTITIES[row["left"]["quantity"]].way
    try:
        return WAYS[way](row, evidence, draws=draws, seed=seed)
    except GolgiError as error:
        raise GolgiError(f"Claim `{row['claim']}` of {row['model']}: {error}") from error


def verdict(finding: Finding, p_holm: float | None, matters: float) -> str:
    """Return `held`, `not_held` or `underpowered`.

    Held: significant, and in the direction of the claim. Not held: the interval excludes a difference that
    matters. An interval over fewer than five items excludes nothing: with so few, no permutation test could
    have been significant.
    """
    if p_holm is not None and p_holm <= LEVEL and finding.effect > 0:
        return "held"
    excluded = finding.high is not None and finding.high < matters and finding.n >= FEWEST
    return "not_held" if excluded else "underpowered"


def _described(place: int, row: dict[str, Any], finding: Finding, p_holm: float | None) -> dict[str, Any]:
    quantity = QUANTITIES[row["left"]["quantity"]]
    return {
        "index": place,
        **{name: row[name] for name in ("claim", "say", "model", "quantity", "relation", "against", "unit")},
        **{name: getattr(finding, name) for name in ("value", "other", "effect", "low", "high", "p", "n")},
        "p_holm": p_holm,
        "matters": row["matters"],
        "verdict": verdict(finding, p_holm, row["matters"]),
        "unit_of_replication": quantity.replication,
        "test": finding.test,
        "table": quantity.table,
    }
