"""Folders that appear whole: written beside their place, flushed to the disk, renamed."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golgi.files import ask, flush, leftovers, permissions, telling, unwritable


@contextmanager
def write_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `folder` when the block ends cleanly; an error leaves nothing."""
    temporary = _make_beside(folder)
    try:
        with telling(folder, temporary):
            yield temporary
            publish_folder(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _make_beside(folder: Path) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in leftovers(folder):
            shutil.rmtree(left, ignore_errors=True)
        return Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    except OSError as error:
        raise unwritable(folder, error) from error


def publish_folder(temporary: Path, folder: Path) -> None:
    """Flush every file of `temporary` and rename it to `folder`, replacing what is there.

    Who may read the files is up to the umask, whatever the libraries that wrote them chose.
    """
    readable = permissions()  # mkdtemp and safetensors leave theirs to the owner alone
    for path in (*temporary.rglob("*"), temporary):
        path.chmod(readable if path.is_dir() else readable & 0o666)
        flush(path)
    ask(folder)
    if folder.is_dir():
        shutil.rmtree(folder)
        ask(folder)
    temporary.rename(folder)
    flush(folder.parent)
