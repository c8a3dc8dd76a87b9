"""The texts that neuron graphs are grown and scored on: documents of a source, in a random order."""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

from golgi.concepts import microworld
from golgi.concepts.texts import read_texts
from golgi.concepts.training_text import read_documents
from golgi.errors import GolgiError
from golgi.files import write_atomically
from golgi.tables import read_table

TEST = 10  # one document in so many is kept for the test where build and test are one source
LETTERS_PER_TOKEN = 12  # more than any tokenizer packs into a token in the mean: enough text for the tokens
logger = logging.getLogger(__name__)


def write_graph_text(
    *,
    part: str,
    source: str | list[str],
    split: bool,
    lexicon: Path,
    pool: Path,
    tokens: int,
    seed: int,
    build: Path | None,
    text: Path,
) -> None:
    """Write the documents of one part (`build`, `test` or `shifted`) as JSON lines with one field, `text`.

    `source` is `microworld` (written from the lexicon; build and test as far apart as the training text of a
    model and what is held out), `sentences` (the study's own, from the table `pool`) or files. With `split`
    build and test are one source, of which a tenth of the documents, by a hash of the text, is the test's.
    Documents come once each, and none that is in the text `build`, in an order that follows from the seed,
    until there is enough for `tokens` tokens. Raises GolgiError if there is none.
    """
    if source == "microworld":
        documents = _written(part, lexicon, tokens * LETTERS_PER_TOKEN, seed)
    else:
        paths = [] if source == "sentences" else [Path(path) for path in source]
        known = {_digest(one, seed) for _, one in read_texts(build)} if build else set()
        documents = _drawn(paths, pool, part if split else None, known, tokens * LETTERS_PER_TOKEN, seed)
    if not documents:
        raise GolgiError(f"graphs.corpora.{part}: {source} holds no text for it.")
    with write_atomically(text) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": one}, ensure_ascii=False) + "\n" for one in documents)
    logger.info("%d documents of %s.", len(documents), part)


def _written(part: str, lexicon: Path, letters: int, seed: int) -> list[str]:
    side = "heldout" if part == "test" else "training"
    documents: list[str] = []
    for text in microworld.documents(lexicon=lexicon, seed=seed, stream=f"graphs {part}", side=side):
        documents.append(text)
        letters -= len(text)
        if letters <= 0:
            break
    return documents


def _drawn(
    paths: list[Path], pool: Path, part: str | None, known: set[int], letters: int, seed: int
) -> list[str]:
    # Two readings, so that of a large corpus no more is held than is used.
    lengths = {_digest(text, seed): len(text) for text in _documents(paths, pool) if _belongs(text, part)}
    chosen: set[int] = set()
    if again := known.intersection(lengths):
        logger.info("%d documents that graphs are grown from are left out.", len(again))
    for number in sorted(set(lengths) - known):
        if letters <= 0:
            break
        chosen.add(number)
        letters -= lengths[number]
    kept = {number: text for text in _documents(paths, pool) if (number := _digest(text, seed)) in chosen}
    return [kept[number] for number in sorted(kept)]


def _documents(paths: list[Path], pool: Path) -> Iterator[str]:
    if not paths:
        yield from read_table(pool, schema="pool")["text"]
    for path in paths:
        yield from (text for text in read_documents(path) if text)


def _digest(text: str, seed: int) -> int:
    key = seed.to_bytes(8, "little")
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8, key=key).digest(), "big")


def _belongs(text: str, part: str | None) -> bool:
    if part is None or part == "shifted":
        return True
    # Without the seed: another seed reads other documents, and never trains on what was tested.
    digest = hashlib.blake2b(text.encode(), digest_size=8, person=b"golgi test").digest()
    return (int.from_bytes(digest, "big") % TEST == 0) == (part == "test")
