"""How much each token counts in a unit's graph: by the firings that the graph knows with it."""

from __future__ import annotations

import numpy as np
import polars as pl

from golgi.graphs.search import UNIT

PLACE = UNIT[2:]


def token_weights(nodes: pl.DataFrame, *, rate: float) -> pl.DataFrame:
    """Return site, layer, unit, role, token, text and `weight` of the tokens on paths that foretell firing.

    `nodes` are rows of table `graph_nodes`, of one model and checkpoint, in its order, all rows of a unit. A
    path foretells firing if the unit fires at `rate` or more where the path ends. It weighs as much as
    observations end with it, times that rate: the firings that were seen. A token's weight is the sum over
    the paths that it is on, once as `activating` and once as `context`; wildcards are left out.
    """
    weights = np.zeros(len(nodes))
    if len(nodes):
        weights = _of_nodes(nodes, rate)
    kept = nodes.with_columns(pl.Series("weight", weights)).filter(
        pl.col("token").is_not_null(), pl.col("weight") > 0
    )
    grouped = kept.group_by(*PLACE, "role", "token", "text").agg(pl.col("weight").sum())
    return grouped.sort(*PLACE, "role", "token")


def _of_nodes(nodes: pl.DataFrame, rate: float) -> np.ndarray:
    count = nodes["count"].to_numpy().astype(np.float64)
    parent = _parents(nodes)
    below = parent >= 0
    passed_on = np.bincount(parent[below], count[below], minlength=len(nodes))
    rates = nodes["rate"].fill_null(0.0).to_numpy()
    weights = np.where(rates >= rate, (count - passed_on) * rates, 0.0)
    distance = nodes["distance"].to_numpy()
    for level in range(int(distance.max()), 0, -1):
        there = distance == level
        weights += np.bincount(parent[there], weights[there], minlength=len(nodes))
    return weights


def _parents(nodes: pl.DataFrame) -> np.ndarray:
    # The row of every node's parent, -1 for an activating token. A unit begins where its node 0 is.
    starts = np.flatnonzero(nodes["node"].to_numpy() == 0)
    lengths = np.diff([*starts, len(nodes)])
    parent = nodes["parent"].fill_null(-1).to_numpy()
    return np.where(parent < 0, -1, parent + np.repeat(starts, lengths))
