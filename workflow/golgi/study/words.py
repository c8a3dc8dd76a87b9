"""Words as they are compared: one spelling for each character, and whether they can be found whole."""

from __future__ import annotations

import re
import unicodedata

JOINTS = re.compile(r"[\s_‐‑-]+")
# The first words of the Unicode names of letters whose scripts set no space between words.
UNSPACED = {"CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR"}


# More marks on one letter than any language has. To order very many takes time without end, so the Unicode
# standard (annex 15, stream-safe text) puts a joiner after so many.
STACKED, JOINER = 30, "\u034f"


def compose(text: str) -> str:
    """Return a text in Unicode normal form C: `e` with a combining accent and `é` are the same then."""
    if len(text) > STACKED and not text.isascii():
        marks = "".join(sorted(filter(unicodedata.combining, set(text))))
        text = re.sub(rf"[{marks}]{{{STACKED}}}", rf"\g<0>{JOINER}", text) if marks else text
    return unicodedata.normalize("NFC", text)


def fold(word: str) -> str:
    """Return a word as it is compared: composed, in small letters; hyphens and underscores are spaces.

    >>> fold("Ice-Cream")
    'ice cream'
    """
    return JOINTS.sub(" ", compose(compose(word).casefold())).strip()


def word_fault(word: str) -> str:
    """Return why a word cannot be found in texts as a whole word, or nothing where it can."""
    if not any(character.isalnum() for character in word):
        return f'"{word}" has no letter or digit; it cannot be found as a word.'
    if any(_is_unspaced(character) for character in word):
        return (
            f'"{word}" is in a script that sets no spaces between words (Chinese, Japanese, Thai ...); '
            "words are found whole, which is not possible there."
        )
    return ""


def _is_unspaced(character: str) -> bool:
    return not character.isascii() and not UNSPACED.isdisjoint(unicodedata.name(character, "").split())
