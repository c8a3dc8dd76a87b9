"""The report: complete in one file, numbers from the tables, nothing of the data run as markup."""

import base64
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
from golgi.report import write_report
from golgi.tables import write_table

OPTIONS = {"threshold": 0.5, "thresholds": [0.5, 0.9]}
ONE_SIDED = ("within_between", "alignment_scatter", "alignment_over_training")
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


def written(arguments: dict) -> str:
    write_report(**arguments)
    return arguments["report"].read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return results(tmp_path_factory.mktemp("study"), case("small"), tuple(FIGURES))


class Page(HTMLParser):
    """Tags that are open, links and identifiers of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.links, self.identifiers = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        self.links += [named["href"]] if tag == "a" else []
        self.identifiers += [named["id"]] if "id" in named else []
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_page_is_well_formed_and_links_lead_somewhere(small):
    page = Page(written(small))
    assert page.open == []
    assert len(set(page.identifiers)) == len(page.identifiers)
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.identifiers
        elif not link.startswith("https://arxiv.org/"):
            assert (small["report"].parent / link).is_file()


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
    assert [bool(row) for row in rows] == [True, *[False] * 6, True, *[False] * 4]


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
    section = re.search(
        r'<section id="section-\d+">\n<h2>Neuron graphs</h2>(.*?)</section>', text, re.S
    ).group(1)
    assert re.findall(r'<figure id="(\w+)">', section) == [
        *("graph_f1_by_layer", "graph_ablation", "graph_naming", "graph_gallery"),
    ]
    assert "arxiv.org/abs/2305.19911" in text
    without = written(results(tmp_path, case("small")))
    assert "Neuron graphs" not in without
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
    hostile = {"title": HOSTILE, "study": HOSTILE, "warnings": [HOSTILE], "provenance": {HOSTILE: [HOSTILE]}}
    text = written(arguments | hostile)
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 10


def test_a_study_with_little_says_what_is_missing(tmp_path):
    text = written(results(tmp_path, {"training": case("small")["training"]}, ("training_loss",)))
    assert "This study ran no control" in text
    assert "This study planned no test." in text
    assert "Before you read on" not in text
    assert "Overlap of concepts" not in text


def test_warnings_come_from_the_tables(tmp_path):
    tables = case("no experts")
    near = tables["distribution"].with_columns(chance=pl.lit(0.48))
    text = written(results(tmp_path, tables | {"distribution": near}))
    assert "The lowest threshold, .50, is close to chance, AP .48." in text
    assert "mini-s has no expert for 12 of its concepts: thing000, thing001" in text
    assert "Alignment of mini-s with men is undefined" in text


def test_few_pairs_are_a_warning(tmp_path):
    tables = case("small")
    few = tables["alignment"].with_columns(pairs=pl.lit(12))
    assert "rests on only 12 pairs" in written(results(tmp_path, tables | {"alignment": few}))
