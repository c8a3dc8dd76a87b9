"""Mine concept sentences from a text corpus: sentences in which a concept's word occurs."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from golgi.concepts.lexicon import Concept, word_pattern
from golgi.concepts.pool import Candidate
from golgi.concepts.texts import read_texts

SHORTEST, LONGEST = 5, 40  # words; shorter ones are cries and headings, longer ones are mostly broken text
TOKEN = re.compile(r"[^\W_]+")
# A sentence ends at . ! ? (and closing quotes) before white space and the start of another one.
BOUNDARY = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=[\"'“‘(]?[^\Wa-z])")
ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Prof|Jr|Sr|vs|etc|[A-Z])\.$")
ITS_LENGTH = 6  # letters of the longest, its full stop, and what stands before it


def split_sentences(text: str) -> list[str]:
    """Split prose into sentences, white space folded.

    >>> split_sentences('Mr. Fox ran. "Stop!" said the dog.')
    ['Mr. Fox ran.', '"Stop!" said the dog.']
    """
    sentences = []
    for paragraph in text.splitlines():
        start = 0
        for boundary in BOUNDARY.finditer(paragraph):
            # No more than its end: a line of initials would be read again for each of them.
            end = boundary.start()
            if ABBREVIATION.search(paragraph[max(start, end - ITS_LENGTH) : end]):
                continue
            cut = boundary.start() + len(boundary.group().rstrip())
            sentences.append(paragraph[start:cut])
            start = boundary.end()
        sentences.append(paragraph[start:])
    return [" ".join(sentence.split()) for sentence in sentences if sentence.strip()]


def mine_corpus(paths: Iterable[Path], concepts: list[Concept]) -> Iterator[Candidate]:
    """Yield every sentence of 5 to 40 words that names a concept, once for each concept that it names.

    The pool drops a sentence that belongs to several concepts, and counts it: shared sentences would make
    the concepts' expert sets overlap by themselves.
    """
    named_by = first_tokens(concepts)
    for path in paths:
        for line, text in read_texts(path):
            for sentence in split_sentences(text):
                tokens = TOKEN.findall(sentence.casefold())
                if SHORTEST <= len(tokens) <= LONGEST:
                    for concept in _named(sentence, tokens, named_by):
                        yield Candidate(sentence, concept, "mention", f"{path.name}:{line}")


Patterns = dict[str, list[tuple[str, re.Pattern[str]]]]


def first_tokens(concepts: Iterable[Concept]) -> Patterns:
    """Names and patterns of concepts by the first token of a form: those worth trying on a text with it."""
    table: Patterns = defaultdict(list)
    for concept in concepts:
        for first in sorted({TOKEN.findall(form.casefold())[0] for form in (concept.word, concept.plural)}):
            table[first].append((concept.name, word_pattern(concept)))
    return table


def _named(sentence: str, tokens: list[str], named_by: Patterns) -> list[str]:
    likely = {name: pattern for token in tokens for name, pattern in named_by.get(token, ())}
    return [name for name, pattern in likely.items() if pattern.search(sentence)]
