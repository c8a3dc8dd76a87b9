import itertools

import numpy as np
import polars as pl
import pytest
from expert_data import THRESHOLDS, write_concepts, write_responses, write_sets
from scipy import stats

from golgi.errors import GolgiError
from golgi.experts.scoring import score_experts
from golgi.statistics.categories import (
    bootstrap_categories,
    category_means,
    measure_categories,
    permute_categories,
)
from golgi.statistics.overlap import measure_overlap
from golgi.statistics.resampling import multiplicities, permutations
from golgi.tables import read_table, write_table

LABELS = np.array(["a", "a", "a", "b", "b", "c", "c"])


def similarity(random, tests, concepts):
    matrices = np.triu(random.random((tests, concepts, concepts)), k=1)
    return matrices + matrices.transpose(0, 2, 1)


def split_pairs(matrix, labels, concepts):
    within, between = [], []
    for a, b in itertools.combinations(concepts, 2):
        if a != b:
            (within if labels[a] == labels[b] else between).append(matrix[a, b])
    return within, between


def test_means_and_p_are_brute_force():
    random = np.random.default_rng(0)
    matrices = similarity(random, 3, 7)
    matrices[0, :3, :3] += 0.3 * (1 - np.eye(3))
    within, between = category_means(matrices, LABELS)
    p = permute_categories(matrices, LABELS, draws=300, seed=5)
    orders = permutations(7, 300, np.random.default_rng([5, 0]))
    for test, matrix in enumerate(matrices):
        pairs = split_pairs(matrix, LABELS, range(7))
        np.testing.assert_allclose([within[test], between[test]], [np.mean(one) for one in pairs])
        observed = np.mean(pairs[0]) - np.mean(pairs[1])
        permuted = [split_pairs(matrix, LABELS[order], range(7)) for order in orders]
        reached = sum(np.mean(one) - np.mean(two) >= observed - 1e-12 for one, two in permuted)
        assert p[test] == (reached + 1) / 301


def test_interval_is_explicit_replication():
    matrices = similarity(np.random.default_rng(0), 2, 7)
    low, high = bootstrap_categories(matrices, LABELS, draws=200, seed=5)
    counts = multiplicities(7, 200, np.random.default_rng([5, 1]))
    for test, matrix in enumerate(matrices):
        draws = [split_pairs(matrix, LABELS, np.repeat(np.arange(7), count)) for count in counts]
        differences = [np.mean(one) - np.mean(two) for one, two in draws if one and two]
        np.testing.assert_allclose([low[test], high[test]], np.quantile(differences, [0.025, 0.975]))


def test_p_values_of_nothing_are_uniform():
    p_values = []
    for seed in range(200):
        matrices = similarity(np.random.default_rng(seed), 1, 12)
        p_values += permute_categories(matrices, np.repeat(list("abc"), 4), draws=199, seed=seed).tolist()
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def write_overlaps(folder):
    concepts, sets = write_concepts(folder / "concepts.parquet"), write_sets(folder / "sets.parquet")
    paths = []
    for checkpoint, step in (("0", 0), ("20", 20), ("untrained", None)):
        files = write_responses(folder, seed=step or 0)
        score_experts(
            responses=files["neuron"],
            rotated=files["rotated"],
            sets=sets,
            concepts=concepts,
            ap=folder / "ap.safetensors",
            experts=folder / "experts.parquet",
            model="mini",
            checkpoint=checkpoint,
            step=step,
            controls=["rotated"],
            thresholds=THRESHOLDS,
            seed=7,
            untrained=step is None,
        )
        paths.append(folder / f"{checkpoint}.parquet")
        measure_overlap(
            ap=folder / "ap.safetensors", concepts=concepts, thresholds=THRESHOLDS, overlap=paths[-1]
        )
    return concepts, paths


def measure(folder, concepts, paths):
    measure_categories(
        overlaps=paths,
        concepts=concepts,
        planned_threshold=0.75,
        last_checkpoints={"mini": "20"},
        permutations=199,
        bootstraps=100,
        seed=7,
        categories=folder / "categories.parquet",
    )
    return read_table(folder / "categories.parquet", schema="categories")


def test_table(tmp_path):
    concepts, paths = write_overlaps(tmp_path)
    table = measure(tmp_path, concepts, paths)
    assert len(table) == (2 * 2 + 1) * len(THRESHOLDS)
    planned = table.filter(family="planned")
    assert planned.select("checkpoint", "control", "threshold").rows() == [("20", "measured", 0.75)]
    assert planned["p_holm"].to_list() == planned["p"].to_list()
    assert planned["within"].item() == pytest.approx(
        1 / 5
    )  # one shared expert, two of its own on either side
    assert planned["between"].item() == 0
    assert planned["ratio"].item() is None
    assert planned["pairs_within"].item() == 6
    assert planned["pairs_between"].item() == 9
    rotated = table.filter(control="rotated", threshold=0.9)
    assert rotated["empty_pairs"].to_list() == [15, 15]
    assert rotated["p"].to_list() == [1.0, 1.0]
    assert table.filter(family="exploratory")["p_holm"].null_count() == len(table) - 1
    assert (tmp_path / "categories.csv").is_file()


def test_errors_say_what_is_missing(tmp_path):
    concepts, paths = write_overlaps(tmp_path)
    described = read_table(concepts, schema="concepts")
    write_table(described.with_columns(category=pl.col("concept")), concepts, schema="concepts")
    with pytest.raises(GolgiError, match=r"two categories or more.*here are 6 categories for 6 concepts"):
        measure(tmp_path, concepts, paths)
    write_table(
        described.filter(concept="cat").vstack(described.filter(concept="dog")), concepts, schema="concepts"
    )
    with pytest.raises(GolgiError, match="two categories or more"):
        measure(tmp_path, concepts, paths)
    write_table(described.head(5), concepts, schema="concepts")
    with pytest.raises(GolgiError, match="not those of the study's concepts"):
        measure(tmp_path, concepts, paths)
