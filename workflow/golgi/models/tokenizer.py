"""Tokenizers: a model's own, read from its folder, or a byte-level one trained on a corpus."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from golgi.errors import GolgiError
from golgi.models.trust import check_files

END_OF_TEXT = "<|endoftext|>"
SMALLEST_VOCABULARY = 257  # 256 bytes and the end of text


@dataclass(frozen=True)
class Encoding:
    """The tokens of one text: ids [token] and the characters each token covers, [token, 2]."""

    ids: np.ndarray
    offsets: np.ndarray


def load_tokenizer(folder: Path, *, who: str) -> PreTrainedTokenizerFast:
    """Read a model's tokenizer from its folder; GolgiError if there is none that keeps character offsets."""
    check_files(folder, who=who)
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise GolgiError(f"{who}: the tokenizer in {folder} cannot be read: {error}") from error
    if not getattr(tokenizer, "is_fast", False):
        raise GolgiError(
            f"{who}: the tokenizer in {folder} keeps no character offsets; a tokenizer.json is needed."
        )
    return tokenizer


def encode(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> list[Encoding]:
    """Return the tokens of each text, without any special token."""
    batch = tokenizer(
        texts,
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        verbose=False,
    )
    pairs = zip(batch["input_ids"], batch["offset_mapping"], strict=True)
    return [
        Encoding(np.array(ids, np.int64), np.array(offsets, np.int64).reshape(-1, 2))
        for ids, offsets in pairs
    ]


def overlapping(encoding: Encoding, spans: Iterable[tuple[int, int]]) -> np.ndarray:
    """Return which tokens share a character with one of the `start, stop` spans, [token] bool."""
    starts, stops = encoding.offsets.T
    hit = np.zeros(len(encoding.ids), bool)
    for start, stop in spans:
        hit |= (starts < stop) & (stops > start)
    return hit


def bos_id(tokenizer: PreTrainedTokenizerFast, *, who: str) -> int:
    """Return the id of BOS; GolgiError if the tokenizer has none."""
    if tokenizer.bos_token_id is None:
        raise GolgiError(f"{who}: bos is true, but the model's tokenizer has no BOS token. Set bos: false.")
    return int(tokenizer.bos_token_id)


def neutral_id(tokenizer: PreTrainedTokenizerFast, *, rows: int, who: str) -> int:
    """Return the id that stands for a masked word: pad, else EOS, else BOS, if the model has a row for it."""
    for token in (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.bos_token_id):
        if token is not None and token < rows:
            return int(token)
    raise GolgiError(
        f"{who}: the tokenizer has no pad, EOS or BOS token to mask with; "
        "the control `word` and neuron graphs need one."
    )


def hash_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> str:
    """Return the sha256 of tokenizer.json, or of what it would be where a folder has older files."""
    file = folder / "tokenizer.json"
    content = file.read_bytes() if file.is_file() else tokenizer.backend_tokenizer.to_str().encode()
    return hashlib.sha256(content).hexdigest()


def train_tokenizer(texts: list[str], *, vocabulary: int, context: int) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE of at most `vocabulary` tokens; id 0 is BOS, EOS and pad alike."""
    backend = tokenizers.Tokenizer(tokenizers.models.BPE())
    backend.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer=trainer, length=len(texts))
    special = {"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT, "pad_token": END_OF_TEXT}
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=context, **special)
