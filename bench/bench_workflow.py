"""What a user waits for when nothing is computed: dry run, a run with nothing to do, and the command line."""

import logging
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINKED = ("Snakefile", "workflow", "config", "schemas", "slurm", "envs")
logger = logging.getLogger(__name__)


def seconds(*command: str, folder: Path) -> float:
    """Return the best of three wall times of a command, in seconds."""
    environment = {**os.environ, "GOLGI_CORPUS": str(folder / "corpus.txt")}
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Print each wait, its limit, and its ratio to Snakemake's own start."""
    snakemake = (sys.executable, "-m", "snakemake")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for link in LINKED:
            (folder / link).symlink_to(ROOT / link)
        (folder / "corpus.txt").write_text("A line.")
        small = ("--config", f"studies={ROOT / 'tests' / 'studies' / 'small.yaml'}")
        subprocess.run([*snakemake, "--cores", "2", *small], cwd=folder, check=True, capture_output=True)
        start = seconds(*snakemake, "--version", folder=folder)
        waits = {
            "dry run of expertlens.yaml (limit 5 s)": [
                *snakemake,
                "--dry-run",
                "--config",
                "studies=expertlens",
            ],
            "a second run with nothing to do (limit 4 s)": [*snakemake, "--cores", "2", *small],
            "golgi check expertlens.yaml": [
                sys.executable,
                "-m",
                "golgi",
                "check",
                "config/studies/expertlens.yaml",
            ],
        }
        logger.info("snakemake --version: %.2f s", start)
        for what, command in waits.items():
            took = seconds(*command, folder=folder)
            logger.info("%s: %.2f s, %.1f times Snakemake's own start", what, took, took / start)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main()
