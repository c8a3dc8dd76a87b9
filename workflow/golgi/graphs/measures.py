"""What the scores of single units add up to: tables of neuron graphs by layer, by stage, and by unit."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import networkx as nx
import numpy as np
import polars as pl

from golgi.graphs.baselines import BASELINES
from golgi.graphs.store import read_graphs
from golgi.statistics.resampling import multiplicities, percentile_interval
from golgi.tables import POLARS_TYPES, read_table, table_schema, write_table

logger = logging.getLogger(__name__)

POINT = ["model", "checkpoint", "step"]
UNIT = ["site", "basis", "layer", "unit"]
MEASURES = ["precision", "recall", "f1", "rank_correlation"]
METHODS = ("graph", *BASELINES)
BATCH_CELLS = 1 << 22  # units x bootstrap draws held at a time: 32 MB


def measure_graphs(
    *,
    scores: Sequence[Path],
    chosen: Sequence[Path],
    facts: Sequence[Path],
    growth: Sequence[Path],
    graphs: Sequence[Path],
    rate: float,
    bootstraps: int,
    seed: int,
    graph_scores: Path,
    graph_layers: Path,
    graph_units: Path,
    graph_ablation: Path | None = None,
) -> None:
    """Write tables `graph_scores` (all of them), `graph_layers`, `graph_units` and `graph_ablation`.

    The sequences are files of any models, checkpoints and layers: `scores` and `growth` by layer, `chosen`
    and `facts` by checkpoint, `graphs` the full graphs by layer. Means are over units that have a value,
    with 95 % percentile intervals of `bootstraps` draws of units; those that have none are counted. Raises
    GolgiError where a chosen unit is not in the others.
    """
    scored = _gather(scores, "graph_scores")
    write_table(scored, graph_scores, schema="graph_scores")
    everyone = _gather(chosen, "graph_chosen")
    layers = by_layer(drawn_at_random(scored, everyone), bootstraps, seed)
    write_table(layers, graph_layers, schema="graph_layers", csv=True)
    if graph_ablation is not None:
        compared = by_stage(scored, bootstraps, seed)
        write_table(compared, graph_ablation, schema="graph_ablation", csv=True)
    shapes = pl.DataFrame(
        [describe_graph(graph, rate) for path in graphs for graph in read_graphs(path)], schema=SHAPE
    )
    frames = [_gather(paths, f"graph_{name}") for name, paths in (("facts", facts), ("growth", growth))]
    units = by_unit(everyone, *frames, shapes, scored)
    write_table(units, graph_units, schema="graph_units", csv=True)
    logger.info("Measured the graphs of %d units.", len(units))


def _gather(paths: Sequence[Path], schema: str) -> pl.DataFrame:
    return pl.concat([read_table(path, schema=schema) for path in paths])


def drawn_at_random(scored: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Return the scores of units that were drawn from layers at random; all, where a study draws none.

    Experts are chosen for what they fire on, and would make a layer look better explained than it is.
    """
    sampled = chosen.filter(pl.col("chosen").str.contains("sample"))
    if sampled.is_empty():
        return scored
    return scored.join(sampled, on=[*POINT, *UNIT], how="semi", nulls_equal=True, maintain_order="left")


def by_layer(scored: pl.DataFrame, bootstraps: int, seed: int) -> pl.DataFrame:
    """Return the columns of table `graph_layers`: means over the units of each layer, by method."""
    keys = ["text", "windows", "method", "measure"]
    rows = _unpivoted(scored.filter(pl.col("method").is_in(METHODS)))
    frames = []
    for place, part in rows.group_by([*POINT, "site", "layer"], maintain_order=True):
        counts = part.group_by(keys).agg(
            (~pl.col("fires")).sum().alias("never_fires"),
            (~pl.col("predicts")).sum().alias("never_predicts"),
            pl.len().alias("all_units"),
        )
        names = dict(zip([*POINT, "site", "layer"], place, strict=True))
        frames.append(
            _means(part, keys, bootstraps, seed).join(counts, on=keys).with_columns(**_literals(names))
        )
    return pl.concat(frames, how="vertical_relaxed") if frames else _empty("graph_layers")


def by_stage(scored: pl.DataFrame, bootstraps: int, seed: int) -> pl.DataFrame:
    """Return the columns of table `graph_ablation`: means by variant, of the units grown in variants too.

    Layers and sites of a model are pooled. Differences to `full` are of the same units.
    """
    keys = ["text", "windows", "variant", "measure"]
    rows = scored.filter(~pl.col("method").is_in(list(BASELINES)))
    varied = rows.filter(pl.col("method") != "graph")
    rows = _unpivoted(rows.join(varied, on=[*POINT, *UNIT], how="semi", nulls_equal=True))
    rows = rows.with_columns(pl.col("method").replace("graph", "full").alias("variant"))
    full = rows.filter(pl.col("variant") == "full")
    pairs = [*POINT, *UNIT, "text", "windows", "measure"]
    changes = (
        rows.filter(pl.col("variant") != "full")
        .join(full.select(*pairs, pl.col("value").alias("full")), on=pairs, nulls_equal=True)
        .with_columns(pl.col("value") - pl.col("full"))
    )
    frames = []
    for place, part in rows.group_by(POINT, maintain_order=True):
        names = _literals(dict(zip(POINT, place, strict=True)))
        change = changes.filter(pl.col(name).eq_missing(value) for name, value in names.items())
        differences = _means(change, keys, bootstraps, seed).select(
            *keys,
            pl.col("mean").alias("difference"),
            pl.col("low").alias("difference_low"),
            pl.col("high").alias("difference_high"),
        )
        means = _means(part, keys, bootstraps, seed)
        frames.append(means.join(differences, on=keys, how="left").with_columns(**names))
    return pl.concat(frames, how="vertical_relaxed") if frames else _empty("graph_ablation")


def by_unit(
    chosen: pl.DataFrame,
    facts: pl.DataFrame,
    growth: pl.DataFrame,
    shapes: pl.DataFrame,
    scored: pl.DataFrame,
) -> pl.DataFrame:
    """Return table `graph_units` of chosen units, with a score of each kind where it is known."""
    number, identity = [*POINT, "index"], [*POINT[:2], *UNIT]
    random = scored.filter(pl.col("windows") == "random")

    def measured(text: str, method: str, **columns: str) -> pl.DataFrame:
        rows = random.filter(pl.col("text") == text, pl.col("method") == method)
        return rows.select(*identity, **{column: pl.col(name) for column, name in columns.items()})

    units = (
        chosen.join(facts.drop("windows_read", "tokens_read"), on=number, how="left", nulls_equal=True)
        .join(growth.drop("observations"), on=number, how="left", nulls_equal=True)
        .join(shapes, on=identity, how="left")
        .join(measured("test", "graph", **{name: name for name in MEASURES}), on=identity, how="left")
    )
    for method in BASELINES:
        scores = measured("test", method, **{f"f1_{method}": "f1"})
        units = units.join(scores, on=identity, how="left")
    return units.join(measured("shifted", "graph", f1_shifted="f1"), on=identity, how="left").drop("index")


TEXTUAL, COUNTED = (
    ("model", "checkpoint", "site", "basis"),
    ("layer", "unit", "nodes", "activating", "context"),
)
SHAPE = dict.fromkeys(TEXTUAL, pl.String) | dict.fromkeys(COUNTED, pl.Int64) | {"repeats": pl.Boolean}


def describe_graph(graph: nx.DiGraph, rate: float) -> dict[str, str | int | bool]:
    """Return the unit's identity and what its graph names on the paths whose rate reaches `rate`.

    `activating` tokens stand at the beginning of such a path, `context` tokens further on, wildcards aside;
    the unit `repeats` where a token is both.
    """
    prefixes: dict[int, tuple[int | None, ...]] = {}
    firing: list[tuple[int | None, ...]] = []
    for node, known in graph.nodes(data=True):  # parents before their children
        before = next((prefixes[parent] for parent in graph.predecessors(node)), ())
        prefixes[node] = (*before, known["token"])
        if known["end"] and known["rate"] >= rate:
            firing.append(prefixes[node])
    activating = {tokens[0] for tokens in firing}
    context = {token for tokens in firing for token in tokens[1:] if token is not None}
    return {name: graph.graph[name] for name in (*POINT[:2], *UNIT)} | {
        "nodes": len(graph),
        "activating": len(activating),
        "context": len(context),
        "repeats": bool(activating & context),
    }


def bootstrap_means(
    values: np.ndarray, *, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means over units and the ends of 95 % intervals, each [measure], of values [unit, measure].

    NaN is no value, and in no mean. Units are drawn alike for all measures; draws without any value of a
    measure are left out of its interval, which is NaN where fewer than two units have a value.
    """
    known = ~np.isnan(values)
    filled, counted = np.where(known, values, 0.0), known.astype(np.float64)
    random = np.random.default_rng([seed, 4])
    samples = np.full((draws, values.shape[1]), np.nan)
    size = max(1, BATCH_CELLS // max(1, len(values)))
    for start in range(0, draws, size):
        weights = multiplicities(len(values), min(size, draws - start), random).astype(np.float64)
        samples[start : start + size] = _ratio(weights @ filled, weights @ counted)
    low, high = percentile_interval(samples)
    alone = known.sum(axis=0) < 2
    low[alone], high[alone] = np.nan, np.nan
    return _ratio(filled.sum(axis=0), counted.sum(axis=0)), low, high


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(sums, counts, out=np.full(np.shape(sums), np.nan), where=counts > 0)


def _means(rows: pl.DataFrame, keys: Sequence[str], bootstraps: int, seed: int) -> pl.DataFrame:
    # One row for each of the keys' values: the mean over units of `value`, its interval, and how many.
    columns = rows.select(keys).unique().sort(keys).with_row_index("column")
    units = rows.select(UNIT).unique().sort(UNIT).with_row_index("row")
    placed = rows.join(columns, on=keys).join(units, on=UNIT)
    values = np.full((len(units), len(columns)), np.nan)
    values[placed["row"], placed["column"]] = placed["value"].fill_null(float("nan"))
    found = zip(("mean", "low", "high"), bootstrap_means(values, draws=bootstraps, seed=seed), strict=True)
    return columns.drop("column").with_columns(
        *(pl.Series(name, numbers).fill_nan(None) for name, numbers in found),
        pl.Series("units", (~np.isnan(values)).sum(axis=0)),
    )


def _unpivoted(scored: pl.DataFrame) -> pl.DataFrame:
    index = [*POINT, *UNIT, "text", "windows", "method", "fires", "predicts"]
    return scored.unpivot(MEASURES, index=index, variable_name="measure")


def _literals(values: dict[str, str | int | None]) -> dict[str, pl.Expr]:
    return {
        name: pl.lit(value, pl.String if isinstance(value, str) else pl.Int64)
        for name, value in values.items()
    }


def _empty(schema: str) -> pl.DataFrame:
    columns: Iterable[dict] = table_schema(schema)["columns"]
    return pl.DataFrame(schema={one["name"]: POLARS_TYPES[one["type"]] for one in columns})
