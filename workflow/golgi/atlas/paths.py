"""The strongest paths of a unit's graph: as many as a page shows, chosen as a figure chooses them."""

import numpy as np
import polars as pl

from golgi.figures.tree import strongest

MOST_NODES = 150


def strongest_nodes(graph: pl.DataFrame, most: int = MOST_NODES) -> pl.DataFrame:
    """Return the nodes of the strongest paths of one unit that fit into `most`, in the graph's order.

    `graph` holds the rows of the unit in table `graph_nodes`, sorted by node, or some of their columns with
    `parent`, `count` and `value`. Strong is a path of many observations and a high value
    (golgi.figures.tree), as in the drawings; the strongest is kept however long it is. Nodes and parents of
    what is returned are numbered anew, from 0.
    """
    nodes = graph.select("parent", "count", "value").to_dicts()
    kept = np.array(sorted(strongest(nodes, most, float("inf"))), np.int64)
    numbers = np.full(len(nodes) + 1, -1, np.int64)  # one more: that of no parent
    numbers[kept] = np.arange(len(kept))
    chosen = graph[kept]
    parents = numbers[chosen["parent"].fill_null(-1).to_numpy()]
    known = pl.Series("parent", parents, pl.Int64)
    columns = [known.set(known < 0, None)]
    if "node" in graph.columns:
        columns.append(pl.Series("node", np.arange(len(kept)), pl.Int64))
    return chosen.with_columns(columns)
