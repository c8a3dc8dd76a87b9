"""How a failure is said: a line, and the table that it can be read in."""

from typing import NamedTuple

MOST_NAMED = 12


class Failure(NamedTuple):
    """A line that says what failed, with its number, and the name of the table that says so."""

    text: str
    table: str


def named(names: list[str]) -> str:
    """Return names in a sentence, of many the first, with the number of the others.

    >>> named(["a", "b"])
    'a, b'
    """
    shown, more = names[:MOST_NAMED], len(names) - MOST_NAMED
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
