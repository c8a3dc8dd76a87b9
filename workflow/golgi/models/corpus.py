"""Text as a stream of tokens: BOS before every document, cut into windows of one length."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

from golgi.errors import GolgiError


def read_texts(path: Path) -> list[str]:
    """Return the texts of a file with one `{"text": ...}` a line; GolgiError names a line that is not."""
    texts = list(each_text(Path(path)))
    if not texts:
        raise GolgiError(f"{path} holds no text.")
    return texts


def each_text(path: Path) -> Iterator[str]:
    """Yield the texts of such a file one by one; GolgiError names a line that is not of that form."""
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _text(line, f"{path}:{number}")
    except (OSError, UnicodeDecodeError) as error:
        raise GolgiError(f"{path} cannot be read as text: {error}.") from error


def _text(line: str, where: str) -> str:
    try:
        text = json.loads(line)["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise GolgiError(f'{where}: not of the form {{"text": ...}}.') from error
    if not isinstance(text, str):
        raise GolgiError(f"{where}: text is not a string.")
    return text


def token_stream(tokenizer: PreTrainedTokenizerFast, texts: list[str]) -> np.ndarray:
    """Return the tokens of all texts, [token] int64, BOS before each."""
    encoded = tokenizer(texts, add_special_tokens=False, return_attention_mask=False, verbose=False)[
        "input_ids"
    ]
    pieces = [np.array([tokenizer.bos_token_id, *ids], np.int64) for ids in encoded]
    return np.concatenate(pieces)


def cut_windows(stream: np.ndarray, *, context: int, what: str) -> torch.Tensor:
    """Return windows of `context` inputs and their next tokens, [window, context + 1].

    Neighbours share one token. The tail that fills no window is left out. Raises GolgiError if there is
    no window.
    """
    count = (len(stream) - 1) // context
    if not count:
        raise GolgiError(
            f"The {what} text has {len(stream)} tokens; a window of context {context} needs {context + 1}."
        )
    starts = np.arange(count)[:, None] * context
    return torch.from_numpy(stream[starts + np.arange(context + 1)])


def draw_batches(windows: torch.Tensor, *, batch: int, seed: int) -> Iterator[torch.Tensor]:
    """Yield batches [batch, context + 1] without end: every window once an epoch, in a seeded order."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.empty(0, dtype=torch.long)
    while True:
        while len(order) < batch:
            order = torch.cat([order, torch.randperm(len(windows), generator=generator)])
        yield windows[order[:batch]]
        order = order[batch:]
