"""The chunks of a checkpoint, but for those of graphs: units, profiles, experts, sentences, overlap."""

import math
from typing import Any

import numpy as np
import polars as pl

from golgi.atlas.chunks import NO_INDEX, Chunks, slices
from golgi.atlas.contents import Place, Rows
from golgi.atlas.neighbours import read_profiles
from golgi.tables import open_arrays, read_table

STANDINGS = ("best", "worst", "confused")
AP_STEPS = 65535  # an average precision in 16 bits, to 8e-6
BLOCK = 2**24  # average precisions held at a time
NEIGHBOURS = 8


def add_units(chunks: Chunks, place: Place, rows: Rows, graphs: dict[str, np.ndarray]) -> None:
    """Add chunk `units`: of every unit what maps colour and lists sort by.

    `graphs` are columns over the rows of units, those of the graphs: f1, firing and graph.
    """
    with open_arrays(place.units) as arrays:
        columns = {name: arrays.read(name) for name in ("best", "ap", "concepts", "rate")}
    chunks.add(f"units/{place.name}", {"units": rows.total}, columns | graphs)


def no_graphs(rows: Rows) -> dict[str, np.ndarray]:
    """Return the columns of graphs where no unit has one."""
    missing = np.full(rows.total, math.nan, np.float32)
    return {"f1": missing, "firing": missing, "graph": np.full(rows.total, NO_INDEX, np.uint16)}


def add_profiles(chunks: Chunks, place: Place, rows: Rows) -> tuple[list[int], int]:
    """Add chunks `profiles`: the units' average precision for every concept, and the units most alike.

    Returns the first row of every chunk, and the number of units that have a profile.
    """
    with open_arrays(place.units) as arrays:
        kept, neighbour = arrays.read("row"), arrays.read("neighbour")
        likeness = arrays.read("likeness")
    firsts = []
    with open_arrays(place.expertise) as arrays:
        concepts = arrays.shape("measured/{}/{}".format(*rows.places[0]))[0]
        sizes = np.full(len(kept), 2 * concepts + 8 * NEIGHBOURS)
        for number, (start, stop) in enumerate(slices(sizes)):
            some = kept[start:stop]
            columns = {
                "ap": np.rint(read_profiles(arrays, rows, some) * AP_STEPS).astype(np.uint16),
                "neighbour": neighbour[start:stop],
                "likeness": likeness[start:stop],
            }
            without_gaps = int(some[-1]) - int(some[0]) + 1 == len(some)
            head = {"first": int(some[0]), "rows": None if without_gaps else some.tolist()}
            chunks.add(f"profiles/{place.name}/{number}", head, columns)
            firsts.append(head["first"])
    return firsts, len(kept)


def add_experts(chunks: Chunks, place: Place, rows: Rows, lowest: float) -> None:
    """Add chunk `experts`: every concept's units from the threshold `lowest` on, the best first."""
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    with open_arrays(place.expertise) as arrays:
        concepts = arrays.shape("measured/{}/{}".format(*rows.places[0]))[0]
        for (site, layer), width in zip(rows.places, rows.widths, strict=True):
            step = max(1, BLOCK // concepts)
            for first in range(0, width, step):
                block = arrays.columns(f"measured/{site}/{layer}", first, min(width, first + step))
                concept, unit = np.nonzero(block >= np.float32(lowest))
                found.append((concept, unit + rows.starts[site, layer] + first, block[concept, unit]))
    concept, row, ap = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((row, -ap, concept))
    counts = np.bincount(concept, minlength=concepts)
    columns = {
        "start": np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32),
        "row": row[order].astype(np.int32),
        "ap": ap[order].astype(np.float32),
    }
    chunks.add(f"experts/{place.name}", {"lowest": lowest}, columns)


def add_sentences(chunks: Chunks, place: Place, concepts: list[str]) -> None:
    """Add chunk `sentences`: of every concept those that its experts tell best, worst, and take for it."""
    table = read_table(place.sentences, schema="atlas_sentences")
    told: dict[str, dict[str, Any]] = {
        concept: {"units": 0, **{standing: [] for standing in STANDINGS}} for concept in concepts
    }
    for row in table.sort("concept", "standing", "rank").iter_rows(named=True):
        own = told[row["concept"]]
        own["units"] = row["units"]
        own[row["standing"]].append([row["text"], row["kind"], round(row["separation"], 4)])
    chunks.add(f"sentences/{place.name}", {"concepts": list(told.values())})


def add_overlap(chunks: Chunks, place: Place, concepts: list[str], threshold: float) -> float:
    """Add chunk `overlap`: the Jaccard overlap of every two concepts, and how many experts they share.

    Returns the largest overlap of two concepts, 0 of one: where a scale of colours may end.
    """
    table = read_table(place.overlap, schema="overlap").filter(
        place.where,
        pl.col("control").is_in(["measured", "untrained"]),
        (pl.col("threshold") - threshold).abs() < 1e-9,
    )
    number = {name: place for place, name in enumerate(concepts)}
    first, second = (
        table[f"concept_{one}"].replace_strict(number, return_dtype=pl.Int64).to_numpy() for one in "ab"
    )
    jaccard = np.zeros((len(concepts), len(concepts)), np.float32)
    shared = np.zeros(jaccard.shape, np.uint32)
    jaccard[first, second] = jaccard[second, first] = table["jaccard"].to_numpy()
    shared[first, second] = shared[second, first] = table["shared"].to_numpy()
    shared[first, first] = table["experts_a"].to_numpy()
    shared[second, second] = table["experts_b"].to_numpy()
    np.fill_diagonal(jaccard, 1)
    chunks.add(f"overlap/{place.name}", {"threshold": threshold}, {"jaccard": jaccard, "shared": shared})
    return float(table["jaccard"].max() or 0)
