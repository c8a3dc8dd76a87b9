"""Measure average precision against scikit-learn: processor time, memory and the largest deviation.

    python bench/bench_expertise.py [--units 20000] [--threads 1]

One pool of sentences serves every concept, as in a study. Responses are rounded to eighths, so that they tie
heavily; --smooth leaves them as they are. Golgi scores every unit for every concept, scikit-learn a
random sample of them, and its time is scaled up to all. Peak memory counts the pages of the response file
that are mapped while they are read.
"""

import argparse
import logging
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

from golgi.experts.expertise import average_precision
from golgi.tables import create_arrays, open_arrays

logger = logging.getLogger("bench")

POSITIVES = 400
NEGATIVES = 1000
SEED = 7
FASTER, MEMORY, DEVIATION = 100, 2.5, 1e-6  # the goals: at least, at most, at most


def main() -> None:
    """Run the comparison and log its figures."""
    options = read_options()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.write:
        write_responses(options)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "responses.safetensors"
        # In another process, so that its memory is not counted.
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--write", str(path)], check=True)
        compare(path, options)


def read_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--units", type=int, default=20_000)
    parser.add_argument("--sentences", type=int, default=8_000)
    parser.add_argument("--concepts", type=int, default=20)
    parser.add_argument("--sample", type=int, default=400, help="(unit, concept) pairs given to scikit-learn")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--smooth", action="store_true", help="do not round the responses")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    return parser.parse_args()


def write_responses(options: argparse.Namespace) -> None:
    """Write seeded responses [sentence, unit]."""
    random = np.random.default_rng(SEED)
    layout = {"mlp_post/0": ((options.sentences, options.units), np.dtype(np.float32))}
    with create_arrays(options.write, layout=layout) as arrays:
        for start in range(0, options.sentences, 500):
            rows = random.standard_normal((min(500, options.sentences - start), options.units), np.float32)
            arrays["mlp_post/0"][start : start + 500] = rows if options.smooth else np.round(rows * 8) / 8


def draw_sets(options: argparse.Namespace) -> list[tuple[np.ndarray, np.ndarray]]:
    """Draw positives and negatives of every concept from the one pool."""
    random = np.random.default_rng(SEED)
    sets = []
    for concept in range(options.concepts):
        positives = (np.arange(POSITIVES) + concept * POSITIVES) % options.sentences
        others = np.setdiff1d(np.arange(options.sentences), positives)
        sets.append((positives, np.sort(random.choice(others, NEGATIVES, replace=False))))
    return sets


def compare(path: Path, options: argparse.Namespace) -> None:
    """Score every unit, a sample of them with scikit-learn, and log how they differ."""
    sets = draw_sets(options)
    warm = np.zeros((options.sentences, 1), np.float32)
    average_precision(lambda start, stop: warm[:, start:stop], sets, units=1)  # compiles
    baseline = peak_bytes()
    with open_arrays(path) as arrays:
        read = partial(arrays.columns, "mlp_post/0")
        began = time.process_time()
        ours = average_precision(read, sets, units=options.units, threads=options.threads)
        seconds = time.process_time() - began
        memory = peak_bytes() - baseline
        reference, deviation = run_sklearn(read, sets, ours, options)
    matrix = 4 * options.sentences * options.units
    pairs = options.units * options.concepts
    logger.info("%d concepts, %d units, %d sentences", options.concepts, options.units, options.sentences)
    logger.info("golgi: %.1f processor seconds, %.1f us a unit and concept", seconds, 1e6 * seconds / pairs)
    logger.info(
        "scikit-learn: %.0f us a unit and concept on %d of them, so %.0f processor seconds for all",
        1e6 * reference,
        options.sample,
        reference * pairs,
    )
    ratio = reference * pairs / seconds
    logger.info("ratio: %.0f times less processor time (goal: at least %d)", ratio, FASTER)
    share, size = memory / matrix, matrix / 2**20
    logger.info(
        "peak memory: %.2f times the response matrix of %d MiB (goal: at most %.1f)", share, size, MEMORY
    )
    logger.info("largest deviation: %.1e (goal: at most %.0e)", deviation, DEVIATION)


def run_sklearn(read, sets, ours: np.ndarray, options: argparse.Namespace) -> tuple[float, float]:
    """Return scikit-learn's processor seconds per call and the largest difference, over a random sample."""
    random = np.random.default_rng(SEED)
    seconds, deviation = 0.0, 0.0
    for _ in range(options.sample):
        unit, concept = int(random.integers(options.units)), int(random.integers(options.concepts))
        positives, negatives = sets[concept]
        responses = read(unit, unit + 1)[np.concatenate([positives, negatives]), 0]
        labels = np.repeat([1, 0], [len(positives), len(negatives)])
        began = time.process_time()
        expected = average_precision_score(labels, responses)
        seconds += time.process_time() - began
        deviation = max(deviation, abs(float(ours[concept, unit]) - expected))
    return seconds / options.sample, deviation


def peak_bytes() -> int:
    """Return the most memory this process has had, mapped files included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
