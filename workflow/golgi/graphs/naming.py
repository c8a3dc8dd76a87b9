"""Do the graphs of a concept's experts name the concept? Experts joined with graphs, and wrong concepts."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from golgi.files import read_json
from golgi.graphs.lookup import read_columns
from golgi.graphs.search import UNIT
from golgi.graphs.weights import token_weights
from golgi.graphs.words import ConceptTokens
from golgi.statistics.naming import compare_naming
from golgi.statistics.resampling import holm
from golgi.tables import POLARS_TYPES, conform, read_table, table_schema, write_table

logger = logging.getLogger(__name__)

SHOWN_TOKENS = 3
MOSTLY = 0.5  # share of the activating tokens from which a unit fires mostly on a word
PARTS = ("activating", "context")
POINT, PLACE = UNIT[:2], UNIT[2:]
NODE_COLUMNS = [*UNIT, "node", "parent", "role", "token", "text", "distance", "count", "rate"]


def name_experts(
    *,
    experts: Path,
    concepts: Path,
    nodes: Path,
    units: Path,
    tokens: Sequence[tuple[str, str, Path]],
    threshold: float,
    per_concept: int,
    rate: float,
    last_checkpoints: Mapping[str, str],
    draws: int,
    seed: int,
    graph_experts: Path,
    graph_naming: Path,
) -> None:
    """Write tables `graph_experts`, a row per concept and expert that has a graph, and `graph_naming`.

    `experts`, `concepts`, `nodes` and `units` are the study's tables (`graph_nodes`, `graph_units`), `tokens`
    the texts of every token id as (model, checkpoint, file). An expert has AP >= `threshold`; the tests are
    of the `per_concept` best of every concept, by AP, then site, layer and unit, so far as they have graphs.
    Paths count that end where the unit fires at `rate` or more. Intervals and p-values take `draws` samples.
    The planned family, adjusted by Holm's method, are the activating tokens at each model's last checkpoint
    (model -> checkpoint).
    """
    described = read_table(concepts, schema="concepts")
    ranked = _ranked(read_table(experts, schema="experts"), threshold)
    scored = read_columns(units, [*UNIT, "basis", "f1"])
    joined = ranked.join(scored, on=UNIT)
    found, tested = [joined_rows(joined.clear(), _empty())], []
    for model, checkpoint, path in tokens:
        of_point = (pl.col("model") == model) & (pl.col("checkpoint") == checkpoint)
        rows = joined.filter(of_point)
        of_units = read_columns(nodes, NODE_COLUMNS, of_point).join(
            rows, on=UNIT, how="semi", maintain_order="left"
        )
        shares = share_tokens(of_units, rows, described, read_json(path), rate=rate)
        found.append(joined_rows(rows, shares))
        best = (rows["rank"] <= per_concept).to_numpy()
        for how, (names, known_tokens) in shares.namings().items():
            test = compare_naming(names[best], shares.own[best], draws=draws, seed=seed)
            without = int((~known_tokens[best]).sum())
            tested.append({"model": model, "checkpoint": checkpoint, "how": how, "without": without} | test)
    write_table(pl.concat(found), graph_experts, schema="graph_experts", csv=True)
    frame = _with_families(tested, last_checkpoints)
    write_table(frame, graph_naming, schema="graph_naming", csv=True)
    logger.info("%d pairs of a concept and an expert with a graph.", sum(map(len, found)))


@dataclass(frozen=True)
class Shares:
    """For each pair of a concept and an expert: how much of its graph each concept's words are.

    `activating` and `context` are [expert, concept], NaN where the graph has no such token; `own` [expert] is
    the place of the concept that it is an expert of; `tokens` are its strongest activating ones, as text.
    """

    activating: np.ndarray
    context: np.ndarray
    own: np.ndarray
    tokens: list[str]

    def namings(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Return, by way of naming, which concepts are named [expert, concept], and who has such tokens."""
        fires, needs = (~np.isnan(part).all(axis=1) for part in (self.activating, self.context))
        return {
            "fires": (self.activating > 0, fires),
            "mostly": (self.activating >= MOSTLY, fires),
            "context": (self.context > 0, needs),
        }


def share_tokens(
    nodes: pl.DataFrame, rows: pl.DataFrame, described: pl.DataFrame, texts: Sequence[str], *, rate: float
) -> Shares:
    """Return the share of every concept's words in the graphs of experts, of one model and checkpoint.

    `nodes` are rows of table `graph_nodes`, `rows` name concept and unit of every expert, `described` is
    table `concepts`, `texts` [token id] are the raw tokens. Tokens weigh as golgi.graphs.weights has it.
    """
    names = described["concept"].to_list()
    forms = {row["concept"]: [row["word"], row["plural"]] for row in described.iter_rows(named=True)}
    weights = token_weights(nodes, rate=rate)
    units = rows.select(PLACE).unique().sort(PLACE).with_row_index("row")
    weights = weights.join(units, on=PLACE)
    known = weights["token"].unique().sort().to_numpy()
    belonging = _belonging(known, ConceptTokens(texts, forms), names)
    of_row = rows.join(units, on=PLACE, how="left", maintain_order="left")["row"].to_numpy()
    parts = [
        _shares(weights.filter(pl.col("role") == part), known, belonging, units.height)[of_row]
        for part in PARTS
    ]
    strongest = _strongest(weights.filter(pl.col("role") == "activating"), units.height)
    places = {name: place for place, name in enumerate(names)}
    own = np.array([places[name] for name in rows["concept"]], np.int64)
    return Shares(*parts, own, [strongest[row] for row in of_row])


def joined_rows(rows: pl.DataFrame, shares: Shares) -> pl.DataFrame:
    """Return rows of table `graph_experts`: experts with how far their graphs are words of concepts."""
    place = np.arange(len(rows))
    own = shares.activating[place, shares.own]
    concepts = shares.activating.shape[1]
    others = (
        (shares.activating.sum(axis=1) - own) / (concepts - 1) if concepts > 1 else np.full(len(rows), np.nan)
    )
    frame = rows.with_columns(
        pl.Series("activating_share", own, pl.Float64).fill_nan(None),
        pl.Series("context_share", shares.context[place, shares.own], pl.Float64).fill_nan(None),
        pl.Series("names", own >= MOSTLY, pl.Boolean),
        pl.Series("other_share", others, pl.Float64).fill_nan(None),
        pl.Series("tokens", shares.tokens, pl.String),
    )
    return conform(frame, schema="graph_experts", where="experts")


def _empty() -> Shares:
    return Shares(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, np.int64), [])


def _ranked(experts: pl.DataFrame, threshold: float) -> pl.DataFrame:
    # What a trained model's table calls measured is called untrained in its twin's.
    own = pl.when(pl.col("checkpoint") == "untrained").then(pl.lit("untrained")).otherwise(pl.lit("measured"))
    chosen = experts.filter(pl.col("control") == own, pl.col("ap") >= threshold)
    ordered = chosen.sort([*POINT, "concept", "ap", *PLACE], descending=[False] * 3 + [True] + [False] * 3)
    rank = pl.int_range(pl.len(), dtype=pl.Int64).over([*POINT, "concept"]) + 1
    return ordered.with_columns(rank.alias("rank")).select(*POINT, "step", "concept", *PLACE, "ap", "rank")


def _belonging(known: np.ndarray, tokens: ConceptTokens, names: list[str]) -> csr_array:
    # [token, concept]; a token may be a word of several concepts.
    places = {name: place for place, name in enumerate(names)}
    pairs = [(row, places[name]) for row, token in enumerate(known) for name in tokens.of(int(token))]
    rows, columns = np.array(sorted(pairs), np.int64).reshape(-1, 2).T
    return csr_array((np.ones(len(rows)), (rows, columns)), (len(known), len(names)))


def _shares(weights: pl.DataFrame, known: np.ndarray, belonging: csr_array, units: int) -> np.ndarray:
    columns = np.searchsorted(known, weights["token"].to_numpy())
    places = (weights["row"].to_numpy().astype(np.int64), columns)
    of_unit = csr_array((weights["weight"].to_numpy(), places), (units, len(known)))
    total = of_unit.sum(axis=1)[:, None]
    shares = (of_unit @ belonging).toarray()
    return np.divide(shares, total, out=np.full(shares.shape, np.nan), where=total > 0)


def _strongest(weights: pl.DataFrame, units: int) -> list[str]:
    first = (
        weights.sort("weight", "token", descending=[True, False])
        .group_by("row", maintain_order=True)
        .agg(pl.col("text").head(SHOWN_TOKENS).str.join("  "))
    )
    found = dict(first.rows())
    return [found.get(row, "") for row in range(units)]


def _with_families(rows: list[dict], last_checkpoints: Mapping[str, str]) -> pl.DataFrame:
    schema = {
        column["name"]: POLARS_TYPES[column["type"]] for column in table_schema("graph_naming")["columns"]
    }
    planned = np.array(
        [row["how"] != "context" and row["checkpoint"] == last_checkpoints.get(row["model"]) for row in rows],
        bool,
    )
    # A planned test that could not be made was planned all the same: without it the others would look better.
    p = np.array([1.0 if row["p"] is None else row["p"] for row in rows])
    adjusted: list[float | None] = [None] * len(rows)
    for place, value in zip(np.flatnonzero(planned), holm(p[planned]), strict=True):
        adjusted[place] = None if rows[place]["p"] is None else float(value)
    full = [
        row
        | {
            "step": int(row["checkpoint"]) if row["checkpoint"].isdigit() else None,
            "family": "planned" if is_planned else "exploratory",
            "p_holm": p_holm,
        }
        for row, is_planned, p_holm in zip(rows, planned, adjusted, strict=True)
    ]
    return pl.DataFrame(full, schema=schema)
