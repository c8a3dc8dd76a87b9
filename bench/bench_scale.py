"""A large study on paper: three sizes of Pythia at 154 checkpoints and 200 concepts, planned and never run.

    python bench/bench_scale.py

How many jobs it is and how many of them a cluster is sent, how long a dry run takes and how much memory, how
long each job of a cluster reads the workflow, how often the scheduler is spoken to, and what jobs ask for at
most.
"""

import logging
import os
import resource
import subprocess
import sys
import tempfile
from operator import itemgetter
from pathlib import Path

import yaml

from golgi.study import load_study
from golgi.study.estimate import count_jobs, estimate
from golgi.study.needs import NEEDS, memory_mb, seconds_of
from golgi.study.plan import Study
from golgi.study.shards import SHARDED, asked_minutes, count_submissions, shard_size

ROOT = Path(__file__).resolve().parents[1]
LINKED = ("Snakefile", "workflow", "config", "schemas", "slurm", "envs")
STEPS = [0, *(2**power for power in range(10)), *range(1000, 143_001, 1000)]
CONCEPTS = 200
SHOWN = 3
FIRST = "results/suite/tables/concepts.parquet"  # one job needs little more than the workflow itself
logger = logging.getLogger(__name__)


def write_suite(folder: Path) -> Path:
    """Write the study: expertlens at every checkpoint of Pythia, its corpus a line of text."""
    (folder / "corpus.txt").write_text("A line.")
    spec = yaml.safe_load((ROOT / "config" / "studies" / "expertlens.yaml").read_text())
    lexicon = yaml.safe_load((ROOT / "config" / "lexicons" / "men.yaml").read_text())
    spec["study"] = "suite"
    spec["concepts"]["only"] = list(lexicon["concepts"])[:CONCEPTS]
    for model in spec["models"].values():
        model["checkpoints"] = list(STEPS)
    path = folder / "suite.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False))
    return path


def measure(folder: Path, *arguments: str) -> tuple[float, float]:
    """Run Snakemake in a process of its own; return its seconds of processor time and its peak megabytes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "snakemake", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return processor, after.ru_maxrss / 1024  # the largest so far: call with the smallest first


def describe_shards(study: Study) -> None:
    """Print how many checkpoints of each model share a job, and for how long they keep it busy."""
    for rule, rules in SHARDED.items():
        for model in study.models:
            size = shard_size(study, rule, model)
            minutes = size * sum(seconds_of(study, one, model) for one in rules) / 60
            logger.info("%s, %s: %d checkpoints a job, %.0f minutes", rule, model, size, minutes)


def describe_largest(study: Study) -> None:
    """Print the jobs that ask for the most memory, and for the most time."""
    asked = [
        (memory_mb(study, rule, model) / 1000, asked_minutes(study, rule, model) / 60, rule, model or "all")
        for rule in count_jobs(study)
        for model in NEEDS[rule].models(study, rule)
    ]
    for what, key in (("memory", itemgetter(0)), ("time", itemgetter(1))):
        for memory, hours, rule, model in sorted(asked, key=key, reverse=True)[:SHOWN]:
            logger.info("most %s: %s, %s: %.0f GB, %.1f h", what, rule, model, memory, hours)


def describe_load(study: Study, profile: dict) -> None:
    """Print how many jobs there are, how many are sent, and how often the scheduler is spoken to."""
    jobs = count_jobs(study)
    sent = count_submissions(study, jobs)
    work = sum(work.hours for work in estimate(study).models)
    logger.info(
        "%d checkpoints, %d models, %d concepts: %d jobs, of which %d are sent, %.2f of them",
        *(len(STEPS), len(study.models), CONCEPTS, sum(jobs.values()), sent, sent / sum(jobs.values())),
    )
    hourly = min(profile["jobs"] * sent / work, 60 * int(profile["max-jobs-per-timespan"].split("/")[0]))
    queries = 60 / profile["slurm-init-seconds-before-status-checks"]
    logger.info(
        "with %d jobs at once: at most %.0f sent an hour, %.0f queries a minute",
        profile["jobs"],
        hourly,
        queries,
    )


def main() -> None:
    """Print what the study asks of the machine that starts it, of its jobs, and of the scheduler."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for link in LINKED:
            (folder / link).symlink_to(ROOT / link)
        suite = write_suite(folder)
        os.environ["GOLGI_CORPUS"] = str(folder / "corpus.txt")
        os.chdir(folder)
        study = load_study(suite)
        describe_load(study, yaml.safe_load((ROOT / "slurm" / "profile.yaml").read_text()))
        describe_shards(study)
        describe_largest(study)
        dry = ("--dry-run", "--quiet", "--config", f"studies={suite}")
        start, one, whole = (
            measure(folder, "--version"),
            measure(folder, *dry, "--", FIRST),
            measure(folder, *dry),
        )
    logger.info("Snakemake's own start: %.2f s of processor time, %.0f MB", *start)
    logger.info(
        "one job reads the workflow: %.2f s, %.1f times that; it does so twice", one[0], one[0] / start[0]
    )
    each = 1000 * (whole[0] - one[0]) / sum(count_jobs(study).values())
    logger.info("dry run: %.1f s, %.1f ms a job; peak %.0f MB", whole[0], each, whole[1])


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
