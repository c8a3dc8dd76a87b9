"""How long work shows itself: a bar on a terminal, a log line every few seconds elsewhere."""

import logging
import sys
import time

from tqdm import tqdm

LOG_EVERY = 5.0  # seconds


class Progress:
    """Count units of work; use as a context manager and call `advance`."""

    def __init__(self, total: int, *, unit: str, label: str, logger: logging.Logger):
        self._bar = tqdm(total=total, unit=unit, desc=label, file=sys.stderr, disable=not sys.stderr.isatty())
        self._total, self._unit, self._label, self._logger = total, unit, label, logger
        self._done = 0
        self._began = self._logged = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        self.seconds = time.monotonic() - self._began

    def advance(self, amount: int, note: str = "") -> None:
        """Add finished work; `note` goes behind the next log line."""
        self._done += amount
        self._bar.update(amount)
        now = time.monotonic()
        if now - self._logged >= LOG_EVERY:
            self._logged = now
            rate = self._done / (now - self._began)
            fields = (self._label, self._done, self._total, self._unit, rate, self._unit, note)
            self._logger.info("%s: %d of %d %s, %.0f %s/s %s", *fields)
