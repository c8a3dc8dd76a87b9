"""Graphs grown with a model, through to files: what they foretell, what is counted, and what is left out."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from graph_files import NEGATIVE, UNITS, Files, arrays_of, make_files, write_text, write_units
from graph_worlds import predict
from test_substitutes import folder as masked_folder  # noqa: F401
from transformers import AutoTokenizer

from golgi.graphs import growing, growth
from golgi.graphs.growing import Method, ablations
from golgi.graphs.store import read_graphs
from golgi.graphs.trie import paths_of
from golgi.tables import read_table

VARIANTS = list(ablations(Method()))
NEGATIVE_UNIT = ("mlp_pre", 0, NEGATIVE)


@pytest.fixture(scope="module")
def files(tmp_path_factory, tokenizer):
    return make_files(tmp_path_factory.mktemp("growth"), tokenizer)


@pytest.fixture(scope="module")
def found(files):
    return files.find()


@pytest.fixture(scope="module")
def grown(files, found):
    """The files of graphs and of growth, by layer."""
    return {layer: files.grow(found, layer) for layer in (0, 1)}


def of_layer(layer):
    return [unit for unit in UNITS if unit[1] == layer]


@pytest.mark.parametrize("layer", [0, 1])
def test_every_unit_of_a_layer_has_its_graph(layer, grown, found):
    graphs = list(read_graphs(grown[layer][0]))
    names = [tuple(graph.graph[name] for name in ("site", "layer", "unit")) for graph in graphs]
    assert names == of_layer(layer)
    arrays = arrays_of(found["exemplars"])
    for graph, unit in zip(graphs, of_layer(layer), strict=True):
        index = UNITS.index(unit)
        assert graph.graph["maximum"] == float(arrays["maximum"][index])
        assert (len(graph) == 0) == (unit == NEGATIVE_UNIT)
        own = arrays["unit"] == index
        pivots = arrays["windows"][arrays["window"][own], arrays["token"][own]]
        assert not len(graph) or {tokens[0] for tokens, _, _ in paths_of(graph)} & set(pivots.tolist())


def test_what_a_graph_was_grown_from_is_counted(grown, found):
    arrays = arrays_of(found["exemplars"])
    for layer in (0, 1):
        table = read_table(grown[layer][1], schema="graph_growth").sort("index")
        numbers = table["index"].to_list()
        assert [UNITS[number] for number in numbers] == of_layer(layer)
        for row in table.iter_rows(named=True):
            own = arrays["unit"] == row["index"]
            strongest = arrays["strongest"][own]
            assert (row["exemplars"], row["firings"]) == (strongest.sum(), (1 - strongest).sum())
            assert row["weak"] == arrays["weak"][row["index"]]
            assert row["observations"] >= own.sum()
            assert row["long_range"] <= own.sum()
        assert table["positions"].min() > 0


def test_units_that_see_one_token_alone_are_foretold_without_a_fault(files, grown):
    # In the first block of this family the MLP reads the embedding, and no other token.
    text = write_text(files.here / "test.jsonl", documents=80, seed=5)
    arrays = arrays_of(files.trace("unseen", texts={"test": text}))
    live = [graph for graph in read_graphs(grown[0][0]) if len(graph)]
    assert [graph.graph["site"] for graph in live] == ["mlp_post", "mlp_post"]
    for row, graph in enumerate(live):
        share = arrays["test/mlp_post/0"][row].astype(np.float32) / graph.graph["maximum"]
        fires = (share >= 0.5) & (arrays["test"] >= 0)
        assert fires.any()
        np.testing.assert_array_equal(predict([graph], arrays["test"])[0], fires)
        assert {len(tokens) for tokens, _, _ in paths_of(graph)} == {1}


def test_grown_again_they_are_the_same_to_the_byte(files, found, grown):
    for one, other in zip(grown[1], files.grow(found, 1, "again"), strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_a_layer_without_units_has_files_without_graphs(files, found, tmp_path):
    none = Files(files.folder, tmp_path)
    write_units(none.chosen, of_layer(0))
    graphs, table = none.grow(found, 1)
    assert list(read_graphs(graphs)) == []
    assert read_table(table, schema="graph_growth").is_empty()
    none.ablate(found, 1, paths := {name: tmp_path / f"{name}.jsonl" for name in VARIANTS})
    assert all(list(read_graphs(path)) == [] for path in paths.values())


@pytest.mark.parametrize("layer", [0, 1])
def test_shares_are_those_of_the_unit_and_dead_units_have_none(layer, files, found):
    everyone = read_table(files.chosen, schema="graph_chosen").sort("index")
    sample, maximum = arrays_of(found["sample"]), arrays_of(found["exemplars"])["maximum"]
    units = everyone.filter(pl.col("layer") == layer)[::2]  # not all of a place
    with growth._task(found["exemplars"], found["sample"], units, everyone, 0) as task:
        shares = task.sample.part(range(len(units))).shares
        np.testing.assert_array_equal(task.sample.ids, sample["sample"])
    for share, index in zip(shares, units["index"], strict=True):
        site = UNITS[index][0]
        row = [unit for unit in UNITS if unit[:2] == (site, layer)].index(UNITS[index])
        raw = sample[f"sample/{site}/{layer}"][row].astype(np.float32)
        np.testing.assert_allclose(share, raw / maximum[index] if maximum[index] > 0 else 0 * raw, rtol=1e-6)


def test_pivots_end_the_text_that_stood_before_them(files, found):
    everyone = read_table(files.chosen, schema="graph_chosen").sort("index")
    units = everyone.filter(pl.col("layer") == 1)
    arrays = arrays_of(found["exemplars"])
    own = np.isin(arrays["unit"], units["index"].to_numpy())
    with growth._task(found["exemplars"], found["sample"], units, everyone, 0) as task:
        assert [units["index"][int(number)] for number in task.pivots.units] == arrays["unit"][own].tolist()
        for text, window, token in zip(
            task.pivots.texts, arrays["window"][own], arrays["token"][own], strict=True
        ):
            assert text.tolist() == arrays["windows"][window, : token + 1].tolist()
    with files_opened(files) as activity:
        probed = activity.probe(task.pivots.texts, np.flatnonzero(everyone["layer"] == 1)[task.pivots.units])
    np.testing.assert_allclose(probed, task.pivots.activations, rtol=1e-4)


def files_opened(files):
    return growth.opened(read_table(files.chosen, schema="graph_chosen"), **files.opening)


def ablate(files, found, name, layer=1, **changes):
    (files.here / name).mkdir(exist_ok=True)
    paths = {variant: files.here / name / f"{variant}.jsonl" for variant in VARIANTS}
    files.ablate(found, layer, paths, **changes)
    return paths


def test_some_units_of_every_site_are_grown_without_each_stage(files, found, grown):
    paths = ablate(files, found, "ablated")
    graphs = {name: list(read_graphs(path)) for name, path in paths.items()}
    names = {
        name: [tuple(graph.graph[key] for key in ("site", "layer", "unit")) for graph in some]
        for name, some in graphs.items()
    }
    chosen = names["no_prune"]
    assert all(some == chosen for some in names.values())
    assert [site for site, _, _ in chosen] == ["attn_out", "mlp_post", "mlp_pre"]
    assert set(chosen) <= set(of_layer(1))
    assert len({path.read_bytes() for path in paths.values()}) > 2
    again = ablate(files, found, "ablated again")
    assert all(again[name].read_bytes() == paths[name].read_bytes() for name in paths)


def test_a_stage_that_is_off_already_leaves_the_whole_method_as_it_is(files, found):
    paths = ablate(files, found, "all", per_site=9, augment="none")
    plain, _ = files.grow(found, 1, "plain", augment="none")
    assert paths["no_augment"].read_bytes() == plain.read_bytes()


def test_live_units_are_ablated_before_dead_ones(files, found):
    paths = ablate(files, found, "live", layer=0, per_site=1)
    units = [(graph.graph["site"], graph.graph["unit"]) for graph in read_graphs(paths["published"])]
    assert [site for site, _ in units] == ["mlp_post", "mlp_pre"]
    assert units[1] == ("mlp_pre", NEGATIVE)  # the only one of its site, and reported with an empty graph


def test_a_masked_language_model_proposes_substitutes(files, found, grown, masked_folder, monkeypatch):  # noqa: F811
    variants = count_variants(monkeypatch)
    graphs, _ = files.grow(found, 1, "masked", augment="masked_lm", masked_lm=masked_folder)
    tokens = AutoTokenizer.from_pretrained(files.folder)
    assert variants
    words = {tokens.decode([token]).strip().lower() for one in variants for token in one.token.tolist()}
    assert words <= {
        "dog",
        "cat",
        "boat",
        "moon",
        "the",
        "sun",
        "river",
        "fish",
        "tree",
        "sleeps",
        "barks",
        ".",
    }
    assert len(list(read_graphs(graphs))) == len(of_layer(1))


def count_variants(monkeypatch):
    kept, plain = [], growing.augment

    def spy(*arguments, **options):
        made = plain(*arguments, **options)
        kept.append(made)
        for pivot, place, token in zip(made.pivot, made.place, made.token, strict=True):
            assert arguments[3].contexts[pivot][place] != token  # the original is no substitute
        return made

    monkeypatch.setattr(growing, "augment", spy)
    return kept


def test_the_model_itself_proposes_no_special_token(files, found, monkeypatch):
    variants = count_variants(monkeypatch)
    files.grow(found, 1, "self")
    tokens = np.concatenate([one.token for one in variants])
    assert tokens.size
    assert tokens.min() > 0


def test_the_token_that_masks_is_what_the_tokenizer_says(files, found, tmp_path, monkeypatch):
    told, plain = [], growth.grow_units

    def spy(ask, *rest):
        told.append(ask.neutral)
        return plain(ask, *rest)

    monkeypatch.setattr(growth, "grow_units", spy)
    files.grow(found, 0, "masking")
    config = files.folder / "tokenizer_config.json"
    kept = config.read_text()
    try:
        config.write_text(json.dumps(json.loads(kept) | {"pad_token": "!"}))
        files.grow(found, 0, "masking")
        wanted = AutoTokenizer.from_pretrained(files.folder).pad_token_id
    finally:
        config.write_text(kept)
    assert told == [0, wanted]
    assert wanted != 0


def test_without_bos_nothing_is_expected_of_a_first_token(files, tmp_path):
    alone = replace(files, here=tmp_path)
    write_text(alone.text, documents=20)
    write_units(alone.chosen)
    alone.opening["bos"] = False
    graphs, _ = alone.grow(alone.find(), 0)
    assert any(len(graph) for graph in read_graphs(graphs))
    with growth.opened(read_table(alone.chosen, schema="graph_chosen"), **alone.opening) as activity:
        proposed = growth.own_expectation(activity, 32)([np.array([3, 4], np.int32)] * 2, [0, 1], 4)
    assert (proposed[0] == -1).all()
    assert (proposed[1] >= 0).all()


def test_graphs_of_a_trained_model_foretell_its_first_layer(data, tmp_path):
    files = Files(data / "models" / "tinystories-1m" / "step2048", tmp_path)
    units = [("mlp_post", layer, unit) for layer in (0, 2) for unit in range(0, 200, 40)]
    write_units(files.chosen, units)
    files.text = data / "corpora" / "tinystories-train.jsonl"
    files.opening |= {"batch_tokens": 4096}
    found = files.find(window=64, tokens=40_000, strongest=20, firings=60, sampled=200)
    test = data / "corpora" / "tinystories-heldout.jsonl"
    arrays = arrays_of(files.trace(texts={"test": test}, window=64, tokens=10_000))
    right = wrong = missed = 0
    for row, graph in enumerate(read_graphs(files.grow(found, 0)[0])):
        share = arrays["test/mlp_post/0"][row].astype(np.float32) / graph.graph["maximum"]
        fires, said = share >= 0.5, predict([graph], arrays["test"])[0]
        right, wrong = right + (fires & said).sum(), wrong + (said & ~fires).sum()
        missed += (fires & ~said).sum()
    assert right > 50
    assert 2 * right / (2 * right + wrong + missed) > 0.9
