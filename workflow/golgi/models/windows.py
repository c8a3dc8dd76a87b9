"""Windows: pieces of documents as token ids, and the text of every token by itself."""

import codecs
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

from golgi.errors import GolgiError
from golgi.models.corpus import each_text

logger = logging.getLogger(__name__)

PADDING = -1
SHORTEST = 2  # tokens; a token alone has no context to explain it with
DOCUMENTS_AT_ONCE = 64


@dataclass(frozen=True)
class Windows:
    """Pieces of documents, in file order, without BOS; what was left out is counted."""

    ids: np.ndarray  # [window, token] int32, right padded with -1
    documents: np.ndarray  # [window] int64: number of the document, from 0
    starts: np.ndarray  # [window] int64: tokens of the document before the window
    tails: int  # pieces of a single token, left out
    unread: int  # documents left unread, whole or in part, because enough tokens had been read

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of every window, [window] int64."""
        return (self.ids != PADDING).sum(axis=1)


def read_windows(
    paths: list[Path], tokenizer: PreTrainedTokenizerFast, *, length: int, tokens: int, who: str
) -> Windows:
    """Cut the documents of files with one `{"text": ...}` a line into windows of at most `length` tokens.

    Windows do not overlap and hold no BOS; reading ends with `tokens` tokens, in the midst of a document if
    need be. Raises GolgiError for a line that is not of that form, and if there is no window.
    """
    texts = chain.from_iterable(each_text(Path(path)) for path in paths)
    documents, unread = _read_documents(texts, tokenizer, tokens)
    cuts = [
        (number, start, ids[start : start + length])
        for number, ids in enumerate(documents)
        for start in range(0, len(ids), length)
    ]
    kept = [cut for cut in cuts if len(cut[2]) >= SHORTEST]
    if not kept:
        raise GolgiError(f"{who}: {', '.join(map(str, paths))}: no text of two tokens or more.")
    numbers, starts, pieces = zip(*kept, strict=True)
    windows = Windows(pad(pieces), np.array(numbers), np.array(starts), len(cuts) - len(kept), unread)
    _tell(windows, who, ", ".join(Path(path).name for path in paths))
    return windows


def pad(pieces: list[np.ndarray]) -> np.ndarray:
    """Return sequences of token ids as one array, [sequence, token] int32, right padded with -1."""
    lengths = np.fromiter(map(len, pieces), np.int64, len(pieces))
    ids = np.full((len(pieces), lengths.max(initial=0)), PADDING, np.int32)
    if len(pieces):
        ids[np.arange(ids.shape[1]) < lengths[:, None]] = np.concatenate(pieces)
    return ids


def _read_documents(
    texts: Iterator[str], tokenizer: PreTrainedTokenizerFast, tokens: int
) -> tuple[list[np.ndarray], int]:
    documents: list[np.ndarray] = []
    left, unread = tokens, 0
    options = {"add_special_tokens": False, "return_attention_mask": False, "verbose": False}
    while left and (some := list(islice(texts, DOCUMENTS_AT_ONCE))):
        for ids in tokenizer(some, **options)["input_ids"]:
            unread += len(ids) > left
            documents.append(np.array(ids[:left], np.int32))
            left -= len(documents[-1])
    return documents, unread + sum(1 for _ in texts)


def _tell(windows: Windows, who: str, names: str) -> None:
    count, read = windows.ids.shape[0], int(windows.lengths.sum())
    logger.info("%s: %s: %d windows, %d tokens.", who, names, count, read)
    if windows.tails:
        logger.info("%s: %s: %d pieces of a single token were left out.", who, names, windows.tails)
    if windows.unread:
        logger.info("%s: %s: %d documents were left unread, or the end of one.", who, names, windows.unread)


def token_texts(tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """Return the text of every token id by itself, spaces included; a byte that is no text is <0xE2>."""
    size = max(tokenizer.get_vocab().values(), default=-1) + 1
    pieces = [piece or "" for piece in tokenizer.convert_ids_to_tokens(list(range(size)))]
    added = tokenizer.added_tokens_decoder
    decoder = str(json.loads(tokenizer.backend_tokenizer.to_str()).get("decoder"))
    plain = _from_bytes if "'ByteLevel'" in decoder else _from_pieces
    return [added[index].content if index in added else plain(piece) for index, piece in enumerate(pieces)]


def _byte_alphabet() -> dict[str, int]:
    # Byte-level tokenizers write a printable byte as itself, and the rest, in order, from U+0100 on.
    letters = set(ByteLevel.alphabet())
    table = {chr(byte): byte for byte in range(256) if chr(byte) in letters}
    rest = [byte for byte in range(256) if chr(byte) not in letters]
    return table | {chr(256 + index): byte for index, byte in enumerate(rest)}


BYTES = _byte_alphabet()


def _from_bytes(piece: str) -> str:
    if any(letter not in BYTES for letter in piece):
        return piece
    return bytes(BYTES[letter] for letter in piece).decode("utf-8", errors="golgi_bytes")


def _from_pieces(piece: str) -> str:
    # SentencePiece: a low line of its own for the space, and <0xE2> for what is no whole character.
    if len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">"):
        return bytes([int(piece[3:5], 16)]).decode("utf-8", errors="golgi_bytes")
    return piece.replace("▁", " ")


def _name_bytes(error: UnicodeDecodeError) -> tuple[str, int]:
    return "".join(f"<0x{byte:02X}>" for byte in error.object[error.start : error.end]), error.end


codecs.register_error("golgi_bytes", _name_bytes)
