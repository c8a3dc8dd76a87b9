"""The gallery: best, median and worst units, and texts that show where their graphs are wrong."""

import json

import numpy as np
import polars as pl
import pytest
from graph_strategies import IDENTITY, path
from hypothesis import given
from hypothesis import strategies as st
from synthetic_tables import table

from golgi.errors import GolgiError
from golgi.graphs.examples import LENGTH, Reading, read_with
from golgi.graphs.gallery import choose_examples, choose_units, write_gallery
from golgi.graphs.store import write_graphs
from golgi.graphs.trie import grow
from golgi.tables import read_table, write_arrays, write_table

TEXTS = [" the", " dog", " barks", " loudly", "\n"]
THE, DOG, BARKS, LOUDLY, NEWLINE = range(len(TEXTS))


def score(unit, f1, *, layer=0, tp=3, fp=1, fn=1, **changed):
    row = {
        "model": "mini",
        "checkpoint": "20",
        "step": 20,
        "site": "mlp_post",
        "basis": "neuron",
        "layer": layer,
        "unit": unit,
        "text": "test",
        "windows": "random",
        "method": "graph",
        **{"tp": tp, "fp": fp, "fn": fn, "tn": 9, "precision": f1, "recall": f1, "f1": f1},
        **{"rank_correlation": None, "fires": f1 is not None, "predicts": True},
    }
    return row | changed


def chosen(*scores):
    units = choose_units(table("graph_scores", list(scores)))
    return units.select("layer", "unit", "standing").rows()


def test_best_median_and_worst_of_each_layer():
    scores = [score(unit, f1) for unit, f1 in enumerate((0.3, 0.9, None, 0.1, 0.6, 0.5))]
    units = choose_units(table("graph_scores", [*scores, score(8, 0.4, layer=1)]))
    assert units.select("layer", "unit", "standing", "ranked", "silent").rows() == [
        (0, 1, "best", 5, 1),
        (0, 5, "median", 5, 1),
        (0, 3, "worst", 5, 1),
        (1, 8, "best", 1, 0),
    ]


def test_other_texts_windows_and_methods_do_not_count():
    others = [{"text": "shifted"}, {"windows": "strong"}, {"method": "token"}, {"method": "no_prune"}]
    assert chosen(score(1, 0.5), *(score(2, 0.9, **other) for other in others)) == [(0, 1, "best")]


def test_of_equal_units_the_one_with_more_mistakes_is_worse():
    scores = [
        score(1, 0.0, tp=0, fn=1),
        score(2, 0.0, tp=0, fn=90),
        score(3, 1.0, tp=2),
        score(4, 1.0, tp=70),
    ]
    assert chosen(*scores) == [(0, 4, "best"), (0, 3, "median"), (0, 2, "worst")]


def test_two_units_are_best_and_worst_and_none_fires_nowhere():
    assert chosen(score(1, 0.2), score(2, 0.4)) == [(0, 2, "best"), (0, 1, "worst")]
    assert chosen(score(1, None), score(2, None)) == []
    assert chosen() == []


def reading(shares, values=None, foretold=None):
    shares = np.array(shares, np.float32)
    values = np.zeros_like(shares) if values is None else np.array(values, np.float32)
    foretold = values >= 0.5 if foretold is None else foretold
    return Reading(np.zeros(shares.shape, np.int32), shares, values, shares >= 0.5, foretold)


def far(*placed):
    """Shares of ten long windows: 0 but at the places (window, token, share)."""
    shares = np.zeros((10, 60), np.float32)
    for window, token, share in placed:
        shares[window, token] = share
    return shares


def kinds(one, seed=0):
    return [(example.kind, example.window) for example in choose_examples(one, np.random.default_rng(seed))]


def test_the_strongest_a_firing_and_the_worst_mistake():
    true = far((2, 30, 1.0), (5, 9, 0.7), (7, 50, 0.6))
    expected = far((2, 30, 0.9), (5, 9, 0.8), (7, 50, 0.6), (8, 3, 0.55), (9, 3, 0.8))
    assert kinds(reading(true, expected)) in (
        [("strongest", 2), ("firing", 5), ("false alarm", 9)],
        [("strongest", 2), ("firing", 7), ("false alarm", 9)],
    )


def test_a_miss_is_a_mistake():
    true = far((2, 30, 1.0), (5, 9, 0.9), (7, 50, 0.6), (8, 50, 0.8))
    expected = far((2, 30, 0.9), (5, 9, 0.8), (7, 50, 0.6))
    found = [kinds(reading(true, expected), seed) for seed in range(20)]
    assert ("miss", 8) in {examples[2] for examples in found}
    assert {examples[1][1] for examples in found} == {5, 7, 8}


def test_without_a_mistake_another_firing_is_shown():
    true = far((2, 30, 1.0), (5, 9, 0.9), (7, 50, 0.6))
    assert [kind for kind, _ in kinds(reading(true, true))] == ["strongest", "firing", "firing"]
    assert kinds(reading(far((2, 30, 1.0)), far((2, 30, 1.0)))) == [("strongest", 2)]


def test_what_is_shown_is_not_shown_again():
    true = far((2, 30, 1.0), (2, 28, 0.7))
    assert kinds(reading(true)) == [("strongest", 2)]
    assert kinds(reading(far((2, 30, 1.0), (2, 3, 0.7)))) == [("strongest", 2), ("firing", 2)]


@given(token=st.integers(0, 59), length=st.integers(1, 60))
def test_an_example_lies_in_its_window_with_its_token(token, length):
    token = min(token, length - 1)
    one = reading(far((4, token, 1.0)))
    one.ids[4, length:] = -1
    (example,) = choose_examples(one, np.random.default_rng(0))
    assert 0 <= example.start <= token < example.stop <= length
    assert example.stop - example.start == min(LENGTH, length)


def test_a_graph_foretells_by_rate_and_expects_a_value():
    graph = grow([path(DOG), path(DOG, activation=0.1, weight=3), path(BARKS, DOG)], unit=0, **IDENTITY)
    ids = np.array([[DOG, BARKS, BARKS], [BARKS, DOG, -1]], np.int32)
    activations = np.array([[1.5, 0.3, 0.0], [0.0, 0.0, 0.0]], np.float16)
    read = read_with(graph, ids, activations, fires=0.5, rate=0.3)
    assert read.values == pytest.approx(np.array([[0.325, 1, 0], [0, 0.325, 0]]))
    assert read.foretold.tolist() == [[False, True, False], [False, False, False]]
    assert read.firing.tolist() == [[True, False, False], [False, False, False]]
    assert read.shares[0].tolist() == pytest.approx([1.0, 0.2, 0.0], abs=1e-3)


@pytest.fixture
def files(tmp_path):
    """A checkpoint with three units in layer 1, and one in layer 0 that is dead."""
    units = [(0, 4), (1, 3), (1, 5), (1, 9)]
    identity = {"model": "mini", "checkpoint": "20", "step": 20, "site": "mlp_post", "basis": "neuron"}
    rows = [
        identity | {"index": index, "layer": layer, "unit": unit, "chosen": "sample"}
        for index, (layer, unit) in enumerate(units)
    ]
    write_table(table("graph_chosen", rows), tmp_path / "units.parquet", schema="graph_chosen")
    paths = {3: [path(BARKS, DOG)], 5: [path(DOG)], 9: []}
    graphs = [grow(some, unit=unit, **IDENTITY | {"layer": 1}) for unit, some in paths.items()]
    write_graphs([grow([], unit=4, **IDENTITY | {"maximum": 0.0})], tmp_path / "layer0.jsonl")
    write_graphs(graphs, tmp_path / "layer1.jsonl")
    scores = [score(3, 1.0, layer=1), score(5, 0.5, layer=1), score(9, 0.0, layer=1), score(4, None)]
    write_table(table("graph_scores", scores), tmp_path / "scores.parquet", schema="graph_scores")
    ids = np.array([[THE, DOG, BARKS, LOUDLY], [BARKS, DOG, NEWLINE, -1]], np.int32)
    active = np.zeros((3, 2, 4), np.float16)
    active[0, 0, 2] = active[2, 1, 1] = 1.5
    active[1, 0, 1] = 0.9
    arrays = {"test": ids, "test/mlp_post/1": active, "test/mlp_post/0": np.zeros((1, 2, 4), np.float16)}
    write_arrays(arrays, tmp_path / "texts.safetensors")
    (tmp_path / "tokens.json").write_text(json.dumps(TEXTS))
    return {
        "chosen": tmp_path / "units.parquet",
        "scores": [tmp_path / "scores.parquet"],
        "graphs": [tmp_path / "layer0.jsonl", tmp_path / "layer1.jsonl"],
        "texts": tmp_path / "texts.safetensors",
        "tokens": tmp_path / "tokens.json",
        "gallery": tmp_path / "gallery.parquet",
    }


def written(files, **options):
    write_gallery(**files, **{"fires": 0.5, "rate": 0.3, "seed": 1} | options)
    return read_table(files["gallery"], schema="graph_gallery")


def test_the_table_holds_graphs_and_texts(files):
    rows = written(files)
    units = rows.unique("unit", maintain_order=True)
    assert units.select("layer", "unit", "standing", "ranked", "silent").rows() == [
        (1, 3, "best", 3, 0),
        (1, 5, "median", 3, 0),
        (1, 9, "worst", 3, 0),
    ]
    first = rows.filter(pl.col("unit") == 3)
    assert first["token"].to_list() == ["␣the", "␣dog", "␣barks", "␣loudly"]
    assert first["activation"].to_list() == [0.0, 0.0, 1.0, 0.0]
    assert first["predicted"].to_list() == [0.0, 0.0, 1.0, 0.0]
    assert first["kind"].unique().to_list() == ["strongest"]
    nodes = json.loads(first["graph"][0])["nodes"]
    assert [node["text"] for node in nodes] == ["␣barks", "␣dog"]


def test_mistakes_and_the_activations_of_each_unit(files):
    rows = written(files)
    median = rows.filter(pl.col("unit") == 5)
    assert median["kind"].unique(maintain_order=True).to_list() == ["strongest", "false alarm"]
    assert median["activation"].max() == pytest.approx(0.6, abs=1e-3)
    assert median.filter(pl.col("kind") == "false alarm")["token"].to_list() == ["␣barks", "␣dog", "⏎"]
    worst = rows.filter(pl.col("unit") == 9)
    assert json.loads(worst["graph"][0])["nodes"] == []
    assert worst.select("kind", "token", "activation", "predicted").rows()[1] == (
        "strongest",
        "␣dog",
        1.0,
        0.0,
    )


def test_the_same_seed_gives_the_same_bytes(files):
    written(files)
    before = files["gallery"].read_bytes()
    written(files)
    assert files["gallery"].read_bytes() == before


def test_a_unit_without_a_graph_is_an_error(files):
    with pytest.raises(GolgiError, match=r"unit mlp_post 1\.3 was scored, but"):
        written(files | {"graphs": files["graphs"][:1]})


def test_nothing_fires(files):
    write_table(table("graph_scores", [score(4, None)]), files["scores"][0], schema="graph_scores")
    assert written(files).is_empty()
