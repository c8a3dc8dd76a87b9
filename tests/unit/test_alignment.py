import numpy as np
import pytest
from expert_data import CATEGORY_OF, NAMES, THRESHOLDS, write_concepts, write_responses, write_sets
from scipy import stats

from golgi.errors import GolgiError
from golgi.experts.scoring import score_experts
from golgi.statistics.alignment import measure_alignment
from golgi.statistics.overlap import measure_overlap
from golgi.statistics.resampling import holm
from golgi.tables import open_arrays, read_table, write_arrays


def write_study(folder):
    concepts, sets = write_concepts(folder / "concepts.parquet"), write_sets(folder / "sets.parquet")
    overlaps, embeddings = [], []
    for checkpoint, step in (("0", 0), ("20", 20), ("untrained", None)):
        place = folder / checkpoint
        place.mkdir()
        files = write_responses(place, seed=step or 0)
        score_experts(
            responses=files["neuron"],
            rotated=files["rotated"],
            sets=sets,
            concepts=concepts,
            ap=place / "ap.safetensors",
            experts=place / "experts.parquet",
            model="mini",
            checkpoint=checkpoint,
            step=step,
            controls=["rotated", "word"],
            thresholds=THRESHOLDS,
            seed=7,
            untrained=step is None,
        )
        overlaps.append(place / "overlap.parquet")
        embeddings.append(files["embeddings"])
        measure_overlap(
            ap=place / "ap.safetensors", concepts=concepts, thresholds=THRESHOLDS, overlap=overlaps[-1]
        )
    lines = [
        f"{a} {b} {5 * (CATEGORY_OF[a] == CATEGORY_OF[b]) + (len(a + b) + NAMES.index(b)) % 3}"
        for index, a in enumerate(NAMES)
        for b in NAMES[index + 1 :]
    ]
    (folder / "all.txt").write_text("\n".join(lines))
    (folder / "some.txt").write_text("\n".join(lines[::2]))
    return {
        "overlaps": overlaps,
        "concepts": concepts,
        "lexicon": folder / "none.yaml",
        "embeddings": embeddings,
        "references": {"all": {"file": "all.txt", "ceiling": 0.84}, "some": {"file": "some.txt"}},
        "reference_files": {"all": folder / "all.txt", "some": folder / "some.txt"},
        "planned_threshold": 0.75,
        "last_checkpoints": {"mini": "20"},
        "permutations": 199,
        "bootstraps": 200,
        "seed": 7,
        "alignment": folder / "alignment.parquet",
        "pairs": folder / "alignment_pairs.parquet",
    }


def test_tables(tmp_path):
    options = write_study(tmp_path)
    measure_alignment(**options)
    table = read_table(options["alignment"], schema="alignment")
    pairs = read_table(options["pairs"], schema="alignment_pairs")
    overlap_rows = (2 * 3 + 1) * (2 * len(THRESHOLDS) + 1)
    assert len(table) == 2 * (overlap_rows + 3 * 2)
    planned = table.filter(family="planned")
    assert planned.select("checkpoint", "control", "measure", "threshold", "reference").rows() == [
        ("20", "measured", "jaccard", 0.75, "all"),
        ("20", "measured", "jaccard", 0.75, "some"),
    ]
    assert planned["pairs"].to_list() == [15, 8]
    assert planned["ceiling"].to_list() == [0.84, None]
    assert planned["p_holm"].to_list() == pytest.approx(holm(planned["p"].to_numpy()))
    assert table.filter(family="exploratory")["p_holm"].null_count() == len(table) - 2
    for reference, rho in planned.select("reference", "rho").rows():
        rated = pairs.filter(reference=reference, control="measured")
        assert rho == pytest.approx(stats.spearmanr(rated["rating"], rated["similarity"]).statistic)
        assert rho > 0.7
    assert (planned["low"] <= planned["rho"]).all()
    assert (planned["rho"] <= planned["high"]).all()
    assert set(pairs["checkpoint"]) == {"20", "untrained"}
    assert pairs["same_category"].sum() > 0
    for name in ("alignment.csv", "alignment_pairs.csv"):
        assert (tmp_path / name).is_file()


def test_similarity_that_does_not_vary_has_no_correlation(tmp_path):
    options = write_study(tmp_path)
    measure_alignment(**options)
    table = read_table(options["alignment"], schema="alignment")
    none = table.filter(control="word", measure="jaccard", reference="all")
    assert none.select("rho", "low", "high", "p").null_count().row(0) == (len(none),) * 4
    assert none["empty_pairs"].to_list() == [15] * len(none)


def test_a_planned_test_without_a_correlation_still_counts_in_the_family(tmp_path):
    options = write_study(tmp_path)
    # Concepts of one category share one expert of three, every pair alike: the similarity does not vary.
    (tmp_path / "flat.txt").write_text("cat dog 5\ncat cow 1\ndog cow 3")
    options["references"]["flat"] = {"file": "flat.txt"}
    options["reference_files"]["flat"] = tmp_path / "flat.txt"
    measure_alignment(**options)
    planned = read_table(options["alignment"], schema="alignment").filter(family="planned")
    assert planned["reference"].to_list() == ["all", "flat", "some"]
    assert planned.select("rho", "p", "p_holm").row(1) == (None, None, None)
    family = np.array([planned["p"][0], 1.0, planned["p"][2]])
    assert planned["p_holm"][0] == pytest.approx(holm(family)[0])
    assert planned["p_holm"][2] == pytest.approx(holm(family)[2])
    assert planned["p_holm"][0] > holm(family[[0, 2]])[0]


def test_baselines_are_cosines_of_embeddings(tmp_path):
    options = write_study(tmp_path)
    measure_alignment(**options)
    table = read_table(options["alignment"], schema="alignment").filter(measure="cosine", reference="all")
    assert table.select("checkpoint", "control").rows() == [
        (checkpoint, control)
        for checkpoint in ("0", "20", "untrained")
        for control in ("input_embedding", "sentence_embedding")
    ]
    ratings = [float(line.split()[2]) for line in (tmp_path / "all.txt").read_text().splitlines()]
    with open_arrays(options["embeddings"][1]) as arrays:
        vectors = arrays.read("input").astype(float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = (vectors @ vectors.T)[np.triu_indices(len(NAMES), k=1)]
    rho = table.filter(checkpoint="20", control="input_embedding")["rho"].item()
    assert rho == pytest.approx(stats.spearmanr(cosines, ratings).statistic)


def test_same_bytes_again(tmp_path):
    options = write_study(tmp_path)
    measure_alignment(**options)
    first = options["alignment"].read_bytes(), options["pairs"].read_bytes()
    measure_alignment(**options)
    assert (options["alignment"].read_bytes(), options["pairs"].read_bytes()) == first


def test_errors_name_the_file(tmp_path):
    options = write_study(tmp_path)
    with pytest.raises(GolgiError, match="3 tables of overlap, but 2 files of embeddings"):
        measure_alignment(**(options | {"embeddings": options["embeddings"][:2]}))
    with pytest.raises(GolgiError, match=r"No overlap was measured at a last checkpoint and tau = 0\.6"):
        measure_alignment(**(options | {"planned_threshold": 0.6}))
    for vectors, message in ((np.ones((4, 2)), "of 4 concepts"), (np.full((6, 2), np.nan), "not finite")):
        arrays = {"input": vectors.astype(np.float32), "sentence": np.ones((6, 2), np.float32)}
        write_arrays(arrays, options["embeddings"][0])
        with pytest.raises(GolgiError, match=rf"embeddings\.safetensors, input.*{message}"):
            measure_alignment(**options)
