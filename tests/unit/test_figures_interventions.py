"""The figure of interventions shows its table; its caption says what the table does not support."""

import warnings

import numpy as np
import polars as pl
import pytest
from matplotlib.text import Text
from synthetic_interventions import PLANTED, QUANTITIES, intervention_tables

from golgi.captions import caption
from golgi.figures import draw_figure

OPTIONS = {"threshold": 0.5}


def draw(tables, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_figure("interventions", tables, OPTIONS | options)
        figure.canvas.draw()
    return figure


def named(figure, gid):
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def texts(figure):
    return [text.get_text() for text in figure.findobj(Text)]


def said(tables):
    return caption("interventions", tables, OPTIONS).splitlines()


def changed(where, **columns):
    """The synthetic tables with some cells of the rows that are chosen set to other values."""
    tables = intervention_tables()
    rows = tables["interventions"]
    values = [
        pl.when(where).then(pl.lit(value)).otherwise(pl.col(column)).cast(rows[column].dtype).alias(column)
        for column, value in columns.items()
    ]
    return {**tables, "interventions": rows.with_columns(values)}


def of(**chosen):
    return pl.all_horizontal(pl.col(column) == value for column, value in chosen.items())


FORCED = of(action="force", quantity="occurs", units="top", size=10)


def test_a_panel_for_every_action_and_quantity_of_every_model():
    for models in (("a",), ("a", "b", "c")):
        figure = draw(intervention_tables(models=models))
        assert len(figure.axes) == len(models) * len(PLANTED) * len(QUANTITIES)
        assert len(named(figure, "zero")) == len(figure.axes)


def test_curves_bands_and_bars_are_the_table():
    tables = intervention_tables()
    figure = draw(tables)
    panel = figure.axes[0]
    for units in ("top", "next", "random"):
        rows = tables["interventions"].filter(of(action="force", quantity="occurs", units=units)).sort("size")
        (curve,) = (artist for artist in panel.lines if artist.get_gid() == units)
        assert curve.get_ydata() == pytest.approx(rows["effect"].to_list())
        assert np.asarray(curve.get_xdata()) == pytest.approx(rows["size"].to_numpy(), rel=0.25)
        ends = rows.select("low", "high").to_numpy()
        if units == "next":
            (bars,) = (artist for artist in panel.collections if artist.get_gid() == "control interval")
            assert np.allclose([segment[:, 1] for segment in bars.get_segments()], ends)
        else:
            bands = [artist for artist in panel.collections if artist.get_gid() == "band"]
            heights = [band.get_paths()[0].vertices[:, 1] for band in bands]
            assert any(
                (found.min(), found.max()) == pytest.approx((ends.min(), ends.max())) for found in heights
            )


def test_series_differ_without_colour():
    figure = draw(intervention_tables())
    looks = {
        (curve.get_marker(), curve.get_linestyle() == "-", str(curve._dash_pattern))
        for curve in figure.axes[0].lines
        if curve.get_gid() in ("top", "next", "random")
    }
    assert len(looks) == 3


def test_sizes_stand_on_a_logarithmic_axis_with_a_tick_each():
    for width in (88, 180):
        axes = draw(intervention_tables(), width_mm=width).axes[0]
        assert axes.get_xscale() == "log"
        assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "3", "10", "30", "100", "300"]
    lone = draw(intervention_tables(sizes=(10,))).axes[0]
    assert [label.get_text() for label in lone.get_xticklabels()] == ["10"]


def test_the_word_has_one_scale_where_it_occurs_and_where_not():
    for occurs, absent, generated, _ in np.reshape(draw(intervention_tables()).axes, (-1, 4)):
        assert occurs.get_ylim() == absent.get_ylim()
        assert occurs.get_ylim() != generated.get_ylim()


def test_planned_tests_alone_are_marked_with_their_p():
    figure = draw(intervention_tables())
    assert len(named(figure, "planned")) == 3
    assert [line.get_xdata()[0] for line in named(figure, "planned")] == [10] * 3
    assert texts(figure).count("k = 10: Holm p = .002") == 3


def test_concepts_and_prompts_are_counted():
    figure = draw(intervention_tables(concepts=9))
    assert texts(figure).count("9 concepts, 288 prompts") == 12
    assert "no prompt measures this" in texts(draw(intervention_tables(undefined=True)))
    some = changed(of(quantity="occurs"), concepts=7, without=5)
    assert "7/12 concepts, n = 384" in texts(draw(some))


def test_an_undefined_effect_leaves_a_gap():
    tables = changed(of(action="force", quantity="occurs", units="next", size=300), effect=None, low=None)
    (curve,) = (artist for artist in draw(tables).axes[0].lines if artist.get_gid() == "next")
    assert np.isnan(curve.get_ydata()).tolist() == [False] * 5 + [True]


def test_noise_is_not_blown_up():
    tiny = changed(pl.lit(True), effect=0.001, low=0.0, high=0.002)
    assert all(np.ptp(axes.get_ylim()) >= 0.04 for axes in draw(tiny).axes)


def test_caption_has_every_number_of_the_planned_size():
    text = said(intervention_tables())[2]
    assert text.startswith(
        "mini-s at step 400, k = 10. Forcing: +.94 nats [.70, 1.17] where the word occurs "
    )
    assert "(12 concepts; difference to random +.94 [.62, 1.25], p < .001, Holm-adjusted p = .002)" in text
    assert "+.52 [.39, .65] where it does not" in text
    assert "share of continuations with it from .100 to .142 (difference to random +.042 [" in text
    assert "loss on neutral text +.062 nats per token [.047, .078] (perplexity × 1.064; difference" in text
    assert "Zeroing: −.94 nats [−1.17, −.70] where the word occurs" in text
    pushed = (
        "That pushes top units 2.5 away from their mean response to other sentences, and random ones 1.5."
    )
    assert text.count(pushed) == 1
    assert text.count("That pushes top units .5 away") == 1
    for hedge in ("not shown", "do not", "as large", "as much", "no adjusted p", "Fewer"):
        assert hedge not in text


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"difference": -0.1},
            "The top units do not raise the word's log-probability more than matched random",
        ),
        (
            {"difference_low": -0.1},
            "includes 0: that the top units raise the word's log-probability more than",
        ),
        ({"p_holm": 0.2}, "After Holm's correction that the top units raise the word's log-probability more"),
        (
            {"over_next_low": -0.1},
            "That they raise the word's log-probability more than the next units do is",
        ),
        ({"p_smallest": 0.03125}, "With 12 concepts and 3 planned tests no adjusted p can be below .094."),
        ({"effect": 0.02}, "The word changes as much where it does not occur."),
        ({"effect": 0.02}, "The cost, per token of neutral text, is as large as the effect on the word."),
        ({"without": 3}, "(12 concepts, 3 more without a prompt;"),
        ({"difference": None}, "no matched random units to compare"),
    ],
)
def test_what_is_not_supported_is_said(columns, sentence):
    assert sentence in said(changed(FORCED, **columns))[2]
    assert sentence not in said(intervention_tables())[2]


def test_a_fall_is_supported_by_a_fall():
    zeroed = of(action="zero", quantity="occurs", units="top", size=10)
    assert "do not lower the word's log-probability more" in said(changed(zeroed, difference=0.3))[2]
    assert "includes 0" in said(changed(zeroed, difference_high=0.3))[2]


def test_the_mean_negative_is_explored_on_both_sides():
    silenced = of(action="mean_negative", quantity="occurs", units="top", size=10)
    where = "Setting to the mean negative response"
    assert "difference to random −.94 [−1.25, −.62], p < .001, two-sided)" in said(intervention_tables())[2]
    for columns, sentence in (
        ({"difference": 0.3, "difference_low": 0.1, "difference_high": 0.5}, None),
        ({"difference": 0.0}, "The top units do not change the word's log-probability otherwise than"),
        (
            {"difference_high": 0.3},
            "includes 0: that the top units change the word's log-probability otherwise",
        ),
        ({"p": 0.2}, "By its p-value that the top units change the word's log-probability otherwise than"),
        ({"over_next_high": 0.3}, "That they change the word's log-probability otherwise than the next"),
    ):
        text = said(changed(silenced, **columns))[2].split(where)[1]
        assert (sentence or "two-sided") in text
        assert ("not shown" in text or "do not" in text) == (sentence is not None)
    assert "no adjusted p" not in said(changed(silenced, p_smallest=0.5))[2]


def test_the_caption_owns_what_the_comparison_mixes():
    shown = said(intervention_tables())[1]
    assert "top against random mixes which units are set with how far" in shown
    assert "a mean of maxima, above what a unit has at most tokens" in shown
    assert "they generalise over concepts, given these prompts" in shown
    unmoved = changed(of(units="random"), displacement=None)
    assert "That pushes" not in said(unmoved)[2]


def test_continuations_and_cost_are_judged_too():
    generated = of(action="force", quantity="generated", size=10)
    text = said(changed(generated & of(units="top"), difference_low=-0.01))[2]
    assert "that the top units raise the share of continuations with it more than matched random" in text
    assert text.count("The top units cost more on neutral text than matched random ones.") == 3
    cheap = said(changed(of(quantity="neutral", units="top", size=10), difference_low=-0.01))[2]
    assert "cost more" not in cheap


def test_too_few_units_are_counted():
    text = said(changed(of(units="random", size=10), changed=7.5))[2]
    assert text.endswith("Fewer than 10 units could be set, on average: 7.5 of the random ones.")


def test_a_word_that_no_prompt_has_is_said():
    text = said(intervention_tables(undefined=True))[2]
    assert "Forcing: the word occurs in no prompt; +.52 [.39, .65] where it does not" in text
