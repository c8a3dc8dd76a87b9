"""The exceptions that speak to users, and how text of any origin is shown to them."""

import re

# What a terminal obeys instead of showing it: control characters, marks that turn the direction of writing,
# and halves of characters, which no terminal can be sent.
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")

USER_OF_ADDRESS = re.compile(r"(?<=://)[^/\s@]+@")


class GolgiError(Exception):
    """Something in the study, its data or its models is wrong; the message says what, in their words.

    A command or a job shows the message alone, without a traceback, and exits with status 1. What it quotes
    may come from a stranger's file, so control characters in it are named, not sent, and passwords in
    addresses are left out.
    """

    def __str__(self) -> str:
        return plain(super().__str__())


class GaveWay(GolgiError):
    """Another job makes the same output, and this one leaves it to that."""


def plain(text: str) -> str:
    r"""Return a text that a terminal shows as it stands, without passwords; newlines and tabs are kept.

    >>> plain("\x1b[31mred"), plain("a\u202eb"), plain("https://me:secret@host/x")
    ('<U+001B>[31mred', 'a<U+202E>b', 'https://***@host/x')
    """
    return USER_OF_ADDRESS.sub("***@", OBEYED.sub(lambda found: f"<U+{ord(found[0]):04X}>", text))
