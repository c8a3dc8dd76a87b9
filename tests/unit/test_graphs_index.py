"""The tables of all graphs of a study are those of its files, whatever file a graph stands in."""

import json

import pytest
from graph_strategies import IDENTITY, path

from golgi.errors import GolgiError
from golgi.graphs import index
from golgi.graphs.index import index_graphs
from golgi.graphs.store import write_graphs
from golgi.graphs.trie import grow
from golgi.tables import read_table

PATHS = [[path(0, 1)], [path(0, 1), path(2)], [], [path(1)]]


def written(folder, files, texts):
    """Write files of graphs, {name: [(unit, checkpoint), ...]}, and index them with texts by checkpoint."""
    for name, units in files.items():
        graphs = [grow(PATHS[unit], unit=unit, **IDENTITY | {"checkpoint": at}) for unit, at in units]
        write_graphs(graphs, folder / name)
    tokens = []
    for checkpoint, known in texts.items():
        tokens.append(("mini", checkpoint, folder / f"{checkpoint}.json"))
        tokens[-1][2].write_text(json.dumps(known))
    index_graphs(
        graphs=[folder / name for name in files],
        tokens=tokens,
        rate=0.3,
        nodes=folder / "nodes.parquet",
        pairs=folder / "pairs.parquet",
    )
    return [read_table(folder / f"{name}.parquet", schema=f"graph_{name}") for name in ("nodes", "pairs")]


FILES = {"a.jsonl": [(0, "20"), (2, "20")], "b.jsonl": [(1, "20")], "c.jsonl": [(0, "40"), (3, "40")]}
TEXTS = {"20": [" a", " b", " c"], "40": ["x", "y", "z"]}


@pytest.mark.parametrize("at_once", [1, 2000])
def test_nodes_and_pairs_of_several_checkpoints(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(index, "GRAPHS_AT_ONCE", at_once)
    nodes, pairs = written(tmp_path, FILES, TEXTS)
    assert nodes.select("checkpoint", "unit", "node", "text").rows() == [
        *(("20", 0, 0, "␣a"), ("20", 0, 1, "␣b")),
        *(("20", 1, 0, "␣a"), ("20", 1, 1, "␣b"), ("20", 1, 2, "␣c")),
        *(("40", 0, 0, "x"), ("40", 0, 1, "y"), ("40", 3, 0, "y")),
    ]
    assert pairs.select("checkpoint", "kind", "unit_a", "unit_b", "similarity").rows() == [
        ("20", "similar", 0, 1, 0.75)
    ]


def test_no_graph_has_a_node(tmp_path):
    nodes, pairs = written(tmp_path, {"a.jsonl": [(2, "20")]}, TEXTS)
    assert nodes.is_empty()
    assert pairs.is_empty()


def test_tokens_that_are_not_there(tmp_path):
    with pytest.raises(GolgiError, match=r"c\.jsonl: graphs of mini at 40, whose tokens are not there"):
        written(tmp_path, FILES, {"20": [" a", " b", " c"]})
    with pytest.raises(GolgiError, match=r"b\.jsonl: unit 0\.1 has token 2, but only 2 tokens have a text"):
        written(tmp_path, FILES, TEXTS | {"20": [" a", " b"]})
