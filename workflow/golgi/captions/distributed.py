"""Captions of the figure of linear probes and of bases at equal numbers of units."""

import polars as pl

from golgi.captions.wording import Findings, Tables, spoken, tested
from golgi.figures.rows import at_last, checkpoints, controls, counted, interval, listed, moment, share

TITLES = {"distributed": "What single units miss"}
SHOWN = {
    "distributed": (
        "Average precision (AP) on held-out sentences of linear probes, against the number of units they "
        "read, at the last checkpoint and in the controls. The best single unit (`best` on the axis, and the "
        "level of long dashes) is chosen on the sentences that the probes learn from. In the middle, what "
        "probes gain over the best unit of the same control. Below, the mean AP of the best units of each "
        "concept, chosen and measured on all sentences, as many in every basis and control. Bands and bars "
        "are 95 % bootstrap intervals, concepts resampled; dotted is the AP of a random order. P-values are "
        "one-sided."
    )
}


def distributed(tables: Tables, model: str, options: dict) -> str:
    rows = at_last(tables["distributed"].filter(pl.col("model") == model)).sort("size")
    probes = rows.filter(pl.col("kind") == "probe")
    sentences = [probe_text(model, rows, probes), *in_controls(probes), *failures(probes)]
    equal = at_last(tables["equal_units"].filter(pl.col("model") == model))
    return " ".join([*sentences, *equal_text(equal)])


def probe_text(model: str, rows: pl.DataFrame, probes: pl.DataFrame) -> str:
    measured = pl.col("control") == "measured"
    single = rows.filter(measured, pl.col("kind") == "unit").row(0, named=True)
    last = probes.filter(measured).row(-1, named=True)
    concepts = counted(last["concepts"] + last["failed"], "concept")
    start = (
        f"{model} at {moment(checkpoints(rows)[-1])}, {concepts}: the best unit has an AP of "
        f"{share(single['ap'])} {interval(single)} where chance is {share(single['chance'])}"
    )
    if last["gain"] is None:
        return f"{start}; no probe of {counted(last['size'], 'unit')} could be fitted."
    text = (
        f"{start}, a probe of {counted(last['size'], 'unit')} {share(last['ap'])} {interval(last)}: a gain "
        f"of {share(last['gain'], 3)} (95 % interval {interval(last, 3, 'gain_')}, {tested(last)})."
    )
    if last["gain"] <= 0:
        return f"{text} The probe tells concepts no better than the best unit alone."
    if last["gain_low"] <= 0:
        return f"{text} The interval of the gain includes 0: that single units miss something is not shown."
    return text


def in_controls(probes: pl.DataFrame) -> list[str]:
    """The largest probe in each control, and which of them the measured intervals do not exclude."""
    last = probes.filter(pl.col("size") == probes.filter(pl.col("control") == "measured")["size"].max())
    row = last.filter(pl.col("control") == "measured").row(0, named=True)
    others = {other["control"]: other for other in last.iter_rows(named=True) if other["gain"] is not None}
    named = [
        f"{share(others[control]['ap'])} {spoken(control)} (gain {share(others[control]['gain'])})"
        for control in controls(last)
        if control in others
    ]
    if not named or row["gain"] is None:
        return []
    sentences = [f"Probes of that size reach {listed(named)}, gains over the best unit of the same control."]
    for value, low, what in (("ap", "low", "AP"), ("gain", "gain_low", "gain")):
        reached = [
            spoken(control)
            for control in controls(last)
            if control in others and others[control][value] >= row[low]
        ]
        if reached:
            sentences.append(f"The interval of the {what} does not lie above that {listed(reached)}.")
    return sentences


def failures(probes: pl.DataFrame) -> list[str]:
    failed = probes["failed"].sum()
    verb = "is" if failed == 1 else "are"
    return [f"{counted(failed, 'fit')} did not converge and {verb} in no mean."] if failed else []


def equal_text(equal: pl.DataFrame) -> list[str]:
    """Neurons against the rotated basis at every number of units, and how much concepts share them."""
    rotated = equal.filter(pl.col("control") == "rotated").sort("size")
    measured = equal.filter(pl.col("control") == "measured").sort("size")
    if rotated.is_empty() or measured.is_empty():
        return []
    pairs = list(zip(measured.iter_rows(named=True), rotated.iter_rows(named=True), strict=True))
    told = sorted({0, len(pairs) // 2, len(pairs) - 1})
    parts = [
        f"{share(row['ap'])} against {share(other['ap'])} for {counted(row['size'], 'unit')} (difference "
        f"{share(other['difference'], 3)} {interval(other, 3, 'difference_')})"
        for row, other in (pairs[place] for place in told)
    ]
    sentences = [f"The best units, neurons against rotated ones at equal numbers: {listed(parts)}."]
    behind = [f"{row['size']:,}" for row in rotated.iter_rows(named=True) if row["difference_low"] <= 0]
    if behind:
        sentences.append(f"Neurons are not shown to be better at {listed(behind)}.")
    return [*sentences, *sharing_text(measured, rotated)]


def sharing_text(measured: pl.DataFrame, rotated: pl.DataFrame) -> list[str]:
    size = measured["size"][-1]
    ratios = [frame.row(-1, named=True)["ratio"] for frame in (measured, rotated)]
    if None in ratios:
        return []
    return [
        f"Sets of {counted(size, 'unit')} overlap {ratios[0]:.1f} times as much within categories as between "
        f"them in the neuron basis, {ratios[1]:.1f} times in the rotated one."
    ]


FINDINGS: Findings = {"distributed": (distributed, "distributed")}
