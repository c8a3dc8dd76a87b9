"""Tests that came out against the study, or that could not be made: from claims, tests and analyses."""

from collections.abc import Iterator

import polars as pl

from golgi.captions.claims import VERDICTS, stated
from golgi.figures.rows import at_last, at_studied, counted, listed, share
from golgi.figures.style import SERIES
from golgi.reporting.failed_words import Failure, named
from golgi.reporting.planned import ACTED, Planned

# Of tables whose numbers may be undefined: the column, and what it is called.
DEFINED = {
    "alignment": ("rho", "correlations with references"),
    "hierarchy": ("own", "containments"),
    "hierarchy_tree": ("correlation", "correlations with the lexicon's tree"),
    "polysemy_sharing": ("same_category", "shares of one category"),
}


def tests(frames: dict[str, pl.DataFrame], planned: list[Planned]) -> Iterator[Failure]:
    """Yield the claims that are not held, and the planned tests that show nothing."""
    if "claims" in frames:
        for row in frames["claims"].filter(pl.col("verdict") != "held").sort("index").to_dicts():
            yield Failure(f"{VERDICTS[row['verdict']]} in {row['model']}: {stated(row)}.", "claims")
    for test in planned:
        if test.value is None:
            yield Failure(f"Undefined in {test.model}: {test.says}.", test.table)
        elif not test.shown:
            yield Failure(
                f"Not shown in {test.model}: {test.says} ({test.found}; {test.tested}).", test.table
            )


def undefined(frames: dict[str, pl.DataFrame]) -> Iterator[Failure]:
    """Yield how many numbers of each table have no value, and which controls those are of."""
    for name, (column, words) in DEFINED.items():
        empty = frames[name].filter(pl.col(column).is_null()) if name in frames else pl.DataFrame()
        for (model,), part in empty.group_by(["model"], maintain_order=True) if empty.height else ():
            counts = dict(part["control"].value_counts().rows())
            told = [f"{SERIES[control].name} {counts[control]:,}" for control in SERIES if control in counts]
            of = frames[name].filter(pl.col("model") == model).height
            reason = "nothing varies there, or nothing is an expert"
            verb = "is" if part.height == 1 else "are"
            text = (
                f"{model}: {part.height:,} of {of:,} {words} {verb} undefined ({', '.join(told)}): {reason}."
            )
            yield Failure(text, name)
    if "sensitivity" in frames:
        yield from _choices(frames["sensitivity"])


def _choices(table: pl.DataFrame) -> Iterator[Failure]:
    others = table.filter(pl.col("quantity") == "alignment", pl.col("control") == "measured", ~pl.col("base"))
    for (model, reference), part in others.group_by(["model", "reference"], maintain_order=True):
        rows = part.filter(pl.col("estimate").is_null()).to_dicts()
        if rows:
            choices = named([f"{row['factor']} {row['value']}" for row in rows])
            of = f"{len(rows):,} of {counted(part.height, 'other choice')}"
            text = f"{model}: alignment with {reference} is undefined with {of}: {choices}."
            yield Failure(text, "sensitivity")


def left_out(frames: dict[str, pl.DataFrame]) -> Iterator[Failure]:
    """Yield what the means of an analysis are without, and how much of it there is."""
    readers = (("claims", _claims), ("hierarchy", _children), ("distributed", _probes))
    readers += (("interventions", _acts), ("graph_naming", _graphs))
    for name, read in readers:
        if name in frames:
            for text in read(frames[name]):
                yield Failure(text, name)


def _claims(table: pl.DataFrame) -> Iterator[str]:
    for row in table.filter(pl.col("left_out") > 0).sort("index").to_dicts():
        number = counted(row["left_out"], row["unit_of_replication"].removesuffix("s"))
        yield f"“{row['say'].rstrip('.')}” in {row['model']}: {number} left out, without a value."


def _children(table: pl.DataFrame) -> Iterator[str]:
    for row in table.filter(pl.col("family") == "planned").to_dicts():
        found = []
        if row["empty"]:
            found.append(f"{counted(row['empty'], 'concept')} without a containment")
        if row["direction"] == "child_in_parent":
            found += (
                [f"{counted(row['alone'], 'concept')} without a category to compare"] if row["alone"] else []
            )
            short = "whose category has fewer sentences than the concept"
            found += [f"{counted(row['short'], 'concept')} {short}"] if row["short"] else []
        if found:
            yield f"{row['model']}, {row['direction'].replace('_', ' ')}: {listed(found)}."


def _probes(table: pl.DataFrame) -> Iterator[str]:
    for row in at_last(table).filter(pl.col("failed") > 0).to_dicts():
        kind = "the best unit" if row["kind"] == "unit" else f"probes of {row['size']:,} units"
        of = row["failed"] + row["concepts"]
        where = f"{row['model']}, {SERIES[row['control']].name}"
        yield f"{where}: {kind} did not converge for {row['failed']:,} of {counted(of, 'concept')}."


def _acts(table: pl.DataFrame) -> Iterator[str]:
    top = table.filter(pl.col("units") == "top")
    for row in top.filter(pl.col("without") > 0, pl.col("size") == pl.col("size").max()).to_dicts():
        of = row["without"] + row["concepts"]
        yield (
            f"{row['model']}, {ACTED[row['action']].lower()}, {row['quantity']}: {row['without']:,} of "
            f"{counted(of, 'concept')} without a prompt that measures it."
        )
    fewer = table.filter(pl.col("changed") < pl.col("size") - 1e-9)
    for (model, units, size), part in fewer.group_by(["model", "units", "size"], maintain_order=True):
        changed = part["changed"].min()
        yield f"{model}: of {size:,} {units} units no more than {changed:,.1f} could be set, on average."
    weak = table.filter(pl.col("family") == "planned", pl.col("p_smallest") > 0.05)
    for row in weak.to_dicts():
        least = share(row["p_smallest"], 3)
        few = counted(row["concepts"], "concept")
        yield f"{row['model']}, {ACTED[row['action']].lower()}: {few} give no p-value below {least}."


def _graphs(table: pl.DataFrame) -> Iterator[str]:
    ways = {"fires": "an activating token", "context": "a context"}
    rows = at_studied(table).filter(pl.col("without") > 0, pl.col("how").is_in(list(ways)))
    for row in rows.to_dicts():
        yield (
            f"{row['model']}: {row['without']:,} of {counted(row['experts'], 'expert')} have a graph without "
            f"{ways[row['how']]}, and name nothing by it."
        )
