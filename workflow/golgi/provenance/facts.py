"""Where a figure comes from: the spec, the tables, the weights and the code that made it."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from golgi.provenance.hashing import file_sha256
from golgi.provenance.unpacked import CHANGED, told_commit
from golgi.tables import read_table

PACKAGES = (
    "golgi",
    "matplotlib",
    "numba",
    "numpy",
    "polars",
    "scipy",
    "snakemake",
    "torch",
    "transformer-lens",
    "transformers",
)
MODEL_FACTS = (
    "model",
    "checkpoint",
    "source",
    "revision",
    "weights_sha256",
    "tokenizer_sha256",
    "device",
    "dtype",
)
HERE = Path(__file__).resolve().parents[1]


def provenance(
    *,
    study: str,
    fingerprint: str,
    tables: dict[str, Path],
    models: Path | None,
    origin: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return plain facts that are the same whenever the same study is run with the same code.

    `fingerprint` is the hash of the part of the spec that matters here, `origin` that part itself and its
    seeds, `tables` are the files that are drawn, `models` is the table of the weights that were read. No
    time, host or path of one machine is among them.
    """
    weights = read_table(models, schema="models").select(MODEL_FACTS).to_dicts() if models else []
    return {
        "study": study,
        "spec_sha256": fingerprint,
        **(origin or {}),
        "tables_sha256": {name: file_sha256(path) for name, path in sorted(tables.items())},
        "models": weights,
        "commit": commit(),
        **software(),
    }


def software() -> dict[str, Any]:
    """Return the versions of Python and of the packages that results hang on."""
    return {"python": platform.python_version(), "packages": {name: version(name) for name in PACKAGES}}


def commit() -> str:
    """Return the commit of the code, with `+changed` where files of it differ; empty outside git.

    An unpacked archive has its commit in a file. A repository that does not track this code, but in which it
    happens to lie, is not asked.
    """
    told = told_commit(HERE.parents[1])
    if told is not None:
        return told
    head = _git("rev-parse", "HEAD") if _git("ls-files", str(Path(__file__).resolve())) else ""
    return head + (CHANGED if head and _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(HERE), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
