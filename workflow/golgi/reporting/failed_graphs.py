"""Units whose graphs explain nothing: those that never fire, and those that foretell badly."""

from collections.abc import Iterator

import polars as pl

from golgi.figures.rows import at_studied, counted, listed, share
from golgi.figures.unit_graph import unit_name
from golgi.reporting.failed_words import Failure

WORST = 5
SILENCES = {"never_fires": "never fire", "never_predicts": "are never expected to"}


def graphs(frames: dict[str, pl.DataFrame]) -> Iterator[Failure]:
    """Yield what neuron graphs do not explain: silent layers, then units, with the worst by name."""
    if "graph_layers" in frames:
        yield from _layers(frames["graph_layers"])
    if "graph_units" in frames:
        for (model,), part in at_studied(frames["graph_units"]).group_by(["model"], maintain_order=True):
            for text in (*_silent(part), *_weak(part), *_worst(part)):
                yield Failure(f"{model}: {text}", "graph_units")


def _layers(table: pl.DataFrame) -> Iterator[Failure]:
    rows = at_studied(table).filter(pl.col("method") == "graph", pl.col("measure") == "f1")
    where = ["model", "site", "windows", "text"]
    for (model, site, windows, text), part in rows.group_by(where, maintain_order=True):
        told = [
            f"{part[column].sum():,} {words} (in {layers(part.filter(pl.col(column) > 0)['layer'])})"
            for column, words in SILENCES.items()
            if part[column].sum()
        ]
        if told:
            of = counted(part["all_units"].sum(), "unit")
            start = f"{model}, {site}, {windows} windows of {text} text"
            yield Failure(f"{start}: of {of}, {listed(told)}.", "graph_layers")


def layers(numbers: pl.Series) -> str:
    """Return layers in a sentence: `layer 3`, `layers 1, 2 and 5`."""
    names = [f"{number:,}" for number in sorted(set(numbers))]
    return f"layer{'s' if len(names) > 1 else ''} {listed(names)}"


def _silent(units: pl.DataFrame) -> Iterator[str]:
    of = counted(units.height, "unit")
    tests = {
        "dead, never above 0 on the text that graphs were grown on": pl.col("dead"),
        "without a graph": (pl.col("nodes") == 0) & ~pl.col("dead"),
        "with a graph that never expects firing": (pl.col("activating") == 0) & (pl.col("nodes") > 0),
        "silent in random windows of test text, without an F1": pl.col("f1").is_null() & ~pl.col("dead"),
        "with a graph that foretells none of the firings": pl.col("f1") == 0,
        "no better foretold by the graph than by the activating token alone": (
            (pl.col("f1") > 0) & (pl.col("f1") <= pl.col("f1_token")) & (pl.col("f1") < 1)
        ),
    }
    for words, test in tests.items():
        number = units.filter(test).height
        if number:
            yield f"{number:,} of {of} {'is' if number == 1 else 'are'} {words}."


def _weak(units: pl.DataFrame) -> Iterator[str]:
    weak, far = units["weak"].sum(), units["long_range"].sum()
    if weak:
        yield f"{counted(weak, 'window')} were left out as too weak beside the unit's maximum."
    if far:
        yield f"no context up to the cap explains {counted(far, 'firing')}."


def _worst(units: pl.DataFrame) -> Iterator[str]:
    known = units.filter(pl.col("f1") < 0.5).sort("f1", "site", "layer", "unit")
    if known.height:
        shown = [f"{unit_name(row)} ({share(row['f1'])})" for row in known.head(WORST).to_dicts()]
        text = f"{known.height:,} of {counted(units.height, 'unit')} have graphs with an F1 below .50"
        yield f"{text}, the lowest {listed(shown)}."
