"""Take away what is damaged, so that the next run makes it again."""

import os
import shutil
from pathlib import Path

from golgi.errors import GolgiError
from golgi.provenance.lineage import job_of
from golgi.provenance.records import record_path
from golgi.provenance.verifying import ALTERED, Verdict

ROOTS = ("results", "resources")


def discard(verdict: Verdict) -> list[str]:
    """Remove what the jobs of damaged files wrote, with its records, and return what was removed, sorted.

    A job makes all of its outputs or none, so they go together. So do stale ones that no time stamp shows.
    Of what is not there the record is kept. What is not in `results/` or `resources/` is never removed, and
    no link is followed out of them: GolgiError before anything is removed.
    """
    outputs = discardable(verdict)
    for output in outputs:
        _require_inside(output)
    for output in outputs:
        _remove(Path(output))
        record_path(output).unlink(missing_ok=True)
    return list(outputs)


def discardable(verdict: Verdict) -> dict[str, int]:
    """Return the outputs that would be removed, sorted, with their bytes.

    What is missing alone leads to none: a run makes it if the study asks for it.
    """
    faults = [one for one in verdict.faults if one.kind == ALTERED or one.unseen]
    jobs = {job_of(verdict.records[one.output]) for one in faults if one.output in verdict.records}
    beside = {output for output, record in verdict.records.items() if job_of(record) in jobs}
    altered = {one.output for one in faults if one.kind == ALTERED}  # with a damaged record, too
    return {output: _bytes(Path(output)) for output in sorted(beside | altered) if os.path.lexists(output)}


def _bytes(path: Path) -> int:
    if path.is_symlink() or not path.is_dir():
        return path.lstat().st_size
    return sum(one.lstat().st_size for one in path.rglob("*") if one.is_symlink() or one.is_file())


def _require_inside(output: str) -> None:
    root = next((root for root in ROOTS if output.startswith(f"{root}/")), None)
    parent = Path(output).parent.resolve()
    if record_path(output) is None or root is None or not parent.is_relative_to(Path(root).resolve()):
        raise GolgiError(
            f"{output} leads to {parent}, out of {root or ' and '.join(ROOTS)}. Nothing was removed."
        )


def _remove(path: Path) -> None:
    """Remove a file, a folder, or a link but not what it leads to."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError as error:
        raise GolgiError(f"{path} cannot be removed: {error.strerror}.") from error
