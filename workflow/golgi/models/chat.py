"""How a model is spoken to: its chat template, maybe a stranger's, in a sandbox and a process of its own.

Run as a program this renders what it reads. Were there a way out of Jinja's sandbox, no file could be written
there, and neither the memory nor the time of the job be taken. It knows of Jinja what transformers lets these
templates use, but for one thing: some tell the model what day it is, and here that is always the same.
"""

import json
import resource
import subprocess
import sys
from contextlib import suppress
from datetime import datetime
from typing import Any

from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

LARGEST = 200_000  # characters of a template; the longest known have 30,000
LONGEST = 1_000_000  # characters of what it makes of a chat
SHOWN = 300  # characters of its complaint
SECONDS, MEMORY = 2, 2**30
TODAY = datetime(2025, 1, 1)

Chat = list[dict[str, str]]  # messages with `role` and `content`


def render(template: str, chats: list[Chat], variables: dict[str, Any]) -> list[str]:
    """Return each chat as a template writes it, up to where the model's reply begins.

    `variables` are what the template may name besides, such as the tokenizer's special tokens. Raises
    ValueError with the reason where it cannot be rendered, or not with little time and memory.
    """
    if len(template) > LARGEST:
        raise ValueError(f"it has {len(template):,} characters; at most {LARGEST:,} are read")
    task = json.dumps({"template": template, "chats": chats, "variables": variables})
    # Without the folder of this file, in which modules have the names that they have.
    command = [sys.executable, "-P", __file__]
    try:
        done = subprocess.run(command, input=task.encode(), capture_output=True, timeout=30 * SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ValueError("it does not end") from error
    if done.returncode < 0:
        raise ValueError(f"it takes more than {SECONDS} seconds or {MEMORY // 2**20:,} MB")
    if done.returncode:
        raise ValueError(done.stderr.decode(errors="replace").strip()[:SHOWN] or "it ended without a word")
    return json.loads(done.stdout)


class _Generation(Extension):
    """Around what a model wrote itself some templates have marks, for training; they show nothing."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja has it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)


class _Namespace(Namespace):
    """A namespace without names that Python keeps for itself."""

    def __init__(*args: Any, **named: Any):
        self, *rest = args
        Namespace.__init__(self)
        for name, value in dict(*rest, **named).items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if str(name).startswith("_"):
            raise SecurityError(f"{name!r} is no name for a namespace")
        Namespace.__setitem__(self, name, value)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals |= {
        "raise_exception": _complain,
        "strftime_now": lambda form: TODAY.strftime(form),
        "dict": lambda *pairs, **named: dict(*pairs, **named),
        "namespace": _Namespace,
    }
    return environment


def _to_json(value: Any, ensure_ascii: bool = False, **options: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, **options)


def _complain(message: str) -> None:
    raise TemplateError(message)


def _limit() -> None:
    limits = {"RLIMIT_AS": MEMORY, "RLIMIT_CPU": SECONDS, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
    for name, most in limits.items():
        with suppress(ValueError, OSError):  # not every system has every limit
            resource.setrlimit(getattr(resource, name), (most, most))


def _main() -> None:
    task = json.load(sys.stdin.buffer)
    _limit()
    try:
        template = _environment().from_string(task["template"])
        options = task["variables"] | {"add_generation_prompt": True, "tools": None, "documents": None}
        texts = [template.render(messages=chat, **options) for chat in task["chats"]]
        if any(len(text) > LONGEST for text in texts):
            raise TemplateError(f"it makes more than {LONGEST:,} characters of a chat")
    except Exception as error:
        raise SystemExit(str(error) or type(error).__name__) from error
    sys.stdout.write(json.dumps(texts))


if __name__ == "__main__":
    _main()
