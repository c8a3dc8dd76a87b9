"""Plurals of English nouns. A lexicon gives those that neither the rules nor these tables know."""

from __future__ import annotations

import re
from functools import cache

IRREGULAR = dict(
    pair.split()
    for pair in """
    child children, grandchild grandchildren, schoolchild schoolchildren, stepchild stepchildren
    person people, foot feet, forefoot forefeet, tooth teeth, goose geese, ox oxen
    mouse mice, dormouse dormice, louse lice, quiz quizzes
    stomach stomachs, monarch monarchs, patriarch patriarchs, matriarch matriarchs, epoch epochs, loch lochs
    """.replace("\n", ",").split(",")
    if pair.strip()
)
# A word that ends in one of these is also its plural.
SAME = """
sheep deer fish moose bison swine salmon trout series species aircraft spacecraft hovercraft offspring
scissors trousers jeans pants shorts tights pyjamas pajamas clothes glasses goggles binoculars
pliers tweezers tongs shears headquarters
"""
# In words that end in one of these, -f or -fe becomes -ves; chief, roof, belief and cliff are not among them.
TO_VES = "knife wolf leaf shelf life wife half loaf thief calf scarf self elf sheaf hoof"
TO_OES = "potato tomato hero echo mosquito volcano tornado torpedo domino mango cargo veto"
# Words in -man that are not compounds of `man`.
NOT_MEN = "human german roman norman doberman shaman talisman caiman ottoman"


@cache
def pluralise(noun: str) -> str:
    """Return the plural of a noun, or of a phrase that ends in one.

    >>> [pluralise(noun) for noun in ("horse", "cherry", "bookshelf", "fire engine", "sheep")]
    ['horses', 'cherries', 'bookshelves', 'fire engines', 'sheep']
    """
    before, last = re.fullmatch(r"(.*[\s-])?(.*)", noun, re.DOTALL).groups(default="")
    return before + _plural(last)


def _plural(word: str) -> str:
    small = word.lower()
    if small in IRREGULAR:
        # Every irregular plural begins as its word does, so a capital stays one.
        return word[0] + IRREGULAR[small][1:]
    if small.endswith(_each(SAME)):
        return word
    if small.endswith("man") and not small.endswith(_each(NOT_MEN)):
        return word[:-2] + "en"
    if small.endswith(_each(TO_VES)):
        return re.sub(r"fe?$", "ves", word)
    if re.search(r"(s|x|z|ch|sh)$", small) or small.endswith(_each(TO_OES)):
        return word + "es"
    return re.sub(r"(?<=[^aeiou])y$", "ie", word) + "s"


@cache
def _each(words: str) -> tuple[str, ...]:
    return tuple(words.split())
