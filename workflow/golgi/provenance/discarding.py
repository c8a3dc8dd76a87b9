"""Take away what is damaged, so that the next run makes it again."""

import shutil
from pathlib import Path

from golgi.errors import GolgiError
from golgi.provenance.lineage import job_of
from golgi.provenance.records import record_path
from golgi.provenance.verifying import ALTERED, MISSING, Verdict

ROOTS = ("results", "resources")


def discard(verdict: Verdict) -> list[str]:
    """Remove what the jobs of damaged files wrote, with its records, and return what was removed, sorted.

    A job makes all of its outputs or none, so they go together. So do stale ones that no time stamp shows.
    What is not in `results/` or `resources/` is never removed, and no link is followed out of them:
    GolgiError before anything is removed.
    """
    outputs = discardable(verdict)
    for output in outputs:
        _require_inside(output)
    removed = []
    for output in outputs:
        if _remove(Path(output)):
            removed.append(output)
        record_path(output).unlink(missing_ok=True)
    return removed


def discardable(verdict: Verdict) -> list[str]:
    """Return the outputs that would be removed, sorted."""
    faults = [one for one in verdict.faults if one.kind in (ALTERED, MISSING) or one.unseen]
    jobs = {job_of(verdict.records[one.output]) for one in faults if one.output in verdict.records}
    beside = {output for output, record in verdict.records.items() if job_of(record) in jobs}
    return sorted(
        beside | {one.output for one in faults if one.kind == ALTERED}
    )  # with a damaged record, too


def _require_inside(output: str) -> None:
    root = next((root for root in ROOTS if output.startswith(f"{root}/")), None)
    parent = Path(output).parent.resolve()
    if record_path(output) is None or root is None or not parent.is_relative_to(Path(root).resolve()):
        raise GolgiError(
            f"{output} leads to {parent}, out of {root or ' and '.join(ROOTS)}. Nothing was removed."
        )


def _remove(path: Path) -> bool:
    """Remove a file, a folder, or a link but not what it leads to; return whether something was there."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            path.unlink()
        else:
            return False
    except OSError as error:
        raise GolgiError(f"{path} cannot be removed: {error.strerror}.") from error
    return True
