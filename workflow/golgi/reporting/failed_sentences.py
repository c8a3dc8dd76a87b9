"""What became of sentences that a study asked for and did not get, and of models that did not learn."""

from collections.abc import Iterator

import polars as pl

from golgi.captions.writing import TAKEN, replies
from golgi.figures.rows import counted, listed
from golgi.reporting.failed_words import Failure, named

DROPPED = {
    "duplicates_within": "repeated within their concept",
    "duplicates_across": "the same as another concept's",
}


def sentences(frames: dict[str, pl.DataFrame], asked: dict[str, int]) -> Iterator[Failure]:
    """Yield concepts with fewer sentences than were asked for, sentences that were dropped, or are shared."""
    if "concepts" in frames:
        table = frames["concepts"]
        for kind in ("positives", "negatives"):
            wanted = asked.get(kind) or table[kind].max()
            short = table.filter(pl.col(kind) < wanted).sort("concept")
            if short.height:
                fewest, names = short[kind].min(), short["concept"].to_list()
                few = f"fewer than {wanted:,} {kind}"
                text = f"{counted(short.height, 'concept')} of {table.height:,} with {few}"
                yield Failure(f"{text}, the fewest {fewest:,}: {named(names)}.", "concepts")
        sums = {name: table[name].sum() for name in (*DROPPED, "shared", "found")}
        told = [f"{sums[name]:,} {words}" for name, words in DROPPED.items() if sums[name]]
        if told:
            text = f"Of {counted(sums['found'], 'sentence')} that were found, some were dropped"
            yield Failure(f"{text}: {listed(told)}.", "concepts")
        if sums["shared"]:
            text = f"{counted(sums['shared'], 'positive')} name another concept of the study too"
            yield Failure(f"{text}, and are no pure example.", "concepts")
    if "writing" in frames:
        yield from _writing(frames["writing"])


def _writing(table: pl.DataFrame) -> Iterator[Failure]:
    sums = table.select(pl.col(pl.Int64).sum()).row(0, named=True)
    taken = sorted((gate for gate in TAKEN if sums.get(gate)), key=lambda gate: -sums[gate])
    if taken:
        told = listed([f"{sums[gate]:,} {TAKEN[gate]}" for gate in taken])
        total = counted(sums["sentences"], "sentence")
        yield Failure(f"Of {total} that the writer wrote, the gates took some: {told}.", "writing")
    if told := replies(sums):
        yield Failure(told, "writing")
    if sums["missing"]:
        short = sorted(set(table.filter(pl.col("missing") > 0)["concept"]))
        text = f"{counted(sums['missing'], 'sentence')} that the study wants of the writer are missing"
        yield Failure(f"{text}, of {named(short)}.", "writing")


def training(frames: dict[str, pl.DataFrame]) -> Iterator[Failure]:
    """Yield the models whose training did not bring them below a simple model of the same text."""
    if "training" not in frames:
        return
    for (model,), part in frames["training"].group_by(["model"], maintain_order=True):
        measured = part.filter(pl.col("heldout_loss").is_not_null()).sort("step")
        if measured.is_empty():
            yield Failure(f"{model}: held-out loss was not measured.", "training")
            continue
        last = measured.row(-1, named=True)
        above = [
            f"the {name} model's {last[f'{name}_loss']:.2f}"
            for name in ("unigram", "bigram")
            if last[f"{name}_loss"] is not None and last["heldout_loss"] >= last[f"{name}_loss"]
        ]
        if above:
            loss = f"held-out loss {last['heldout_loss']:.2f} nats per token"
            yield Failure(f"{model}: {loss} is not below {listed(above)}.", "training")
