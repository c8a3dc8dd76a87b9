"""The figure, the caption and the report of claims say what table `claims` says."""

import numpy as np
import polars as pl
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text
from synthetic_claims import claims_table
from synthetic_results import case
from test_figures_drawing import draw, named

from golgi.captions import caption
from golgi.captions.claims import amount, remarks
from golgi.figures.claims import RED, VERDICTS, wrapped
from golgi.figures.page import text_width
from golgi.reporting.claims import claim_counts, claim_rows


def claims(models=("mini",), *, concepts: int = 48, undefined: bool = False, long: bool = False) -> dict:
    return claims_table(models=models, concepts=concepts, undefined=undefined, long=long)


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text)]


def test_every_unit_has_an_axis_of_its_own():
    figure = draw("claims", claims())
    units = [axes.get_xlabel() for axes in figure.axes[:-1]]
    assert units == [
        f"effect (difference in {unit})"
        for unit in ("Jaccard overlap", "Spearman's ρ", "Pearson's r", "experts per concept")
    ]


def test_effects_and_intervals_are_those_of_the_table():
    tables = claims(("a", "b"))
    figure = draw("claims", tables)
    rows = tables["claims"]
    for verdict in VERDICTS:
        drawn = [line.get_xdata()[0] for line in named(figure, verdict)]
        assert sorted(drawn) == pytest.approx(
            rows.filter(pl.col("verdict") == verdict)["effect"].sort().to_list()
        )
    ends = np.array(sorted(tuple(bar.get_segments()[0][:, 0]) for bar in named(figure, "interval")))
    expected = rows.drop_nulls("low").select("low", "high").sort("low", "high").to_numpy()
    assert ends == pytest.approx(expected)
    assert len(named(figure, "zero")) == rows.height
    matters = sorted(line.get_segments()[0][0, 0] for line in named(figure, "matters"))
    assert matters == pytest.approx(rows["matters"].sort().to_list())


def test_verdicts_differ_in_colour_in_marker_and_in_word():
    assert len({colour for colour, *_ in VERDICTS.values()}) == 3
    assert len({marker for _, marker, *_ in VERDICTS.values()}) == 3
    figure = draw("claims", claims())
    red = [text.get_text() for text in named(figure, "word") if to_hex(text.get_color()) == RED.lower()]
    assert red == ["not held"]
    assert [text.get_text() for text in named(figure, "word")].count("held") == 3


def test_a_claim_that_is_not_held_is_red_where_it_stands():
    (mark,) = named(draw("claims", claims()), "not_held")
    assert mark.get_color() == RED


@pytest.mark.parametrize("name", ["small", "many", "long names", "no experts"])
@pytest.mark.parametrize("width", [75, 88, 180])
def test_every_text_keeps_to_the_page(name, width):
    figure = draw("claims", case(name), width_mm=width)
    renderer = figure.canvas.get_renderer()
    right, top = figure.get_size_inches() * figure.dpi
    for text in figure.findobj(Text):
        if not text.get_gid() and text not in [axes.xaxis.label for axes in figure.axes]:
            continue  # a tick that is out of range is not drawn
        box = text.get_window_extent(renderer)
        assert -1 <= box.x0 <= box.x1 <= right + 1, text.get_text()
        assert -1 <= box.y0 <= box.y1 <= top + 1, text.get_text()


@pytest.mark.parametrize("width", [88, 180])
def test_the_columns_of_a_row_do_not_touch(width):
    figure = draw("claims", claims(("a-model-of-a-long-name-" * 2,)), width_mm=width)
    renderer = figure.canvas.get_renderer()
    columns = [named(figure, gid) for gid in ("model", "word", "p")]
    for cells in zip(*columns, strict=True):
        boxes = [cell.get_window_extent(renderer) for cell in cells]
        assert boxes[0].x1 < boxes[1].x0
        assert boxes[1].x1 < boxes[2].x0
        assert boxes[0].x1 < cells[0].axes.get_window_extent(renderer).x0


def test_sentences_stand_beside_the_panel_where_there_is_room_and_above_it_where_not():
    for width, beside in ((88, False), (180, True)):
        figure = draw("claims", claims(), width_mm=width)
        renderer = figure.canvas.get_renderer()
        panel = figure.axes[0].get_window_extent(renderer).x0
        sentence = max(text.get_window_extent(renderer).x1 for text in named(figure, "say"))
        assert (sentence < panel) == beside


def test_a_sentence_is_broken_between_words_and_a_long_word_is_cut():
    lines = wrapped("one two three " + "x" * 200, 30)
    assert lines[0].startswith("one two")
    assert all(text_width(line) <= 30 for line in lines)
    assert "…" in lines[-1]


def test_models_follow_the_order_of_the_study():
    figure = draw("claims", claims(("a", "b", "c")), models=["c", "a", "b"])
    assert [text.get_text() for text in named(figure, "model")][:3] == ["c", "a", "b"]


def test_what_is_undefined_says_so():
    figure = draw("claims", claims(undefined=True))
    assert texts(figure).count(" undefined") == 5
    assert not named(figure, "interval")


def test_numbers_of_concepts_that_differ_are_a_range():
    tables = claims(("a", "b"))
    rows = tables["claims"].with_columns(n=pl.when(pl.col("model") == "b").then(30).otherwise(pl.col("n")))
    assert "sign flips, 30 to 48 concepts, up to 2 left out" in texts(draw("claims", {"claims": rows}))


def test_the_caption_counts_the_verdicts_and_states_every_number():
    text = caption("claims", claims(), {})
    assert "mini, 5 claims: 3 held, 1 not held, 1 underpowered." in text
    assert (
        "“Concepts of one category share more experts than concepts of two” (within_overlap 1.2, against "
        "between_overlap 1.0; difference .21 [.16, .26] Jaccard overlap, adjusted p < .001, permuted "
        "category labels, 48 concepts)" in text
    )
    assert (
        "“Overlap follows the lexicon's tree” (tree_correlation 1.4, against 0; difference .40 "
        "Pearson's r, adjusted p < .001, permutations, 48 concepts; no interval)" in text
    )
    assert "sign flips, 48 concepts; 2 concepts left out, without a value)" in text
    assert "difference −.030 [−.090, .030] Spearman's ρ" in text
    assert ".050 is excluded" in text


def said(name: str, **others) -> list[str]:
    """Remarks on the row of one claim, some of its columns changed."""
    row = next(row for row in claims()["claims"].iter_rows(named=True) if row["claim"] == name)
    return remarks(row | others)


def test_the_caption_says_when_what_is_held_is_small():
    rows = claims()["claims"].with_columns(matters=pl.lit(0.5))
    assert "; less than .50, which would matter)" in caption("claims", {"claims": rows}, {})
    small = {"effect": 0.03, "low": 0.01, "high": 0.06, "matters": 0.05}
    assert said("categories", **small) == ["below .050, the smallest that matters"]
    assert said("tree", effect=0.04) == [
        "below .050, the smallest that matters",
        "r squared is below 1 %",
        "no interval",
    ]
    assert said("tree", effect=0.09) == ["r squared is below 1 %", "no interval"]


def test_the_caption_says_what_is_wanting_to_a_verdict():
    assert said("tree", verdict="underpowered", effect=-0.1, p_holm=1.0) == [
        "no interval: cannot be shown not to hold"
    ]
    wide = {"verdict": "underpowered", "low": -0.01, "p_holm": 0.01}
    assert said("categories", **wide) == ["significant, but the interval includes 0"]
    assert said("learned", low=140.0, high=140.0) == [
        "the interval has no width: all concepts are alike in this"
    ]


def test_small_numbers_keep_their_sign():
    shown = {-0.0003: "−.0003", 0.0: ".000", 0.05: ".050", -0.26: "−.26", 140.0: "140.0"}
    assert [amount(value) for value in shown] == list(shown.values())


def test_the_caption_of_an_undefined_claim():
    text = caption("claims", claims(undefined=True), {})
    assert "(undefined: no concept has an expert; 48 concepts left out, without a value)" in text


def test_the_report_states_each_claim_once_with_a_row_for_every_model():
    rows = claim_rows(claims(("a", "b"))["claims"])
    assert [row["first"] for row in rows] == [True, False] * 5
    assert {row["models"] for row in rows} == {2}
    assert rows[0]["compared"] == "within_overlap exceeds between_overlap"
    assert (rows[0]["shown_effect"], rows[0]["shown_interval"], rows[0]["word"]) == (
        ".21",
        "[.16, .26]",
        "held",
    )
    wrong = next(row for row in rows if row["verdict"] == "not_held")
    assert (wrong["word"], wrong["note"]) == ("not held", ".050 is excluded")
    tree = next(row for row in rows if row["claim"] == "tree")
    assert (tree["shown_interval"], tree["note"]) == ("", "no interval")
    stable = next(row for row in rows if row["claim"] == "stable")
    assert stable["note"] == "2 concepts left out, without a value"


def test_the_report_says_the_size_where_models_have_another():
    rows = claims(("a", "b"))["claims"].filter(pl.col("claim") == "learned")
    sizes = rows.with_columns(quantity=pl.Series(["experts of 9 units", "experts of 4 units"]))
    first, second = claim_rows(sizes)
    assert "experts of 9 units exceeds" in first["compared"]
    assert (first["note"], second["note"]) == ("", "experts of 4 units")


def test_the_report_counts_the_verdicts_and_is_silent_without_claims():
    assert claim_counts(claims()["claims"]) == {"held": 3, "not held": 1, "underpowered": 1}
    assert claim_rows(None) == []
    assert claim_counts(None) == {}
    undefined = claim_rows(claims(undefined=True)["claims"])[0]
    assert undefined["shown_effect"] == "undefined"
    assert undefined["note"].startswith("no concept has an expert")
