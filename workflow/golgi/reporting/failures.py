"""What did not work, from the tables: each failure with its number and the table that says so."""

from collections.abc import Iterator
from typing import Any

import polars as pl

from golgi.figures.rows import listed
from golgi.figures.style import SERIES
from golgi.reporting.besides import CEILING, TESTED, Beside
from golgi.reporting.controls import Row
from golgi.reporting.failed_experts import chance, concepts, folds, thin
from golgi.reporting.failed_graphs import graphs
from golgi.reporting.failed_sentences import sentences, training
from golgi.reporting.failed_tests import left_out, tests, undefined
from golgi.reporting.failed_words import Failure
from golgi.reporting.planned import Planned

ANALYSES = {
    "discoveries": "false discoveries",
    "stability": "stability",
    "overlap": "overlap",
    "categories": "categories",
    "hierarchy": "hierarchy",
    "polysemy": "polysemy",
    "distributed": "linear probes",
    "alignment": "alignment",
    "dynamics": "training dynamics",
    "interventions": "interventions",
    "sensitivity": "sensitivity",
}


def failures(
    frames: dict[str, pl.DataFrame],
    *,
    threshold: float,
    planned: list[Planned],
    controls: list[Row],
    besides: list[Beside],
    asked: dict[str, int],
) -> list[dict[str, Any]]:
    """Return groups of failures, each with a `heading`; none where nothing failed.

    `planned`, `controls` and `besides` are the rows that the report shows of the planned tests, of the
    controls, and of what else stands beside a result. `asked` are the numbers of sentences of a concept that
    the study asks for, `positives` and `negatives`; without them those of the concept that has most.
    """
    groups = {
        "Claims and planned tests": tests(frames, planned),
        "No more than a control or a baseline": [*_no_more(controls), *_not_above(besides)],
        "Concepts and their experts": [
            *concepts(frames, threshold),
            *chance(frames, threshold),
            *folds(frames, threshold),
        ],
        "Neuron graphs": graphs(frames),
        "Undefined, or resting on little": [*undefined(frames), *thin(frames)],
        "Left out": left_out(frames),
        "Sentences and training": [*sentences(frames, asked), *training(frames)],
    }
    found = {heading: list(lines) for heading, lines in groups.items()}
    return [{"heading": heading, "lines": lines} for heading, lines in found.items() if lines]


def _no_more(rows: list[Row]) -> Iterator[Failure]:
    for row in rows:
        if row.reached:
            names = [f"{SERIES[control].name} {row.beside(control)}" for control in row.reached]
            known = f"{row.measured} {row.interval}".strip()
            yield Failure(f"{row.says} ({row.model}): {known} is not above {listed(names)}.", row.table)


def _not_above(rows: list[Beside]) -> Iterator[Failure]:
    for row in rows:
        if not row.above and row.against not in (*TESTED, CEILING):
            beside = f"{row.against} ({row.other})"
            text = f"{row.says} ({row.model}): {row.value} is not surely beyond {beside}."
            yield Failure(text, row.table)


def not_asked(settings: dict[str, Any]) -> list[str]:
    """Return what the study did not ask for, in words: analyses, neuron graphs, claims, controls."""
    analyses, controls = settings.get("analyses", {}), settings.get("experts", {}).get("controls", [])
    missing = [words for name, words in ANALYSES.items() if name not in analyses]
    missing += [
        f"the control {SERIES[name].name}"
        for name in ("untrained", "rotated", "shuffled", "word")
        if name not in controls
    ]
    return missing + [
        words for name, words in (("graphs", "neuron graphs"), ("claims", "claims")) if not settings.get(name)
    ]
