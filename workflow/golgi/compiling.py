"""Compiled functions, which are compiled once a machine and not once a job."""

from collections.abc import Callable

import numba


def compiled(function: Callable) -> Callable:
    """Compile with numba, free of the interpreter's lock, kept on the disk where there is a place for it."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return numba.njit(nogil=True)(function)
