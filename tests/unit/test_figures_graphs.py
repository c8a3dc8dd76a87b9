"""The figures of neuron graphs show what their tables say; so do their captions."""

import json
import warnings

import numpy as np
import polars as pl
import pytest
from matplotlib.text import Text
from synthetic_graphs import TOKENS, gallery_table, graph_tables

from golgi.captions import caption
from golgi.figures import draw_figure
from golgi.figures.graph_f1_by_layer import PUBLISHED
from golgi.figures.graph_marks import activation_colour
from golgi.figures.strips import MOST_LINES, number_of_lines, set_text

OPTIONS = {"dpi": 300, "fires": 0.5}
ODD = (
    "\N{CJK UNIFIED IDEOGRAPH-732B}" * 30,
    "␣\N{HEBREW LETTER SHIN}\N{HEBREW LETTER LAMED}",
    "\x07",
    "",
    "x" * 90,
)


def draw(name: str, tables: dict[str, pl.DataFrame], **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_figure(name, tables, OPTIONS | options)
        figure.canvas.draw()
    return figure


def named(figure, gid: str) -> list:
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text)]


def f1_rows(tables: dict[str, pl.DataFrame], **chosen) -> pl.DataFrame:
    rows = tables["graph_layers"].filter(pl.col("measure") == "f1")
    return rows.filter(*(pl.col(name) == value for name, value in chosen.items())).sort("layer")


def test_curves_are_the_means_of_the_table_and_the_band_their_interval():
    tables = graph_tables(layers=6)
    figure = draw("graph_f1_by_layer", tables)
    chosen = {"checkpoint": "400", "text": "test", "windows": "strong"}
    for method in ("graph", "token", "bigram", "trigram"):
        expected = f1_rows(tables, method=method, **chosen)["mean"].to_list()
        assert named(figure, method)[0].get_ydata() == pytest.approx(expected)
    graph = f1_rows(tables, method="graph", **chosen)
    heights = named(figure, "band")[0].get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(graph["low"].min())
    assert heights.max() == pytest.approx(graph["high"].max())


def test_strong_and_random_windows_of_both_texts_have_a_panel_each():
    assert len(draw("graph_f1_by_layer", graph_tables()).axes) == 4
    assert len(draw("graph_f1_by_layer", graph_tables(shifted=False)).axes) == 2
    assert len(draw("graph_f1_by_layer", graph_tables(models=("a", "b", "c"))).axes) == 12


@pytest.mark.parametrize("layers", [1, 4, 6, 36])
def test_published_values_stand_at_their_own_layers_on_strong_windows_of_test_text_alone(layers):
    (line,) = named(draw("graph_f1_by_layer", graph_tables(layers=layers)), "published")
    said = [text.get_text() for text in line.axes.texts]
    assert "mini-s, mlp_post, test text" in said
    assert any(text.startswith("strong windows") for text in said)
    assert line.get_xdata().tolist() == list(range(min(layers, 6)))
    assert line.get_ydata().tolist() == list(PUBLISHED[:layers])


def test_no_published_value_is_drawn_for_layers_beyond_them():
    deep = graph_tables(layers=4)
    deep["graph_layers"] = deep["graph_layers"].with_columns(pl.col("layer") + 8)
    assert not named(draw("graph_f1_by_layer", deep), "published")


def test_the_untrained_twin_is_drawn_where_the_study_has_it_and_alone_where_it_has_nothing_else():
    assert len(named(draw("graph_f1_by_layer", graph_tables()), "untrained")) == 4
    assert not named(draw("graph_f1_by_layer", graph_tables(untrained=False)), "untrained")
    alone = graph_tables()["graph_layers"].filter(pl.col("checkpoint") == "untrained")
    figure = draw("graph_f1_by_layer", {"graph_layers": alone})
    assert len(named(figure, "graph")) == 4
    assert not named(figure, "untrained")


def test_a_layer_without_a_mean_is_a_gap_and_silent_units_are_counted():
    tables = graph_tables(layers=3, undefined=True)
    figure = draw("graph_f1_by_layer", tables)
    assert np.isnan(named(figure, "graph")[0].get_ydata()[-1])
    assert "strong windows; n = 0 to 50 a layer; 51 of 150 never fire" in texts(figure)


def test_ablation_draws_paired_differences_with_their_intervals():
    tables = graph_tables()
    figure = draw("graph_ablation", tables)
    rows = tables["graph_ablation"].filter(
        pl.col("variant") == "no_saliency", pl.col("measure").is_in(["precision", "recall", "f1"])
    )
    points = [point.get_xdata()[0] for point in named(figure, "no_saliency")]
    assert sorted(points) == pytest.approx(sorted(rows["difference"]))
    assert len(named(figure, "interval")) == 5 * rows.height
    assert len(figure.axes) == 6
    assert sum("all stages: test .70, shifted .60; 60 units" in text for text in texts(figure)) == 1


def test_ablation_on_a_narrow_page_and_of_some_stages():
    some = graph_tables()["graph_ablation"].filter(pl.col("variant").is_in(["full", "no_prune"]))
    figure = draw("graph_ablation", {"graph_ablation": some}, width_mm=88)
    assert {"without pruning"} == {text for text in texts(figure) if text.startswith("without")}


def test_a_difference_without_a_value_is_said_to_be_undefined():
    assert "undefined" in " ".join(texts(draw("graph_ablation", graph_tables(undefined=True))))


def test_gallery_shades_true_and_underlines_expected_activations():
    tables = graph_tables(layers=1)
    rows = tables["graph_gallery"]
    figure = draw("graph_gallery", tables)
    assert len(named(figure, "text")) == rows.height
    shaded = [patch.get_facecolor() for patch in named(figure, "true")]
    white = sum(colour == (1.0, 1.0, 1.0, 1.0) for colour in shaded)
    assert white == rows.filter(pl.col("activation") == 0).height
    keys = 1
    assert len(named(figure, "predicted")) == rows.filter(pl.col("predicted") > 0).height + keys


def test_gallery_shows_the_graph_of_each_unit_and_how_well_it_foretells():
    tables = graph_tables(layers=1)
    units = tables["graph_gallery"].unique("unit")
    figure = draw("graph_gallery", tables)
    nodes = [json.loads(line)["nodes"] for line in units["graph"]]
    roots = sum(node["parent"] is None for graph in nodes for node in graph)
    assert len(named(figure, "facts")) == units.height == 3
    assert "F1 .91, precision .91, recall 1.00" in texts(figure)
    assert 0 < len(named(figure, "link")) <= sum(map(len, nodes)) - roots


@pytest.mark.parametrize(
    ("layers", "models", "width", "sections", "left"),
    [
        (2, ("a",), None, ["a, mlp_post, layer 0", "a, mlp_post, layer 1"], ""),
        (36, ("a",), None, [f"a, mlp_post, layer {layer}" for layer in (0, 18, 35)], "99"),
        (36, ("a",), 88, ["a, mlp_post, layer 35"], "105"),
        (6, ("a", "b", "c"), None, [f"{model}, mlp_post, layer 5" for model in "abc"], "45"),
    ],
)
def test_gallery_shows_the_deepest_layer_and_counts_what_it_does_not_show(
    layers, models, width, sections, left
):
    figure = draw("graph_gallery", graph_tables(layers=layers, models=models), width_mm=width)
    assert [text.get_text() for text in named(figure, "heading")] == sections
    notes = [text for text in texts(figure) if "in table graph_gallery" in text]
    assert notes == ([f"{left} more units, of other layers, in table graph_gallery"] if left else [])


def test_a_unit_that_is_best_and_worst_is_shown_once():
    rows = graph_tables(layers=1)["graph_gallery"].with_columns(unit=pl.lit(3))
    figure = draw("graph_gallery", {"graph_gallery": rows.filter(pl.col("standing") != "median")})
    assert [text.get_text() for text in named(figure, "unit")] == ["best, worst: unit 3"]


@pytest.mark.parametrize("width", [88, 180])
def test_gallery_of_odd_tokens_keeps_to_the_page(width):
    rng = np.random.default_rng(0)
    rows = gallery_table(rng, [("mini", "final")], ["mlp_post"], 1, True, ODD)
    figure = draw("graph_gallery", {"graph_gallery": rows}, width_mm=width)
    right, _ = figure.get_size_inches() * figure.dpi
    renderer = figure.canvas.get_renderer()
    for text in named(figure, "text"):
        box = text.get_window_extent(renderer)
        assert -1 <= box.x0 <= box.x1 <= right + 1
    assert {"no path was found", "F1 undefined"} <= set(texts(figure))


def tokens(*words: str, peak: int = 0) -> list[dict]:
    return [
        {"token": word, "activation": float(place == peak), "predicted": 0.0}
        for place, word in enumerate(words)
    ]


def test_words_stand_apart_and_their_tokens_together():
    dog, s, ran = set_text(tokens("␣dog", "s", "␣ran"), 50)
    assert [piece.text for piece in (dog, s, ran)] == ["dog", "s", "ran"]
    assert s.left - dog.left - dog.width < ran.left - s.left - s.width


def test_a_line_is_broken_before_a_word_where_it_can_be():
    pieces = set_text(tokens("␣running", "␣dog", "ged", "ness"), 16)
    assert [piece.line for piece in pieces] == [0, 1, 1, 1]


@pytest.mark.parametrize("peak", [0, TOKENS // 2, TOKENS - 1])
def test_a_text_with_more_lines_than_fit_keeps_its_strongest_token(peak):
    pieces = set_text(tokens(*["␣extraordinary"] * TOKENS, peak=peak), 20)
    assert number_of_lines(pieces) == MOST_LINES
    assert any(piece.activation == 1 for piece in pieces)
    assert sum(piece.text == "…" for piece in pieces) == (1 if peak in (0, TOKENS - 1) else 2)


def test_red_of_a_text_is_the_red_of_a_graph():
    figure = draw("graph_gallery", graph_tables(layers=1))
    strongest = graph_tables(layers=1)["graph_gallery"]["activation"].max()
    colours = {patch.get_facecolor() for patch in named(figure, "true")}
    wanted = tuple(int(activation_colour(strongest)[at : at + 2], 16) / 255 for at in (1, 3, 5))
    assert any(colour[:3] == pytest.approx(wanted) for colour in colours)


def test_the_caption_of_layers_states_first_and_last_baselines_and_silent_units():
    text = caption("graph_f1_by_layer", graph_tables(layers=3), OPTIONS)
    assert "Foote et al. 2023" in text
    assert (
        "mini-s at step 400. mlp_post, strong windows of test text: F1 .75 [.70, .80] in layer 0, "
        ".45 [.40, .50] in layer 2 (there .25 for the token alone, .30 for bigrams, .15 for trigrams and .14 "
        "in the untrained twin); of 150 units, 3 never fire and 0 are never expected to." in text
    )
    assert "No text from another source" not in text
    assert "No text from another source was read." in caption(
        "graph_f1_by_layer", graph_tables(shifted=False), OPTIONS
    )


def test_a_baseline_inside_the_interval_is_named_in_the_caption():
    layers = graph_tables()["graph_layers"]
    strong = layers.with_columns(
        mean=pl.when(pl.col("method") == "bigram").then(0.9).otherwise(pl.col("mean"))
    )
    assert "There its interval does not lie above that of bigrams." in caption(
        "graph_f1_by_layer", {"graph_layers": strong}, OPTIONS
    )


def test_the_caption_of_an_undefined_score_says_so():
    tables = graph_tables(layers=1, undefined=True)
    assert "F1 is undefined in every layer" in caption("graph_f1_by_layer", tables, OPTIONS)
    assert "an undefined change without augmentation" in caption("graph_ablation", tables, OPTIONS)
    assert "undefined (worst)" in caption("graph_gallery", tables, OPTIONS)


def test_the_caption_of_the_ablation_states_each_stage():
    assert (
        "mini-s at step 400. Strong windows of test text: F1 .70 with all stages (60 units), "
        "−.04 [−.07, −.01] without pruning, −.08 [−.11, −.05] without saliency,"
        in caption("graph_ablation", graph_tables(), OPTIONS)
    )
    assert "−.20 [−.23, −.17] as published." in caption("graph_ablation", graph_tables(), OPTIONS)


def test_the_caption_of_the_gallery_names_the_worst_of_the_deepest_layer():
    text = caption("graph_gallery", graph_tables(layers=6), OPTIONS)
    assert "mini-s at step 400: F1 .91 (best), .60 (median) and .12 (worst)" in text
    assert "the worst of the deepest layer is mlp_post 5.37 (F1 .12)." in text


def test_naming_draws_own_and_wrong_concepts_with_their_intervals():
    tables = graph_tables(models=("a", "b"))
    figure = draw("graph_naming", tables)
    rows = tables["graph_naming"]
    assert len(figure.axes) == 3
    for gid, column in (("its own concept", "named"), ("another concept", "other")):
        drawn = [point.get_xdata()[0] for point in named(figure, gid)]
        assert sorted(drawn) == pytest.approx(sorted(rows[column]))
    assert len(named(figure, "interval")) == 2 * rows.height
    assert "a, step 400\n70 experts of 24 concepts" in texts(figure)
    assert "a, untrained\n70 experts of 24 concepts" in texts(figure)
    assert [text for text in texts(figure) if text.startswith("p ")].count("p < .001") == 2


def test_naming_on_a_narrow_page_keeps_its_labels_on_it():
    figure = draw("graph_naming", graph_tables(models=("a-model-of-a-long-name-" * 4,)), width_mm=88)
    renderer = figure.canvas.get_renderer()
    right, _ = figure.get_size_inches() * figure.dpi
    for text in figure.findobj(Text):
        box = text.get_window_extent(renderer)
        assert -1 <= box.x0 <= box.x1 <= right + 1


def test_naming_without_experts_says_so():
    figure = draw("graph_naming", graph_tables(undefined=True))
    assert "No expert of a concept has a graph." in texts(figure)
    text = caption("graph_naming", graph_tables(undefined=True), OPTIONS)
    assert "mini-s at step 400 no expert has a graph." in text


def test_the_caption_of_naming_states_both_shares_and_the_test():
    text = caption("graph_naming", graph_tables(), OPTIONS)
    assert (
        "mini-s at step 400, 70 experts of 24 concepts: "
        ".70 [.60, .79] fire on the word of their own concept, .020 that of another "
        "(p < .001, Holm-adjusted p < .001); "
        ".30 [.20, .39] fire mostly on it, .020 that of another (p = .400, Holm-adjusted p = .400); "
        ".20 [.10, .29] need it before, .020 that of another (p = .400)."
    ) in text
    assert "mini-s at the untrained checkpoint, 70 experts" in text
    assert text.count("is not shown") == 1


def test_gallery_says_what_an_example_is_of_and_how_many_units_were_ranked():
    figure = draw("graph_gallery", graph_tables(layers=1))
    kinds = [text.get_text() for text in named(figure, "kind")]
    assert kinds == ["strongest", "firing", "false alarm"] * 3
    assert [text.get_text() for text in named(figure, "ranked")] == ["48 units ranked, 2 never fire"]
