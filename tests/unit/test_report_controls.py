"""Controls stand beside what was measured, in numbers of the tables, and are marked where they reach it."""

import re

import polars as pl
import pytest
from synthetic_results import CASES, case
from test_report import results, section, written

from golgi.figures.rows import at_last, at_threshold, jaccard, share
from golgi.figures.style import CONTROLS
from golgi.reporting.besides import CEILING, beside_rows
from golgi.reporting.controls import control_rows
from golgi.reporting.planned import planned


def row_of(tables: dict[str, pl.DataFrame], table: str, says: str = ""):
    return next(row for row in control_rows(tables, 0.5) if row.table == table and says in row.says)


def test_numbers_are_those_of_the_table():
    tables = case("small")
    last = at_last(at_threshold(jaccard(tables["alignment"]), 0.5))
    values = dict(last.filter(pl.col("reference") == "taxonomy").select("control", "rho").rows())
    row = row_of(tables, "alignment", "taxonomy")
    assert (row.value, row.others) == (values["measured"], {name: values[name] for name in CONTROLS})
    assert row.measured == share(values["measured"])


def test_experts_have_their_interval_where_the_study_follows_training():
    tables = case("small")
    assert row_of(tables, "dynamics").interval
    assert not any(row.table == "counts" for row in control_rows(tables, 0.5))
    alone = {"counts": tables["counts"]}
    assert row_of(alone, "counts").value == pytest.approx(row_of(tables, "dynamics").value, rel=1)


def test_a_control_that_reaches_the_interval_is_marked(tmp_path):
    tables = case("small")
    high = tables["categories"].with_columns(
        difference=pl.when(pl.col("control") == "rotated").then(0.99).otherwise("difference")
    )
    assert row_of({"categories": high}, "categories").reached == ["rotated"]
    text = section(written(results(tmp_path, tables | {"categories": high}, ())), "controls")
    assert '<td class="number reached">.99 †</td>' in text


def test_without_an_interval_the_number_itself_is_compared():
    tree = case("small")["hierarchy_tree"]
    assert row_of({"hierarchy_tree": tree}, "hierarchy_tree").low is None
    same = tree.with_columns(correlation=pl.lit(0.4))
    assert set(row_of({"hierarchy_tree": same}, "hierarchy_tree").reached) == set(CONTROLS)


def test_an_undefined_control_is_said_and_reaches_nothing():
    row = row_of(case("small"), "hierarchy_tree")
    assert row.others["shuffled"] is None
    assert row.beside("shuffled") == "undefined"
    assert "shuffled" not in row.reached


def test_baselines_and_wrong_answers_stand_beside_results():
    found = {(row.table, row.against): row for row in beside_rows(case("many"), 0.5)}
    assert {against for table, against in found if table == "alignment"} >= {"input embeddings", CEILING}
    assert not found["alignment", CEILING].above
    assert {against for table, against in found if table == "interventions"} == {"random units", "next units"}
    assert ("graph_layers", "token alone") in found
    assert ("hierarchy", "other categories") in found


@pytest.mark.parametrize("name", CASES)
def test_every_study_has_a_page(tmp_path, name):
    text = written(results(tmp_path, case(name), ()))
    assert text.endswith("</html>\n") or text.endswith("</html>")
    assert "None" not in re.sub(r"<style>.*?</style>|data:[^\"]*", "", text, flags=re.S)


def test_planned_tests_are_all_that_the_tables_plan(tmp_path):
    tables = case("small")
    number = sum(
        frame.filter(pl.col("family") == "planned").height
        for frame in tables.values()
        if "family" in frame.columns
    )
    assert len(planned(tables)) == number
    text = section(written(results(tmp_path, tables, ())), "claims")
    assert text.count('<th scope="row" class="says">') == number
