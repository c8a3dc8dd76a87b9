"""Prompts as data: Jinja templates that ask a language model for sentences about a concept.

A template may come from a stranger. It is text with variables, conditions, a few filters and a loop over
`kinds`; whatever could read a file, call something or grow without bound is refused before it is rendered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as FilePath
from typing import TypeVar

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from golgi.study.lexicon import Concept
from golgi.study.problems import Problem, StudyError, did_you_mean

Understood = TypeVar("Understood")

LARGEST_PROMPT = 20_000  # bytes of a template
LONGEST_PROMPT = 50_000  # characters of what is sent
OF_CONCEPT = ("word", "plural", "part_of_speech", "gloss", "category", "kinds")
VARIABLES = (*OF_CONCEPT, "number")
FILTERS = ("capitalize", "first", "join", "last", "length", "lower", "title", "trim", "upper")
# Parts of a template that do no more than show, choose, compare and walk once through a list.
HARMLESS = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.For,
    nodes.Filter,
    nodes.Test,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Add,
    nodes.Sub,
    nodes.Concat,
)


@dataclass(frozen=True)
class Prompt:
    """A template that asks for sentences: the file, its text, and the SHA-256 of its bytes."""

    file: str
    text: str
    sha256: str

    def render(self, concept: Concept, *, number: int) -> str:
        """Return what is asked for `number` sentences about a concept; StudyError if that is too long."""
        facts = {field: getattr(concept, field) for field in OF_CONCEPT}
        try:
            asked = _template(self.text).render(**facts, number=number).strip()
        except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
            message = f"cannot be filled in for `{concept.name}`: {error}."
            raise StudyError([Problem(self.file, 1, 1, "", message)]) from error
        if len(asked) > LONGEST_PROMPT:
            message = f"{len(asked):,} characters for `{concept.name}`; at most {LONGEST_PROMPT:,} are sent."
            raise StudyError([Problem(self.file, 1, 1, "", message)])
        return asked


def load_prompt(file: str | FilePath) -> Prompt:
    """Read a prompt; StudyError (a GolgiError), with file and line, for every fault in it.

    Faults: it cannot be read, is too large or not UTF-8, is no Jinja, uses a variable that is not known or a
    part of Jinja that no prompt needs, does not mention `word`.
    """
    file = str(file)
    try:
        with open(file, "rb") as stream:
            content = stream.read(LARGEST_PROMPT + 1)
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused(file, "not UTF-8 text. Save the file with UTF-8 encoding.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _refused(file, f"the file cannot be read: {reason}.") from error
    if len(content) > LARGEST_PROMPT:
        raise _refused(file, f"the file is larger than {LARGEST_PROMPT:,} bytes; a prompt is a page.")
    problems = list(_faults(file, _understood(file, lambda: _environment().parse(text))))
    if problems:
        raise StudyError(problems)
    _understood(file, lambda: _template(text))
    return Prompt(file, text, hashlib.sha256(content).hexdigest())


def variables_of(prompt: Prompt) -> set[str]:
    """Return the variables that a prompt uses."""
    return {node.name for node in _environment().parse(prompt.text).find_all(nodes.Name)} & set(VARIABLES)


def _understood(file: str, read: Callable[[], Understood]) -> Understood:
    try:
        return read()
    except TemplateSyntaxError as error:
        message = f"not a Jinja template: {(error.message or 'it breaks off').rstrip('.')}."
        raise _refused(file, message, error.lineno) from error
    except (RecursionError, MemoryError, SyntaxError) as error:
        raise _refused(file, "nested too deep.") from error


def _faults(file: str, tree: nodes.Template) -> Iterator[Problem]:
    own = {node.target.name for node in tree.find_all(nodes.For) if isinstance(node.target, nodes.Name)}
    for node in tree.find_all(nodes.Node):
        message = _fault(node, {*own, *VARIABLES})
        if message:
            yield Problem(file, node.lineno, 1, "", message)
    if not any(node.name in ("word", "plural") for node in tree.find_all(nodes.Name)):
        yield Problem(file, 1, 1, "", "`word` is not mentioned; a prompt says what to write about.")


def _fault(node: nodes.Node, known: set[str]) -> str:
    if isinstance(node, nodes.Name) and node.name not in known:
        near = did_you_mean(node.name, VARIABLES)
        return f"unknown variable `{node.name}`.{near} There are: {_listed(VARIABLES)}."
    if isinstance(node, nodes.Filter):
        return _filter_fault(node)
    if isinstance(node, nodes.For):
        return _loop_fault(node)
    if isinstance(node, HARMLESS):
        return ""
    kind = type(node).__name__.lower()
    return f"`{kind}` is not used in prompts; they have variables, conditions and a loop over `kinds`."


def _filter_fault(node: nodes.Filter) -> str:
    if node.name not in FILTERS:
        return (
            f"unknown filter `{node.name}`.{did_you_mean(node.name, FILTERS)} There are: {_listed(FILTERS)}."
        )
    # Put together with itself, again and again, a text fills any memory.
    plain = isinstance(node.node, nodes.Name) and all(isinstance(one, nodes.Const) for one in node.args)
    if node.name == "join" and not (plain and node.node.name == "kinds" and node.dyn_args is None):
        return '`join` puts `kinds` together with a text, as in `kinds | join(", ")`.'
    return ""


def _loop_fault(node: nodes.For) -> str:
    over_kinds = isinstance(node.iter, nodes.Name) and node.iter.name == "kinds"
    if not over_kinds or not isinstance(node.target, nodes.Name) or node.recursive:
        return "a loop goes over `kinds`, as in `{% for kind in kinds %}`."
    inner = any(isinstance(part, nodes.For) or part.find(nodes.For) for part in node.body)
    return "a loop within a loop; one over `kinds` is enough." if inner else ""


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _refused(file: str, message: str, line: int = 1) -> StudyError:
    return StudyError([Problem(file, line, 1, "", message)])


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@lru_cache(maxsize=16)
def _template(text: str) -> Template:
    return _environment().from_string(text)
