"""What the atlas shows of all units: against brute force on small files with planted experts."""

import json

import numpy as np
import polars as pl
import pytest
from expert_data import (
    LAYERS,
    NAMES,
    SENTENCES,
    UNITS,
    label_rows,
    planted_responses,
    write_concepts,
    write_pool,
    write_sets,
)
from sklearn.metrics import roc_auc_score

from golgi.atlas import units as module
from golgi.atlas.units import describe_units
from golgi.errors import GolgiError
from golgi.experts.scoring import score_experts
from golgi.tables import open_arrays, read_table, write_arrays, write_table

SITES = ["mlp_post", "attn_out"]  # in the study's order, not in that of the alphabet
PLACES = [(site, layer) for site in SITES for layer in range(LAYERS)]
TOTAL = UNITS * len(PLACES)
POINT = {"model": "mini", "checkpoint": "20", "step": 20}


def responses_of(dtype=np.float32):
    """Responses by "{site}/{layer}" [row, unit], masked sentences last; one unit is never above 0."""
    random = np.random.default_rng(3)
    found = {
        f"{site}/{layer}": planted_responses(SENTENCES * 2, layer, random).astype(dtype)
        for site, layer in PLACES
    }
    found["mlp_post/1"][:, 20] = -found["mlp_post/1"][:, 20] - 1
    found["mlp_post/0"][SENTENCES:, 2] = 1000  # masked: not to be looked at
    return found


@pytest.fixture
def files(tmp_path):
    metadata = {"sentences": str(SENTENCES), "masked": "true"}
    write_arrays(responses_of(), tmp_path / "neuron.safetensors", metadata=metadata)
    write_pool(tmp_path / "pool.parquet")
    pool = read_table(tmp_path / "pool.parquet", schema="pool").with_columns(
        text=pl.format("sentence {}", "sentence"), kind=pl.lit("fact"), concept=pl.lit("dog")
    )
    write_table(pool, tmp_path / "pool.parquet", schema="pool")
    known = {
        "responses": tmp_path / "neuron.safetensors",
        "sets": write_sets(tmp_path / "sets.parquet"),
        "concepts": write_concepts(tmp_path / "concepts.parquet"),
    }
    score(known, tmp_path)
    written = {name: tmp_path / f"views/{name}" for name in ("units", "sentences")}
    return known | written | {"expertise": tmp_path / "ap.safetensors", "pool": tmp_path / "pool.parquet"}


def score(known, folder, **options):
    score_experts(
        **known | {"rotated": None, "controls": [], "thresholds": [0.5], "seed": 1} | POINT | options,
        ap=folder / "ap.safetensors",
        experts=folder / "experts.parquet",
    )


def described(files, **options):
    describe_units(**files, **{"sites": SITES, "threshold": 0.75} | options)
    with open_arrays(files["units"]) as arrays:
        found = {name: arrays.read(name) for name in arrays.names}
        return found, arrays.metadata, read_table(files["sentences"], schema="atlas_sentences")


def in_rows(files, kind="measured"):
    """Average precision [row, concept], in the atlas's order."""
    with open_arrays(files["expertise"]) as arrays:
        return np.concatenate([arrays.read(f"{kind}/{site}/{layer}").T for site, layer in PLACES])


def test_every_column_is_that_of_brute_force(files):
    found, metadata, _ = described(files)
    ap = in_rows(files)
    assert (found["best"] == ap.argmax(axis=1)).all()
    assert (found["ap"] == ap.max(axis=1)).all()
    assert found["concepts"].tolist() == [(row >= np.float32(0.75)).sum() for row in ap]
    responses = np.concatenate([responses_of()[f"{site}/{layer}"][:SENTENCES].T for site, layer in PLACES])
    rates = [np.mean(row >= row.max() / 2) if row.max() > 0 else np.nan for row in responses]
    assert found["rate"] == pytest.approx(rates, abs=1e-7, nan_ok=True)
    assert np.isnan(found["rate"][UNITS + 20])
    assert {name: str(array.dtype) for name, array in found.items()} == {
        **{"best": "uint16", "concepts": "uint16", "ap": "float32", "rate": "float32"},
        **{"row": "int32", "neighbour": "int32", "likeness": "float32"},
    }
    counts = ("units", "kept", "cut", "sentences", "without_response", "step", "model")
    assert [metadata[name] for name in counts] == ["96", "96", "0", str(SENTENCES), "1", "20", "mini"]
    assert json.loads(metadata["sites"]) == [
        {"name": site, "layers": [0, 1], "widths": [UNITS, UNITS]} for site in SITES
    ]


def test_planted_experts_have_their_concepts(files):
    found, _, _ = described(files)
    for start in (0, 2 * UNITS):  # layer 0 of either site
        assert found["best"][start : start + len(NAMES)].tolist() == list(range(len(NAMES)))
        assert found["concepts"][start : start + len(NAMES)].tolist() == [1] * len(NAMES)
    assert found["concepts"][UNITS + 6] == 3  # of a whole category


def test_neighbours_are_named_by_row(files):
    found, metadata, _ = described(files, most=10)
    ap = in_rows(files)
    kept = sorted(sorted(range(TOTAL), key=lambda row: (-ap[row].max(), row))[:10])
    assert found["row"].tolist() == kept
    assert (metadata["kept"], metadata["cut"]) == ("10", str(TOTAL - 10))
    alike = np.corrcoef(ap[kept].astype(np.float64))
    np.fill_diagonal(alike, -2)
    for place, row in enumerate(found["neighbour"]):
        assert set(row) <= set(kept) - {kept[place]}
        assert found["likeness"][place] == pytest.approx(
            [alike[place][kept.index(neighbour)] for neighbour in row], abs=1e-6
        )
        assert found["likeness"][place] == pytest.approx(np.sort(alike[place])[::-1][:8], abs=1e-6)


def test_separation_is_the_mean_over_the_best_experts(files):
    _, _, sentences = described(files, threshold=0.75)
    ap = in_rows(files)
    responses = np.concatenate([responses_of()[f"{site}/{layer}"].T for site, layer in PLACES])
    for concept in (0, 4):
        name, (positives, negatives) = NAMES[concept], label_rows()[concept]
        best = sorted(range(TOTAL), key=lambda row: (-ap[row, concept], row))[:10]
        experts = [row for row in best if ap[row, concept] >= np.float32(0.75)]
        own = sentences.filter(pl.col("concept") == name)
        assert own["units"].unique().to_list() == [len(experts)]
        for row in own.iter_rows(named=True):
            others = negatives if row["positive"] else positives
            truth = np.array([row["positive"]] + [not row["positive"]] * len(others))
            told = [roc_auc_score(truth, responses[unit, [row["sentence"], *others]]) for unit in experts]
            assert row["separation"] == pytest.approx(np.mean(told))
            assert row["text"] == f"sentence {row['sentence']}"
            assert row["positive"] == (row["sentence"] in positives)
    assert sentences.select("model", "checkpoint", "step").unique().rows() == [tuple(POINT.values())]


def test_without_an_expert_the_best_unit_is_read_and_counted_as_none(files):
    _, _, sentences = described(files, threshold=1.01)
    assert sentences["units"].unique().to_list() == [0]
    assert sentences.filter(standing="best", concept="cat")["separation"].to_list() == [1.0] * 4


def test_strips_change_nothing(files, monkeypatch):
    described(files)
    whole = [files[name].read_bytes() for name in ("units", "sentences")]
    monkeypatch.setattr(module, "strip_units", lambda rows, itemsize: 7)
    monkeypatch.setattr("golgi.statistics.precision.BLOCK_BYTES", 100)
    described(files)
    assert [files[name].read_bytes() for name in ("units", "sentences")] == whole


def test_responses_in_half_precision(files):
    metadata = {"sentences": str(SENTENCES), "masked": "true"}
    half = responses_of(np.float16)
    write_arrays(half, files["responses"], metadata=metadata)
    found, _, _ = described(files)
    row = half["attn_out/1"][:SENTENCES, 5].astype(np.float64)
    assert found["rate"][3 * UNITS + 5] == pytest.approx(np.mean(row >= row.max() / 2))


def test_the_twin_has_neither_step_nor_masked_sentences(files, tmp_path):
    plain = {name: array[:SENTENCES] for name, array in responses_of().items()}
    write_arrays(plain, files["responses"], metadata={"sentences": str(SENTENCES), "masked": "false"})
    known = {name: files[name] for name in ("responses", "sets", "concepts")}
    score(known, tmp_path, checkpoint="untrained", step=None, untrained=True)
    _, metadata, sentences = described(files)
    assert (metadata["checkpoint"], metadata["step"]) == ("untrained", "")
    assert sentences["step"].null_count() == len(sentences) > 0


def test_files_that_do_not_fit(files, tmp_path):
    with pytest.raises(
        GolgiError, match=r"average precision at attn_out, mlp_post, but the study reads mlp_post"
    ):
        described(files, sites=["mlp_post"])
    responses = responses_of()
    metadata = {"sentences": str(SENTENCES)}
    write_arrays(responses, files["responses"], metadata=metadata | {"sentences": "100"})
    with pytest.raises(GolgiError, match="responses to 100 sentences, but a set names 179"):
        described(files)
    responses["mlp_post/1"] = responses["mlp_post/1"][:, :-1]
    write_arrays(responses, files["responses"], metadata=metadata)
    with pytest.raises(GolgiError, match=r"neuron.safetensors: mlp_post/1 is missing or has another number"):
        described(files)
