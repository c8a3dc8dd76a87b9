"""A study on a real cluster: what its jobs were given, and that its results are those of a laptop."""

from pathlib import Path

import pytest
from cluster import Cluster, Job, Run
from site_profile import prepared
from workspace import Workspace, files_of

from golgi.study import load_study
from golgi.study.estimate import count_jobs
from golgi.study.needs import NEEDS, memory_mb
from golgi.study.shards import asked_minutes, count_submissions

GPU_RULES = {"collect_responses", "find_exemplars", "trace_texts", "grow_graphs"}
THREADED = {*GPU_RULES, "train_model", "score_experts"}
# Checkpoints share a job: which rules it runs, and how often each.
SHARDS = (
    {"collect_responses": 3, "gather_facts": 1},
    {"score_experts": 3, "measure_overlap": 3, "describe_units": 3, "measure_counts": 1},
)


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


def rules_of(job: Job) -> dict[str, int]:
    """Return which rules a job runs, each with the number of times."""
    for members in SHARDS:
        if all(job.runs(rule) for rule in members):
            return members
    return {max((rule for rule in NEEDS if job.runs(rule)), key=len): 1}


def needs_gpu(job: Job) -> bool:
    return any(job.runs(rule) for rule in GPU_RULES)


def test_the_results_are_those_of_a_run_without_a_cluster(on_cluster: Workspace, local: Workspace):
    there, here = files_of(on_cluster.folder / "results"), files_of(local.folder / "results")
    assert [name for name in here if here[name] != there.get(name)] == []
    assert sorted(there) == sorted(here)


def test_every_job_ran_once_and_well(jobs: list[Job], on_cluster: Workspace):
    study = load_study(on_cluster.folder / "tiny.yaml")
    assert len(jobs) == count_submissions(study, count_jobs(study)) > 20
    assert {job.state for job in jobs} == {"COMPLETED"}
    assert len({job.comment for job in jobs}) == len(jobs)


def test_rules_that_run_a_model_hold_a_gpu_and_no_others_do(jobs: list[Job]):
    held = {job.comment: (job.gpus, job.partition) for job in jobs}
    wanted = {job.comment: (1, "gpu") if needs_gpu(job) else (0, "cpu") for job in jobs}
    assert held == wanted
    assert sum(map(needs_gpu, jobs)) == 5  # one shard, the exemplars, the texts, two layers


def test_no_more_gpus_are_held_at_once_than_the_profile_allows(jobs: list[Job]):
    reading = [job for job in jobs if job.gpus]
    at_once = [sum(job.gpus for job in reading if job.began <= one.began < job.ended) for one in reading]
    assert 1 <= max(at_once) <= 2  # of four that the cluster has


def test_memory_cores_and_minutes_are_what_the_plan_says(jobs: list[Job], on_cluster: Workspace):
    study = load_study(on_cluster.folder / "tiny.yaml")
    for job in jobs:
        rules = rules_of(job)
        assert job.memory_mb == max(memory_mb(study, rule, "mite") for rule in rules), job
        assert job.minutes == sum(n * asked_minutes(study, rule, "mite") for rule, n in rules.items()), job
        assert job.cores == (2 if THREADED & rules.keys() else 1), job
