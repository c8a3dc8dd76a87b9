"""Captions of the figures of the hierarchy of concepts."""

import polars as pl

from golgi.captions.wording import Findings, Tables, not_apart, percent, spoken, tested
from golgi.figures.rows import (
    at_last,
    at_threshold,
    controls,
    counted,
    interval,
    listed,
    moment,
    share,
    study_threshold,
)

TITLES = {
    "dendrogram": "Concepts clustered by their experts",
    "containment": "Experts of children and of their parents",
}
SHOWN = {
    "dendrogram": (
        "Average linkage of the concepts on 1 - Jaccard overlap of their experts (AP at least {tau}) at the "
        "last checkpoint; letters and colours are the lexicon's categories. r is the correlation of "
        "cophenetic distances with those in the lexicon's tree; its p-value is one-sided, from permuting the "
        "concepts. Fidelity is the correlation of cophenetic distances with those that were clustered."
    ),
    "containment": (
        "Share of a child's experts (AP at least {tau}) that are experts of its parent too, and the reverse, "
        "averaged over the children that have a value, for their own parents (filled) and wrong ones (open). "
        "A category is the parent of its concepts: scored for each on sentences of the other members, "
        "without the child's word. Bars: 95 % bootstrap interval of the difference (categories resampled, "
        "then their children), laid off from the wrong parents. "
        "P-values are one-sided, from permuting the parents over the children."
    ),
}
HELD = 0.05
SLIGHT = 0.1  # a correlation below it is called slight, whatever its p-value
KINDS = {"pooled": "categories as parents", "word": "words named like categories as parents"}
CONTAINED = {
    "child_in_parent": "of a child's experts are its parent's",
    "parent_in_child": "of a parent's experts are its child's",
}
SHORT_NAMES = {"child_in_parent": "child in parent", "parent_in_child": "parent in child"}


def dendrogram(tables: Tables, model: str, options: dict) -> str:
    threshold = study_threshold(tables["hierarchy_tree"], options)
    last = at_last(at_threshold(tables["hierarchy_tree"], threshold).filter(model=model))
    row = last.filter(control="measured").row(0, named=True)
    start = f"{model} at {moment(row['checkpoint'])}: "
    if row["correlation"] is None:
        return (
            f"{start}no two of {counted(row['concepts'], 'concept')} are nearer to each other than others, "
            f"{row['empty']:,} of them without experts: there is no tree to compare with the lexicon's."
        )
    known = f"{counted(row['concepts'], 'concept')}, {row['empty'] or 'none'} of them without experts"
    explained = percent(row["correlation"] ** 2)
    text = (
        f"{start}r = {share(row['correlation'], 3)} with the lexicon's tree ({explained} of the variance; "
        f"{tested(row)}) over {known}; fidelity {share(row['fidelity'])}"
    )
    values = {control: last.filter(control=control)["correlation"][0] for control in controls(last)}
    others = [f"{share(value, 3)} {spoken(control)}" for control, value in values.items()]
    text += f"; {listed(others)}." if others else "."
    reached = [
        spoken(control)
        for control, value in values.items()
        if value is not None and value >= row["correlation"]
    ]
    if not held(row) or row["correlation"] <= 0:
        text += " A tree like the lexicon's is not shown."
    elif reached:
        text += f" It is as high {listed(reached)}: a tree of its own is not shown."
    elif row["correlation"] < SLIGHT:
        text += " Though it is not chance, the agreement is slight."
    return text


def held(row: dict) -> bool:
    """Whether a test holds: after Holm's adjustment in the planned family, by itself elsewhere."""
    p = row["p"] if row["p_holm"] is None else row["p_holm"]
    return p is not None and p <= HELD


def containment(tables: Tables, model: str, options: dict) -> str:
    threshold = study_threshold(tables["hierarchy"], options)
    last = at_last(at_threshold(tables["hierarchy"], threshold).filter(model=model))
    measured = last.filter(control="measured")
    text = f"{model} at {moment(measured['checkpoint'][0])}."
    for kind, name in KINDS.items():
        rows = {row["direction"]: row for row in measured.filter(parent=kind).iter_rows(named=True)}
        if rows:
            found = "; ".join(difference(row) for row in rows.values())
            text += f" With {name}, {found}.{doubts(rows, last.filter(parent=kind))}"
        if kind == "pooled":
            text += left_out(rows["child_in_parent"])
    return text


def difference(row: dict) -> str:
    without = f"; {row['empty']:,} without a value" if row["empty"] else ""
    if row["own"] is None:
        return f"how many {CONTAINED[row['direction']]} is undefined for {counted(row['empty'], 'concept')}"
    digits = 3 if max(row["own"], row["wrong"]) >= 0.01 else 4
    own, wrong, apart = (share(row[name], digits) for name in ("own", "wrong", "difference"))
    return (
        f"{own} {CONTAINED[row['direction']]}, against {wrong} for wrong parents (difference {apart}, "
        f"95 % interval {interval(row, digits)}, {tested(row)}; n = {row['concepts']:,}{without})"
    )


def left_out(row: dict) -> str:
    """What has no parent, or one of fewer sentences."""
    text = ""
    if row["alone"]:
        text += (
            f" Without a parent, for want of other concepts or sentences: {counted(row['alone'], 'concept')}."
        )
    if row["short"]:
        text += (
            f" With fewer sentences for the parent than for the concept: {counted(row['short'], 'concept')}."
        )
    return text


def doubts(rows: dict[str, dict], others: pl.DataFrame) -> str:
    """Sentences where a difference is not one, or not one that the controls lack."""
    unknown = [SHORT_NAMES[name] for name, row in rows.items() if row["own"] is None]
    absent = [SHORT_NAMES[name] for name, row in rows.items() if row["own"] is not None and not shown(row)]
    sure = {name: row for name, row in rows.items() if row["own"] is not None and shown(row)}
    unsure = [SHORT_NAMES[name] for name, row in sure.items() if row["low"] <= 0]
    text = f" Nothing can be said of {listed(unknown)}." if unknown else ""
    text += f" That own parents have more is not shown ({listed(absent)})." if absent else ""
    if unsure:
        text += f" The interval of the difference includes 0: a hierarchy is not secured ({listed(unsure)})."
    for name, row in sure.items():
        near = not_apart(row, "difference", others.filter(direction=name)) if row["low"] > 0 else ""
        text += near.replace(" Its", f" For {SHORT_NAMES[name]}, the", 1)
    return text


def shown(row: dict) -> bool:
    return row["difference"] > 0 and held(row)


FINDINGS: Findings = {
    "dendrogram": (dendrogram, "hierarchy_tree"),
    "containment": (containment, "hierarchy"),
}
