"""What users get wrong ends in a message in their words: no traceback, nothing half-written, a way out."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from workspace import Workspace

MODEL = "results/small/models/tiny"


@pytest.fixture
def spec(copy: Workspace, small_spec: dict) -> dict:
    """A study of a folder of checkpoints and a file of sentences, both the user's own."""
    pool = pl.read_parquet(copy.folder / "results" / "small" / "sentences" / "pool.parquet")
    pool.select("concept", "text", "kind").write_ndjson(copy.folder / "sentences.jsonl")
    shutil.copytree(copy.folder / MODEL, copy.folder / "checkpoints")
    sentences = {**small_spec["concepts"]["sentences"], "source": {"files": ["sentences.jsonl"]}}
    rest = {name: section for name, section in small_spec.items() if name not in ("graphs", "claims")}
    return {
        **rest,
        "models": {"mine": {"source": {"directory": "checkpoints"}, "checkpoints": [0, 60], "bos": True}},
        "concepts": {**small_spec["concepts"], "sentences": sentences},
        "analyses": {name: small_spec["analyses"][name] for name in ("overlap", "categories", "alignment")},
    }


def run(copy: Workspace, spec: dict, *targets: str):
    study = copy.study("own", spec)
    return copy.snakemake("--cores", "2", *targets, "--config", f"studies={study}", check=False)


def message_of(copy: Workspace, spec: dict, *targets: str) -> str:
    """Run a study that must fail, and return what it says."""
    done = run(copy, spec, *targets)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "Traceback" not in said
    assert not list((copy.folder / "results").rglob("*.part"))
    return said


def test_the_users_own_model_and_sentences_give_the_same_experts(copy: Workspace, spec: dict):
    assert run(copy, spec, "results/own/tables/counts.parquet").returncode == 0
    own, small = (
        pl.read_parquet(copy.folder / f"results/{name}/tables/counts.parquet") for name in ("own", "small")
    )
    measured = [frame.filter(control="measured")["experts"].sum() for frame in (own, small)]
    assert measured[0] == measured[1] > 0


def test_all_mistakes_of_a_spec_are_told_with_their_lines(copy: Workspace, spec: dict):
    spec["experts"] = {**spec["experts"], "pooling": "maximum", "thresholds": [0.6, 1.4]}
    spec["concepts"]["categories"] = ["animal", "vehicle", "vehicles"]
    said = message_of(copy, spec)
    for words in (
        "experts.pooling: ",
        "experts.thresholds[1]: 1.4 is more than 1",
        "Did you mean `vehicle`?",
    ):
        assert words in said
    assert said.count("own.yaml:") == 3


def test_a_checkpoint_that_is_not_there_is_named_before_anything_runs(copy: Workspace, spec: dict):
    spec["models"]["mine"]["checkpoints"] = [0, 60, 120]
    said = message_of(copy, spec)
    assert "models.mine.checkpoints[2]" in said
    assert "step120" in said


def damaged(folder: Path, how: str) -> None:
    weights = folder / "model.safetensors"
    if how == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif how == "pickled":
        weights.rename(folder / "pytorch_model.bin")
    else:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "intermediate_size": 64}))


@pytest.mark.parametrize("how", ["truncated", "pickled", "wrong shape"])
def test_a_damaged_checkpoint_is_named_and_the_next_run_completes(copy: Workspace, spec: dict, how: str):
    target = "results/own/responses/mine/60/neuron.safetensors"
    folder = copy.folder / "checkpoints" / "step60"
    damaged(folder, how)
    said = message_of(copy, spec, target)
    assert "mine@60" in said
    assert not (copy.folder / target).exists()
    shutil.rmtree(folder)
    shutil.copytree(copy.folder / MODEL / "step60", folder)
    assert run(copy, spec, target).returncode == 0


def rewrite(copy: Workspace, change) -> None:
    path = copy.folder / "sentences.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in change(rows)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: [row for row in rows if row["concept"] != "dog"], "dog: 0 (0 found"),
        (
            lambda rows: [rows[0], *[row for row in rows if row["concept"] != rows[0]["concept"]]],
            ": 1 (1 found",
        ),
        (lambda rows: [{**rows[0], "text": " "}, *rows[1:]], "sentences.jsonl:1: the text is empty"),
    ],
    ids=["no sentence", "one sentence", "empty text"],
)
def test_too_few_or_broken_sentences_are_named(copy: Workspace, spec: dict, change, words: str):
    rewrite(copy, change)
    assert words in message_of(copy, spec, "results/own/sentences/pool.parquet")


def test_a_sentence_longer_than_the_context_is_named(copy: Workspace, spec: dict):
    long = "The dog ran " + "and ran " * 100 + "home."
    rewrite(
        copy,
        lambda rows: [
            *rows,
            *[{"concept": "dog", "text": f"{long} {i}", "kind": "fact"} for i in range(400)],
        ],
    )
    said = message_of(copy, spec, "results/own/responses/mine/60/neuron.safetensors")
    assert "and ran and ran" in said
    assert "context" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dog cat 3.5\ncar\nbus boat many\ncow horse 2\nbird fish 1\n", ["ratings.txt:2", "ratings.txt:3"]),
        ("love hate 3.5\npeace war 2\nhope fear 1\n", ["ratings"]),
    ],
    ids=["bad rows", "no shared word"],
)
def test_ratings_that_cannot_be_used_are_told(copy: Workspace, spec: dict, text: str, words: list[str]):
    (copy.folder / "ratings.txt").write_text(text)
    spec["analyses"]["alignment"]["references"] = {"people": {"file": "ratings.txt"}}
    said = message_of(copy, spec)
    assert all(word in said for word in words)
