import logging

import numpy as np
import pytest
from expert_data import (
    CATEGORY_OF,
    LAYERS,
    NAMES,
    UNITS,
    label_rows,
    planted,
    write_concepts,
    write_responses,
    write_sets,
)
from sklearn.metrics import average_precision_score

from golgi.errors import GolgiError
from golgi.experts.chance import chance_precision
from golgi.experts.scoring import score_experts
from golgi.statistics import discoveries
from golgi.statistics.discoveries import PooledNull, discover, measure_discoveries
from golgi.statistics.folds import shuffle_often
from golgi.statistics.precision import Point
from golgi.tables import open_arrays, read_table, write_arrays

THRESHOLDS = [0.5, 0.9]
LAST, TWIN = Point("mini", "20", 20), Point("mini", "untrained", None)


def prepare(folder, *, point=LAST):
    untrained = point.step is None
    files = {
        "responses": write_responses(folder, masked=False)["neuron"],
        "sets": write_sets(folder / "sets.parquet"),
        "concepts": write_concepts(folder / "concepts.parquet"),
    }
    score_experts(
        **files,
        rotated=None,
        ap=folder / "ap.safetensors",
        experts=folder / "experts.parquet",
        model=point.model,
        checkpoint=point.checkpoint,
        step=point.step,
        controls=[],
        thresholds=THRESHOLDS,
        seed=7,
        untrained=untrained,
    )
    return files | {"ap": folder / "ap.safetensors", "point": point}


def measure(folder, prepared, *, threads=1, level=0.05, shuffles=25):
    path = folder / "discoveries.parquet"
    options = {"thresholds": THRESHOLDS, "level": level, "shuffles": shuffles, "seed": 7}
    measure_discoveries(**prepared, **options, threads=threads, discoveries=path)
    return read_table(path, schema="discoveries")


def step_up(p, level):
    """Benjamini and Hochberg's rule as they wrote it."""
    order = np.argsort(p)
    passed = np.flatnonzero(p[order] <= level * np.arange(1, len(p) + 1) / len(p))
    rejected = np.zeros(len(p), bool)
    rejected[order[: passed[-1] + 1 if len(passed) else 0]] = True
    return rejected


def pooled(measured, null, thresholds=(0.5,)):
    counted = PooledNull(measured.astype(np.float32), thresholds)
    for part in np.array_split(null.astype(np.float32), 3, axis=2):  # [concept, shuffle, unit]
        counted.add(part)
    return counted


def test_p_values_are_counts_of_the_pooled_null():
    random = np.random.default_rng(0)
    measured = np.round(random.random((2, 30)), 2)  # ties with the null
    null = np.round(random.random((2, 4, 30)), 2)
    counted = pooled(measured, null, (0.3, 0.8))
    for place in range(2):
        ordered = np.sort(measured[place]).astype(np.float32)
        reached = (null[place].ravel().astype(np.float32) >= ordered[:, None]).sum(axis=1)
        np.testing.assert_array_equal(counted.ordered[place], ordered)
        np.testing.assert_allclose(counted.p_values(place), (1 + reached) / (1 + 120))
    assert counted.reached.tolist() == [
        [(part >= tau).sum() for tau in np.array([0.3, 0.8], np.float32)] for part in null.astype(np.float32)
    ]


def test_discoveries_are_those_of_the_step_up_rule():
    random = np.random.default_rng(1)
    for _ in range(50):
        p = np.sort(random.beta(0.3, 1, 60))[::-1]
        ordered = np.sort(random.random(60)).astype(np.float32)
        experts, controlled, rejected = discover(ordered, p, [0.4, 0.95], 0.1)
        expected = step_up(p, 0.1)
        for place, tau in enumerate([0.4, 0.95]):
            reaches = ordered >= np.float32(tau)
            assert (experts[place], controlled[place]) == (reaches.sum(), (reaches & expected).sum())
            assert rejected[place] == expected.sum()


def null_precision(random, units, shuffles):
    return random.beta(5, 15, (1, shuffles, units)).astype(np.float32)


def test_nothing_is_discovered_where_there_is_nothing():
    random, found = np.random.default_rng(2), 0
    for _ in range(400):
        counted = pooled(null_precision(random, 100, 1)[0], null_precision(random, 100, 20))
        found += discover(counted.ordered[0], counted.p_values(0), [0.5], 0.05)[2][0] > 0
    assert found / 400 <= 0.05 + 2.6 * np.sqrt(0.05 * 0.95 / 400)  # all of them false: the share is 1 or 0


def test_the_share_of_false_discoveries_stays_at_the_level():
    random, shares = np.random.default_rng(3), []
    for _ in range(200):
        false = null_precision(random, 180, 1)[0]
        true = random.beta(14, 8, (1, 20)).astype(np.float32)
        counted = pooled(np.concatenate([false, true], axis=1), null_precision(random, 200, 20))
        p = counted.p_values(0)
        critical = counted.ordered[0][step_up(p, 0.1)].min(initial=2)
        wrong, right = (false >= critical).sum(), (true >= critical).sum()
        shares.append(wrong / max(wrong + right, 1))
        assert discover(counted.ordered[0], p, [0.0], 0.1)[1][0] == wrong + right
    assert right > 10
    assert np.mean(shares) <= 0.1 + 2.6 * np.std(shares) / np.sqrt(200)


def test_table_is_brute_force(tmp_path):
    table = measure(tmp_path, prepare(tmp_path), shuffles=6, level=0.2)
    with open_arrays(tmp_path / "neuron.safetensors") as arrays:
        responses = np.concatenate([arrays.read(name) for name in arrays.names], axis=1)

    def precision(rows):
        labels = np.repeat([1, 0], [len(part) for part in rows])
        scored = [average_precision_score(labels, unit) for unit in responses[np.concatenate(rows)].T]
        return np.array(scored).astype(np.float32)

    for name, rows in list(zip(NAMES, label_rows(), strict=True))[::4]:
        own = precision(rows)
        null = np.stack([precision(one) for one in shuffle_often(rows, name, shuffles=6, seed=7)])
        p = (1 + (null.ravel() >= own[:, None]).sum(axis=1)) / (1 + null.size)
        rejected = step_up(p, 0.2)
        for tau in THRESHOLDS:
            row = table.filter(concept=name, threshold=tau).row(0, named=True)
            reaches = own >= np.float32(tau)
            assert row["experts"] == reaches.sum()
            assert row["expected"] == pytest.approx((null >= np.float32(tau)).sum() / 6)
            assert row["controlled"] == (reaches & rejected).sum()
            assert row["rejected"] == rejected.sum()
            assert row["fdr"] == pytest.approx(min(row["expected"] / row["experts"], 1))


def test_planted_experts_are_kept_and_all_else_is_not(tmp_path):
    table = measure(tmp_path, prepare(tmp_path)).filter(threshold=0.9)
    own = [
        sum(place in of for layer in range(LAYERS) for of in planted(layer).values()) for place in range(6)
    ]
    rows = {row["concept"]: row for row in table.iter_rows(named=True)}
    for name, planted_units in zip(NAMES, own, strict=True):
        assert rows[name]["experts"] == rows[name]["controlled"] == planted_units
        assert rows[name]["rejected"] >= planted_units
        assert rows[name]["category"] == CATEGORY_OF[name]
    assert set(table["units"]) == {UNITS * LAYERS}
    assert table["expected"].max() == 0
    assert table["chance"].to_list() == pytest.approx([chance_precision(30, 60)] * 6)


def test_a_concept_without_experts_has_a_row_and_no_share(tmp_path):
    prepared = prepare(tmp_path, point=TWIN)
    path = tmp_path / "discoveries.parquet"
    options = {"level": 0.05, "shuffles": 25, "seed": 7, "discoveries": path}
    measure_discoveries(**prepared, thresholds=[1.0, 1.01], **options)
    table = read_table(path, schema="discoveries")
    assert set(table["control"]) == {"untrained"}
    nobody = table.filter(threshold=1.01)
    assert nobody["experts"].sum() == nobody["controlled"].sum() == 0
    assert nobody["fdr"].null_count() == len(nobody) == len(NAMES)
    assert table.filter(threshold=1.0)["fdr"].null_count() == 0


def test_same_bytes_for_any_threads_and_groups(tmp_path, monkeypatch):
    prepared = prepare(tmp_path)
    measure(tmp_path, prepared)
    expected = (tmp_path / "discoveries.parquet").read_bytes()
    measure(tmp_path, prepared, threads=2)
    assert (tmp_path / "discoveries.parquet").read_bytes() == expected
    monkeypatch.setattr(discoveries, "GROUP_BYTES", 8 * UNITS * LAYERS * 4)  # four concepts at a time
    measure(tmp_path, prepared)
    assert (tmp_path / "discoveries.parquet").read_bytes() == expected


def test_too_few_shuffles_are_said(tmp_path, caplog):
    prepared = prepare(tmp_path)
    with caplog.at_level(logging.WARNING):
        measure(tmp_path, prepared, shuffles=20)
        assert not caplog.records
        measure(tmp_path, prepared, shuffles=5)
    assert "fewer than 4 units" in caplog.text
    assert "take 20 shuffles or more" in caplog.text


def test_scores_of_other_units_are_an_error(tmp_path):
    prepared = prepare(tmp_path)
    with open_arrays(prepared["responses"]) as arrays:
        half = {name: arrays.read(name)[:, : UNITS // 2] for name in arrays.names}
        metadata = arrays.metadata
    write_arrays(half, prepared["responses"], metadata=metadata)
    with pytest.raises(GolgiError, match="are not of the same units"):
        measure(tmp_path, prepared)
