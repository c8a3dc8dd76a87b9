"""Caption of the figure of claims: what is held, what is not, and what the data cannot tell."""

import polars as pl

from golgi.captions.wording import Findings, Tables
from golgi.figures.rows import counted, p_value, share

TITLES = {"claims": "Claims"}
SHOWN = {
    "claims": (
        "Every claim of the study, tested on its tables: the difference in the direction of the claim with "
        "its 95 % bootstrap interval, and the one-sided p-value, Holm-adjusted over all claims and models. "
        "Held (blue circle): adjusted p at most .05, and effect and interval above 0. Not held (red cross): "
        "the interval lies below the dotted line, the smallest difference that matters; intervals are not "
        "adjusted for the number of claims, and a claim without one cannot be shown not to hold. "
        "Underpowered (grey diamond): neither."
    ),
}
LEVEL = 0.05
CORRELATION = "Pearson's r"
NO_WIDTH = 1e-9
SMALLEST_SHARE = 0.01  # of variance, that a correlation explains
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
        return f"{say} (undefined: {'; '.join(remarks(row))})"
    ends = "" if row["low"] is None else f"[{amount(row['low'])}, {amount(row['high'])}] "
    number = counted(row["n"], row["unit_of_replication"].removesuffix("s"))
    facts = (
        f"{row['quantity']} {amount(row['value'])}, {against(row)}; difference {amount(row['effect'])} "
        f"{ends}{row['unit']}, adjusted {p_value(row['p_holm'])}, {row['test']}, {number}"
    )
    return f"{say} ({'; '.join([facts, *remarks(row)])})"


def against(row: dict) -> str:
    """What it is compared with, and its value unless that is what it is called."""
    numeric = row["against"].lstrip("-").replace(".", "").isdigit()
    return f"against {row['against']}" + ("" if numeric else f" {amount(row['other'])}")


def remarks(row: dict) -> list[str]:
    """What the verdict alone would hide."""
    found = [row["reason"]] if row["effect"] is None else [*smallness(row), *limits(row)]
    if row["left_out"]:
        noun = row["unit_of_replication"].removesuffix("s")
        found.append(f"{counted(row['left_out'], noun)} left out, without a value")
    return found


def smallness(row: dict) -> list[str]:
    """How small the effect of a claim is, though it is held."""
    if row["verdict"] != "held":
        return []
    least, found = amount(row["matters"]), []
    if row["high"] is not None and row["high"] < row["matters"]:
        found.append(f"less than {least}, which would matter")
    elif row["effect"] < row["matters"]:
        found.append(f"below {least}, the smallest that matters")
    if row["unit"] == CORRELATION and row["effect"] ** 2 < SMALLEST_SHARE:
        found.append("r squared is below 1 %")
    return found


def limits(row: dict) -> list[str]:
    """What the interval adds to a verdict, or keeps from it."""
    held, found = row["verdict"] == "held", []
    if row["verdict"] == "not_held":
        found.append(f"{amount(row['matters'])} is excluded")
    if row["low"] is None:
        found.append("no interval" if held else "no interval: cannot be shown not to hold")
    elif row["low"] <= 0 < row["effect"] and row["p_holm"] is not None and row["p_holm"] <= LEVEL:
        found.append("significant, but the interval includes 0")
    if row["low"] is not None and row["high"] - row["low"] < NO_WIDTH:
        found.append(f"the interval has no width: all {row['unit_of_replication']} are alike in this")
    return found


def amount(value: float) -> str:
    """A number of any size: a share without its leading zero, the longer the smaller, or one decimal."""
    if abs(value) < 1:
        digits = 2 if abs(value) >= 0.1 else 3 if abs(value) >= 0.01 or value == 0 else 4
        return share(value, digits)
    return f"{value:,.1f}".replace("-", "\N{MINUS SIGN}")


FINDINGS: Findings = {"claims": (claims, "claims")}
