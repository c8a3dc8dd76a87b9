import numpy as np
import polars as pl
import pytest
from expert_data import (
    LAYERS,
    NAMES,
    NEGATIVES,
    POSITIVES,
    SENTENCES,
    UNITS,
    label_rows,
    planted,
    write_concepts,
    write_responses,
    write_sets,
)
from sklearn.metrics import average_precision_score

from golgi.errors import GolgiError
from golgi.experts import expertise
from golgi.experts.expertise import average_precision
from golgi.experts.scoring import score_experts, shortest_float64, shuffle_labels
from golgi.tables import open_arrays, read_table, write_arrays, write_table


def run(folder, **changes):
    folder.mkdir(exist_ok=True)
    files = write_responses(folder)
    options = {
        "responses": files["neuron"],
        "rotated": files["rotated"],
        "sets": write_sets(folder / "sets.parquet"),
        "concepts": write_concepts(folder / "concepts.parquet"),
        "ap": folder / "ap.safetensors",
        "experts": folder / "experts.parquet",
        "model": "mini",
        "checkpoint": "20",
        "step": 20,
        "controls": ["untrained", "rotated", "shuffled", "word"],
        "thresholds": [0.9, 0.95],
        "seed": 7,
        "threads": 1,
    }
    score_experts(**(options | changes))
    return options


def test_planted_experts_are_found_and_no_others(tmp_path):
    run(tmp_path)
    found = read_table(tmp_path / "experts.parquet", schema="experts")
    assert set(found["control"]) == {"measured"}
    expected = {
        (layer, unit, NAMES[concept])
        for layer in range(LAYERS)
        for unit, concepts in planted(layer).items()
        for concept in concepts
    }
    assert set(found.select("layer", "unit", "concept").rows()) == expected
    assert found["ap"].to_list() == [1.0] * len(found)
    assert found.null_count().sum_horizontal().item() == 0


def test_arrays_hold_every_control_and_summary(tmp_path):
    run(tmp_path)
    with (
        open_arrays(tmp_path / "neuron.safetensors") as responses,
        open_arrays(tmp_path / "ap.safetensors") as scored,
    ):
        kinds = (
            "measured",
            "rotated",
            "shuffled",
            "word",
            "negative_mean",
            "positive_median",
            "positive_p90",
        )
        assert scored.names == sorted(f"{kind}/mlp_post/{layer}" for kind in kinds for layer in range(LAYERS))
        assert scored.metadata["model"] == "mini"
        block = responses.read("mlp_post/1")
        for index, (positives, negatives) in enumerate(label_rows()):
            labels = np.repeat([1, 0], [len(positives), len(negatives)])
            rows = np.concatenate([positives, negatives])
            for unit in range(UNITS):
                measured = average_precision_score(labels, block[rows, unit])
                word = average_precision_score(labels, block[rows + SENTENCES, unit])
                assert abs(scored.read("measured/mlp_post/1")[index, unit] - measured) <= 1e-6
                assert abs(scored.read("word/mlp_post/1")[index, unit] - word) <= 1e-6
            medians = np.median(block[positives], axis=0)
            np.testing.assert_allclose(scored.read("positive_median/mlp_post/1")[index], medians, rtol=1e-6)
        assert scored.read("shuffled/mlp_post/0")[:, : len(NAMES)].mean() < 0.5


def test_untrained_twin_has_only_measured(tmp_path):
    run(tmp_path, checkpoint="untrained", step=None, untrained=True, rotated=None)
    with open_arrays(tmp_path / "ap.safetensors") as scored:
        assert {name.split("/")[0] for name in scored.names} == {
            "measured",
            "negative_mean",
            "positive_median",
            "positive_p90",
        }
    found = read_table(tmp_path / "experts.parquet", schema="experts")
    assert set(found["control"]) == {"untrained"}
    assert set(found["checkpoint"]) == {"untrained"}
    assert found["positive_median"].null_count() == len(found) > 0


def test_same_bytes_whatever_the_threads(tmp_path, monkeypatch):
    run(tmp_path / "whole")
    # So small that there are several strips, and several blocks in each.
    for name, size in {"BATCH_UNITS": 2, "BLOCK_BYTES": 1, "STRIP_BYTES": 1, "PAGE_BYTES": 4 * 8}.items():
        monkeypatch.setattr(expertise, name, size)
    run(tmp_path / "one", threads=1)
    run(tmp_path / "two", threads=2)
    for name in ("ap.safetensors", "experts.parquet"):
        whole = (tmp_path / "whole" / name).read_bytes()
        assert whole == (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_word_masks_positives_and_negatives_alike(tmp_path):
    options = run(tmp_path)
    # A unit that responds to nothing but the mask: with the mask in the positives alone it would be perfect.
    mask = np.repeat(np.array([0, 1], np.float32), SENTENCES)[:, None]
    metadata = {"sentences": str(SENTENCES), "masked": "true"}
    write_arrays({"mlp_post/0": mask}, options["responses"], metadata=metadata)
    score_experts(**(options | {"controls": ["word"]}))
    with open_arrays(options["ap"]) as scored:
        chance = POSITIVES / (POSITIVES + NEGATIVES)
        np.testing.assert_allclose(scored.read("word/mlp_post/0"), chance, rtol=1e-6)


def test_a_study_without_experts_has_an_empty_table(tmp_path):
    options = run(tmp_path)
    noise = np.random.default_rng(0).random((SENTENCES, UNITS), np.float32)
    write_arrays(
        {"mlp_post/0": noise}, options["responses"], metadata={"sentences": str(SENTENCES), "masked": "false"}
    )
    score_experts(**(options | {"controls": []}))
    assert read_table(options["experts"], schema="experts").height == 0


def test_shuffled_labels_keep_rows_and_sizes():
    rows = (np.array([4, 8, 9]), np.array([1, 2, 3, 5, 6]))
    positives, negatives = shuffle_labels(rows, "cat", 7)
    assert (len(positives), len(negatives)) == (3, 5)
    assert sorted([*positives, *negatives]) == sorted([*rows[0], *rows[1]])
    again = shuffle_labels((rows[0][::-1], rows[1]), "cat", 7)
    np.testing.assert_array_equal(positives, again[0])
    draws = {
        tuple(shuffle_labels(rows, name, seed)[0]) for name in ("cat", "dog", "cow") for seed in range(5)
    }
    assert len(draws) > 5


@pytest.mark.parametrize(("positives", "negatives", "chance"), [(400, 1000, 0.289), (100, 100, 0.512)])
def test_shuffled_labels_bring_a_perfect_expert_down_to_chance(positives, negatives, chance):
    responses = np.arange(positives + negatives, dtype=np.float32)[::-1, None]
    rows = (np.arange(positives), np.arange(positives, positives + negatives))
    sets = [rows, *(shuffle_labels(rows, "cat", seed) for seed in range(1000))]
    precision = average_precision(lambda start, stop: responses[:, start:stop], sets, units=1)[:, 0]
    assert precision[0] == 1.0
    assert abs(precision[1:].mean() - chance) < 0.004


def test_float32_prints_as_it_was_meant():
    values = np.array([0.7, 0.1, 1 / 3, 1.0], np.float32)
    assert shortest_float64(values).tolist() == [0.7, 0.1, 0.33333334, 1.0]
    assert shortest_float64(np.empty(0, np.float32)).shape == (0,)


def test_errors_name_what_is_wrong(tmp_path):
    options = run(tmp_path)
    with pytest.raises(GolgiError, match="rotated"):
        score_experts(**(options | {"rotated": None}))
    write_responses(tmp_path, masked=False)
    with pytest.raises(GolgiError, match="masked sentences"):
        score_experts(**options)
    spoilt = np.full((SENTENCES, UNITS), np.nan, np.float32)
    write_arrays({"mlp_post/3": spoilt}, options["responses"], metadata={"sentences": str(SENTENCES)})
    with pytest.raises(GolgiError, match="mlp_post/3: the response of unit 0 to sentence row 0 is nan"):
        score_experts(**(options | {"controls": []}))
    write_arrays({"mlp_post/3": spoilt[:4]}, options["responses"], metadata={"sentences": "4"})
    with pytest.raises(GolgiError, match="responses to 4 sentences"):
        score_experts(**(options | {"controls": []}))


def test_a_concept_without_positives_is_an_error(tmp_path):
    options = run(tmp_path)
    sets = read_table(options["sets"], schema="sets").filter(
        ~((pl.col("concept") == "cow") & pl.col("positive"))
    )
    write_table(sets, options["sets"], schema="sets")
    with pytest.raises(GolgiError, match="concept cow has 0 positives and 60 negatives"):
        score_experts(**options)
