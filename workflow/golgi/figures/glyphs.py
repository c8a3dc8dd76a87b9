"""Texts of tokens as they can be drawn: what the type has no sign for is shown as its code point.

Only the type that matplotlib brings along is used, so that a figure is the same on every machine. Letters of
right-to-left scripts are joined and ordered by matplotlib itself (from 3.11 on), each token by itself.
"""

import unicodedata
from functools import cache
from itertools import groupby

from matplotlib.font_manager import findfont, get_font

from golgi.figures.page import FONT, fit_title, text_width

ISOLATES = "\u2066\u2067\u2068\u2069"
FIRST_STRONG, POP = "\u2068", "\u2069"
RIGHT_TO_LEFT = {"R", "AL", "AN"}
UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
NO_TEXT = "<empty>"
SPACE = "␣"


def drawable(text: str) -> str:
    """The text with `<U+732B>` in place of signs that the type lacks, or that would not be seen.

    Right-to-left letters are isolated, so that what stands before a word (a mark for a space) stays there.

    >>> drawable("a\\N{CJK UNIFIED IDEOGRAPH-732B}")
    'a<U+732B>'
    """
    return isolated(visible(text))


def marked(token: str) -> str:
    """A token's text with its spaces as marks, in case they are not yet (golgi.graphs.texts.readable)."""
    return token.replace(" ", SPACE)


def fitted(text: str, room: float, size: float) -> str:
    """A drawable text, cut in its middle if it takes more than `room` millimetres at a size in points."""
    cut = fit_title(visible(text), room, size)
    return isolated(cut) if text_width(cut, size) <= room else "\N{HORIZONTAL ELLIPSIS}"


def visible(text: str) -> str:
    """The text with every sign in it that can be drawn, and the code points of the others."""
    bare = "".join(sign for sign in text if sign not in ISOLATES)
    if not bare.strip():
        return code_points(bare) if bare else NO_TEXT
    groups = [(seen, "".join(signs)) for seen, signs in groupby(bare, key=is_seen)]
    return "".join(signs if seen else code_points(signs) for seen, signs in groups)


def code_points(signs: str) -> str:
    """Signs as the numbers that Unicode gives them: `<U+4E00 4E8C>`."""
    return f"<U+{' '.join(f'{ord(sign):04X}' for sign in signs)}>"


def isolated(text: str) -> str:
    """The text with isolating marks around its stretch of right-to-left letters, if it has any."""
    places = [place for place, sign in enumerate(text) if unicodedata.bidirectional(sign) in RIGHT_TO_LEFT]
    if not places:
        return text
    first, stop = places[0], places[-1] + 1
    while (
        stop < len(text) and unicodedata.bidirectional(text[stop]) == "NSM"
    ):  # vowel points of a last letter
        stop += 1
    return text[:first] + FIRST_STRONG + text[first:stop] + POP + text[stop:]


@cache
def is_seen(sign: str) -> bool:
    """Whether the type has a sign for a character, and the sign leaves a mark or a space."""
    if unicodedata.category(sign) in UNSEEN or leaves_no_mark(sign):
        return False
    return get_font(findfont(FONT)).get_char_index(ord(sign)) != 0


def leaves_no_mark(sign: str) -> bool:
    """Signs that are drawn as nothing: selectors of variants, a joiner, blank Braille, an object."""
    selector = "\ufe00" <= sign <= "\ufe0f" or "\U000e0100" <= sign <= "\U000e01ef"
    return selector or sign in "\u034f\u2800\ufffc"
