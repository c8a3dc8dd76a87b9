"""What goes wrong on clusters, done to a real one: each time a study ends with an undisturbed run's bytes."""

import shutil
import signal
import time
from pathlib import Path

import pytest
from cluster import Cluster, Job, Run, until
from site_profile import copied, prepared
from workspace import Workspace, files_of

RULE = "collect_responses"
STUDY = ("--config", "studies=tiny.yaml")
WANTED = ("results/tiny/responses/mite/0/neuron.safetensors", *STUDY)


@pytest.fixture
def folder(copy: Workspace) -> Path:
    """The tiny study, finished but for one checkpoint's responses."""
    return unfinished(copy)


def unfinished(copy: Workspace) -> Path:
    shutil.rmtree(copy.folder / "results" / "tiny" / "responses" / "mite" / "0")
    return copy.folder


@pytest.fixture(scope="module", autouse=True)
def hanging(cluster: Cluster, local: Workspace, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with a job that hangs beside the others, as where a network file system does not answer."""
    folder = unfinished(copied(local, prepared(root, tmp_path_factory.mktemp("hanging"))))
    run = Run(folder, *WANTED, "--set-resources", f"{RULE}:runtime=attempt")
    cluster.signal(cluster.wait_for(folder, RULE), signal.SIGSTOP, f".{RULE}.py")
    return run


def assert_whole(folder: Path, local: Workspace) -> None:
    after, before = files_of(folder / "results"), files_of(local.folder / "results")
    assert [name for name in before if before[name] != after.get(name)] == []
    assert sorted(after) == sorted(before)


def at_work(cluster: Cluster, folder: Path) -> Job:
    """Return the job when its script runs."""
    job = cluster.wait_for(folder, RULE)
    until(lambda: cluster.pids(job, f".{RULE}.py"), f"the script of job {job.number} runs")
    return job


def of_rule(cluster: Cluster, folder: Path) -> list[Job]:
    return [job for job in cluster.jobs(folder) if job.runs(RULE)]


def test_a_job_that_needs_more_memory_is_killed_and_gets_it(cluster: Cluster, folder: Path, local: Workspace):
    Run(folder, *WANTED, "--set-resources", f"{RULE}:mem_mb=450*attempt").finish()
    *killed, last = of_rule(cluster, folder)
    assert killed
    assert {job.state for job in killed} <= {"FAILED", "OUT_OF_MEMORY", "CANCELLED"}
    assert last.state == "COMPLETED"
    assert [job.memory_mb for job in (*killed, last)] == [450 * (n + 1) for n in range(len(killed) + 1)]
    assert_whole(folder, local)


def test_a_job_that_is_cancelled_is_sent_again(cluster: Cluster, folder: Path, local: Workspace):
    run = Run(folder, *WANTED)
    job = at_work(cluster, folder)
    cluster.cancel(job)
    run.finish()
    assert [job.state for job in of_rule(cluster, folder)] == ["CANCELLED", "COMPLETED"]
    assert_whole(folder, local)


def test_the_controller_may_restart_under_running_jobs(cluster: Cluster, folder: Path, local: Workspace):
    run = Run(folder, *WANTED)
    job = at_work(cluster, folder)
    cluster.stop_controller()
    time.sleep(5)  # the run asks for its jobs meanwhile, and gets no answer
    cluster.start_controller()
    run.finish()
    assert [one.number for one in of_rule(cluster, folder) if one.state == "COMPLETED"] == [job.number]
    assert_whole(folder, local)


def test_jobs_of_a_killed_run_do_no_harm_to_the_next_one(cluster: Cluster, folder: Path, local: Workspace):
    run = Run(folder, *WANTED)
    left = cluster.wait_for(folder, RULE)
    cluster.signal(left, signal.SIGSTOP, f".{RULE}.py")
    run.kill()
    copy = Workspace(folder)
    copy.snakemake("--unlock", *STUDY)
    again = Run(folder, *WANTED)
    cluster.wait_for(folder, RULE, number=2)
    # What was left goes on while the new one does the same.
    cluster.signal(left, signal.SIGCONT, f".{RULE}.py")
    again.finish()
    until(lambda: all(job.state != "RUNNING" for job in cluster.jobs(folder)), "no job is left")
    first, second, *more = of_rule(cluster, folder)
    assert first.ended > second.began
    # Where what was left ends while the new one writes, its workflow may miss the output and clear the place:
    # the new one is then sent again, and that is all.
    assert [second, *more][-1].state == "COMPLETED"
    assert_whole(folder, local)


def test_a_drained_node_holds_the_study_up_and_no_more(cluster: Cluster, folder: Path, local: Workspace):
    expertise = Path("results", "tiny", "expertise", "mite", "0")
    shutil.rmtree(folder / expertise)
    run = Run(folder, str(expertise / "ap.safetensors"), *STUDY)
    cluster.wait_for(folder, RULE)
    cluster.update_node("drain")
    try:
        waiting = cluster.wait_for(folder, "score_experts", "PENDING")
        time.sleep(5)
        assert cluster.jobs(folder)[-1].state == "PENDING"
    finally:
        cluster.update_node("resume")
    run.finish()
    assert all(job.state == "COMPLETED" for job in cluster.jobs(folder))
    assert waiting.number in {job.number for job in cluster.jobs(folder)}
    assert_whole(folder, local)


def test_a_job_that_fails_after_it_has_written_is_not_believed(
    cluster: Cluster, folder: Path, local: Workspace
):
    run = Run(folder, *WANTED)
    job = cluster.wait_for(folder, RULE)
    written = folder / "results" / "tiny" / "responses" / "mite" / "0" / "neuron.safetensors"
    until(written.exists, f"{written} is written")
    cluster.signal(job, signal.SIGKILL, f".{RULE}.py")
    run.finish()
    assert [job.state for job in of_rule(cluster, folder)] == ["FAILED", "COMPLETED"]
    assert_whole(folder, local)


def test_a_job_that_hangs_is_ended_at_its_limit_and_gets_twice_the_time(
    cluster: Cluster, hanging: Run, local: Workspace
):
    hanging.finish()
    first, second = of_rule(cluster, hanging.folder)
    assert (first.state, first.minutes) == ("TIMEOUT", 1)
    assert (second.state, second.minutes) == ("COMPLETED", 2)
    assert_whole(hanging.folder, local)
