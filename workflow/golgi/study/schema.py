"""The study schema: the one list of fields, and how to walk it."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path as FilePath
from typing import Any

SCHEMA_FILE = FilePath(__file__).resolve().parents[3] / "schemas" / "study.schema.json"


@cache
def study_schema() -> dict:
    """Return the schema of a study, `schemas/study.schema.json`."""
    return json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def follow(schema: dict) -> dict:
    """Return a schema with its `$ref` followed; what stands beside the reference wins."""
    while "$ref" in schema:
        target: Any = study_schema()
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def branches(schema: dict) -> list[dict]:
    """Return the alternatives of a schema, none where it has no `oneOf` or `anyOf`."""
    return [follow(branch) for branch in schema.get("oneOf", schema.get("anyOf", []))]


def telling_key(branch: dict) -> str | None:
    """Return the field by which an alternative is recognised: its first required one."""
    return branch["required"][0] if "required" in branch else None


def chosen_branch(schema: dict, value: Any) -> int | None:
    """Return which alternative of a schema a value is meant to be, None where that cannot be told."""
    fitting = [number for number, branch in enumerate(branches(schema)) if _is_meant(branch, value)]
    return fitting[0] if len(fitting) == 1 else None


def _is_meant(branch: dict, value: Any) -> bool:
    kind = branch_type(branch)
    if kind == "object":
        return isinstance(value, dict) and telling_key(branch) in value
    if kind == "integer":
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "array": list, "null": type(None)}[kind])


def branch_type(branch: dict) -> str:
    """Return the type of an alternative; one that lists its values lists texts."""
    return branch.get("type", "string")


def child_schema(schema: dict, value: Any, step: str | int) -> dict | None:
    """Return the schema of one member of a value, None where the schema has none for it."""
    schema = follow(schema)
    number = chosen_branch(schema, value)
    if number is not None:
        schema = branches(schema)[number]
    if isinstance(step, int):
        return follow(schema["items"]) if "items" in schema else None
    found = schema.get("properties", {}).get(step, schema.get("additionalProperties"))
    return follow(found) if isinstance(found, dict) else None
