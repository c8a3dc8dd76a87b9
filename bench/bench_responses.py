"""Throughput of reading responses against the plain Hugging Face model on the same batches.

    python bench/bench_responses.py [MODEL_FOLDER] [--sentences 2000] [--repeats 5]

Without a folder, $GOLGI_DATA/models/tinystories-4m/step2048 is measured. The goal is a ratio of at least
0.8: pooling every neuron may cost a fifth of the time. The rotated control has no goal: it multiplies every
activation by a square matrix, which is work that the plain model does not have. One thread, because waiting
at barriers on a busy machine hides what is measured.
"""

import argparse
import json
import logging
import os
import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from golgi.models.batches import CPU_BATCH_TOKENS, collate, plain_sentences, plan_batches
from golgi.models.bridge import load_model
from golgi.models.reader import Reader
from golgi.models.tokenizer import encode, load_tokenizer

logger = logging.getLogger("bench_responses")

GOAL = 0.8
MODEL = Path("models") / "tinystories-4m" / "step2048"


@dataclass(frozen=True)
class Throughput:
    """Tokens per second of the plain base model and of the reader, and their ratio."""

    plain: float
    reader: float
    ratio: float


def measure(
    folder: Path,
    texts: list[str],
    *,
    sites: list[str],
    rotation_seed: int | None = None,
    repeats: int = 5,
    threads: int = 1,
) -> Throughput:
    """Return the throughput over `texts`, plain and reader taking turns.

    Tokens per second are by the wall clock, in the fastest turn. The ratio is the median over the turns,
    by processor time, so that other work on the machine does not change it.
    """
    torch.set_num_threads(threads)
    device = torch.device("cpu")
    model = load_model(folder, who="bench@0", dtype=torch.float32, device=device)
    plain = (
        AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        .eval()
        .base_model
    )
    sentences = plain_sentences(encode(load_tokenizer(folder, who="bench@0"), texts), bos=0)
    batches = [
        collate(part, pad=0, device=device) for part in plan_batches(sentences, batch_tokens=CPU_BATCH_TOKENS)
    ]
    tokens = sum(batch.tokens for batch in batches)
    reader = Reader(model, sites=sites, pooling="max", rotation_seed=rotation_seed)

    def run_plain() -> None:
        with torch.inference_mode():
            for batch in batches:
                plain(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False)

    def run_reader() -> None:
        with reader.hooked():
            for batch in batches:
                reader.read(batch)

    run_plain()
    run_reader()
    turns = [(clock(run_plain), clock(run_reader)) for _ in range(repeats)]
    ratio = statistics.median(plain.processor / reader.processor for plain, reader in turns)
    fastest = [min(turn[index].wall for turn in turns) for index in (0, 1)]
    return Throughput(tokens / fastest[0], tokens / fastest[1], ratio)


@dataclass(frozen=True)
class Times:
    """Seconds of one call: by the clock on the wall, and of all processors together."""

    wall: float
    processor: float


def clock(run: Callable[[], None]) -> Times:
    """Return the seconds that one call takes."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    return Times(time.perf_counter() - wall, time.process_time() - processor)


def read_sentences(corpus: Path, *, count: int) -> list[str]:
    """Return the first `count` sentences of 20 to 160 characters from a file of {"text": ...} lines."""
    found: list[str] = []
    with corpus.open(encoding="utf-8") as lines:
        for line in lines:
            pieces = re.split(r"(?<=[.!?])\s+", json.loads(line)["text"])
            found += [piece for piece in pieces if 20 <= len(piece) <= 160]
            if len(found) >= count:
                break
    return found[:count]


def main() -> None:
    """Measure with and without the extras, and log the ratios."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("golgi").setLevel(logging.WARNING)
    data = Path(os.environ.get("GOLGI_DATA", "."))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", nargs="?", type=Path, default=data / "models" / "tinystories-4m" / "step2048"
    )
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    texts = read_sentences(data / "corpora" / "tinystories-heldout.jsonl", count=options.sentences)
    cases = {
        "mlp_post": {"sites": ["mlp_post"]},
        "mlp_post, rotated as well": {"sites": ["mlp_post"], "rotation_seed": 1},
        "mlp_post and resid_post": {"sites": ["mlp_post", "resid_post"]},
    }
    for name, case in cases.items():
        got = measure(options.folder, texts, repeats=options.repeats, **case)
        speeds = f"plain {got.plain:6.0f} tokens/s, reader {got.reader:6.0f} tokens/s"
        goal = "no goal" if "rotation_seed" in case else f"goal: at least {GOAL}"
        logger.info("%-26s %s, ratio %.2f (%s)", name, speeds, got.ratio, goal)


if __name__ == "__main__":
    main()
