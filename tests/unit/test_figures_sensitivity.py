"""The figure of sensitivity draws what the table says, and its caption says no more than that."""

import polars as pl
import pytest
from synthetic_results import case

from golgi.captions import caption
from golgi.figures import draw_figure
from golgi.figures.sensitivity import choices
from golgi.figures.style import INK, SERIES


def draw(tables: dict[str, pl.DataFrame], **options):
    return draw_figure("sensitivity", {"sensitivity": tables["sensitivity"]}, options)


def points(axes, gid: str) -> list:
    return [line for line in axes.lines if line.get_gid() == gid]


def text(tables: dict[str, pl.DataFrame]) -> str:
    return caption("sensitivity", tables, {})


def changed(tables: dict[str, pl.DataFrame], chosen: pl.Expr, **values) -> dict[str, pl.DataFrame]:
    rows = tables["sensitivity"]
    columns = [
        pl.when(chosen).then(pl.lit(value, rows[name].dtype)).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    ]
    return tables | {"sensitivity": rows.with_columns(columns)}


def test_a_panel_for_experts_and_each_reference_of_each_model():
    table = case("many")["sensitivity"]
    assert len(draw(case("many")).axes) == table["model"].n_unique() * 3


@pytest.mark.parametrize("width", [88, 180])
def test_every_value_is_drawn_where_it_is(width):
    rows = case("small")["sensitivity"].filter(pl.col("control") == "measured")
    panels = draw(case("small"), width_mm=width).axes
    for axes, reference in zip(panels, (None, "taxonomy"), strict=True):
        drawn = sorted(line.get_xdata()[0] for line in points(axes, "measured"))
        want = rows.filter(pl.col("reference").eq_missing(reference))["estimate"].sort().to_list()
        assert drawn == pytest.approx(want)
        own = points(axes, "own")[0].get_xdata()[0]
        assert own == rows.filter("base", pl.col("reference").eq_missing(reference))["estimate"][0]


def test_the_studys_own_choice_looks_different():
    axes = draw(case("small")).axes[0]
    own = [line for line in points(axes, "measured") if line.get_marker() == "D"]
    assert len(own) == 6
    assert {line.get_markerfacecolor() for line in points(axes, "measured") if line not in own} == {"white"}
    bold = [label.get_text() for label in axes.texts if label.get_weight() == "bold"]
    assert bold == ["max", "mlp_post", "true", "0.5", "400", "1000", "mini-s"]


def test_numbers_ascend_and_words_begin_with_the_own():
    order = [(factor, value) for factor, value, _ in choices(case("small")["sensitivity"])]
    assert order[:3] == [("pooling", "max"), ("pooling", "last"), ("pooling", "mean")]
    assert order[-3:] == [("negatives", "250"), ("negatives", "500"), ("negatives", "1000")]


def undefined(axes) -> list[str]:
    return [label.get_color().upper() for label in axes.texts if label.get_gid() == "undefined"]


def test_what_is_undefined_is_said_of_the_model_the_twin_or_both():
    of_both = [colour for axes in draw(case("rho undefined")).axes for colour in undefined(axes)]
    assert of_both == [INK.upper()] * 2 * 17
    assert undefined(draw(case("small")).axes[1]) == [SERIES["untrained"].colour.upper()]
    lone = changed(case("no controls"), pl.col("quantity") == "alignment", estimate=None, low=None, high=None)
    assert undefined(draw(lone).axes[1]) == [SERIES["measured"].colour] * 17


def test_chance_moves_with_the_numbers_of_sentences():
    texts = [label.get_text() for label in draw(case("small")).axes[-1].texts]
    assert {".29", ".09", ".62"} <= set(texts)


def test_caption_states_the_range_of_experts():
    assert (
        "mini-s at step 400: 40.0 experts per concept with the study's choices, and with one of 11 others "
        in (text(case("small")))
    )
    assert "from 4.0 (pooling last) to 360.0 (N\N{MINUS SIGN} 250)." in text(case("small"))


def test_caption_names_the_choices_that_change_alignment_and_compares_with_the_twin():
    found = text(case("small"))
    assert "Alignment with taxonomy: ρ = .30 ([.18, .42]) with the study's choices" in found
    assert (
        "the interval of the paired change leaves out 0 with N\N{MINUS SIGN} 250 (.60), "
        "N\N{MINUS SIGN} 500 (.60), pooling last (.03)"
    ) in found
    assert (
        "Its interval lies above 0 with 8 of 12 choices, and above the untrained twin's value with 2."
        in found
    )


def test_caption_says_where_nothing_is_shown():
    same = changed(case("small"), ~pl.col("base"), change=0.0, change_low=-0.1, change_high=0.1)
    assert "no choice is shown to change it." in text(same)
    low = changed(case("small"), pl.col("control") == "measured", low=-0.2)
    assert "Its interval lies above 0 with 0 of 12 choices" in text(low)
    assert "their interval does not lie above the number in the untrained twin." in text(low)
    assert "undefined with the study's choices, and undefined with 11 other choices" in (
        text(case("rho undefined"))
    )


def test_caption_without_a_twin_does_not_mention_one():
    assert "twin" not in text(case("no controls")).splitlines()[-1]
