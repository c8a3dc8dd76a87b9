"""The figures of stability and of false discoveries show what their tables say; so do their captions."""

import warnings

import numpy as np
import polars as pl
import pytest
from matplotlib.text import Text
from synthetic_results import case

from golgi.captions import caption
from golgi.figures import draw_figure

OPTIONS = {"threshold": 0.5, "thresholds": [0.5, 0.6, 0.7, 0.8, 0.9]}


def draw(name: str, tables: dict[str, pl.DataFrame], **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_figure(name, tables, OPTIONS | options)
        figure.canvas.draw()
    return figure


def named(axes, gid: str) -> list:
    return axes.findobj(lambda artist: artist.get_gid() == gid)


def texts(figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text)}


def changed(table: str, control: str = "measured", **columns) -> dict[str, pl.DataFrame]:
    frame = case("small")[table]
    wanted = [
        pl.when(pl.col("control") == control)
        .then(pl.lit(value, frame[name].dtype))
        .otherwise(pl.col(name))
        .alias(name)
        for name, value in columns.items()
    ]
    return case("small") | {table: frame.with_columns(wanted)}


def test_every_size_has_a_curve_of_overlap_and_one_of_experts():
    table = case("small")["stability"].filter(control="measured").sort("threshold")
    figure = draw("stability", case("small"))
    assert len(figure.axes) == 6
    for number, positives in enumerate((25, 50, 100)):
        for axes, quantity in zip(figure.axes[2 * number :], ("overlap", "experts")):
            for negatives in (60, 125, 250):
                rows = table.filter(positives=positives, negatives=negatives)
                (curve,) = named(axes, f"measured {negatives}")
                assert curve.get_xdata() == pytest.approx(rows["threshold"].to_list())
                assert curve.get_ydata() == pytest.approx(rows[quantity].to_list())


def test_marks_are_hollow_near_chance_and_ringed_where_recommended():
    table = case("small")["stability"].filter(control="measured", positives=100)
    axes = draw("stability", case("small")).axes[4]
    for negatives in (60, 125, 250):
        rows = table.filter(negatives=negatives).sort("threshold")
        full, hollow = named(axes, f"points {negatives}")
        assert hollow.get_markerfacecolor() == "white"
        assert full.get_xdata().tolist() == rows.filter("beyond_chance")["threshold"].to_list()
        assert hollow.get_xdata().tolist() == rows.filter(~pl.col("beyond_chance"))["threshold"].to_list()
    ringed = [mark.get_xdata().tolist() for mark in named(axes, "recommended")]
    assert ringed[-1] == table.filter("recommended").sort("threshold")["threshold"].to_list()
    assert ringed[:-1] == [[], []]


def test_controls_are_drawn_at_the_most_negatives_where_there_are_any():
    axes = draw("stability", case("small")).axes[0]
    for control in ("shuffled", "untrained"):
        rows = case("small")["stability"].filter(control=control, positives=25, negatives=250)
        (curve,) = named(axes, control)
        assert curve.get_ydata() == pytest.approx(rows.sort("threshold")["overlap"].to_list())
    assert not named(draw("stability", case("no controls")), "shuffled")


def test_chance_is_drawn_where_it_lies_among_the_thresholds():
    figure = draw("stability", case("small"))
    drawn = [line.get_xdata()[0] for line in named(figure.axes[4], "chance")]
    assert drawn == pytest.approx([100 / 160])
    assert "chance .29\N{EN DASH}.62" in texts(figure)


@pytest.mark.parametrize("width", [88, 180])
@pytest.mark.parametrize("sizes", [1, 2, 7])
def test_any_number_of_sizes_has_room(width, sizes):
    table = case("small")["stability"].filter(positives=100)
    several = pl.concat([table.with_columns(positives=pl.lit(10 * size + 10)) for size in range(sizes)])
    figure = draw("stability", {"stability": several}, width_mm=width)
    assert len(figure.axes) == 2 * sizes
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(width)
    assert min(axes.get_position().width * width for axes in figure.axes) >= 12


def test_stability_caption_states_the_recommended_size():
    text = caption("stability", changed("stability", by_chance=0.0), OPTIONS)
    rows = case("small")["stability"].filter(control="measured", recommended=True, threshold=0.5)
    assert rows.select("positives", "negatives").rows() == [(100, 250)]
    assert (
        "mini-s at step 400, AP at least .50: 100 positives and 250 negatives a fold are recommended" in text
    )
    assert "overlap .90 (95 % interval [.85, .95])" in text
    assert "Controls: .05 in the untrained twin and .05 with shuffled labels." in text
    assert "largest size that was tried: more sentences may do better" in text
    assert "no sign of learning" not in text


def test_concepts_whose_folds_share_documents_are_named():
    tables = changed("stability", sharing_concepts=3)
    assert "(3 with shared documents)" in " ".join(texts(draw("stability", tables)))
    said = "In 3 of 12 concepts whole documents (or frames) do not fill the folds"
    assert said in caption("stability", tables, OPTIONS)
    assert "do not fill the folds" not in caption("stability", case("small"), OPTIONS)
    assert said in caption("stability", changed("stability", sharing_concepts=3, recommended=False), OPTIONS)


def test_a_twin_that_is_as_stable_is_named():
    text = caption("stability", changed("stability", "untrained", overlap=0.9), OPTIONS)
    assert "as stable in the untrained twin: their stability is no sign of learning" in text


def test_where_nothing_is_recommended_the_reason_is_said():
    near = changed("stability", recommended=False, beyond_chance=False)
    assert "at every size the threshold is near the AP of chance" in caption("stability", near, OPTIONS)
    assert "disjoint folds share no expert" in caption("stability", case("no experts"), OPTIONS)


def concept_means(control: str, column: str) -> list[float]:
    rows = case("small")["discoveries"].filter(control=control)
    return rows.group_by("threshold").agg(pl.col(column).mean()).sort("threshold")[column].to_list()


def test_raw_expected_and_controlled_counts_stand_side_by_side():
    upper, lower = draw("false_discovery", case("small")).axes
    for gid, control, column in (
        ("experts", "measured", "experts"),
        ("expected", "measured", "expected"),
        ("controlled", "measured", "controlled"),
        ("untrained", "untrained", "experts"),
    ):
        (curve,) = named(upper, gid)
        assert curve.get_ydata() == pytest.approx(concept_means(control, column))
    shares = np.divide(concept_means("measured", "expected"), concept_means("measured", "experts"))
    assert named(lower, "false measured")[0].get_ydata() == pytest.approx(shares)
    assert named(lower, "level")[0].get_ydata() == pytest.approx([0.05, 0.05])
    assert named(upper, "chance")[0].get_xdata() == pytest.approx([0.289, 0.289])


def test_a_share_of_nothing_is_a_gap():
    lower = draw("false_discovery", case("no experts")).axes[1]
    assert np.isnan(named(lower, "false measured")[0].get_ydata()).all()


def test_false_discovery_caption_states_the_numbers():
    rows = case("small")["discoveries"].filter(control="measured", threshold=0.5)
    text = caption("false_discovery", case("small"), OPTIONS)
    assert f"mini-s at step 400, AP at least .50: {rows['experts'].mean():,.1f} experts a concept" in text
    assert f"of which {rows['expected'].mean():.1f} (" in text
    assert f"{rows['controlled'].mean():,.1f} are left at level 0.05." in text
    twin = case("small")["discoveries"].filter(control="untrained", threshold=0.5)
    assert f"In the untrained twin {twin['controlled'].mean():.1f} are left." in text


def test_no_false_expert_in_so_many_shuffles_is_not_zero():
    text = caption("false_discovery", changed("discoveries", expected=0.0), OPTIONS)
    assert "none of which is to be expected by chance (20 shuffles)" in text
    text = caption("false_discovery", changed("discoveries", expected=0.0042), OPTIONS)
    assert "of which 0.004 (" in text


def test_a_twin_with_as_many_is_named():
    text = caption("false_discovery", changed("discoveries", "untrained", controlled=999), OPTIONS)
    assert "no fewer: not being chance does not mean being learnt" in text


def test_concepts_that_lose_every_expert_are_counted():
    assert "12 concepts with experts have none left" in caption(
        "false_discovery", changed("discoveries", controlled=0), OPTIONS
    )
    assert "there are no experts" in caption("false_discovery", case("no experts"), OPTIONS)
