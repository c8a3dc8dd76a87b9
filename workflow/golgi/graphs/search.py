"""Which units answer to a token, need it before them, or resemble each other: asked of tables alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from golgi.graphs.texts import SPACE, readable, word_of
from golgi.tables import POLARS_TYPES, conform, table_schema

if TYPE_CHECKING:  # neither is needed to search, and both take time to load
    import networkx as nx
    from scipy.sparse import csr_array

UNIT = ["model", "checkpoint", "site", "layer", "unit"]
SIMILAR, SUBSET = 0.5, 0.9
SLICE = 1_000_000  # shared tokens counted at a time: about 100 MB


def nodes_table(graphs: Iterable[nx.DiGraph], texts: Sequence[str], *, rate: float = 0.2) -> pl.DataFrame:
    """Return table `graph_nodes` of graphs of one tokenizer, whose raw tokens are `texts` [token id].

    A path says that its unit fires where it does so at least at `rate`.
    """
    types = _types("graph_nodes")
    columns: dict[str, list] = {name: [] for name in types if name != "step"}
    shown = [readable(text) for text in texts]
    for graph in graphs:
        nodes = [graph.nodes[node] for node in range(len(graph))]
        tokens = [node["token"] for node in nodes]
        for name in UNIT:
            columns[name] += [graph.graph[name]] * len(nodes)
        for name in ("distance", "importance", "activation", "count", "value", "rate"):
            columns[name] += [node[name] for node in nodes]
        columns["node"] += range(len(nodes))
        columns["parent"] += [next(graph.predecessors(node), None) for node in range(len(nodes))]
        columns["role"] += ["context" if node["distance"] else "activating" for node in nodes]
        columns["token"] += tokens
        columns["text"] += [None if token is None else shown[token] for token in tokens]
        columns["reach"] += _reach(graph, rate)
    frame = pl.DataFrame(columns, schema_overrides={name: types[name] for name in columns})
    return conform(frame.with_columns(_step()), schema="graph_nodes", where="graphs")


def fires_on(nodes: pl.DataFrame, text: str) -> pl.DataFrame:
    """Return the units that fire on a token: where a path from it says that the unit fires.

    `nodes` is a table `graph_nodes`, whole or its rows of some units. `text` is the token, with its leading
    space or without: `dog` finds ` dog` too, and last `Dog`. One row per unit: `forms` found, `closeness` of
    the nearest (0 the text itself, 1 but for a space, 2 but for capitals), the largest `activation` to
    expect, the `count` of observations; sorted by these (Foote et al. 2023, sec. 4).
    """
    firing = _telling(nodes, "activating").rename({"reach": "activation"})
    return _asked_for(firing, text, strength="activation")


def needs_context(nodes: pl.DataFrame, text: str) -> pl.DataFrame:
    """Return the units that need a token before them: on a path that says so, not as a wildcard.

    Arguments, rows and order as in `fires_on`, with `importance`, the largest, for `activation`.
    """
    return _asked_for(_telling(nodes, "context"), text, strength="importance")


def like(nodes: pl.DataFrame, layer: int, unit: int) -> pl.DataFrame:
    """Return the units that share an activating token with one unit, most similar first.

    The unit may be there at several sites, checkpoints and models: each is compared within its own model and
    checkpoint, and `similarity`, as in `similar_pairs`, is to the nearest of them.
    """
    point, chosen = UNIT[:2], (pl.col("layer") == layer) & (pl.col("unit") == unit)
    asked = _token_sets(nodes.filter(chosen)).rename({"site": "asked"}).drop("layer", "unit")
    telling = pl.concat([_telling(nodes, "activating"), _telling(nodes, "context")])
    firing = telling.join(asked.filter(role="activating"), on=[*point, "role", "token"], how="semi")
    sets = telling.join(firing, on=UNIT, how="semi").select(*UNIT, "role", "token").unique()
    sizes = sets.group_by(UNIT).agg(_number("activating"), _number("context"))
    shared = (
        asked.join(sets, on=[*point, "role", "token"])
        .group_by(*UNIT, "asked")
        .agg(_number("activating").alias("activating_shared"), _number("context").alias("context_shared"))
        .filter(~(chosen & (pl.col("site") == pl.col("asked"))), pl.col("activating_shared") > 0)
        .join(sizes, on=UNIT)
        .join(
            sizes.filter(chosen).rename({"site": "asked"}).drop("layer", "unit"),
            on=[*point, "asked"],
            suffix="_asked",
        )
    )
    counts = [
        np.array([shared[f"{role}{suffix}"] for role in ("activating", "context")], np.int64)
        for suffix in ("_shared", "", "_asked")
    ]
    return (
        shared.with_columns(pl.Series("similarity", _similarity(*counts), pl.Float64))
        .group_by(UNIT)
        .agg(pl.col("similarity").max())
        .sort(["similarity", *UNIT], descending=[True, *(False for _ in UNIT)])
    )


def repeats(nodes: pl.DataFrame) -> pl.DataFrame:
    """Return the units with tokens both activating and in context: they fire where a token comes again.

    One row per unit: the `tokens`, most frequent first, and their number `repeated`; most first.
    """
    return (
        pl.concat([_telling(nodes, "activating"), _telling(nodes, "context")])
        .group_by(*UNIT, "token", "text")
        .agg(pl.col("role").n_unique().alias("roles"), pl.col("count").sum())
        .filter(pl.col("roles") == 2)
        .sort("count", "token", descending=[True, False])
        .group_by(UNIT, maintain_order=True)
        .agg(pl.col("text").alias("tokens"), pl.len().cast(pl.Int64).alias("repeated"))
        .sort(["repeated", *UNIT], descending=[True, *(False for _ in UNIT)])
    )


def tokens_of(nodes: pl.DataFrame) -> pl.DataFrame:
    """Return one row per unit: the tokens it fires on, `activating`, and `context`, most frequent first."""
    frames = [
        _telling(nodes, role)
        .group_by(*UNIT, "text")
        .agg(pl.col("count").sum())
        .sort("count", "text", descending=[True, False])
        .group_by(UNIT, maintain_order=True)
        .agg(pl.col("text").alias(role))
        for role in ("activating", "context")
    ]
    return frames[0].join(frames[1], on=UNIT, how="left").with_columns(pl.col("context").fill_null([]))


def similar_pairs(nodes: pl.DataFrame, *, similar: float = SIMILAR, subset: float = SUBSET) -> pl.DataFrame:
    """Return table `graph_pairs`: units of one model and checkpoint that are similar, or one in the other.

    Two sets of tokens are compared, activating ones and context ones, as `fires_on` and `needs_context` find
    them. Similarity is the mean of their two Jaccard indices, and that of the activating tokens alone where
    neither unit has context; containment of a in b likewise, with shared / size of a. A set that is empty
    shares nothing. Pairs without an activating token in common are left out. `similar` from one threshold
    on, else `subset`, a in b, from the other (Foote et al. 2023, sec. 4).
    """
    sets = _token_sets(nodes)
    frames = [
        _pairs_of_units(*_incidence(of_point), similar, subset)
        for _, of_point in sets.group_by(UNIT[:2], maintain_order=True)
    ]
    frame = pl.concat(frames) if frames else pl.DataFrame(schema=_types("graph_pairs"))
    return conform(frame.with_columns(_step()), schema="graph_pairs", where="graphs")


def _types(schema: str) -> dict[str, pl.DataType]:
    return {column["name"]: POLARS_TYPES[column["type"]] for column in table_schema(schema)["columns"]}


def _step() -> pl.Expr:
    digits = pl.col("checkpoint").str.contains(r"^\d+$")
    return pl.when(digits).then("checkpoint").cast(pl.Int64).alias("step")


def _reach(graph: nx.DiGraph, rate: float) -> list[float | None]:
    # Children have larger numbers than their parents.
    ends = [graph.nodes[node] for node in range(len(graph))]
    reach = [end["value"] if end["end"] and end["rate"] >= rate else None for end in ends]
    for node in reversed(range(len(graph))):
        below = [reach[child] for child in graph.successors(node)]
        reach[node] = max((value for value in (reach[node], *below) if value is not None), default=None)
    return reach


def _telling(nodes: pl.DataFrame, role: str) -> pl.DataFrame:
    return nodes.filter(
        (pl.col("role") == role) & pl.col("token").is_not_null() & pl.col("reach").is_not_null()
    ).select(*UNIT, "role", "token", "text", "importance", "count", "reach")


def _token_sets(nodes: pl.DataFrame) -> pl.DataFrame:
    both = pl.concat([_telling(nodes, "activating"), _telling(nodes, "context")])
    return both.select(*UNIT, "role", "token").unique().sort(*UNIT, "role", "token")


def _number(role: str) -> pl.Expr:
    return (pl.col("role") == role).sum().cast(pl.Int64).alias(role)


def _asked_for(nodes: pl.DataFrame, text: str, *, strength: str) -> pl.DataFrame:
    asked = readable(text)
    word = word_of(asked)
    form = pl.col("text")
    form_word = pl.when(form == SPACE).then(form).otherwise(form.str.strip_prefix(SPACE))
    closeness = (
        pl.when(form == asked)
        .then(0)
        .when(form_word == word)
        .then(1)
        .when(form_word.str.to_lowercase() == word.lower())
        .then(2)
    )
    found = nodes.with_columns(closeness.cast(pl.Int64).alias("closeness")).drop_nulls("closeness")
    return (
        found.group_by(UNIT)
        .agg(
            form.sort_by("closeness", "text").unique(maintain_order=True).alias("forms"),
            pl.col("closeness").min(),
            pl.col(strength).max(),
            pl.col("count").sum(),
        )
        .sort(
            ["closeness", strength, "count", *UNIT],
            descending=[False, True, True, *(False for _ in UNIT)],
        )
    )


def _mean_of_sets(shares: np.ndarray, without_context: np.ndarray) -> np.ndarray:
    return np.where(without_context, shares[0], shares.mean(axis=0))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)


def _similarity(shared: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    # All [set, pair]: activating tokens, then context.
    return _mean_of_sets(_share(shared, first + second - shared), first[1] + second[1] == 0)


def _containment(shared: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return _mean_of_sets(_share(shared, first), first[1] + second[1] == 0)


def _incidence(sets: pl.DataFrame) -> tuple[pl.DataFrame, csr_array, csr_array]:
    from scipy.sparse import csr_array

    units = sets.select(UNIT).unique().sort(UNIT).with_row_index("row")
    rows = sets.join(units, on=UNIT)
    shape = (len(units), rows["token"].max() + 1)
    of_role = [rows.filter(pl.col("role") == role) for role in ("activating", "context")]
    activating, context = (
        csr_array((np.ones(len(one), np.int32), (one["row"].to_numpy(), one["token"].to_numpy())), shape)
        for one in of_role
    )
    return units, activating, context


def _pairs_of_units(
    units: pl.DataFrame, activating: csr_array, context: csr_array, similar: float, subset: float
) -> pl.DataFrame:
    sizes = np.array([activating.sum(axis=1), context.sum(axis=1)], np.int64)  # [set, unit]
    frames = []
    for a, b, shared in _sharing(activating):
        # At best the smaller context lies in the larger one: most pairs are out before theirs is counted.
        best = np.array([shared, sizes[1][[a, b]].min(axis=0)])
        kept = _kinds(best, sizes[:, a], sizes[:, b], similar, subset) != "neither"
        a, b = a[kept], b[kept]
        counts = np.array([shared[kept], context[a].multiply(context[b]).sum(axis=1)])
        kinds = _kinds(counts, sizes[:, a], sizes[:, b], similar, subset)
        turned = kinds == "b in a"
        a, b = np.where(turned, b, a), np.where(turned, a, b)
        rows = _pair_rows(units, a, b, counts, sizes).with_columns(pl.Series("kind", kinds))
        frames.append(rows.filter(pl.col("kind") != "neither"))
    return pl.concat(frames).with_columns(pl.col("kind").replace({"a in b": "subset", "b in a": "subset"}))


def _sharing(sets: csr_array) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    # Pairs a < b of units and how many tokens they share, a slice of units at a time.
    work = np.cumsum(sets @ sets.sum(axis=0)) // SLICE
    cuts = [0, *(np.flatnonzero(np.diff(work)) + 1).tolist(), sets.shape[0]]
    for first, last in pairwise(cuts):
        product = (sets[first:last] @ sets.T).tocoo()
        row, later = product.row + first, product.col > product.row + first
        yield row[later], product.col[later], product.data[later]


def _kinds(
    shared: np.ndarray, first: np.ndarray, second: np.ndarray, similar: float, subset: float
) -> np.ndarray:
    return np.select(
        [
            _similarity(shared, first, second) >= similar,
            _containment(shared, first, second) >= subset,
            _containment(shared, second, first) >= subset,
        ],
        ["similar", "a in b", "b in a"],
        "neither",
    )


def _pair_rows(
    units: pl.DataFrame, a: np.ndarray, b: np.ndarray, shared: np.ndarray, sizes: np.ndarray
) -> pl.DataFrame:
    first, second = sizes[:, a], sizes[:, b]
    measures = {
        "similarity": _similarity(shared, first, second),
        "containment_a": _containment(shared, first, second),
        "containment_b": _containment(shared, second, first),
        "activating_shared": shared[0],
        "context_shared": shared[1],
    }
    sides = [
        units[chosen].select(pl.col("site", "layer", "unit").name.suffix(f"_{side}"))
        for side, chosen in (("a", a), ("b", b))
    ]
    point = units[a].select("model", "checkpoint")
    return pl.concat([point, *sides, pl.DataFrame(measures)], how="horizontal")
