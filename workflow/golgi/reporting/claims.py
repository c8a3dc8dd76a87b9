"""The claims of a study as its report states them, each where it stands: held, not held, underpowered."""

from typing import Any

import polars as pl

from golgi.captions.claims import VERDICTS, amount, remarks

RELATIONS = {"exceeds": "exceeds", "below": "stays below"}


def claim_rows(claims: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Return the rows of table `claims` in the order of the study, with the texts that a page shows.

    A row has, beside the table's columns, `first` and `models` (whether it begins a claim, and of how many
    rows), `anchor`, `word` (its verdict), `compared` (what with what) and its numbers as texts:
    `shown_effect`, `shown_interval`, `shown_matters` and `note`, what the verdict alone would hide.
    """
    if claims is None:
        return []
    rows = claims.sort("index").to_dicts()
    sizes = claims["claim"].value_counts().rows()
    return [_shown(row, rows[place - 1] if place else None, dict(sizes)) for place, row in enumerate(rows)]


def anchor(row: dict[str, Any]) -> str:
    """Return the identifier in the report of the row that begins a claim."""
    return f"claim-{row['index']}"


def _shown(row: dict[str, Any], before: dict[str, Any] | None, sizes: dict[str, int]) -> dict[str, Any]:
    known, first = row["effect"] is not None, before is None or before["claim"] != row["claim"]
    other = [] if first or before["quantity"] == row["quantity"] else [row["quantity"]]
    interval = "" if row["low"] is None else f"[{amount(row['low'])}, {amount(row['high'])}]"
    return row | {
        "first": first,
        "models": sizes[row["claim"]],
        "anchor": anchor(row),
        "word": VERDICTS[row["verdict"]].lower(),
        "compared": f"{row['quantity']} {RELATIONS[row['relation']]} {row['against']}",
        "shown_effect": amount(row["effect"]) if known else "undefined",
        "shown_interval": interval,
        "shown_matters": amount(row["matters"]),
        "note": "; ".join([*other, *remarks(row)]),
    }


def claim_counts(claims: pl.DataFrame | None) -> dict[str, int]:
    """Return how many rows are held, not held and underpowered, in this order; empty without claims."""
    if claims is None or claims.is_empty():
        return {}
    return {word.lower(): claims.filter(pl.col("verdict") == name).height for name, word in VERDICTS.items()}
