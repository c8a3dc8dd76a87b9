"""Units whose graphs foretell best, as the median does, and worst, with texts that show where they do not."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.files import read_json
from golgi.graphs.examples import Example, Examples, Reading, mistakes, read_with
from golgi.graphs.store import graph_line, read_graphs
from golgi.graphs.texts import readable
from golgi.tables import POLARS_TYPES, open_arrays, read_table, table_schema, write_table

logger = logging.getLogger(__name__)

LAYER = ["model", "checkpoint", "step", "site", "layer"]


def write_gallery(
    *,
    chosen: Path,
    scores: Sequence[Path],
    graphs: Sequence[Path],
    texts: Path,
    tokens: Path,
    fires: float,
    rate: float,
    seed: int,
    gallery: Path,
) -> None:
    """Write table `graph_gallery` of one model and checkpoint: units with their graphs and example texts.

    Shown are the best, the median and the worst unit of every site and layer, by F1 on the windows `random`
    of the test text. `scores` and `graphs` are files by layer, the others those of the checkpoint. A unit
    fires from the share `fires` of its maximum on; its graph foretells that where a path fires at the rate
    `rate` or above. GolgiError where the files do not fit one another.
    """
    units = choose_units(pl.concat([read_table(path, schema="graph_scores") for path in scores]))
    members = read_table(chosen, schema="graph_chosen").sort("index")
    known = _read_graphs(graphs, units)
    shown = [readable(text) for text in read_json(tokens)]
    rows: list[dict] = []
    with open_arrays(texts) as arrays:
        ids = arrays.read("test")
        for unit in units.iter_rows(named=True):
            name = f"{unit['site']} {unit['layer']}.{unit['unit']}"
            of_layer = members.filter(pl.col("site") == unit["site"], pl.col("layer") == unit["layer"])[
                "unit"
            ]
            if unit["unit"] not in of_layer or name not in known:
                raise GolgiError(f"{chosen}: unit {name} was scored, but it was not chosen or has no graph.")
            row = np.array([of_layer.index_of(unit["unit"])])
            activations = arrays.rows(f"test/{unit['site']}/{unit['layer']}", row)[0]
            reading = read_with(known[name], ids, activations, fires=fires, rate=rate)
            random = np.random.default_rng([seed, 5, unit["layer"], unit["unit"]])
            line = {"graph": graph_line(known[name], shown)}
            rows += [
                unit | line | token for token in _tokens(reading, choose_examples(reading, random), shown)
            ]
    types = {one["name"]: POLARS_TYPES[one["type"]] for one in table_schema("graph_gallery")["columns"]}
    write_table(pl.DataFrame(rows, schema=types), gallery, schema="graph_gallery")
    logger.info("%d units are shown, with %d tokens of text.", len(units), len(rows))


def choose_units(scored: pl.DataFrame) -> pl.DataFrame:
    """Return the `best`, `median` and `worst` graph of every site and layer, of rows of table `graph_scores`.

    Ranked are the units that fire in the test text: by F1, then by true alarms and by mistakes. Of one unit
    there is a best, of two a worst as well. `ranked` and `silent` count the units of the layer that are
    ranked, and those that never fire there, dead ones among them.
    """
    rows = scored.filter(
        pl.col("method") == "graph", pl.col("text") == "test", pl.col("windows") == "random"
    ).with_columns(mistakes=pl.col("fp") + pl.col("fn"))
    order = {"f1": True, "tp": True, "mistakes": False, "unit": False}  # and whether it descends
    best_first = rows.sort(*order, descending=list(order.values())).sort(
        LAYER, nulls_last=True, maintain_order=True
    )
    layers = best_first.partition_by(LAYER, maintain_order=True)
    return pl.concat([_stand(part) for part in (best_first.clear(), *layers)])


def _stand(best_first: pl.DataFrame) -> pl.DataFrame:
    ranked = best_first.filter(pl.col("fires"))
    last = len(ranked) - 1
    places = [0, last // 2, last] if last > 1 else list(range(len(ranked)))
    names = ["best", "median", "worst"] if last > 1 else ["best", "worst"][: len(ranked)]
    return ranked[places].select(
        *LAYER,
        *("unit", "f1", "precision", "recall"),
        pl.Series("standing", names, pl.String),
        pl.lit(len(ranked), pl.Int64).alias("ranked"),
        pl.lit(len(best_first) - len(ranked), pl.Int64).alias("silent"),
    )


def choose_examples(reading: Reading, random: np.random.Generator) -> list[Example]:
    """Return the `strongest` firing, a random `firing`, and the worst mistake, a `false alarm` or a `miss`.

    The worst is where true and expected activation lie furthest apart. What an example shows already is not
    chosen again; where there is no mistake, another random firing takes its place. Fewer where fewer are
    there.
    """
    examples = Examples(reading.ids)
    firing = np.flatnonzero(reading.firing)
    for place in examples.highest(reading.shares, 1):
        examples.show("strongest", place)
    examples.draw("firing", firing, 1, random)
    before = len(examples.found)
    for place in examples.highest(mistakes(reading), 1):
        examples.show("miss" if reading.firing.flat[place] else "false alarm", place)
    if len(examples.found) == before:
        examples.draw("firing", firing, 1, random)
    return examples.found


def _tokens(reading: Reading, examples: Sequence[Example], shown: Sequence[str]) -> list[dict]:
    return [
        {
            "example": number,
            "kind": example.kind,
            "place": token - example.start,
            "token": shown[reading.ids[example.window, token]],
            "activation": float(reading.shares[example.window, token]),
            "predicted": float(reading.values[example.window, token]),
        }
        for number, example in enumerate(examples)
        for token in range(example.start, example.stop)
    ]


def _read_graphs(paths: Sequence[Path], units: pl.DataFrame) -> dict[str, nx.DiGraph]:
    names = {
        f"{site} {layer}.{unit}" for site, layer, unit in units.select("site", "layer", "unit").iter_rows()
    }
    found = {}
    for path in paths:
        for graph in read_graphs(path):
            name = "{site} {layer}.{unit}".format(**graph.graph)
            if name in names:
                found[name] = graph
    return found
