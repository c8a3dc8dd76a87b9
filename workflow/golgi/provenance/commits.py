"""Which commit the code is of: as its repository tells it, or the archive that it was unpacked from."""

import subprocess
from pathlib import Path

from golgi.provenance.hashing import file_sha256

COMMIT = "COMMIT"
SUMS = "SHA256SUMS"
CHANGED = "+changed"
# What results are made by. A commit that touches none of it, of the README alone, is no other code.
CODE = ("Snakefile", "workflow", "schemas")
PROJECT = Path(__file__).resolve().parents[3]
OWN = Path(__file__).resolve().relative_to(PROJECT).as_posix()
UNTRACKED = "??"


def commit() -> str:
    """Return the last commit that touched the code, with `+changed` where it differs; empty outside git.

    An unpacked archive has its commit in a file. A repository that does not track this code, but in which it
    happens to lie, is not asked.
    """
    told = told_commit(PROJECT)
    if told is not None:
        return told
    last = _git("log", "-1", "--format=%H", "--", *CODE)
    differing = (
        _git("status", "--porcelain", "--untracked-files=all", "--", *CODE).splitlines() if last else []
    )
    if any(line.startswith(UNTRACKED) and OWN in line for line in differing):
        return ""
    return last + (CHANGED if any(not line.startswith(UNTRACKED) for line in differing) else "")


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


def archived(root: Path) -> dict[str, str]:
    """Return path and hash of every file with a lasting hash that an archive unpacked in `root` held.

    Empty where `root` is no archive, or where its list cannot be read.
    """
    try:
        lines = (root / SUMS).read_text(encoding="utf-8").splitlines() if (root / COMMIT).is_file() else []
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.split("  ", 1) for line in lines if "  " in line)
    return {name: sha256 for sha256, name in pairs}


def _is_whole(root: Path) -> bool:
    if not (root / SUMS).is_file():
        return False
    held = archived(root).items()
    return all(_holds(root / name, sha256) for name, sha256 in held if name.split("/")[0] in CODE)


def _holds(path: Path, sha256: str) -> bool:
    return path.is_file() and file_sha256(path) == sha256


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT), *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
