"""What every job of a study asks for, as Snakemake itself reckons it."""

import json
import subprocess
import sys

import pytest
from workspace import Workspace

from golgi.study import load_study
from golgi.study.needs import gpus, memory_mb
from golgi.study.shards import asked_minutes

READ = """
import contextlib, json, os, sys
from pathlib import Path
from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, OutputSettings, Quietness, ResourceSettings

with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
    resources = ResourceSettings(cores=4)
    config = ConfigSettings(config={"studies": sys.argv[1]})
    made = api.workflow(resource_settings=resources, config_settings=config, snakefile=Path("Snakefile"))
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        made.dag().printrulegraph()
    dag = made._workflow.dag
    jobs = [[job.rule.name, dict(job.wildcards.items()), dict(job.resources)] for job in dag.jobs]
    print(json.dumps(jobs, default=str))
"""


def asked(workspace: Workspace, study: str) -> list[tuple[str, dict, dict]]:
    """Return rule, wildcards and resources of every job."""
    command = [sys.executable, "-c", READ, study]
    done = subprocess.run(command, cwd=workspace.folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("device", ["cpu", "auto"])
def test_every_job_asks_for_what_the_plan_reckons(
    workspace: Workspace, small_spec: dict, monkeypatch: pytest.MonkeyPatch, device: str
):
    small_spec["compute"]["device"] = device
    path = workspace.study("small", small_spec)
    monkeypatch.chdir(workspace.folder)
    study = load_study(path)
    jobs = [job for job in asked(workspace, path) if job[0] != "all"]
    assert len(jobs) > 80
    for rule, wildcards, resources in jobs:
        model = wildcards.get("model")
        assert resources["mem_mb"] == memory_mb(study, rule, model), rule
        assert resources["runtime"] == asked_minutes(study, rule, model), rule
        assert resources.get("gpu", 0) == gpus(study, rule), rule
    held = {rule for rule, _, resources in jobs if resources.get("gpu")}
    assert bool(held) == (device == "auto")
