"""The answer of a study in brief: a line for each claim, or for each planned test where it claims nothing."""

from itertools import groupby
from typing import Any

import polars as pl

from golgi.captions.claims import VERDICTS, amount
from golgi.figures.rows import listed, p_value
from golgi.reporting.claims import anchor
from golgi.reporting.planned import Planned

ANYTHING = (
    "Which units of {models} respond to one concept, in which layers are they, when in training do they "
    "appear, and does their overlap agree with what people, or the lexicon, say about the concepts?"
)


def question(asked: str | None, models: list[str]) -> str:
    """Return what the study asks, in its own words or, where it has none, in those that fit every study."""
    return asked or ANYTHING.format(models=listed(models) or "the models")


def answers(claims: pl.DataFrame | None, tests: list[Planned]) -> list[dict[str, Any]]:
    """Return the lines: what is `said`, its `verdict` and `word`, its `numbers`, the `target` of a link."""
    if claims is None or claims.is_empty():
        return [_of_test(test) for test in tests]
    rows = claims.sort("index").to_dicts()
    return [_of_claim(list(group)) for _, group in groupby(rows, key=lambda row: row["claim"])]


def _of_claim(rows: list[dict[str, Any]]) -> dict[str, Any]:
    verdicts = list(dict.fromkeys(row["verdict"] for row in rows))
    return {
        "said": rows[0]["say"].rstrip("."),
        "target": anchor(rows[0]),
        "verdict": verdicts[0] if len(verdicts) == 1 else "mixed",
        "word": VERDICTS[verdicts[0]] if len(verdicts) == 1 else "Differs",
        "numbers": "; ".join(_numbers(row, alone=len(verdicts) == 1) for row in rows),
    }


def _numbers(row: dict[str, Any], *, alone: bool) -> str:
    start = row["model"] + ("" if alone else f" {VERDICTS[row['verdict']].lower()}")
    if row["effect"] is None:
        return f"{start}: undefined, {row['reason']}"
    ends = "" if row["low"] is None else f" [{amount(row['low'])}, {amount(row['high'])}]"
    p = p_value(row["p_holm"]) if row["p_holm"] is not None else "p undefined"
    return f"{start}: difference {amount(row['effect'])}{ends} {row['unit']}, adjusted {p}"


def _of_test(test: Planned) -> dict[str, Any]:
    return {
        "said": test.says,
        "target": "planned-tests",
        "verdict": "held" if test.shown else "underpowered",
        "word": "Shown" if test.shown else "Not shown",
        "numbers": f"{test.model}: {test.found}, {test.tested}",
    }
