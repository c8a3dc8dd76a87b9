"""Dendrogram and containment draw what their tables say, and their captions say what is not shown."""

import warnings

import numpy as np
import polars as pl
import pytest
from synthetic_results import case

from golgi.captions import caption
from golgi.figures import FIGURES, draw_figure
from golgi.figures.dendrogram import LETTERS, lay_out, leaves_of, plan_page

OPTIONS = {"threshold": 0.5, "thresholds": [0.5]}


def draw(name, tables, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = draw_figure(
            name, {table: tables[table] for table in FIGURES[name].TABLES}, OPTIONS | options
        )
        figure.canvas.draw()
    return figure


def named(figure, gid):
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def written(name, tables):
    return caption(name, {table: tables[table] for table in FIGURES[name].TABLES}, OPTIONS)


def changed(tables, name, **columns):
    return tables | {name: tables[name].with_columns(**columns)}


def test_leaves_are_named_in_the_order_of_the_tree():
    tables = case("small")
    merges = tables["hierarchy_merges"].filter(pl.col("control") == "measured")
    names = tables["concepts"]["concept"].to_list()
    figure = draw("dendrogram", tables)
    assert [text.get_text() for text in named(figure, "leaf")] == [names[i] for i in lay_out(merges).order]
    categories = dict(tables["concepts"].select("concept", "category").rows())
    letters = leaves_of(tables["concepts"]).letters
    drawn = [text.get_text() for text in named(figure, "letter")]
    assert drawn == [letters[categories[text.get_text()]] for text in named(figure, "leaf")]


def test_merges_stand_at_their_distance_over_the_middle_of_what_they_join():
    merges = case("small")["hierarchy_merges"].filter(pl.col("control") == "measured")
    tree = lay_out(merges)
    np.testing.assert_allclose(tree.branches[:, 1, 0], merges.sort("merge")["distance"])
    top = tree.branches[-1]
    for row, branch in zip(merges.iter_rows(named=True), tree.branches, strict=True):
        for end, name in ((0, "first"), (3, "second")):
            if row[name] < 12:
                assert branch[end, 0] == 0
                assert tree.order[int(branch[end, 1])] == row[name]
            else:
                below = tree.branches[row[name] - 12]
                assert branch[end].tolist() == [below[1, 0], (below[0, 1] + below[3, 1]) / 2]
    assert top[1, 0] == tree.branches[:, 1, 0].max()


def test_names_are_folded_into_columns_of_a_page_and_left_out_beyond_it():
    one = plan_page(242, 1, 180, 10)
    assert (one.named, one.columns) == (True, 3)
    assert one.head + one.height + 20 < 240
    assert not plan_page(242, 2, 180, 10).named
    assert not plan_page(242, 2, 88, 10).named
    assert plan_page(48, 1, 88, 10) == plan_page(48, 1, 89, 10)
    assert plan_page(48, 1, 88, 10).columns == 1
    beside = plan_page(48, 2, 180, 10)
    assert (beside.across, beside.columns, beside.named) == (2, 1, True)


def test_every_concept_is_marked_once_with_and_without_names():
    for kind, trees, marks in (("small", 1, 12), ("200 concepts", 1, 200), ("many", 3, 48)):
        figure = draw("dendrogram", case(kind))
        found = sum(len(collection.get_paths()) for collection in named(figure, "categories"))
        assert found == trees * marks
    crowded = draw("dendrogram", case("200 concepts"), width_mm=60)
    assert not named(crowded, "leaf")
    (marked,) = named(crowded, "categories")
    assert len(marked.get_paths()) == 200
    columns = {round(path.vertices[0, 0], 6) for path in marked.get_paths()}
    assert len(columns) == case("200 concepts")["concepts"]["category"].n_unique()


def test_more_categories_than_letters_are_numbered():
    concepts = case("200 concepts")["concepts"].with_columns(
        category=pl.format("kind {}", pl.int_range(pl.len()) % (len(LETTERS) + 1))
    )
    assert list(leaves_of(concepts).letters.values())[-1] == str(len(LETTERS) + 1)


def test_containment_draws_own_and_wrong_parents_with_the_interval_from_the_wrong_ones():
    tables = case("small")
    figure = draw("containment", tables)
    rows = tables["hierarchy"].filter(pl.col("threshold") == 0.5)
    assert len(figure.axes) == 4
    known = rows.filter(pl.col("own").is_not_null())
    assert len(named(figure, "own")) == len(named(figure, "wrong")) == len(known)
    assert len(named(figure, "undefined")) == len(rows) - len(known)
    measured = rows.filter(control="measured", parent="pooled", direction="child_in_parent").row(
        0, named=True
    )
    panel = figure.axes[0]
    ends = next(line.get_xdata() for line in panel.lines if line.get_gid() == "interval")
    assert list(ends) == pytest.approx([measured["wrong"] + measured[end] for end in ("low", "high")])
    assert panel.get_yticklabels()[0].get_text() == "measured"


def test_captions_state_the_numbers():
    text = written("containment", case("small"))
    assert ".300 of a child's experts are its parent's, against .100 for wrong parents" in text
    assert "Holm-adjusted p < .001; n = 11; 1 without a value" in text
    text = written("dendrogram", case("small"))
    assert "r = .600 with the lexicon's tree (36 % of the variance" in text
    assert "not shown" not in text


def test_captions_say_where_a_hierarchy_is_not_supported():
    tables = case("small")
    weak = changed(tables, "hierarchy_tree", p_holm=pl.lit(0.2))
    assert "A tree like the lexicon's is not shown." in written("dendrogram", weak)
    equal = changed(tables, "hierarchy_tree", correlation=pl.lit(0.6))
    assert "It is as high in the untrained twin" in written("dendrogram", equal)
    slight = changed(tables, "hierarchy_tree", correlation=pl.col("correlation") / 10)
    assert "the agreement is slight" in written("dendrogram", slight)
    weak = changed(tables, "hierarchy", p_holm=pl.lit(0.2))
    assert "That own parents have more is not shown (child in parent and parent in child)." in written(
        "containment", weak
    )
    wide = changed(tables, "hierarchy", low=pl.lit(-0.1))
    assert "The interval of the difference includes 0" in written("containment", wide)
    equal = changed(tables, "hierarchy", difference=pl.lit(0.3))
    assert "does not lie above the value" in written("containment", equal)
    none = written("containment", case("no experts"))
    assert "Nothing can be said of child in parent and parent in child." in none
    assert "there is no tree to compare" in written("dendrogram", case("no experts"))
