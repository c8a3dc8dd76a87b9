"""A study on a real cluster: what its jobs were given, and that its results are those of a laptop."""

from pathlib import Path

import pytest
from cluster import Cluster, Job, Run
from site_profile import prepared
from workspace import Workspace, files_of

GPU_RULES = {"train_model", "collect_responses", "find_exemplars", "trace_texts", "grow_graphs"}


@pytest.fixture(scope="module")
def on_cluster(root: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The tiny study, run whole through the profile as it is shipped, with a site's own keys beside it."""
    workspace = prepared(root, tmp_path_factory.mktemp("cluster"))
    Run(workspace.folder, "--config", "studies=tiny.yaml").finish()
    return workspace


@pytest.fixture(scope="module")
def jobs(cluster: Cluster, on_cluster: Workspace) -> list[Job]:
    """SLURM's records of that run."""
    return cluster.jobs(on_cluster.folder)


def needs_gpu(job: Job) -> bool:
    return any(job.runs(rule) for rule in GPU_RULES)


def test_the_results_are_those_of_a_run_without_a_cluster(on_cluster: Workspace, local: Workspace):
    there, here = files_of(on_cluster.folder / "results"), files_of(local.folder / "results")
    assert [name for name in here if here[name] != there.get(name)] == []
    assert sorted(there) == sorted(here)


def test_every_job_ran_once_and_well(jobs: list[Job]):
    assert len(jobs) > 20
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert len({job.comment for job in jobs}) == len(jobs)


def test_rules_that_run_a_model_hold_a_gpu_and_no_others_do(jobs: list[Job]):
    held = {job.comment: (job.gpus, job.partition) for job in jobs}
    wanted = {job.comment: (1, "gpu") if needs_gpu(job) else (0, "cpu") for job in jobs}
    assert held == wanted
    assert sum(map(needs_gpu, jobs)) > 5


def test_no_more_gpus_are_held_at_once_than_the_profile_allows(jobs: list[Job]):
    reading = [job for job in jobs if job.gpus]
    at_once = [sum(job.gpus for job in reading if job.began <= one.began < job.ended) for one in reading]
    assert max(at_once) == 2
