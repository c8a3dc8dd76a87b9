"""A request and its reply as one line of a transcript, which may come from a stranger."""

import json
import math
from typing import Any

from golgi.errors import OBEYED
from golgi.writing.requests import LONGEST_NAME, Reply, Request, Sampling, is_count, mended, one_line

UNFIT = "the key is not that of the request"


class LineFault(ValueError):
    """A line is no request with its reply; the message says why."""


def encode_line(request: Request, reply: Reply) -> bytes:
    """Return the line of a request and its reply, with its newline; a terminal shows it as it stands."""
    record = {
        "key": request.key,
        "request": request.asked,
        "about": {"concept": request.concept, "kind": request.kind, "draw": request.draw},
        "reply": vars(reply),
    }
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    # Outside its strings JSON has none of these, and inside them an escape stands for the same character.
    return OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"


def decode_line(line: bytes) -> tuple[str, Reply]:
    """Return key and reply of a line.

    Raises LineFault where it is no JSON, lacks a field, has one of another type, or has a key that is not
    that of its request. Half characters in the text become U+FFFD; names lose what a terminal would obey.
    """
    record = _record(line)
    key = _field(record, "key", str)
    try:
        found = _request(_field(record, "request", dict)).key
    except (ValueError, OverflowError) as error:
        raise _because(error, "the request is none") from error
    if found != key:
        raise LineFault(UNFIT)
    return key, _reply(_field(record, "reply", dict))


def _record(line: bytes) -> dict:
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise LineFault("no JSON") from error
    if not isinstance(record, dict):
        raise LineFault("no JSON with fields")
    return record


def _because(error: Exception, otherwise: str) -> LineFault:
    return error if isinstance(error, LineFault) else LineFault(otherwise)


def _field(record: dict, name: str, kind: type) -> Any:
    value = record.get(name)
    if type(value) is not kind:
        raise LineFault(f"`{name}` is missing or of another type")
    return value


def _request(asked: dict) -> Request:
    messages = _field(asked, "messages", list)
    if not all(isinstance(message, dict) for message in messages):
        raise LineFault("`messages` are no messages")
    pairs = tuple((_field(one, "role", str), _field(one, "content", str)) for one in messages)
    sampling = _sampling(_field(asked, "sampling", dict))
    return Request("", "", 0, pairs, _field(asked, "model", str), sampling)


def _sampling(sampling: dict) -> Sampling:
    whole = {name: _field(sampling, name, int) for name in ("max_tokens", "seed")}
    return Sampling(**{name: _number(sampling, name) for name in ("temperature", "top_p")}, **whole)


def _number(record: dict, name: str) -> float:
    value = record.get(name)
    if type(value) not in (int, float) or not math.isfinite(value):
        raise LineFault(f"`{name}` is missing or no number")
    return float(value)


def _reply(reply: dict) -> Reply:
    names = {name: _name(reply, name) for name in ("finish", "model", "fingerprint")}
    tokens = {name: _count(reply, name) for name in ("prompt_tokens", "completion_tokens")}
    return Reply(text=mended(_field(reply, "text", str)), **names, **tokens)


def _name(record: dict, name: str) -> str:
    value = _field(record, name, str)
    if len(value) > LONGEST_NAME:
        raise LineFault(f"`{name}` has more than {LONGEST_NAME} characters")
    return one_line(value)


def _count(record: dict, name: str) -> int:
    value = _field(record, name, int)
    if not is_count(value):
        raise LineFault(f"`{name}` is no number of tokens")
    return value
