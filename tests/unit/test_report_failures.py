"""What did not work is told with its number and its table, and nothing is told where nothing failed."""

import polars as pl
import pytest
from synthetic_results import case
from test_graphs_drawing import unit_row, units_table
from test_report import results, section, written

from golgi.figures.style import CONTROLS
from golgi.reporting.besides import beside_rows
from golgi.reporting.controls import control_rows
from golgi.reporting.failures import failures, not_asked
from golgi.reporting.planned import planned


def told(tables: dict[str, pl.DataFrame], **asked: int) -> dict[str, list[tuple[str, str]]]:
    groups = failures(
        tables,
        threshold=0.5,
        planned=planned(tables),
        controls=control_rows(tables, 0.5),
        besides=beside_rows(tables, 0.5),
        asked=asked,
    )
    return {group["heading"]: [tuple(line) for line in group["lines"]] for group in groups}


def lines(tables: dict[str, pl.DataFrame], table: str, **asked: int) -> list[str]:
    """The lines of what one table says, given this table alone."""
    return [text for group in told({table: tables[table]}, **asked).values() for text, _ in group]


def edited(table: str, **columns: object) -> dict[str, pl.DataFrame]:
    frame = case("small")[table]
    return {table: frame.with_columns(**{name: pl.lit(value) for name, value in columns.items()})}


def test_claims_that_are_not_held_are_told_and_no_others():
    claims = case("small")["claims"].sort("index")
    failed = claims.filter(pl.col("verdict") != "held")["say"].to_list()
    found = [text for text in lines(case("small"), "claims") if " left out, without a value." not in text]
    assert len(found) == len(failed) > 1
    for text, say in zip(found, failed, strict=True):
        assert text.startswith(("Not held in mini-s: ", "Underpowered in mini-s: "))
        assert f"“{say.rstrip('.')}”" in text


def test_a_planned_test_that_shows_nothing_is_told():
    found = lines(edited("categories", p_holm=0.3, p=0.2), "categories")
    assert "Not shown in mini-s: Concepts of one category share more experts" in found[0]
    assert "Holm-adjusted p = .300" in found[0]
    undefined = lines(case("no experts"), "hierarchy_tree")
    assert undefined[0].startswith("Undefined in mini-s: The tree that overlap makes of the concepts")


def test_concepts_without_experts_are_named_and_counted():
    found = told({"counts": case("no experts")["counts"]})["Concepts and their experts"]
    here, higher, earlier = [text for text, _ in found]
    assert "mini-s has no expert for 12 of its 12 concepts at step 143,000, AP .50: thing000," in here
    assert "no expert at AP .60 for 12" in higher
    assert "earlier in training, of 12 concepts: no expert at step 0 for 12" in earlier
    none = case("200 concepts")["counts"].with_columns(experts=pl.lit(0))
    assert any(text.endswith("and 188 more.") for text in lines({"counts": none}, "counts"))


def test_experts_that_chance_explains_are_told():
    found = lines(edited("discoveries", fdr=0.5), "discoveries")
    assert any("480 of 4,800 experts are not left" in text for text in found)
    expected = "chance is expected to give more than .05 of the experts of 12 concepts: thing000,"
    assert any(expected in text for text in found)
    sure = edited("discoveries", fdr=0.0, controlled=4, experts=4)
    assert "Concepts and their experts" not in told(sure)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"dead": True}, "is dead"),
        ({"nodes": 0, "dead": False}, "is without a graph"),
        ({"activating": 0, "nodes": 5}, "that never expects firing"),
        ({"f1": None, "dead": False}, "silent in random windows of test text"),
        ({"f1": 0.0}, "foretells none of the firings"),
        ({"f1": 0.4, "f1_token": 0.5}, "no better foretold by the graph than by the activating token"),
        ({"weak": 2}, "left out as too weak"),
        ({"long_range": 3}, "no context up to the cap explains"),
    ],
    ids=["dead", "no graph", "no firing", "silent", "wrong", "token", "weak", "far"],
)
def test_units_that_graphs_do_not_explain_are_counted(columns, words):
    fine = unit_row(0, 0.9, f1_token=0.2, activating=2)
    sound = units_table(fine, fine | {"unit": 1})
    assert lines({"graph_units": sound}, "graph_units") == []
    failing = units_table(fine, fine | {"unit": 1} | columns)
    found = lines({"graph_units": failing}, "graph_units")
    assert any(words in text for text in found)


def test_the_worst_graphs_are_named():
    units = units_table(*(unit_row(unit, 0.1 + unit / 10, activating=1) for unit in range(9)))
    found = lines({"graph_units": units}, "graph_units")
    assert found == [
        "mini: 4 of 9 units have graphs with an F1 below .50, the lowest mlp_post 0.0 (.10), "
        "mlp_post 0.1 (.20), mlp_post 0.2 (.30) and mlp_post 0.3 (.40)."
    ]


def test_silent_layers_are_one_line_for_each_kind_of_text():
    found = lines(edited("graph_layers", never_fires=2, never_predicts=1), "graph_layers")
    assert len(found) == 4
    assert all("4 never fire (in layers 0 and 1) and 2 are never expected to" in text for text in found)
    assert lines(edited("graph_layers", never_fires=0, never_predicts=0), "graph_layers") == []


def test_undefined_numbers_are_counted_by_control():
    found = lines(case("no experts"), "alignment")
    assert any("165 of 181 correlations with references are undefined (measured 40" in text for text in found)
    choices = lines(case("no experts"), "sensitivity")
    assert choices[0].startswith("mini-s: alignment with men is undefined with")
    assert "pooling last" in choices[0]


def test_few_pairs_are_told():
    assert any("rests on only 12 pairs" in text for text in lines(edited("alignment", pairs=12), "alignment"))
    assert not [text for text in lines(edited("alignment", pairs=30), "alignment") if "rests" in text]


def test_what_means_are_without_is_told():
    assert any(
        "did not converge for 2 of" in text for text in lines(edited("distributed", failed=2), "distributed")
    )
    found = lines(edited("interventions", without=3), "interventions")
    assert any("3 of" in text and "without a prompt that measures it" in text for text in found)
    assert any("could be set" in text for text in lines(case("small"), "interventions"))
    weak = lines(edited("interventions", p_smallest=0.0625), "interventions")
    assert any("no p-value below .062" in text or "no p-value below .063" in text for text in weak)


def test_sentences_that_are_short_dropped_or_shared_are_told():
    concepts = case("small")["concepts"]
    wanted = concepts["negatives"].max() + 1
    found = lines(case("small"), "concepts", negatives=wanted)
    assert any(f"with fewer than {wanted:,} negatives, the fewest" in text for text in found)
    assert any("36 repeated within their concept" in text for text in found)
    assert any("48 positives name another concept" in text for text in found)
    clean = edited("concepts", duplicates_within=0, duplicates_across=0, shared=0, positives=9, negatives=9)
    assert lines(clean, "concepts") == []


def test_a_model_that_learned_no_more_than_bigrams_is_told():
    found = lines(edited("training", bigram_loss=0.1), "training")
    assert any("is not below the bigram model's 0.10" in text for text in found)


def test_every_failure_links_to_its_table(tmp_path):
    tables = case("small")
    text = section(written(results(tmp_path, tables, ())), "failures")
    for group, found in told(tables).items():
        assert f"{group}</h3>" in text
        assert all(f'href="tables/{table}.' in text for _, table in found)


def test_nothing_failed_is_said_where_nothing_did(tmp_path):
    tables = edited("concepts", duplicates_within=0, duplicates_across=0, shared=0, positives=9, negatives=9)
    text = section(written(results(tmp_path, tables, ())), "failures")
    assert "Nothing failed" in text
    assert "Nothing failed" not in section(written(results(tmp_path / "b", case("small"), ())), "failures")


def test_what_a_study_does_not_ask_is_told():
    asked = {"experts": {"controls": list(CONTROLS)}, "analyses": {"overlap": {}}, "graphs": True}
    missing = not_asked(asked | {"claims": ["one"]})
    assert "overlap" not in missing
    assert {"interventions", "sensitivity"} <= set(missing)
    assert "the control shuffled" in not_asked({"experts": {"controls": ["untrained"]}})
