"""Score every unit of a model at a checkpoint as a classifier of every concept, controls included."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from golgi.errors import GolgiError
from golgi.experts.expertise import Rows, average_precision, response_summaries
from golgi.tables import Arrays, Layout, create_arrays, open_arrays, read_table, write_table

logger = logging.getLogger(__name__)

SUMMARIES = ("negative_mean", "positive_median", "positive_p90")


@dataclass(frozen=True)
class Scoring:
    """Responses, and the label sets whose classifiers their units are scored as, under every control."""

    measured: Arrays
    rotation: Arrays | None
    label_sets: dict[str, list[Rows]]  # control -> sets; those of the rotated basis are the measured ones

    def layout(self, *more: str) -> Layout:
        """Return the arrays "{control}/{site}/{layer}" [set, unit] float32 of the scores and `more` kinds.

        Raises GolgiError if the rotated responses are not of the same units.
        """
        kinds = [*self.label_sets, *more] + (["rotated"] if self.rotation else [])
        layout = {}
        for name in self.measured.names:
            units = self.measured.shape(name)[1]
            _check_rotation(self.rotation, self.measured, name)
            shape = len(self.label_sets["measured"]), units
            layout |= {f"{kind}/{name}": (shape, np.dtype(np.float32)) for kind in kinds}
        return layout

    def layers(self, threads: int) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        """Yield "{site}/{layer}" and average precision by control, [set, unit], of every layer in order."""
        labels = self.label_sets["measured"]
        together = [rows for rows_of_sets in self.label_sets.values() for rows in rows_of_sets]
        for name in in_order(self.measured.names):
            scores = _in_words_of(self.measured, name, average_precision, together, threads)
            precision = dict(zip(self.label_sets, np.split(scores, len(self.label_sets)), strict=True))
            if self.rotation:
                precision["rotated"] = _in_words_of(self.rotation, name, average_precision, labels, threads)
            logger.info("Scored %s: %d units, %d label sets.", name, scores.shape[1], len(labels))
            yield name, precision


@contextmanager
def open_scoring(
    *,
    responses: Path,
    rotated: Path | None,
    names: Sequence[str],
    labels: list[Rows],
    controls: Sequence[str],
    seed: int,
) -> Iterator[Scoring]:
    """Open the responses to sentences, to be scored for named label sets and their controls.

    Raises GolgiError if responses, label sets and controls do not fit each other.
    """
    with open_arrays(responses) as measured:
        rotation = _open_rotated(rotated, controls)
        yield Scoring(measured, rotation, _label_sets(measured, names, labels, controls, seed))


@dataclass(frozen=True)
class _Scores:
    name: str  # of the responses, "{site}/{layer}"
    precision: dict[str, np.ndarray]  # control -> [concept, unit]
    summaries: dict[str, np.ndarray]  # [concept, unit], of the measured responses


def score_experts(
    *,
    responses: Path,
    rotated: Path | None,
    sets: Path,
    concepts: Path,
    ap: Path,
    experts: Path,
    model: str,
    checkpoint: str,
    step: int | None,
    controls: list[str],
    thresholds: list[float],
    seed: int,
    threads: int = 1,
    untrained: bool = False,
) -> None:
    """Write average precision per unit and concept (`ap`) and the units at the lowest threshold (`experts`).

    Expertise as in Suau et al. 2020, sec. 3. `responses` and `rotated` hold "{site}/{layer}" [row, unit].
    `ap` gets "{control}/{site}/{layer}" [concept, unit] float32, where control is `measured` and each of
    `controls` that is `rotated`, `shuffled` or `word`, and the same for the summaries of the measured
    responses. `word` is positives against negatives, all with the word of their own concept masked. For the
    untrained twin only `measured` is computed; `rotated` is read only where that control is on. Raises
    GolgiError if responses, sets and controls do not fit each other.
    """
    names = read_table(concepts, schema="concepts")["concept"].to_list()
    labels = read_sets(sets, names)
    controls = [] if untrained else controls
    metadata = point_metadata(model, checkpoint, step, seed, untrained=untrained)
    options = {"names": names, "labels": labels, "controls": controls, "seed": seed}
    with open_scoring(responses=responses, rotated=rotated, **options) as scoring:
        frames = []
        with create_arrays(ap, layout=scoring.layout(*SUMMARIES), metadata=metadata) as written:
            for scores in _score_layers(scoring, threads):
                _store(scores, written)
                frames.append(_experts(scores, names, min(thresholds)))
    identity = {"model": model, "checkpoint": checkpoint, "step": step}
    frame = _identify(pl.concat(frames), identity, untrained=untrained)
    logger.info("%s at %s: %d expert units over all controls.", model, checkpoint, len(frame))
    write_table(frame, experts, schema="experts")


def read_sets(sets: Path, names: Sequence[str]) -> list[Rows]:
    """Read the positives and negatives of the named concepts from table `sets`, in the order of the names.

    Raises GolgiError for a concept that is not named, and one without positives or negatives.
    """
    frame = read_table(sets, schema="sets")
    parts = {key[0]: part for key, part in frame.group_by(["concept"], maintain_order=True)}
    unknown = sorted(set(parts) - set(names))
    if unknown:
        raise GolgiError(f"{sets}: concept {unknown[0]} is not in the table of concepts.")
    labels = []
    for name in names:
        part = parts.get(name, frame.clear())
        positives, negatives = (
            part.filter(mask)["sentence"].to_numpy() for mask in (pl.col("positive"), ~pl.col("positive"))
        )
        if not len(positives) or not len(negatives):
            raise GolgiError(
                f"{sets}: concept {name} has {len(positives)} positives and {len(negatives)} negatives; "
                "both are needed."
            )
        labels.append((positives, negatives))
    return labels


def point_metadata(
    model: str, checkpoint: str, step: int | None, seed: int, *, untrained: bool
) -> dict[str, str]:
    """Return the metadata that name the weights whose units were scored."""
    return {
        "model": model,
        "checkpoint": checkpoint,
        "step": "" if step is None else str(step),
        "untrained": json.dumps(untrained),
        "seed": str(seed),
    }


def _open_rotated(rotated: Path | None, controls: Sequence[str]) -> Arrays | None:
    if "rotated" not in controls:
        return None
    if rotated is None:
        raise GolgiError("Control `rotated` is on, but there are no responses in a rotated basis.")
    with open_arrays(rotated) as arrays:
        return arrays


def _label_sets(
    measured: Arrays, names: Sequence[str], labels: list[Rows], controls: Sequence[str], seed: int
) -> dict[str, list[Rows]]:
    sentences = int(measured.metadata["sentences"])
    last = max(int(np.max(rows)) for rows_of_set in labels for rows in rows_of_set)
    if last >= sentences:
        raise GolgiError(
            f"{measured.path}: responses to {sentences} sentences, but a set names sentence {last}."
        )
    label_sets = {"measured": labels}
    if "shuffled" in controls:
        label_sets["shuffled"] = [
            shuffle_labels(rows, name, seed) for rows, name in zip(labels, names, strict=True)
        ]
    if "word" in controls:
        if measured.metadata.get("masked") != "true":
            raise GolgiError(
                f"{measured.path}: control `word` is on, but there are no responses to masked sentences."
            )
        # Negatives are masked too, each at its own concept's word: were the mask in the positives alone, a
        # unit that responds to the mask would separate the classes without knowing the concept.
        label_sets["word"] = [
            (positives + sentences, negatives + sentences) for positives, negatives in labels
        ]
    return label_sets


def shuffle_labels(rows: Rows, concept: str, seed: int) -> Rows:
    """Return the same rows with labels permuted and sizes kept: the `shuffled` control.

    The permutation depends on the seed, the concept's name and the rows, not on the other concepts.
    """
    positives, negatives = rows
    random = np.random.default_rng([seed, *concept.encode()])
    union = random.permutation(np.sort(np.concatenate([positives, negatives])))
    return np.sort(union[: len(positives)]), np.sort(union[len(positives) :])


def _check_rotation(rotation: Arrays | None, measured: Arrays, name: str) -> None:
    if rotation is None:
        return
    if name not in rotation.names or rotation.shape(name)[1] != measured.shape(name)[1]:
        raise GolgiError(
            f"{rotation.path}: {name} is missing or has another number of units than in {measured.path}."
        )


def _score_layers(scoring: Scoring, threads: int) -> Iterator[_Scores]:
    labels = scoring.label_sets["measured"]
    for name, precision in scoring.layers(threads):
        summaries = _in_words_of(scoring.measured, name, response_summaries, labels, threads)
        yield _Scores(name, precision, {kind: getattr(summaries, kind) for kind in SUMMARIES})


def in_order(names: Sequence[str]) -> list[str]:
    """Return names "{site}/{layer}" by site, then by the layer's number."""
    return sorted(names, key=lambda name: (name.rsplit("/", 1)[0], int(name.rsplit("/", 1)[1])))


def _in_words_of(arrays: Arrays, name: str, compute, labels: list[Rows], threads: int):
    try:
        return compute(partial(arrays.columns, name), labels, units=arrays.shape(name)[1], threads=threads)
    except GolgiError as error:
        raise GolgiError(f"{arrays.path}, {name}: {error}") from error


def _store(scores: _Scores, written: dict[str, np.ndarray]) -> None:
    for kind, values in (scores.precision | scores.summaries).items():
        written[f"{kind}/{scores.name}"][...] = values


def _experts(scores: _Scores, names: list[str], threshold: float) -> pl.DataFrame:
    site, layer = scores.name.rsplit("/", 1)
    frames = []
    for control, precision in scores.precision.items():
        concept, unit = np.nonzero(precision >= np.float32(threshold))
        columns = {
            "unit": unit,
            "concept": np.array(names)[concept],
            "ap": shortest_float64(precision[concept, unit]),
        }
        for kind, values in scores.summaries.items():
            known = control == "measured"
            columns[kind] = shortest_float64(values[concept, unit]) if known else np.full(len(unit), np.nan)
        where = (
            pl.lit(control).alias("control"),
            pl.lit(site).alias("site"),
            pl.lit(int(layer), pl.Int64).alias("layer"),
        )
        frames.append(pl.DataFrame(columns).with_columns(*where, pl.col(SUMMARIES).fill_nan(None)))
    return pl.concat(frames)


def shortest_float64(values: np.ndarray) -> np.ndarray:
    """Return float32 values [n] as the float64 values that print the same: .7 stays .7 and reaches .7."""
    return values.astype(np.float32).astype("U").astype(np.float64)


def _identify(frame: pl.DataFrame, identity: dict[str, str | int | None], *, untrained: bool) -> pl.DataFrame:
    frame = frame.with_columns(
        pl.lit(value, pl.Int64 if name == "step" else pl.String).alias(name)
        for name, value in identity.items()
    )
    if not untrained:
        return frame
    nothing = pl.lit(None, pl.Float64)
    return frame.with_columns(
        pl.lit("untrained").alias("control"), *(nothing.alias(kind) for kind in SUMMARIES)
    )
