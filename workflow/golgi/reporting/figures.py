"""What stands beside a figure in the report: its number, its finding, its files and its tables."""

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from golgi.captions import TITLES
from golgi.reporting.links import PICTURES, beside, link
from golgi.reporting.order import SECTIONS, told
from golgi.study.outputs import FIGURE_TABLES

SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z“])")
SPOKEN_LENGTH, SPOKEN_LEAST, SPOKEN_MODELS = 280, 40, 3


def parts(
    figures: Mapping[str, Path],
    captions: Mapping[str, Path],
    report: Path,
    tables: Mapping[str, list[dict[str, str]]],
) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of every section, each with its `heading` and those of its `figures` that are there.

    `figures` and `captions` map figure names to SVG files and text files, `tables` names of tables to the
    links to their files. Figures are numbered in the order of the report.
    """
    order = [name for name in told() if name in figures]
    entries = {
        name: {"number": number, **_entry(name, figures[name], captions.get(name), report, tables)}
        for number, name in enumerate(order, start=1)
    }
    return {
        section: [
            {"heading": heading, "figures": [entries[name] for name in names if name in entries]}
            for heading, names in headed.items()
        ]
        for section, headed in SECTIONS.items()
    }


def _entry(
    name: str,
    picture: Path,
    caption: Path | None,
    report: Path,
    tables: Mapping[str, list[dict[str, str]]],
) -> dict[str, Any]:
    lines = caption.read_text(encoding="utf-8").splitlines() if caption else [TITLES[name]]
    title, shown, findings = lines[0].removesuffix("."), lines[1] if len(lines) > 1 else "", lines[2:]
    encoded = base64.b64encode(picture.read_bytes()).decode("ascii")
    return {
        "name": name,
        # Inside an image nothing is run, and the identifiers of two figures cannot meet.
        "picture": f"data:image/svg+xml;base64,{encoded}",
        "vector": link(picture, report)["target"],
        "title": title,
        "shown": shown,
        "findings": findings,
        "spoken": spoken(title, findings or [shown]),
        "files": [link(file, report) for file in beside(picture, PICTURES)],
        "tables": [file for table in FIGURE_TABLES[name] for file in tables.get(table, [])],
    }


def spoken(title: str, findings: list[str]) -> str:
    """Return what a picture says to those who do not see it: its title, and how its finding begins.

    The whole finding stands beside the picture, so that nothing is read out twice at length.

    >>> spoken("Training", ["mini: the loss falls to 1.00. It is low."])
    'Training. mini: the loss falls to 1.00. It is low.'
    """
    said = [_beginning(finding) for finding in findings[:SPOKEN_MODELS]]
    more = len(findings) - len(said)
    said += [f"{more:,} more in the caption."] if more else []
    return " ".join([f"{title}.", *said]).strip()


def _beginning(finding: str) -> str:
    taken = ""
    for sentence in SENTENCE.split(finding):
        longer = f"{taken} {sentence}".strip()
        if len(taken) >= SPOKEN_LEAST and len(longer) > SPOKEN_LENGTH:
            break
        taken = longer
    return taken
