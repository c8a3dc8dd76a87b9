"""How the time and memory of the stages of a study grow: sentences, units, concepts and folds, each twice.

    python bench/bench_growth.py [--stages score_experts measure_overlap ...] [--repeat 3]

The study is synthetic: noise as responses, and units that respond to one concept each. Every concept has
sentences of its own, so that twice the concepts are twice the pool too; twice the sentences are twice the
positives and negatives of each concept, and twice the size of its folds. Every stage runs once per size in a
process of its own, which has run it on a tiny study before: what imports and compilation take is not counted.
Seconds are the processor's, of all threads and child processes, and the least of `--repeat` runs; memory is
the peak beyond that of the tiny study, with the pages of files that are mapped while they are read.

In brackets stands how the part of a stage that grows most does; others make ratios smaller, and memory is
bounded where files are read in strips. A dash: it does not enter, or there is too little to compare.
`fit_probes` takes minutes: it runs where it is named.
"""

import argparse
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from growing_study import POINT, SEED, Size, write_study

from golgi.experts.parents import score_parents
from golgi.experts.scoring import score_experts
from golgi.statistics.discoveries import measure_discoveries
from golgi.statistics.dynamics import measure_dynamics
from golgi.statistics.hierarchy import measure_hierarchy
from golgi.statistics.overlap import measure_overlap
from golgi.statistics.stability import measure_stability

logger = logging.getLogger("bench")

THRESHOLDS = [0.4, 0.5]
FAR = 1.5  # times what is expected: above it a line ends with a word
FEWEST = {"time": 0.05, "memory": 8.0}  # seconds and MiB: of less, a ratio says nothing
UNITS_OF = {"time": "s", "memory": "MiB"}


TINY = Size(positives=16, negatives=32, units=64, concepts=12)
# Stages that read responses, and those that read scores alone, which are faster.
RESPONSES, SCORES = Size(), Size(concepts=180, units=4096, responses=False)
TWICE = {
    "base": lambda size: size,
    "sentences": lambda size: replace(size, positives=2 * size.positives, negatives=2 * size.negatives),
    "units": lambda size: replace(size, units=2 * size.units),
    "concepts": lambda size: replace(size, concepts=2 * size.concepts),
    "folds": lambda size: replace(size, folds=2 * size.folds),
}
Stage = Callable[[Path, Size], None]


def run_experts(folder: Path, size: Size) -> None:
    """Score every unit for every concept."""
    score_experts(
        **_read(folder, "responses", "sets", "concepts"),
        **_point(),
        rotated=None,
        controls=["shuffled"],
        thresholds=THRESHOLDS,
        seed=SEED,
        ap=folder / "scored.safetensors",
        experts=folder / "experts.parquet",
    )


def run_overlap(folder: Path, size: Size) -> None:
    """Compare all pairs of concepts."""
    files = _read(folder, "ap", "concepts")
    measure_overlap(**files, thresholds=THRESHOLDS, overlap=folder / "overlap.parquet")


def run_parents(folder: Path, size: Size) -> None:
    """Score every unit for the parents of every concept."""
    score_parents(
        **_read(folder, "responses", "pool", "sets", "concepts"),
        **_point(),
        rotated=None,
        controls=["shuffled"],
        seed=SEED,
        parents=folder / "scored-parents.safetensors",
    )


def run_hierarchy(folder: Path, size: Size) -> None:
    """Compare concepts with parents, and clusters with the lexicon."""
    measure_hierarchy(
        **_read(folder, "concepts", "lexicon"),
        aps=[folder / "ap.safetensors"],
        parents=[folder / "parents.safetensors"],
        thresholds=THRESHOLDS,
        planned_threshold=THRESHOLDS[-1],
        last_checkpoints={POINT.model: POINT.checkpoint},
        permutations=999,
        bootstraps=500,
        seed=SEED,
        **_write(folder, "hierarchy", "children", "tree", "merges"),
    )


def run_stability(folder: Path, size: Size) -> None:
    """Compare the experts of folds."""
    measure_stability(
        **_read(folder, "responses", "pool", "sets", "concepts"),
        point=POINT,
        controls=["shuffled"],
        thresholds=THRESHOLDS,
        grid=size.grid,
        seed=SEED,
        stability=folder / "stability.parquet",
    )


def run_discoveries(folder: Path, size: Size) -> None:
    """Count the experts that shuffled labels give."""
    measure_discoveries(
        **_read(folder, "responses", "ap", "sets", "concepts"),
        point=POINT,
        thresholds=THRESHOLDS,
        level=0.05,
        shuffles=20,
        seed=SEED,
        discoveries=folder / "discoveries.parquet",
    )


def run_dynamics(folder: Path, size: Size) -> None:
    """Count experts by layer, and compare their overlap with ratings of all pairs."""
    measure_dynamics(
        **_read(folder, "concepts", "lexicon"),
        aps=[folder / "ap.safetensors"],
        references={"attributes": {"lexicon": True}},
        reference_files={},
        threshold=THRESHOLDS[-1],
        bootstraps=100,
        seed=SEED,
        **_write(folder, "dynamics", "alignment"),
    )


def run_probes(folder: Path, size: Size) -> None:
    """Fit probes of up to 30 units to every concept."""
    from golgi.models.probes import fit_probes  # torch takes long to import

    fit_probes(
        **_read(folder, "responses", "pool", "sets", "concepts"),
        **_point(),
        rotated=None,
        controls=["shuffled"],
        sizes=[1, 10, 30],
        heldout=0.3,
        seed=SEED,
        probes=folder / "probes.parquet",
    )


@dataclass(frozen=True)
class Plan:
    """A stage, the size it is measured at, and how its time and memory grow with what enters it."""

    run: Stage
    base: Size
    time: dict[str, float]
    memory: dict[str, float]


LINEAR = {"sentences": 2, "units": 2, "concepts": 2}
PAIRS = {"units": 2, "concepts": 4}
PLANS = {
    "score_experts": Plan(run_experts, RESPONSES, LINEAR, LINEAR),
    "score_parents": Plan(run_parents, RESPONSES, LINEAR, LINEAR),
    # Pairs of folds are 28 instead of 6, but comparing them is little beside the scoring of every fold.
    "measure_stability": Plan(run_stability, RESPONSES, LINEAR | {"folds": 2}, LINEAR | {"folds": 2}),
    "measure_discoveries": Plan(run_discoveries, RESPONSES, LINEAR, LINEAR),
    "measure_overlap": Plan(run_overlap, SCORES, PAIRS, PAIRS),
    "measure_hierarchy": Plan(run_hierarchy, SCORES, PAIRS, PAIRS),
    "measure_dynamics": Plan(run_dynamics, SCORES, PAIRS, PAIRS),
    "fit_probes": Plan(run_probes, RESPONSES, LINEAR, LINEAR),
}
SLOW = ("fit_probes",)


def _read(folder: Path, *names: str) -> dict[str, Path]:
    endings = {"responses": "safetensors", "ap": "safetensors", "lexicon": "yaml"}
    return {name: folder / f"{name}.{endings.get(name, 'parquet')}" for name in names}


def _write(folder: Path, *names: str) -> dict[str, Path]:
    return {name: folder / f"{name}.parquet" for name in names}


def _point() -> dict[str, str | int | None]:
    return {"model": POINT.model, "checkpoint": POINT.checkpoint, "step": POINT.step}


@dataclass(frozen=True)
class Cost:
    """Processor seconds of one run of a stage, and its peak memory in MiB beyond that of a tiny study."""

    time: float
    memory: float


def main() -> None:
    """Run the stages at every size, and log how they grow."""
    options = read_options()
    if options.child:
        work(json.loads(options.child))
        return
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    costs: dict[str, dict[str, Cost]] = {stage: {} for stage in options.stages}
    with tempfile.TemporaryDirectory() as name:
        call(write=f"{name}/tiny", size=vars(TINY))
        for size in TWICE:
            for base in (RESPONSES, SCORES):
                stages = [one for one in options.stages if size in ("base", *PLANS[one].time)]
                stages = [one for one in stages if PLANS[one].base is base]
                measure(Path(name), stages, size, base, options.repeat, costs)
    tell(costs)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = [name for name in PLANS if name not in SLOW]
    parser.add_argument("--stages", nargs="+", choices=PLANS, default=usual, metavar="STAGE")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each stage and size; the least counts")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(
    folder: Path, stages: list[str], name: str, base: Size, repeat: int, costs: dict[str, dict[str, Cost]]
) -> None:
    """Add to `costs` what some stages cost at one size; it is called `name`."""
    if not stages:
        return
    size = vars(TWICE[name](base))
    call(write=f"{folder}/study", size=size)
    for stage in stages:
        tasks = [
            {"stage": stage, "folder": f"{folder}/study", "size": size, "tiny": f"{folder}/tiny"}
        ] * repeat
        runs = [call(**task) for task in tasks]
        cost = Cost(*(min(one[kind] for one in runs) for kind in ("time", "memory")))
        logger.info("%-10s%-21s%9.2f s%9.1f MiB", name, stage, cost.time, cost.memory)
        costs[stage][name] = cost
    shutil.rmtree(folder / "study")


def call(**task: Any) -> dict[str, float]:
    """Do a task in a process of its own, one thread each, and return what it says."""
    command = [sys.executable, __file__, "--child", json.dumps(task)]
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "POLARS_MAX_THREADS"), "1")
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def work(task: dict[str, Any]) -> None:
    """Write a study, or run a stage of one after a tiny one; say what that cost as JSON."""
    size = Size(**task["size"])
    if "write" in task:
        write_study(Path(task["write"]), size)
        sys.stdout.write("{}")
        return
    run = PLANS[task["stage"]].run
    run(Path(task["tiny"]), TINY)
    began, before = seconds(), peak()
    run(Path(task["folder"]), size)
    sys.stdout.write(json.dumps({"time": seconds() - began, "memory": peak() - before}))


def seconds() -> float:
    """Return the processor seconds of this process, all threads and children included."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def peak() -> float:
    """Return the most memory that this process or a child has had, in MiB, mapped files included."""
    used = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(used) / 2 ** (20 if sys.platform == "darwin" else 10)


def tell(costs: dict[str, dict[str, Cost]]) -> None:
    """Log the table: what a stage costs, and its ratio at every other size beside what is expected."""
    others = [size for size in TWICE if size != "base"]
    heads = "".join(f"{f'{size} x2':>15}" for size in others)
    logger.info("\n%-29s%12s%s", "stage", "base", heads)
    for stage, of in costs.items():
        for kind, expected in (("time", PLANS[stage].time), ("memory", PLANS[stage].memory)):
            base = getattr(of["base"], kind)
            enough = base >= FEWEST[kind]
            ratios = {size: getattr(of[size], kind) / base for size in expected} if enough else {}
            cells = "".join(f"{cell(ratios, expected, size):>15}" for size in others)
            far = [size for size, ratio in ratios.items() if ratio > FAR * expected[size]]
            verdict = f"   far above: {', '.join(far)}" if far else ""
            amount = f"{base:.2f} {UNITS_OF[kind]}"
            logger.info("%-22s%-7s%12s%s%s", stage, kind, amount, cells, verdict)


def cell(ratios: dict[str, float], expected: dict[str, float], size: str) -> str:
    """Return a ratio and, in brackets, what is expected of it; a dash where there is none."""
    return f"{ratios[size]:.2f} ({expected[size]:.3g})" if size in ratios else "-"


if __name__ == "__main__":
    main()
