"""What every job of a study does around its one function: a log, clean errors, a fixed number of threads."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from golgi.errors import GolgiError

logger = logging.getLogger("golgi")


@contextlib.contextmanager
def job(log: str | Path, *, threads: int = 1) -> Iterator[None]:
    """Run a block as a job: log to the file `log` and to the terminal, end with a message, not a traceback.

    A GolgiError is shown as its message and ends the process with status 1. Anything else is a defect
    of the program: its traceback is kept. `threads` fixes how many threads numerical libraries may use,
    because the order of a parallel sum changes its last bits.
    """
    _fix_threads(threads)
    _log_to(Path(log))
    began = time.perf_counter()
    try:
        yield
    except GolgiError as error:
        logger.error("%s", error)
        sys.exit(1)
    except KeyboardInterrupt:
        logger.error("Interrupted: nothing half-written is left; run the same command again to go on.")
        sys.exit(130)
    logger.info("Done in %.1f s.", time.perf_counter() - began)


def _fix_threads(threads: int) -> None:
    for name in (
        "OMP_NUM_THREADS",
        "MKL_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "POLARS_MAX_THREADS",
    ):
        os.environ[name] = str(threads)


def _log_to(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.FileHandler(log, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)]
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        handlers=handlers,
        force=True,
    )
    for noisy in ("httpx", "httpx2", "urllib3", "fontTools", "matplotlib"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
