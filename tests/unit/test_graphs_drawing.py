"""Drawings of units: which are drawn, a folder that appears whole, a page that needs no other file."""

import base64
import re
import xml.etree.ElementTree as ElementTree

import polars as pl
import pytest
from graph_strategies import IDENTITY, path
from synthetic_tables import table

from golgi import command
from golgi.errors import GolgiError
from golgi.graphs import drawing
from golgi.graphs.drawing import choose_units, draw_graphs
from golgi.graphs.search import nodes_table
from golgi.graphs.trie import grow
from golgi.tables import table_schema, write_table

TEXTS = [" dog", "dog", " <b>&", " barks", "\n"]
DOG, BARE_DOG, MARKUP, BARKS, NEWLINE = range(len(TEXTS))
PATHS = {3: [path(DOG), path(BARE_DOG)], 5: [path(MARKUP, DOG)], 8: [path(NEWLINE)], 9: []}


def unit_row(unit, f1, **changed):
    blank = {"str": "", "int": 0, "float": 0.0, "bool": False}
    row = {column["name"]: blank[column["type"]] for column in table_schema("graph_units")["columns"]}
    known = {"step": 20, "basis": "neuron", "unit": unit, "f1": f1, "nodes": 4, "chosen": "sample"}
    return row | IDENTITY | known | changed


def units_table(*rows):
    return table("graph_units", list(rows))


def experts_table(*experts, **changed):
    rows = [
        {
            **{name: IDENTITY[name] for name in ("model", "checkpoint", "site", "layer")},
            **{
                "step": 20,
                "basis": "neuron",
                "unit": unit,
                "concept": concept,
                "ap": ap,
                "rank": 1,
                "f1": 0.5,
            },
            **{"activating_share": 1.0, "context_share": None, "names": ap > 0.8, "other_share": 0.0},
            "tokens": "",
        }
        | changed
        for unit, concept, ap in experts
    ]
    return table("graph_experts", rows)


def chosen(units, experts, most):
    return choose_units(units, experts, most).select("unit", "reason").rows()


def test_experts_come_first_then_best_and_worst():
    units = units_table(*(unit_row(unit, unit / 10) for unit in range(10)))
    experts = experts_table((4, "dog", 0.7), (6, "dog", 0.9), (4, "cat", 0.95), (1, "cat", 0.6))
    assert chosen(units, experts, 6) == [
        *((4, "expert"), (6, "expert"), (1, "expert")),
        *((9, "best"), (8, "best"), (0, "worst")),
    ]
    assert chosen(units, experts, 3) == [(4, "expert"), (6, "expert"), (9, "best")]
    assert chosen(units, None, 3) == [(9, "best"), (8, "best"), (0, "worst")]
    assert chosen(units, experts, 0) == []


def test_too_few_of_a_kind_leave_their_places_to_the_others():
    units = units_table(*(unit_row(unit, unit / 10) for unit in range(4)))
    experts = experts_table(*((unit, "dog", 0.9 - unit / 10) for unit in range(4)))
    assert [reason for _, reason in chosen(units, experts, 4)] == ["expert"] * 4
    assert chosen(units, experts_table((2, "dog", 0.9)), 9) == [
        *((2, "expert"), (3, "best"), (1, "best"), (0, "worst")),
    ]


def test_a_unit_without_a_graph_is_not_drawn_and_one_without_a_score_only_as_an_expert():
    units = units_table(unit_row(1, 0.5, nodes=0), unit_row(2, None), unit_row(3, 0.4))
    assert chosen(units, None, 9) == [(3, "best")]
    assert chosen(units, experts_table((2, "dog", 0.9), (1, "dog", 0.99)), 9) == [(2, "expert"), (3, "best")]


@pytest.fixture
def study(root, tmp_path, monkeypatch):
    """A folder with a study, its graphs, scores and experts."""
    (tmp_path / "config").symlink_to(root / "config")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "results" / "demo" / "tables"
    write_nodes(folder)
    rows = [unit_row(3, 0.9), unit_row(5, 0.2), unit_row(8, 0.5), unit_row(9, None, nodes=0)]
    write_table(units_table(*rows), folder / "graph_units.parquet", schema="graph_units")
    experts = experts_table((5, "<dog>", 0.9), (5, "cat", 0.7))
    write_table(experts, folder / "graph_experts.parquet", schema="graph_experts")
    return folder


def write_nodes(folder, **points):
    points = points or {"20": "mini"}
    tables = [
        nodes_table(
            [
                grow(paths, unit=unit, **IDENTITY | {"model": model, "checkpoint": checkpoint.strip("_")})
                for unit, paths in PATHS.items()
            ],
            TEXTS,
        )
        for checkpoint, model in points.items()
    ]
    write_table(pl.concat(tables), folder / "graph_nodes.parquet", schema="graph_nodes")


def drawn(tables, **options):
    folder = tables.parent / "graphs" / "mini" / "20" / "drawings"
    arguments = {
        "nodes": tables / "graph_nodes.parquet",
        "units": tables / "graph_units.parquet",
        "experts": tables / "graph_experts.parquet",
        **{
            "model": "mini",
            "checkpoint": "20",
            "drawings": 3,
            "metadata": {"study": "demo"},
            "folder": folder,
        },
    }
    draw_graphs(**arguments | options)
    return folder


def test_a_folder_of_drawings_and_a_page(study):
    folder = drawn(study)
    names = ["mlp_post-0.3", "mlp_post-0.5", "mlp_post-0.8"]
    expected = {f"{name}.{kind}" for name in names for kind in ("svg", "pdf")} | {"index.html"}
    assert {file.name for file in folder.iterdir()} == expected
    svg = (folder / "mlp_post-0.3.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert "demo" in svg


def test_the_page_shows_every_unit_and_needs_no_other_file(study):
    folder = drawn(study)
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<h[123]>(.*?)</h", page) == [
        "Neuron graphs of mini at step 20",
        *("Experts", "mlp_post 0.5"),
        *("Units whose graphs foretell best", "mlp_post 0.3"),
        *("Units whose graphs foretell worst", "mlp_post 0.8"),
    ]
    assert "Study demo. 3 of 4 units are drawn here. Without a graph: 1." in page
    assert not re.findall(r'src="(?!data:)', page)
    assert "<script" not in page
    pictures = re.findall(r"base64,([^\"]+)\"", page)
    assert base64.b64decode(pictures[0]) == (folder / "mlp_post-0.5.svg").read_bytes()
    for link in re.findall(r'href="([^"]+)"', page):
        assert (folder / link).is_file()


def test_the_page_tells_tokens_concepts_and_scores_as_they_are(study):
    page = (drawn(study) / "index.html").read_text(encoding="utf-8")
    assert "Fires on <code>␣&lt;b&gt;&amp;</code>" in page
    assert (
        "Expert of <strong>&lt;dog&gt;</strong> (AP .90, named by its graph), <strong>cat</strong> (AP .70)"
        in page
    )
    assert "F1 .20 (precision .00, recall .00)" in page
    assert "Fires on <code>dog</code> <code>␣dog</code>" in page


def test_the_same_tables_give_the_same_bytes(study):
    before = {file.name: file.read_bytes() for file in drawn(study).iterdir()}
    assert {file.name: file.read_bytes() for file in drawn(study).iterdir()} == before


def test_nothing_to_draw_and_no_experts(study):
    page = (drawn(study, drawings=0) / "index.html").read_text(encoding="utf-8")
    assert "There is nothing to draw" in page
    page = (drawn(study, experts=None) / "index.html").read_text(encoding="utf-8")
    assert "Experts" not in page


def test_an_error_leaves_the_folder_as_it_was(study, monkeypatch):
    folder = drawn(study)
    before = sorted(folder.iterdir())

    def fail(*_):
        raise GolgiError("no pens")

    monkeypatch.setattr(drawing, "draw_unit", fail)
    with pytest.raises(GolgiError, match="no pens"):
        drawn(study)
    assert sorted(folder.iterdir()) == before
    assert [file.name for file in folder.parent.iterdir()] == ["drawings"]


@pytest.mark.parametrize("name", ["unit.svg", "unit.pdf", "unit.png"])
def test_the_command_draws_a_unit(study, capsys, name):
    assert command.main(["draw", "demo", "0.5", "--output", name]) == 0
    assert capsys.readouterr().out == f"{name}: mini at 20, mlp_post 0.5\n"
    assert (study.parents[2] / name).stat().st_size > 1000


def test_the_command_names_the_file_after_the_unit(study, capsys):
    assert command.main(["draw", "demo", "0.3"]) == 0
    assert "mlp_post-0.3.svg: mini at 20" in capsys.readouterr().out
    (study / "graph_units.parquet").unlink()
    assert command.main(["draw", "demo", "0.3"]) == 0


def test_without_a_checkpoint_the_last_is_drawn(study, capsys):
    write_nodes(study, **{"20": "mini", "400": "mini", "untrained": "mini"})
    assert command.main(["draw", "demo", "0.3"]) == 0
    assert command.main(["draw", "demo", "0.3", "--checkpoint", "untrained"]) == 0
    assert capsys.readouterr().out.split("\n")[:2] == [
        "mlp_post-0.3.svg: mini at 400, mlp_post 0.3",
        "mlp_post-0.3.svg: mini at untrained, mlp_post 0.3",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["17"], "draw 17: a unit is named by its layer and number, as in `draw 1.17`."),
        (["0.9"], "unit 0.9 has no graph"),
        (["0.3"], "unit 0.3 is there 2 times: mini at 20, mlp_post; other at 400, mlp_post. Say which with"),
        (["0.3", "--model", "mimi"], "no graphs of the model `mimi`. Did you mean `mini`?"),
        (
            ["0.3", "--model", "mini", "--output", "unit.gif"],
            "--output unit.gif: the name of a drawing ends in",
        ),
    ],
)
def test_the_command_says_why_not(study, capsys, options, said):
    write_nodes(study, **{"20": "mini", "400": "other"})
    assert command.main(["draw", "demo", *options]) == 1
    assert capsys.readouterr().err.startswith(said)


def test_no_graphs(study, capsys):
    (study / "graph_nodes.parquet").unlink()
    assert command.main(["draw", "demo", "0.3"]) == 1
    assert "there is no results/demo/tables/graph_nodes.parquet" in capsys.readouterr().err
