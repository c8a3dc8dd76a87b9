"""Small language models trained here: a byte-level tokenizer and a GPT-NeoX, with checkpoints."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import torch
from torch.nn.functional import cross_entropy
from transformers import GPTNeoXForCausalLM
from transformers.utils.logging import disable_progress_bar

from golgi.errors import GolgiError
from golgi.models.baselines import bigram_loss, unigram_loss
from golgi.models.corpus import cut_windows, draw_batches, read_texts, token_stream
from golgi.models.folders import write_folder
from golgi.models.network import (
    Shape,
    build_network,
    check_shape,
    decay_groups,
    rate_at,
)
from golgi.models.tokenizer import train_tokenizer
from golgi.progress import Progress
from golgi.tables import write_table

logger = logging.getLogger(__name__)

CLIP = 1.0  # norm of the gradient
ROWS = 100  # of the loss curve, between checkpoints
HELDOUT_BATCH = 32
HELDOUT_TOKENS = 65_536


def train_model(
    *,
    training: Path,
    heldout: Path,
    folders: dict[int, Path],
    losses: Path,
    model: str,
    layers: int,
    width: int,
    heads: int,
    context: int,
    vocabulary: int,
    steps: int,
    batch: int,
    learning_rate: float,
    seed: int,
    threads: int,
) -> None:
    """Train a GPT-NeoX on `training`, save it at every step of `folders`, and write its loss curve.

    The texts hold one {"text": ...} a line; `context` is in tokens, `width` is d_model, and `batch` counts
    windows of `context` tokens. Folders are in Hugging Face format (safetensors). The same seed and number
    of threads give the same bytes. Raises GolgiError where the sizes or the texts do not fit, and if the
    loss stops being a number.
    """
    shape = Shape(layers, width, heads, context, vocabulary, steps, batch, learning_rate)
    check_shape(shape, sorted(folders), model=model)
    torch.set_num_threads(threads)
    disable_progress_bar()
    texts = read_texts(training)
    tokenizer = train_tokenizer(texts, vocabulary=vocabulary, context=context)
    _report_vocabulary(len(tokenizer), vocabulary, model)
    stream = token_stream(tokenizer, texts)
    windows = cut_windows(stream, context=context, what="training")
    held = _heldout_windows(token_stream(tokenizer, read_texts(heldout)), context, model)
    network = build_network(shape, tokenizer, seed=seed)
    logger.info("%s: %d parameters, %d training tokens.", model, network.num_parameters(), len(stream))
    baselines = _baselines(stream, held, len(tokenizer))
    rows = []
    for step, loss in _train(network, windows, shape, stop=max(folders), seed=seed, model=model):
        row = {"model": model, "step": step, "tokens": step * batch * context, "training_loss": loss}
        if step in folders:
            row |= {"heldout_loss": heldout_loss(network, held)} | baselines
            logger.info("%s: step %d, held-out loss %.3f nats per token.", model, step, row["heldout_loss"])
            with write_folder(Path(folders[step])) as folder:
                network.save_pretrained(folder)
                tokenizer.save_pretrained(folder)
        if step in folders or _is_logged(step, steps):
            rows.append(row)
    write_table(_loss_table(rows), losses, schema="training")


def heldout_loss(network: GPTNeoXForCausalLM, windows: torch.Tensor) -> float:
    """Return the mean cross-entropy of the windows' next tokens, nats per token."""
    network.eval()
    with torch.inference_mode():
        total = sum(float(_loss(network, part)) * len(part) for part in windows.split(HELDOUT_BATCH))
    network.train()
    return total / len(windows)


def _train(
    network: GPTNeoXForCausalLM, windows: torch.Tensor, shape: Shape, *, stop: int, seed: int, model: str
) -> Iterator[tuple[int, float | None]]:
    """Yield (steps taken, mean loss of the steps since the last logged one), from step 0 on."""
    network.train()
    optimizer = torch.optim.AdamW(decay_groups(network), betas=(0.9, 0.95), fused=True)
    batches = draw_batches(windows, batch=shape.batch, seed=seed)
    tokens = shape.batch * shape.context
    yield 0, None
    recent: list[float] = []
    with Progress(stop * tokens, unit="tokens", label=model, logger=logger) as progress:
        for step in range(1, stop + 1):
            rate = shape.learning_rate * rate_at(step, shape.steps)
            recent.append(_take_step(network, optimizer, next(batches), rate))
            if not math.isfinite(recent[-1]):
                raise GolgiError(f"{model}: the loss is not a number at step {step}; lower learning_rate.")
            progress.advance(tokens, f"step {step}, loss {recent[-1]:.3f}")
            yield step, float(np.mean(recent))
            if _is_logged(step, shape.steps):
                recent.clear()


def _take_step(
    network: GPTNeoXForCausalLM, optimizer: torch.optim.Optimizer, windows: torch.Tensor, rate: float
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    loss = _loss(network, windows)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return loss.item()


def _loss(network: GPTNeoXForCausalLM, windows: torch.Tensor) -> torch.Tensor:
    logits = network(input_ids=windows[:, :-1], use_cache=False).logits  # [window, token, vocabulary]
    return cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


def _report_vocabulary(size: int, wanted: int, model: str) -> None:
    if size < wanted:
        logger.info("%s: the text supports only %d of %d tokens.", model, size, wanted)


def _is_logged(step: int, steps: int) -> bool:
    return step % max(1, steps // ROWS) == 0


def _heldout_windows(stream: np.ndarray, context: int, model: str) -> torch.Tensor:
    windows = cut_windows(stream, context=context, what="held-out")
    kept = windows[: max(1, HELDOUT_TOKENS // context)]
    logger.info("%s: held-out loss over %d of %d tokens.", model, len(kept) * context, len(stream))
    return kept


def _baselines(stream: np.ndarray, held: torch.Tensor, vocabulary: int) -> dict[str, float]:
    previous, following = held[:, :-1].flatten().numpy(), held[:, 1:].flatten().numpy()
    return {
        "unigram_loss": unigram_loss(stream, following, vocabulary=vocabulary),
        "bigram_loss": bigram_loss(stream, previous, following, vocabulary=vocabulary),
    }


def _loss_table(rows: list[dict]) -> pl.DataFrame:
    empty = {"training_loss": None, "heldout_loss": None, "unigram_loss": None, "bigram_loss": None}
    numbers = dict.fromkeys(empty, pl.Float64)
    return pl.DataFrame([empty | row for row in rows], schema_overrides=numbers)
