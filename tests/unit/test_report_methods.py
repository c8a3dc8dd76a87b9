"""The methods are what the study did: three sentences, more for what goes beyond, works that are cited."""

import re
from importlib.metadata import version

import pytest
from synthetic_results import case
from test_report import results, section, written

from golgi.reporting.citations import ALIGNMENT, EXPERTS, GRAPHS, cited
from golgi.reporting.methods import methods
from golgi.study import load_study

WORKS = cited().works
PLAIN = {
    "threshold": 0.5,
    "seed": 7,
    "experts": {"sites": ["mlp_post", "attn_out"], "pooling": "mean", "controls": ["untrained", "word"]},
    "sentences": {"source": {"corpus": None}, "positives": 100, "negatives": 400},
    "analyses": {
        "overlap": {"threshold": 0.5},
        "categories": {"permutations": 999, "bootstraps": 2000},
        "alignment": {"references": {"men": {}}, "permutations": 9999, "bootstraps": 2000},
    },
}


def told(settings: dict, models=("mini-s",)) -> list[str]:
    found = methods(settings, case("small")["concepts"], list(models), WORKS)
    return ["".join(part if isinstance(part, str) else part.short for part in one) for one in found]


def test_a_plain_study_takes_three_sentences():
    read, compared, tested = told(PLAIN)
    assert "a coordinate of mlp_post and attn_out in any layer of mini-s" in read
    assert "its mean activation over the sentence's own tokens" in read
    assert "sentences about it, mined from text, from" in read
    assert "units that reach .50 are experts of the concept (Suau et al. 2020)." in read
    assert "people's ratings (men) (Fedzechkina et al. 2025)" in compared
    assert "in a twin of the model with random weights and with the concept's word masked" in compared
    assert "2,000 resamples" in tested
    assert "m = 999 and 9,999 permutations" in tested
    assert "the seed 7" in tested


def test_each_sentence_is_one():
    for sentence in told(PLAIN | {"graphs": True}):
        plain = sentence.replace("et al. ", "")
        assert plain.endswith(".")
        assert not re.search(r"[.?!] [A-Z]", plain)


def test_without_controls_or_tests_that_is_said():
    bare = {"experts": {"sites": ["mlp_post"], "pooling": "last", "controls": []}, "threshold": 0.7}
    read, compared, tested = told(bare)
    assert "activation at the sentence's last token" in read
    assert "units that reach .70" in read
    assert "no control was run" in compared
    assert "no hypothesis was tested" in tested


def test_the_demo_tells_of_every_analysis(root, monkeypatch):
    monkeypatch.chdir(root)
    study = load_study("config/studies/demo.yaml")
    sentences = told({**study.written, "sentences": {}, "threshold": 0.5, "graphs": True})
    text = " ".join(sentences[3:])
    for words in (
        "20 shuffles",
        "4 disjoint folds",
        "Linear probes of 1, 3",
        "random units",
        "Foote et al. 2023",
    ):
        assert words in text
    assert "10 best experts of 12 concepts" in text


@pytest.mark.parametrize(
    ("settings", "works"),
    [
        ({}, {EXPERTS}),
        ({"analyses": {"overlap": {}}}, {EXPERTS, ALIGNMENT}),
        ({"graphs": True}, {EXPERTS, GRAPHS}),
    ],
    ids=["experts", "overlap", "graphs"],
)
def test_those_whose_methods_a_study_uses_are_cited_with_their_address(tmp_path, settings, works):
    text = written(results(tmp_path, {"models": case("small")["models"]}, ()), settings=settings)
    listed = section(text, "provenance")
    assert set(re.findall(r'<a href="(https://arxiv[^"]+)">\1</a>', listed)) == works
    for work in works:
        assert f'<a href="#{WORKS[work].anchor}">{WORKS[work].short}</a>' in text
        assert f'<li id="{WORKS[work].anchor}">' in listed


def test_golgi_is_cited_as_its_citation_file_says(tmp_path):
    source = cited()
    assert source.version == version("golgi")
    text = section(written(results(tmp_path, {"models": case("small")["models"]}, ())), "provenance")
    assert f"<cite>{source.title}</cite>. Version {source.version}" in text
    assert "X. Suau, L. Zappella and N. Apostoloff (2020)" in text
