"""Texts of tokens are drawn whole and in order, and what the type lacks is named."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import rc_context
from matplotlib.textpath import TextPath

from golgi.figures.glyphs import FIRST_STRONG, ISOLATES, POP, drawable, fitted
from golgi.figures.page import FONT, blank, text_width

HEBREW = "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET}"
ARABIC = "\N{ARABIC LETTER SEEN}\N{ARABIC LETTER LAM}\N{ARABIC LETTER ALEF}\N{ARABIC LETTER MEEM}"


def vertices(text: str) -> np.ndarray:
    with rc_context({"text.parse_math": False}):
        return TextPath((0, 0), text, size=10, prop=FONT).vertices


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("␣dog", "␣dog"),
        ("<0xE2>", "<0xE2>"),
        ("$x^$", "$x^$"),
        ("", "<empty>"),
        ("  ", "<U+0020 0020>"),
        ("a\tb\x07", "a<U+0009>b<U+0007>"),
        ("\N{CJK UNIFIED IDEOGRAPH-732B}\N{CJK UNIFIED IDEOGRAPH-72AC}x", "<U+732B 72AC>x"),
        ("\N{GRINNING FACE}", "\N{GRINNING FACE}"),
        ("\N{THUMBS UP SIGN}\N{EMOJI MODIFIER FITZPATRICK TYPE-4}", "<U+1F44D 1F3FD>"),
        ("a\N{ZERO WIDTH JOINER}", "a<U+200D>"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}abc", "<U+202E>abc"),
        ("\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}", "\N{HEAVY BLACK HEART}<U+FE0F>"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_what_cannot_be_drawn_is_named(text, shown):
    assert drawable(text) == shown


@pytest.mark.parametrize("letters", [HEBREW, ARABIC])
def test_right_to_left_letters_are_isolated_once(letters):
    isolated = f"␣{FIRST_STRONG}{letters}{POP}"
    assert drawable(f"␣{letters}") == isolated
    assert drawable(isolated) == isolated


def test_letters_from_right_to_left_stand_in_that_order_and_the_mark_of_a_space_before_them():
    space, bet = vertices("␣"), vertices(HEBREW[1])
    drawn = vertices(drawable(f"␣{HEBREW}"))
    assert np.allclose(drawn[: len(space)], space)
    after = drawn[len(space) : len(space) + len(bet)]
    assert np.allclose(after - after[0], bet - bet[0], atol=1e-3)


def test_arabic_letters_are_joined():
    assert len(vertices(drawable(ARABIC))) != sum(len(vertices(letter)) for letter in ARABIC)


@given(st.text(max_size=8), st.floats(3, 30))
def test_any_text_is_drawn_in_its_room_without_a_warning(text, room):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = fitted(text, room, 6)
        assert text_width(shown, 6) <= room + 1e-9 or shown == "\N{HORIZONTAL ELLIPSIS}"
        figure = blank(40, 10)
        figure.text(0, 0.5, drawable(text), parse_math=False)
        figure.canvas.draw()
    assert any(sign not in ISOLATES for sign in shown)
