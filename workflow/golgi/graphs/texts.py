"""Tokens as a person can read them: nothing invisible, nothing that disturbs the line it stands in."""

from __future__ import annotations

import unicodedata

SPACE = "␣"
MARKS = {" ": SPACE, "\n": "⏎", "\t": "⇥"}  # all in DejaVu Sans, as is the dotted circle
DOTTED_CIRCLE = "◌"
ISOLATE, END_OF_ISOLATE = "\u2068", "\u2069"


def readable(token_text: str) -> str:
    """Return a token's text with whitespace and control characters made visible.

    Space, newline and tab have signs of their own, other characters that cannot be seen are named by their
    number. Bytes that are no character alone stay as they are escaped (`<0xE2>`), also those of Python's
    `surrogateescape`. An accent without its letter is set on a dotted circle.

    >>> readable(" dog\\n"), readable("\\u200b"), readable("\\udce2")
    ('␣dog⏎', '<U+200B>', '<0xE2>')
    """
    shown: list[str] = []
    carried = False  # the last character can carry an accent
    for character in token_text:
        accent = unicodedata.category(character).startswith("M")
        sign = _visible(character)
        shown.append(DOTTED_CIRCLE + sign if accent and not carried else sign)
        carried = accent or sign == character
    return "".join(shown)


def isolated(text: str) -> str:
    """Return a text that is laid out by itself, wherever it stands: one written from right to left is wrapped
    in Unicode's isolates (UAX #9). For terminals and pages; a font for drawing may not have the signs.
    """
    leftwards = any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text)
    return f"{ISOLATE}{text}{END_OF_ISOLATE}" if leftwards else text


def word_of(readable_text: str) -> str:
    """Return a readable text without the one space before it.

    >>> word_of("␣dog"), word_of("dog"), word_of("␣")
    ('dog', 'dog', '␣')
    """
    return readable_text.removeprefix(SPACE) or readable_text


def _visible(character: str) -> str:
    if character in MARKS:
        return MARKS[character]
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:
        return f"<0x{number - 0xDC00:02X}>"
    invisible = unicodedata.category(character)[0] in "CZ"
    return f"<U+{number:04X}>" if invisible else character
