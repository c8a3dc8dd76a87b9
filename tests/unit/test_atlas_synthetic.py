"""The made-up study that pages are tested on: its files are valid, and hold what it says they hold."""

import numpy as np
import polars as pl
import pytest
from synthetic_graph_files import HOSTILE, KINDS
from synthetic_study import THRESHOLD, make

from golgi.atlas.contents import rows_of
from golgi.atlas.neighbours import read_profiles
from golgi.files import read_json
from golgi.graphs.search import nodes_table
from golgi.graphs.store import read_graphs
from golgi.tables import open_arrays, read_table


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make(tmp_path_factory.mktemp("results") / "made", concepts=14, width=250, graph_units=60)


def test_experts_are_those_that_it_names(study):
    for place in study.places():
        rows = rows_of(place.expertise, ["mlp_post"])
        with open_arrays(place.expertise) as scored, open_arrays(place.units) as units:
            ap = read_profiles(scored, rows, np.arange(rows.total)).T
            columns = {name: units.read(name) for name in ("best", "ap", "concepts")}
        for index, concept in enumerate(study.concepts):
            experts = study.experts(place.checkpoint, concept)
            assert np.flatnonzero(ap[index] >= np.float32(THRESHOLD)).tolist() == sorted(experts)
            assert ap[index, list(experts)] == pytest.approx(list(experts.values()))
        assert (columns["best"] == ap.argmax(axis=0)).all()
        assert (columns["ap"] == ap.max(axis=0)).all()
        assert (columns["concepts"] == (ap >= np.float32(THRESHOLD)).sum(axis=0)).all()
    learnt = [len(study.experts(place.checkpoint, "dog")) for place in study.places()]
    assert learnt[0] == learnt[-1] == 0 < learnt[1] < learnt[2]


def test_overlap_is_that_of_the_experts(study):
    table = read_table(study.tables()["overlap"], schema="overlap")
    for row in table.iter_rows(named=True):
        one, two = (set(study.experts("143000", row[f"concept_{side}"])) for side in "ab")
        assert (row["shared"], row["jaccard"]) == (len(one & two), len(one & two) / len(one | two))
    assert table["jaccard"].n_unique() == 2  # of one category, and of two


def test_graphs_are_those_of_the_tables(study):
    place = study.place("143000")
    assert read_json(place.tokens) == study.graphs.tokens
    assert set(HOSTILE) < set(study.graphs.tokens)
    files = sorted((study.folder / "graphs/made-up/143000/full").iterdir())
    graphs = [graph for file in files for graph in read_graphs(file)]
    nodes = read_table(study.tables()["graph_nodes"], schema="graph_nodes")
    assert nodes_table(graphs, study.graphs.tokens, rate=0.5).equals(nodes)
    units = read_table(study.tables()["graph_units"], schema="graph_units")
    assert units["maximum"].to_list() == [graph.graph["maximum"] for graph in graphs]
    assert units["nodes"].to_list() == [len(graph) for graph in graphs]
    assert [study.graphs.places[row] for row in study.graphs.rows.tolist()] == units.select(
        "site", "layer", "unit"
    ).rows()


def test_units_fire_on_their_tokens_in_windows(study):
    windows = read_table(study.place("143000").windows, schema="atlas_windows")
    firing = windows.filter(pl.col("activation") >= 0.5)
    assert set(firing["kind"]) == set(KINDS) - {"random"}
    strongest = firing.filter(pl.col("kind") == "strongest")
    pivots = dict(zip(map(study.graphs.places.get, study.graphs.rows.tolist()), study.graphs.pivots))
    for row in strongest.iter_rows(named=True):
        assert row["token"] == pivots[row["site"], row["layer"], row["unit"]]
    random = windows.filter(pl.col("kind") == "random").select("window", "place", "token", "unit")
    dead = study.graphs.places[int(study.graphs.rows[4])][2]  # its windows have other numbers
    assert len(random.filter(pl.col("unit") != dead).select("window", "place", "token").unique()) == 4 * 24


def test_too_few_units_are_an_error(tmp_path):
    with pytest.raises(ValueError, match="64 units are 7 groups, and 14 are experts"):
        make(tmp_path, layers=1, width=64)
