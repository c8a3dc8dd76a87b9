"""Which tokens of a tokenizer are words of a concept: whole, or large pieces of one that no token holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from golgi.study.words import fold

SHORTEST_PIECE = 3  # letters


class ConceptTokens:
    """The concepts to whose words each token of a tokenizer belongs.

    `texts` [token id] are the raw token texts, `forms` the words of every concept, the word and its plural. A
    token belongs to a word if its text, without the space around it and in small letters, is that word. Where
    no form of a word is a token, pieces of a form belong to it too, of at least half of its letters and no
    fewer than SHORTEST_PIECE: its beginnings, and those of its ends that have no space before them, and so
    stand within a word. Of a form of several words, those of SHORTEST_PIECE letters or more are words each.

    >>> tokens = ConceptTokens([" Dogs", " mon", "key", " key"], {"dog": ["dog", "dogs"], "ape": ["monkey"]})
    >>> [sorted(tokens.of(token)) for token in range(4)]
    [['dog'], ['ape'], ['ape'], []]
    """

    def __init__(self, texts: Sequence[str], forms: Mapping[str, Iterable[str]]):
        self._texts = texts
        tokens = {fold(text) for text in texts}
        self._starts: dict[str, set[str]] = defaultdict(set)
        self._ends: dict[str, set[str]] = defaultdict(set)
        for concept, words in forms.items():
            phrases = [fold(word).split() for word in words]
            for column in _columns(phrases):
                self._add(concept, column, tokens)

    def _add(self, concept: str, forms: set[str], tokens: set[str]) -> None:
        for form in forms:
            self._starts[form].add(concept)
            if forms.isdisjoint(tokens):
                for letters in range(max(SHORTEST_PIECE, (len(form) + 1) // 2), len(form)):
                    self._starts[form[:letters]].add(concept)
                    self._ends[form[-letters:]].add(concept)

    def of(self, token: int) -> set[str]:
        """Return the concepts to which a token id belongs."""
        text = self._texts[token]
        word = fold(text)
        within = not text[:1].isspace()
        return self._starts.get(word, set()) | (self._ends.get(word, set()) if within else set())


def _columns(phrases: list[list[str]]) -> list[set[str]]:
    # Forms of one word are one column; of `ice cream, ice creams` the columns are {ice}, {cream, creams}.
    length = max(map(len, phrases), default=0)
    columns = [{phrase[place] for phrase in phrases if place < len(phrase)} for place in range(length)]
    if length == 1:
        return columns
    return [{word for word in column if len(word) >= SHORTEST_PIECE} for column in columns]
