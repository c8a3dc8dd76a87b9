"""Kill a study at random moments, start it again as the README says, and count the bytes that are lost.

    python tests/workflow/faults.py --study demo --kills 25 --seed 1

runs the study undisturbed, then again with that many deaths, each at a moment of its own: one in each equal
part of the study's jobs, and a random while after that.
"""

import argparse
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from workspace import Workspace, files_of, make_workspace

logger = logging.getLogger("faults")

ROOT = Path(__file__).resolve().parents[2]
STEPS = re.compile(r"(?:^total\s+|(\d+) of )(\d+)")  # of the table of jobs, and of each job that ends
CORES = 2
LAST = 3  # jobs that are left when the last of the moments may come: the end of a study is not overslept


@dataclass(frozen=True)
class Moment:
    """When to kill a run: as soon as no more than `left` jobs are left, and then a `delay` in seconds."""

    left: int
    delay: float


@dataclass
class Count:
    """What became of a study that was killed: faults tried and survived, and the bytes that they cost."""

    tried: int = 0
    survived: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    added: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def __str__(self) -> str:
        counts = f"{self.tried} tried, {self.survived} survived, {sum(self.lost.values())} bytes lost"
        return f"{counts}, {len(self.added)} files left over, {self.seconds:.0f} s"

    def compare(self, before: dict[str, bytes], after: dict[str, bytes]) -> None:
        """Note every file that is lost or altered, and every file that should not be there."""
        self.lost |= {name: len(content) for name, content in before.items() if after.get(name) != content}
        self.added |= after.keys() - before.keys()


def draw_moments(jobs: int, kills: int, *, longest: float, seed: int) -> list[Moment]:
    """Draw when to kill: once in each of `kills` equal parts of the jobs, up to `longest` seconds into it."""
    generator = np.random.default_rng(seed)
    done = (np.arange(kills) + generator.random(kills)) / kills * max(0, jobs - LAST)
    delays = generator.random(kills) * longest
    return [Moment(jobs - int(share), float(delay)) for share, delay in zip(done, delays, strict=True)]


class Run:
    """Snakemake as the leader of a process group, so that it can be killed with all its jobs."""

    def __init__(self, workspace: Workspace, *arguments: str, **environment: str):
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", str(CORES), *arguments],
            cwd=workspace.folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def lines(self) -> Iterator[str]:
        """Yield what the run says, until it is over."""
        for line in self.process.stdout:
            self.said.append(line)
            yield line

    def jobs_left(self) -> Iterator[int]:
        """Yield how many jobs are left, as soon as the run knows it and as each ends, until it is over."""
        for line in self.lines():
            if found := STEPS.match(line):
                yield int(found[2]) - int(found[1] or 0)

    def ends(self, seconds: float | None = None) -> bool:
        """Wait for the end, at most so many seconds, and say whether it came."""
        try:
            self.said.append(self.process.communicate(timeout=seconds)[0])
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to Snakemake and all its jobs, and wait until none of them holds its output open."""
        os.killpg(self.process.pid, number)
        self.ends()


def dies(run: Run, moment: Moment, left: int) -> int | None:
    """Kill a run at a moment and return how many jobs were left, of `left` before; None if it was over first.

    Where the moment's jobs were done in an earlier run, its delay begins with the process: a run dies while
    it starts, too.
    """
    if left > moment.left:
        left = next((jobs for jobs in run.jobs_left() if jobs <= moment.left), 0)
    if not run.ends(moment.delay):
        run.kill()
        return left
    if run.process.returncode:
        raise AssertionError("the run failed by itself:\n" + "".join(run.said))
    return None


def kill_often(
    workspace: Workspace, before: dict[str, bytes], moments: list[Moment], *arguments: str
) -> Count:
    """Kill a study at every moment, finish it, and compare its files with those of an undisturbed run."""
    count, began, left = Count(), time.monotonic(), sys.maxsize
    for number, moment in enumerate(moments):
        while (after := dies(_go_on(workspace, *arguments), moment, left)) is None:
            # The run was over first: its life counts, and the kill is tried on a new one, sooner.
            count.compare(before, files_of(workspace.folder / "results"))
            _empty(workspace)
            moment, left = Moment(moment.left, moment.delay / 2), sys.maxsize
        count.tried, left = count.tried + 1, after
        logger.info("kill %d of %d: %d jobs left, %.1f s later", number + 1, len(moments), left, moment.delay)
    run_again(workspace, *arguments)
    count.compare(before, files_of(workspace.folder / "results"))
    count.survived = 0 if count.lost or count.added else count.tried
    count.seconds = time.monotonic() - began
    return count


def run_again(workspace: Workspace, *arguments: str) -> None:
    """Finish a run that died, as the README says."""
    workspace.snakemake("--unlock", *arguments)
    workspace.snakemake("--cores", str(CORES), "--rerun-incomplete", *arguments)


def _go_on(workspace: Workspace, *arguments: str) -> Run:
    workspace.snakemake("--unlock", *arguments)
    return Run(workspace, "--rerun-incomplete", *arguments)


def _empty(workspace: Workspace) -> None:
    for name in ("results", ".snakemake"):
        shutil.rmtree(workspace.folder / name)


def run_undisturbed(workspace: Workspace, *arguments: str) -> tuple[dict[str, bytes], int, float]:
    """Run a study and return its files, how many jobs it had, and the seconds that a job took of a core."""
    jobs, began = sum(workspace.jobs(*arguments).values()), time.monotonic()
    workspace.snakemake("--cores", str(CORES), *arguments)
    seconds = CORES * (time.monotonic() - began) / jobs
    return files_of(workspace.folder / "results"), jobs, seconds


def main() -> None:
    """Kill a study as the command line says; leave with status 1 if a byte is lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--study", default="demo", help="a study's name, or its file")
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    study = str(Path(options.study).resolve()) if Path(options.study).is_file() else options.study
    arguments = ("--config", f"studies={study}")
    with tempfile.TemporaryDirectory() as calm, tempfile.TemporaryDirectory() as killed:
        before, jobs, seconds = run_undisturbed(make_workspace(ROOT, Path(calm)), *arguments)
        logger.info("undisturbed: %d jobs, %d files, %.1f s of a core each", jobs, len(before), seconds)
        moments = draw_moments(jobs, options.kills, longest=seconds, seed=options.seed)
        count = kill_often(make_workspace(ROOT, Path(killed)), before, moments, *arguments)
    logger.info("%s", count)
    for name in sorted(count.lost.keys() | count.added):
        logger.info("not as it was: %s", name)
    sys.exit(bool(count.lost or count.added))


if __name__ == "__main__":
    main()
