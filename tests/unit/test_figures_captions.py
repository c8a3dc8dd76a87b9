"""Captions state the numbers of the tables, and say so where a claim is not supported."""

import polars as pl
import pytest
from synthetic_results import CASES, case

from golgi.captions import TITLES, caption
from golgi.figures import FIGURES
from golgi.figures.rows import listed

OPTIONS = {"threshold": 0.5}


def changed(table: str, column: str, value, *, control: str = "measured") -> dict[str, pl.DataFrame]:
    """The tables of the small study with one column of one control set to a value."""
    tables = case("small")
    wanted = pl.when(pl.col("control") == control).then(value).otherwise(pl.col(column))
    return tables | {
        table: tables[table].with_columns(wanted.cast(tables[table][column].dtype).alias(column))
    }


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("kind", CASES)
def test_every_figure_has_a_caption_of_whole_sentences(name, kind):
    lines = caption(name, case(kind), OPTIONS).splitlines()
    assert lines[0] == f"{TITLES[name]}."
    assert all(line.endswith(".") for line in lines)
    assert not {"None", "nan", "{tau}"} & set(" ".join(lines).replace(",", " ").split())


@pytest.mark.parametrize("name", FIGURES)
def test_a_study_without_rows_says_so(name):
    empty = {table: frame.clear() for table, frame in case("small").items()}
    assert caption(name, empty, OPTIONS).endswith("nothing to show here.")


def test_a_line_for_each_model_in_the_order_of_the_study():
    lines = caption(
        "overlap", case("many"), OPTIONS | {"models": ["mini-l", "mini-s", "mini-m"]}
    ).splitlines()
    assert [line.split(":")[0] for line in lines[2:]] == ["mini-l", "mini-s", "mini-m"]


def test_experts_by_layer_states_the_totals():
    rows = case("small")["counts"].filter(pl.col("threshold") == 0.5, pl.col("checkpoint") == "400")
    measured = rows.filter(pl.col("control") == "measured")
    total = measured.group_by("concept").agg(pl.col("experts").sum())["experts"].mean()
    top = measured.group_by("layer").agg(pl.col("experts").mean()).sort("experts").row(-1)
    text = caption("experts_by_layer", case("small"), OPTIONS)
    assert (
        f"at step 400: {total:,.1f} experts per concept, most in layer {top[0]} of mlp_post ({top[1]:.1f})"
        in text
    )
    assert "no more experts" not in text


def test_experts_no_more_than_a_control_are_named():
    text = caption("experts_by_layer", changed("counts", "experts", 400, control="rotated"), OPTIONS)
    assert "There are no more experts than in a rotated basis." in text


def test_distribution_states_the_share_above_the_threshold():
    rows = case("small")["distribution"].filter(
        pl.col("checkpoint") == "400", pl.col("control") == "measured"
    )
    share = rows.filter(pl.col("low") >= 0.5 - 1e-9)["pairs"].sum() / rows["pairs"].sum()
    text = caption("ap_distribution", case("small"), OPTIONS)
    assert f"{100 * share:.3g} % of {rows['pairs'].sum():,} pairs reach AP .50" in text
    assert "chance is AP .29" in text


def test_overlap_states_the_largest_pair():
    rows = case("small")["overlap"].filter(pl.col("control") == "measured", ~pl.col("empty")).sort("jaccard")
    first, second, value = rows.select("concept_a", "concept_b", "jaccard").row(-1)
    assert f"{value:.3f}".lstrip("0") + f" ({first} and {second})" in caption(
        "overlap", case("small"), OPTIONS
    )


def test_within_between_states_difference_interval_and_p():
    text = caption("within_between", case("small"), OPTIONS)
    assert "mini-s at step 400: .350 within and .080 between" in text
    assert (
        "(ratio 4.38; difference .270, 95 % interval [.240, .310], p < .001, Holm-adjusted p < .001)" in text
    )
    assert "not shown" not in text


def test_interval_that_includes_zero_is_not_a_finding():
    assert "more overlap within categories is not shown" in caption(
        "within_between", changed("categories", "low", -0.01), OPTIONS
    )
    assert "alignment is not shown" in caption(
        "alignment_scatter", changed("alignment", "low", -0.2), OPTIONS
    )


def test_no_difference_is_said():
    text = caption("within_between", changed("categories", "difference", -0.02), OPTIONS)
    assert "do not share more experts than" in text


def test_control_inside_the_interval_is_named_with_its_value():
    text = caption("alignment_over_training", changed("alignment", "rho", 0.6, control="rotated"), OPTIONS)
    assert "Its interval does not lie above the value in a rotated basis (.60)." in text


def test_baseline_inside_the_interval_is_named():
    text = caption(
        "alignment_over_training", changed("alignment", "rho", 0.9, control="input_embedding"), OPTIONS
    )
    assert "does not lie above the value for the input embedding baseline (.90)." in text


def test_alignment_over_training_states_course_and_ceiling():
    text = caption("alignment_over_training", case("no controls"), OPTIONS)
    assert (
        "mini-s, men: ρ = .63 (95 % interval [.53, .71], p = .001, Holm-adjusted p = .003) at step 512"
        in text
    )
    assert "people agree with each other at .84" in text


def test_undefined_alignment_is_said():
    assert "ρ is undefined, since the overlap does not vary" in caption(
        "alignment_scatter", case("rho undefined"), OPTIONS
    )


def test_training_loss_above_the_bigram_model_is_said():
    tables = case("small")
    training = tables["training"].with_columns(bigram_loss=pl.lit(1.0))
    text = caption("training_loss", tables | {"training": training}, OPTIONS)
    assert "below the unigram model's 5.80 and not below the bigram model's 1.00" in text


def test_lists_are_written_as_people_do():
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
