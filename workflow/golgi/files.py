"""Files that appear whole or not at all: written under a temporary name, flushed to the disk, renamed."""

import contextlib
import errno
import glob
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from golgi.errors import GaveWay, GolgiError

ROOM = "Make room there and run again."
PERMISSION = "Make it writable and run again."
# What is wrong when nothing can be written, and what to do about it.
REMEDIES = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: ROOM,
    errno.EROFS: PERMISSION,
    errno.EACCES: PERMISSION,
    errno.EPERM: PERMISSION,
    errno.EIO: "See whether the disk is in order and run again.",
}
# How libraries in Rust say what the operating system told them, whatever type their exceptions are of.
FOREIGN = re.compile(r"\(os error (\d+)\)")
# Whom to ask before anything at a path is replaced or removed. A list, because threads of a job share it.
_asked: list[Callable[[Path], None]] = []


@contextlib.contextmanager
def asking(permit: Callable[[Path], None]) -> Iterator[None]:
    """Have `permit` asked in the block before a file or folder gets its name, and before leftovers are swept.

    It is called with the path that is written, and refuses by raising.
    """
    _asked.append(permit)
    try:
        yield
    finally:
        _asked.remove(permit)


def ask(path: Path) -> None:
    """Raise where who is asked does not permit that `path` is written."""
    for permit in _asked:
        permit(path)


def is_of_the_disk(error: Exception) -> bool:
    """Return whether an error says that nothing can be written: no room, no permission, a broken disk."""
    return _number(error) in REMEDIES


def unwritable(path: str | Path, error: Exception) -> GolgiError:
    """Return the error that says that `path` cannot be written, why, and what to do about it."""
    number = _number(error)
    why = os.strerror(number) if number else str(error)
    return GolgiError(f"{path} cannot be written: {why}. {REMEDIES.get(number, '')}".rstrip())


def require_writable(folder: str | Path) -> None:
    """Raise GolgiError naming the first folder, of `folder` and those below it, that takes no new files."""
    for place, names, _ in os.walk(folder):
        names.sort()
        if not os.access(place, os.W_OK | os.X_OK):
            closed = os.statvfs(place).f_flag & os.ST_RDONLY
            raise unwritable(place, OSError(errno.EROFS if closed else errno.EACCES, ""))


def _number(error: Exception) -> int | None:
    found = FOREIGN.search(str(error))
    return int(found[1]) if found else getattr(error, "errno", None)


@contextlib.contextmanager
def write_atomically(path: str | Path, *, sweep: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it is flushed to the disk and renamed to `path`.

    On an error the temporary file is removed and `path` is left as it was. A full disk or an unwritable
    folder raises GolgiError, a temporary file that another writer took away GaveWay. Without `sweep` what
    other writers of `path` left is not looked for.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if sweep:
            _sweep(path)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
    except OSError as error:
        raise unwritable(path, error) from error
    temporary = Path(name)
    try:
        with telling(path, temporary):
            yield temporary
            flush(temporary)
            temporary.chmod(permissions() & 0o666)
            ask(path)
            temporary.replace(path)
            flush(path.parent)
    finally:
        _remove(temporary)


@contextlib.contextmanager
def telling(path: str | Path, temporary: Path) -> Iterator[None]:
    """Tell what goes wrong while `temporary` is to become `path`, in the words of a user.

    What the disk refuses is a GolgiError; a temporary file or folder that another writer took away is
    GaveWay. Other errors are left as they are.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, FileNotFoundError) and not temporary.exists():
            taken = f"{path} was not written: its temporary file was taken away. Another job writes it."
            raise GaveWay(taken) from error
        if not is_of_the_disk(error):
            raise
        raise unwritable(path, error) from error


def _remove(temporary: Path) -> None:
    # Where nothing can be written nothing can be removed either, and the first error is the one to tell.
    with contextlib.suppress(OSError):
        temporary.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    for left in leftovers(path):
        left.unlink(missing_ok=True)


def leftovers(path: Path) -> list[Path]:
    """Return what other writers of `path` left beside it; raise where who is asked does not permit writing.

    A killed writer leaves its file; one that still runs, as a job of a killed run may on a cluster, has lost
    its turn.
    """
    found = list(path.parent.glob(f".{glob.escape(path.name)}.*.part"))
    # Asked after the look: a later job tells that it has begun before it writes anything, so nothing of its
    # own is among what was found.
    ask(path)
    return found


def flush(path: Path) -> None:
    """Force a file, or a folder's list of names, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def permissions() -> int:
    """Return the mode bits that the umask leaves to a new folder; temporary names are the owner's alone."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o777 & ~mask


def write_json(data: Any, path: str | Path, *, sweep: bool = True) -> None:
    """Write plain data as JSON with sorted keys; `sweep` is that of `write_atomically`."""
    with write_atomically(path, sweep=sweep) as temporary:
        temporary.write_text(
            json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def read_json(path: str | Path) -> Any:
    """Read JSON; GolgiError if the file is missing or damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise GolgiError(f"{path} cannot be read as JSON: {error}.") from error
