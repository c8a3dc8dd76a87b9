"""What every job of a study does around its one function: log, clean errors, fixed threads, records."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from golgi.errors import GolgiError, plain
from golgi.files import asking, unwritable
from golgi.provenance.records import Making

logger = logging.getLogger("golgi")


@contextlib.contextmanager
def job(task: Any, *, threads: int | None = None) -> Iterator[None]:
    """Run a block as the job `task`: log to its file and to the terminal, record what it reads and writes.

    `task` is the job as the workflow hands it to a script. A GolgiError is shown as its message and ends the
    process with status 1. So it does with status 0 where a later job makes the same outputs, to which this
    one gives way: none of its own gets a name from then on. Anything else is a defect of the program: its
    traceback is kept. `threads`, without it those of the task, fixes how many threads numerical libraries may
    use, because the order of a parallel sum changes its last bits.
    """
    threads = task.threads if threads is None else threads
    _fix_threads(threads)
    making = None
    try:
        _log_to(Path(task.log[0]))
        making = Making(task, threads=threads)
        making.require_turn()
        with asking(making.permit):
            yield
        making.write_records()
    except GolgiError as error:
        # A job of a killed run may go on. Did it fail, its workflow would remove what the later job wrote.
        over = making is not None and not making.has_turn()
        logger.log(logging.WARNING if over else logging.ERROR, "%s", error)
        sys.exit(0 if over else 1)
    except KeyboardInterrupt:
        logger.error("Interrupted: nothing half-written is left; run the same command again to go on.")
        sys.exit(130)
    logger.info("Done in %.1f s, and %.2f s for hashes.", making.seconds["wall"], making.seconds["hashing"])


def _fix_threads(threads: int) -> None:
    for name in (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "POLARS_MAX_THREADS",
    ):
        os.environ[name] = str(threads)


class _LogFile(logging.FileHandler):
    """A log that is silent where it cannot be written: that is not what a job fails of, or is told about."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handleError(record)


class _Plain(logging.Formatter):
    """Shows what a message quotes from a stranger's file, and has a terminal obey none of it."""

    def format(self, record: logging.LogRecord) -> str:
        return plain(super().format(record))


def _log_to(log: Path) -> None:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        handlers = [_LogFile(log, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)]
    except OSError as error:
        raise unwritable(log, error) from error
    for handler in handlers:
        handler.setFormatter(_Plain("%(asctime)s %(name)s: %(message)s", datefmt="%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for noisy in ("httpx", "httpx2", "urllib3", "fontTools", "matplotlib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
