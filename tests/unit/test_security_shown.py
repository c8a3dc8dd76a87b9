"""What others wrote reaches pages, drawings, tables and terminals as text: nothing of it runs."""

import csv
import io
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import polars as pl
import pytest
from docutils.core import publish_parts
from graph_strategies import IDENTITY, path
from hypothesis import given
from hypothesis import strategies as st
from synthetic_results import case
from synthetic_tables import table
from synthetic_writing import writer_facts
from test_graphs_drawing import experts_table, unit_row, units_table

from golgi import command
from golgi.captions import caption
from golgi.errors import GolgiError, plain
from golgi.figures import draw_figure
from golgi.figures.saving import save_figure
from golgi.files import write_json
from golgi.graphs.display import Question, search_page
from golgi.graphs.drawing import draw_graphs
from golgi.graphs.search import nodes_table
from golgi.graphs.trie import grow
from golgi.reporting.report import write_report
from golgi.tables import read_table, write_table

HOSTILE = "--><script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}$x^2$"
OPTIONS = {"threshold": 0.5, "thresholds": [0.5, 0.9]}
ALLOWED = {
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "header",
    "nav",
    "section",
    "figure",
    "figcaption",
    "main",
    "aside",
}
ALLOWED |= {
    "h1",
    "h2",
    "h3",
    "p",
    "a",
    "ul",
    "li",
    "dl",
    "dt",
    "dd",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "caption",
    "cite",
}
ALLOWED |= {"div", "span", "strong", "i", "br", "code", "img", "details", "summary"}
DANGEROUS = re.compile(r"^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


class Page(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes, self.text = set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.text += data


def assert_harmless(text: str) -> Page:
    page = Page(text)
    assert page.tags <= ALLOWED
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    links = [value for name, value in page.attributes if name in ("href", "src", "action", "formaction")]
    for link in links:
        assert re.match(r"#|https://arxiv\.org/|data:image/svg\+xml;base64,|[\w./-]+$", link), link
    assert "default-src 'none'" in text
    return page


def assert_drawing(content: bytes) -> None:
    for node in ElementTree.fromstring(content).iter():
        tag = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
        assert tag not in ("script", "foreignObject", "a", "iframe")
        assert not [name for name in node.attrib if name.startswith("on")]
        links = [value for name, value in node.attrib.items() if name.endswith("href")]
        assert all(re.match(r"#|data:image/png;base64,", link) for link in links)


def hostile_tables() -> dict[str, pl.DataFrame]:
    """The tables of a study in which every name, gloss and sentence is hostile."""
    tables = case("small")
    concepts = tables["concepts"]["concept"].to_list()
    names = {name: f"{name}{HOSTILE}" for name in concepts}
    texts = {"concept", "concept_a", "concept_b", "category", "parent", "gloss", "word", "plural", "say"}
    free = {"source", "family", "reason", "dtype_reason", "device", "revision"}
    return {
        name: frame.with_columns(
            pl.col(column).replace(names) if column.startswith("concept") else pl.col(column) + HOSTILE
            for column in frame.columns
            if column in texts | free and frame[column].dtype == pl.String
        )
        for name, frame in tables.items()
    }


def test_the_report_shows_what_others_wrote_and_runs_none_of_it(tmp_path):
    tables, figures = hostile_tables(), ("claims", "overlap", "writing")
    names = [{"model": HOSTILE, "fingerprint": HOSTILE, "replies": 1}]
    hostile = {"model": f"x{HOSTILE}", "names": names, "language": HOSTILE}
    prompts = {kind: {"file": HOSTILE, "sha256": HOSTILE} for kind in ("fact", "story")}
    write_json(writer_facts(tables["writing"], prompts=prompts, **hostile), tmp_path / "writer.json")
    for name, frame in tables.items():
        write_table(frame, tmp_path / f"{name}.parquet", schema=name)
    for name in figures:
        figure = draw_figure(name, tables, OPTIONS)
        save_figure(figure, [tmp_path / f"{name}.svg"], {"study": HOSTILE, "title": HOSTILE})
        assert_drawing((tmp_path / f"{name}.svg").read_bytes())
        (tmp_path / f"{name}.txt").write_text(caption(name, tables, OPTIONS), encoding="utf-8")
    write_report(
        study=HOSTILE,
        title=HOSTILE,
        fingerprint=HOSTILE,
        tables={name: tmp_path / f"{name}.parquet" for name in tables},
        figures={name: tmp_path / f"{name}.svg" for name in figures},
        captions={name: tmp_path / f"{name}.txt" for name in figures},
        report=tmp_path / "report.html",
        asked=HOSTILE,
        references={"men": {"file": HOSTILE}},
        provenance={HOSTILE: {HOSTILE: [HOSTILE, HOSTILE]}},
        warnings=[HOSTILE],
        writer=tmp_path / "writer.json",
    )
    page = assert_harmless((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.text.count(HOSTILE) > 15


def test_pages_of_graphs_show_tokens_and_run_none(tmp_path):
    texts = [f" {HOSTILE}", "\x1b[2J", "\u202eevil", "$\\frac{1}{0}$", "\x00"]
    graph = grow([path(token, 0) for token in range(len(texts))], unit=3, **IDENTITY)
    write_table(nodes_table([graph], texts), tmp_path / "nodes.parquet", schema="graph_nodes")
    write_table(units_table(unit_row(3, 0.5)), tmp_path / "units.parquet", schema="graph_units")
    write_table(experts_table((3, HOSTILE, 0.9)), tmp_path / "experts.parquet", schema="graph_experts")
    folder = tmp_path / "drawings"
    draw_graphs(
        nodes=tmp_path / "nodes.parquet",
        units=tmp_path / "units.parquet",
        experts=tmp_path / "experts.parquet",
        model=IDENTITY["model"],
        checkpoint=IDENTITY["checkpoint"],
        drawings=4,
        metadata={"study": HOSTILE},
        folder=folder,
    )
    drawings = list(folder.glob("*.svg"))
    assert len(drawings) == 1
    assert_drawing(drawings[0].read_bytes())
    text = (folder / "index.html").read_text(encoding="utf-8")
    page = assert_harmless(text)
    assert HOSTILE in page.text
    assert not set(text) & set("\x1b\u202e\x00")
    assert "<U+202E>evil" in page.text


FOREIGN = ["[red]x[/red]", "\x1b[31my\x9b2J", "\u202ew", "a\nb"]


def test_search_shows_a_strangers_tables_as_they_stand(tmp_path, capsys):
    names = {"model": FOREIGN[0], "checkpoint": FOREIGN[1], "site": FOREIGN[2]}
    graph = grow([path(token) for token in range(5)], unit=3, **(IDENTITY | names))
    nodes = nodes_table([graph], [" dog", *FOREIGN]).with_columns(text=pl.Series(["␣dog", *FOREIGN]))
    write_table(nodes, tmp_path / "tables" / "graph_nodes.parquet", schema="graph_nodes")
    command._show(search_page(tmp_path, Question(fires_on="dog")))
    shown = capsys.readouterr().out
    assert shown.count("[red]x[/red]") == 2
    assert shown.count("<U+001B>") == 2
    assert not set(shown) & set("\x1b\x9b\u202e")


@given(
    st.lists(st.text(min_size=1) | st.sampled_from(["=1+1", "+1", "-1", "@x", "\t=1", "\uff1d1"]), min_size=1)
)
def test_no_cell_of_a_table_is_a_formula(tmp_path_factory, texts):
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    frame = table(
        "sets", [{"concept": text, "sentence": n, "positive": True} for n, text in enumerate(texts)]
    )
    file = tmp_path_factory.mktemp("csv") / "sets.parquet"
    write_table(frame, file, schema="sets", csv=True)
    assert sorted(read_table(file, schema="sets")["concept"]) == sorted(texts)
    rows = list(csv.reader(io.StringIO(file.with_suffix(".csv").read_text(encoding="utf-8"), newline="")))
    assert len(rows) == len(texts) + 1
    for cell, *_ in rows[1:]:
        assert not DANGEROUS.match(cell) or re.fullmatch(r"[+-]?\d+(\.\d*)?", cell)


def test_numbers_stay_numbers_in_csv(tmp_path):
    row = {"concept": "-0.5", "sentence": -1, "positive": False}
    write_table(table("sets", [row]), tmp_path / "sets.parquet", schema="sets", csv=True)
    assert (tmp_path / "sets.csv").read_text().splitlines()[1] == "-0.5,-1,false"


@pytest.mark.parametrize("name", ["claims", "overlap"])
def test_a_caption_is_no_markup_in_the_workflows_own_report(root, tmp_path, name):
    hostile = f".. raw:: html\n\n   {HOSTILE}\n\n.. include:: /etc/passwd\n\n`x <javascript:alert(1)>`_"
    (tmp_path / "caption.txt").write_text(f"Title.\nShown.\n{hostile}\n")
    template = (root / "workflow" / "report" / f"{name}.rst").read_text()
    place = "{{ snakemake.output.caption }}"
    assert re.findall(r"\{[{%].*?[}%]\}", template) == [place]
    page = publish_parts(template.replace(place, str(tmp_path / "caption.txt")), writer="html5")["body"]
    assert ".. raw:: html" in page
    assert not {"script", "img", "a"} & Page(page).tags
    assert "root:" not in page


def test_a_message_names_what_a_terminal_would_obey_and_leaves_passwords_out():
    assert str(GolgiError("a\x1b]0;x\x07b\udce2\nc\td")) == "a<U+001B>]0;x<U+0007>b<U+DCE2>\nc\td"
    assert plain("proxy http://me:secret@proxy:3128/ refused") == "proxy http://***@proxy:3128/ refused"
