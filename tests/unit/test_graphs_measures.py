"""What scores add up to: means with intervals and counts of who is in them, by layer, stage and unit."""

import numpy as np
import polars as pl
import pytest
from graph_data import LIMITS, PLACES, POINT, chosen_table, invent, write_layer, write_made
from graph_strategies import path
from synthetic_tables import table

from golgi.errors import GolgiError
from golgi.graphs.measures import bootstrap_means, by_layer, by_stage, describe_graph, measure_graphs
from golgi.graphs.scoring import score_graphs
from golgi.graphs.trie import grow
from golgi.tables import conform, read_table, write_table

VALUES = ["precision", "recall", "f1", "rank_correlation"]


def row(unit, method="graph", *, f1=None, precision=None, layer=0, site="mlp_post", **more):
    """A row of scores in which recall and rank correlation are unknown."""
    return (
        POINT
        | {"step": 20, "site": site, "basis": "neuron", "layer": layer, "unit": unit, "text": "test"}
        | {"windows": "random", "method": method, **dict.fromkeys(("tp", "fp", "fn", "tn"), 1)}
        | {"precision": precision, "recall": None, "f1": f1, "rank_correlation": None}
        | {"fires": f1 is not None, "predicts": precision is not None}
        | more
    )


def scores(rows):
    return table("graph_scores", rows)


def only(frame, **chosen):
    return frame.filter(**chosen).row(0, named=True)


def test_means_of_a_layer_and_who_is_not_in_them():
    rows = [row(0, f1=0.5, precision=0.25), row(1, f1=0.0), row(2, precision=0.75), row(3)]
    rows += [row(unit, "token", f1=1.0, precision=1.0) for unit in range(4)]
    rows += [row(0, "no_prune", f1=0.9), row(0, layer=1, f1=0.8)]
    layers = conform(by_layer(scores(rows), 200, 0), schema="graph_layers", where="")
    f1 = only(layers, layer=0, method="graph", measure="f1")
    assert (f1["mean"], f1["units"], f1["all_units"]) == (0.25, 2, 4)
    assert (f1["never_fires"], f1["never_predicts"]) == (2, 2)
    assert (f1["low"], f1["high"]) == (0.0, 0.5)
    assert only(layers, layer=0, method="graph", measure="precision")["mean"] == 0.5
    token = only(layers, layer=0, method="token", measure="f1")
    assert (token["mean"], token["low"], token["high"], token["units"]) == (1.0, 1.0, 1.0, 4)
    unknown = only(layers, layer=0, method="graph", measure="recall")
    assert (unknown["mean"], unknown["low"], unknown["units"]) == (None, None, 0)
    alone = only(layers, layer=1, measure="f1")
    assert (alone["mean"], alone["low"], alone["high"], alone["units"]) == (0.8, None, None, 1)
    assert set(layers["method"]) == {"graph", "token"}
    assert len(layers) == 3 * 4


def test_a_stage_is_paired_by_unit_over_layers_and_sites():
    full = [row(0, f1=0.5), row(0, layer=1, f1=0.7), row(0, site="attn_out", f1=0.9), row(1, f1=0.1)]
    without = [row(0, "no_prune", f1=0.4), row(0, "no_prune", layer=1, f1=0.4)]
    without += [row(0, "no_prune", site="attn_out"), row(0, "token", f1=0.3)]
    stages = conform(by_stage(scores([*full, *without]), 500, 0), schema="graph_ablation", where="")
    whole = only(stages, variant="full", measure="f1")
    assert whole["mean"] == pytest.approx(0.7)  # the unit that was not grown again is left out
    assert (whole["units"], whole["difference"]) == (3, None)
    pruned = only(stages, variant="no_prune", measure="f1")
    assert (pruned["mean"], pruned["units"]) == (pytest.approx(0.4), 2)
    assert pruned["difference"] == pytest.approx(-0.2)
    assert pruned["difference_low"] == pytest.approx(-0.3)
    assert pruned["difference_high"] == pytest.approx(-0.1)
    assert set(stages["variant"]) == {"full", "no_prune"}


def test_nothing_grown_again_and_nothing_scored():
    assert by_stage(scores([row(0, f1=0.5)]), 10, 0).is_empty()
    assert by_layer(scores([]), 10, 0).is_empty()


def test_checkpoints_without_a_step_are_points_too():
    rows = [row(0, f1=0.2, precision=0.1), row(0, "published", f1=0.1)]
    both = scores([*rows, *(one | {"checkpoint": "final", "step": None, "f1": 0.6} for one in rows)])
    layers = conform(by_layer(both, 10, 0), schema="graph_layers", where="")
    assert layers.filter(measure="f1").select("checkpoint", "mean").rows() == [("20", 0.2), ("final", 0.6)]
    stages = conform(by_stage(both, 10, 0), schema="graph_ablation", where="")
    assert stages.filter(measure="f1", variant="published")["difference"].to_list() == [
        pytest.approx(-0.1),
        0.0,
    ]


def test_the_interval_is_that_of_a_plain_bootstrap():
    random = np.random.default_rng(1)
    values = random.random((30, 3))
    values[::4, 1] = values[:-1, 2] = np.nan
    mean, low, high = bootstrap_means(values, draws=4000, seed=7)
    assert mean == pytest.approx(np.nanmean(values, axis=0))
    drawn = values[random.integers(0, 30, (4000, 30))]  # [draw, unit, measure]
    expected = np.nanquantile(np.nanmean(drawn[..., :2], axis=1), [0.025, 0.975], axis=0)
    assert np.array([low[:2], high[:2]]) == pytest.approx(expected, abs=0.02)
    assert np.isnan([low[2], high[2]]).all()
    again = bootstrap_means(values, draws=4000, seed=7)
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(again, (mean, low, high)))
    assert bootstrap_means(values, draws=4000, seed=8)[1][0] != low[0]


def test_draws_in_small_batches_are_the_same(monkeypatch):
    values = np.random.default_rng(2).random((9, 2))
    whole = bootstrap_means(values, draws=100, seed=0)
    monkeypatch.setattr("golgi.graphs.measures.BATCH_CELLS", 50)
    assert np.array(bootstrap_means(values, draws=100, seed=0)) == pytest.approx(np.array(whole))


def test_a_graph_in_numbers():
    some = [path(1, 2), path(1, None, 3), path(3, activation=0.2), path(4, 5, activation=0.2), path(2)]
    graph = grow(some, **POINT, site="mlp_post", layer=0, unit=7, maximum=1)
    shape = describe_graph(graph, rate=0.3)
    assert (shape["nodes"], shape["activating"], shape["context"]) == (8, 2, 2)
    assert shape["repeats"]
    assert describe_graph(graph, rate=0.0)["activating"] == 4
    assert not describe_graph(grow([path(1, 2)], **POINT, site="mlp_post", layer=0, unit=7, maximum=1), 0.3)[
        "repeats"
    ]


@pytest.fixture
def study(tmp_path):
    """Arguments of measure_graphs for a model with random graphs, some of them grown again."""
    made = invent(4)
    random = np.random.default_rng(4)
    graphs = [
        made.grow(index, [path(*random.integers(0, 4, 2).tolist()) for _ in range(3 * (maximum > 0))])
        for index, maximum in enumerate(made.maxima)
    ]
    files = write_made(made, tmp_path)
    for layer in (0, 1):
        grown = {"full": write_layer(made, graphs, layer, tmp_path / f"full{layer}.jsonl")}
        grown["published"] = write_layer(made, graphs[::2], layer, tmp_path / f"published{layer}.jsonl")
        out = tmp_path / f"scores{layer}.parquet"
        score_graphs(**files, graphs=grown, layer=layer, **LIMITS, scores=out)
        rows = chosen_table(made).filter(layer=layer).select("model", "checkpoint", "step", "index")
        numbers = [pl.lit(3).alias(name) for name in ("exemplars", "firings", "weak", "long_range")]
        growth = rows.with_columns(*numbers, observations=pl.lit(9), positions=pl.lit(64.5))
        write_table(growth, tmp_path / f"growth{layer}.parquet", schema="graph_growth")
    rows = chosen_table(made).select("model", "checkpoint", "step", "index")
    quantiles = [pl.lit(0.5).alias(name) for name in ("q50", "q90", "q99", "q999")]
    facts = rows.with_columns(
        *quantiles, pl.Series("maximum", made.maxima), firing_rate=0.1, windows_read=7, tokens_read=40
    ).with_columns(dead=pl.col("maximum") <= 0)
    write_table(facts, tmp_path / "facts.parquet", schema="graph_facts")
    by_layer = {
        name: [tmp_path / f"{name}{layer}.{end}" for layer in (0, 1)]
        for name, end in (("scores", "parquet"), ("growth", "parquet"), ("full", "jsonl"))
    }
    tables = ("graph_scores", "graph_layers", "graph_units", "graph_ablation")
    return {
        "scores": by_layer["scores"],
        "growth": by_layer["growth"],
        "graphs": by_layer["full"],
        "chosen": [files["chosen"]],
        "facts": [tmp_path / "facts.parquet"],
        "rate": 0.3,
        "bootstraps": 50,
        "seed": 1,
        **{name: tmp_path / "tables" / f"{name}.parquet" for name in tables},
    }


def test_all_tables_are_written_and_agree(study):
    measure_graphs(**study)
    found = {name: read_table(file, schema=name) for name, file in study.items() if name in TABLES}
    assert {name for name in TABLES if study[name].with_suffix(".csv").exists()} == TABLES - {"graph_scores"}
    units, scored = found["graph_units"], found["graph_scores"]
    assert len(units) == 9
    assert units["dead"].sum() == 3
    best = scored.filter(windows="random", text="test", method="trigram").sort("site", "layer", "unit")
    assert units["f1_trigram"].to_list() == best["f1"].to_list()
    shifted = scored.filter(windows="random", text="shifted", method="graph").sort("site", "layer", "unit")
    assert units["f1_shifted"].to_list() == shifted["f1"].to_list()
    for site, layer in PLACES:
        mean = only(found["graph_layers"], site=site, layer=layer, text="test", windows="random",
                    method="graph", measure="f1")  # fmt: skip
        own = units.filter(site=site, layer=layer)
        assert mean["mean"] == pytest.approx(own["f1"].mean())
        assert (mean["units"], mean["all_units"]) == (own["f1"].count(), 3)
    again = only(found["graph_ablation"], variant="published", text="test", windows="random", measure="f1")
    assert again["difference"] == 0
    assert again["units"] <= 5


TABLES = {"graph_scores", "graph_layers", "graph_units", "graph_ablation"}


def test_no_ablation_and_the_same_bytes_again(study):
    del study["graph_ablation"]
    measure_graphs(**study)
    before = study["graph_layers"].read_bytes(), study["graph_units"].read_bytes()
    measure_graphs(**study | {"scores": study["scores"][::-1], "graphs": study["graphs"][::-1]})
    assert (study["graph_layers"].read_bytes(), study["graph_units"].read_bytes()) == before
    assert not (study["graph_layers"].parent / "graph_ablation.parquet").exists()


def test_a_unit_that_was_not_grown_is_an_error(study):
    with pytest.raises(GolgiError, match="column exemplars of table `graph_units` has 3 empty cells"):
        measure_graphs(**study | {"growth": study["growth"][:1]})
