"""Held-out text for interventions: sentences with a concept's word, and sentences without."""

import hashlib
import heapq
import json
import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import polars as pl

from golgi.concepts import microworld
from golgi.concepts.corpus import LONGEST, SHORTEST, TOKEN, split_sentences
from golgi.concepts.lexicon import Concept, load_lexicon, word_pattern
from golgi.concepts.texts import read_records
from golgi.concepts.training_text import read_documents
from golgi.errors import GolgiError
from golgi.files import write_atomically
from golgi.tables import read_table

logger = logging.getLogger(__name__)

BEGINNING = 4  # words
# The end of a word inside a sentence, where the next thing is a word too.
BOUNDARY = re.compile(r"(?<=[^\W_])(?= [^\W_])")
Spans = list[tuple[int, int]]
Sentence = tuple[str, dict[str, Spans]]


@dataclass(frozen=True)
class Line:
    """A held-out sentence, its number in the file, and where each concept's word stands in it."""

    number: int
    text: str
    spans: dict[str, Spans]  # characters, by concept

    def boundary(self, seed: int) -> int | None:
        """Return the end of a word in it, a character place drawn with the seed; None if it is one word."""
        ends = [match.start() for match in BOUNDARY.finditer(self.text)]
        return ends[digest(self.text, seed) % len(ends)] if ends else None


def write_intervention_text(
    *,
    source: str | list[str],
    lexicon: Path,
    pool: Path,
    concepts: Path,
    chosen: int | list[str],
    prompts: int,
    continuations: int,
    neutral: int,
    seed: int,
    texts: Path,
) -> None:
    """Write held-out sentences as JSON lines `{"text": ..., "spans": {concept: [[start, stop], ...]}}`.

    `source` is `microworld` (its held-out side) or files. Sentences have 5 to 40 words and are none of the
    table `pool`, nor part of one, whatever the case and white space. There are `prompts` sentences for each
    concept that `choose_concepts` gives, and without any concept's word `prompts`, enough for `neutral`
    tokens, and `continuations` that begin in different ways. Where there are fewer all are taken, and the log
    says how many. Which are taken follows from the seed, not from their order. Raises GolgiError if there are
    none.
    """
    known = study_concepts(concepts)
    wanted = choose_concepts([concept.name for concept in known], chosen, seed)
    documents = _documents(source, lexicon, prompts, seed)
    kept = _Kept(wanted, prompts, max(prompts, continuations, neutral // SHORTEST), continuations)
    for sentence in _sentences(documents, known, read_table(pool, schema="pool")["text"]):
        kept.add(sentence, seed)
    if not (lines := kept.sentences()):
        raise GolgiError(f"analyses.interventions.text: {source} holds no sentence that is not in the pool.")
    with write_atomically(texts) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(
            json.dumps({"text": text, "spans": spans}, ensure_ascii=False) + "\n" for text, spans in lines
        )
    kept.report()


def read_intervention_text(path: Path) -> list[Line]:
    """Read what `write_intervention_text` wrote; GolgiError, naming file and line, for what is not of it."""
    lines = []
    for number, record in read_records(path):
        try:
            spans = {
                name: [(int(start), int(stop)) for start, stop in pairs]
                for name, pairs in record["spans"].items()
            }
            lines.append(Line(number - 1, str(record["text"]), spans))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise GolgiError(f"{path}:{number}: not a sentence with spans of words in it.") from error
    return lines


def choose_concepts(names: list[str], chosen: int | list[str], seed: int) -> list[str]:
    """Return the concepts to intervene for, in the order of `names`: those named, or a seeded sample.

    A number beyond that of the concepts means all. Raises GolgiError for a name that is not in `names`.
    """
    if not isinstance(chosen, int):
        if unknown := sorted(set(chosen) - set(names)):
            raise GolgiError(f"analyses.interventions.concepts: {unknown[0]} is not a concept of the study.")
        return [name for name in names if name in set(chosen)]
    # By hash, so that a concept more in the study changes the sample by one at most.
    sample = set(heapq.nsmallest(chosen, names, key=lambda name: digest(name, seed)))
    return [name for name in names if name in sample]


def study_concepts(concepts: Path) -> list[Concept]:
    """Return the concepts of the table `concepts`, in the order of their index."""
    fields = ("word", "plural", "category", "part_of_speech", "gloss")
    rows = read_table(concepts, schema="concepts").sort("index").iter_rows(named=True)
    return [Concept(row["concept"], **{field: row[field] for field in fields}) for row in rows]


def beginning(text: str) -> str:
    """Return the first words of a sentence, which a continuation goes on from."""
    return " ".join(text.split(" ")[:BEGINNING])


def digest(text: str, seed: int) -> int:
    """Return a number of 64 bits that follows from a text and the seed."""
    key = seed.to_bytes(8, "little")
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=key).digest(), "big")


def _documents(source: str | list[str], lexicon: Path, prompts: int, seed: int) -> Iterator[str]:
    if source != "microworld":
        return chain.from_iterable(read_documents(Path(path)) for path in source)
    # As many documents about each concept as prompts; each has several sentences that name it.
    number = prompts * len(load_lexicon(lexicon).concepts)
    stream = microworld.documents(lexicon=lexicon, seed=seed, stream="interventions", side="heldout")
    return islice(stream, number)


def _sentences(documents: Iterable[str], concepts: list[Concept], pool: pl.Series) -> Iterator[Sentence]:
    # A text of the pool can be of several sentences: none of these either.
    parts = (part for text in pool for part in (text, *split_sentences(text)))
    finder, seen = _Finder(concepts), {_folded(text) for text in parts}
    for document in documents:
        for text in split_sentences(document):
            tokens = TOKEN.findall(text.casefold())
            if SHORTEST <= len(tokens) <= LONGEST and (key := _folded(text)) not in seen:
                seen.add(key)
                yield text, finder.find(text, tokens)


def _folded(text: str) -> bytes:
    # A hash: of a large corpus the texts themselves would fill the memory.
    return hashlib.blake2b(" ".join(text.casefold().split()).encode(), digest_size=12).digest()


class _Finder:
    """Finds concepts' words in sentences, looking only for those whose first part is there."""

    def __init__(self, concepts: list[Concept]):
        self._likely: dict[str, list[tuple[str, re.Pattern]]] = defaultdict(list)
        for concept in concepts:
            for first in sorted(
                {TOKEN.findall(form.casefold())[0] for form in (concept.word, concept.plural)}
            ):
                self._likely[first].append((concept.name, word_pattern(concept)))

    def find(self, text: str, tokens: list[str]) -> dict[str, Spans]:
        patterns = {name: pattern for token in tokens for name, pattern in self._likely.get(token, ())}
        found = {name: [match.span() for match in patterns[name].finditer(text)] for name in sorted(patterns)}
        return {name: spans for name, spans in found.items() if spans}


class _Smallest:
    """The `count` sentences with the smallest keys, of each key the one with the smallest number."""

    def __init__(self, count: int):
        self.count = count
        self._kept: dict[int, tuple[int, Sentence]] = {}

    def add(self, key: int, number: int, sentence: Sentence) -> None:
        if key not in self._kept or number < self._kept[key][0]:
            self._kept[key] = number, sentence
        if len(self._kept) > 2 * self.count + 1000:
            self._kept = {key: self._kept[key] for key in self._keys()}

    def sentences(self) -> list[Sentence]:
        return [self._kept[key][1] for key in self._keys()]

    def _keys(self) -> list[int]:
        return heapq.nsmallest(self.count, self._kept)


class _Kept:
    """Sentences with each concept's word, without any, and without any and with another beginning each."""

    def __init__(self, concepts: list[str], prompts: int, without: int, beginnings: int):
        self._with = {name: _Smallest(prompts) for name in concepts}
        self._without, self._beginnings = _Smallest(without), _Smallest(beginnings)

    def add(self, sentence: Sentence, seed: int) -> None:
        text, spans = sentence
        number = digest(text, seed)
        for name in spans:
            if name in self._with:
                self._with[name].add(number, number, sentence)
        if not spans:
            self._without.add(number, number, sentence)
            self._beginnings.add(digest(beginning(text).casefold(), seed), number, sentence)

    def sentences(self) -> list[Sentence]:
        """Those with a beginning of their own come first, then the others without a word."""
        parts = (self._beginnings, self._without, *self._with.values())
        return list({text: (text, spans) for part in parts for text, spans in part.sentences()}.values())

    def report(self) -> None:
        parts = self._with | {"no concept": self._without, "no concept, another beginning": self._beginnings}
        for name, part in parts.items():
            found = len(part.sentences())
            tell = logger.warning if found < part.count else logger.info
            tell("%s: %d held-out sentences of %d.", name, found, part.count)
