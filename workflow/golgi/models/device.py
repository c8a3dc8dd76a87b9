"""Which device and which number format a model runs in, each with the reason for it."""

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from golgi.errors import GolgiError

logger = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
POLL = 2.0  # seconds between looks for a free GPU


def choose_dtype(name: str) -> tuple[torch.dtype, str]:
    """Return the torch dtype called `name` and why it is used; GolgiError if there is no such format."""
    if name not in DTYPES:
        raise GolgiError(f"dtype: {name!r} is not a number format. Allowed: {', '.join(DTYPES)}.")
    if name == "float32":
        return DTYPES[name], "the default: half-precision weights widen exactly, and few responses tie"
    return DTYPES[name], "asked for in the study: half the memory, and more responses tie"


@contextmanager
def claim_device(name: str) -> Iterator[torch.device]:
    """Yield the device called `name` (`auto`, `cpu` or `cuda`), holding a lock on a GPU while it is in use.

    Nothing else shares GPUs between the jobs of one machine, so each job locks one and waits for a free
    one. Raises GolgiError if `cuda` is asked for and there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise GolgiError(f"device: {name!r} is not a device. Allowed: auto, cpu, cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise GolgiError("device: cuda was asked for, but torch sees no GPU here. Use auto or cpu.")
    if name == "cpu" or not torch.cuda.is_available():
        reason = "asked for" if name == "cpu" else "auto: torch sees no GPU"
        logger.info("Device cpu (%s).", reason)
        yield torch.device("cpu")
        return
    with _locked_gpu(torch.cuda.device_count()) as index:
        device = torch.device("cuda", index)
        logger.info("Device %s, %s (%s).", device, torch.cuda.get_device_name(device), name)
        yield device


@contextmanager
def _locked_gpu(count: int) -> Iterator[int]:
    index, lock = _wait_for_lock([_lock_path(index) for index in range(count)])
    try:
        yield index
    finally:
        os.close(lock)


def _lock_path(index: int) -> Path:
    # The UUID, not the index: CUDA_VISIBLE_DEVICES renumbers the devices of each process.
    return Path(tempfile.gettempdir()) / f"golgi-gpu-{torch.cuda.get_device_properties(index).uuid}.lock"


def _wait_for_lock(paths: list[Path]) -> tuple[int, int]:
    told = False
    while True:
        for index, path in enumerate(paths):
            lock = _try_lock(path)
            if lock is not None:
                return index, lock
        if not told:
            logger.info("All %d GPUs are claimed by other jobs; waiting for one.", len(paths))
            told = True
        time.sleep(POLL)


def _try_lock(path: Path) -> int | None:
    try:
        lock = _open_lock(path)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise
    except BlockingIOError:
        return None
    except OSError as error:
        raise GolgiError(
            f"{path}, which says who uses a GPU, cannot be locked: {error.strerror}. Delete it or set TMPDIR."
        ) from error
    return lock


def _open_lock(path: Path) -> int:
    # Not created where it is: in a folder for all, Linux refuses O_CREAT for a file that is another user's
    # (fs.protected_regular).
    with suppress(FileNotFoundError):
        return os.open(path, os.O_RDWR)
    # Open to all: the jobs of every user of this machine share its GPUs.
    previous = os.umask(0)
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:  # another job was first
        return os.open(path, os.O_RDWR)
    finally:
        os.umask(previous)
