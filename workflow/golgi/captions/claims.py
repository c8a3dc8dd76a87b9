"""Caption of the figure of claims: what is held, what is not, and what the data cannot tell."""

import polars as pl

from golgi.captions.wording import Findings, Tables
from golgi.figures.rows import counted, p_value, share

TITLES = {"claims": "Claims"}
SHOWN = {
    "claims": (
        "Every claim of the study, tested on its tables: the difference in the direction of the claim with "
        "its 95 % bootstrap interval, and the one-sided p-value, Holm-adjusted over all claims and models. "
        "Held (blue circle): adjusted p at most .05. Not held (red cross): the interval lies below the "
        "dotted line, the smallest difference that matters. Underpowered (grey diamond): neither."
    ),
}
VERDICTS = {"held": "Held", "not_held": "Not held", "underpowered": "Underpowered"}


def claims(tables: Tables, model: str, options: dict) -> str:
    rows = tables["claims"].filter(pl.col("model") == model).sort("index")
    numbers = [
        f"{rows.filter(pl.col('verdict') == verdict).height} {VERDICTS[verdict].lower()}"
        for verdict in VERDICTS
    ]
    text = f"{model}, {counted(rows.height, 'claim')}: {', '.join(numbers)}."
    for verdict, word in VERDICTS.items():
        found = [stated(row) for row in rows.filter(pl.col("verdict") == verdict).iter_rows(named=True)]
        text += f" {word}: {'; '.join(found)}." if found else ""
    return text


def stated(row: dict) -> str:
    """A claim with its effect, interval, p-value and what it rests on."""
    say = f"“{row['say'].rstrip('.')}”"
    if row["effect"] is None:
        return f"{say} (undefined: the tables leave nothing to compare)"
    ends = "no interval" if row["low"] is None else f"[{amount(row['low'])}, {amount(row['high'])}]"
    number = counted(row["n"], row["unit_of_replication"].removesuffix("s"))
    return (
        f"{say} ({row['quantity']} {amount(row['value'])}, {against(row)}; difference "
        f"{amount(row['effect'])} {ends} {row['unit']}, adjusted {p_value(row['p_holm'])}, {row['test']}, "
        f"{number}{remark(row)})"
    )


def against(row: dict) -> str:
    """What it is compared with, and its value unless that is what it is called."""
    numeric = row["against"].lstrip("-").replace(".", "").isdigit()
    return f"against {row['against']}" + ("" if numeric else f" {amount(row['other'])}")


def remark(row: dict) -> str:
    """What the verdict alone would hide."""
    if row["verdict"] == "held" and row["high"] is not None and row["high"] < row["matters"]:
        return f"; less than {amount(row['matters'])}, which would matter"
    if row["verdict"] == "not_held":
        return f"; {amount(row['matters'])} is excluded"
    return ""


def amount(value: float) -> str:
    """A number of any size: shares without their leading zero, larger ones with a decimal."""
    if abs(value) < 1:
        return share(value, 3 if abs(value) < 0.1 else 2)
    return f"{value:,.1f}".replace("-", "\N{MINUS SIGN}")


FINDINGS: Findings = {"claims": (claims, "claims")}
