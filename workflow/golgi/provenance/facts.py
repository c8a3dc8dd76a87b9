"""Where a figure comes from: the spec, the tables, the weights and the code that made it."""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from golgi.provenance.commits import commit
from golgi.provenance.hashing import file_sha256
from golgi.tables import read_table

PACKAGES = (
    "datasketch",
    "golgi",
    "jinja2",
    "matplotlib",
    "numba",
    "numpy",
    "polars",
    "py3langid",
    "scikit-learn",
    "scipy",
    "snakemake",
    "torch",
    "transformer-lens",
    "transformers",
)
WEIGHTS = ("model", "checkpoint", "source", "revision", "weights_sha256", "tokenizer_sha256")
MODEL_FACTS = (*WEIGHTS, "device", "dtype", "dtype_reason")


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
