"""Scores of graphs and baselines: the same as dense predictions of brute force, in scikit-learn and SciPy."""

import numpy as np
import polars as pl
import pytest
from graph_data import LIMITS, Made, invent, write_layer, write_made
from graph_strategies import path
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from golgi.errors import GolgiError
from golgi.graphs import scoring
from golgi.graphs.agreement import Expectation, Truth, compare
from golgi.graphs.scoring import score_graphs
from golgi.tables import read_table

GRAMS = {"token": 1, "bigram": 2, "trigram": 3}
COUNTS = ["tp", "fp", "fn", "tn"]
MEASURES = ["precision", "recall", "f1", "rank_correlation"]


def random_paths(random):
    return [
        path(*random.integers(0, 4, random.integers(1, 4)).tolist(), activation=float(random.random()))
        for _ in range(random.integers(1, 9))
    ]


def random_graphs(made, seed):
    random = np.random.default_rng(seed)
    return [
        made.grow(index, random_paths(random) if made.maxima[index] > 0 else [])
        for index in range(len(made.units))
    ]


def score(made, graphs, folder, *, layer=0, **limits):
    """The scores of one layer; graphs by variant, [index]."""
    files = write_made(made, folder)
    grown = {name: write_layer(made, some, layer, folder / f"{name}.jsonl") for name, some in graphs.items()}
    score_graphs(**files, graphs=grown, layer=layer, **(LIMITS | limits), scores=folder / "scores.parquet")
    return read_table(folder / "scores.parquet", schema="graph_scores")


def by_trying_all(graph, ids):
    """Value and firing [window, token] that a graph expects, every path tried at every place."""
    values, fires = np.zeros(ids.shape, np.float32), np.zeros(ids.shape, bool)
    prefixes = {}
    for node, known in graph.nodes(data=True):
        before = next((prefixes[parent] for parent in graph.predecessors(node)), ())
        prefixes[node] = (*before, known["token"])
    longest = np.zeros(ids.shape, int)
    for node, tokens in prefixes.items():
        known = graph.nodes[node]
        for window, place in zip(*np.nonzero(ids >= 0), strict=True):
            read = ids[window, : place + 1][::-1][: len(tokens)].tolist()
            if known["end"] and read == list(tokens) and len(tokens) > longest[window, place]:
                longest[window, place] = len(tokens)
                values[window, place] = known["value"]
                fires[window, place] = known["rate"] >= LIMITS["rate"]
    return values, fires


def by_dictionary(made, index, text, n):
    """Value and firing [window, token] that a table of n-grams expects."""
    seen = {}

    def see(ids, window, token, activation):
        if token >= n - 1:
            gram = tuple(ids[window, token - n + 1 : token + 1])
            seen[gram] = max(seen.get(gram, -np.inf), np.float32(activation) / made.maxima[index])

    if made.maxima[index] > 0:
        for window, token in zip(*np.nonzero(made.texts["sample"] >= 0), strict=True):
            see(made.texts["sample"], window, token, made.activations["sample"][index, window, token])
        for of, window, token, activation in made.exemplars:
            if of == index:
                see(made.windows, window, token, activation)
    ids = made.texts[text]
    values = np.zeros(ids.shape, np.float32)
    for window, token in zip(*np.nonzero(ids >= 0), strict=True):
        if token >= n - 1:
            values[window, token] = seen.get(tuple(ids[window, token - n + 1 : token + 1]), 0)
    return values, values >= 0.5


def measured(values, expected, activations, maximum):
    """The row that scikit-learn and SciPy give."""
    fires = (activations.astype(np.float32) / maximum >= 0.5) if maximum > 0 else np.zeros(len(values), bool)
    (tn, fp), (fn, tp) = confusion_matrix(fires, expected, labels=[False, True])
    precision, recall, f1, _ = precision_recall_fscore_support(
        fires, expected, average="binary", zero_division=0
    )
    varied = np.ptp(values) > 0 and np.ptp(activations) > 0
    rho = spearmanr(values, activations.astype(np.float64)).statistic if varied else None
    return {
        **dict(zip(COUNTS, (tp, fp, fn, tn), strict=True)),
        "precision": precision if expected.any() else None,
        "recall": recall if fires.any() else None,
        "f1": f1 if fires.any() else None,
        "rank_correlation": rho,
        "fires": fires.any(),
        "predicts": expected.any(),
    }


@pytest.mark.parametrize("seed", range(6))
def test_scores_are_those_of_dense_predictions(seed, tmp_path):
    made = invent(seed)
    graphs = random_graphs(made, seed)
    scores = score(made, {"full": graphs}, tmp_path)
    members = [index for index, unit in enumerate(made.units) if unit[1] == 0]
    assert len(scores) == len(members) * 2 * 2 * 4
    for index in members:
        site, _, unit = made.units[index]
        for text in ("test", "shifted"):
            ids = made.texts[text]
            dense = {"graph": by_trying_all(graphs[index], ids)}
            dense |= {method: by_dictionary(made, index, text, n) for method, n in GRAMS.items()}
            there = ids >= 0
            highest = np.where(there, made.activations[text][index], -np.inf).max(axis=1)
            strong = np.zeros(len(ids), bool)
            strong[np.argsort(-highest, kind="stable")[:2]] = True
            for windows, chosen in (("random", there), ("strong", there & strong[:, None])):
                for method, (values, expected) in dense.items():
                    (row,) = scores.filter(
                        site=site, unit=unit, text=text, windows=windows, method=method
                    ).iter_rows(named=True)
                    truth = made.activations[text][index][chosen]
                    oracle = measured(values[chosen], expected[chosen], truth, made.maxima[index])
                    assert {name: row[name] for name in oracle} == pytest.approx(oracle, abs=1e-12)


@pytest.mark.parametrize("shifted", [True, False])
def test_how_units_are_read_does_not_matter(shifted, tmp_path, monkeypatch):
    made = invent(1, units=5, shifted=shifted)
    graphs = {"full": random_graphs(made, 1), "no_prune": random_graphs(made, 2)}
    graphs["no_prune"][1] = graphs["no_prune"][6] = None
    (tmp_path / "whole").mkdir()
    whole = score(made, graphs, tmp_path / "whole")
    assert set(whole["text"]) == {"test", *(["shifted"] if shifted else [])}
    varied = whole.filter(pl.col("method") == "no_prune").select("site", "unit").unique()
    assert len(varied) == 8
    for cells in (1, 2 * 7 * 9):
        monkeypatch.setattr(scoring, "CELLS", cells)
        (tmp_path / str(cells)).mkdir()
        assert score(made, graphs, tmp_path / str(cells)).equals(whole)


def test_full_and_graph_are_one_name(tmp_path):
    made = invent(3)
    graphs = random_graphs(made, 3)
    scores = score(made, {"graph": graphs}, tmp_path, layer=1)
    assert scores.equals(score(made, {"full": graphs}, tmp_path, layer=1))
    assert set(scores["layer"]) == {1}


def planted(ids):
    """A unit that fires on a 3, if a 7 stands somewhere two tokens before it."""
    activations = np.zeros((1, *ids.shape), np.float16)
    activations[0, :, 2:][(ids[:, 2:] == 3) & (ids[:, :-2] == 7)] = 2
    return activations


def test_a_planted_rule_is_foretold_by_its_graph_alone(tmp_path):
    random = np.random.default_rng(0)
    texts = {name: random.integers(0, 9, (60, 20)).astype(np.int32) for name in ("sample", "test")}
    activations = {name: planted(ids) for name, ids in texts.items()}
    window, token = (int(one[0]) for one in np.nonzero(activations["sample"][0]))
    made = Made(
        texts,
        activations,
        np.array([2], np.float32),
        [("mlp_post", 0, 5)],
        texts["sample"],
        [(0, window, token, 2.0)],
    )
    scores = score(made, {"full": [made.grow(0, [path(3, None, 7)])]}, tmp_path, strong=20)
    rows = {row["method"]: row for row in scores.filter(windows="random").iter_rows(named=True)}
    assert rows["graph"]["f1"] == rows["graph"]["rank_correlation"] == 1
    assert rows["token"]["recall"] == 1
    assert rows["token"]["fp"] > 5 * rows["token"]["tp"] > 0
    assert rows["bigram"]["f1"] < 0.5
    assert scores.filter(windows="strong", method="graph")["f1"].item() == 1


def test_units_that_are_silent_unforeseen_or_dead(tmp_path):
    ids = np.array([[1, 2, 3, 1, 2, 3]], np.int32)
    activations = np.array([[0, 1, 0, 0, 1, 0], [0, 0.1, 0, 0, 0, 0], [0, -1, 0, -1, 0, -1]], np.float16)
    made = Made(
        {"test": ids, "sample": ids[:, :1]},
        {"test": activations[:, None], "sample": np.zeros((3, 1, 1), np.float16)},
        np.array([1, 1, -0.5], np.float32),
        [("mlp_post", 0, unit) for unit in range(3)],
        ids,
    )
    graphs = [made.grow(0, [path(9)]), made.grow(1, [path(3)]), made.grow(2, [])]
    scores = score(made, {"full": graphs}, tmp_path)
    rows = scores.filter(windows="random", method="graph").sort("unit")
    names = [*COUNTS, "precision", "recall", "f1", "fires", "predicts"]
    assert rows.select(names).rows() == [
        (0, 0, 2, 4, None, 0.0, 0.0, True, False),
        (0, 2, 0, 4, 0.0, None, None, False, True),
        (0, 0, 0, 6, None, None, None, False, False),
    ]
    assert rows["rank_correlation"][0] is None  # nothing is expected anywhere
    dead = scores.filter(unit=2)
    assert len(dead) == 8
    assert not dead["fires"].any()
    assert all(dead[name].null_count() == 8 for name in MEASURES)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda made, graphs: graphs.__setitem__(1, None), "unit 1 of attn_out/0 has no graph"),
        (lambda made, graphs: graphs.insert(0, graphs.pop(4)), "unit 0 of attn_out/0 has no graph"),
        (lambda made, graphs: graphs.append(other(made)), r"unit 0.99 at mlp_post was not chosen"),
        (lambda made, graphs: spoil_text(made), "test/attn_out/0 does not hold 3 units in half precision"),
        (lambda made, graphs: made.texts.pop("test"), "texts.safetensors holds no text"),
    ],
)
def test_files_that_do_not_fit(spoil, said, tmp_path):
    made = invent(2, shifted=False)
    graphs = random_graphs(made, 2)
    spoil(made, graphs)
    with pytest.raises(GolgiError, match=said):
        score(made, {"full": graphs}, tmp_path)


def other(made):
    graph = made.grow(3, [path(1)])
    graph.graph["unit"] = 99
    return graph


def spoil_text(made):
    made.activations["test"] = made.activations["test"].astype(np.float32)


SHARES = st.sampled_from([-0.5, -0.0, 0.0, 0.25, 0.5, 0.7])


@settings(deadline=None)
@given(places=st.lists(st.tuples(st.integers(0, 4), st.floats(-1, 1, width=16)), max_size=30), data=st.data())
def test_rank_correlation_by_groups_is_that_of_places(places, data):
    values = np.array([0, *(data.draw(SHARES) for _ in range(4))], np.float32)
    groups = np.array([group for group, _ in places], np.int64)
    activations = np.array([activation for _, activation in places], np.float16)
    truth = Truth.of(activations, activations >= 0.5)
    rho = compare(truth, groups, Expectation(values, values >= 0.5))["rank_correlation"]
    if len(places) < 2 or not np.ptp(activations) or not np.ptp(values[groups]):
        assert rho is None
    else:
        assert rho == pytest.approx(spearmanr(values[groups], activations.astype(float)).statistic, abs=1e-12)
