"""What a model is read for before graphs are grown: the same as reading it all at once, in bounded memory."""

import numpy as np
import polars as pl
import polars.testing
import pytest
from graph_files import NEGATIVE, UNITS, WINDOW, arrays_of, make_files, write_text, write_units
from graph_worlds import brute_force

from golgi.errors import GolgiError
from golgi.files import read_json
from golgi.graphs import reading
from golgi.models.tokenizer import load_tokenizer
from golgi.models.windows import token_texts
from golgi.tables import read_table

NEGATIVE_INDEX = UNITS.index(("mlp_pre", 0, NEGATIVE))


@pytest.fixture(scope="module")
def files(tmp_path_factory, tokenizer):
    return make_files(tmp_path_factory.mktemp("reading"), tokenizer)


@pytest.fixture(scope="module")
def everything(files):
    """All windows, and [window, token, unit] in each of them."""
    return files.read()


@pytest.fixture(scope="module")
def found(files):
    return files.find(firings=1000)  # so many that none is left out by luck


def test_exemplars_are_those_of_all_windows_read_at_once(found, everything):
    windows, traced = everything
    own = np.where(windows.ids[..., None] >= 0, traced, -np.inf)
    values, places = own.max(axis=1), own.argmax(axis=1)
    luck = np.zeros(len(values))
    limits = {"strongest": 5, "firings": 1000, "fires": 0.5, "weakest": 0.5}
    rows, weak = brute_force(values, places, windows.documents, luck, **limits)
    arrays = arrays_of(found["exemplars"])
    assert arrays["unit"].tolist() == [row[0] for row in rows]
    assert arrays["token"].tolist() == [row[2] for row in rows]
    assert arrays["strongest"].tolist() == [row[4] for row in rows]
    np.testing.assert_allclose(arrays["activation"], [row[3] for row in rows], rtol=1e-5)
    np.testing.assert_allclose(arrays["maximum"], values.max(axis=0), rtol=1e-5)
    assert arrays["weak"].tolist() == weak
    # Windows are kept once each, those that some exemplar lies in.
    kept = np.array([row[1] for row in rows])
    np.testing.assert_array_equal(arrays["windows"][arrays["window"]], windows.ids[kept])
    np.testing.assert_array_equal(arrays["documents"][arrays["window"]], windows.documents[kept])
    assert len(arrays["windows"]) == len(set(kept))


def test_padding_takes_no_part_in_maxima(found, everything):
    windows, traced = everything
    assert (windows.lengths < WINDOW).any()  # there, padding's 0 would be above all of the unit's own
    negative = traced[..., NEGATIVE_INDEX][windows.ids >= 0]
    assert negative.max() < -10
    arrays = arrays_of(found["exemplars"])
    np.testing.assert_allclose(arrays["maximum"][NEGATIVE_INDEX], negative.max(), rtol=1e-5)
    assert NEGATIVE_INDEX not in arrays["unit"]
    assert arrays["weak"][NEGATIVE_INDEX] == 0


def test_how_much_is_held_at_a_time_changes_nothing(files, monkeypatch):
    whole, traced = files.find("whole"), files.trace("whole")
    monkeypatch.setattr(reading, "CELLS", 3 * WINDOW * len(UNITS))
    parted, traced_in_parts = files.find("parts"), files.trace("parts")
    pairs = [(whole[kind], parted[kind]) for kind in ("exemplars", "sample")] + [(traced, traced_in_parts)]
    for one, other in pairs:
        check_same(arrays_of(one), arrays_of(other))
    facts = [read_table(paths["facts"], schema="graph_facts") for paths in (whole, parted)]
    pl.testing.assert_frame_equal(*facts, rel_tol=1e-3)


def check_same(some, others):
    """Whole numbers are the same; the last bits of a float may follow the batches that a model reads."""
    assert list(some) == list(others)
    for name, one in some.items():
        exact = np.issubdtype(one.dtype, np.integer)
        tolerance = 0 if exact else 1e-3 if one.dtype == np.float16 else 1e-5
        np.testing.assert_allclose(one, others[name], rtol=tolerance, atol=tolerance, err_msg=name)


def test_read_again_it_is_the_same_to_the_byte(files):
    once, again = files.find("once"), files.find("again")
    for kind, path in once.items():
        assert again[kind].read_bytes() == path.read_bytes(), kind
    assert files.trace("once").read_bytes() == files.trace("again").read_bytes()


def test_the_sample_is_some_of_the_windows_and_all_that_units_do_there(found, everything):
    windows, traced = everything
    sample = arrays_of(found["sample"])
    order = {row.tobytes(): number for number, row in enumerate(windows.ids)}
    numbers = [order[row.tobytes()] for row in sample["sample"]]
    assert len(numbers) == 20
    assert numbers == sorted(numbers)
    check_traced(sample, "sample", traced[numbers])


def check_traced(arrays, name, traced):
    assert sum(key.startswith(f"{name}/") and key.count("/") == 2 for key in arrays) == 5
    for site, layer in dict.fromkeys(unit[:2] for unit in UNITS):
        columns = [index for index, unit in enumerate(UNITS) if unit[:2] == (site, layer)]
        kept = arrays[f"{name}/{site}/{layer}"]
        assert kept.dtype == np.float16
        np.testing.assert_allclose(kept, np.moveaxis(traced[..., columns], 2, 0), rtol=1e-3, atol=1e-4)


def test_traced_texts_hold_every_token_and_zero_at_padding(files, everything):
    windows, traced = everything
    arrays = arrays_of(files.trace())
    np.testing.assert_array_equal(arrays["test"], windows.ids)
    np.testing.assert_array_equal(arrays["test/documents"], windows.documents)
    check_traced(arrays, "test", traced)
    assert not arrays["test/mlp_pre/0"][:, windows.ids < 0].any()


def test_facts_are_those_of_the_sample(found, files):
    facts = read_table(found["facts"], schema="graph_facts")
    sample, maximum = arrays_of(found["sample"]), arrays_of(found["exemplars"])["maximum"]
    there = sample["sample"] >= 0
    shares = sample["sample/mlp_post/1"][1][there].astype(np.float32) / maximum[4]
    row = facts.row(4, named=True)
    quantiles = np.quantile(shares, [0.5, 0.9, 0.99, 0.999])
    assert [row[name] for name in ("q50", "q90", "q99", "q999")] == pytest.approx(quantiles.tolist())
    assert row["firing_rate"] == pytest.approx((shares >= 0.5).mean())
    assert row["maximum"] == pytest.approx(float(maximum[4]))
    assert facts["dead"].to_list() == (maximum <= 0).tolist()
    dead = facts.row(NEGATIVE_INDEX, named=True)
    assert (dead["q50"], dead["q999"], dead["firing_rate"]) == (None, None, 0)


def test_facts_count_what_was_read(found, everything):
    facts = read_table(found["facts"], schema="graph_facts")
    assert facts["windows_read"].unique().to_list() == [len(everything[0].ids)]
    assert facts["tokens_read"].unique().to_list() == [int(everything[0].lengths.sum())]


def test_the_vocabulary_is_the_text_of_every_token(found, files):
    assert read_json(found["vocabulary"]) == token_texts(load_tokenizer(files.folder, who="tiny"))


def test_another_seed_is_another_sample_and_the_same_strongest_windows(files):
    one, other = (files.find(f"seed{seed}", seed=seed) for seed in (1, 2))
    assert one["sample"].read_bytes() != other["sample"].read_bytes()
    strongest = []
    for paths in (one, other):
        arrays = arrays_of(paths["exemplars"])
        pairs = zip(arrays["unit"], arrays["windows"][arrays["window"]].tolist(), strict=True)
        strongest.append([pair for pair, kept in zip(pairs, arrays["strongest"], strict=True) if kept])
    assert strongest[0] == strongest[1]


def test_a_window_defaults_to_the_models_context_less_bos(files):
    arrays = arrays_of(files.trace("long", window=None))
    assert arrays["test"].shape[1] <= 47
    documents = pl.read_ndjson(files.text)["text"]
    tokenizer = load_tokenizer(files.folder, who="tiny")
    longest = max(len(tokenizer(text)["input_ids"]) for text in documents)
    assert arrays["test"].shape[1] == min(47, longest)


def test_what_cannot_be_read_is_named(files, tmp_path, tokenizer):
    with pytest.raises(GolgiError, match=r"tiny@7: graphs\.window is 48, .* room for 47"):
        files.find("long", window=48)
    large = make_files(tmp_path, tokenizer, units=[("mlp_pre", 0, NEGATIVE)], bias=1e6)
    with pytest.raises(GolgiError, match="beyond what half precision holds"):
        large.find()
    assert not (tmp_path / "found" / "sample.safetensors").exists()
    write_units(large.chosen, [("mlp_post", 2, 0)])
    with pytest.raises(GolgiError, match="there is no layer 2"):
        large.find()


def test_a_text_of_one_window_is_enough(tmp_path, tokenizer):
    files = make_files(tmp_path, tokenizer)
    write_text(files.text, documents=1)
    arrays = arrays_of(files.find()["exemplars"])
    assert len(arrays["unit"])
    assert np.bincount(arrays["unit"], arrays["strongest"]).max() == 1
