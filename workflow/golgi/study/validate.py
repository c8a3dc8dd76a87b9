"""Check a document against the study schema, and say every problem the way a colleague would."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from golgi.study.addresses import address_fault
from golgi.study.document import Document
from golgi.study.problems import Path, Problem, did_you_mean
from golgi.study.schema import branch_type, branches, chosen_branch, follow, study_schema, telling_key

if TYPE_CHECKING:
    from jsonschema import ValidationError

NOUNS = {
    "object": "a group of fields (`{}` for none)",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


def schema_problems(document: Document) -> list[Problem]:
    """Return every way in which a document departs from the study schema."""
    errors = _validator().iter_errors(document.data)
    return [problem for error in errors for problem in _problems(document, error)]


@cache
def _validator() -> Any:
    # Imported here: it takes longer than reading a study, and `golgi --version` needs none of it.
    from jsonschema import Draft202012Validator, validators

    own = {"uniqueItems": _unique_items, "x-ascending": _ascending, "x-descending": _descending}
    return validators.extend(Draft202012Validator, {**own, "x-address": _plain_address})(study_schema())


def _unique_items(_validator: Any, wanted: bool, items: Any, _schema: dict) -> Iterator[ValidationError]:
    """The library compares all pairs, which takes hours on long lists, and does not say what is repeated."""
    from jsonschema import ValidationError

    seen = set()
    for number, item in enumerate(items if wanted and isinstance(items, list) else []):
        text = json.dumps(item, sort_keys=True)
        if text in seen:
            yield ValidationError(f"{_shown(item)} is repeated.", path=[number])
        seen.add(text)


def _ascending(_validator: Any, wanted: bool, items: Any, _schema: dict) -> Iterator[ValidationError]:
    return _disordered(items, operator.lt, "ascends") if wanted else iter(())


def _descending(_validator: Any, wanted: bool, items: Any, _schema: dict) -> Iterator[ValidationError]:
    return _disordered(items, operator.gt, "descends") if wanted else iter(())


def _plain_address(_validator: Any, wanted: bool, address: Any, _schema: dict) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    if wanted and isinstance(address, str) and (fault := address_fault(address)):
        yield ValidationError(fault)


def _disordered(items: Any, wrong: Callable[[Any, Any], bool], order: str) -> Iterator[ValidationError]:
    from jsonschema import ValidationError

    if not (isinstance(items, list) and all(_is_number(item) for item in items)):
        return
    for number, (before, after) in enumerate(pairwise(items), start=1):
        if wrong(after, before):
            message = f"{_shown(after)} comes after {_shown(before)}; the list {order}."
            yield ValidationError(message, path=[number])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _problems(document: Document, error: ValidationError) -> Iterator[Problem]:
    path = tuple(error.absolute_path)
    if error.validator in ("oneOf", "anyOf"):
        yield from _branch_problems(document, error, path)
    elif error.validator == "additionalProperties":
        yield from _unknown_fields(document, error, path)
    elif error.validator in ("pattern", "type") and "propertyNames" in error.absolute_schema_path:
        yield _of_name(document, error, path)
    elif error.validator == "required":
        yield _missing(document, error, path)
    elif error.validator == "x-address":
        yield document.problem(path, error.message)
    elif not _said_by_type(error) and not _said_by_address(error):
        yield document.problem(path, _sentence(error))


def _said_by_type(error: ValidationError) -> bool:
    """1.5 where a whole number is wanted is out of form; that it is also below the range would be noise."""
    whole = error.schema.get("type") == "integer" and error.validator != "type"
    return whole and isinstance(error.instance, float) and not error.instance.is_integer()


def _said_by_address(error: ValidationError) -> bool:
    """The pattern says the same, for editors, and not what is wrong."""
    of_address = error.schema.get("x-address") and error.validator == "pattern"
    return bool(of_address and address_fault(error.instance))


def _branch_problems(document: Document, error: ValidationError, path: Path) -> Iterator[Problem]:
    schema, value = follow(error.schema), error.instance
    chosen = chosen_branch(schema, value)
    if chosen is not None:
        for part in error.context:
            if part.relative_schema_path[0] == chosen:
                yield from _problems(document, part)
        return
    keys = [key for branch in branches(schema) if (key := telling_key(branch))]
    if isinstance(value, dict) and (given := [key for key in keys if key in value]):
        yield document.problem(path, f"holds {_list(given, 'and')}; exactly one of {_list(keys)} is wanted.")
    elif isinstance(value, dict) and keys:
        yield from _no_branch(document, schema, path, value)
    elif len(keys) < len(branches(schema)):
        nouns = [noun for branch in branches(schema) for noun in _nouns(branch)]
        yield document.problem(path, f"found {_found(value)}; {_joined(nouns)} is wanted.")
    else:
        near = did_you_mean(value, keys) if isinstance(value, str) else ""
        yield document.problem(path, f"found {_found(value)}; wanted is exactly one of {_list(keys)}.{near}")


def _nouns(branch: dict) -> list[str]:
    if "enum" in branch:
        return [f"`{value}`" for value in branch["enum"]]
    if branch_type(branch) == "null":
        return []
    key = telling_key(branch)
    return [f"a group with `{key}`" if key else NOUNS[branch_type(branch)]]


def _no_branch(document: Document, schema: dict, path: Path, value: dict) -> Iterator[Problem]:
    groups = [branch for branch in branches(schema) if "properties" in branch]
    keys = [telling_key(branch) for branch in groups]
    known = {field for branch in groups for field in branch["properties"]}
    unknown = [key for key in value if key not in known]
    wanted = f"Exactly one of {_list(keys)} is wanted." if len(keys) > 1 else f"{_list(keys)} is wanted."
    if not unknown:
        yield document.problem(path, wanted[0].lower() + wanted[1:])
    for key in unknown:
        message = f"unknown field.{did_you_mean(key, keys)} {wanted}"
        yield document.problem((*path, key), message, at_key=True)


def _unknown_fields(document: Document, error: ValidationError, path: Path) -> Iterator[Problem]:
    known = list(follow(error.schema).get("properties", {}))
    for key in error.instance:
        if key not in known:
            message = f"unknown field.{did_you_mean(key, known)} Allowed here: {_list(known, 'and')}."
            yield document.problem((*path, key), message, at_key=True)


def _of_name(document: Document, error: ValidationError, path: Path) -> Problem:
    name = str(error.instance)
    return document.problem(
        (*path, name), f"a name that is not allowed. {error.schema['description']}", at_key=True
    )


def _missing(document: Document, error: ValidationError, path: Path) -> Problem:
    # The library makes one error per missing field and names it only in its message.
    key = next(key for key in error.validator_value if error.message.startswith(repr(key)))
    meaning = follow(error.schema["properties"][key]).get("description", "")
    return document.problem((*path, key), f"missing. {meaning}".strip())


def _sentence(error: ValidationError) -> str:
    wording = WORDINGS.get(error.validator)
    text = wording(error) if wording else error.message
    if error.schema.get("x-secret"):
        # A key or a password that was written there would be read by all who read the message.
        text = "not of the form that is wanted (it may hold a secret and is not shown)."
    # What a list or a group is for does not help who must mend it; what a value means does.
    meaning = "" if {"items", "properties"} & set(error.schema) else error.schema.get("description", "")
    return f"{text} {meaning}".strip()


def _wrong_type(error: ValidationError) -> str:
    wanted = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    nouns = " or ".join(NOUNS[name] for name in wanted if name != "null")
    return f"found {_found(error.instance)}; {nouns} is wanted."


def _not_listed(error: ValidationError) -> str:
    allowed = [str(value) for value in error.validator_value]
    near = did_you_mean(error.instance, allowed) if isinstance(error.instance, str) else ""
    return f"found {_found(error.instance)}; wanted is {_list(allowed)}.{near}"


WORDINGS: dict[str, Callable[[ValidationError], str]] = {
    "type": _wrong_type,
    "enum": _not_listed,
    "const": lambda error: (
        f"found {_found(error.instance)}; only {_shown(error.validator_value)} is possible."
    ),
    "minimum": lambda error: f"{_shown(error.instance)} is less than {_shown(error.validator_value)}.",
    "maximum": lambda error: f"{_shown(error.instance)} is more than {_shown(error.validator_value)}.",
    "exclusiveMinimum": lambda error: (
        f"{_shown(error.instance)} is not more than {_shown(error.validator_value)}."
    ),
    "pattern": lambda error: f"{_shown(error.instance)} is not of the form that is wanted.",
    "minLength": lambda _error: "the text is empty.",
    "maxLength": lambda error: f"the text is longer than {error.validator_value} characters.",
    "minItems": lambda _error: "the list is empty.",
    "maxItems": lambda error: f"the list holds more than {error.validator_value}.",
    "minProperties": lambda _error: "none is given.",
    "maxProperties": lambda error: f"more than {error.validator_value} are given.",
}


def _found(value: Any) -> str:
    if isinstance(value, dict):
        return "a group of fields" if value else "an empty group"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return _shown(value)
    return f"the {'number' if _is_number(value) else 'text'} {_shown(value)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


def _list(names: list[str], last: str = "or") -> str:
    return _joined([f"`{name}`" for name in names], last)


def _joined(words: list[str], last: str = "or") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
