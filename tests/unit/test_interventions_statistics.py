"""Effects of interventions are brute-force means, their tests find what was planted and nothing else."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from synthetic_interventions import PLANNED, PLANTED, SIZES, displacement, prompts_table

from golgi.errors import GolgiError
from golgi.statistics.interventions import (
    bootstrap_prompts,
    concept_means,
    expected_sign,
    flip_signs,
    measure_interventions,
)
from golgi.statistics.resampling import holm, sign_flip_test
from golgi.tables import read_table, write_table

CONDITION = ("model", "action", "size", "quantity")


def measure(folder, prompts, **changed):
    """The two tables of a table of prompts, written and read again."""
    write_table(prompts, folder / "prompts.parquet", schema="intervention_prompts")
    measure_interventions(
        **{
            "prompts": folder / "prompts.parquet",
            "planned_size": 10,
            "permutations": 499,
            "bootstraps": 200,
            "seed": 7,
            "interventions": folder / "interventions.parquet",
            "concepts": folder / "interventions_concepts.parquet",
        }
        | changed
    )
    names = ("interventions", "interventions_concepts")
    return [read_table(folder / f"{name}.parquet", schema=name) for name in names]


def one(table, **chosen):
    found = table.filter(**chosen)
    assert found.height == 1, chosen
    return found.row(0, named=True)


def brute_means(prompts, units, **chosen):
    """Of each concept, the mean over prompts of value - base, draws of a prompt averaged first."""
    means = {}
    rows = prompts.filter(units=units, **chosen).filter(pl.col("value").is_not_null())
    for concept in sorted(set(rows["concept"])):
        per_prompt = []
        own = rows.filter(concept=concept)
        for prompt in sorted(set(own["prompt"])):
            draws = own.filter(prompt=prompt)
            per_prompt.append(np.mean(draws["value"].to_numpy() - draws["base"].to_numpy()))
        means[concept] = np.mean(per_prompt)
    return means


def test_effects_and_differences_are_brute_force(tmp_path):
    prompts = prompts_table(concepts=4, prompts=3)
    table, by_concept = measure(tmp_path, prompts)
    for action in PLANTED:
        chosen = {"action": action, "size": 10, "quantity": "absent"}
        means = {units: brute_means(prompts, units, **chosen) for units in ("top", "next", "random")}
        for units, expected in means.items():
            row = one(table, units=units, **chosen)
            assert row["effect"] == pytest.approx(np.mean(list(expected.values())))
            assert (row["concepts"], row["without"], row["prompts"]) == (4, 0, 12)
            per = by_concept.filter(units=units, **chosen)
            assert dict(per.select("concept", "effect").rows()) == pytest.approx(expected)
        top = one(table, units="top", **chosen)
        for column, other in (("difference", "random"), ("over_next", "next")):
            gaps = [means["top"][concept] - means[other][concept] for concept in means["top"]]
            assert top[column] == pytest.approx(np.mean(gaps))
        own = by_concept.filter(units="top", **chosen)
        assert own["difference"].to_list() == pytest.approx(
            [means["top"][concept] - means["random"][concept] for concept in own["concept"]]
        )
    assert table["changed"].to_list() == table["size"].to_list()
    assert table.filter(units="next")["difference"].null_count() == table.filter(units="next").height


def test_a_sentence_of_neutral_text_counts_by_its_tokens(tmp_path):
    prompts = prompts_table(concepts=3, prompts=4)
    chosen = {"action": "zero", "size": 1, "quantity": "neutral", "units": "top"}
    row = one(measure(tmp_path, prompts)[0], **chosen)
    means = []
    for own in prompts.filter(**chosen).partition_by("concept"):
        weights = own["tokens"].to_numpy()
        means.append([np.average(own[column], weights=weights) for column in ("value", "base")])
    value, base = np.mean(means, axis=0)
    assert row["base"] == pytest.approx(base)
    assert row["effect"] == pytest.approx(value - base)
    chosen["quantity"] = "absent"
    assert one(measure(tmp_path, prompts)[0], **chosen)["base"] == pytest.approx(
        prompts.filter(**chosen)["base"].mean()
    )


def test_a_row_for_every_condition_and_quantity(tmp_path):
    table, by_concept = measure(tmp_path, prompts_table(models=("b", "a"), concepts=3, prompts=2))
    assert table.height == 2 * len(PLANTED) * len(SIZES) * 3 * 4
    assert by_concept.height == 3 * table.height
    assert table["model"].to_list() == sorted(table["model"])
    assert (tmp_path / "interventions.csv").is_file()
    assert (tmp_path / "interventions_concepts.csv").is_file()


@pytest.mark.parametrize(("action", "sign"), [("force", 1), ("zero", -1), ("mean_negative", 0)])
def test_expected_directions(action, sign):
    assert [expected_sign(action, quantity) for quantity in ("occurs", "absent", "generated")] == [sign] * 3
    assert expected_sign(action, "neutral") == abs(sign)


def test_planted_effects_are_found_and_their_interval_holds_the_truth(tmp_path):
    prompts = prompts_table(concepts=14, prompts=20, noise=0.3, seed=3)
    table, _ = measure(tmp_path, prompts, permutations=1999, bootstraps=500)
    for action, sign in PLANTED.items():
        row = one(table, action=action, size=10, quantity="occurs", units="top")
        assert row["family"] == ("planned" if (action, "occurs") in PLANNED else "exploratory")
        assert row["expected"] == {"force": "rise", "zero": "fall", "mean_negative": None}[action]
        assert row["p"] < 0.01
        truth = sign * np.log10(1 + 10)
        assert row["difference_low"] < truth < row["difference_high"]
        assert abs(row["difference"] - truth) < 0.3
        assert row["over_next_p"] < 0.01
    assert table.filter(quantity="absent")["p"].drop_nulls().min() > 0.001


def test_the_wrong_direction_is_no_finding(tmp_path):
    prompts = prompts_table(concepts=10, prompts=5)
    swapped = prompts.with_columns(value=2 * pl.col("base") - pl.col("value"))
    table, _ = measure(tmp_path, swapped)
    p = dict(table.filter(units="top", size=10, quantity="occurs").select("action", "p").rows())
    assert min(p["force"], p["zero"]) > 0.95
    assert p["mean_negative"] < 0.05  # for it either direction is a finding


def test_without_a_direction_p_is_twice_that_of_the_nearer_side():
    means = np.random.default_rng(1).normal(size=(9, 40)) + np.linspace(-1, 1, 40)
    options = {"draws": 499, "seed": 3}
    rise, fall, either = (flip_signs(means, np.full(40, sign), **options) for sign in (1, -1, 0))
    np.testing.assert_array_equal(rise, sign_flip_test(means, **options))
    np.testing.assert_array_equal(fall, sign_flip_test(-means, **options))
    np.testing.assert_array_equal(either, np.minimum(1, 2 * np.minimum(rise, fall)))
    assert either.max() <= 1


def test_nothing_gives_uniform_p():
    random = np.random.default_rng(0)
    differences = concept_means(random.normal(size=(12, 5, 400)), np.ones((12, 5)))
    p = [sign_flip_test(differences[:, [test]], draws=199, seed=test)[0] for test in range(400)]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_p_is_that_of_scipys_paired_permutation_test(tmp_path):
    prompts = prompts_table(concepts=8, prompts=6, noise=2.0, seed=5)
    table, by_concept = measure(tmp_path, prompts, permutations=4999)
    for action, sign in PLANTED.items():
        chosen = {"action": action, "size": 3, "quantity": "occurs"}
        top, other = (
            by_concept.filter(units=units, **chosen).sort("concept")["effect"].to_numpy()
            for units in ("top", "random")
        )
        expected = stats.permutation_test(
            (sign * top, sign * other),
            lambda a, b, axis: (a - b).mean(axis=axis),
            permutation_type="samples",
            alternative="two-sided" if action == "mean_negative" else "greater",
            n_resamples=np.inf,
            vectorized=True,
        )
        assert abs(one(table, units="top", **chosen)["p"] - expected.pvalue) < 0.025


def test_holm_is_over_the_planned_tests_of_all_models_and_actions(tmp_path):
    table, _ = measure(tmp_path, prompts_table(models=("a", "b"), concepts=5, prompts=4, noise=3.0))
    planned = table.filter(family="planned")
    assert planned.select("model", "action", "quantity", "size", "units").rows() == [
        (model, action, quantity, 10, "top") for model in ("a", "b") for action, quantity in PLANNED
    ]
    assert planned["p_holm"].to_list() == holm(planned["p"].to_numpy()).tolist()
    assert table["p_holm"].count() == planned.height
    assert set(table.filter(units="top")["family"]) == {"planned", "exploratory"}
    assert table.filter(pl.col("units") != "top")["family"].null_count() == 2 * table.height / 3


@pytest.mark.parametrize(("concepts", "smallest"), [(1, 0.5), (4, 0.0625), (12, 1 / 500)])
def test_few_concepts_cannot_give_a_small_p(tmp_path, concepts, smallest):
    table, _ = measure(tmp_path, prompts_table(concepts=concepts, prompts=30))
    row = one(table, action="force", size=10, quantity="occurs", units="top")
    assert row["p_smallest"] == pytest.approx(smallest)
    assert row["p"] >= 0.6 * smallest  # that many of the drawn signs, give or take
    either = one(table, action="mean_negative", size=10, quantity="occurs", units="top")
    assert either["p_smallest"] == pytest.approx(2 * smallest)
    assert row["low"] <= row["effect"] <= row["high"]


def test_what_no_prompt_measures_is_empty_and_counted(tmp_path):
    prompts = prompts_table(concepts=3, prompts=4)
    gone = (pl.col("quantity") == "occurs") & (pl.col("concept") == "thing001")
    never = pl.col("quantity") == "generated"
    table, by_concept = measure(tmp_path, prompts.filter(~gone & ~never))
    row = one(table, action="zero", size=3, quantity="occurs", units="top")
    assert (row["concepts"], row["without"], row["prompts"]) == (2, 1, 8)
    missing = one(by_concept, action="zero", size=3, quantity="occurs", units="top", concept="thing001")
    assert (missing["prompts"], missing["effect"], missing["difference"]) == (0, None, None)
    never = table.filter(quantity="generated")
    assert set(never["concepts"]) == {0}
    assert set(never["without"]) == {3}
    for column in ("base", "effect", "low", "high", "difference", "p", "p_holm", "p_smallest"):
        assert never[column].null_count() == never.height
    assert table.filter(family="planned")["p_holm"].count() == 2


def test_differences_use_the_prompts_that_both_measure(tmp_path):
    prompts = prompts_table(concepts=2, prompts=4)
    lost = (pl.col("units") == "random") & (pl.col("prompt") == 0)
    without = measure(tmp_path, prompts.filter(~lost))[0]
    neither = measure(tmp_path, prompts.filter(pl.col("prompt") != 0))[0]
    chosen = {"action": "force", "size": 3, "quantity": "occurs", "units": "top"}
    assert one(without, **chosen)["difference"] == pytest.approx(one(neither, **chosen)["difference"])
    assert one(without, **chosen)["prompts"] == 8


def test_where_no_unit_could_be_set_nothing_was_measured(tmp_path):
    prompts = prompts_table(concepts=3, prompts=2)
    none = (pl.col("size") == 10) & (pl.col("units") == "next") & (pl.col("concept") == "thing000")
    fewer = (pl.col("size") == 10) & (pl.col("units") == "random")
    changed = pl.when(none).then(0).when(fewer).then(7 + pl.col("draw")).otherwise(pl.col("size"))
    table, _ = measure(tmp_path, prompts.with_columns(changed=changed))
    row = one(table, action="zero", size=10, quantity="absent", units="next")
    assert (row["concepts"], row["without"], row["prompts"]) == (2, 1, 4)
    assert row["changed"] == pytest.approx(20 / 3)
    assert set(table.filter(size=10, units="random")["changed"]) == {7.5}


def test_displacement_is_the_mean_over_draws_then_concepts(tmp_path):
    prompts = prompts_table(concepts=3, prompts=2)
    table, _ = measure(tmp_path, prompts)
    for action, units, found in table.select("action", "units", "displacement").rows():
        assert found == pytest.approx(displacement(action, units))
    own = pl.col("concept").str.slice(-1).cast(pl.Float64) + pl.col("draw")
    none = (pl.col("concept") == "thing002") | (pl.col("units") == "next")
    table, _ = measure(tmp_path, prompts.with_columns(displacement=pl.when(~none).then(own)))
    row = one(table, action="force", size=10, quantity="absent", units="random")
    assert row["displacement"] == pytest.approx(np.mean([0.5, 1.5]))
    assert table.filter(units="next")["displacement"].null_count() == table.filter(units="next").height


def test_units_that_were_not_acted_on_have_no_row(tmp_path):
    prompts = prompts_table(concepts=2, prompts=2)
    kept = prompts.filter(~((pl.col("units") != "top") & (pl.col("size") == 10)))
    table, _ = measure(tmp_path, kept)
    assert set(table.filter(size=10)["units"]) == {"top"}
    assert table.filter(size=10)["difference"].null_count() == table.filter(size=10).height
    assert table.filter(size=10)["effect"].null_count() == 0


def test_same_seed_same_bytes_whatever_the_order_of_rows(tmp_path):
    prompts = prompts_table(concepts=3, prompts=3)
    first, second = measure(tmp_path, prompts), measure(tmp_path, prompts.reverse())
    assert all(one.equals(other) for one, other in zip(first, second, strict=True))


def test_errors_say_what_is_wrong(tmp_path):
    prompts = prompts_table(concepts=2, prompts=2)
    with pytest.raises(GolgiError, match="no intervention was made on any prompt"):
        measure(tmp_path, prompts.clear())
    with pytest.raises(GolgiError, match="mini-s: a prompt is measured twice under the same intervention"):
        measure(tmp_path, prompts.vstack(prompts.head(1)))


def test_interval_of_one_prompt_each_is_scipys_over_concepts():
    values = np.random.default_rng(0).exponential(size=(40, 1, 1))
    low, high = bootstrap_prompts(values, np.ones(values.shape[:2]), draws=5000, seed=1)
    scipys = stats.bootstrap(
        (values.ravel(),), np.mean, n_resamples=5000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    np.testing.assert_allclose([low[0], high[0]], scipys, atol=0.04)


def test_interval_of_one_concept_is_scipys_over_prompts():
    values = np.random.default_rng(0).exponential(size=(1, 60, 1))
    low, high = bootstrap_prompts(values, np.ones(values.shape[:2]), draws=5000, seed=1)
    scipys = stats.bootstrap(
        (values.ravel(),), np.mean, n_resamples=5000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    np.testing.assert_allclose([low[0], high[0]], scipys, atol=0.04)


def nested(values):
    """Values [concept, prompt, test] with prompts of their own for every concept."""
    concepts, prompts, tests = values.shape
    own = np.full((concepts, concepts, prompts, tests), np.nan)
    own[np.arange(concepts), np.arange(concepts)] = values
    return own.reshape(concepts, concepts * prompts, tests)


def test_spread_of_every_level_is_in_the_interval():
    """Sums of independent variances: of concepts, of prompts, and of prompts within a concept."""
    random = np.random.default_rng(2)
    concepts, prompts = 60, 30
    own = random.normal(size=(concepts, 1, 1)) + 2 * random.normal(size=(concepts, prompts, 1))
    between = own.mean(axis=1).var() / concepts
    within = own.var(axis=1).mean() / prompts / concepts
    low, high = bootstrap_prompts(nested(own), np.ones((concepts, concepts * prompts)), draws=4000, seed=0)
    assert (high - low)[0] == pytest.approx(2 * 1.96 * np.sqrt(between + 2 * within), rel=0.06)
    shared = own + random.normal(size=(1, prompts, 1))
    alike = shared.mean(axis=0).var() / prompts
    low, high = bootstrap_prompts(shared, np.ones((concepts, prompts)), draws=4000, seed=0)
    assert (high - low)[0] == pytest.approx(2 * 1.96 * np.sqrt(between + alike + within), rel=0.06)


@pytest.mark.parametrize("level", ["shared", "nested"])
def test_intervals_cover_whether_or_not_concepts_share_prompts(level):
    """Of 400 sets of data about .95 have the true mean, 0, in their interval: a test is a set of its own."""
    random = np.random.default_rng(4)
    concepts, prompts, tests = 24, 24, 400
    values = random.normal(size=(concepts, 1, tests)) + 2 * random.normal(size=(concepts, prompts, tests))
    values = nested(values) if level == "nested" else values + 2 * random.normal(size=(1, prompts, tests))
    low, high = bootstrap_prompts(values, np.ones(values.shape[:2]), draws=500, seed=1)
    covered = np.mean((low <= 0) & (high >= 0))
    assert 0.92 <= covered <= 0.985


def test_a_prompt_is_drawn_for_all_concepts_at_once():
    values = np.repeat(np.random.default_rng(0).normal(size=(1, 30, 1)), 5, axis=0)
    several = bootstrap_prompts(values, np.ones((5, 30)), draws=4000, seed=1)
    alone = bootstrap_prompts(values[:1], np.ones((1, 30)), draws=4000, seed=1)
    np.testing.assert_allclose(several, alone, atol=0.05)


@given(arrays(np.float64, (3, 4, 2), elements=st.floats(-5, 5)), st.sets(st.integers(0, 11), max_size=11))
def test_interval_lies_within_the_concept_means_reach(values, lost):
    places = np.array(sorted(lost), int)
    values[places // 4, places % 4] = np.nan
    low, high = bootstrap_prompts(values, np.arange(1.0, 13).reshape(3, 4), draws=50, seed=0)
    assert (low <= high).all()
    assert (low >= np.nanmin(values, axis=(0, 1)) - 1e-9).all()
    assert (high <= np.nanmax(values, axis=(0, 1)) + 1e-9).all()
