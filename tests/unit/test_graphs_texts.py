"""Tokens as text: nothing stays invisible, and every sign is in the font that drawings are set in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import findfont
from matplotlib.ft2font import FT2Font

from golgi.graphs.texts import DOTTED_CIRCLE, MARKS, isolated, readable, word_of


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (" dog", "␣dog"),
        ("dog", "dog"),
        ("\n\n", "⏎⏎"),
        ("\tx", "⇥x"),
        ("\r", "<U+000D>"),
        ("\u00a0", "<U+00A0>"),
        ("a\u202eb", "a<U+202E>b"),
        ("<0xE2>", "<0xE2>"),
        (b"\xe2".decode("utf-8", "surrogateescape"), "<0xE2>"),
        ("\ud800", "<U+D800>"),
        ("e\u0301", "e\u0301"),
        (" \u0301", "␣◌\u0301"),
        ("\u0301\u0302", "◌\u0301\u0302"),
        ("日本", "日本"),
        ("", ""),
    ],
)
def test_signs(raw, shown):
    assert readable(raw) == shown


@given(raw=st.text(st.characters(exclude_categories=())))
def test_nothing_is_invisible_and_reading_twice_changes_nothing(raw):
    shown = readable(raw)
    assert not any(unicodedata.category(character)[0] in "CZ" for character in shown)
    assert readable(shown) == shown
    shown.encode("utf-8")


def test_the_font_of_drawings_has_the_signs():
    glyphs = FT2Font(findfont("DejaVu Sans", fallback_to_default=False)).get_charmap()
    assert all(ord(sign) in glyphs for sign in (*MARKS.values(), DOTTED_CIRCLE))


def test_what_is_written_leftwards_is_isolated():
    assert isolated("dog") == "dog"
    assert isolated("␣שלום") == "\u2068␣שלום\u2069"


def test_words():
    assert [word_of(text) for text in ("␣dog", "dog", "␣", "␣␣")] == ["dog", "dog", "␣", "␣"]
