"""Processor time and token positions that neuron graphs cost a unit, and how they fall with units per job.

    python bench/bench_graphs.py [--device cpu|cuda] [--quick]

A GPT-NeoX of 6 layers, 768 wide, with random weights and a vocabulary of 50,000; units of its last layer;
texts of random tokens, rare and frequent as words are. Measured is the growing, from the exemplars on, which
are found in one pass that all units share. The reference implementation of Foote et al. (2023) runs
31,957 token positions through all 6 layers for a unit, in 95 to 117 processor seconds on two cores and 9.3 s
on a V100, as published; the goal is 5 processor seconds, and 30 minutes for all 18,432 units on one GPU. One
thread, because waiting at barriers on a busy machine hides what is measured.
"""

import argparse
import json
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

from golgi.graphs.calibrate import Sample
from golgi.graphs.exemplars import Finder
from golgi.graphs.growing import Ask, Method, Task, grow_units
from golgi.graphs.growth import own_expectation
from golgi.graphs.prune import Pivots
from golgi.models.activity import Activity
from golgi.models.bridge import make_untrained

logger = logging.getLogger("bench_graphs")

GOAL = 5.0  # processor seconds per unit
REFERENCE_POSITIONS, REFERENCE_LAYERS, REFERENCE_SECONDS, REFERENCE_V100 = 31957, 6, 95.0, 9.3
SEED = 7
BUILD, SAMPLE, WINDOW = 200, 40, 256  # windows read for exemplars, and for calibration; tokens of each


@contextmanager
def network(*, width: int, vocabulary: int, device: str) -> Iterator:
    """Yield a GPT-NeoX of 6 layers with random weights."""
    config = {
        "architectures": ["GPTNeoXForCausalLM"],
        "model_type": "gpt_neox",
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "vocab_size": vocabulary,
        "max_position_embeddings": 512,
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config), encoding="utf-8")
        place = torch.device(device)
        yield make_untrained(Path(folder), who="bench@0", seed=SEED, dtype=torch.float32, device=place)


def random_windows(count: int, vocabulary: int) -> np.ndarray:
    """Return windows [window, token] of random tokens; the k-th most frequent comes 1 / k as often."""
    shares = 1 / np.arange(1, vocabulary)
    tokens = np.random.default_rng(SEED).choice(vocabulary - 1, (count, WINDOW), p=shares / shares.sum())
    return tokens.astype(np.int32) + 1


def set_up(activity: Activity, vocabulary: int, method: Method, *, firings: int) -> tuple[Ask, Task]:
    """Find the exemplars of all units, and read the sample."""
    finder = Finder(len(activity.units), strongest=20, firings=firings, fires=method.fires, weakest=0.5)
    ids = random_windows(BUILD + SAMPLE, vocabulary)
    luck = np.random.default_rng(SEED).random(BUILD)
    for start in range(0, BUILD, 20):
        part = slice(start, start + 20)
        numbers = np.arange(start, start + 20)
        finder.add(*activity.peaks(ids[part]), windows=numbers, documents=numbers, luck=luck[part])
    found = finder.exemplars()
    texts = [ids[one, : last + 1] for one, last in zip(found.window, found.token, strict=True)]
    traced = np.concatenate([activity.trace(ids[one : one + 1]) for one in range(BUILD, len(ids))])
    shares = np.moveaxis(traced, 2, 0) / found.maximum[:, None, None]
    task = Task(
        maxima=found.maximum,
        weak=found.weak,
        pivots=Pivots(found.unit, texts, found.activation),
        strongest=found.strongest,
        sample=Sample(ids[BUILD:], shares),
        seed=SEED,
    )
    return Ask(activity.probe, own_expectation(activity, method.cap), 0), task


def measure(model, units: int, vocabulary: int, *, firings: int) -> dict[str, float]:
    """Return what growing costs a unit: seconds of the processor and of the clock, positions, layers."""
    method, width = Method(), model.bridge.cfg.d_mlp
    chosen = np.random.default_rng(SEED).choice(width, units, replace=False)
    places = [("mlp_post", 5, int(unit)) for unit in sorted(chosen)]
    activity = Activity(model, places, bos=0, pad=0, batch_tokens=16384, excluded=[0])
    ask, task = set_up(activity, vocabulary, method, firings=firings)
    before, deep = activity.positions, activity.positions * activity.layers
    identities = [
        {
            "model": "bench",
            "checkpoint": "0",
            "site": site,
            "layer": layer,
            "unit": unit,
            "maximum": float(top),
        }
        for (site, layer, unit), top in zip(places, task.maxima, strict=True)
    ]
    wall, processor = time.perf_counter(), time.process_time()
    grow_units(ask, task, identities, method)
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    positions = activity.positions - before
    return {
        "wall": wall / units,
        "processor": processor / units,
        "positions": positions / units,
        "layers": (activity.positions * activity.layers - deep) / positions,
        "exemplars": len(task.pivots.texts) / units,
    }


def tell(name: str, cost: dict[str, float], *, goal: str = "") -> None:
    """Log what a unit costs beside what the reference needs."""
    ratio = REFERENCE_POSITIONS * REFERENCE_LAYERS / (cost["positions"] * cost["layers"])
    logger.info(
        "%-40s %5.2f processor s, %5.2f s a unit; %6.0f positions x %.1f layers for %.0f exemplars: "
        "%.0f times less than %d x %d%s",
        name,
        cost["processor"],
        cost["wall"],
        cost["positions"],
        cost["layers"],
        cost["exemplars"],
        ratio,
        REFERENCE_POSITIONS,
        REFERENCE_LAYERS,
        goal,
    )


def main() -> None:
    """Measure the goal's shape, then units per job on a narrower one; on a GPU all units of the shape."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("golgi").setLevel(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--quick", action="store_true", help="the goal alone")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    with network(width=768, vocabulary=50000, device=options.device) as model:
        cost = measure(model, 64, 50000, firings=0)
        tell("768 wide, 64 units, 20 exemplars", cost, goal=f" (goal: at most {GOAL:g} processor s)")
        tell("768 wide, 64 units, as by default", measure(model, 64, 50000, firings=60))
        if options.device == "cuda":
            cost = measure(model, 3072, 50000, firings=60)
            tell("768 wide, 3072 units, as by default", cost)
            minutes = cost["wall"] * 18432 / 60
            hours = REFERENCE_V100 * 18432 / 3600
            logger.info(
                "All 18,432 units: %.1f minutes (goal: 30; the reference: %.1f hours).", minutes, hours
            )
    if options.quick:
        return
    with network(width=96, vocabulary=2048, device=options.device) as model:
        for units in (8, 64, 512):
            tell(f"96 wide, {units} units, as by default", measure(model, units, 2048, firings=60))


if __name__ == "__main__":
    main()
