import numpy as np
import polars as pl
import pytest
from expert_data import (
    CATEGORY_OF,
    NAMES,
    NEGATIVES,
    POSITIVES,
    THRESHOLDS,
    UNITS,
    label_rows,
    write_concepts,
    write_responses,
    write_sets,
)
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from golgi.errors import GolgiError
from golgi.experts.scoring import score_experts
from golgi.experts.variants import score_variants
from golgi.statistics.alignment import measure_alignment
from golgi.statistics.overlap import measure_overlap
from golgi.statistics.sensitivity import draw_subset, measure_sensitivity
from golgi.tables import open_arrays, read_table, write_arrays

TAU = 0.75


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The files of a study whose other pooling is the same over again, and whose other site is noise."""
    folder = tmp_path_factory.mktemp("study")
    files = write_responses(folder)
    files |= {"concepts": write_concepts(folder / "c.parquet"), "sets": write_sets(folder / "s.parquet")}
    files |= {"ap": folder / "ap.safetensors", "experts": folder / "experts.parquet"}
    score(files, "20", 20)
    with open_arrays(files["neuron"]) as arrays:
        same = {f"pooling/mean/{name}": arrays.read(name) for name in arrays.names}
    random = np.random.default_rng(3)
    rows = len(next(iter(same.values())))
    noise = {f"site/attn_out/attn_out/{layer}": random.random((rows, 8), np.float32) for layer in range(2)}
    write_arrays(same | noise, folder / "read.safetensors")
    files["read"], files["variants"] = folder / "read.safetensors", folder / "variants.safetensors"
    score_variants(
        responses=files["read"], sets=files["sets"], concepts=files["concepts"], ap=files["variants"]
    )
    pairs = [(a, b) for index, a in enumerate(NAMES) for b in NAMES[index + 1 :]]
    lines = [f"{a} {b} {5 * (CATEGORY_OF[a] == CATEGORY_OF[b]) + len(a + b) % 3}" for a, b in pairs]
    files["ratings"] = folder / "ratings.txt"
    files["ratings"].write_text("\n".join(lines))
    return files


def score(files: dict, checkpoint: str, step: int | None) -> None:
    score_experts(
        responses=files["neuron"],
        rotated=None,
        sets=files["sets"],
        concepts=files["concepts"],
        ap=files["ap"],
        experts=files["experts"],
        model="mini",
        checkpoint=checkpoint,
        step=step,
        controls=[],
        thresholds=THRESHOLDS,
        seed=7,
        untrained=step is None,
    )


def measure(files: dict, path, **changes) -> pl.DataFrame:
    options = {
        "lexicon": path / "none.yaml",
        "references": {"people": {"file": "ratings.txt"}},
        "reference_files": {"people": files["ratings"]},
        "own": {"pooling": "max", "site": "mlp_post", "bos": "true"},
        "sizes": {"positives": [10, 20], "negatives": [15]},
        "thresholds": THRESHOLDS,
        "threshold": TAU,
        "bootstraps": 200,
        "seed": 7,
        "threads": 1,
        "sensitivity": path / "sensitivity.parquet",
    }
    names = ("ap", "variants", "sets", "concepts")
    inputs = {name: files[name] for name in names} | {"responses": files["neuron"]}
    measure_sensitivity(**inputs | options | changes)
    return read_table(path / "sensitivity.parquet", schema="sensitivity")


@pytest.fixture(scope="module")
def table(study, tmp_path_factory):
    return measure(study, tmp_path_factory.mktemp("table"))


def test_every_factor_has_its_base_once(table):
    rows = (
        table.filter(pl.col("reference").is_null())
        .group_by("factor")
        .agg(
            pl.col("value").filter(pl.col("base")).alias("own"),
            pl.col("value").filter(~pl.col("base")).sort(),
        )
    )
    assert sorted(rows.iter_rows()) == [
        ("negatives", ["60"], ["15"]),
        ("pooling", ["max"], ["mean"]),
        ("positives", ["30"], ["10", "20"]),
        ("site", ["mlp_post"], ["attn_out"]),
        ("threshold", ["0.75"], ["0.9"]),
    ]
    assert table["control"].unique().to_list() == ["measured"]
    assert table.filter("base")["change"].null_count() == table.filter("base").height


def test_the_bases_are_the_study_itself(study, table, tmp_path):
    own = table.filter(pl.col("base"), pl.col("reference").is_null())
    with open_arrays(study["ap"]) as arrays:
        precision = np.hstack([arrays.read(f"measured/mlp_post/{layer}") for layer in range(2)])
    counts = (precision >= np.float32(TAU)).sum(axis=1)
    assert own["estimate"].to_list() == pytest.approx([counts.mean()] * 5)
    assert own["empty"].to_list() == [(counts == 0).sum()] * 5
    assert own["units"].unique().to_list() == [2 * UNITS]
    assert own["chance"].to_list() == pytest.approx([POSITIVES / (POSITIVES + NEGATIVES)] * 5)
    overlap = tmp_path / "overlap.parquet"
    measure_overlap(ap=study["ap"], concepts=study["concepts"], thresholds=THRESHOLDS, overlap=overlap)
    measure_alignment(
        overlaps=[overlap],
        concepts=study["concepts"],
        lexicon=tmp_path / "none.yaml",
        embeddings=[study["embeddings"]],
        references={"people": {"file": "ratings.txt"}},
        reference_files={"people": study["ratings"]},
        planned_threshold=TAU,
        last_checkpoints={"mini": "20"},
        permutations=19,
        bootstraps=200,
        seed=7,
        alignment=tmp_path / "alignment.parquet",
        pairs=tmp_path / "pairs.parquet",
    )
    want = read_table(tmp_path / "alignment.parquet", schema="alignment").filter(
        pl.col("measure") == "jaccard"
    )
    for tau, value in ((TAU, "0.75"), (0.9, "0.9")):
        row = want.filter(pl.col("threshold") == tau).row(0, named=True)
        got = table.filter(pl.col("reference") == "people", pl.col("value") == value).row(0, named=True)
        assert [got[name] for name in ("estimate", "low", "high")] == pytest.approx(
            [row[name] for name in ("rho", "low", "high")]
        )
        assert (got["n"], got["empty"]) == (row["pairs"], row["empty_pairs"])


def test_a_variant_equal_to_the_base_changes_nothing(study, table):
    with open_arrays(study["ap"]) as base, open_arrays(study["variants"]) as variants:
        for layer in range(2):
            same = variants.read(f"pooling/mean/mlp_post/{layer}")
            np.testing.assert_array_equal(same, base.read(f"measured/mlp_post/{layer}"))
    for reference in (None, "people"):
        rows = table.filter(pl.col("factor") == "pooling", pl.col("reference").eq_missing(reference))
        own, other = rows.filter("base").row(0, named=True), rows.filter(~pl.col("base")).row(0, named=True)
        assert [other[name] for name in ("estimate", "low", "high")] == [
            own[name] for name in ("estimate", "low", "high")
        ]
        assert [other[name] for name in ("change", "change_low", "change_high")] == [0, 0, 0]


def test_a_site_of_noise_has_no_experts_and_no_alignment(table):
    rows = table.filter(pl.col("value") == "attn_out")
    count, rho = (
        rows.filter(pl.col("quantity") == name).row(0, named=True) for name in ("experts", "alignment")
    )
    assert (count["estimate"], count["empty"], count["units"]) == (0, len(NAMES), 16)
    assert count["change_high"] < 0
    assert [rho[name] for name in ("estimate", "low", "high", "change", "change_low")] == [None] * 5
    assert rho["empty"] == rho["n"]


@pytest.mark.parametrize(("kind", "size"), [("positives", 10), ("positives", 20), ("negatives", 15)])
def test_fewer_sentences_against_scikit_learn(study, table, kind, size):
    with open_arrays(study["neuron"]) as arrays:
        responses = np.hstack([arrays.read(name) for name in arrays.names])
    counts = []
    for name, rows in zip(NAMES, label_rows(), strict=True):
        positives, negatives = draw_subset(rows, name, kind=kind, size=size, seed=7)
        truth = np.repeat([1, 0], [len(positives), len(negatives)])
        scores = responses[np.concatenate([positives, negatives])]
        precision = [average_precision_score(truth, scores[:, unit]) for unit in range(scores.shape[1])]
        counts.append(sum(value >= TAU for value in precision))
    row = table.filter(
        pl.col("factor") == kind, pl.col("value") == str(size), pl.col("quantity") == "experts"
    ).row(0, named=True)
    assert row["estimate"] == pytest.approx(np.mean(counts))
    sizes = {"positives": POSITIVES, "negatives": NEGATIVES} | {kind: size}
    assert row["chance"] == pytest.approx(sizes["positives"] / sum(sizes.values()))


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 5), st.sampled_from(["positives", "negatives"]))
def test_subsets_are_nested_and_leave_the_other_kind_alone(first, second, seed, kind):
    rows = np.arange(40, 70), np.arange(100, 130)
    small, large = (
        draw_subset(rows, "cat", kind=kind, size=size, seed=seed) for size in sorted((first, second))
    )
    place = kind == "negatives"
    assert set(small[place]) <= set(large[place]) <= set(rows[place])
    assert len(small[place]) == min(first, second)
    assert (np.diff(large[place]) > 0).all()
    np.testing.assert_array_equal(small[not place], rows[not place])


def test_subsets_depend_on_the_seed_and_the_concept():
    rows = np.arange(30), np.arange(30, 60)
    drawn = [
        draw_subset(rows, name, kind="positives", size=10, seed=seed)[0].tolist()
        for name, seed in (("cat", 1), ("cat", 1), ("dog", 1), ("cat", 2))
    ]
    assert drawn[0] == drawn[1]
    assert len(set(map(tuple, drawn))) == 3


def test_variants_are_scored_as_scikit_learn_does(study):
    with open_arrays(study["read"]) as read, open_arrays(study["variants"]) as scored:
        assert read.names == scored.names
        key = "site/attn_out/attn_out/1"
        responses, precision = read.read(key), scored.read(key)
    for index, (positives, negatives) in enumerate(label_rows()):
        truth = np.repeat([1, 0], [len(positives), len(negatives)])
        chosen = responses[np.concatenate([positives, negatives])]
        want = [average_precision_score(truth, chosen[:, unit]) for unit in range(8)]
        np.testing.assert_allclose(precision[index], want, atol=1e-6)


def test_the_twin_is_a_control(study, tmp_path):
    files = study | {"ap": tmp_path / "ap.safetensors", "experts": tmp_path / "experts.parquet"}
    score(files, "untrained", None)
    rows = measure(files, tmp_path)
    assert rows.select("checkpoint", "control").unique().rows() == [("untrained", "untrained")]
    assert rows["step"].null_count() == rows.height


def test_without_references_only_experts_are_counted(study, tmp_path):
    rows = measure(study, tmp_path, references={}, reference_files={})
    assert rows["quantity"].unique().to_list() == ["experts"]
    assert rows["reference"].null_count() == rows.height


def test_the_same_call_writes_the_same_bytes(study, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        measure(study, folder)
    assert (first / "sensitivity.parquet").read_bytes() == (second / "sensitivity.parquet").read_bytes()


def test_too_few_sentences_are_named(study, tmp_path):
    with pytest.raises(GolgiError, match=r"analyses\.sensitivity\.positives: 31 are more than the 30 of cat"):
        measure(study, tmp_path, sizes={"positives": [31], "negatives": []})


def test_nothing_to_compare_is_an_error(study, tmp_path):
    write_arrays({}, tmp_path / "variants.safetensors")
    nothing = {"variants": tmp_path / "variants.safetensors", "thresholds": [TAU]}
    with pytest.raises(GolgiError, match="names no other choice"):
        measure(study, tmp_path, sizes={"positives": [], "negatives": []}, **nothing)


def test_responses_that_are_no_numbers_are_named(study, tmp_path):
    broken = np.full((2 * POSITIVES * len(NAMES), 3), np.nan, np.float32)
    write_arrays({"pooling/mean/mlp_post/0": broken}, tmp_path / "read.safetensors")
    files = {"responses": tmp_path / "read.safetensors", "ap": tmp_path / "ap.safetensors"}
    with pytest.raises(GolgiError, match="pooling/mean/mlp_post/0: the response of unit 0"):
        score_variants(sets=study["sets"], concepts=study["concepts"], **files)
    assert not files["ap"].exists()
