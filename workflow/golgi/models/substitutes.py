"""Substitutes for a token from a masked language model, which reads what stands on both sides of it."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForMaskedLM, PreTrainedTokenizerFast

from golgi.errors import GolgiError
from golgi.models.batches import best_batch_tokens
from golgi.models.bridge import context_length, read_weights
from golgi.models.memory import run_within_memory
from golgi.models.plain import run_at
from golgi.models.tokenizer import load_tokenizer
from golgi.models.windows import token_texts

LONGEST = 128  # tokens of the masked model, around the mask; what is further off hardly matters
ASKED = 10  # words asked for per substitute: many are several tokens of the studied model
BATCH_TOKENS = 16384
SUBWORD = "##"


class MaskedModel:
    """A masked language model of the BERT kind, read from a folder in Hugging Face format, in float32."""

    def __init__(self, folder: Path, device: str | torch.device):
        """Raise GolgiError naming `folder` if it is incomplete or damaged, or its model masks no tokens."""
        self._who = f"masked language model {folder.name}"
        self._device = torch.device(device)
        self._tokenizer = load_tokenizer(folder, who=self._who)
        if self._tokenizer.mask_token_id is None:
            raise GolgiError(f"{self._who}: the tokenizer in {folder} has no mask token.")
        model = read_weights(
            folder, AutoModelForMaskedLM, kind="masked language model", who=self._who, dtype=torch.float32
        )
        self._model = model.to(self._device).eval().requires_grad_(False)
        context = context_length(self._model.config) or LONGEST
        self._longest = min(context - 4, LONGEST)  # room for the marks around a text
        self._words = _whole_words(self._tokenizer)
        self._word_ids = torch.tensor(sorted(self._words))

    def propose(self, left: list[str], right: list[str], k: int) -> list[list[str]]:
        """Return the k most probable words between each text on the left and on the right, the best first.

        Words are whole, without white space: pieces of words and special tokens are passed over.
        """
        reads = [self._around(*pair) for pair in zip(left, right, strict=True)]
        order = sorted(range(len(reads)), key=lambda index: (-len(reads[index][0]), index))
        width = max((len(ids) for ids, _ in reads), default=1)
        count = max(1, best_batch_tokens(BATCH_TOKENS, self._device) // width)
        batches = [order[start : start + count] for start in range(0, len(order), count)]
        words: list[list[str]] = [[] for _ in reads]

        def run(batch: list[int]) -> tuple[list[int], list[list[int]]]:
            return batch, self._best([reads[index] for index in batch], k)

        sized = run_within_memory(batches, run, who=self._who, size=lambda b: len(b) * width, item="text")
        for batch, found in sized:
            for index, tokens in zip(batch, found, strict=True):
                words[index] = [self._words[token] for token in tokens]
        return words

    def _around(self, left: str, right: str) -> tuple[list[int], int]:
        """The ids of a text with a mask in it, cut to what stands nearest, and the place of the mask."""
        encode = partial(self._tokenizer.encode, add_special_tokens=False)
        before, after = encode(left), encode(right)
        room = self._longest - 1
        before = before[max(0, len(before) - max(room // 2, room - len(after))) :]
        after = after[: room - len(before)]
        first, last = self._tokenizer.cls_token_id, self._tokenizer.sep_token_id
        start, stop = [first] * (first is not None), [last] * (last is not None)
        ids = [*start, *before, self._tokenizer.mask_token_id, *after, *stop]
        return ids, len(start) + len(before)

    def _best(self, reads: list[tuple[list[int], int]], k: int) -> list[list[int]]:
        width = max(len(ids) for ids, _ in reads)
        ids = torch.zeros((len(reads), width), dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, (tokens, _) in enumerate(reads):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        rows, places = torch.arange(len(reads)), torch.tensor([place for _, place in reads])
        ends = rows.to(self._device), places.to(self._device)
        # Only where the mask is are the numbers of the whole vocabulary worth their memory.
        handles = run_at(self._model.get_output_embeddings(), lambda: ends, widen=False)
        try:
            with torch.inference_mode():
                inputs = {"input_ids": ids.to(self._device), "attention_mask": mask.to(self._device)}
                logits = self._model(**inputs).logits[0]
        finally:
            for handle in handles:
                handle.remove()
        words = self._word_ids
        best = logits[:, words].topk(min(k, len(words)))
        return words[best.indices].tolist()


class Substitutes:
    """A masked language model's words as single tokens of the studied model."""

    def __init__(self, masked: MaskedModel, tokenizer: PreTrainedTokenizerFast):
        """`tokenizer` is the studied model's."""
        self._masked, self._tokenizer = masked, tokenizer
        self._texts = token_texts(tokenizer)
        special = set(tokenizer.all_special_ids)
        pairs = [(text, index) for index, text in enumerate(self._texts) if index not in special]
        self._tokens = dict(reversed(pairs))  # of two tokens with one text, the first

    def propose_tokens(self, sequences: list[np.ndarray], places: np.ndarray, k: int) -> np.ndarray:
        """Return the k most probable substitutes for the token at `places[i]` of `sequences[i]`, best first.

        Sequences are [token] ids, with BOS or without; the result is [sequence, k] int64. A word is a
        substitute if, with the leading space of the token or its lack of one, and with its capital letter, it
        is a single token and another one. -1 stands where there are fewer than k (Foote et al. 2023).
        """
        sides = [self._sides(ids, place) for ids, place in zip(sequences, places, strict=True)]
        left, right = [side[0] for side in sides], [side[1] for side in sides]
        proposed = np.full((len(sequences), k), -1, np.int64)
        for row, words in enumerate(self._masked.propose(left, right, ASKED * k)):
            original = int(sequences[row][places[row]])
            written = [_written_like(self._texts[original], word) for word in words]
            tokens = [self._tokens.get(word, original) for word in written]
            kept = [token for token in dict.fromkeys(tokens) if token != original][:k]
            proposed[row, : len(kept)] = kept
        return proposed

    def _sides(self, ids: np.ndarray, place: int) -> list[str]:
        parts = ids[:place].tolist(), ids[place + 1 :].tolist()
        options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
        return [self._tokenizer.decode(part, **options) for part in parts]


def _written_like(original: str, word: str) -> str:
    bare = original.lstrip(" ")
    capital = bare[:1].isupper()
    return " " * (len(bare) < len(original)) + (word[:1].upper() + word[1:] if capital else word)


def _whole_words(tokenizer: PreTrainedTokenizerFast) -> dict[int, str]:
    """Token ids with the words they are: in WordPiece what continues none, elsewhere what has a space."""
    texts = token_texts(tokenizer)
    special = set(tokenizer.all_special_ids)
    spaced = not any(text.startswith(SUBWORD) for text in texts) and any(text[:1] == " " for text in texts)
    words = {}
    for index, text in enumerate(texts):
        whole = text.startswith(" ") if spaced else not text.startswith(SUBWORD)
        if whole and text.strip() and index not in special:
            words[index] = text.strip()
    return words
