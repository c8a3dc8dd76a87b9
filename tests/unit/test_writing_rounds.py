"""Rounds ask until each concept has its number or may cost no more, and count what came of it."""

import hashlib
import json
import logging
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from writing_author import CONCEPTS, LEXICON, LLM, POSITIVES, Author, Undisturbed, keys, run, written

from golgi.concepts.lexicon import load_lexicon
from golgi.errors import GaveWay, GolgiError
from golgi.files import asking
from golgi.study.writing import LEAST_ORIENTATION
from golgi.tables import read_table
from golgi.writing import demand
from golgi.writing.counting import VERDICTS
from golgi.writing.demand import demands
from golgi.writing.requests import Reply, Request, Sampling
from golgi.writing.rounds import hold_rounds
from golgi.writing.transcript import Transcript


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Undisturbed:
    folder, author = tmp_path_factory.mktemp("undisturbed"), Author()
    return Undisturbed(folder, run(folder, author), author.asked)


def test_each_concept_gets_its_number_in_several_rounds(undisturbed):
    table = read_table(undisturbed.folder / "writing.parquet", schema="writing")
    assert table["concept"].unique(maintain_order=True).to_list() == sorted(
        CONCEPTS, key=list(load_lexicon(LEXICON).by_name).index
    )
    assert table["missing"].sum() == 0
    assert table["wanted"].to_list() == [20, 21] * len(CONCEPTS)
    assert (table["kept"] >= table["wanted"]).all()
    assert json.loads(undisturbed.files["writer.json"])["rounds"] > 1
    assert max(Counter(keys(undisturbed.asked)).values()) == 1


def test_counts_are_those_of_the_replies_and_of_the_sentences(undisturbed):
    folder = undisturbed.folder
    table = read_table(folder / "writing.parquet", schema="writing")
    replies = read_table(folder / "replies.parquet", schema="replies")
    sentences = read_table(folder / "written.parquet", schema="written")
    assert table["requests"].sum() == len(replies) == len(undisturbed.asked)
    assert (table["requests"] <= table["most_requests"]).all()
    assert table["sentences"].sum() == replies["sentences"].sum() == len(sentences)
    assert (table["sentences"] == table.select(pl.sum_horizontal(*VERDICTS)).to_series()).all()
    assert table["prompt_tokens"].sum() == replies["prompt_tokens"].sum()
    assert set(sentences["reply"]) <= set(replies["reply"]) == set(keys(undisturbed.asked))
    for name in ("short", "unnamed", "kept"):
        assert table[name].sum() == (sentences["verdict"] == name).sum() > 0
    spent = (table["prompt_tokens"] * 0.5 + table["completion_tokens"] * 2.0) / 1e6
    assert table["cost"].to_list() == pytest.approx(spent.to_list())


def test_the_facts_tell_who_wrote_what_how(undisturbed):
    facts = json.loads(undisturbed.files["writer.json"])
    assert facts["model"] == "author"
    assert facts["orientation"] is None
    assert {kind: one["file"] for kind, one in facts["prompts"].items()} == {
        "fact": "facts.v1.jinja",
        "story": "stories.v1.jinja",
    }
    assert [one["model"] for one in facts["names"]] == ["author-1", "author-2"]
    assert sum(one["replies"] for one in facts["names"]) == facts["requests"] == len(undisturbed.asked)
    assert {kind: len(one["sha256"]) for kind, one in facts["prompts"].items()} == {"fact": 64, "story": 64}
    assert facts["sampling"] == {"temperature": 1.0, "top_p": 0.95, "max_tokens": 500, "seed": 7}
    assert facts["tokens"]["completion"] == 55 * len(undisturbed.asked)
    assert facts["sentences"]["wanted"] == POSITIVES * len(CONCEPTS)
    assert facts["sentences"]["missing"] == 0
    assert facts["sentences"]["found"] == sum(facts["sentences"]["verdicts"].values())


def test_who_stops_at_the_bound_has_all_files_and_what_is_missing(tmp_path, caplog):
    def dull(request: Request) -> Reply:
        return (
            written(request) if request.kind == "story" else Reply("1. The dog sleeps here.", "length", 1, 2)
        )

    author = Author(reply=dull)
    run(tmp_path, author, attempts=3)
    table = read_table(tmp_path / "writing.parquet", schema="writing").filter(pl.col("kind") == "fact")
    kept = {"dog": 1}
    assert table["requests"].to_list() == table["most_requests"].to_list() == [12] * len(CONCEPTS)
    assert dict(table.select("concept", "missing").iter_rows()) == {
        concept: 20 - kept.get(concept, 0) for concept in CONCEPTS
    }
    assert "sentences are missing of: dog (fact: 19), cat (fact: 20)" in caplog.text
    assert json.loads((tmp_path / "writer.json").read_text())["sentences"]["missing"] == 79


def test_a_writer_that_says_nothing_is_asked_no_more_than_may_be(tmp_path):
    author = Author(reply=lambda request: Reply("", "refused", 0, 0))
    run(tmp_path, author)
    table = read_table(tmp_path / "writing.parquet", schema="writing")
    assert len(author.asked) == table["most_requests"].sum() == 4 * (4 + 5) * len(CONCEPTS)
    assert table["refusals"].to_list() == table["requests"].to_list()
    assert table["missing"].to_list() == table["wanted"].to_list()
    assert not len(read_table(tmp_path / "written.parquet", schema="written"))
    # The next run asks nothing, and comes to the same.
    author = Author()
    run(tmp_path, author)
    assert author.calls == 0


def test_a_single_sentence_is_a_story(tmp_path):
    author = Author()
    run(tmp_path, author, positives=1, only=["dog"])
    assert {request.kind for request in author.asked} == {"story"}
    table = read_table(tmp_path / "writing.parquet", schema="writing")
    assert table.select("kind", "wanted", "missing").rows() == [("fact", 0, 0), ("story", 1, 0)]


def test_without_a_price_there_is_no_cost(tmp_path):
    run(tmp_path, Author(), price=None, only=["dog"])
    assert read_table(tmp_path / "writing.parquet", schema="writing")["cost"].null_count() == 2
    assert json.loads((tmp_path / "writer.json").read_text())["cost"] is None


def test_each_row_has_the_hash_of_its_reply(undisturbed):
    replies = read_table(undisturbed.folder / "replies.parquet", schema="replies")
    kept = Transcript(undisturbed.transcript)
    for key, sha256 in replies.select("reply", "sha256").iter_rows():
        assert hashlib.sha256(kept.get(key).text.encode()).hexdigest() == sha256
        assert kept.file_of(key) == undisturbed.transcript
    assert kept.file_of("0" * 64) is None


def test_where_prompts_lie_is_told_nowhere(undisturbed, tmp_path):
    prompts = {kind: shutil.copy(file, tmp_path) for kind, file in LLM["prompts"].items()}
    assert run(tmp_path, Author(), prompts=prompts) == undisturbed.files


KINDS_TOLD = LLM["gates"] | {"similar": 0.99, "kind": 0.9}
OTHER = {"fact": "story", "story": "fact"}


@pytest.mark.parametrize("language", ["en", "de"])
def test_kinds_that_are_swapped_as_a_whole_are_asked_for_once_and_told(tmp_path, caplog, language):
    author = Author(reply=lambda request: written(replace(request, kind=OTHER[request.kind])))
    files = run(tmp_path, author, gates=KINDS_TOLD, positives=POSITIVES, language=language)
    facts = json.loads(files["writer.json"])
    if language == "en":
        assert facts["rounds"] == author.calls == 1
        assert facts["orientation"] == round(facts["orientation"], 3) < LEAST_ORIENTATION
        assert "No more is asked for: the facts and the stories that the model wrote look" in caplog.text
        assert "concepts.sentences.source.llm.gates.kind to null" in caplog.text
        assert "sentences are missing of" not in caplog.text
        assert read_table(tmp_path / "writing.parquet", schema="writing")["missing"].sum() > 0
        assert run(tmp_path, Author(lives=0), gates=KINDS_TOLD) == files  # all files once more, none asked
    else:
        assert facts["rounds"] > 1
        assert facts["orientation"] is None


def test_kinds_that_are_in_order_are_told_so(tmp_path):
    facts = json.loads(run(tmp_path, Author(), gates=KINDS_TOLD)["writer.json"])
    assert facts["rounds"] > 1
    assert facts["orientation"] > 0.9
    assert facts["sentences"]["missing"] == 0


def test_the_same_request_is_asked_once(tmp_path, monkeypatch):
    monkeypatch.setattr(demand, "seed_of", lambda *_: 5)
    author = Author()
    run(tmp_path, author, only=["dog"])
    assert len(author.asked) == len(set(keys(author.asked))) == 2
    table = read_table(tmp_path / "writing.parquet", schema="writing")
    assert table["requests"].to_list() == table["most_requests"].to_list()
    assert table["repeated"].sum() > 0


def test_a_writer_that_leaves_requests_out_is_told(tmp_path):
    class Lazy(Author):
        def answer(self, requests, keep):
            super().answer(requests[1:], keep)

    with pytest.raises(GolgiError, match="The writer left 1 of 36 requests without a reply"):
        run(tmp_path, Lazy())
    assert (tmp_path / "transcript.jsonl").read_bytes().count(b"\n") == 35


def test_a_job_that_lost_its_turn_keeps_what_came_and_asks_no_more(tmp_path):
    author, turns = Author(), iter([True] * 5)

    def permit(_: Path) -> None:
        if not next(turns, False):
            raise GaveWay("A later job makes it.")

    with pytest.raises(GaveWay), asking(permit):
        run(tmp_path, author)
    assert len(author.asked) == 5
    assert (tmp_path / "transcript.jsonl").read_bytes().count(b"\n") == 5


def test_each_round_is_told(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    run(tmp_path, Author())
    table = read_table(tmp_path / "writing.parquet", schema="writing")
    told = [record.message for record in caplog.records if record.message.startswith("Round")]
    assert told[0] == "Round 0: 36 of 36 replies are asked for."
    first = "Round 0: 36 requests for 4 concepts; "
    assert told[1].startswith(first)
    assert told[-1].endswith(" sentences kept, 0 still wanted.")
    kept = [int(line.removeprefix(line[: line.index("; ") + 2]).split()[0]) for line in told[1::2]]
    assert sum(kept) == table["kept"].sum()


class Lottery:
    """A sieve that keeps as many sentences of each request as it is told."""

    def __init__(self, draw):
        self._draw, self._kept, self.rounds = draw, Counter(), []
        self.orientation = None

    def add(self, drawn):
        self.rounds.append([one.request for one in drawn])
        for request in self.rounds[-1]:
            self._kept[request.concept, request.kind] += self._draw()
        return []

    def kept(self, concept: str, kind: str) -> int:
        return self._kept[concept, kind]


@given(st.data(), st.integers(1, 100), st.integers(1, 12), st.integers(1, 5))
def test_whatever_is_kept_rounds_end_and_draws_are_numbered(data, positives, per_request, attempts):
    concepts = load_lexicon(LEXICON).selected(None, CONCEPTS)
    wants = demands(concepts, positives=positives, per_request=per_request, attempts=attempts)
    own = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    most = data.draw(st.integers(0, per_request))
    lottery = Lottery(lambda: int(own.integers(most, endpoint=True)))
    drawn, _ = hold_rounds(
        wants,
        lottery,
        lambda concept, kind, draw: Request(concept.name, kind, draw, (), "", Sampling(1, 1, 1, 1)),
        lambda requests, number: [Reply(str(number), "stop", 0, 0)] * len(requests),
    )
    names = [concept.name for concept in concepts]
    for want in wants:
        place = want.concept.name, want.kind
        own = [one for one in drawn if (one.request.concept, one.request.kind) == place]
        assert [one.request.draw for one in own] == list(range(want.made))
        assert want.made == want.most or lottery.kept(*place) >= want.wanted
        assert want.made <= want.most
    for requests in lottery.rounds:
        order = [(names.index(one.concept), one.kind, one.draw) for one in requests]
        assert order == sorted(order)
    assert [one.reply.text for one in drawn] == [str(one.round) for one in drawn]


def test_what_counts_needs_no_classifier():
    code = "import sys, golgi.writing.counting; sys.exit(any('sklearn' in name for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)
