"""Caption of the figure of interventions, with every number taken from the table."""

import math

import polars as pl

from golgi.captions.wording import Findings, Tables, tested
from golgi.figures.rows import at_studied, counted, interval, listed, moment, share

TITLES = {"interventions": "What acting on expert units does"}
SHOWN = {
    "interventions": (
        "Change by setting k units of a concept at every token, against k: to their median response to "
        "the concept's sentences (force), to 0 (zero), or to their mean response to other sentences (mean "
        "negative). A response is pooled over a sentence: pooled by its maximum, the mean negative is a mean "
        "of maxima, above what a unit has at most tokens, so that it raises units there and is no removal. "
        "From the left: log-probability of the concept's word where it stands in held-out "
        "sentences, and where it does not; share of sampled continuations with the word; and, as the "
        "cost, loss on neutral text. Units are the k best by average precision (top), as many ranks after "
        "them (next), or as many random ones matched by layer and mean response to other sentences; how far "
        "units are pushed is not matched, so top against random mixes which units are set with how far. "
        "Bands and bars are 95 % bootstrap intervals (concepts resampled, and sentences, each for all "
        "concepts that it serves). P-values are of the difference of top to matched random units, from "
        "flipping signs by concept: they generalise over concepts, given these prompts, and m concepts give "
        "no p below 1/2ᵐ. They are one-sided (forcing and the cost: a rise; zeroing: a fall), but for mean "
        "negative exploratory and two-sided, at least 2/2ᵐ; Holm's correction is over the planned tests of "
        "all models and actions. Above the panels: concepts, and n prompts of all of them."
    )
}
ACTS = {"force": "Forcing", "zero": "Zeroing", "mean_negative": "Setting to the mean negative response"}
VERBS = {"rise": ("raise", "more"), "fall": ("lower", "more"), None: ("change", "otherwise")}


def interventions(tables: Tables, model: str, options: dict) -> str:
    """Per action, at the planned number of units: the effects, their cost, and what is not shown."""
    studied = at_studied(tables["interventions"])
    rows = studied.filter(pl.col("model") == model)
    planned = rows.filter(pl.col("family") == "planned")["size"]
    size = planned.max() if planned.len() else rows["size"].max()
    at_size = rows.filter(pl.col("size") == size)
    tests = studied["p_holm"].count()
    said = [f"{model} at {moment(rows['checkpoint'][0])}, k = {size:,}."]
    for action in ACTS:
        acts = at_size.filter(pl.col("action") == action)
        top = acts.filter(pl.col("units") == "top")
        if top.height:
            said.append(acted({row["quantity"]: row for row in top.iter_rows(named=True)}, action, tests))
            said += pushed(acts)
    return " ".join([*said, *fewer(at_size, size)])


def acted(top: dict[str, dict], action: str, tests: int) -> str:
    """One action on the top units, a row for each quantity: the changes, and what is not shown."""
    word = top["occurs"]
    if word["effect"] is None:
        text = "the word occurs in no prompt"
    else:
        text = (
            f"{signed(word['effect'])} nats {interval(word)} where the word occurs "
            f"({counted(word['concepts'], 'concept')}{missing(word)}; {beyond(word)})"
        )
    parts = [text, *elsewhere(top["absent"]), *continued(top["generated"]), *cost(top["neutral"])]
    verdicts = unsupported(word, "the word's log-probability")
    if word["family"] == "planned":
        verdicts += too_few(word, tests)
    if top["generated"]["family"] == "planned":
        verdicts += unsupported(top["generated"], "the share of continuations with it")
    verdicts += [*unspecific(word, top["absent"]), *costly(word, top["neutral"])]
    return " ".join([f"{ACTS[action]}: {'; '.join(parts)}.", *verdicts])


def signed(value: float, digits: int = 2) -> str:
    """A change with its sign."""
    text = share(value, digits)
    return f"+{text}" if float(f"{value:.{digits}f}") > 0 else text


def beyond(row: dict, digits: int = 2) -> str:
    """What the top units do beyond matched random ones, tested."""
    if row["difference"] is None:
        return "no matched random units to compare"
    return (
        f"difference to random {signed(row['difference'], digits)} {interval(row, digits, 'difference_')}, "
        f"{tested(row)}{'' if row['expected'] else ', two-sided'}"
    )


def pushed(rows: pl.DataFrame) -> list[str]:
    """A sentence on how far one action moves the top units, and the random ones they are compared with."""
    known = rows.filter(pl.col("displacement") > 0).select("units", "displacement").unique()
    far = dict(known.sort("units").iter_rows())
    if "top" not in far or "random" not in far:
        return []
    top, random = (f"{far[units]:.3g}".removeprefix("0") for units in ("top", "random"))
    return [
        f"That pushes top units {top} away from their mean response to other sentences, and random ones "
        f"{random}."
    ]


def elsewhere(row: dict) -> list[str]:
    return [] if row["effect"] is None else [f"{signed(row['effect'])} {interval(row)} where it does not"]


def continued(row: dict) -> list[str]:
    if row["effect"] is None:
        return []
    after = row["base"] + row["effect"]
    text = f"share of continuations with it from {share(row['base'], 3)} to {share(after, 3)}"
    return [text + (f" ({beyond(row, 3)})" if row["family"] == "planned" else "")]


def cost(row: dict) -> list[str]:
    if row["effect"] is None:
        return []
    compared = "" if row["difference"] is None else f"; difference to random {signed(row['difference'], 3)}"
    return [
        f"loss on neutral text {signed(row['effect'], 3)} nats per token {interval(row, 3)} "
        f"(perplexity × {math.exp(row['effect']):.3f}{compared})"
    ]


def missing(row: dict) -> str:
    return f", {row['without']:,} more without a prompt" if row["without"] else ""


def unsupported(row: dict, noun: str) -> list[str]:
    """A sentence where the top units are not shown to do more than matched random ones, or than the next."""
    if row["difference"] is None:
        return []
    verb, how = VERBS[row["expected"]]
    more = f"that the top units {verb} {noun} {how} than matched random units do is not shown."
    if is_opposite(row):
        return [f"The top units do not {verb} {noun} {how} than matched random units do."]
    if includes_zero(row, "difference"):
        return [f"The interval of the difference includes 0: {more}"]
    if row["p_holm"] is not None and row["p_holm"] > 0.05:
        return [f"After Holm's correction {more}"]
    if row["p_holm"] is None and row["p"] > 0.05:
        return [f"By its p-value {more}"]
    if row["over_next"] is not None and includes_zero(row, "over_next"):
        return [f"That they {verb} {noun} {how} than the next units do is not shown."]
    return []


def is_opposite(row: dict) -> bool:
    """Whether the difference is none at all, or not on the side on which one is expected."""
    wrong = {"rise": row["difference"] < 0, "fall": row["difference"] > 0, None: False}
    return row["difference"] == 0 or wrong[row["expected"]]


def too_few(word: dict, tests: int) -> list[str]:
    """A sentence where no result could have passed Holm's correction."""
    least = min(1.0, (word["p_smallest"] or 0.0) * tests)
    if least <= 0.05:
        return []
    concepts = counted(word["concepts"], "concept")
    return [
        f"With {concepts} and {counted(tests, 'planned test')} no adjusted p can be below {share(least, 3)}."
    ]


def includes_zero(row: dict, column: str) -> bool:
    return row[f"{column}_low"] <= 0 <= row[f"{column}_high"]


def unspecific(word: dict, absent: dict) -> list[str]:
    """A sentence where the word changes at least as much, the same way, where it does not occur."""
    if word["effect"] is None or absent["effect"] is None:
        return []
    ratio = absent["effect"] / word["effect"] if word["effect"] else 0.0
    return ["The word changes as much where it does not occur."] if ratio >= 1 else []


def costly(word: dict, neutral: dict) -> list[str]:
    """Sentences where neutral text suffers as much as the word changes, or more than by random units."""
    if neutral["effect"] is None:
        return []
    said = []
    if word["effect"] is not None and neutral["effect"] >= abs(word["effect"]):
        said.append("The cost, per token of neutral text, is as large as the effect on the word.")
    if neutral["difference"] is not None and neutral["difference_low"] > 0:
        said.append("The top units cost more on neutral text than matched random ones.")
    return said


def fewer(rows: pl.DataFrame, size: int) -> list[str]:
    """A sentence where there were not as many units to set as were asked for."""
    short = rows.filter(pl.col("changed") < size).group_by("units").agg(pl.col("changed").min()).sort("units")
    named = [f"{changed:.1f} of the {units} ones" for units, changed in short.iter_rows()]
    return [f"Fewer than {size:,} units could be set, on average: {listed(named)}."] if named else []


FINDINGS: Findings = {"interventions": (interventions, "interventions")}
