"""One page of facts about a finished study: what it was made from, what was made, and what making it took."""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from golgi.files import read_json, write_json
from golgi.provenance.commits import CHANGED, commit
from golgi.provenance.facts import WEIGHTS, software
from golgi.provenance.hashing import content
from golgi.provenance.lineage import Lineage
from golgi.study.portable import named
from golgi.tables import read_table

logger = logging.getLogger(__name__)

MEASURED = (
    "rule",
    "log",
    "started",
    "seconds",
    "threads",
    "peak_memory_mb",
    "device",
    "gpu_memory_mb",
)


def write_provenance(
    *,
    study: str,
    spec_sha256: str,
    origin: dict[str, Any],
    device: str,
    names: Mapping[str, str],
    models: Path,
    ends: Iterable[str],
    provenance: Path,
    writer: Path | None = None,
) -> None:
    """Write where a finished study comes from, as JSON.

    `origin` is the spec and its seeds, `device` the one that the spec asks for, `names` what places outside
    the project are called, `models` the table of the weights that were read, `ends` the files from which
    nothing else is made: whatever they were made from, directly or not, is told with its hash, `writer` the
    facts about a language model that wrote the sentences. All but `jobs` is the same whenever the same study
    is run with the same code. No host, user or place of one machine is told, and no time but those in `jobs`.
    """
    lineage = Lineage(f"results/{study}", ends)
    unrecorded = [path for path in lineage.unrecorded if Path(path).exists()]
    for output in unrecorded:
        logger.warning(
            "%s has no record; its hash is taken now, and what it was made from is not known.", output
        )
    code = commit()
    write_json(
        {
            "study": study,
            "spec_sha256": spec_sha256,
            **origin,
            "code": {"commit": code.removesuffix(CHANGED), "changed": code.endswith(CHANGED)},
            **software(),
            "models": _models(models, device),
            **({"writer": read_json(writer)} if writer else {}),
            "inputs": {named(path, names): sha256 for path, sha256 in lineage.inputs.items()},
            "outputs": _outputs(lineage, unrecorded),
            "jobs": [{name: record.get(name) for name in MEASURED} for record in lineage.jobs],
        },
        provenance,
    )


def _models(table: Path, device: str) -> list[dict[str, Any]]:
    rows = read_table(table, schema="models").to_dicts()
    return [
        {name: row[name] for name in WEIGHTS}
        | {
            "device": {"name": row["device"], "reason": device_reason(device, row["device"])},
            "dtype": {"name": row["dtype"], "reason": row["dtype_reason"]},
        }
        for row in rows
    ]


def device_reason(asked: str, used: str) -> str:
    """Return why a model ran where it did: `asked` is what the study says, `used` where it ran.

    >>> device_reason("cpu", "cpu"), device_reason("auto", "cpu")
    ('compute.device: cpu', 'compute.device: auto, and torch saw no GPU')
    """
    found = "torch saw no GPU" if used == "cpu" else "torch saw a GPU"
    return f"compute.device: {asked}" + (f", and {found}" if asked == "auto" else "")


def _outputs(lineage: Lineage, unrecorded: list[str]) -> dict[str, Any]:
    told = {output: _told(record) for output, record in lineage.records.items()}
    return told | {output: content(output) for output in unrecorded}


def _told(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("sha256", "bytes", "files") if name in record}
