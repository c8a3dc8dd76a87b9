"""Sentences as token ids, and batches of them that are bounded by their padded size."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from golgi.errors import GolgiError
from golgi.models.tokenizer import Encoding, overlapping

logger = logging.getLogger(__name__)

SHOWN = 5
SMALLEST_SHARE = 4  # a batch is cut where lengths change once it is a quarter full
CPU_BATCH_TOKENS = 4096  # larger batches fall out of the processor's caches and run slower


@dataclass(frozen=True)
class Sentence:
    """What a model reads for one row of the responses, and which of its tokens are pooled."""

    row: int
    ids: np.ndarray  # [token]
    keep: np.ndarray  # [token] bool


@dataclass(frozen=True)
class Batch:
    """Right-padded sentences: `ids`, `mask` and `keep` are [sentence, token], `rows` is [sentence]."""

    rows: np.ndarray
    ids: torch.Tensor
    mask: torch.Tensor
    keep: torch.Tensor

    @property
    def tokens(self) -> int:
        """Tokens read, padding not counted."""
        return int(self.mask.sum())


def plain_sentences(encodings: list[Encoding], *, bos: int | None) -> list[Sentence]:
    """Return every sentence as it is, with BOS in front where `bos` is an id."""
    return [
        _sentence(row, encoding.ids, np.ones(len(encoding.ids), bool), bos)
        for row, encoding in enumerate(encodings)
    ]


def masked_sentences(
    encodings: list[Encoding], spans: list[list[tuple[int, int]]], *, bos: int | None, neutral: int
) -> list[Sentence]:
    """Return every sentence with the tokens of its concept's word replaced by `neutral` and not pooled.

    Rows continue after the plain sentences. Whole tokens are replaced, so that no piece of the word is left.
    """
    sentences = []
    for row, (encoding, ranges) in enumerate(zip(encodings, spans, strict=True)):
        hit = overlapping(encoding, ranges)
        ids = np.where(hit, neutral, encoding.ids)
        sentences.append(_sentence(len(encodings) + row, ids, ~hit, bos))
    return sentences


def _sentence(row: int, ids: np.ndarray, keep: np.ndarray, bos: int | None) -> Sentence:
    if bos is None:
        return Sentence(row, ids, keep)
    return Sentence(row, np.r_[bos, ids], np.r_[False, keep])


def check_sentences(
    sentences: list[Sentence], texts: list[str], *, context: int | None, vocabulary: int, who: str
) -> None:
    """Raise GolgiError naming the sentences that are empty, too long, or unknown to the model."""
    empty = [sentence for sentence in sentences if not sentence.keep.any()]
    _refuse(empty, texts, f"{who}: no token is left to pool (is the sentence its concept's word alone?)")
    long = [sentence for sentence in sentences if context is not None and len(sentence.ids) > context]
    _refuse(long, texts, f"{who}: more tokens than the model's context of {context}")
    strange = [sentence for sentence in sentences if sentence.ids.max() >= vocabulary]
    _refuse(
        strange,
        texts,
        f"{who}: token ids beyond the model's {vocabulary} embeddings (another model's tokenizer?)",
    )


def _refuse(sentences: list[Sentence], texts: list[str], problem: str) -> None:
    if not sentences:
        return
    lines = [f"{problem}: {len(sentences)} sentence{'s' * (len(sentences) > 1)}"]
    for sentence in sentences[:SHOWN]:
        number = sentence.row % len(texts)
        lines.append(f"  sentence {number} ({len(sentence.ids)} tokens): {texts[number][:80]!r}")
    if len(sentences) > SHOWN:
        lines.append(f"  and {len(sentences) - SHOWN} more")
    raise GolgiError("\n".join(lines))


def best_batch_tokens(batch_tokens: int, device: torch.device) -> int:
    """Return `batch_tokens`, or on the CPU the size from which larger batches are slower."""
    if device.type != "cpu" or batch_tokens <= CPU_BATCH_TOKENS:
        return batch_tokens
    logger.info("Batches of %d tokens, not %d: faster on the CPU.", CPU_BATCH_TOKENS, batch_tokens)
    return CPU_BATCH_TOKENS


def plan_batches(sentences: list[Sentence], *, batch_tokens: int) -> list[list[Sentence]]:
    """Group sentences of similar length, longest first, at most `batch_tokens` padded tokens a batch.

    The longest come first because a batch that does not fit into memory should fail early. A sentence
    that is longer than the bound is a batch of its own.
    """
    ordered = sorted(sentences, key=lambda sentence: (-len(sentence.ids), sentence.row))
    return list(_chunks(ordered, batch_tokens))


def _chunks(ordered: list[Sentence], batch_tokens: int) -> Iterator[list[Sentence]]:
    start = 0
    while start < len(ordered):
        length = len(ordered[start].ids)
        count = max(1, batch_tokens // length)
        chunk = ordered[start : start + count]
        # Sentences of one length need neither padding nor, when pooled, a copy with the padding hidden.
        same = sum(len(sentence.ids) == length for sentence in chunk)
        if same * length * SMALLEST_SHARE >= batch_tokens:
            chunk = chunk[:same]
        yield chunk
        start += len(chunk)


def collate(sentences: list[Sentence], *, pad: int, device: torch.device) -> Batch:
    """Return the sentences as one right-padded batch on `device`."""
    width = max(len(sentence.ids) for sentence in sentences)
    ids = np.full((len(sentences), width), pad, np.int64)
    mask = np.zeros((len(sentences), width), np.int64)
    keep = np.zeros((len(sentences), width), bool)
    for index, sentence in enumerate(sentences):
        ids[index, : len(sentence.ids)] = sentence.ids
        mask[index, : len(sentence.ids)] = 1
        keep[index, : len(sentence.ids)] = sentence.keep
    rows = np.array([sentence.row for sentence in sentences])
    return Batch(rows, *(torch.from_numpy(array).to(device) for array in (ids, mask, keep)))
