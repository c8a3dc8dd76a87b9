"""Mine concept sentences from a text corpus: sentences in which a concept's word occurs."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from golgi.concepts.lexicon import Concept, word_pattern
from golgi.concepts.pool import Candidate
from golgi.errors import GolgiError

SHORTEST, LONGEST = 5, 40  # words; shorter ones are cries and headings, longer ones are mostly broken text
LONGEST_LINE = 1_000_000  # bytes; a longer line is not prose
TOKEN = re.compile(r"\w+")
# A sentence ends at . ! ? (and closing quotes) before white space and the start of another one.
BOUNDARY = re.compile(r"(?<=[.!?…])[\"'”’)]*\s+(?=[\"'“‘(]?[^\Wa-z])")
ABBREVIATION = re.compile(r"\b(?:Mr|Mrs|Ms|Dr|St|Prof|Jr|Sr|vs|etc|[A-Z])\.$")


def read_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line number, text) from a `.txt` file, or from the `text` field of a `.jsonl` file.

    Raises GolgiError, naming file and line, for a line that is not UTF-8, not JSON, without `text`, or
    longer than a million bytes.
    """
    try:
        with path.open("rb") as file:
            lines = iter(lambda: file.readline(LONGEST_LINE + 1), b"")
            for number, line in enumerate(lines, start=1):
                yield number, _text_of(line, f"{path}:{number}", as_json=path.suffix in {".jsonl", ".json"})
    except OSError as error:
        raise GolgiError(f"Corpus {path} cannot be read: {error.strerror}.") from error


def _text_of(line: bytes, where: str, *, as_json: bool) -> str:
    if len(line) > LONGEST_LINE:
        raise GolgiError(f"{where}: a line of more than {LONGEST_LINE:,} bytes. Break it into lines of text.")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise GolgiError(
            f"{where}: not UTF-8 (byte {error.start} of the line). Convert it to UTF-8."
        ) from error
    if not as_json or not text.strip():
        return text
    try:
        return str(json.loads(text)["text"])
    except (ValueError, KeyError, TypeError) as error:
        raise GolgiError(f'{where}: not a JSON line with a field "text".') from error


def split_sentences(text: str) -> list[str]:
    """Split prose into sentences, white space folded.

    >>> split_sentences('Mr. Fox ran. "Stop!" said the dog.')
    ['Mr. Fox ran.', '"Stop!" said the dog.']
    """
    sentences = []
    for paragraph in text.splitlines():
        start = 0
        for boundary in BOUNDARY.finditer(paragraph):
            if ABBREVIATION.search(paragraph[start : boundary.start()]):
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
    named_by = _first_tokens(concepts)
    for path in paths:
        for line, text in read_texts(path):
            for sentence in split_sentences(text):
                tokens = TOKEN.findall(sentence.casefold())
                if SHORTEST <= len(tokens) <= LONGEST:
                    for concept in _named(sentence, tokens, named_by):
                        yield Candidate(sentence, concept, "mention", f"{path.name}:{line}")


Patterns = dict[str, list[tuple[str, re.Pattern[str]]]]


def _first_tokens(concepts: list[Concept]) -> Patterns:
    # A look-up by the first token finds the few concepts whose pattern is worth trying.
    table: Patterns = defaultdict(list)
    for concept in concepts:
        for first in sorted({TOKEN.findall(form.casefold())[0] for form in (concept.word, concept.plural)}):
            table[first].append((concept.name, word_pattern(concept)))
    return table


def _named(sentence: str, tokens: list[str], named_by: Patterns) -> list[str]:
    likely = {name: pattern for token in tokens for name, pattern in named_by.get(token, ())}
    return [name for name, pattern in likely.items() if pattern.search(sentence)]
