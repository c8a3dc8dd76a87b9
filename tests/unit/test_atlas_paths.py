"""The nodes of a graph that a page shows: the paths that a figure draws, whole and in order."""

import networkx as nx
import polars as pl
import pytest
from graph_strategies import graphs
from hypothesis import given
from hypothesis import strategies as st
from synthetic_graph_files import FAN, unit_nodes
from synthetic_study import make

from golgi.atlas.paths import MOST_NODES, strongest_nodes
from golgi.figures.layout import lay_out
from golgi.graphs.search import nodes_table
from golgi.tables import read_table

TEXTS = ["a", "b", "c"]
FACTS = ["token", "distance", "importance", "activation", "count", "value", "rate"]


def prefixes(frame: pl.DataFrame) -> list[tuple]:
    """Every node as the facts of its line, from the activating token on."""
    lines = []
    for row in frame.iter_rows(named=True):
        before = () if row["parent"] is None else lines[row["parent"]]
        lines.append((*before, tuple(row[name] for name in FACTS)))
    return lines


def units_of(some: list[nx.DiGraph]) -> list[pl.DataFrame]:
    return nodes_table(some, TEXTS, rate=0.3).partition_by("unit", maintain_order=True)


@given(some=graphs(), most=st.integers(1, 12))
def test_whole_paths_are_kept_in_order(some, most):
    for unit in units_of(some):
        kept = strongest_nodes(unit, most)
        lines, before = prefixes(kept), prefixes(unit)
        assert [line for line in before if line in lines] == lines
        assert kept["node"].to_list() == list(range(len(kept)))
        assert kept.filter(pl.col("parent") >= pl.col("node")).is_empty()
        ends = [line for line, value in zip(before, unit["value"], strict=True) if value is not None]
        leaves = {line for line in lines if not any(other[:-1] == line for other in lines)}
        assert leaves <= set(ends)
        paths = sum(value is not None for value in kept["value"])
        assert len(kept) <= most or paths == 1 or len(leaves) == 1


@given(some=graphs(), most=st.integers(1, 12))
def test_figures_draw_the_same(some, most):
    for unit in units_of(some):
        drawn = lay_out(unit.to_dicts(), float("inf"), most=most)
        before = prefixes(unit)
        assert prefixes(strongest_nodes(unit, most)) == [
            before[box] for box in sorted(b.node for b in drawn.boxes)
        ]


def test_the_strongest_of_many_are_kept(tmp_path):
    study = make(tmp_path / "made", graph_units=20)
    nodes = read_table(study.tables()["graph_nodes"], schema="graph_nodes")
    site, layer, unit = study.graphs.places[int(study.graphs.rows[0])]
    big = nodes.filter(site=site, layer=layer, unit=unit)
    assert len(big) == len(unit_nodes(study.graphs, 0, 0)) > 2 * MOST_NODES < FAN + 50
    kept = strongest_nodes(big)
    assert len(kept) == MOST_NODES
    strength = (big["count"] * big["value"]).drop_nulls().sort(descending=True)
    weakest = (kept["count"] * kept["value"]).drop_nulls().min()
    ends = kept["value"].is_not_null().sum()
    assert weakest == pytest.approx(strength[ends - 1])


def test_no_graph_has_no_nodes():
    nothing = nodes_table([], [])
    assert strongest_nodes(nothing).equals(nothing)
    assert strongest_nodes(nothing.drop("node")).is_empty()
