"""Words with a trap: each is held against WordNet itself, where it is installed."""

import re
from pathlib import Path

import pytest

from golgi.study.writing_warnings import first_senses

WORDNET = Path("/usr/share/wordnet")
SMALL_WORDS = {
    "and",
    "any",
    "are",
    "for",
    "from",
    "has",
    "its",
    "someone",
    "something",
    "that",
    "the",
    "this",
    "used",
}
SMALL_WORDS |= {"was", "what", "where", "which", "who", "with"}


@pytest.fixture(scope="module")
def senses():
    """Return, for each of the nouns, the words that tell of every sense, the first one first."""
    missing = [name for name in ("index.noun", "data.noun") if not (WORDNET / name).is_file()]
    if missing:
        pytest.skip(f"no {' and '.join(missing)} in {WORDNET}: install WordNet 3.0 (wordnet-base in Debian)")
    data = (WORDNET / "data.noun").read_bytes()
    entries = (line.split() for line in (WORDNET / "index.noun").read_text().splitlines())
    places = {entry[0]: [int(one) for one in entry if re.fullmatch(r"\d{8}", one)] for entry in entries}
    return {
        word: [content(data[place : data.index(b"\n", place)].decode()) for place in found]
        for word in first_senses()
        if (found := places.get(word.replace(" ", "_")))
    }


def content(text: str) -> set[str]:
    """Words of a text or of an entry of WordNet, without endings and without examples."""
    text = re.sub(r'"[^"]*"', "", text).replace("_", " ").lower().replace("colour", "color")
    return {word[:6] for word in re.findall(r"[a-z]{3,}", text) if word not in SMALL_WORDS}


def test_is_wordnet_3(senses):
    assert "WordNet 3.0" in (WORDNET / "index.noun").read_text()[:2000]
    assert senses


@pytest.mark.parametrize("word", list(first_senses()))
def test_each_paraphrase_tells_of_the_first_sense(senses, word):
    assert word in senses
    first, *others = senses[word]
    assert others, f"{word} has one sense"
    told = content(first_senses()[word]) - content(word)
    shared = len(told & first)
    assert shared > max(len(told & other) for other in others), (word, first, others)


def test_the_list_is_in_order():
    words = list(first_senses())
    assert words == sorted(words)
    assert 60 <= len(words) <= 200
    assert all(not text.endswith(".") and len(text) < 80 for text in first_senses().values())
