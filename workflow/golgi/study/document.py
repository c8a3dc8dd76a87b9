"""YAML text to plain data that remembers the line and column of every value.

Numbers and truth values follow YAML 1.2 (`1e-3` is a number, `no` is a text). What a spec never needs is
refused: aliases, tags, several documents, keys given twice, deep nesting, more than a megabyte.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from golgi.study.problems import Path, Problem, StudyError, field_name

LARGEST_FILE = 1_000_000
DEEPEST = 24
MOST_VALUES = 50_000
LONGEST_NUMBER = 40

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NULLS = {"", "~", "null", "Null", "NULL"}
TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
WHOLE = re.compile(r"[-+]?[0-9]+")
DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# Line separators that are not "\n" would shift the lines that an editor shows.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Marks that show what follows in another order than it is read (Boucher and Anderson 2021, "Trojan Source").
TURNED = re.compile(r"[\u202a-\u202e\u2066-\u2069]")

Place = tuple[int, int]


@dataclass
class Document:
    """The data of a YAML file, with the place (line, column, from 1) of every value and every key."""

    file: str
    data: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        """Return a problem at a path, or at the nearest part around it that the file does hold."""
        place = self.keys.get(path) if at_key else self.values.get(path)
        near = path
        while place is None and near:
            near = near[:-1]
            place = self.keys.get(near) or self.values.get(near)
        return Problem(self.file, *(place or (1, 1)), field_name(path), message)


def read_document(path: str | FilePath) -> Document:
    """Return the data of a YAML file with its places; StudyError if it is not readable, plain YAML."""
    file = str(path)
    try:
        with open(path, "rb") as stream:
            content = stream.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StudyError([Problem(file, 1, 1, "", f"the file cannot be read: {reason}.")]) from error
    return parse_document(content, file)


def parse_document(content: bytes, file: str) -> Document:
    """Return the data of YAML bytes with its places; `file` names them in problems (StudyError)."""
    if len(content) > LARGEST_FILE:
        raise StudyError(
            [Problem(file, 1, 1, "", "the file is larger than 1 MB; a spec is a few kilobytes.")]
        )
    builder = _Builder(file)
    try:
        text = _decode(content, file)
        builder.build(text)
    except yaml.YAMLError as error:
        builder.problems.append(_syntax_problem(error, text, file))
    if builder.problems:
        raise StudyError(builder.problems)
    return builder.document


def _decode(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        message = "not UTF-8 text. Save the file with UTF-8 encoding."
        raise StudyError([Problem(file, line, column, "", message)]) from error


def _syntax_problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:
        unprintable = CONTROL.search(text.replace("\n", " ").replace("\r", " ").replace("\t", " "))
        start = unprintable.start() if unprintable else 0
        line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
        return Problem(file, line, column, "", "a character that YAML does not allow.")
    lines = text.split("\n")
    content = lines[mark.line] if mark.line < len(lines) else ""
    indent = content[: len(content) - len(content.lstrip())]
    if "\t" in indent:
        message = "the line is indented with a tab. YAML is indented with spaces."
        return Problem(file, mark.line + 1, indent.index("\t") + 1, "", message)
    reason = getattr(error, "problem", None) or "not YAML"
    return Problem(file, mark.line + 1, mark.column + 1, "", f"not YAML: {reason}.")


@dataclass
class _Open:
    """A list or mapping whose end has not come yet."""

    data: list | dict
    path: Path
    key: str | None = None


class _Builder:
    """Builds a document from YAML events, without recursion, so that no nesting can exhaust the stack."""

    def __init__(self, file: str):
        self.document = Document(file)
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.documents = 0
        self.count = 0

    def build(self, text: str) -> None:
        for event in yaml.parse(text, Loader=Loader):
            if not self._take(event):
                return

    def _take(self, event: yaml.Event) -> bool:
        """Take in one event; False where reading on would be useless or dangerous."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            return self.documents == 1 or self._refuse(event, (), "a second document; a spec is one.")
        if isinstance(event, yaml.NodeEvent):
            return self._take_node(event)
        if isinstance(event, yaml.CollectionEndEvent):
            self.stack.pop()
        return True

    def _take_node(self, event: yaml.NodeEvent) -> bool:
        self.count += 1
        path = self._path()
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            return self._refuse(
                event, path, "aliases (`&name`, `*name`) are not used here. Write the value out."
            )
        if self.count > MOST_VALUES:
            return self._refuse(event, path, f"more than {MOST_VALUES} values in the file.")
        if event.tag is not None:
            self._refuse(event, path, f"tags ({event.tag}) are not used here. Write the value alone.")
        awaits_key = self.stack and isinstance(self.stack[-1].data, dict) and self.stack[-1].key is None
        if awaits_key:
            return self._take_key(event)
        if isinstance(event, yaml.ScalarEvent):
            self._put(event, path, self._scalar(event, path))
            return True
        if len(self.stack) >= DEEPEST:
            return self._refuse(event, path, f"nested more than {DEEPEST} deep.")
        data = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(event, path, data)
        self.stack.append(_Open(data, path))
        return True

    def _path(self) -> Path:
        if not self.stack:
            return ()
        top = self.stack[-1]
        if isinstance(top.data, list):
            return (*top.path, len(top.data))
        return top.path if top.key is None else (*top.path, top.key)

    def _take_key(self, event: yaml.NodeEvent) -> bool:
        top = self.stack[-1]
        if not isinstance(event, yaml.ScalarEvent):
            return self._refuse(event, top.path, "a field's name is a text, not a list or a mapping.")
        key = event.value
        path = (*top.path, key)
        if CONTROL.search(key):
            self._refuse(event, top.path, "a field's name holds a control character.")
        self._refuse_turned(event, top.path, key)
        if key in top.data:
            first = self.document.keys[path][0]
            self._refuse(event, path, f"given twice; the first is in line {first}.")
        else:
            self.document.keys[path] = _place(event)
        top.key = key
        return True

    def _put(self, event: yaml.NodeEvent, path: Path, value: Any) -> None:
        self.document.values[path] = _place(event)
        if not self.stack:
            self.document.data = value
            return
        top = self.stack[-1]
        if isinstance(top.data, list):
            top.data.append(value)
        else:
            top.data[top.key] = value
            top.key = None

    def _scalar(self, event: yaml.ScalarEvent, path: Path) -> Any:
        text = event.value
        if event.implicit[0]:
            if text in NULLS:
                return None
            if text in TRUTHS:
                return TRUTHS[text]
            if DECIMAL.fullmatch(text):
                return self._number(event, path)
        text = text.rstrip("\n")
        if CONTROL.search(text):
            self._refuse(event, path, "a text of one line without control characters is wanted.")
        self._refuse_turned(event, path, text)
        return text

    def _refuse_turned(self, event: yaml.Event, path: Path, text: str) -> None:
        if found := TURNED.search(text):
            mark = f"U+{ord(found[0]):04X}"
            self._refuse(event, path, f"holds {mark}, a mark that shows text in another order than it has.")

    def _number(self, event: yaml.ScalarEvent, path: Path) -> int | float:
        text = event.value
        if len(text) > LONGEST_NUMBER or math.isinf(float(text)):
            self._refuse(event, path, "a number beyond what can be computed with.")
            return 0
        return int(text) if WHOLE.fullmatch(text) else float(text)

    def _refuse(self, event: yaml.Event, path: Path, message: str) -> bool:
        self.problems.append(Problem(self.document.file, *_place(event), field_name(path), message))
        return False


def _place(event: yaml.Event) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1
