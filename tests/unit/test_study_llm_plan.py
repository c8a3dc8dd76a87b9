"""What a study's writer costs, before it is asked: requests, tokens, money, time, and what the plan shows."""

import json
import re

import pytest
from written_study import ENVIRONMENT, VALID, loaded, shipped, source, with_writer

from golgi.command import main
from golgi.study import load_study
from golgi.study.estimate import count_jobs, estimate
from golgi.study.needs import NEEDS, gpus, memory_mb
from golgi.study.prompts import load_prompt
from golgi.study.shapes import folder_shape

QWEN = {
    "num_hidden_layers": 28,
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "vocab_size": 152064,
    "max_position_embeddings": 32768,
}

pytestmark = pytest.mark.usefixtures("in_root")


@pytest.fixture
def spec():
    return shipped()


def test_requests_and_tokens():
    study = load_study(VALID, environment=ENVIRONMENT)
    least, most = estimate(study).writing
    # 50 facts and 51 stories of each of four concepts, 20 in a request.
    assert (least.requests, most.requests) == (4 * (3 + 3), 3 * 4 * (3 + 3))
    asked = [load_prompt(file) for file in study.prompt_files]
    concepts = [study.lexicon.by_name[name] for name in study.concepts]
    characters = sum(3 * len(prompt.render(concept, number=20)) for prompt in asked for concept in concepts)
    assert least.prompt_tokens == pytest.approx(characters / 4, abs=24)
    assert least.reply_tokens == 24 * 20 * 30
    assert least.cost == pytest.approx((0.5 * least.prompt_tokens + 2 * least.reply_tokens) / 1e6)
    assert most.cost == pytest.approx(3 * least.cost)
    # Six rounds of four at a time, 600 tokens each at 40 a second.
    assert least.seconds == pytest.approx(6 * 16, rel=0.1)


def test_a_longer_wait_and_more_in_flight_count(spec, tmp_path):
    slow = estimate(loaded(spec, tmp_path)).writing[0].seconds
    source(spec)["writer"]["in_flight"] = 80
    assert estimate(loaded(spec, tmp_path)).writing[0].seconds < slow / 3


def test_what_a_job_asks_for(spec, tmp_path):
    server = loaded(spec, tmp_path)
    assert (server.gpu, gpus(server, "ask_writer")) == (1, 0)
    assert memory_mb(server, "ask_writer") < 2000
    assert count_jobs(server)["ask_writer"] == count_jobs(server)["draw_writing"] == 1
    assert count_jobs(server)["fetch_model"] == 3
    hub = with_writer(spec, tmp_path, {"hub": "lab/writer"})
    assert gpus(hub, "ask_writer") == 1
    assert count_jobs(hub)["fetch_model"] == 4
    assert NEEDS["fetch_model"].models(hub, "fetch_model") == ["pythia-70m", None]
    assert estimate(hub).writing[0].seconds is None
    assert memory_mb(hub, "ask_writer") == 16000
    cpu = loaded(spec | {"compute": {"device": "cpu"}}, tmp_path)
    assert gpus(cpu, "ask_writer") == 0


def test_a_writer_whose_shape_is_known_is_reckoned_with(spec, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps(QWEN))
    shape = folder_shape(tmp_path)
    writer = {"directory": str(tmp_path), "dtype": "bfloat16"}
    study = with_writer(spec, tmp_path, writer)
    assert 1.5 * 2 * shape.parameters / 1e6 < memory_mb(study, "ask_writer") < 60_000
    least, most = estimate(study).writing
    # 240 requests in 15 batches, at 13 GB of weights a token.
    assert 60 < least.seconds < 600
    assert 3 < most.seconds / least.seconds < 4.1
    slow = with_writer(spec | {"compute": {"device": "cpu"}}, tmp_path, writer)
    assert estimate(slow).writing[0].seconds > 20 * least.seconds


def shown(study, capsys):
    assert main(["plan", study]) == 0
    return " ".join(capsys.readouterr().out.split())


def test_the_plan_tells_of_the_writing(capsys):
    said = shown("written", capsys)
    assert "Sentences, written by Qwen/Qwen2.5-7B-Instruct at http://localhost:8000/v1" in said
    assert "50 facts and 50 stories of each of 24 concepts, 10 in a request" in said
    assert re.search(r"if all are kept │ 240 │ \S+ k │ 72 k │ │", said)
    assert re.search(r"at most │ 960 │ \S+ k │ 288 k │ │", said)
    assert "Every reply is kept in resources/transcripts/written.jsonl" in said
    assert "ask_writer │ 1 │" in said


def test_the_plan_tells_of_the_price(spec, tmp_path, capsys):
    source(spec)["writer"]["price"] = {"input": 0.15, "output": 0.6}
    loaded(spec, tmp_path)
    said = shown(str(tmp_path / "written.yaml"), capsys)
    assert "A million tokens cost 0.15 in and 0.6 out." in said
    assert re.search(r"72 k │ 0\.05 │", said)


def answer_some(study, folder):
    """Keep replies to the first two requests for each concept and kind in a transcript of another."""
    rounds = pytest.importorskip("golgi.writing.rounds")
    requests = pytest.importorskip("golgi.writing.requests")
    transcript = pytest.importorskip("golgi.writing.transcript").Transcript(folder / "others.jsonl")
    prompts = {kind: load_prompt(study.llm["prompts"][kind]) for kind in ("fact", "story")}
    draft = rounds.drafting(prompts, study.llm, study.seed, study.llm["writer"]["model"])
    for name in study.concepts:
        for kind in ("fact", "story"):
            for draw in (0, 1, 50):
                request = draft(study.lexicon.by_name[name], kind, draw)
                transcript.keep(request, requests.Reply("1. A text.", "stop", 10, 10))
    return str(folder / "others.jsonl")


def test_the_plan_tells_what_is_answered_already(spec, tmp_path, capsys):
    source(spec)["transcripts"] = [answer_some(loaded(spec, tmp_path), tmp_path)]
    loaded(spec, tmp_path)
    said = shown(str(tmp_path / "written.yaml"), capsys)
    assert "Of the first 240 requests 96 are answered there already." in said
    source(spec)["per_request"] = 20
    loaded(spec, tmp_path)
    said = shown(str(tmp_path / "written.yaml"), capsys)
    assert "Of the first 144 requests 0 are answered" in said


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("server", "http://node17:8000/v1"),
        ("in_flight", 2),
        ("timeout", 9),
        ("price", {"input": 1, "output": 2}),
    ],
)
def test_another_way_to_the_writer_changes_no_result(spec, tmp_path, field, value):
    before = loaded(spec, tmp_path)
    source(spec)["writer"][field] = value
    after = loaded(spec, tmp_path)
    assert after.llm != before.llm
    assert (after.asked, after.sentence_choice) == (before.asked, before.sentence_choice)
    assert after.fingerprint() == before.fingerprint()
    assert after.figure_fingerprint("writing") == before.figure_fingerprint("writing")
    assert after.spec_sha256 != before.spec_sha256


@pytest.mark.parametrize(("field", "value"), [("attempts", 2), ("temperature", 0.5), ("language", "de")])
def test_what_is_asked_changes_results(spec, tmp_path, field, value):
    before = loaded(spec, tmp_path)
    source(spec)[field] = value
    after = loaded(spec, tmp_path)
    assert after.asked != before.asked
    assert after.sentence_choice == before.sentence_choice
    assert after.fingerprint() != before.fingerprint()
