"""What the atlas shows of a checkpoint's units: best concepts, how often they respond, which are alike."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from golgi.atlas.contents import Rows, rows_of
from golgi.atlas.neighbours import most_precise, nearest, read_profiles
from golgi.atlas.sentences import BestUnits, Separations, chosen_sentences
from golgi.errors import GolgiError
from golgi.experts.expertise import strip_units
from golgi.experts.scoring import read_sets
from golgi.statistics.precision import check_concepts, read_point, unit_blocks
from golgi.tables import Arrays, open_arrays, read_table, write_arrays, write_table

logger = logging.getLogger(__name__)

MOST_PROFILES = 20_000
MOST_CONCEPTS = 65_535  # they are numbered in 16 bits, and one number means that there is none
RESPONDS = 0.5  # share of a unit's largest response from which it counts as responding


def describe_units(
    *,
    responses: Path,
    expertise: Path,
    pool: Path,
    sets: Path,
    concepts: Path,
    sites: Sequence[str],
    threshold: float,
    units: Path,
    sentences: Path,
    most: int = MOST_PROFILES,
) -> None:
    """Write what the atlas shows of the units of one model and checkpoint, and of its sentences.

    `responses` and `expertise` are what `collect_responses` and `score_experts` wrote; `sites` are those of
    the study, in its order. `units` gets arrays over the model's units, by site, layer and number: `best`
    concept and its `ap`, number of `concepts` at the `threshold` (Suau et al. 2020, sec. 3), and `rate`, the
    share of the study's sentences on which the response is at least half of the unit's largest (NaN where
    that is not positive). Of all units, or of the `most` with the highest AP, it gets `row`, and of the eight
    most alike `neighbour` [unit, 8] and `likeness`, as `nearest` has it; the metadata count what was left
    out.
    `sentences` gets table `atlas_sentences`: what each concept's best units tell best and worst.

    Responses are read once, a strip of units at a time: 256 MiB or, with more than 65,536 sentences, masked
    ones included, 4 KiB of each. Then it takes 16 bytes for each concept of a unit with neighbours (320 MB
    for 20,000 and 1,000) and 128 MB. GolgiError where the files do not fit one another.
    """
    names = read_table(concepts, schema="concepts").sort("index")["concept"].to_list()
    labels = read_sets(sets, names)
    with open_arrays(expertise) as scored, open_arrays(responses) as measured:
        check_concepts(scored, names)
        rows = _rows(scored, measured, sites, labels)
        found = _read_scores(scored, rows, len(names), threshold)
        experts = found.best_units.experts(threshold)
        # Where there is no expert the best unit is read.
        read = [some if some.size else best[:1] for some, best in zip(experts, found.best_units.row)]
        separations = Separations(labels, read)
        rate = _read_responses(measured, rows, separations)
        arrays = found.columns | {"rate": rate} | _alike(scored, rows, found.columns["ap"], most)
        point = read_point(scored)
        metadata = _metadata(scored, measured, rows, arrays) | {"threshold": str(threshold)}
    counts = np.array([some.size for some in experts])
    chosen = chosen_sentences(separations, counts, names, read_table(pool, schema="pool"))
    write_arrays(arrays, units, metadata=metadata)
    write_table(chosen.with_columns(*point.columns()), sentences, schema="atlas_sentences")
    logger.info(
        "%s at %s: %d units, %d of them with profiles; %d of %d concepts without an expert.",
        *(point.model, point.checkpoint, rows.total, len(arrays["row"]), (counts == 0).sum(), len(names)),
    )


def _rows(scored: Arrays, measured: Arrays, sites: Sequence[str], labels: Sequence) -> Rows:
    there = {name.split("/")[1] for name in scored.names if name.startswith("measured/")}
    if there != set(sites):
        raise GolgiError(
            f"{scored.path}: average precision at {', '.join(sorted(there)) or 'no site'}, but the study "
            f"reads {', '.join(sites)}."
        )
    if len(labels) > MOST_CONCEPTS:
        raise GolgiError(f"{scored.path}: {len(labels)} concepts, but an atlas holds {MOST_CONCEPTS}.")
    rows = rows_of(scored.path, list(sites))
    for (site, layer), width in zip(rows.places, rows.widths, strict=True):
        name = f"{site}/{layer}"
        if name not in measured.names or measured.shape(name)[1] != width:
            raise GolgiError(
                f"{measured.path}: {name} is missing or has another number of units than in {scored.path}."
            )
    sentences = int(measured.metadata["sentences"])
    last = max(int(np.max(part)) for of_set in labels for part in of_set)
    if last >= sentences:
        raise GolgiError(f"{measured.path}: responses to {sentences} sentences, but a set names {last}.")
    return rows


@dataclass(frozen=True)
class _Scores:
    columns: dict[str, np.ndarray]  # over rows: best, ap, concepts
    best_units: BestUnits


def _read_scores(scored: Arrays, rows: Rows, concepts: int, threshold: float) -> _Scores:
    columns = {
        "best": np.empty(rows.total, np.uint16),
        "ap": np.empty(rows.total, np.float32),
        "concepts": np.empty(rows.total, np.uint16),
    }
    best_units = BestUnits(concepts)
    for (site, layer), start in rows.starts.items():
        for block in unit_blocks(scored, f"measured/{site}/{layer}"):  # [concept, unit]
            here = slice(start, start + block.shape[1])
            columns["best"][here] = block.argmax(axis=0)
            columns["ap"][here] = block.max(axis=0)
            columns["concepts"][here] = np.count_nonzero(block >= np.float32(threshold), axis=0)
            best_units.add(block, start)
            start = here.stop
    return _Scores(columns, best_units)


def _read_responses(measured: Arrays, rows: Rows, separations: Separations) -> np.ndarray:
    rate = np.empty(rows.total, np.float32)
    sentences = int(measured.metadata["sentences"])  # masked ones stand after them
    for (site, layer), width in zip(rows.places, rows.widths, strict=True):
        name, start = f"{site}/{layer}", rows.starts[site, layer]
        size = strip_units(measured.shape(name)[0], measured.dtype(name).itemsize)
        for first in range(0, width, size):
            strip = measured.columns(name, first, min(first + size, width))[:sentences]
            here = slice(start + first, start + first + strip.shape[1])
            rate[here] = _rates(strip)
            separations.add(strip, here.start)
            del strip  # before the next one is read
    return rate


def _rates(responses: np.ndarray) -> np.ndarray:
    largest = responses.max(axis=0).astype(np.float32)
    responding = np.count_nonzero(responses >= np.float32(RESPONDS) * largest, axis=0)
    return np.where(largest > 0, responding / len(responses), np.nan)


def _alike(scored: Arrays, rows: Rows, ap: np.ndarray, most: int) -> dict[str, np.ndarray]:
    kept = most_precise(ap, most)
    neighbour, likeness = nearest(read_profiles(scored, rows, kept))
    return {
        "row": kept,
        "neighbour": np.where(neighbour < 0, -1, kept[neighbour]),
        "likeness": likeness,
    }


def _metadata(scored: Arrays, measured: Arrays, rows: Rows, arrays: dict[str, np.ndarray]) -> dict[str, str]:
    counts = {
        "units": rows.total,
        "kept": len(arrays["row"]),
        "cut": rows.total - len(arrays["row"]),
        "without_neighbours": int((arrays["neighbour"][:, 0] < 0).sum()),
        "without_response": int(np.isnan(arrays["rate"]).sum()),
    }
    return {
        **{name: scored.metadata[name] for name in ("model", "checkpoint", "step")},
        **{name: str(count) for name, count in counts.items()},
        "sites": json.dumps(rows.told()),
        "sentences": measured.metadata["sentences"],
    }
