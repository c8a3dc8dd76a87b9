"""The figure of probes and equal numbers of units draws the tables, and its caption says what they hold."""

import polars as pl
import pytest
from synthetic_results import case
from test_figures_drawing import draw, lines, named

from golgi.captions import caption

OPTIONS = {"threshold": 0.5}
MEASURED = pl.col("control") == "measured"
PROBE = pl.col("kind") == "probe"


def changed(values: dict, *, control: str = "measured", where=PROBE, table: str = "distributed") -> dict:
    """The tables of the small study with columns of one control set to values."""
    tables = case("small")
    chosen = (pl.col("control") == control) & where
    frame = tables[table].with_columns(
        pl.when(chosen).then(value).otherwise(pl.col(name)).alias(name) for name, value in values.items()
    )
    return tables | {table: frame}


def test_probes_are_drawn_against_their_size_beside_the_best_unit():
    rows = case("small")["distributed"]
    figure = draw("distributed", case("small"))
    for control in ("measured", "rotated", "shuffled", "word", "untrained"):
        of_control = rows.filter(pl.col("control") == control).sort("size")
        upper = lines(figure, control)[0]
        assert upper.get_xdata() == pytest.approx(of_control.filter(PROBE)["size"].to_list())
        assert upper.get_ydata() == pytest.approx(of_control.filter(PROBE)["ap"].to_list())
        (single,) = lines(figure, f"{control} unit")
        assert single.get_ydata() == pytest.approx(of_control.filter(~PROBE)["ap"].to_list())
        assert single.get_xdata()[0] < 1
    (level,) = lines(figure, "best unit")
    assert set(level.get_ydata()) == {rows.filter(MEASURED, ~PROBE)["ap"][0]}


def test_gains_are_drawn_about_zero():
    rows = case("small")["distributed"].filter(PROBE)
    figure = draw("distributed", case("small"))
    for control in ("measured", "rotated", "shuffled", "word", "untrained"):
        expected = rows.filter(pl.col("control") == control).sort("size")["gain"].to_list()
        assert lines(figure, control)[1].get_ydata() == pytest.approx(expected)
    assert len(lines(figure, "zero")) == 1
    heights = named(figure, "band")[1].get_paths()[0].vertices[:, 1]
    measured = rows.filter(MEASURED)
    assert [heights.min(), heights.max()] == pytest.approx(
        [measured["gain_low"].min(), measured["gain_high"].max()]
    )


def test_best_units_are_drawn_below():
    rows = case("small")["equal_units"]
    figure = draw("distributed", case("small"))
    for control in ("measured", "rotated", "shuffled", "word", "untrained"):
        expected = rows.filter(pl.col("control") == control).sort("size")["ap"].to_list()
        assert lines(figure, control)[2].get_ydata() == pytest.approx(expected)
    assert [line.get_ydata()[0] for line in lines(figure, "chance")] == pytest.approx([0.2, 0.2])


def test_intervals_are_a_band_of_the_measured_and_bars_of_the_rotated():
    rows = case("small")["distributed"].filter(PROBE, MEASURED)
    figure = draw("distributed", case("small"))
    heights = named(figure, "band")[0].get_paths()[0].vertices[:, 1]
    assert [heights.min(), heights.max()] == pytest.approx([rows["low"].min(), rows["high"].max()])
    assert len(named(figure, "control interval")) == 5  # probes, both single units, gains, best units


def test_facts_state_the_gain_and_the_two_bases():
    texts = [text.get_text() for axes in draw("distributed", case("small")).axes for text in axes.texts]
    assert "step 400; 12 concepts; chance .20 (dotted); 1 fit failed" in texts
    assert "300 units: gain .247 [.227, .277], p < .001" in texts
    assert "30 units: neurons .41, rotated .35, difference .06 [.05, .07]" in texts


def test_three_panels_for_each_model():
    assert len(draw("distributed", case("many")).axes) == 9


def test_a_probe_that_never_converged_leaves_a_gap():
    nothing = dict.fromkeys(("ap", "low", "high", "gain", "gain_low", "gain_high", "p", "p_holm"), None)
    tables = changed(nothing)
    figure = draw("distributed", tables)
    assert not any(lines(figure, "measured")[0].get_ydata() > 0)
    assert any("gain undefined" in text.get_text() for axes in figure.axes for text in axes.texts)
    assert "no probe of 300 units could be fitted." in caption("distributed", tables, OPTIONS)


def test_the_caption_states_the_gain_its_test_and_the_failures():
    text = caption("distributed", case("small"), OPTIONS)
    assert (
        "mini-s at step 400, 12 concepts: the best unit has an AP of .62 [.59, .64] where chance is .20"
        in text
    )
    assert "a gain of .247 (95 % interval [.227, .277], p < .001, Holm-adjusted p < .001)." in text
    assert "1 fit did not converge and is in no mean." in text
    assert "Sets of 300 units overlap 4.0 times as much within categories as between them" in text


def test_the_caption_says_where_nothing_is_gained():
    text = caption("distributed", changed({"gain": -0.1, "gain_low": -0.2, "gain_high": 0.0}), OPTIONS)
    assert "The probe tells concepts no better than the best unit alone." in text
    text = caption("distributed", changed({"gain": 0.1, "gain_low": -0.2, "gain_high": 0.2}), OPTIONS)
    assert "The interval of the gain includes 0: that single units miss something is not shown." in text


def test_the_caption_names_controls_that_reach_or_gain_as_much():
    text = caption("distributed", case("small"), OPTIONS)
    assert ".75 in a rotated basis (gain .25), .20 with shuffled labels (gain .00)" in text
    assert "The interval of the AP" not in text
    tables = changed({"gain": 0.4, "ap": 0.9}, control="untrained")
    text = caption("distributed", tables, OPTIONS)
    assert "The interval of the AP does not lie above that in the untrained twin." in text
    assert "The interval of the gain does not lie above that in the untrained twin" in text
    assert "Probes of that size" not in caption("distributed", case("no controls"), OPTIONS)


def test_the_caption_says_where_neurons_are_not_better_than_a_rotation():
    text = caption("distributed", case("small"), OPTIONS)
    assert "Neurons are not shown to be better" not in text
    worse = changed(
        {"difference_low": -0.01}, control="rotated", where=pl.col("size") >= 100, table="equal_units"
    )
    assert "Neurons are not shown to be better at 100 and 300." in caption("distributed", worse, OPTIONS)
