"""Linear probes on stored responses: what units know of a concept together, and what the best knows alone.

No model is loaded. Probes are the sparse logistic probes of TransformerLens (after Gurnee et al. 2023): on
the sentences to learn from, the units whose class means differ most are chosen, scaled, and fitted.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import torch
from transformer_lens.tools.analysis.sparse_probing import (
    SparseProbeConvergenceError,
    SparseProbeSweep,
    sweep_sparse_probe,
)

from golgi.errors import GolgiError
from golgi.experts.chance import chance_precision
from golgi.experts.expertise import Rows, average_precision
from golgi.models.splits import Split, read_labels, split
from golgi.tables import Arrays, open_arrays, write_table

logger = logging.getLogger(__name__)

PENALTY = 1e-2  # half of it times the squared coefficients of scaled responses is added to the mean loss
GRADIENT_STEPS = 15  # then Newton's, to within 1e-12 nats of the same optimum: faster by a third
SHUFFLES = 1  # of each concept's training labels; the mean is over concepts


@dataclass(frozen=True)
class Source:
    """Responses to the pool's sentences under one control, from row `offset` on."""

    control: str
    arrays: Arrays
    offset: int


@dataclass(frozen=True)
class Unit:
    """A unit: its site, layer, index there, and place among all units of the model."""

    site: str
    layer: int
    index: int
    place: int


def fit_probes(
    *,
    responses: Path,
    rotated: Path | None,
    pool: Path,
    sets: Path,
    concepts: Path,
    probes: Path,
    model: str,
    checkpoint: str,
    step: int | None,
    controls: Sequence[str],
    sizes: Sequence[int],
    heldout: float,
    seed: int,
    threads: int = 1,
    untrained: bool = False,
) -> None:
    """Write table `probes`: average precision on held-out sentences of linear probes and of the best unit.

    A concept's sentences are split once, the same way for every model and control; sentences of one origin
    (a document, a frame) stay together. The best unit (kind `unit`) has the highest average precision on the
    sentences to learn from. `sizes` count the units of a probe; those above the number of units are left out.
    `controls` that are `rotated`, `shuffled` or `word` are fitted too; of the untrained twin its responses
    alone. A fit that does not converge leaves an empty cell. Memory: about three times the responses
    [sentence, unit] of one concept. Raises GolgiError if responses, sentences and controls do not fit.
    """
    # The products are small: threads would cost more than they give, and change the last bits of sums.
    torch.set_num_threads(1)
    rows = []
    with open_arrays(responses) as measured:
        labels = read_labels(pool, sets, concepts, sentences=int(measured.metadata["sentences"]))
        splits = [split(one, heldout=heldout, seed=seed) for one in labels]
        controls = [] if untrained else controls
        for source in _sources(measured, rotated, controls, untrained=untrained):
            shuffled = source.control == "measured" and "shuffled" in controls
            rows += _fit_source(source, splits, sizes, threads, shuffled=shuffled)
    frame = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.lit(model).alias("model"),
        pl.lit(checkpoint).alias("checkpoint"),
        pl.lit(step, pl.Int64).alias("step"),
    )
    failed = frame["ap"].null_count()
    logger.info("%s at %s: %d rows, %d of them fits that failed.", model, checkpoint, len(frame), failed)
    write_table(frame, probes, schema="probes")


def _sources(
    measured: Arrays, rotated: Path | None, controls: Sequence[str], *, untrained: bool
) -> Iterator[Source]:
    yield Source("untrained" if untrained else "measured", measured, 0)
    if "rotated" in controls:
        if rotated is None:
            raise GolgiError("Control `rotated` is on, but there are no responses in a rotated basis.")
        with open_arrays(rotated) as arrays:
            yield Source("rotated", arrays, 0)
    if "word" in controls:
        if measured.metadata.get("masked") != "true":
            raise GolgiError(
                f"{measured.path}: control `word` is on, but there are no responses to masked sentences."
            )
        yield Source("word", measured, int(measured.metadata["sentences"]))


def _fit_source(
    source: Source, splits: Sequence[Split], sizes: Sequence[int], threads: int, *, shuffled: bool
) -> list[dict]:
    sizes = _fitting(sizes, source.arrays)
    learnt = {source.control: [one.labels.positive[one.train] for one in splits]}
    if shuffled:
        learnt["shuffled"] = [_shuffled(one) for one in splits]
    training = [
        _label_set(one, one.train, positive, source.offset)
        for classes in learnt.values()
        for one, positive in zip(splits, classes, strict=True)
    ]
    best = np.array(best_units(source.arrays, training, threads=threads)).reshape(len(learnt), len(splits))
    rows = []
    for one, units in zip(splits, best.T, strict=True):
        features = _features(source, one)
        rows += [_unit_row(one, control, unit, features) for control, unit in zip(learnt, units, strict=True)]
        for size, scores in probe(features, one, sizes, shuffled=shuffled).items():
            rows += [_row(one, control, size, ap) for control, ap in zip(learnt, scores, strict=True)]
    logger.info("Fitted probes of %s units for %d concepts: %s.", sizes, len(splits), ", ".join(learnt))
    return rows


def _fitting(sizes: Sequence[int], arrays: Arrays) -> list[int]:
    units = sum(arrays.shape(name)[1] for name in arrays.names)
    fitting = sorted(size for size in sizes if size <= units)
    if not fitting:
        raise GolgiError(
            f"{arrays.path}: {units} units, but the smallest of analyses.distributed.sizes is {min(sizes)}."
        )
    if len(fitting) < len(sizes):
        logger.warning("%s: %d units; larger probes of %s are left out.", arrays.path, units, sorted(sizes))
    return fitting


def _shuffled(split: Split) -> np.ndarray:
    random = np.random.default_rng([split.seed, 1])
    return random.permutation(split.labels.positive[split.train])


def _label_set(split: Split, places: np.ndarray, positive: np.ndarray, offset: int) -> Rows:
    rows = split.labels.rows[places] + offset
    return np.sort(rows[positive]), np.sort(rows[~positive])


def best_units(arrays: Arrays, sets: Sequence[Rows], *, threads: int = 1) -> list[Unit]:
    """Return the unit of highest average precision in each label set, of all layers; the first of equals."""
    best = [(-1.0, None)] * len(sets)
    place = 0
    for name in _layers(arrays):
        site, layer = name.rsplit("/", 1)
        units = arrays.shape(name)[1]
        precision = average_precision(partial(arrays.columns, name), sets, units=units, threads=threads)
        for number, index in enumerate(precision.argmax(axis=1).tolist()):
            ap = float(precision[number, index])
            if ap > best[number][0]:
                best[number] = ap, Unit(site, int(layer), index, place + index)
        place += units
    return [unit for _, unit in best]


def _layers(arrays: Arrays) -> list[str]:
    return sorted(arrays.names, key=lambda name: (name.rsplit("/", 1)[0], int(name.rsplit("/", 1)[1])))


def _features(source: Source, split: Split) -> np.ndarray:
    rows = split.labels.rows + source.offset
    names = _layers(source.arrays)
    widths = [source.arrays.shape(name)[1] for name in names]
    # As stored, in half precision too: TransformerLens widens the units that it has chosen.
    features = np.empty((len(rows), sum(widths)), source.arrays.dtype(names[0]))
    for name, stop, width in zip(names, np.cumsum(widths), widths, strict=True):
        features[:, stop - width : stop] = source.arrays.rows(name, rows)
    return features


def probe(
    features: np.ndarray, split: Split, sizes: Sequence[int], *, shuffled: bool
) -> dict[int, list[float | None]]:
    """Return the held-out average precision of a probe of each size, and of one of shuffled training labels.

    `features` [sentence, unit] are responses to the sentences of the split; None where a fit fails.
    """
    tensor = torch.from_numpy(features)
    try:
        return _scores(_sweep(tensor, split, sizes, shuffled=shuffled), shuffled=shuffled)
    except SparseProbeConvergenceError:
        # One size ended the whole sweep: the others are fitted without it.
        scores = {}
        for size in sizes:
            scores |= _probe_once(tensor, split, size, shuffled=shuffled)
        return scores


def _probe_once(
    features: torch.Tensor, split: Split, size: int, *, shuffled: bool
) -> dict[int, list[float | None]]:
    try:
        return _scores(_sweep(features, split, [size], shuffled=shuffled), shuffled=shuffled)
    except SparseProbeConvergenceError as error:
        logger.warning("%s: the probe of %d units failed: %s.", split.labels.concept, size, error)
        return {size: [None] * (1 + shuffled)}


def _sweep(features: torch.Tensor, split: Split, sizes: Sequence[int], *, shuffled: bool) -> SparseProbeSweep:
    return sweep_sparse_probe(
        features,
        torch.from_numpy(split.labels.positive),
        ks=sizes,
        preprocess="standardize",
        class_weight="balanced",
        l2_strength=PENALTY,
        max_iter=GRADIENT_STEPS,
        n_label_shuffles=SHUFFLES if shuffled else 0,
        **split.options(),
    )


def _scores(sweep: SparseProbeSweep, *, shuffled: bool) -> dict[int, list[float | None]]:
    scores = {
        size: [fit.metrics.average_precision] for size, fit in zip(sweep.ks, sweep.results, strict=True)
    }
    if shuffled:
        for size, fits in zip(sweep.ks, sweep.label_shuffle_controls, strict=True):
            known = len(fits.average_precision) == SHUFFLES
            scores[size].append(float(fits.average_precision.mean()) if known else None)
    return scores


def _unit_row(split: Split, control: str, unit: Unit, features: np.ndarray) -> dict:
    responses = features[:, unit.place : unit.place + 1]
    labels = (
        np.flatnonzero(split.labels.positive[split.test]),
        np.flatnonzero(~split.labels.positive[split.test]),
    )
    held_out = responses[split.test]
    ap = average_precision(lambda start, stop: held_out[:, start:stop], [labels], units=1)
    where = {"kind": "unit", "site": unit.site, "layer": unit.layer, "unit": unit.index}
    return _row(split, control, 1, float(ap[0, 0])) | where


def _row(split: Split, control: str, size: int, ap: float | None) -> dict:
    positives = int(split.labels.positive[split.test].sum())
    return {
        "control": control,
        "concept": split.labels.concept,
        "category": split.labels.category,
        "kind": "probe",
        "size": size,
        "ap": ap,
        "site": None,
        "layer": None,
        "unit": None,
        "heldout": len(split.test),
        "chance": chance_precision(positives, len(split.test) - positives),
        "grouped": split.labels.groups is not None,
    }
