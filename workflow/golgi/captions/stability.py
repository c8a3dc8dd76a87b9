"""Captions of the figures of stability and of false discoveries."""

import polars as pl

from golgi.captions.wording import Findings, Tables, percent, spoken
from golgi.figures.rows import (
    at_last,
    at_threshold,
    checkpoints,
    controls,
    counted,
    interval,
    listed,
    moment,
    share,
    study_threshold,
)

TITLES = {
    "stability": "Stability of experts",
    "false_discovery": "False discoveries",
}
SHOWN = {
    "stability": (
        "Above, the mean Jaccard overlap of the expert sets that disjoint folds of a concept's sentences "
        "find, by threshold and number of positives (N+) and negatives (N\N{MINUS SIGN}) of a fold; below, "
        "the mean number of experts; bands are 95 % bootstrap intervals over concepts. Where whole "
        "documents (or frames of templates) fill the folds, no two folds have sentences of the same one. "
        "Two empty sets overlap by 0. Sizes differ in the average precision (AP) of chance: dotted lines, "
        "where it lies among the thresholds. Hollow marks: one random order of a fold's sentences in a "
        "thousand, or more, reaches the threshold, so that units pass, and overlap, for nothing. Ringed: "
        "of the other sizes, the one with the fewest sentences whose overlap is within .02 of the best. "
        "Grey lines are controls, at the most negatives."
    ),
    "false_discovery": (
        "Above, the mean number of experts of a concept by threshold; those to be expected by chance, from "
        "shuffled labels; those left when the share of false discoveries over all units is controlled "
        "(Benjamini and Hochberg); and those of the untrained twin where there is one. Below, the experts "
        "expected by chance as a share of all, with the level of the control. The dotted line is the average "
        "precision (AP) of chance, the grey one the study's threshold. P-values compare a unit with the "
        "shuffled APs of all units of the model for the same concept."
    ),
}


def stability(tables: Tables, model: str, options: dict) -> str:
    table = tables["stability"].filter(pl.col("model") == model)
    threshold = study_threshold(table, options)
    last = at_last(at_threshold(table, threshold))
    measured = last.filter(pl.col("control") == "measured")
    if measured.is_empty():
        return f"{model}: stability was not measured at threshold {share(threshold)}."
    start = f"{model} at {moment(checkpoints(last)[-1])}, AP at least {share(threshold)}: "
    chosen = measured.filter(pl.col("recommended"))
    if chosen.is_empty():
        return start + f"no size can be recommended, since {unfit(measured)}.{common(measured)}"
    row = chosen.row(0, named=True)
    return start + f"{sized(row)} {reached(row)}.{beside(row, last)}{scope(row, measured)}{common(measured)}"


def unfit(measured: pl.DataFrame) -> str:
    if not measured["beyond_chance"].any():
        return "at every size the threshold is near the AP of chance"
    return "at every size beyond chance disjoint folds share no expert"


def sized(row: dict) -> str:
    return f"{counted(row['positives'], 'positive')} and {counted(row['negatives'], 'negative')} a fold"


def reached(row: dict) -> str:
    empty = row["empty_pairs"]
    silent = f"; {counted(empty, 'pair')} of folds without any expert" if empty else ""
    return (
        f"are recommended, with overlap {share(row['overlap'])} (95 % interval "
        f"{interval({'low': row['overlap_low'], 'high': row['overlap_high']})}) of {row['experts']:,.1f} "
        f"experts a concept [{row['experts_low']:,.1f}, {row['experts_high']:,.1f}]{silent}"
    )


def beside(row: dict, last: pl.DataFrame) -> str:
    """The controls at the recommended size, and a sentence where stability is no sign of learning."""
    same = last.filter(pl.col("positives") == row["positives"], pl.col("negatives") == row["negatives"])
    found = {
        control: same.filter(pl.col("control") == control).row(0, named=True) for control in controls(same)
    }
    if not found:
        return ""
    named = [f"{share(one['overlap'])} {spoken(control)}" for control, one in found.items()]
    as_high = [spoken(control) for control, one in found.items() if one["overlap"] >= row["overlap_low"]]
    text = f" Controls: {listed(named)}."
    if as_high:
        text += f" Experts are as stable {listed(as_high)}: their stability is no sign of learning."
    return text


def scope(row: dict, measured: pl.DataFrame) -> str:
    """Whether the best size is the largest that was tried: then more sentences may do better."""
    largest = row["positives"] == measured["positives"].max(), row["negatives"] == measured["negatives"].max()
    if all(largest) and len(measured) > 1:
        return " This is the largest size that was tried: more sentences may do better."
    return ""


def common(measured: pl.DataFrame) -> str:
    """How many concepts have folds that share documents; nothing where none has."""
    number = measured["sharing_concepts"].max()
    if not number:
        return ""
    concepts = counted(measured["concepts"].max(), "concept")
    return (
        f" In {number:,} of {concepts} whole documents (or frames) do not fill the folds, which so share "
        "some, and may agree for that."
    )


def false_discovery(tables: Tables, model: str, options: dict) -> str:
    table = tables["discoveries"].filter(pl.col("model") == model)
    threshold = study_threshold(table, options)
    last = at_last(at_threshold(table, threshold))
    measured = last.filter(pl.col("control") == "measured")
    if measured.is_empty():
        return f"{model}: nothing was shuffled at threshold {share(threshold)}."
    found, level = totals(measured), measured["level"][0]
    start = f"{model} at {moment(checkpoints(last)[-1])}, AP at least {share(threshold)}: "
    if not found["experts"]:
        return start + "there are no experts."
    text = (
        f"{found['experts'] / len(measured):,.1f} experts a concept, {by_chance(found, measured)}; "
        f"{found['controlled'] / len(measured):,.1f} are left at level {level:g}."
    )
    bare = measured.filter(pl.col("experts") > 0, pl.col("controlled") == 0).height
    if bare:
        text += f" {counted(bare, 'concept')} with experts {'has' if bare == 1 else 'have'} none left."
    return start + text + against_twin(found, last.filter(pl.col("control") == "untrained"))


def totals(rows: pl.DataFrame) -> dict:
    return rows.select(pl.col("experts", "expected", "controlled").sum()).row(0, named=True)


def by_chance(found: dict, measured: pl.DataFrame) -> str:
    """How many experts are to be expected by chance; where shuffling gave none, from how many shuffles."""
    if not found["expected"]:
        return f"none of which is to be expected by chance ({counted(measured['shuffles'][0], 'shuffle')})"
    number = found["expected"] / len(measured)
    mean = f"{number:,.1f}" if number >= 0.1 else f"{number:.1g}"
    share_of_all = percent(min(found["expected"] / found["experts"], 1))
    return f"of which {mean} ({share_of_all}) are to be expected by chance"


def against_twin(found: dict, twin: pl.DataFrame) -> str:
    if twin.is_empty():
        return ""
    left = totals(twin)["controlled"]
    text = f" In the untrained twin {left / len(twin):,.1f} are left"
    if left >= found["controlled"]:
        return text + ", no fewer: not being chance does not mean being learnt."
    return text + "."


FINDINGS: Findings = {
    "stability": (stability, "stability"),
    "false_discovery": (false_discovery, "discoveries"),
}
