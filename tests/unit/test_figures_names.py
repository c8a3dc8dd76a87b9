"""Names that users give reach figures, captions and reports as they are, whatever signs they hold."""

import warnings
from pathlib import Path

import polars as pl
import pytest
from docutils.core import publish_parts
from jinja2 import Template
from matplotlib.text import Text
from synthetic_results import case

from golgi.captions import caption
from golgi.figures import FIGURES, draw_figure
from golgi.figures.page import text_width

NAMES = (
    "$x^$",
    "<script>alert(1)</script>",
    "cat_",
    "|x|",
    "*cat",
    "`cat`_",
    "very " * 40 + "long",
    "\N{HEBREW LETTER HET}\N{HEBREW LETTER TAV}\N{HEBREW LETTER VAV}\N{HEBREW LETTER LAMED}",
    "$\\frac{1}{$",
    "50 % of $5 & {tau} #",
    ".. raw:: html",
    "a\\b",
)
NAMED = ("concept", "concept_a", "concept_b", "category", "model", "reference")
OPTIONS = {"threshold": 0.5, "thresholds": [0.5, 0.9]}
REPORT = Path(__file__).parents[2] / "workflow" / "report"


def renamed(names: tuple[str, ...]) -> dict[str, pl.DataFrame]:
    """The small study with its concepts named `names`, and one of them as model, category and reference."""
    old = case("small")["concepts"]["concept"].to_list()
    new = dict(
        zip(old, [names[place % len(names)] + " " * (place // len(names)) for place in range(len(old))])
    )
    new |= {"category a": names[0], "category b": names[-1], "mini-s": names[0], "taxonomy": names[0]}
    return {
        table: frame.with_columns(pl.col(column).replace(new) for column in NAMED if column in frame.columns)
        for table, frame in case("small").items()
    }


def texts(figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text)}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("first", range(len(NAMES)))
@pytest.mark.filterwarnings("error")
def test_hostile_names_are_drawn_as_they_are(name, first, tmp_path):
    tables = renamed(NAMES[first:] + NAMES[:first])
    figure = draw_figure(name, tables, OPTIONS)
    figure.savefig(tmp_path / "figure.svg")
    if len(NAMES[first]) < 10:
        assert any(NAMES[first] in text for text in texts(figure))


def test_concepts_beside_the_heat_map_keep_their_signs():
    assert {"$x^$", "cat_", "|x|", "*cat", "`cat`_"} <= texts(draw_figure("overlap", renamed(NAMES), OPTIONS))


def test_a_formula_is_measured_as_the_text_that_is_drawn():
    assert text_width("$x$") > text_width("x")
    assert text_width("$x^$") > 0


def test_signs_that_the_font_lacks_do_not_end_a_job(tmp_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        figure = draw_figure("overlap", renamed(("\N{CJK UNIFIED IDEOGRAPH-732B}",)), OPTIONS)
        figure.savefig(tmp_path / "figure.pdf")


class Job:
    """What a caption in Snakemake's report is given: the job's output and wildcards."""

    def __init__(self, path: Path):
        self.output = type("Output", (), {"caption": str(path)})
        self.wildcards = type("Wildcards", (), {"study": "demo_"})


def rendered(name: str, text: str, folder: Path) -> str:
    """A caption as HTML, made the way Snakemake makes it."""
    path = folder / f"{name}.txt"
    path.write_text(text, encoding="utf-8")
    source = Template((REPORT / f"{name}.rst").read_text(encoding="utf-8")).render(snakemake=Job(path))
    return publish_parts(source, writer="html", settings_overrides={"halt_level": 2})["body"]


@pytest.mark.parametrize("name", FIGURES)
def test_captions_are_inert_in_the_report_of_the_workflow(name, tmp_path):
    hostile = " ".join(NAMES) + "\n" + "\n".join(f"{text}: a finding." for text in NAMES)
    html = rendered(name, f"Title.\nShown.\n{hostile}\n", tmp_path)
    plain = rendered(name, "Title.\nShown.\nA finding.\n", tmp_path)
    for tag in ("<a ", "<strong", "<em", "<cite", "<div", "<script"):
        assert html.count(tag) == plain.count(tag), tag
    assert "&lt;script&gt;alert(1)&lt;/script&gt;: a finding." in html
    assert "|x|: a finding." in html
    assert 'class="whitespace-pre-wrap font-sans bg-transparent p-0 literal-block"' in html
    assert "Title" not in html


@pytest.mark.parametrize("name", FIGURES)
def test_a_caption_without_findings_is_fine_too(name, tmp_path):
    empty = {table: frame.clear() for table, frame in case("small").items()}
    assert "How to read it" in rendered(name, caption(name, empty, OPTIONS) + "\n", tmp_path)


@pytest.mark.parametrize("name", FIGURES)
def test_a_name_with_a_line_break_does_not_move_the_lines_of_a_caption(name):
    tables = renamed(("one\ntwo",))
    assert len(caption(name, tables, OPTIONS).splitlines()) == 3
