"""The gates that a written sentence has to pass, one after the other, and what became of each."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from golgi.concepts.corpus import TOKEN, Patterns, first_tokens
from golgi.concepts.lexicon import Concept, word_pattern
from golgi.study.plurals import pluralise
from golgi.writing.counting import VERDICTS
from golgi.writing.kinds import KindGate, Told
from golgi.writing.languages import LanguageGate
from golgi.writing.parsing import Drawn
from golgi.writing.similar import Similar

SHORT, LONG, UNNAMED, SUBTYPE, OTHER_CONCEPT, LANGUAGE, REPEATED, SIMILAR, SWAPPED, KEPT = VERDICTS


class Row(NamedTuple):
    """A sentence of a reply with its verdict; `key` is that of the request."""

    round: int
    concept: str
    kind: str
    draw: int
    item: int
    text: str
    verdict: str
    detail: str
    key: str


Verdict = tuple[str, str]  # the gate, and what it found


class Sieve:
    """Gives every sentence of the replies its verdict, round after round; a verdict is never revised.

    The gates in their order, of which the first that holds gives the verdict: `short`, `long`, `unnamed`,
    `subtype`, `other_concept`, `language`; `repeated` and `similar` to a sentence that was kept (of the
    whole study, of the same concept); `swapped`; and `kept` where none holds. `gates` are those of the
    spec; null turns one off. Raises GolgiError for a language that cannot be told.
    """

    def __init__(self, concepts: Sequence[Concept], gates: dict, language: str, seed: int):
        self.gates, self.seed = gates, seed
        self._names = _Names(concepts, others=gates["others"])
        sure = gates["language"]
        self._language = None if sure is None else LanguageGate(language, sure)
        self._kinds = None if gates["kind"] is None else KindGate(language, gates["kind"])
        self._similar: dict[str, Similar] = {}
        self._texts: dict[bytes, str] = {}
        self._kept: Counter[tuple[str, str]] = Counter()

    @property
    def orientation(self) -> float | None:
        """Accuracy on plain facts and stories of what distinguishes those of the first round (`KindGate`)."""
        return self._kinds.orientation if self._kinds else None

    def kept(self, concept: str, kind: str) -> int:
        """Number of sentences kept so far."""
        return self._kept[concept, kind]

    def add(self, drawn: Sequence[Drawn]) -> list[Row]:
        """Return a row for every sentence of a round's replies, in their order."""
        rows = [row for one in drawn for row in _sentences(one)]
        alone = [self._alone(row) for row in rows]
        passed = [Told(row.text, row.concept, row.kind) for row, found in zip(rows, alone) if not found]
        chances = iter(self._kinds.swapped(passed) if self._kinds else [0.0] * len(passed))
        judged = []
        for row, found in zip(rows, alone, strict=True):
            verdict, detail = found or self._among(row, float(next(chances)))
            judged.append(row._replace(verdict=verdict, detail=detail))
        return judged

    def _alone(self, row: Row) -> Verdict | None:
        """The verdict of the gates that look at nothing but the sentence."""
        words = count_words(row.text)
        if words < self.gates["shortest"]:
            return SHORT, str(words)
        if words > self.gates["longest"]:
            return LONG, str(words)
        if found := self._names.fault(row.concept, row.text):
            return found
        other = self._language.other(row.text) if self._language else None
        return (LANGUAGE, f"{other[0]} {other[1]:.2f}") if other else None

    def _among(self, row: Row, chance: float) -> Verdict:
        """The verdict of the gates that look at the sentences kept before and at the other kind."""
        key = _folded(row.text)
        if key in self._texts:
            return REPEATED, self._texts[key]
        if row.concept not in self._similar:
            self._similar[row.concept] = Similar(self.gates["similar"], self.seed)
        near = self._similar[row.concept].nearest(row.text)
        if near:
            return SIMILAR, f"{near[1]:.2f} {near[0]}"
        if self._kinds and chance >= self.gates["kind"]:
            return SWAPPED, f"{chance:.2f}"
        self._similar[row.concept].add(row.text)
        self._texts[key] = row.concept
        self._kept[row.concept, row.kind] += 1
        return KEPT, ""


class _Names:
    """Which words of concepts, and of kinds of them, a sentence names."""

    def __init__(self, concepts: Sequence[Concept], others: bool):
        self._own = {concept.name: word_pattern(concept) for concept in concepts}
        self._kinds = {concept.name: first_tokens(_kinds_of(concept)) for concept in concepts}
        self._others: Patterns = first_tokens(list(concepts)) if others else {}

    def fault(self, concept: str, text: str) -> Verdict | None:
        own = [match.span() for match in self._own[concept].finditer(text)]
        if not own:
            return UNNAMED, ""
        tokens = list(dict.fromkeys(TOKEN.findall(text.casefold())))
        for token in tokens:
            for _, pattern in self._kinds[concept].get(token, ()):
                if match := pattern.search(text):
                    return SUBTYPE, match[0]
        for token in tokens:
            for name, pattern in self._others.get(token, ()):
                if name != concept and (found := _outside(pattern, text, own)):
                    return OTHER_CONCEPT, found
        return None


def count_words(text: str) -> int:
    """Words of a sentence: what stands between white space and has a letter or digit.

    >>> count_words("A dog's bark - that's loud!")
    5
    """
    return sum(any(map(str.isalnum, word)) for word in text.split())


def _sentences(drawn: Drawn) -> list[Row]:
    number, request, _, parsed = drawn
    of = (number, request.concept, request.kind, request.draw)
    return [Row(*of, item, text, "", "", request.key) for item, text in enumerate(parsed.items)]


def _kinds_of(concept: Concept) -> list[Concept]:
    return [replace(concept, name=kind, word=kind, plural=pluralise(kind)) for kind in concept.kinds]


def _outside(pattern, text: str, own: list[tuple[int, int]]) -> str:
    """A match that is no part of the concept's own name: `bear` in "polar bear" names no other concept."""
    for match in pattern.finditer(text):
        if not any(start <= match.start() and match.end() <= end for start, end in own):
            return match[0]
    return ""


def _folded(text: str) -> bytes:
    return hashlib.blake2b(" ".join(text.casefold().split()).encode(), digest_size=12).digest()
