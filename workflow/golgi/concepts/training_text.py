"""The text that a model of the `train` source learns from, and the text held out to measure it."""

import hashlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path

from golgi.concepts import microworld
from golgi.concepts.corpus import read_texts
from golgi.errors import GolgiError
from golgi.files import write_atomically

HELD_OUT = 20  # one document in so many
logger = logging.getLogger(__name__)


def write_corpus(
    *, corpus: str | list[str], lexicon: Path, documents: int, seed: int, training: Path, heldout: Path
) -> None:
    """Write training and held-out documents as JSON lines with one field, `text`.

    `corpus` is `microworld`, of which `documents` are written from the lexicon, or text files of the user's:
    `.txt` with blank lines between documents, or `.jsonl` with a field `text`. Of the user's distinct
    documents one in twenty is held out, chosen by a hash of its text. Raises GolgiError if there is no text.
    """
    if corpus == "microworld":
        microworld.write_corpus(
            lexicon=lexicon, documents=documents, seed=seed, training=training, heldout=heldout
        )
        return
    paths = [Path(path) for path in ([corpus] if isinstance(corpus, str) else corpus)]
    texts = dict.fromkeys(text for path in paths for text in read_documents(path))
    parts = {training: [], heldout: []}
    for text in texts:
        parts[heldout if _is_held_out(text) else training].append(text)
    for path, part in parts.items():
        if not part:
            raise GolgiError(f"The corpus {', '.join(map(str, paths))} has too few documents: {len(texts)}.")
        with write_atomically(path) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in part)
    logger.info("%d documents to learn from, %d held out.", len(parts[training]), len(parts[heldout]))


def _is_held_out(text: str) -> bool:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") % HELD_OUT == 0


def read_documents(path: Path) -> Iterator[str]:
    """Yield the documents of a text file: its records, or in `.txt` what stands between blank lines."""
    lines: list[str] = []
    for _, text in read_texts(path):
        if path.suffix == ".jsonl":
            yield text.strip()
        elif text.strip():
            lines.append(text.strip())
        elif lines:
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)
