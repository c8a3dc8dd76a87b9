"""An archive of a study whose sentences a language model wrote: with it nobody need be asked again."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from synthetic_tables import table
from test_archive import archived, edited, extracted, finish, names, project  # noqa: F401

from golgi.archive.archiving import gather_archive
from golgi.command import main
from golgi.errors import GolgiError
from golgi.files import write_json
from golgi.provenance.hashing import content
from golgi.provenance.records import record_path
from golgi.provenance.verifying import STALE, verify
from golgi.study import load_study
from golgi.study.writing import WRITTEN_FILES
from golgi.tables import write_table
from golgi.writing.lines import encode_line
from golgi.writing.requests import Reply, Request, Sampling
from golgi.writing.transcript import Transcript

SERVER = {"server": "http://localhost:8000/v1", "model": "small-writer", "key": "GOLGI_WRITER_KEY"}
SAMPLING = Sampling(temperature=1.0, top_p=0.95, max_tokens=1000, seed=1)
REQUESTS = [
    Request("dog", "fact", draw, (("user", f"Write of dogs, {draw}."),), "small-writer", SAMPLING)
    for draw in range(4)
]
REPLY = Reply("1. A dog barks.", "stop", 10, 5, "small-writer", "")
OWN = "resources/transcripts/small.jsonl"


def written(folder: Path, *, own: int = 4, writer: dict = SERVER, **llm: object) -> None:
    """Make the study one that a model wrote, with `own` of its replies in its own transcript."""
    source = {"llm": {"writer": writer, **llm}}
    sentences = {"source": source, "positives": 40, "negatives": 80}
    spec = edited(folder, concepts={**edited(folder)["concepts"], "sentences": sentences})
    finish(spec, folder)
    Path(OWN).parent.mkdir(parents=True, exist_ok=True)
    if own:
        Path(OWN).write_bytes(b"".join(encode_line(one, REPLY) for one in REQUESTS[:own]))
    results = folder / "results" / "small"
    for name in WRITTEN_FILES:
        (results / name).write_text(name)
    told = {"finish": "stop", "refused": False, "cut": False, "preambles": 0, "sentences": 1}
    told |= {"prompt_tokens": 10, "completion_tokens": 5, "model": "small-writer", "fingerprint": ""}
    rows = [
        {"round": 0, "concept": one.concept, "kind": one.kind, "draw": one.draw, "reply": one.key}
        | {"sha256": REPLY.sha256, **told}
        for one in REQUESTS
    ]
    write_table(table("replies", rows), results / "sentences" / "replies.parquet", schema="replies")
    for name in WRITTEN_FILES:
        facts = {"rule": "ask_writer", "log": "a.log", "started": "", "inputs": {}}
        path = f"results/small/{name}"
        write_json({"output": path, **content(Path(path)), **facts}, record_path(path))


def test_what_was_asked_and_answered_and_what_came_of_it_are_in_it(project):  # noqa: F811
    written(project)
    held = names(archived(project))
    assert {f"results/small/{name}" for name in WRITTEN_FILES} <= held
    assert {OWN, "config/prompts/facts.v1.jinja", "config/prompts/stories.v1.jinja"} <= held
    assert {"results/small/tables/writing.parquet", "results/small/figures/writing.svg"} <= held


def test_a_study_that_no_model_wrote_has_none_of_it(project):  # noqa: F811
    held = names(archived(project))
    assert not {f"results/small/{name}" for name in WRITTEN_FILES} & held
    assert not [name for name in held if name.startswith(("resources/transcripts", "config/prompts"))]
    assert (
        "language model"
        not in extracted(archived(project), project.parent / "x").joinpath("ARCHIVE.md").read_text()
    )


def test_whoever_unpacks_it_has_every_reply_and_a_study_in_order(project, tmp_path, monkeypatch):  # noqa: F811
    written(project)
    folder = extracted(archived(project), tmp_path / "there")
    monkeypatch.chdir(folder)
    study = load_study("config/studies/small.yaml", check_files=True)
    kept = Transcript(Path(study.transcript), [Path(one) for one in study.transcripts])
    assert all(one.key in kept for one in REQUESTS)
    assert verify("small", study).in_order
    page = Path("ARCHIVE.md").read_text()
    assert f"Its replies are in `{OWN}`: they are read, and it is not asked" in page
    assert "resources/models" not in page


def test_transcripts_and_prompts_of_others_go_in_under_the_names_that_they_have(
    project,  # noqa: F811
    tmp_path,
    monkeypatch,
):
    others = tmp_path / "others"
    others.mkdir()
    (others / "published.jsonl").write_bytes(b"".join(encode_line(one, REPLY) for one in REQUESTS))
    shutil.copy("config/prompts/facts.v1.jinja", others / "mine.jinja")
    monkeypatch.setenv("GOLGI_OTHERS", str(others))
    written(
        project,
        own=0,
        prompts={"fact": "${GOLGI_OTHERS}/mine.jinja"},
        transcripts=["${GOLGI_OTHERS}/published.jsonl"],
    )
    held = names(archived(project))
    place = "inputs/GOLGI_OTHERS/others"
    assert {f"{place}/mine.jinja", f"{place}/published.jsonl", "config/prompts/stories.v1.jinja"} <= held
    assert not {OWN, "config/prompts/facts.v1.jinja"} & held
    page = extracted(archived(project), tmp_path / "there").joinpath("ARCHIVE.md").read_text()
    assert f"Its replies are in `{place}/published.jsonl`" in page


@pytest.mark.parametrize("own", [0, 3])
def test_a_study_whose_replies_are_gone_is_refused(project, capsys, own):  # noqa: F811
    written(project, own=own)
    assert main(["archive", "small.yaml", "out.tar.zst"]) == 1
    said = capsys.readouterr().err
    assert f"{4 - own} of the 4 replies that the sentences of small are from are in no transcript" in said
    assert f"Put {OWN} back" in said


@pytest.mark.parametrize("number", [1, 3])
def test_a_reply_that_was_edited_by_hand_is_noticed(project, capsys, number):  # noqa: F811
    written(project)
    lines = Path(OWN).read_text().splitlines(keepends=True)
    edits = [line.replace("barks", "purrs") for line in lines[:number]]
    Path(OWN).write_text("".join(edits + lines[number:]))
    assert main(["archive", "small.yaml", "out.tar.zst"]) == 1
    said = capsys.readouterr().err
    more = " and 2 more" if number == 3 else ""
    assert f"{OWN}: the reply {REQUESTS[0].key}{more} changed since the sentences of small were" in said
    assert "Put the file back as it was, or remove results/small/sentences" in said
    Path(OWN).write_text("".join(lines))
    assert OWN in names(archived(project))


def test_a_transcript_that_is_a_link_out_of_the_project_is_refused(project, tmp_path):  # noqa: F811
    written(project)
    shutil.move(OWN, tmp_path / "elsewhere.jsonl")
    Path(OWN).symlink_to(tmp_path / "elsewhere.jsonl")
    with pytest.raises(GolgiError, match="a link that leads to"):
        gather_archive(load_study("small.yaml"))


def test_a_local_writer_is_kept_as_a_model_is(project, tmp_path, monkeypatch):  # noqa: F811
    model = tmp_path / "writers" / "mine"
    model.mkdir(parents=True)
    (model / "config.json").write_text(
        json.dumps({"num_hidden_layers": 2, "hidden_size": 32, "vocab_size": 600})
    )
    for name in ("tokenizer.json", "chat_template.jinja", "model.safetensors", "pytorch_model.bin"):
        (model / name).write_text("x")
    monkeypatch.setenv("GOLGI_WRITERS", str(tmp_path / "writers"))
    written(project, writer={"directory": "${GOLGI_WRITERS}/mine"})
    place = "inputs/GOLGI_WRITERS/writers/mine"
    without, whole = names(archived(project)), names(archived(project, weights=True))
    assert {f"{place}/{name}" for name in ("config.json", "tokenizer.json", "chat_template.jinja")} <= without
    assert whole - without == {f"{place}/model.safetensors"}
    page = extracted(archived(project), tmp_path / "there").joinpath("ARCHIVE.md").read_text()
    assert "Its weights have to be there all the same" in page
    assert f"that belong as `.safetensors` into `{place}`" in page


def test_verify_says_that_the_writers_weights_changed(project, tmp_path, monkeypatch):  # noqa: F811
    model = tmp_path / "writer"
    model.mkdir()
    (model / "config.json").write_text(
        json.dumps({"num_hidden_layers": 2, "hidden_size": 32, "vocab_size": 600})
    )
    (model / "model.safetensors").write_bytes(b"before")
    written(project, writer={"directory": str(model)})
    output = record_path("results/small/sentences/written.parquet")

    def stale() -> str:
        return " ".join(
            one.cause for one in verify("small", load_study("small.yaml")).faults if one.kind == STALE
        )

    file = str(model / "model.safetensors")
    inputs = {file: hashlib.sha256(b"before").hexdigest()}
    write_json({**json.loads(output.read_text()), "inputs": inputs}, output)
    assert not stale()
    (model / "model.safetensors").write_bytes(b"after")
    assert f"the weights of the writer, {file}, changed" in stale()
