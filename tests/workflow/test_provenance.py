"""Where a finished study comes from, and what is found when its files are no longer what they were."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml
from workspace import Workspace, files_of

from golgi.study import load_study
from golgi.study.estimate import count_jobs

RESULTS = Path("results", "small")


def golgi(workspace: Workspace, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "golgi", *arguments]
    return subprocess.run(command, cwd=workspace.folder, capture_output=True, text=True, check=False)


def told(workspace: Workspace) -> dict:
    return json.loads((workspace.folder / RESULTS / "provenance.json").read_text())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def flip(path: Path) -> None:
    """Change one bit in the middle of a file, and leave its time stamps as they were."""
    stamps, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))


def test_a_finished_study_is_in_order(finished: Workspace):
    done = golgi(finished, "verify", "small.yaml")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("small: all in order.")
    assert done.stderr == ""


def test_every_file_of_the_study_is_told_with_its_hash(finished: Workspace):
    outputs = told(finished)["outputs"]
    listed = {path: one["sha256"] for path, one in outputs.items() if "sha256" in one}
    for folder in (path for path in outputs if "files" in outputs[path]):
        listed |= {f"{folder}/{name}": one["sha256"] for name, one in outputs[folder]["files"].items()}
    there = files_of(finished.folder / RESULTS)
    mine = {f"{RESULTS}/{name}" for name in there if not name.startswith("records/")}
    assert mine - {f"{RESULTS}/provenance.json"} == listed.keys()
    assert {path: sha256(finished.folder / path) for path in listed} == listed


def test_what_it_was_made_from_is_told(finished: Workspace):
    study = load_study(finished.folder / "small.yaml")
    facts = told(finished)
    assert facts["spec"] == study.spec
    assert facts["spec_sha256"].startswith(study.fingerprint())
    assert facts["seeds"] == {"study": 11, "untrained": 12}
    assert {path: sha256(finished.folder / path) for path in facts["inputs"]} == facts["inputs"]
    assert {"config/lexicons/microworld.yaml", "workflow/golgi/experts/scoring.py"} <= facts["inputs"].keys()
    assert facts["packages"]["polars"] == pl.__version__
    table = pl.read_parquet(finished.folder / RESULTS / "tables" / "models.parquet")
    for name in ("model", "checkpoint", "weights_sha256", "tokenizer_sha256"):
        assert [model[name] for model in facts["models"]] == table[name].to_list()
    assert {model["device"]["reason"] for model in facts["models"]} == {"compute.device: cpu"}


def test_every_job_is_told_with_what_it_took(finished: Workspace):
    jobs = told(finished)["jobs"]
    expected = count_jobs(load_study(finished.folder / "small.yaml"))
    counted = {rule: sum(job["rule"] == rule for job in jobs) for rule in expected}
    assert counted == {**expected, "write_provenance": 0}  # which is not over when it writes
    assert len(jobs) == sum(counted.values())
    assert all(0 < job["peak_memory_mb"] < 8000 and job["gpu_memory_mb"] is None for job in jobs)
    assert all(job["seconds"]["wall"] > 0 for job in jobs)


def test_nothing_of_the_machine_is_told(finished: Workspace):
    text = (finished.folder / RESULTS / "provenance.json").read_text()
    for record in sorted((finished.folder / RESULTS / "records").rglob("*.json")):
        text += record.read_text()
    words = {word for line in text.splitlines() for word in line.replace('"', " ").split()}
    assert str(finished.folder) not in text
    assert not any(word.startswith("/") for word in words)


def test_records_name_places_outside_as_the_spec_does(
    workspace: Workspace, small_spec: dict, root: Path, tmp_path_factory: pytest.TempPathFactory
):
    home = tmp_path_factory.mktemp("home-of-planted-anna")
    (home / "words").mkdir()
    shutil.copy(root / small_spec["concepts"]["lexicon"], home / "words" / "lexicon.yaml")
    concepts = {**small_spec["concepts"], "lexicon": "${GOLGI_PLACE}/words/lexicon.yaml"}
    study = workspace.study("small", {**small_spec, "concepts": concepts})
    planted = {
        "HOME": str(home),
        "USER": "planted-anna",
        "LOGNAME": "planted-anna",
        "HOSTNAME": "planted-host",
    }
    pool = f"{RESULTS}/sentences/pool.parquet"
    workspace.snakemake(
        "--cores", "1", "--config", f"studies={study}", "--", pool, GOLGI_PLACE=str(home), **planted
    )
    records = sorted((workspace.folder / RESULTS / "records").rglob("*.json"))
    texts = {path.name: path.read_text() for path in records}
    assert "${GOLGI_PLACE}/words/lexicon.yaml" in json.loads(texts["pool.parquet.json"])["inputs"]
    assert not [name for name, text in texts.items() if "planted" in text or str(workspace.folder) in text]


def test_a_figure_holds_its_part_of_the_spec(finished: Workspace):
    study = load_study(finished.folder / "small.yaml")
    svg = (finished.folder / RESULTS / "figures" / "overlap.svg").read_text()
    facts = json.JSONDecoder().raw_decode(svg[svg.index('{"commit"') :].replace("&quot;", '"'))[0]
    assert facts["spec"]["analyses"] == {"overlap": study.spec["analyses"]["overlap"]}
    assert facts["spec"]["concepts"] == study.spec["concepts"]
    assert facts["spec"]["figure"] == study.figure_options("overlap")
    assert facts["seeds"] == {"study": 11, "untrained": 12}
    assert facts["spec_sha256"] == study.figure_fingerprint("overlap")


def test_each_damage_is_told_and_made_good(copy: Workspace):
    before = files_of(copy.folder / RESULTS)
    results = copy.folder / RESULTS
    flip(results / "tables" / "training.parquet")
    picture = results / "figures" / "experts_by_layer.png"
    picture.write_bytes(picture.read_bytes()[:-100])
    (results / "figures" / "training_loss.svg").unlink()
    run = ("--cores", "2", "--config", "studies=small.yaml")
    refused = copy.snakemake(*run, check=False)
    message = (
        f"{RESULTS}/tables/training.parquet is not what gather_training wrote: it was altered or damaged"
    )
    assert refused.returncode != 0
    assert message in refused.stderr + refused.stdout

    found = golgi(copy, "verify", "small.yaml", "--discard")
    assert found.returncode == 1
    for name in ("tables/training.parquet", "figures/experts_by_layer.png", "figures/training_loss.svg"):
        assert f"{RESULTS}/{name}" in found.stdout
    assert f"removed {RESULTS}/figures/experts_by_layer.png" in found.stdout
    copy.snakemake(*run)
    assert files_of(results) == before
    assert golgi(copy, "verify", "small.yaml").returncode == 0


def test_an_edit_is_told_in_the_words_of_the_spec(copy: Workspace, small_spec: dict):
    spec = {**small_spec, "figures": {"overlap": {"colours": "magma"}}}
    (copy.folder / "small.yaml").write_text(yaml.safe_dump(spec))
    found = golgi(copy, "verify", "small.yaml")
    assert found.returncode == 1
    assert "figures.overlap.colours" in found.stdout
    assert '"magma"' in found.stdout
    assert "5 stale" in found.stdout  # the figure in its formats, its caption, and the report
