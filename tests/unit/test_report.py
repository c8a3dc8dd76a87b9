"""The report: complete in one file, numbers from the tables, nothing of the data run as markup."""

import base64
import html
import re
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from synthetic_results import case
from synthetic_writing import writer_facts

from golgi.captions import caption
from golgi.figures import FIGURES, draw_figure
from golgi.figures.saving import save_figure
from golgi.files import write_json
from golgi.reporting.answers import answers
from golgi.reporting.order import SECTIONS, shelf, told
from golgi.reporting.report import write_report
from golgi.study.outputs import FIGURE_TABLES
from golgi.tables import write_table

OPTIONS = {"threshold": 0.5, "thresholds": [0.5, 0.9]}
ONE_SIDED = ("within_between", "alignment_scatter", "alignment_over_training")
OTHER_FILES = ("provenance.json", "atlas/index.html", "graphs/mini-s/400/drawings/index.html")
HOSTILE = "<script>alert(1)</script>"


def results(
    folder: Path, tables: dict[str, pl.DataFrame], figures=("overlap", "alignment_over_training")
) -> dict:
    """Write the files of a study and return the arguments of its report."""
    for name, frame in tables.items():
        write_table(frame, folder / "tables" / f"{name}.parquet", schema=name, csv=True)
    for name in figures:
        paths = [folder / "figures" / f"{name}.{kind}" for kind in ("svg", "pdf")]
        save_figure(draw_figure(name, tables, OPTIONS), paths, {"study": "demo"})
        (folder / "figures" / f"{name}.txt").write_text(caption(name, tables, OPTIONS), encoding="utf-8")
    return {
        "study": "demo",
        "title": "Expert neurons",
        "fingerprint": "ab" * 32,
        "tables": {name: folder / "tables" / f"{name}.parquet" for name in tables},
        "figures": {name: folder / "figures" / f"{name}.svg" for name in figures},
        "captions": {name: folder / "figures" / f"{name}.txt" for name in figures},
        "report": folder / "report.html",
    }


def written(arguments: dict, **more) -> str:
    write_report(**arguments | more)
    return arguments["report"].read_text(encoding="utf-8")


def section(text: str, name: str) -> str:
    """A section of the page, up to the next one of its rank or above."""
    return re.search(rf'<section id="{name}">(.*?)(?=<section id="|</main>)', text, re.S).group(1)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return results(tmp_path_factory.mktemp("study"), case("small"), tuple(FIGURES))


class Page(HTMLParser):
    """Tags that are open, links, identifiers, headings and the texts of pictures of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.links, self.identifiers, self.headings, self.pictures = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.pictures += [named["alt"]] if tag == "img" else []
        self.links += [named["href"]] if tag == "a" else []
        self.identifiers += [named["id"]] if "id" in named else []
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_well_formed_and_links_lead_somewhere(small):
    for name in OTHER_FILES:
        (small["report"].parent / name).parent.mkdir(parents=True, exist_ok=True)
        (small["report"].parent / name).touch()
    folder = small["report"].parent
    drawings = {("mini-s", "400"): folder / OTHER_FILES[2]}
    page = Page(written(small, atlas=folder / OTHER_FILES[1], drawings=drawings))
    assert page.open == []
    assert len(set(page.identifiers)) == len(page.identifiers)
    assert set(OTHER_FILES) <= set(page.links)
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.identifiers
        elif not link.startswith("https://arxiv.org/"):
            assert (folder / link).is_file()


def test_the_study_is_told_in_order(small):
    text = written(small)
    headings = re.findall(r"<h2>(.*?)</h2>", text)
    assert headings == list(SECTIONS)
    assert re.findall(r'<figure id="figure-(\w+)">', text) == told()
    assert [int(number) for number in re.findall(r"<strong>Figure (\d+)\.", text)] == [
        *range(1, len(FIGURES) + 1)
    ]


def test_every_figure_has_its_place_here_and_in_the_workflows_own_report():
    assert told() == list(FIGURE_TABLES)
    assert sorted(told()) == sorted(FIGURES)
    places = [(shelf(name)["category"], shelf(name).get("subcategory", "")) for name in told()]
    assert places == sorted(places)
    assert {place.split(" ", 1)[1] for place, _ in places} <= set(SECTIONS)


def test_it_can_be_read_without_eyes_and_without_a_mouse(small):
    text = written(small)
    page = Page(text)
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert text.index('<a class="skip" href="#main">') < text.index("<nav") < text.index('<main id="main"')
    assert all(re.search(r"\d", alternative) for alternative in page.pictures)
    assert "Overlap of concepts. mini-s: 66 pairs" in page.pictures[told().index("overlap")]
    assert text.count("<table>") == text.count("<caption>") == text.count('tabindex="0" role="group"')
    assert not re.search(r"<th(?![^>]*scope=)[ >]", text)


def test_every_figure_links_to_its_tables_and_its_vector_files(small):
    text = written(small)
    for name, tables in FIGURE_TABLES.items():
        figure = re.search(rf'<figure id="figure-{name}">.*?</figure>', text, re.S).group()
        assert {f"figures/{name}.svg", f"figures/{name}.pdf"} <= set(Page(figure).links)
        assert {f"tables/{table}.parquet" for table in tables} <= set(Page(figure).links)
    assert {f"tables/{table}.csv" for table in small["tables"]} <= set(Page(text).links)


def test_a_study_asks_in_its_own_words_or_in_those_of_every_study(small):
    assert "Which units of mini-s respond to one concept" in section(written(small), "question")
    text = section(written(small, asked="Why do dogs bark?"), "question")
    assert "Why do dogs bark?" in text
    assert "respond to one concept" not in text


def test_the_answer_is_a_line_for_each_claim_with_its_numbers(small):
    text = html.unescape(section(written(small), "question"))
    said = re.findall(r'<li class="(\w+)"><strong>(.*?):</strong> <a href="#claim-\d+">(.*?)</a>', text)
    claims = case("small")["claims"].sort("index")
    assert [words.rstrip(".") for *_, words in said] == [
        say.rstrip(".") for say in claims["say"].unique(maintain_order=True)
    ]
    assert [verdict for verdict, *_ in said] == claims["verdict"].to_list()
    assert {word for _, word, _ in said} <= {"Held", "Not held", "Underpowered"}
    assert "(mini-s: difference .21 [.16, .26] Jaccard overlap, adjusted p < .001)" in text


def test_a_claim_that_models_differ_in_is_told_of_each():
    claims = case("many")["claims"].sort("index")
    first = pl.col("index") == claims["index"][0]
    verdict = pl.when(first).then(pl.lit("underpowered")).otherwise("verdict").alias("verdict")
    line = answers(claims.with_columns(verdict), [])[0]
    assert (line["verdict"], line["word"]) == ("mixed", "Differs")
    assert re.search(r"^mini-s underpowered: difference .*; mini-m held: ", line["numbers"])


def test_without_claims_the_planned_tests_answer(tmp_path):
    tables = {name: table for name, table in case("small").items() if name != "claims"}
    text = written(results(tmp_path, tables, ("overlap",)))
    answer = section(text, "question")
    assert '<a href="#planned-tests">Overlap of experts agrees with taxonomy</a>' in answer
    assert "Shown:" in answer
    assert "This study claims nothing." in section(text, "claims")


def test_page_needs_no_other_file(small):
    text = written(small)
    assert "<script" not in text
    assert not re.findall(r'(?:src|srcset)="(?!data:)', text)
    assert len(re.findall(r'src="data:image/svg\+xml;base64,', text)) == len(FIGURES)
    picture = re.search(r'base64,([^"]+)"', text).group(1)
    assert b"<svg" in base64.b64decode(picture)


def test_same_files_same_bytes(small):
    assert written(small) == written(small)


def test_numbers_come_from_the_tables(small):
    text = written(small)
    concepts = case("small")["concepts"]
    assert f"{concepts['found'].sum():,} sentences were found" in text
    assert "[.53, .71]" in text
    assert ".003" in text
    assert "mini-s at step 400: .350 within and .080 between" in text
    for row in case("small")["models"].to_dicts():
        assert row["weights_sha256"] in text


def test_planned_tests_stand_before_their_controls(small):
    rows = re.findall(
        r'<tr( class="planned")?><td>mini-s</td><td class="at">(?:step 400|untrained)</td>',
        written(small),
    )
    assert [bool(row) for row in rows] == [True, *[False] * 4, True, *[False] * 6]


def test_every_control_is_explained(small):
    text = written(small)
    for name in ("untrained", "rotated", "shuffled", "word masked"):
        assert f"<dt>{name}</dt>" in text


def test_hashes_of_checkpoints_are_folded_away(small):
    details = re.search(r"<details>(.*?)</details>", written(small), re.S).group(1)
    assert "Weights of 5 checkpoints" in details
    for row in case("small")["models"].to_dicts():
        assert row["weights_sha256"] in details


def test_it_is_said_whose_judgement_a_reference_is(tmp_path):
    tables = case("many")
    spec = {
        "men": {"file": "men.txt", "ceiling": 0.84},
        "taxonomy": {"lexicon": True},
        "unused": {"file": "x"},
    }
    text = written(results(tmp_path, tables, ("alignment_scatter",)) | {"references": spec})
    assert (
        "<dt>men</dt><dd>People&#39;s ratings of pairs of words. People agree with each other at .84.</dd>"
        in text
    )
    assert "<dt>taxonomy</dt><dd>Attributes that two concepts share in the study&#39;s lexicon." in text
    assert "unused" not in text


def test_p_values_are_said_to_be_one_sided(small):
    assert "All p-values are one-sided" in written(small)
    assert all("P-values are one-sided." in caption(name, case("small"), OPTIONS) for name in ONE_SIDED)


def test_neuron_graphs_have_a_section_and_their_method_is_told(small, tmp_path):
    text = written(small)
    assert re.findall(r'<figure id="figure-(\w+)">', section(text, "graphs")) == [
        *("graph_f1_by_layer", "graph_ablation", "graph_naming", "graph_gallery"),
    ]
    assert "2305.19911" in written(small, settings={"graphs": True})
    without = written(results(tmp_path, case("small")))
    assert '<section id="graphs">' not in without
    assert "2305.19911" not in without


def told_of_writer(folder: Path, **changes: object) -> str:
    tables = case("small")
    write_json(writer_facts(tables["writing"], **changes), folder / "writer.json")
    text = written(results(folder, tables, ()) | {"writer": folder / "writer.json"})
    return re.search(r'<p id="writer">(.*?)</p>', text).group(1)


def test_who_wrote_the_sentences_is_told_with_prompts_and_what_the_gates_kept(tmp_path):
    sums = case("small")["writing"].select(pl.col(pl.Int64).sum()).row(0, named=True)
    text = told_of_writer(tmp_path)
    assert "language model <strong>small-writer</strong>, which called itself" in text
    assert "small-writer-v2 (7 replies). It was asked" in text
    assert f"in {sums['requests']:,} requests (temperature 1.0, top-p 0.95)" in text
    assert f"facts with the prompt facts.v1.jinja (SHA-256 <code>{'ab' * 32}</code>), stories with" in text
    share = 100 * sums["kept"] / sums["sentences"]
    assert f"were {sums['sentences']:,} sentences, of which {sums['kept']:,} ({share:.1f} %) passed" in text
    assert f"{sums['similar']:,} were nearly the same as one before, " in text
    assert f"{sums['missing']:,} that are wanted are missing." in text


def test_many_names_of_a_writer_are_counted_and_its_own_is_not_repeated(tmp_path):
    names = [{"model": f"name {number}", "fingerprint": "", "replies": number} for number in range(1, 60)]
    names += [{"model": "small-writer", "fingerprint": "", "replies": 900}, names[0] | {"model": ""}]
    text = told_of_writer(tmp_path, names=names)
    assert (
        "called itself name 59 (59 replies), name 58 (58 replies), name 57 (57 replies) and 56 more names"
        in text
    )
    assert "called itself" not in told_of_writer(tmp_path / "own", names=names[-2:])


def test_a_study_that_no_model_wrote_tells_of_none(small):
    assert "language model <strong>" not in written(small)


def test_names_and_texts_are_escaped(tmp_path):
    tables = case("small")
    named = pl.col("category").str.replace("category a", HOSTILE, literal=True)
    tables = tables | {"concepts": tables["concepts"].with_columns(named)}
    arguments = results(tmp_path, tables)
    (tmp_path / "figures" / "overlap.txt").write_text(f"{HOSTILE}.\n{HOSTILE}\n{HOSTILE}\n")
    hostile = dict.fromkeys(("title", "study", "asked"), HOSTILE)
    hostile |= {"warnings": [HOSTILE], "provenance": {HOSTILE: [HOSTILE]}}
    text = written(arguments, **hostile)
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 10


def test_a_study_with_little_says_what_is_missing(tmp_path):
    text = written(results(tmp_path, {"training": case("small")["training"]}, ("training_loss",)))
    assert "This study ran no control" in text
    assert "This study planned no test." in text
    assert "This study claims nothing and planned no test" in text
    assert "Before you read on" not in text
    assert "Overlap of concepts" not in text
    assert "causal-role" not in text


def test_a_threshold_near_chance_is_a_warning(tmp_path):
    tables = case("small")
    near = tables["distribution"].with_columns(chance=pl.lit(0.48))
    text = written(results(tmp_path, tables | {"distribution": near}), warnings=["mine"])
    told = re.search(r'<aside class="warnings".*?</aside>', text, re.S).group()
    assert re.findall("<li>(.*?)</li>", told) == [
        "mine",
        "The lowest threshold, .50, is close to chance, AP .48.",
    ]
