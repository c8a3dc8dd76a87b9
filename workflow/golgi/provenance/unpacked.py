"""What an unpacked archive tells of its code: the commit it was made of, and whether it was changed since."""

from pathlib import Path

from golgi.provenance.hashing import file_sha256

COMMIT = "COMMIT"
SUMS = "SHA256SUMS"
CHANGED = "+changed"
CODE = ("Snakefile", "workflow/", "schemas/")


def told_commit(root: Path) -> str | None:
    """Return the commit that an archive unpacked in `root` was made of; None where `root` is no archive.

    `+changed` is added where a file of the code is no longer the one that was archived. The commit is empty
    where the code came from no repository.
    """
    try:
        lines = (root / COMMIT).read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    told = lines[0].strip() if lines else ""
    return told if not told or told.endswith(CHANGED) or _is_whole(root) else told + CHANGED


def _is_whole(root: Path) -> bool:
    try:
        lines = (root / SUMS).read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    sums = (line.split("  ", 1) for line in lines)
    return all(_holds(root / name, sha256) for sha256, name in sums if name.startswith(CODE))


def _holds(path: Path, sha256: str) -> bool:
    return path.is_file() and file_sha256(path) == sha256
