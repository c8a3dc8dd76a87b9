"""The schema is the one list of fields: complete, and in step with its page, the figures and the lexicons."""

import importlib
import json

import pytest
from jsonschema import Draft202012Validator

from golgi.study.outputs import ANALYSIS_TABLES, FIGURE_TABLES
from golgi.study.reference import markdown
from golgi.study.schema import branches, follow, study_schema


def fields(schema=None, path=""):
    """Every field of the schema: (name, schema, whether it is required, whether it is one of several)."""
    schema = follow(schema or study_schema())
    parts = branches(schema) or [schema]
    for part in parts:
        required = part.get("required", [])
        for name, field in part.get("properties", {}).items():
            yield f"{path}.{name}", follow(field), name in required, len(parts) > 1
            yield from fields(field, f"{path}.{name}")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from fields(schema["additionalProperties"], f"{path}.NAME")
    if isinstance(schema.get("items"), dict):
        yield from fields(schema["items"], f"{path}[]")


FIELDS = list(fields())


def objects(node):
    if isinstance(node, dict):
        if "properties" in node and node.get("type") == "object":
            yield node
        for value in node.values():
            yield from objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from objects(value)


def test_is_a_schema():
    Draft202012Validator.check_schema(study_schema())


def test_is_strict_at_every_level():
    found = list(objects(study_schema()))
    assert len(found) > 15
    assert all(one["additionalProperties"] is False for one in found)


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, field, *_ in FIELDS])
def test_each_field_says_what_it_means(name, field):
    assert field["description"].endswith("."), name
    if name != ".models.NAME.source.train":
        assert field["examples"], name


@pytest.mark.parametrize("name", sorted({name for name, *_ in FIELDS}))
def test_each_field_is_required_or_has_a_default(name):
    optional_groups = {f".analyses.{name}" for name in ANALYSIS_TABLES} | {".graphs", ".graphs.units.experts"}
    cases = [one for one in FIELDS if one[0] == name]
    assert all(required or "default" in field or name in optional_groups for _, field, required, _ in cases)


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, field, *_ in FIELDS])
def test_examples_and_defaults_are_allowed(name, field):
    whole = {**field, "$defs": study_schema()["$defs"]}
    values = [*field.get("examples", []), *([field["default"]] if "default" in field else [])]
    for value in values:
        Draft202012Validator(whole).validate(value)


def test_the_page_is_in_step(root):
    page = (root / "config" / "README.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: golgi schema --markdown > config/README.md"


def test_every_field_is_on_the_page():
    page = markdown()
    leaves = {name.split(".")[-1] for name, *_ in FIELDS}
    assert all(f"`{leaf}`" in page or f".{leaf}`" in page for leaf in leaves)


def test_figures_are_those_that_are_drawn():
    options = {"width_mm", "dpi"}
    assert set(study_schema()["properties"]["figures"]["properties"]) - options == set(FIGURE_TABLES)
    for figure, tables in FIGURE_TABLES.items():
        assert list(importlib.import_module(f"golgi.figures.{figure}").TABLES) == tables


def test_tables_have_schemas(root):
    named = {table for tables in FIGURE_TABLES.values() for table in tables}
    assert all((root / "schemas" / "tables" / f"{table}.json").is_file() for table in named)


def test_is_plain_json(root):
    text = (root / "schemas" / "study.schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == study_schema()
    assert text.endswith("}\n")
