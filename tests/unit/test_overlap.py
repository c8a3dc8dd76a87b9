import numpy as np
import pytest
from expert_data import NAMES, THRESHOLDS, write_concepts
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from golgi.errors import GolgiError
from golgi.statistics import precision
from golgi.statistics.counts import bin_precision, count_experts, measure_counts
from golgi.statistics.overlap import (
    containment,
    cosine,
    jaccard,
    measure_overlap,
    overlap_coefficient,
    shared_experts,
)
from golgi.tables import read_table, write_arrays

PRECISION = arrays(
    np.float32, (4, 9), elements=st.sampled_from(np.array([0, 0.1, 0.5, 0.7, 0.9, 1], np.float32))
)
METADATA = {"model": "mini", "checkpoint": "20", "step": "20", "untrained": "false"}


def expert_sets(values, threshold):
    return [{unit for unit, value in enumerate(row) if value >= np.float32(threshold)} for row in values]


@given(values=PRECISION, threshold=st.sampled_from([0.5, 0.7, 0.95]))
def test_measures_are_those_of_sets(values, threshold):
    shared, products = shared_experts([values[:, :4], values[:, 4:]], [threshold], 4)
    sets = expert_sets(values, threshold)
    for a, first in enumerate(sets):
        for b, second in enumerate(sets):
            both, either = len(first & second), len(first | second)
            assert shared[0, a, b] == both
            assert jaccard(shared)[0, a, b] == (both / either if either else 0)
            smaller = min(len(first), len(second))
            assert overlap_coefficient(shared)[0, a, b] == (both / smaller if smaller else 0)
            assert containment(shared)[0, a, b] == (both / len(first) if first else 0)
            exact = values.astype(np.float64)
            lengths = np.linalg.norm(exact[a]) * np.linalg.norm(exact[b])
            expected = exact[a] @ exact[b] / lengths if lengths else 0
            assert cosine(products)[a, b] == pytest.approx(expected, abs=1e-12)


@given(values=PRECISION)
def test_algebra(values):
    shared, _ = shared_experts([values], [0.5], 4)
    assert (jaccard(shared) == jaccard(shared).swapaxes(1, 2)).all()
    assert (jaccard(shared) <= overlap_coefficient(shared)).all()
    assert (
        overlap_coefficient(shared) == np.maximum(containment(shared), containment(shared).swapaxes(1, 2))
    ).all()
    filled = np.diagonal(shared[0]) > 0
    assert (np.diagonal(jaccard(shared)[0]) == filled).all()


@given(values=PRECISION)
def test_counts_and_bins_cover_every_unit(values):
    counts = count_experts([values[:, :5], values[:, 5:]], [0.1, 0.7], 4)
    assert counts.tolist() == [[len(one) for one in expert_sets(values, tau)] for tau in (0.1, 0.7)]
    bins = bin_precision([values])
    assert bins.sum() == values.size
    assert (
        bins[35:].sum() == counts[1].sum()
    )  # .7 is a border of the bins: the count at tau is the area above it


def write_precision(path, **metadata):
    random = np.random.default_rng(0)
    layers = {f"mlp_post/{layer}": random.random((len(NAMES), 8 + layer), np.float32) for layer in (0, 1, 10)}
    layers["mlp_post/0"][2:] = 0  # four concepts without experts there
    values = {
        f"{control}/{name}": array for control in ("measured", "word") for name, array in layers.items()
    }
    write_arrays(
        values | {"negative_mean/mlp_post/0": layers["mlp_post/0"]}, path, metadata=METADATA | metadata
    )
    return layers


def test_overlap_table(tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "BLOCK_BYTES", 4 * len(NAMES) * 3)  # three units at a time
    layers = write_precision(tmp_path / "ap.safetensors")
    concepts = write_concepts(tmp_path / "concepts.parquet")
    measure_overlap(
        ap=tmp_path / "ap.safetensors",
        concepts=concepts,
        thresholds=THRESHOLDS,
        overlap=tmp_path / "o.parquet",
    )
    table = read_table(tmp_path / "o.parquet", schema="overlap")
    assert len(table) == 2 * len(THRESHOLDS) * 15
    sets = expert_sets(np.concatenate(list(layers.values()), axis=1), 0.9)
    for row in table.filter(threshold=0.9, control="measured").iter_rows(named=True):
        first, second = (sets[NAMES.index(row[name])] for name in ("concept_a", "concept_b"))
        assert NAMES.index(row["concept_a"]) < NAMES.index(row["concept_b"])
        assert (row["experts_a"], row["experts_b"], row["shared"]) == (
            len(first),
            len(second),
            len(first & second),
        )
        assert row["empty"] == (not first and not second)
        assert row["containment_b"] == (len(first & second) / len(second) if second else 0)


def test_counts_tables(tmp_path):
    layers = write_precision(tmp_path / "a.safetensors")
    write_precision(tmp_path / "b.safetensors", checkpoint="untrained", step="", untrained="true")
    concepts = write_concepts(tmp_path / "concepts.parquet")
    measure_counts(
        aps=[tmp_path / "b.safetensors", tmp_path / "a.safetensors"],
        concepts=concepts,
        thresholds=THRESHOLDS,
        counts=tmp_path / "counts.parquet",
        distribution=tmp_path / "distribution.parquet",
    )
    counts = read_table(tmp_path / "counts.parquet", schema="counts")
    measured = counts.filter(control="measured")
    assert len(measured) == 3 * len(NAMES) * len(THRESHOLDS)
    none = measured.filter(layer=0, concept="van")
    assert none["experts"].to_list() == [0, 0]
    assert none["units"].to_list() == [8, 8]
    row = measured.filter(layer=10, concept="cat", threshold=0.75)
    assert row["experts"].item() == int((layers["mlp_post/10"][0] >= 0.75).sum())
    assert set(counts.filter(checkpoint="untrained")["control"]) == {"untrained"}
    bins = read_table(tmp_path / "distribution.parquet", schema="distribution").filter(control="measured")
    assert bins["pairs"].sum() == sum(array.size for array in layers.values())
    assert (bins["low"].min(), bins["high"].max()) == (0.0, 1.0)
    assert bins["chance"].unique().to_list() == pytest.approx([1 / 3])


def test_errors_name_the_file(tmp_path):
    concepts = write_concepts(tmp_path / "concepts.parquet")
    for metadata, message in ((METADATA, "3 concepts, but the study has 6"), ({}, "does not name its step")):
        shape = 3 if metadata else len(NAMES)
        values = {"measured/mlp_post/0": np.zeros((shape, 4), np.float32)}
        write_arrays(values, tmp_path / "ap.safetensors", metadata=metadata)
        with pytest.raises(GolgiError, match=rf"ap\.safetensors.*{message}"):
            measure_overlap(
                ap=tmp_path / "ap.safetensors",
                concepts=concepts,
                thresholds=[0.5],
                overlap=tmp_path / "o.parquet",
            )
    assert not (tmp_path / "o.parquet").exists()
