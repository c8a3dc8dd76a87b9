"""The chunks of neuron graphs: each unit's graph with its texts, its tokens to search by, the vocabulary."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from golgi.atlas.checkpoints import no_graphs
from golgi.atlas.chunks import NO_INDEX, Chunks, slices
from golgi.atlas.contents import Place, Rows
from golgi.atlas.paths import MOST_NODES, strongest_nodes
from golgi.files import read_json
from golgi.graphs.lookup import read_columns
from golgi.graphs.texts import readable
from golgi.tables import read_table

WINDOW_KINDS = ("strongest", "firing", "mistake", "random")
SCORES = (
    "precision",
    "recall",
    "rank_correlation",
    "f1",
    "f1_token",
    "f1_bigram",
    "f1_trigram",
    "f1_shifted",
    "firing_rate",
)
NODE_BYTES, TOKEN_BYTES = 32, 12
NODE_TYPES = {
    "parent": np.int32,
    "token": np.int32,
    "distance": np.uint16,
    "importance": np.float32,
    "activation": np.float32,
    "count": np.uint32,
    "value": np.float32,
    "rate": np.float32,
}
NODE = [*NODE_TYPES, "node", "role", "reach"]
KEYS = ["site", "layer", "unit"]


def add_graphs(
    chunks: Chunks, place: Place, rows: Rows, nodes: Any, units: pl.DataFrame
) -> dict[str, np.ndarray]:
    """Add all chunks of the graphs of a place; return what the maps show of them, by row of the units.

    `nodes` is the file of table `graph_nodes`, `units` table `graph_units`. Units at sites that `rows` do not
    hold are left out.
    """
    units = _by_row(rows, units.filter(place.where), "row")
    graph = _by_row(rows, read_columns(nodes, [*KEYS, *NODE], place.where), "row", "node")
    windows = read_table(place.windows, schema="atlas_windows")
    windows = _by_row(rows, windows, "row", "window", "place")
    add_search(chunks, place, graph)
    texts = [readable(text) for text in read_json(place.tokens)]
    known = set(graph["token"].drop_nulls().unique()) | set(windows["token"].unique())
    chunks.add(
        f"tokens/{place.name}",
        {"texts": [text if token in known else "" for token, text in enumerate(texts)]},
    )
    chunk_of = np.full(rows.total, NO_INDEX, np.uint16)
    for number, part in enumerate(_parts(units, graph, windows)):
        chunks.add(f"graphs/{place.name}/{number}", {}, part)
        chunk_of[part["row"]] = number
    columns = no_graphs(rows) | {"graph": chunk_of}
    for column, score in {"f1": "f1", "firing": "firing_rate"}.items():
        columns[column] = columns[column].copy()
        columns[column][units["row"].to_numpy()] = _floats(units[score])
    return columns


def add_search(chunks: Chunks, place: Place, graph: pl.DataFrame) -> None:
    """Add chunk `search`: on which tokens units fire, and which they need before, as their graphs say."""
    strength = pl.when(pl.col("role") == "activating").then("reach").otherwise("importance")
    said = (
        graph.filter(pl.col("token").is_not_null(), pl.col("reach").is_not_null())
        .group_by("token", "row", "role")
        .agg(strength.max().alias("strength"))
        .sort("token", "role", "row")
    )
    columns = {
        "token": said["token"].to_numpy().astype(np.int32),
        "row": said["row"].to_numpy().astype(np.int32),
        "role": (said["role"] == "context").to_numpy().astype(np.uint8),
        "strength": said["strength"].to_numpy().astype(np.float32),
    }
    chunks.add(f"search/{place.name}", {}, columns)


def _by_row(rows: Rows, table: pl.DataFrame, *order: str) -> pl.DataFrame:
    table = table.filter(pl.col("site").is_in([site for site, _ in rows.places]))
    return table.with_columns(pl.Series("row", rows.of(table))).drop(KEYS).sort(order)


def _parts(
    units: pl.DataFrame, graph: pl.DataFrame, windows: pl.DataFrame
) -> Iterator[dict[str, np.ndarray]]:
    row = units["row"].to_numpy()
    nodes, texts = _bounds(graph, row), _bounds(windows, row)
    sizes = NODE_BYTES * np.minimum(MOST_NODES, np.diff(nodes)) + TOKEN_BYTES * np.diff(texts)
    for start, stop in slices(sizes.ravel()):
        yield {
            "row": row[start:stop].astype(np.int32),
            "maximum": _floats(units["maximum"][start:stop]),
            **{name: _floats(units[name][start:stop]) for name in SCORES},
            **_nodes([graph[first:last] for first, last in nodes[start:stop].tolist()]),
            **_windows([windows[first:last] for first, last in texts[start:stop].tolist()]),
        }


def _bounds(table: pl.DataFrame, row: np.ndarray) -> np.ndarray:
    # [unit, 2]: where the unit's part of a table sorted by row begins and ends. A view of that part costs
    # nothing; a table of its own for each of 20,000 units would take the memory of all of them again.
    rows = table["row"].to_numpy()
    return np.stack([np.searchsorted(rows, row, "left"), np.searchsorted(rows, row, "right")], axis=1)


def _nodes(graphs: list[pl.DataFrame]) -> dict[str, np.ndarray]:
    kept = [strongest_nodes(graph) for graph in graphs]
    nodes = pl.concat(kept)
    columns = {name: _plain(nodes[name], kind) for name, kind in NODE_TYPES.items()}
    return columns | {
        "node_start": _starts(map(len, kept)),
        "nodes_all": np.array([len(graph) for graph in graphs], np.uint32),
        "paths_all": np.array([graph["value"].count() for graph in graphs], np.uint32),
    }


def _windows(texts: list[pl.DataFrame]) -> dict[str, np.ndarray]:
    kinds, lengths, counts = [], [], []
    for text in texts:
        edges = np.flatnonzero(np.diff(text["window"].to_numpy(), prepend=-1))
        kinds += [WINDOW_KINDS.index(text["kind"][int(edge)]) for edge in edges]
        lengths += [last - first for first, last in pairwise([*edges, len(text)])]
        counts.append(len(edges))
    tokens = pl.concat(texts)
    return {
        "window_start": _starts(counts),
        "window_kind": np.array(kinds, np.uint8),
        "token_start": _starts(lengths),
        "w_token": tokens["token"].to_numpy().astype(np.int32),
        "w_activation": _floats(tokens["activation"]),
        "w_predicted": _floats(tokens["predicted"]),
        "w_foretold": tokens["foretold"].to_numpy().astype(np.uint8),
    }


def _starts(sizes: Any) -> np.ndarray:
    return np.cumsum([0, *sizes]).astype(np.uint32)


def _floats(column: pl.Series) -> np.ndarray:
    return column.cast(pl.Float32).fill_null(float("nan")).to_numpy().astype(np.float32)


def _plain(column: pl.Series, kind: type) -> np.ndarray:
    if kind is np.float32:
        return _floats(column)
    return column.fill_null(-1).to_numpy().astype(kind)
