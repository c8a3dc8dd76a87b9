"""The figures of training dynamics and polysemy show what their tables say; so do their captions."""

import warnings
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from matplotlib.text import Text
from synthetic_dynamics import dynamics_tables
from synthetic_results import case, points, strength
from test_figures_layout import TOUCH, drawn_boxes

from golgi.captions import caption
from golgi.figures import FIGURES, draw_figure
from golgi.figures.dynamics import LINEAR_RANGE, MOST_ROTATED, model_colours
from golgi.figures.polysemy import survival

OPTIONS = {"threshold": 0.5}
STEPS = ["0", "1", "512", "1000", "4000", "36000", "72000", "143000"]
NAMES = ("dynamics", "dynamics_by_layer", "polysemy")
SIZES = ("70m", "160m", "410m", "1b", "2.8b", "12b")


def sizes(models: tuple[str, ...], *, grows: float = 5.0, layers: int = 6) -> dict[str, pl.DataFrame]:
    """The grid of a paper: models of several sizes over their whole training."""
    grid = [
        (model, *point, strength(STEPS, point[0], point[2]))
        for model in models
        for point in points(STEPS, True)
    ]
    return dynamics_tables(
        grid,
        checkpoints=STEPS,
        concepts=60,
        layers=layers,
        references=("men",),
        threshold=0.5,
        no_experts=False,
        null_rho=False,
        grows=grows,
    )


def draw(name: str, tables: dict[str, pl.DataFrame], **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chosen = {table: tables[table] for table in FIGURES[name].TABLES if table in tables}
        figure = draw_figure(name, chosen, OPTIONS | options)
        figure.canvas.draw()
    return figure


def lines(figure, gid: str) -> list:
    return [
        artist for artist in figure.findobj(lambda one: one.get_gid() == gid) if hasattr(artist, "get_ydata")
    ]


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text)]


def whole(tables: dict[str, pl.DataFrame], **chosen) -> pl.DataFrame:
    rows = tables["dynamics"].filter(pl.col("layer").is_null())
    return rows.filter(*(pl.col(name) == value for name, value in chosen.items())).sort("step")


def changed(tables, table: str, column: str, value, *conditions) -> dict[str, pl.DataFrame]:
    """The tables with one column set to a value where the conditions hold."""
    wanted = pl.when(*conditions).then(pl.lit(value)).otherwise(pl.col(column))
    frame = tables[table]
    return tables | {table: frame.with_columns(wanted.cast(frame[column].dtype).alias(column))}


def test_every_model_is_a_curve_against_step_with_its_twin_on_every_panel():
    tables = sizes(("small", "large"))
    figure = draw("dynamics", tables)
    assert len(figure.axes) == 2
    for model in ("small", "large"):
        curves = lines(figure, f"measured {model}")
        assert len(curves) == 2
        rows = whole(tables, model=model, control="measured")
        assert curves[0].get_xdata() == pytest.approx([float(step) for step in STEPS])
        assert curves[0].get_ydata() == pytest.approx(rows["experts"].to_list())
    twins = {line.get_ydata()[0] for line in lines(figure, "untrained")}
    assert set(whole(tables, control="untrained")["experts"]) <= twins
    assert len(lines(figure, "untrained")) == len(lines(figure, "rotated")) == 4
    assert {line.get_color() for line in lines(figure, "untrained")} == set(
        model_colours(["small", "large"]).values()
    )


def test_steps_run_from_zero_on_a_symmetric_logarithm_with_compact_ticks():
    axes = draw("dynamics", sizes(("small",)), width_mm=180).axes[0]
    assert axes.get_xscale() == "symlog"
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert labels[0] == "0"
    assert {"512", "143k"} <= set(labels)


def test_models_differ_in_colour_order_and_marker():
    figure = draw("dynamics", sizes(tuple("abcdef"), grows=2.0))
    curves = [lines(figure, f"measured {model}")[0] for model in "abcdef"]
    assert len({curve.get_marker() for curve in curves}) == 6
    colours = [curve.get_color() for curve in curves]
    brightness = [sum(int(colour[place : place + 2], 16) for place in (1, 3, 5)) for colour in colours]
    assert brightness == sorted(brightness, reverse=True)
    assert len(colours) > MOST_ROTATED
    assert not lines(figure, "rotated")


def test_counts_are_logarithmic_only_where_sizes_are_far_apart():
    assert draw("dynamics", sizes(("a", "b"), grows=2.0)).axes[0].get_yscale() == "linear"
    assert draw("dynamics", sizes(("a", "b"), grows=2 * LINEAR_RANGE)).axes[0].get_yscale() == "log"
    alone = draw("dynamics", sizes(("a",))).axes[0]
    assert (alone.get_yscale(), alone.get_ylim()[0]) == ("linear", 0)
    none = changed(sizes(("a", "b"), grows=30.0), "dynamics", "experts", 0.0, pl.col("checkpoint") == "0")
    assert draw("dynamics", none).axes[0].get_yscale() == "symlog"


def test_bands_are_the_intervals_and_the_ceiling_is_drawn():
    tables = sizes(("small",))
    figure = draw("dynamics", tables)
    bands = figure.findobj(lambda one: one.get_gid() == "band")
    heights = bands[0].get_paths()[0].vertices[:, 1]
    rows = whole(tables, control="measured")
    assert heights.min() == pytest.approx(rows["experts_low"].min())
    assert heights.max() == pytest.approx(rows["experts_high"].max())
    assert [line.get_ydata()[0] for line in lines(figure, "ceiling")] == [0.84]


def test_without_references_experts_stand_alone():
    tables = sizes(("small",))
    for missing in (None, tables["dynamics_alignment"].clear()):
        bare = tables | {"dynamics_alignment": missing}
        assert len(draw("dynamics", bare).axes) == 1
        assert len(draw("dynamics_by_layer", bare).axes) == 1
        for name in ("dynamics", "dynamics_by_layer"):
            assert "lignment with" not in caption(name, bare, OPTIONS)


def test_every_layer_has_a_point_for_each_checkpoint_and_for_the_twin():
    tables = sizes(("small", "large"))
    figure = draw("dynamics_by_layer", tables, width_mm=180, models=["small", "large"])
    assert len(figure.axes) == 4
    rows = tables["dynamics"].filter(pl.col("layer").is_not_null(), pl.col("model") == "small").sort("layer")
    for step in STEPS:
        expected = rows.filter(checkpoint=step, control="measured")["experts"].to_list()
        assert lines(figure, f"measured {step}")[0].get_ydata() == pytest.approx(expected)
    twin = rows.filter(control="untrained")["experts"].to_list()
    assert lines(figure, "untrained")[0].get_ydata() == pytest.approx(twin)


@pytest.mark.parametrize("width", [88, 180])
def test_the_key_has_a_swatch_for_each_checkpoint_in_the_colour_of_its_line(width):
    steps = [str(2**power) for power in range(13)]
    rows = sizes(("small",))["dynamics"]
    many = pl.concat(
        rows.filter(checkpoint="0").with_columns(
            pl.lit(step).alias("checkpoint"), pl.lit(int(step), pl.Int64).alias("step")
        )
        for step in steps
    )
    figure = draw(
        "dynamics_by_layer", {"dynamics": pl.concat([many, rows.filter(control="untrained")])}, width_mm=width
    )
    swatches = figure.findobj(lambda one: one.get_gid() == "swatch")
    colours = [lines(figure, f"measured {step}")[0].get_color() for step in steps]
    assert len(set(colours)) == len(steps)
    assert [swatch.get_facecolor() for swatch in swatches] == [
        pytest.approx(rgba(colour)) for colour in colours
    ]
    assert {"1", "4.1k"} <= set(texts(figure))


def rgba(colour: str) -> tuple[float, ...]:
    return (*(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)), 1.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [88, 180])
def test_no_text_of_six_models_touches_another_or_leaves_the_page(name, width):
    figure = draw(name, sizes(tuple(f"pythia-{size}" for size in SIZES), grows=2.4), width_mm=width)
    boxes = drawn_boxes(figure)
    for (first, one), (second, other) in combinations(boxes, 2):
        wide = min(one.x1, other.x1) - max(one.x0, other.x0)
        high = min(one.y1, other.y1) - max(one.y0, other.y0)
        assert wide <= TOUCH or high <= TOUCH, f"{first!r} and {second!r} overlap"
    assert min(box.x0 for _, box in boxes) >= -1
    assert max(box.x1 for _, box in boxes) <= figure.bbox.x1 + 1


def test_polysemy_is_the_share_of_units_with_at_least_so_many_concepts():
    tables = case("small")
    rows = tables["polysemy"].filter(control="measured")
    units = dict(rows.select("concepts", "units").rows())
    numbers, shares = survival(rows)
    for number, share in zip(numbers, shares, strict=True):
        above = sum(count for concepts, count in units.items() if concepts >= number)
        assert share == pytest.approx(above / sum(units.values()))
    curve = lines(draw("polysemy", tables), "measured")[0]
    assert curve.get_ydata() == pytest.approx(shares)


def test_sharing_is_drawn_against_permuted_labels():
    tables = case("small")
    figure = draw("polysemy", tables)
    sharing = tables["polysemy_sharing"]
    assert lines(figure, "expected")[0].get_xdata()[0] == pytest.approx(0.28)
    for control, value in sharing.select("control", "same_category").rows():
        assert lines(figure, f"sharing {control}")[0].get_xdata() == pytest.approx([value])
    assert any(text.startswith(".500 [.420, .600]") for text in texts(figure))


def test_an_interval_beyond_the_axis_ends_in_an_arrow_and_in_numbers():
    wide = changed(case("small"), "polysemy_sharing", "same_category_high", 0.99, pl.col("control") == "word")
    figure = draw("polysemy", wide)
    assert len(lines(figure, "beyond")) == 1
    assert any(".990]" in text for text in texts(figure))
    assert not lines(draw("polysemy", case("small")), "beyond")


def test_controls_without_experts_are_named():
    assert {"no expert", "measured: 0"} <= set(texts(draw("polysemy", case("no experts"))))
    assert "no pair" in texts(draw("polysemy", case("one concept")))


def test_caption_gives_the_course_of_experts_and_alignment():
    tables = sizes(("small",))
    rows = whole(tables, control="measured")
    text = caption("dynamics", tables, OPTIONS)
    assert (
        f"small: {rows['experts'][0]:,.1f} experts per concept at step 0, {rows['experts'][-1]:,.1f}" in text
    )
    assert "at step 143,000" in text
    assert "Alignment with men: from .07 at step 0 to ρ = .60 (95 % interval [.50, .68])" in text
    assert "first checkpoint has more" not in text
    assert "no sign of learning" not in text


def test_caption_explains_early_experts_by_the_untrained_twin():
    first = pl.col("checkpoint") == "0"
    measured, twin = pl.col("control") == "measured", pl.col("control") == "untrained"
    early = changed(sizes(("small",)), "dynamics", "experts", 400.0, first & measured)
    early = changed(early, "dynamics", "experts_low", 380.0, first & measured)
    text = caption("dynamics", early, OPTIONS)
    assert "The first checkpoint has more experts than later ones, which have as few as" in text
    assert "random weights" not in text
    text = caption("dynamics", changed(early, "dynamics", "experts", 390.0, twin), OPTIONS)
    assert "the untrained twin has as many (390.0): random weights are enough for them." in text
    assert "are left there: they answer to the word" in text
    assert "The last checkpoint has no more experts than the untrained twin" in text


def test_caption_says_where_alignment_is_not_shown():
    low = changed(sizes(("small",)), "dynamics_alignment", "low", -0.1, pl.col("control") == "measured")
    assert "The interval includes 0: alignment is not shown." in caption("dynamics", low, OPTIONS)
    assert "Its interval lies above 0 and the untrained twin in no layer." in caption(
        "dynamics_by_layer", low, OPTIONS
    )
    text = caption("dynamics_by_layer", sizes(("small",)), OPTIONS)
    assert "Its interval lies above 0 and the untrained twin in every layer." in text


def test_caption_of_polysemy_states_share_sharing_and_what_is_not_shown():
    tables = case("small")
    row = tables["polysemy_sharing"].filter(control="measured").row(0, named=True)
    text = caption("polysemy", tables, OPTIONS)
    assert f"{row['experts']:,} of 2,048 units are experts" in text
    assert ".500 are of one category (95 % interval [.420, .600]), against .280 under permuted labels" in text
    assert "(p < .001, Holm-adjusted p < .001)" in text
    assert "not shown" not in text
    assert "does not lie above the share with the concept's word masked (.440)" in text
    weak = changed(tables, "polysemy_sharing", "p_holm", 0.4, pl.col("control") == "measured")
    assert "More sharing within categories than chance gives is not shown." in caption(
        "polysemy", weak, OPTIONS
    )


def test_undefined_alignment_leaves_gaps_that_are_counted():
    figure = draw("dynamics", case("rho undefined"))
    assert np.isnan(lines(figure, "measured mini-s")[1].get_ydata()).all()
    assert any("ρ undefined at 8 points" in text for text in texts(figure))
    assert "undefined at step 143,000, since the overlap does not vary" in caption(
        "dynamics", case("rho undefined"), OPTIONS
    )
