"""Are the claims of a study held by its finished tables?"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.statistics.claim_evidence import Evidence, Undefined, settle_sizes
from golgi.statistics.claim_tests import (
    FEWEST,
    Finding,
    compare_alignments,
    compare_items,
    compare_overlaps,
    compare_pooled,
    method_of,
    nothing,
    read_printed,
)
from golgi.statistics.resampling import holm
from golgi.study.quantities import QUANTITIES
from golgi.tables import write_table

logger = logging.getLogger(__name__)

LEVEL = 0.05
WAYS = {
    "paired": compare_items,
    "pooled": compare_pooled,
    "overlap": compare_overlaps,
    "alignment": compare_alignments,
    "printed": read_printed,
}
FOUND = ("value", "other", "effect", "low", "high", "p", "n", "left_out", "test", "reason")
NUMBERS = ("value", "other", "effect", "low", "high", "p", "p_holm")


def test_claims(
    *, rows: list[dict[str, Any]], tables: dict[str, Path], draws: int, seed: int, claims: Path
) -> None:
    """Write table `claims`: effect, interval, p-value and verdict of each claim of a study.

    `rows` are those of golgi.study.claim_rows.settled_claims, `tables` the files of the tables they need, by
    name; `draws` are the permutations, and the bootstrap samples, of every test. P-values are one-sided and
    adjusted by Holm's method over all rows. A claim about what a table lacks or leaves undefined is
    `underpowered`, with the reason, and stays in the family as p = 1. Raises GolgiError where a table cannot
    be read.
    """
    evidence = Evidence(tables)
    rows = [settle_sizes(row, evidence) for row in rows]
    findings = [find(row, evidence, draws=draws, seed=seed) for row in rows]
    adjusted = holm(np.array([1.0 if finding.p is None else finding.p for finding in findings]))
    described = [
        _described(place, row, finding, None if finding.p is None else float(corrected))
        for place, (row, finding, corrected) in enumerate(zip(rows, findings, adjusted, strict=True))
    ]
    for row in described:
        because = f" ({row['reason']})" if row["reason"] else ""
        logger.info("%s of %s: %s%s.", row["claim"], row["model"], row["verdict"], because)
    types = dict.fromkeys(NUMBERS, pl.Float64) | {"reason": pl.String}
    frame = pl.DataFrame(described, schema_overrides=types)
    write_table(frame, claims, schema="claims", csv=True)


def find(row: dict[str, Any], evidence: Evidence, *, draws: int, seed: int) -> Finding:
    """Return what the tables say about one claim; GolgiError, with its name, where they cannot be read."""
    way = QUANTITIES[row["left"]["quantity"]].way
    try:
        if row["left"] == row["right"]:
            raise Undefined("both sides are the same rows of the table")
        return WAYS[way](row, evidence, draws=draws, seed=seed)
    except Undefined as error:
        return nothing(method_of(row), str(error), left_out=error.left_out)
    except GolgiError as error:
        raise GolgiError(f"Claim `{row['claim']}` of {row['model']}: {error}") from error


def verdict(finding: Finding, p_holm: float | None, matters: float) -> str:
    """Return `held`, `not_held` or `underpowered`.

    Held: significant after Holm's adjustment, and above 0 with all of its interval, where there is one. The
    p-value is one-sided and the interval two-sided, of single rows: each may be the stricter one, and both
    have to agree. Not held: the interval, which is not adjusted for the number of claims, excludes a
    difference that matters; without an interval nothing can be. Fewer than five items settle nothing: with so
    few, no permutation test could be significant.
    """
    if finding.effect is None or finding.n < FEWEST:
        return "underpowered"
    above = finding.effect > 0 and (finding.low is None or finding.low > 0)
    if above and p_holm is not None and p_holm <= LEVEL:
        return "held"
    return "not_held" if finding.high is not None and finding.high < matters else "underpowered"


def _described(place: int, row: dict[str, Any], finding: Finding, p_holm: float | None) -> dict[str, Any]:
    quantity = QUANTITIES[row["left"]["quantity"]]
    return {
        "index": place,
        **{name: row[name] for name in ("claim", "say", "model", "quantity", "relation", "against", "unit")},
        **{name: getattr(finding, name) for name in FOUND},
        "p_holm": p_holm,
        "matters": row["matters"],
        "verdict": verdict(finding, p_holm, row["matters"]),
        "unit_of_replication": quantity.replication,
        "table": quantity.table,
    }
