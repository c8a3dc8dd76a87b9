"""The study schema as pages for people: `config/README.md` is written from here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from golgi.study.schema import branch_type, branches, follow, study_schema, telling_key

OPENING = """\
# Study files

A study is one YAML file, complete in itself: which models, which concepts, what counts as an expert, what is
measured. `config/studies/` holds three to begin from; `config/config.yaml` says which are built.

    golgi check config/studies/demo.yaml     # every problem at once, with line and column
    golgi plan config/studies/demo.yaml      # how much work it is, before it is done
    snakemake --cores 4 --config studies=demo

Fields that are not listed here are refused, and so are aliases, tags and fields given twice. Numbers and
truth values are those of YAML 1.2: `1e-3` is a number, `no` is a text. Paths are relative to the project's
folder, absolute, or begin with `${GOLGI_...}`, a variable of the environment; nothing else is expanded.
Without a variable that a study names, `golgi plan` still works and says so; `golgi check` and `snakemake` ask
for it.

Written from `schemas/study.schema.json` by `golgi schema --markdown`.
"""


@dataclass
class Section:
    """A group of fields: its name, what it is for, and a row per field."""

    name: str
    meaning: str
    rows: list[tuple[str, ...]]


def markdown() -> str:
    """Return the reference of all fields as Markdown, one table per section."""
    parts = [OPENING]
    for section in _merged(list(_sections(study_schema(), ""))):
        parts.append(f"\n## {section.name}\n\n{section.meaning}\n")
        if section.rows:
            parts.append(
                "\n| Field | Type | Default | Unit | Meaning | Example |\n|---|---|---|---|---|---|\n"
            )
            parts += [
                f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n"
                for row in section.rows
            ]
    return "".join(parts)


def _sections(schema: dict, path: str) -> Iterator[Section]:
    schema = follow(schema)
    if isinstance(schema.get("additionalProperties"), dict):
        yield Section(_title(path), schema["description"], [])
        yield from _sections(schema["additionalProperties"], f"{path}.NAME")
        return
    parts = branches(schema)
    fields = [pair for part in parts or [schema] for pair in part.get("properties", {}).items()]
    rows = [row for part in parts or [schema] for row in _rows(part, alternative=bool(parts))]
    yield Section(_title(path), schema["description"], rows)
    for name, field in fields:
        field, inner = follow(field), f"{path}.{name}".lstrip(".")
        if _is_group(field):
            yield from _sections(field, inner)
        elif field.get("type") == "array" and _is_group(follow(field["items"])):
            yield from _sections(field["items"], f"{inner}[]")
        for branch in [] if _is_group(field) else branches(field):
            for key, member in branch.get("properties", {}).items():
                yield from _sections(member, f"{inner}.{key}")


def _rows(part: dict, *, alternative: bool) -> Iterator[tuple[str, ...]]:
    """Rows of the fields of a group; of an alternative, each says with which field it goes."""
    chosen = telling_key(part) if alternative else None
    for name, field in part.get("properties", {}).items():
        field = follow(field)
        if _is_group(field):
            continue
        if name == chosen:
            yield _row(f"`{name}`", field, "one of these")
        else:
            beside = f" (with `{chosen}`)" if chosen else ""
            yield _row(f"`{name}`{beside}", field, _default(field, name in part.get("required", [])))


def _merged(sections: list[Section]) -> list[Section]:
    """Sections with the same fields in one place: each figure has the same options."""
    kept: list[Section] = []
    for section in sections:
        same = next((one for one in kept if one.rows and one.rows == section.rows), None)
        if same is None:
            kept.append(section)
            continue
        if not same.meaning.startswith("- "):
            same.meaning = f"- {same.name}: {same.meaning}"
        same.name = f"{same.name}, {section.name}"
        same.meaning += f"\n- {section.name}: {section.meaning}"
    return kept


def _title(path: str) -> str:
    return f"`{path}`" if path else "The study"


def _is_group(field: dict) -> bool:
    kinds = [branch_type(branch) for branch in branches(field)] or [field.get("type")]
    return all(kind in ("object", ["object", "null"]) for kind in kinds)


def _row(name: str, field: dict, default: str) -> tuple[str, ...]:
    example = f"`{_compact(field['examples'][0])}`"
    return name, _type(field), default, field.get("x-unit", ""), field["description"], example


def _default(field: dict, required: bool) -> str:
    if required:
        return "**required**"
    return "none" if field["default"] is None else f"`{_compact(field['default'])}`"


def _type(field: dict) -> str:
    field = follow(field)
    if alternatives := branches(field):
        return " or ".join(_type(branch) for branch in alternatives if branch_type(branch) != "null")
    if "enum" in field:
        listed = ", ".join(f"`{value}`" for value in field["enum"])
        return f"one of {listed}" if len(field["enum"]) > 1 else listed
    if "const" in field:
        return f"`{_compact(field['const'])}`"
    if field["type"] == "object":
        return "group"
    types = field["type"] if isinstance(field["type"], list) else [field["type"]]
    if "object" in types:
        return "number, text or group"
    if "array" in types:
        return f"list: {_type(field['items'])}"
    if "string" in types:
        return "path" if field.get("x-path") else "text"
    if "boolean" in types:
        return "`true` or `false`"
    return f"{'whole number' if 'integer' in types else 'number'}, {_range(field)}"


def _range(field: dict) -> str:
    low = f"over {field['exclusiveMinimum']}" if "exclusiveMinimum" in field else f"{field['minimum']:,}"
    return f"{low} to {field['maximum']:,}"


def _compact(value: Any) -> str:
    """A value as it is written in YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_compact(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_compact, value)) + "]"
    if isinstance(value, str) and not value.startswith("$"):
        return value
    return json.dumps(value, ensure_ascii=False)
