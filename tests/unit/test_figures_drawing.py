"""Every figure draws every kind of study, and draws what the tables say."""

import warnings

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from synthetic_results import case

from golgi.errors import GolgiError
from golgi.figures import FIGURES, draw_figure
from golgi.figures.overlap import colour_range, concept_order, darkening

OPTIONS = {"threshold": 0.5, "thresholds": [0.5, 0.6, 0.7, 0.8, 0.9]}


def draw(name: str, tables: dict[str, pl.DataFrame], **options):
    """Draw from nothing but the tables that the figure names, with warnings as errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_figure(
            name, {table: tables[table] for table in FIGURES[name].TABLES}, OPTIONS | options
        )
        figure.canvas.draw()
    return figure


def named(figure, gid: str) -> list:
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def lines(figure, gid: str) -> list:
    return [artist for artist in named(figure, gid) if hasattr(artist, "get_ydata")]


@pytest.mark.parametrize("name", FIGURES)
def test_a_study_without_rows_says_so(name):
    empty = {table: case("small")[table].clear() for table in FIGURES[name].TABLES}
    figure = draw(name, empty)
    assert not figure.axes
    assert figure.texts[0].get_text().endswith(".")


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("width", [88, 180])
def test_width_is_what_was_asked_for(name, width):
    figure = draw(name, case("small"), width_mm=width)
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(width)


@pytest.mark.parametrize("name", FIGURES)
def test_a_width_without_room_for_a_panel_is_an_error(name):
    with pytest.raises(GolgiError, match=r"figures: width_mm of 20 leaves no room for the panels: at least"):
        draw(name, case("small"), width_mm=20)


def test_models_follow_the_order_of_the_study():
    figure = draw("training_loss", case("many"), models=["mini-l", "mini-s", "mini-m"])
    titles = [axes.texts[1].get_text() for axes in figure.axes]
    assert titles == ["mini-l", "mini-s", "mini-m"]


def test_user_settings_do_not_reach_the_figure():
    with mpl.rc_context({"font.size": 30, "axes.labelsize": 30}):
        figure = draw("training_loss", case("small"))
    assert figure.axes[0].xaxis.label.get_size() == 7


def test_experts_by_layer_has_a_curve_per_checkpoint_and_control():
    counts = case("small")["counts"].filter(pl.col("threshold") == 0.5)
    figure = draw("experts_by_layer", case("small"))
    for checkpoint in ("0", "20", "100", "400"):
        rows = counts.filter(pl.col("checkpoint") == checkpoint, pl.col("control") == "measured")
        expected = rows.group_by("layer").agg(pl.col("experts").mean()).sort("layer")["experts"].to_list()
        assert lines(figure, f"measured {checkpoint}")[0].get_ydata() == pytest.approx(expected)
    for control in ("untrained", "rotated", "shuffled", "word"):
        assert len(lines(figure, control)) == 1


def test_experts_by_layer_has_a_panel_per_site_and_model():
    assert len(draw("experts_by_layer", case("sites")).axes) == 3
    assert len(draw("experts_by_layer", case("many")).axes) == 3


def test_ap_distribution_is_a_survival_function():
    rows = (
        case("small")["distribution"]
        .filter(pl.col("checkpoint") == "400", pl.col("control") == "measured")
        .sort("low")
    )
    curve = lines(draw("ap_distribution", case("small")), "measured")[0]
    edges, shares = curve.get_xdata(), curve.get_ydata()
    assert shares[0] == 1
    assert (np.diff(shares) <= 0).all()
    above = rows.filter(pl.col("low") >= edges[10] - 1e-9)["pairs"].sum() / rows["pairs"].sum()
    assert shares[10] == pytest.approx(above)


@pytest.mark.parametrize("name", ["ap_distribution", "threshold_sweep"])
def test_chance_is_drawn_at_the_prevalence(name):
    for line in lines(draw(name, case("small")), "chance"):
        assert line.get_xdata() == pytest.approx([400 / 1400] * 2)


@pytest.mark.parametrize("kind", ["small", "many", "200 concepts", "long names", "no experts"])
def test_overlap_has_a_cell_per_pair_and_hatches_the_empty_ones(kind):
    tables = case(kind)
    figure = draw("overlap", tables)
    for panel, model in zip(
        figure.axes, tables["overlap"]["model"].unique(maintain_order=True), strict=False
    ):
        rows = tables["overlap"].filter(pl.col("control") == "measured", pl.col("model") == model)
        (mesh,) = (artist for artist in panel.collections if artist.get_gid() == "jaccard")
        empty = rows["empty"].sum()
        assert mesh.get_array().count() == rows.height - empty
        hatched = [patch for patch in panel.patches if patch.get_gid() == "empty"]
        assert (len(hatched[0].get_path().codes) // 5 if hatched else 0) == empty
        if empty < rows.height:
            known = rows.filter(~pl.col("empty"))["jaccard"]
            assert mesh.get_clim() == pytest.approx(colour_range(known.to_numpy()))


def test_overlap_uses_one_triangle_ordered_by_category():
    tables = case("many")
    order = concept_order(tables["counts"], tables["overlap"])
    assert [name for name, _, _ in order.blocks] == sorted(tables["counts"]["category"].unique())
    (mesh, *_) = (
        artist for artist in draw("overlap", tables).axes[0].collections if artist.get_gid() == "jaccard"
    )
    drawn = ~np.ma.getmaskarray(mesh.get_array()).reshape(48, 48)
    assert not np.triu(drawn).any()


def test_overlap_names_concepts_while_they_are_legible():
    assert len(draw("overlap", case("small")).axes[0].get_yticklabels()) == 11
    crowded = draw("overlap", case("200 concepts"))
    assert not crowded.axes[0].get_yticklabels()
    assert len(named(crowded, "category")) == 2 * 25


def test_within_between_draws_the_table():
    rows = case("small")["categories"].filter(pl.col("control") == "measured").sort("step")
    figure = draw("within_between", case("small"))
    assert lines(figure, "within")[0].get_ydata() == pytest.approx(rows["within"].to_list())
    assert lines(figure, "between")[0].get_ydata() == pytest.approx(rows["between"].to_list())
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert any("within/between = 4.38, p < .001" in text for text in texts)


@pytest.mark.parametrize(
    ("name", "column"), [("within_between", "difference"), ("alignment_over_training", "rho")]
)
def test_the_measured_interval_is_a_band_and_that_of_the_rotated_basis_bars(name, column):
    table = case("small")[FIGURES[name].TABLES[0]].filter(pl.col("threshold") == 0.5).sort("step")
    figure = draw(name, case("small"))
    rotated = table.filter(pl.col("control") == "rotated")
    assert (rotated["low"] < rotated[column]).all()
    (bars,) = named(figure, "control interval")
    ends = [segment[:, 1].tolist() for segment in bars.get_segments()]
    assert np.allclose(ends, rotated.select("low", "high").to_numpy())
    measured = table.filter(pl.col("control") == "measured")
    (band,) = named(figure, "band")
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(measured["low"].min())
    assert heights.max() == pytest.approx(measured["high"].max())


@pytest.mark.parametrize("name", ["within_between", "threshold_sweep"])
def test_panels_of_a_stack_stand_close(name):
    figure = draw(name, case("small"))
    upper, lower = (axes.get_position() for axes in figure.axes)
    assert (upper.y0 - lower.y1) * figure.get_size_inches()[1] * 25.4 == pytest.approx(8.5)
    assert [bool(axes.get_xlabel()) for axes in figure.axes] == [False, True]


def test_colours_end_where_single_pairs_lie_far_above():
    few = np.append(np.linspace(0, 0.1, 999), 0.7)
    assert colour_range(few) == (0.0, pytest.approx(np.quantile(few, 0.99)))
    assert colour_range(np.linspace(0.1, 0.7, 99)) == (0.1, 0.7)
    assert colour_range(np.array([])) == (0.0, 1.0)
    rows = case("many")["overlap"].with_columns(
        jaccard=pl.when(pl.int_range(pl.len()) % 800 == 0).then(0.99).otherwise(pl.col("jaccard") / 5)
    )
    figure = draw("overlap", case("many") | {"overlap": rows})
    assert any("(to .99)" in axes.get_title(loc="left") for axes in figure.findobj(Axes))


def test_dark_is_much_overlap_whatever_the_colours():
    for colours in ("YlGnBu", "viridis", "cividis", "magma", "inferno", "plasma"):
        few, much = (sum(mpl.colormaps[darkening(colours)](end)[:3]) for end in (0.0, 1.0))
        assert few > much + 1, colours


def test_of_many_checkpoints_the_first_the_middle_and_the_last_are_named():
    texts = {text.get_text() for text in draw("experts_by_layer", case("final alone")).axes[0].texts}
    assert "final" in texts
    texts = {text.get_text() for text in draw("experts_by_layer", case("long names")).axes[0].texts}
    assert {text for text in texts if text.startswith("step")} == {"step 0", "step 4k", "step 143k"}


def test_alignment_scatter_has_a_point_per_pair():
    rows = case("many")["alignment_pairs"].filter(pl.col("control") == "measured")
    figure = draw("alignment_scatter", case("many"))
    assert len(figure.axes) == rows.n_unique(["model", "reference"])
    clouds = {
        gid: [artist for artist in named(figure, gid) if isinstance(artist, PathCollection)]
        for gid in ("same", "different")
    }
    drawn = {gid: sum(len(cloud.get_offsets()) for cloud in parts) for gid, parts in clouds.items()}
    assert drawn == {
        "same": rows["same_category"].sum(),
        "different": rows.height - rows["same_category"].sum(),
    }


def test_alignment_scatter_moves_points_sideways_only_and_less_than_a_level():
    figure = draw("alignment_scatter", case("small"))
    rows = case("small")["alignment_pairs"].filter(pl.col("control") == "measured", ~pl.col("same_category"))
    (cloud,) = named(figure, "different")
    offsets = np.asarray(cloud.get_offsets())
    assert np.abs(offsets[:, 0] - rows["rating"].to_numpy()).max() < 0.5
    assert offsets[:, 1] == pytest.approx(rows["similarity"].to_numpy())


def test_alignment_over_training_draws_curves_controls_baselines_and_ceiling():
    table = case("many")["alignment"].filter(pl.col("model") == "mini-s", pl.col("reference") == "men")
    figure = draw("alignment_over_training", case("many"))
    measured = table.filter(pl.col("control") == "measured", pl.col("threshold") == 0.5).sort("step")
    models = case("many")["alignment"]["model"].unique().sort().to_list()
    curve = lines(figure, "measured")[2 * models.index("mini-s")]
    assert curve.get_ydata() == pytest.approx(measured["rho"].to_list())
    assert len(lines(figure, "ceiling")) == 3
    for gid in ("untrained", "rotated", "shuffled", "word", "input_embedding", "sentence_embedding"):
        assert len(lines(figure, gid)) == 6


def test_undefined_rho_leaves_a_gap_and_is_counted():
    figure = draw("alignment_over_training", case("rho undefined"))
    assert np.isnan(lines(figure, "measured")[0].get_ydata()).all()
    assert any("ρ undefined at 8 steps" in text.get_text() for text in figure.axes[0].texts)


def test_threshold_sweep_works_without_any_reference():
    tables = {name: case("small")[name] for name in ("counts", "distribution")}
    figure = draw_figure("threshold_sweep", tables, OPTIONS)
    assert len(figure.axes) == 1
    assert len(lines(figure, "measured")[0].get_xdata()) == 5


def test_training_loss_draws_only_what_was_measured():
    rows = case("small")["training"]
    figure = draw("training_loss", case("small"))
    assert len(lines(figure, "training_loss")[0].get_xdata()) == rows["training_loss"].count()
    assert len(lines(figure, "heldout_loss")[0].get_xdata()) == rows["heldout_loss"].count()
    assert lines(figure, "unigram_loss")[0].get_ydata()[0] == 5.8
