"""SLURM as its own commands show it: what is asked of it, and what its records say of every job."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar

PATIENCE = 180.0  # seconds until something is said never to happen
ENDED = {"COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "OUT_OF_MEMORY", "NODE_FAIL"}


@dataclass(frozen=True)
class Job:
    """One record of SLURM: what was asked for, what was given, what came of it."""

    number: int
    comment: str
    state: str
    partition: str
    cores: int
    memory_mb: int
    minutes: int
    gpus: int
    began: float
    ended: float

    def runs(self, rule: str) -> bool:
        """Whether it is a job of this rule, alone or in a group."""
        return rule in self.comment


class Cluster:
    """The cluster that `cluster.sh` starts."""

    def __init__(self, script: Path):
        self.script = script

    def start(self) -> bool:
        """Start it; False if it ran already."""
        done = self._run("start")
        if done.returncode and "runs already" not in done.stderr:
            raise AssertionError(f"The cluster did not start.\n{done.stdout}\n{done.stderr}")
        return done.returncode == 0

    def stop(self) -> None:
        """Stop it and remove its configuration."""
        self._do("stop")

    def stop_controller(self) -> None:
        """End slurmctld; jobs go on without it."""
        self._do("stop-controller")

    def start_controller(self) -> None:
        """Begin slurmctld again."""
        self._do("start-controller")

    def jobs(self, folder: Path) -> list[Job]:
        """Return all jobs that were sent from a folder, in the order in which they were sent."""
        shown = _output("scontrol", "--details", "--oneliner", "show", "job")
        lines = [line for line in shown.splitlines() if f" WorkDir={folder} " in line]
        return sorted(map(_job, lines), key=lambda job: job.number)

    def wait_for(self, folder: Path, rule: str, state: str = "RUNNING", number: int = 1) -> Job:
        """Return the job of a rule when it is in a state; the `number`-th that was sent."""

        def there() -> Job | None:
            jobs = [job for job in self.jobs(folder) if job.runs(rule)]
            return jobs[number - 1] if len(jobs) >= number and jobs[number - 1].state == state else None

        return until(there, f"{rule} is {state}")

    def pids(self, job: Job, command: str = "") -> list[int]:
        """Return the processes of a running job whose command line has `command` in it."""
        shown = _output("scontrol", "listpids", str(job.number), check=False)
        pids = [int(line.split()[0]) for line in shown.splitlines()[1:] if line.split()[0].isdecimal()]
        return [pid for pid in pids if pid > 0 and command in _command_line(pid)]

    def signal(self, job: Job, number: signal.Signals, command: str) -> None:
        """Send a signal to the processes of a job whose command line has `command` in it."""
        for pid in until(lambda: self.pids(job, command), f"{command} runs in job {job.number}"):
            os.kill(pid, number)

    def cancel(self, job: Job) -> None:
        """Cancel a job, as anyone may who owns it."""
        _output("scancel", str(job.number))

    def update_node(self, state: str) -> None:
        """Put the node into a state, as its operator would."""
        node = _output("sinfo", "--noheader", "--Node", "--format=%N").split()[0]
        _output("scontrol", "update", f"nodename={node}", f"state={state}", "reason=test")

    def _run(self, *arguments: str) -> subprocess.CompletedProcess:
        # Daemons inherit the pipes of a captured output and would hold them open.
        with Path(f"/tmp/golgi-cluster-{os.getpid()}.log").open("w+") as log:
            done = subprocess.run([self.script, *arguments], stdout=log, stderr=log, check=False)
            log.seek(0)
            done.stderr = log.read()
        Path(log.name).unlink()
        return done

    def _do(self, *arguments: str) -> None:
        done = self._run(*arguments)
        if done.returncode:
            raise AssertionError(f"cluster.sh {' '.join(arguments)}\n{done.stderr}")


class Run:
    """`snakemake --profile slurm` under way in a folder."""

    started: ClassVar[list["Run"]] = []

    def __init__(self, folder: Path, *arguments: str):
        self.folder = folder
        self.log = folder / "run.log"
        command = [sys.executable, "-m", "snakemake", "--profile", "slurm", "--workflow-profile", "site"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, *arguments], cwd=folder, stdout=log, stderr=log, start_new_session=True
            )
        self.started.append(self)

    def finish(self) -> str:
        """Wait until it ends well and return what it said."""
        status = self.process.wait(timeout=600)
        said = self.log.read_text()
        assert status == 0, said
        return said

    def kill(self) -> None:
        """Kill it and all it started on this machine; its jobs on the cluster go on."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    @classmethod
    def kill_all(cls) -> None:
        """Kill what still runs of all that was started."""
        while cls.started:
            cls.started.pop().kill()


def until(found: Callable, what: str):
    """Return what `found` returns as soon as it is true."""
    stop = time.monotonic() + PATIENCE
    while time.monotonic() < stop:
        if result := found():
            return result
        time.sleep(0.2)
    raise AssertionError(f"It never came to this: {what}.")


def _job(line: str) -> Job:
    fields = dict(re.findall(r"(\S+?)=(\S*)", line))
    gpus = re.search(r"JOB_GRES=gpu\S*?:(\d+)", line)
    return Job(
        number=int(fields["JobId"]),
        comment=fields.get("Comment", ""),
        state=fields["JobState"],
        partition=fields["Partition"],
        cores=int(fields["NumCPUs"]),
        memory_mb=_megabytes(fields["MinMemoryNode"]),
        minutes=_minutes(fields["TimeLimit"]),
        gpus=int(gpus.group(1)) if gpus else 0,
        began=_seconds(fields["StartTime"]),
        ended=_seconds(fields["EndTime"]),
    )


def _megabytes(text: str) -> int:
    # SLURM counts in 1024 and shows what it was asked for in whole gigabytes as such.
    return int(float(text[:-1]) * {"M": 1, "G": 1024}[text[-1]])


def _minutes(text: str) -> int:
    days, _, clock = text.rpartition("-")
    hours, minutes, _ = map(int, clock.split(":"))
    return (int(days or 0) * 24 + hours) * 60 + minutes


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp() if text[0].isdecimal() else 0.0


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _output(*command: str, check: bool = True) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=check).stdout
