"""Captions of the figures: what is shown, and what was found, with every number taken from the tables.

Each module here speaks for the figures of one subject: `TITLES`, `SHOWN` (what is drawn) and `FINDINGS`.
"""

from golgi.captions import (
    claims,
    distributed,
    dynamics,
    experts,
    graphs,
    hierarchy,
    interventions,
    sensitivity,
    stability,
    writing,
)
from golgi.captions.wording import Findings, Tables
from golgi.figures.rows import models, share, study_threshold

SUBJECTS = (
    claims,
    writing,
    experts,
    stability,
    hierarchy,
    distributed,
    dynamics,
    interventions,
    graphs,
    sensitivity,
)
TITLES: dict[str, str] = {name: text for subject in SUBJECTS for name, text in subject.TITLES.items()}
SHOWN: dict[str, str] = {name: text for subject in SUBJECTS for name, text in subject.SHOWN.items()}
FINDINGS: Findings = {name: found for subject in SUBJECTS for name, found in subject.FINDINGS.items()}
NOTHING = "This study has nothing to show here."


def caption(name: str, tables: Tables, options: dict) -> str:
    """The caption of one figure as plain text, a line each: title, what is shown, findings.

    `tables` are those the figure's module names in `TABLES`; `options` are the figure's options.
    """
    described, found = caption_parts(name, tables, options)
    return "\n".join(" ".join(line.split()) for line in [f"{TITLES[name]}.", described, *found])


def caption_parts(name: str, tables: Tables, options: dict) -> tuple[str, list[str]]:
    """What a figure shows, and its findings: one text per model, or one where the figure is about none."""
    finding, source = FINDINGS[name]
    if tables[source].is_empty():
        return NOTHING, []
    described = SHOWN[name]
    if "{tau}" in described:
        described = described.format(tau=share(study_threshold(tables[source], options)))
    about = models(tables[source], options) if "model" in tables[source].columns else [""]
    found = [finding(tables, model, options) for model in about]
    return described, [text for text in found if text]
