"""Put the graphs of a whole study into tables that can be searched: nodes, and which units are related."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import networkx as nx
import polars as pl

from golgi.errors import GolgiError
from golgi.files import read_json
from golgi.graphs.search import nodes_table, similar_pairs
from golgi.graphs.store import read_graphs
from golgi.tables import write_table

logger = logging.getLogger(__name__)

GRAPHS_AT_ONCE = 2000  # as objects they take a hundred times the room that their rows take
Point = tuple[str, str]  # model, checkpoint


def index_graphs(
    *,
    graphs: Sequence[Path],
    tokens: Sequence[tuple[str, str, Path]],
    rate: float,
    nodes: Path,
    pairs: Path,
) -> None:
    """Write tables `graph_nodes` and `graph_pairs` of all graphs of a study.

    `graphs` are files of golgi.graphs.store, `tokens` the files with the text of every token id, as (model,
    checkpoint, file). A path says that its unit fires from `rate` on. Takes memory for the rows, and for the
    graphs of GRAPHS_AT_ONCE units. GolgiError for graphs of a model and checkpoint without tokens, and for a
    token id that they do not have.
    """
    texts = _Texts(tokens)
    frames = [frame for path in graphs for frame in _nodes_of_file(path, texts, rate)]
    every = pl.concat([nodes_table([], []), *frames])
    write_table(every, nodes, schema="graph_nodes")
    found = [similar_pairs(part) for part in every.partition_by("model", "checkpoint", maintain_order=True)]
    related = pl.concat([similar_pairs(every.clear()), *found])
    write_table(related, pairs, schema="graph_pairs")
    logger.info("%d nodes, and %d pairs of related units.", every.height, related.height)


class _Texts:
    """The token texts of the model and checkpoint asked for last; one list is in memory at a time."""

    def __init__(self, tokens: Sequence[tuple[str, str, Path]]):
        self._files = {(model, checkpoint): path for model, checkpoint, path in tokens}
        self._open: tuple[Point | None, list[str]] = None, []

    def of(self, point: Point, path: Path) -> list[str]:
        if point not in self._files:
            raise GolgiError(f"{path}: graphs of {point[0]} at {point[1]}, whose tokens are not there.")
        if self._open[0] != point:
            self._open = point, read_json(self._files[point])
        return self._open[1]


def _nodes_of_file(path: Path, texts: _Texts, rate: float) -> Iterator[pl.DataFrame]:
    graphs = read_graphs(path)
    while some := list(islice(graphs, GRAPHS_AT_ONCE)):
        for point, part in _by_point(some).items():
            known = texts.of(point, path)
            _check_tokens(part, len(known), path)
            yield nodes_table(part, known, rate=rate)


def _by_point(graphs: list[nx.DiGraph]) -> dict[Point, list[nx.DiGraph]]:
    parts: dict[Point, list[nx.DiGraph]] = {}
    for graph in graphs:
        parts.setdefault((graph.graph["model"], graph.graph["checkpoint"]), []).append(graph)
    return parts


def _check_tokens(graphs: list[nx.DiGraph], known: int, path: Path) -> None:
    for graph in graphs:
        largest = max((token for _, token in graph.nodes(data="token") if token is not None), default=0)
        if largest >= max(known, 1):
            unit = f"{graph.graph['layer']}.{graph.graph['unit']}"
            raise GolgiError(f"{path}: unit {unit} has token {largest}, but only {known} tokens have a text.")
