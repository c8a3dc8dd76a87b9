"""Where experts were not found, or are no more than chance: concept by concept."""

from collections.abc import Iterator

import polars as pl

from golgi.captions.stability import common, scope, sized, unfit
from golgi.figures.rows import at_last, at_threshold, checkpoints, counted, listed, moment, share
from golgi.reporting.failed_words import Failure, named

FEW_PAIRS = 30
CHANCE_MARGIN = 0.05


def concepts(frames: dict[str, pl.DataFrame], threshold: float) -> Iterator[Failure]:
    """Yield the concepts without any expert: by name at the last checkpoint, elsewhere in numbers."""
    if "counts" not in frames:
        return
    measured = frames["counts"].filter(pl.col("control") == "measured")
    totals = measured.group_by("model", "checkpoint", "step", "threshold", "concept", maintain_order=True)
    totals = totals.agg(pl.col("experts").sum())
    for (model,), part in totals.group_by(["model"], maintain_order=True):
        last, empty = at_last(part), part.filter(pl.col("experts") == 0)
        at, number = moment(checkpoints(part)[-1]), part["concept"].n_unique()
        without = at_last(part).filter(pl.col("experts") == 0)
        here = sorted(at_threshold(without, threshold)["concept"])
        if here:
            found = f"no expert for {len(here):,} of its {counted(number, 'concept')}"
            yield Failure(f"{model} has {found} at {at}, AP {share(threshold)}: {named(here)}.", "counts")
        higher = without.filter(pl.col("threshold") > threshold + 1e-9).sort("threshold")
        if higher.height:
            told = [f"AP {share(tau)} for {rows:,}" for tau, rows in _sizes(higher, "threshold")]
            text = f"{model} at {at}, of {counted(number, 'concept')}: no expert at {listed(told)}."
            yield Failure(text, "counts")
        before = at_threshold(empty, threshold).filter(pl.col("checkpoint") != last["checkpoint"][0])
        if before.height:
            sizes = dict(_sizes(before, "checkpoint"))
            told = [f"{moment(name)} for {sizes[name]:,}" for name in checkpoints(before)]
            text = f"{model} earlier in training, of {counted(number, 'concept')}: no expert at "
            yield Failure(f"{text}{listed(told)} (AP {share(threshold)}).", "counts")


def _sizes(rows: pl.DataFrame, column: str) -> list[tuple]:
    return rows.group_by(column, maintain_order=True).len().rows()


def chance(frames: dict[str, pl.DataFrame], threshold: float) -> Iterator[Failure]:
    """Yield how many experts chance explains (Benjamini and Hochberg 1995), and of how many concepts."""
    if "discoveries" not in frames:
        return
    rows = at_last(at_threshold(frames["discoveries"], threshold)).filter(pl.col("control") == "measured")
    for (model,), part in rows.group_by(["model"], maintain_order=True):
        lost = part["experts"].sum() - part["controlled"].sum()
        level = part["level"][0]
        if lost:
            bare = part.filter(pl.col("experts") > 0, pl.col("controlled") == 0)["concept"].sort().to_list()
            left = f"; none is left of {named(bare)}" if bare else ""
            text = f"{model}: {lost:,} of {part['experts'].sum():,} experts are not left when false "
            yield Failure(f"{text}discoveries are controlled at {share(level)}{left}.", "discoveries")
        many = part.filter(pl.col("fdr") > level)["concept"].sort().to_list()
        if many:
            text = f"{model}: chance is expected to give more than {share(level)} of the experts of "
            yield Failure(f"{text}{counted(len(many), 'concept')}: {named(many)}.", "discoveries")


def folds(frames: dict[str, pl.DataFrame], threshold: float) -> Iterator[Failure]:
    """Yield where other sentences find other experts, or where it cannot be told."""
    if "stability" not in frames:
        return
    rows = at_last(at_threshold(frames["stability"], threshold)).filter(pl.col("control") == "measured")
    for (model,), part in rows.group_by(["model"], maintain_order=True):
        chosen = part.filter(pl.col("recommended"))
        if chosen.is_empty():
            yield Failure(
                f"{model}: no number of sentences can be recommended, since {unfit(part)}.", "stability"
            )
        else:
            row = chosen.row(0, named=True)
            if more := scope(row, part):
                overlap = f"{sized(row)} find experts that overlap by {share(row['overlap'])}"
                yield Failure(f"{model}: {overlap}.{more}", "stability")
        near = part.filter(~pl.col("beyond_chance")).height
        if near:
            sizes = f"{near:,} of {counted(part.height, 'size')}"
            chance = f"one random order in a thousand or more reaches AP {share(threshold)}"
            yield Failure(f"{model}: with {sizes} of folds, {chance}.", "stability")
        if shared := common(part):
            yield Failure(f"{model}:{shared}", "stability")


def thin(frames: dict[str, pl.DataFrame]) -> Iterator[Failure]:
    """Yield the planned tests that rest on few pairs of concepts."""
    tests = {"alignment": ("pairs", "alignment"), "categories": ("pairs_within", "overlap within categories")}
    for name, (column, words) in tests.items():
        rows = frames[name].filter(pl.col("family") == "planned") if name in frames else pl.DataFrame()
        for row in rows.to_dicts():
            if row[column] < FEW_PAIRS:
                of = f"{words} with {row['reference']}" if name == "alignment" else words
                text = f"{row['model']}: {of} rests on only {counted(row[column], 'pair')}."
                yield Failure(text, name)


def near_chance(frames: dict[str, pl.DataFrame]) -> list[str]:
    """Return a warning where the lowest threshold is close to the average precision of chance."""
    counts, distribution = frames.get("counts"), frames.get("distribution")
    if counts is None or distribution is None or counts.is_empty() or distribution.is_empty():
        return []
    level, lowest = distribution["chance"].mean(), counts["threshold"].min()
    if lowest - level > CHANCE_MARGIN:
        return []
    return [f"The lowest threshold, {share(lowest)}, is close to chance, AP {share(level)}."]
