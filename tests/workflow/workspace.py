"""Run the real Snakemake on the real workflow, in a folder of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

LINKED = ("Snakefile", "workflow", "config", "schemas", "slurm", "envs", "pyproject.toml", "CITATION.cff")
# Secrets in a run's environment, and a path that its study does not name: no file that it leaves has them.
PLANTED = {
    name: f"planted-{name.lower()}-4b1d"
    for name in ("HF_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "GOLGI_API_KEY", "GOLGI_PRIVATE_PATH")
}


@dataclass(frozen=True)
class Workspace:
    """An empty folder in which the project's files are links, so that results stay apart."""

    folder: Path

    def snakemake(
        self, *arguments: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess:
        """Run Snakemake here; its output is shown where it fails and should not."""
        command = [sys.executable, "-m", "snakemake", *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, **environment},
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
        return done

    def jobs(self, *arguments: str, **environment: str) -> dict[str, int]:
        """Return how many jobs of each rule a dry run would do."""
        lines = self.snakemake("--dry-run", *arguments, **environment).stdout.splitlines()
        header = next((number for number, line in enumerate(lines) if line.split() == ["job", "count"]), None)
        if header is None:
            return {}
        table = [line.split() for line in lines[header + 2 :]]
        stop = next(number for number, row in enumerate(table) if not row or row[0] == "total")
        return {rule: int(count) for rule, count in table[:stop]}

    def study(self, name: str, spec: dict) -> str:
        """Write a spec and return its path, to be given as `studies=`."""
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**spec, "study": name}, sort_keys=False))
        return str(path)


def make_workspace(root: Path, folder: Path) -> Workspace:
    """Link the project's files into `folder`."""
    for name in LINKED:
        (folder / name).symlink_to(root / name)
    return Workspace(folder)


# How a job was run, what was measured of it, and the number that tells it from others: another at every run.
MEASURED = {"seconds", "peak_memory_mb", "gpu_memory_mb", "started", "threads", "nonce", "jobs"}


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every result but the logs and Snakemake's own marks: relative path -> bytes.

    Of records and of the provenance it is what does not depend on how long things took.
    """
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "logs" not in path.parts)
    paths = (path for path in files if not path.name.startswith(".snakemake"))
    return {str(path.relative_to(folder)): _lasting(path) for path in paths}


def _lasting(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".json" or not ("records" in path.parts or path.name == "provenance.json"):
        return content
    # The provenance tells what was measured, so its hash, in its own record, is another too.
    left_out = MEASURED | ({"sha256", "bytes"} if path.name == "provenance.json.json" else set())
    kept = {name: value for name, value in json.loads(content).items() if name not in left_out}
    return json.dumps(kept, sort_keys=True).encode()
