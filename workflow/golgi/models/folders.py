"""Folders that appear whole: written beside their place, flushed to the disk, renamed."""

import glob
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from golgi.files import flush, gave_way, is_of_the_disk, permissions, unwritable


@contextmanager
def write_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder that becomes `folder` when the block ends cleanly; an error leaves nothing."""
    temporary = _make_beside(folder)
    try:
        yield temporary
        publish_folder(temporary, folder)
    except Exception as error:
        if isinstance(error, FileNotFoundError) and not temporary.exists():
            raise gave_way(folder) from error
        if not is_of_the_disk(error):
            raise
        raise unwritable(folder, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _make_beside(folder: Path) -> Path:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        return Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    except OSError as error:
        raise unwritable(folder, error) from error


def _sweep(folder: Path) -> None:
    # What a killed writer of the same folder left behind; one that still runs has lost its turn.
    for left in folder.parent.glob(f".{glob.escape(folder.name)}.*.part"):
        shutil.rmtree(left, ignore_errors=True)


def publish_folder(temporary: Path, folder: Path) -> None:
    """Flush every file of `temporary` and rename it to `folder`, replacing what is there.

    Who may read the files is up to the umask, whatever the libraries that wrote them chose.
    """
    readable = permissions()  # mkdtemp and safetensors leave theirs to the owner alone
    for path in (*temporary.rglob("*"), temporary):
        path.chmod(readable if path.is_dir() else readable & 0o666)
        flush(path)
    if folder.is_dir():
        shutil.rmtree(folder)
    temporary.rename(folder)
    flush(folder.parent)
