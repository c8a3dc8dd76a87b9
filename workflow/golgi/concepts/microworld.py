"""Microworld: a world small enough to be learned, told in facts and little stories."""

import hashlib
import json
import logging
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import numpy as np

from golgi.concepts.grammar import PATIENCE, Draft, Grammar
from golgi.concepts.lexicon import Concept, Lexicon, load_lexicon
from golgi.errors import GolgiError
from golgi.files import write_atomically

KINDS = ("fact", "story")
HELD_OUT = 5  # one text in five is held out
HELD_OUT_DOCUMENTS = 20  # one held-out document for so many of training
TOGETHER = 0.15  # share of documents that compare concepts
FOLLOW_UP = 0.4  # chance that a sentence with a pronoun follows one that names the concept
SHORTEST, LONGEST = 4, 9  # sentences of a document

FIRST_SENTENCE = re.compile(r'.*?(?:[.?!]"?(?= )|$)', re.DOTALL)

logger = logging.getLogger(__name__)


class Sentence(NamedTuple):
    """A sentence about a concept; `kind` is `fact` or `story`, `frame` names the frames it was built from."""

    text: str
    concept: str
    kind: str
    frame: str


def split(text: str) -> str:
    """Side of a text, `training` or `heldout` (one in five), by a hash of its first sentence alone.

    So a held-out sentence is not the opening of a longer text on the other side either.
    """
    first = FIRST_SENTENCE.match(text)[0]
    digest = hashlib.blake2b(first.encode(), digest_size=8).digest()
    return "heldout" if int.from_bytes(digest, "big") % HELD_OUT == 0 else "training"


def sentences(lexicon: Lexicon, concepts: Sequence[Concept], number: int, seed: int) -> list[Sentence]:
    """Distinct held-out sentences, `number` for each concept: the first half facts, the rest stories.

    A concept's sentences depend on the seed, the concept and the words of the lexicon, not on the other
    chosen concepts. Raises GolgiError naming a concept that lacks attributes or has not that many sentences.
    """
    grammar = Grammar(lexicon, concepts)
    written: list[Sentence] = []
    for concept in concepts:
        generator = _generator(seed, concept.name)
        written += _distinct(grammar, concept, "fact", number // 2, generator)
        written += _distinct(grammar, concept, "story", number - number // 2, generator)
    return written


def draw(
    grammar: Grammar, concept: Concept, kind: str, generator: np.random.Generator, side: str
) -> Sentence:
    """A sentence of a kind, from a side of the split, that names the concept and no other."""
    draft = grammar.until(lambda text: split(text) == side, getattr(grammar, kind), concept, generator)
    return Sentence(draft.text, concept.name, kind, f"{kind}/{draft.frame}")


def write_corpus(*, lexicon: Path, documents: int, seed: int, training: Path, heldout: Path) -> None:
    """Write training documents, and a twentieth as many held-out ones, as JSON lines `{"text": ...}`.

    A document is a paragraph of 4 to 9 facts, stories and follow-ups about one concept, or about several that
    share a trait or a category. Each is written from one side of the split only. Same arguments, same bytes.
    """
    words = load_lexicon(lexicon)
    grammar = Grammar(words, words.concepts)
    sizes = {"training": documents, "heldout": max(1, documents // HELD_OUT_DOCUMENTS)}
    for side, path in (("training", training), ("heldout", heldout)):
        texts = _documents(grammar, sizes[side], side, _generator(seed, side))
        with write_atomically(path) as temporary, open(temporary, "w", encoding="utf-8") as lines:
            lines.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
        logger.info("%d %s documents about %d concepts.", sizes[side], side, len(words.concepts))


def documents(*, lexicon: Path, seed: int, stream: str, side: str) -> Iterator[str]:
    """Yield documents without end from one side of the split; each `stream` of a seed is another text."""
    words = load_lexicon(lexicon)
    return _documents(Grammar(words, words.concepts), None, side, _generator(seed, stream))


def _generator(seed: int, stream: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(stream.encode())])


def _distinct(
    grammar: Grammar, concept: Concept, kind: str, number: int, generator: np.random.Generator
) -> list[Sentence]:
    found: dict[str, Sentence] = {}
    idle = 0
    while len(found) < number and idle < PATIENCE:
        sentence = draw(grammar, concept, kind, generator, "heldout")
        idle = idle + 1 if sentence.text in found else 0
        found.setdefault(sentence.text, sentence)
    if len(found) < number:
        raise GolgiError(
            f"concept `{concept.name}`: Microworld has about {len(found)} held-out sentences of the kind "
            f"{kind}, and {number} are asked for; ask for fewer, or give the concept more attributes."
        )
    return list(found.values())


def _documents(
    grammar: Grammar, number: int | None, side: str, generator: np.random.Generator
) -> Iterator[str]:
    starts = count(0, len(grammar.concepts)) if number is None else range(0, number, len(grammar.concepts))
    for start in starts:
        order = generator.permutation(len(grammar.concepts))
        for index in order[: None if number is None else number - start]:
            yield " ".join(_Document(grammar, side, generator).write(grammar.concepts[index]))


class _Document:
    """A paragraph in the making: sentences of one side, none twice."""

    def __init__(self, grammar: Grammar, side: str, generator: np.random.Generator):
        self.grammar, self.side, self.generator = grammar, side, generator
        self.size = int(generator.integers(SHORTEST, LONGEST + 1))
        self.texts: list[str] = []

    def write(self, concept: Concept) -> list[str]:
        if self.generator.random() < TOGETHER and self.grammar.has_company(concept):
            self._compare(concept)
        else:
            self._describe(concept)
        return self.texts[: self.size]

    def _describe(self, concept: Concept) -> None:
        turn = int(self.generator.integers(0, self.size + 1))
        kinds = KINDS if self.generator.random() < 0.5 else KINDS[::-1]
        while len(self.texts) < self.size:
            kind = kinds[len(self.texts) >= turn]
            draft = self._add(getattr(self.grammar, kind), concept)
            if self.generator.random() < FOLLOW_UP:
                self._add(self.grammar.follow_up, draft, kind)

    def _compare(self, concept: Concept) -> None:
        while len(self.texts) < self.size:
            draft = self._add(self.grammar.comparison, concept)
            subject = draft.concepts[int(self.generator.random() * len(draft.concepts))]
            self._add(self.grammar.fact, subject)

    def _add(self, tell, *arguments: object) -> Draft:
        draft = self.grammar.until(self._is_new, tell, *arguments, self.generator)
        self.texts.append(draft.text)
        return draft

    def _is_new(self, text: str) -> bool:
        return split(text) == self.side and text not in self.texts
