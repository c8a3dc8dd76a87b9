"""The figure of what a language model wrote draws the table, and its caption says no more than that."""

import polars as pl
import pytest
from matplotlib.patches import Rectangle
from synthetic_results import concept_names
from synthetic_writing import GATES, writing_tables

from golgi.captions import caption
from golgi.figures import draw_figure
from golgi.figures.style import CONTRAST
from golgi.figures.writing import VERDICTS
from golgi.figures.writing_concepts import MOST_ROWS, lines_of
from golgi.tables import table_schema


def tables(concepts: int, **settings) -> dict[str, pl.DataFrame]:
    return writing_tables(concept_names(concepts, False), **settings)


def named(figure, gid: str) -> list:
    return figure.findobj(lambda artist: artist.get_gid() == gid)


def texts(figure, gid: str) -> list[str]:
    return [text.get_text() for text in named(figure, gid) if text.get_text()]


def test_every_verdict_of_the_table_is_drawn_and_in_the_order_of_the_gates():
    columns = [column["name"] for column in table_schema("writing")["columns"]]
    assert list(VERDICTS)[1:] == columns[columns.index("sentences") + 1 : columns.index("kept")]
    assert tuple(VERDICTS)[1:] == GATES
    assert len({colour for _, colour in VERDICTS.values()}) == len(VERDICTS)


@pytest.mark.parametrize("width", [88, 180])
def test_parts_of_the_bars_are_the_shares_and_follow_each_other(width):
    found = tables(24)
    figure = draw_figure("writing", found, {"width_mm": width})
    for kind in ("fact", "story"):
        rows = found["writing"].filter(pl.col("kind") == kind)
        reach = 0.0
        for verdict in VERDICTS:
            share = rows[verdict].sum() / rows["sentences"].sum()
            (part,) = (one for one in named(figure, f"{kind} {verdict}") if isinstance(one, Rectangle))
            assert (part.get_x(), part.get_width()) == pytest.approx((reach, share))
            reach += share
        assert reach == pytest.approx(1)


def test_the_key_has_number_and_share_of_every_verdict():
    found = tables(8)
    numbers = texts(draw_figure("writing", found, {}), "number")
    assert len(numbers) == (len(VERDICTS) + 1) * 4
    facts = found["writing"].filter(pl.col("kind") == "fact")
    kept, total = facts["kept"].sum(), facts["sentences"].sum()
    assert numbers[:2] == [f"{kept:,}", f"{100 * kept / total:.1f}"]
    assert numbers[-4:] == [f"{total:,}", "100.0", numbers[-2], "100.0"]


def test_a_mark_per_concept_and_kind_at_what_it_has_of_what_it_wants():
    found = tables(24)
    figure = draw_figure("writing", found, {})
    for kind in ("fact", "story"):
        rows = found["writing"].filter(pl.col("kind") == kind).sort("index")
        marks = named(figure, kind)
        assert [mark.get_xdata()[0] for mark in marks] == pytest.approx(
            (rows["kept"] / rows["wanted"]).to_list()
        )
        short = [mark.get_color() == CONTRAST for mark in marks]
        assert short == (rows["missing"] > 0).to_list()
    short = found["writing"].filter(pl.col("missing") > 0)
    assert len(named(figure, "gap")) == short.height
    assert texts(figure, "missing fact") == [f"{number:,}" for number in short.sort("index")["missing"]]
    assert not texts(figure, "missing story")
    assert texts(figure, "category") == ["category a", "category b", "category c"]


def test_concepts_of_a_category_stand_together_whatever_the_order_of_the_lexicon():
    mixed = writing_tables([("dog", "animal"), ("apple", "fruit"), ("cat", "animal")])
    assert [line.name for line in lines_of(mixed["writing"]).rows] == ["dog", "cat", "apple"]


def test_of_many_concepts_each_row_is_a_category_with_its_spread():
    found = tables(200)
    figure = draw_figure("writing", found, {})
    facts = (
        found["writing"]
        .filter(pl.col("kind") == "fact")
        .with_columns(share=pl.col("kept") / pl.col("wanted"))
    )
    for place, (_, part) in enumerate(facts.group_by("category", maintain_order=True)):
        assert named(figure, "fact")[place].get_xdata() == pytest.approx([part["share"].median()])
        (ends,) = named(figure, "spread fact")[place].get_segments()
        assert ends[:, 0] == pytest.approx([part["share"].min(), part["share"].max()])
    short = facts.filter(pl.col("missing") > 0)
    assert sum(len(mark.get_xdata()) for mark in named(figure, "short")) == short.height
    per_category = short.group_by("category", maintain_order=True).len().rows()
    assert texts(figure, "missing fact") == [f"{number} of 8" for _, number in per_category]


def test_categories_without_a_row_of_their_own_are_counted_in_one():
    names = [(f"thing{place}", f"category {place // 4}") for place in range(4 * MOST_ROWS + 40)]
    lines = lines_of(writing_tables(names)["writing"])
    assert len(lines.rows) == MOST_ROWS
    assert lines.rows[-1].name == "11 other categories"
    assert sum(len(row.shares["fact"]) for row in lines.rows) == len(names)


def test_a_kind_that_is_not_wanted_has_no_mark_and_is_not_short():
    found = tables(3, short=0)["writing"]
    none = [
        pl.when(pl.col("kind") == "fact").then(0).otherwise(name).alias(name) for name in ("wanted", "kept")
    ]
    figure = draw_figure("writing", {"writing": found.with_columns(none)}, {})
    assert all(len(mark.get_xdata()) == 0 for mark in named(figure, "fact"))
    assert "Every concept has" in caption("writing", {"writing": found.with_columns(none)}, {})


def test_caption_states_requests_sentences_the_share_kept_and_the_two_gates_that_took_most():
    found = tables(24)
    sums = found["writing"].select(pl.col(pl.Int64).sum()).row(0, named=True)
    text = caption("writing", found, {})
    assert f"{sums['requests']:,} requests gave {sums['sentences']:,} sentences" in text
    assert f"{100 * sums['kept'] / sums['sentences']:.3g} % of them were kept; " in text
    assert (
        f"{100 * sums['similar'] / sums['sentences']:.3g} % were nearly the same as one before and " in text
    )
    assert f"{100 * sums['unnamed'] / sums['sentences']:.3g} % did not name the concept." in text
    assert f"in {sums['refusals']} replies and the last sentence was cut off in {sums['cuts']}." in text
    assert f"this cost {found['writing']['cost'].sum():.2f}." in text


def test_caption_names_the_concepts_that_are_short_and_counts_the_rest():
    found = tables(200)["writing"]
    short = found.filter(pl.col("missing") > 0).sort("missing", descending=True)
    text = caption("writing", {"writing": found}, {})
    assert f"40 of 200 concepts are short, by {short['missing'].sum():,} sentences: " in text
    assert f": {short['concept'][0]} ({short['missing'][0]} facts), " in text
    assert "and 34 more." in text
    one = {"writing": writing_tables([("dog", "animal"), ("cat", "animal")])["writing"]}
    assert "1 of 2 concepts is short" in caption("writing", one, {})


def test_caption_of_a_study_without_prices_or_shortage_mentions_neither():
    free = tables(8, short=0)["writing"].with_columns(cost=pl.lit(None, pl.Float64))
    text = caption("writing", {"writing": free}, {})
    assert "cost" not in text
    assert "Every concept has the sentences that it wants." in text


def test_a_model_that_wrote_nothing_is_said_to_have():
    found = tables(8, silent=True)
    figure = draw_figure("writing", found, {})
    assert texts(figure, "none") == ["no sentence", "no sentence"]
    assert "gave 0 sentences" in caption("writing", found, {})
