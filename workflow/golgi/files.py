"""Files that appear whole or not at all: written under a temporary name, flushed to the disk, renamed."""

import contextlib
import errno
import glob
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from golgi.errors import GolgiError

WRITE_FAILURES = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EFBIG,
    errno.EIO,
}


@contextlib.contextmanager
def write_atomically(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on a clean exit it is flushed to the disk and renamed to `path`.

    On an error the temporary file is removed and `path` is left as it was. A full disk or an unwritable
    folder raises GolgiError.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        os.close(handle)
    except OSError as error:
        raise GolgiError(f"{path} cannot be written: {error.strerror}.") from error
    temporary = Path(name)
    try:
        yield temporary
        flush(temporary)
        temporary.chmod(permissions() & 0o666)
        temporary.replace(path)
        flush(path.parent)
        _sweep(path)
    except OSError as error:
        if error.errno not in WRITE_FAILURES:
            raise
        raise GolgiError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _sweep(path: Path) -> None:
    # What a killed writer of the same file left behind; one that still runs has lost its turn.
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        left.unlink(missing_ok=True)


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


def write_json(data: Any, path: str | Path) -> None:
    """Write plain data as JSON with sorted keys."""
    with write_atomically(path) as temporary:
        temporary.write_text(
            json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
        )


def read_json(path: str | Path) -> Any:
    """Read JSON; GolgiError if the file is missing or damaged."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GolgiError(f"{path} cannot be read as JSON: {error}.") from error
