"""From what a user wrote to the complete spec: defaults filled in, environment variables expanded."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Set
from typing import Any

from golgi.study.document import Document
from golgi.study.problems import Path, Problem
from golgi.study.schema import branches, chosen_branch, follow, study_schema

# Texts that a study writes itself; any other is a file of the user's.
WRITTEN_TEXTS = ("microworld", "sentences")
VARIABLE = re.compile(r"\$\{(GOLGI_[A-Z0-9_]+)\}")
# Paths stand in messages, logs and records: what is called a secret is not read into one.
SECRET = re.compile(
    r"(?:^|_)(?:API_?KEYS?|KEYS?|TOKENS?|SECRETS?|PASS(?:WORD|PHRASE|WD)?|CREDENTIALS?|AUTH)(?:_|$)"
)


def resolve(
    document: Document, environment: Mapping[str, str], *, without: Set[str] = frozenset()
) -> tuple[dict, list[Problem]]:
    """Return the complete spec of a document, and the paths that could not be expanded.

    Sections named in `without`, whose form is wrong, and sections that are missing are left out. A path whose
    variable is unset keeps its `${GOLGI_...}`, so that a plan can be made without it.
    """
    resolver = _Resolver(document, environment)
    written = {key: value for key, value in document.data.items() if key not in without}
    spec = resolver.fill(study_schema(), written, ())
    if "study" in spec:
        spec["title"] = spec["title"] or spec["study"]
    for model in spec.get("models", {}).values():
        _settle_model(model)
    if "graphs" in spec:
        _settle_graphs(spec["graphs"], spec["experts"]["sites"])
    if {"analyses", "concepts"} <= set(spec):
        _settle_analyses(spec["analyses"], spec["concepts"]["sentences"])
    if {"analyses", "experts"} <= set(spec) and "sensitivity" in spec["analyses"]:
        _settle_alternatives(spec["analyses"]["sensitivity"], spec["experts"])
    return {key: value for key, value in spec.items() if key not in without}, resolver.problems


def _settle_analyses(analyses: dict, sentences: dict) -> None:
    stability, sensitivity = analyses.get("stability"), analyses.get("sensitivity")
    for kind in ("positives", "negatives"):
        there = sentences.get(kind)
        if stability and stability[kind] is None and there:
            stability[kind] = _parts(there // stability["folds"], 4, 2, 1)
        if sensitivity and sensitivity[kind] is None and there:
            sensitivity[kind] = _parts(there, 4, 2)
    text = analyses.get("interventions", {}).get("text")
    if isinstance(text, str) and text != "microworld":
        analyses["interventions"]["text"] = [text]


def _settle_alternatives(sensitivity: dict, experts: dict) -> None:
    # What the study does anyway is no alternative.
    sites = experts["sites"] if len(experts["sites"]) == 1 else []
    sensitivity["poolings"] = [one for one in sensitivity["poolings"] if one != experts["pooling"]]
    sensitivity["sites"] = [one for one in sensitivity["sites"] if one not in sites]


def _parts(whole: int, *divisors: int) -> list[int]:
    return sorted({max(whole // divisor, 2) for divisor in divisors})


def _settle_graphs(graphs: dict, sites: list[str]) -> None:
    corpora = graphs["corpora"]
    for part, source in corpora.items():
        if isinstance(source, str) and source not in WRITTEN_TEXTS:
            corpora[part] = [source]
    corpora["test"] = corpora["test"] or copy.copy(corpora["build"])
    for unit in graphs["units"]["list"]:
        unit["site"] = unit["site"] or sites[0]


def _settle_model(model: dict) -> None:
    model["checkpoints"] = model["checkpoints"] or ["final"]
    training = model["source"].get("train")
    if training and isinstance(training["corpus"], str) and training["corpus"] != "microworld":
        training["corpus"] = [training["corpus"]]
    if training and training["corpus"] != "microworld":
        training["documents"] = None


class _Resolver:
    def __init__(self, document: Document, environment: Mapping[str, str]):
        self.document = document
        self.environment = environment
        self.problems: list[Problem] = []

    def fill(self, schema: dict, value: Any, path: Path) -> Any:
        schema = follow(schema)
        alternatives = branches(schema)
        if alternatives:
            return self.fill(alternatives[chosen_branch(schema, value)], value, path)
        if isinstance(value, dict):
            return self._fill_fields(schema, value, path)
        if isinstance(value, list):
            return [self.fill(schema["items"], item, (*path, number)) for number, item in enumerate(value)]
        if isinstance(value, str) and schema.get("x-path"):
            return self._expand(value, path)
        if isinstance(value, float) and schema.get("type") == "integer":
            return int(value)
        return value

    def _fill_fields(self, schema: dict, value: dict, path: Path) -> dict:
        if "properties" not in schema:
            return {key: self.fill(schema["additionalProperties"], value[key], (*path, key)) for key in value}
        filled = {}
        for key, field in schema["properties"].items():
            field = follow(field)
            if key in value:
                filled[key] = self.fill(field, value[key], (*path, key))
            elif "default" in field:
                filled[key] = self.fill(field, copy.deepcopy(field["default"]), (*path, key))
        return filled

    def _expand(self, text: str, path: Path) -> str:
        match = VARIABLE.match(text)
        rest = text[match.end() :] if match else text
        value = self.environment.get(match[1], "") if match else ""
        message = ""
        if "$" in rest or text.startswith("~"):
            message = "only ${GOLGI_...} at the beginning of a path is expanded, nothing else."
        elif match and SECRET.search(match[1]):
            message = (
                f"{match[1]} is called like a secret, and paths are shown and recorded. Call it otherwise."
            )
        elif match and not value:
            message = f"the environment variable {match[1]} is not set. Set it: export {match[1]}=/path/to/it"
        elif not {"{", "}"}.isdisjoint(value + rest):
            message = "a path with `{` or `}`, which the workflow takes for a wildcard. Rename what it names."
        if message:
            self.problems.append(self.document.problem(path, message))
            return text
        return value + rest
