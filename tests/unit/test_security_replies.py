"""Replies from a stranger's server: text of no form, and text that is made to take time."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golgi.writing.parsing import parse_reply

MB = 2**20
FRAGMENTS = st.sampled_from(
    [
        *("1. ", "2) ", "(3 ", "# ", "- ", "1️⃣", "①", "🐶", "|", "|---|", "\n", "\n\n", "  ", "\t"),
        *("Dogs bark.", "dogs", "e.g.", "I'm sorry, I can't help", "Here are facts:", "Story 1"),
        *("<think>", "</think>", "<li>", "<", ">", "&#0;", "&lt;", "```", "**", "_", "`"),
        *(
            "{",
            "}",
            "[",
            "]",
            '"',
            "\\",
            "\\u12",
            "、",
            "。",
            "。”",
            "'",
            "“",
            "”",
            ".",
            "...",
            "?",
            "!",
            ":",
            ",",
        ),
        *("\u200d", "\u0301", "\ud800", "\x00", "\ufeff", "\u2028"),
    ]
)
ANY = st.text(st.characters(), max_size=200) | st.lists(FRAGMENTS, max_size=40).map("".join)


@given(ANY, st.booleans())
def test_no_reply_is_too_strange(text: str, ended: bool):
    parsed = parse_reply(text, ended=ended)
    for item in parsed.items:
        assert item == " ".join(item.split())
        assert unicodedata.is_normalized("NFC", item)
        assert any(map(str.isalnum, item))
        assert not {"Cc", "Cs", "Co"} & set(map(unicodedata.category, item))
    assert not (parsed.refused and parsed.items)


HOSTILE = {
    "numbers": "1." * (MB // 2),
    "numbers with spaces": "1. " * (MB // 3),
    "lines of numbers": "1.\n" * (MB // 3),
    "spaces": " " * MB,
    "spaces in an item": "1. a" + " " * MB + "b",
    "lines of spaces": " \n" * (MB // 2),
    "marks on a letter": "a" + "\u0301\u0316" * (MB // 4),
    "thoughts": "<think>" * (MB // 7),
    "ends of thoughts": "</think>" * (MB // 8),
    "stars": "* " * (MB // 2) + "a",
    "underscores": "_" * MB + "a",
    "brackets": "[" * MB,
    "links": "[a](" * (MB // 4),
    "quotes": '"' * MB,
    "strings of JSON": '["' + '\\"' * (MB // 2),
    "numbers of characters": "&#" + "1" * MB,
    "tags": "<li " * (MB // 4),
    "pipes": "|" * MB,
    "initials": "A. " * (MB // 3),
    "small letters": "é. " * (MB // 3),
    "full stops": "。" * MB + "a",
    "pictures": "🐶" * (MB // 4) + "a",
    "joiners": "\u200d" * (MB // 3) + "a",
    "introductions": "Here are " * (MB // 9),
    "apologies": "Sorry " * (MB // 6),
    "numbered in one line": " ".join(f"{n}. Dogs bark." for n in range(1, 60_000)),
    "letters": "a" * MB,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_megabyte_takes_no_time(text: str):
    start = time.process_time()
    parse_reply(text)
    assert time.process_time() - start < 2  # quadratic steps would take minutes
