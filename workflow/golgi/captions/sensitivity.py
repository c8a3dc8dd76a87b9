"""Caption of the figure of sensitivity: what hangs on a choice of the study, and what does not."""

import polars as pl

from golgi.captions.wording import Findings, Tables
from golgi.figures.rows import checkpoints, counted, interval, listed, moment, share
from golgi.figures.sensitivity import FACTORS

TITLES = {"sensitivity": "Sensitivity to the study's choices"}
SHOWN = {
    "sensitivity": (
        "Mean number of experts per concept, and Spearman's rank correlation of overlap with each "
        "reference, at the last checkpoint, when one choice is made otherwise and the rest is as in the "
        "study: pooling, site, BOS, threshold (τ), and numbers of positive (N+) and negative sentences "
        "(N−). Bold, and filled symbols: the study's own choice, whose value runs as a line through all "
        "rows; grey: the untrained twin. Bars are 95 % bootstrap intervals (concepts resampled for experts, "
        "words for alignment), not adjusted for the number of choices. At the right the average precision "
        "(AP) of chance, which moves with N+ and N−."
    )
}


def sensitivity(tables: Tables, model: str, options: dict) -> str:
    rows = tables["sensitivity"].filter(pl.col("model") == model).unique(maintain_order=True)
    measured = distinct(rows.filter(pl.col("control") == "measured"))
    twin = distinct(rows.filter(pl.col("control") == "untrained"))
    if measured.is_empty():
        return f"{model}: only the untrained twin was measured."
    sentences = [count_text(measured.filter(pl.col("reference").is_null()), model)]
    if twin.height:
        sentences.append(no_more_than_twin(measured, twin))
    for reference in measured["reference"].drop_nulls().unique().sort():
        chosen = pl.col("reference") == reference
        sentences.append(alignment_text(measured.filter(chosen), twin.filter(chosen), reference))
    return " ".join(sentences)


def distinct(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with the study's own choice once: every factor repeats it."""
    return pl.concat(
        [
            rows.filter(pl.col("base")).unique(["quantity", "reference"], keep="first", maintain_order=True),
            rows.filter(~pl.col("base")),
        ]
    )


def named(row: dict) -> str:
    return f"{FACTORS[row['factor']]} {row['value']}"


def extremes(others: pl.DataFrame) -> tuple[dict, dict]:
    ordered = others.sort("estimate", "factor", "value")
    return ordered.row(0, named=True), ordered.row(-1, named=True)


def count_text(rows: pl.DataFrame, model: str) -> str:
    own = rows.filter(pl.col("base")).row(0, named=True)
    others = rows.filter(~pl.col("base"))
    least, most = extremes(others)
    return (
        f"{model} at {moment(checkpoints(rows)[-1])}: {own['estimate']:,.1f} experts per concept with the "
        f"study's choices, and with one of {counted(others.height, 'other')} from {least['estimate']:,.1f} "
        f"({named(least)}) to {most['estimate']:,.1f} ({named(most)})."
    )


def beside_twin(measured: pl.DataFrame, twin: pl.DataFrame) -> pl.DataFrame:
    """Measured rows with the twin's estimate at the same choice as `twin`."""
    keys = ["quantity", "reference", "factor", "value"]
    found = twin.select(*keys, pl.col("estimate").alias("twin"))
    return measured.join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")


def no_more_than_twin(measured: pl.DataFrame, twin: pl.DataFrame) -> str:
    rows = beside_twin(measured, twin).filter(pl.col("quantity") == "experts")
    matched = rows.filter(pl.col("low") <= pl.col("twin")).height
    if not matched:
        return "With every choice there are more than in the untrained twin."
    return (
        f"With {matched} of {counted(rows.height, 'choice')} their interval does not lie above the number in "
        "the untrained twin."
    )


def alignment_text(measured: pl.DataFrame, twin: pl.DataFrame, reference: str) -> str:
    own = measured.filter(pl.col("base")).row(0, named=True)
    others = measured.filter(~pl.col("base"))
    known = others.filter(pl.col("estimate").is_not_null())
    undefined = others.height - known.height
    text = f"Alignment with {reference}: {own_text(own)}"
    if known.height:
        least, most = extremes(known)
        text += (
            f", otherwise from {share(least['estimate'])} ({named(least)}) to {share(most['estimate'])} "
            f"({named(most)})"
        )
    text += f", and undefined with {counted(undefined, 'other choice')}" if undefined else ""
    return f"{text}; {changed(known)}.{supported(measured, twin)}"


def own_text(own: dict) -> str:
    if own["estimate"] is None:
        return "undefined with the study's choices"
    return f"ρ = {share(own['estimate'])} ({interval(own)}) with the study's choices"


def changed(others: pl.DataFrame) -> str:
    """Where the paired interval of the change leaves out 0."""
    differ = others.filter((pl.col("change_low") > 0) | (pl.col("change_high") < 0))
    if differ.is_empty():
        return "no choice is shown to change it"
    texts = [f"{named(row)} ({share(row['estimate'])})" for row in differ.iter_rows(named=True)]
    return f"the interval of the paired change leaves out 0 with {listed(texts)}"


def supported(measured: pl.DataFrame, twin: pl.DataFrame) -> str:
    above = measured.filter(pl.col("low") > 0).height
    text = f" Its interval lies above 0 with {above} of {counted(measured.height, 'choice')}"
    if twin.height:
        over = beside_twin(measured, twin).filter(pl.col("low") > pl.col("twin")).height
        text += f", and above the untrained twin's value with {over}"
    return f"{text}."


FINDINGS: Findings = {"sensitivity": (sensitivity, "sensitivity")}
