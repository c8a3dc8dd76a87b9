"""The forms that a reply comes in: a list of lines, a table, strings of JSON, or prose."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from golgi.writing.cleaning import is_ended, tidy
from golgi.writing.markers import mark_of, parted
from golgi.writing.phrases import is_courtesy

LETTER = re.compile(r"[^\W\d_]")
FENCE = re.compile(r"[ \t>]*(?:```|~~~)")
HEADING = re.compile(r"[ \t>]*#{1,6}[ \t]")
BOLD = re.compile(r"(?:\*\*|__)?[^*_]{1,200}(?:\*\*|__):?[ \t]*$")
INDENT = re.compile(r"[ ]{2}|\t")
TITLE = 8  # words of the longest
ROW = re.compile(r"[ \t]*\|")
ROW_RULE = re.compile(r"[ \t]*\|[ \t|:-]*$")
SHORT = 16  # characters of a line that is nothing but a mark
# Strings of JSON, the last of which may be cut off; what is followed by a colon is the name of a field.
JSON = re.compile(r"^[ \t]*(?P<bracket>[\[{])\s{0,99}[\[{\"]", re.MULTILINE)
STRING = re.compile(r'"(?P<value>(?:[^"\\]|\\.?)*+)(?P<end>"?)', re.DOTALL)
COLON = re.compile(r"\s{0,99}:")
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)


@dataclass
class Layout:
    """The pieces of a reply: each an item of its list, or a paragraph; and the lines that are none."""

    pieces: list[str] = field(default_factory=list)
    asides: list[str] = field(default_factory=list)
    listed: bool = False
    open: bool = False  # the reply ends where its last piece does


class _Line(NamedTuple):
    text: str
    number: int | None = None
    mark: str = ""  # number, bullet or none
    indented: bool = False


def lay_out(text: str) -> Layout:
    """Return the pieces of a reply whose thoughts and tags are gone."""
    return _read_strings(text) or _read_lines(text)


def has_letter(text: str) -> bool:
    """Whether a text has a letter of any script."""
    return LETTER.search(text) is not None


def _read_strings(text: str) -> Layout | None:
    opening = JSON.search(text)
    if not opening:
        return None
    begin = end = opening.start("bracket")
    layout = Layout(listed=True)
    for string in STRING.finditer(text, begin):
        end = string.end()
        value = ESCAPE.sub(_unescaped, string["value"])
        # A value without a space is a number or a name.
        if " " in value.strip() and not COLON.match(text, end):
            layout.pieces.append(_unmarked(value))
            layout.open = not string["end"]
    around = [*text[:begin].splitlines(), *text[end:].splitlines()]
    layout.asides = [line for line in around if has_letter(line) and not FENCE.match(line)]
    return layout if layout.pieces else None


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        code = int(escape[1], 16)
        return chr(code) if code >= 0x20 and not 0xD800 <= code <= 0xDFFF else " "
    return " " if escape[2] in "nrtbf" else escape[2]


def _unmarked(text: str) -> str:
    mark = mark_of(text)
    return text[mark.end :] if mark and not mark.bullet else text


def _read_lines(text: str) -> Layout:
    rows = _without_tables([line for line in _dense(text) if not FENCE.match(line)])
    lines = [line for row in rows for line in _marked(row)]
    numbers = sum(line.mark == "number" for line in lines)
    bullets = sum(line.mark == "bullet" for line in lines)
    if numbers or (bullets > 1 and 3 * bullets >= sum(bool(line.text) for line in lines)):
        return _List().read(lines)
    return _read_prose(lines)


def _dense(text: str) -> Iterator[str]:
    """Lines; of those without letters in a row, only the last short one that may be a mark on its own."""
    between: str | None = None
    for line in text.split("\n"):
        if LETTER.search(line):
            if between is not None:
                yield between
            between = None
            yield line
        elif ROW.match(line):
            yield line
        elif between is None or not line.isspace():
            between = line if len(line) < SHORT else ""


def _without_tables(lines: list[str]) -> list[str]:
    if not any(map(ROW_RULE.match, lines)):
        return lines
    kept = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if not ROW.match(line):
            kept.append(line)
        elif not ROW_RULE.match(line):
            cells = [cell.strip() for cell in line.split("|")]
            is_header = ROW_RULE.match(following)
            kept.append(" ".join(cells) + ":" if is_header else f"• {_unmarked(max(cells, key=len))}")
    return kept


def _marked(row: str) -> list[_Line]:
    if not row or row.isspace():
        return [_Line("")]
    mark, indented = mark_of(row), INDENT.match(row) is not None
    if mark and mark.bullet:
        return [_Line(row[mark.end :], None, "bullet", indented)]
    first, *others = parted(row[mark.end :] if mark else row, mark.number if mark else None)
    if mark:
        numbers = range(mark.number or 0, (mark.number or 0) + 1 + len(others))
        parts = zip(numbers, [first, *others], strict=True)
        return [_Line(part, number, "number", indented) for number, part in parts]
    items = [_Line(part, number, "number") for number, part in enumerate(others, start=1)]
    return [_Line(first, indented=indented), *items]


class _List:
    """Reads the lines of a list: items with what goes on from them, and lines around them."""

    def __init__(self) -> None:
        self.layout = Layout(listed=True)
        self.item: list[str] = []
        self.gap = False

    def read(self, lines: Iterable[_Line]) -> Layout:
        for line in lines:
            if line.mark:
                self._begin(line)
            elif not line.text:
                self.gap = True
                continue
            elif self.item and self._goes_on(line):
                self.item.append(line.text.strip())
            else:
                self._close()
                self.layout.asides.append(line.text)
            self.gap = False
        self.layout.open = bool(self.item) and has_letter(self.item[-1])
        self._close()
        return self.layout

    def _begin(self, line: _Line) -> None:
        asides = self.layout.asides
        if line.number == 2 and not self.layout.pieces and not self.item and asides:
            # The prompt ended in "1.", and the reply began with what comes after it.
            if not _leads(asides[-1]):
                self.layout.pieces.append(asides.pop())
        elif self.item and line.mark == "bullet" and not is_ended(self.item[-1]) and line.indented:
            asides.append(" ".join(self.item))
            self.item = []
        self._close()
        self.item = [line.text.strip()]

    def _goes_on(self, line: _Line) -> bool:
        if not self.item[-1]:
            return True
        if _leads(line.text):
            return False
        if self.gap and not line.indented:
            return len(self.item) == 1 and BOLD.match(self.item[0]) is not None
        return line.indented or not is_ended(self.item[-1])

    def _close(self) -> None:
        item, self.item = self.item, []
        if len(item) > 1 and _is_title(*item[:2]):
            self.layout.asides.append(item.pop(0))
        text = " ".join(item)
        if has_letter(text):
            (self.layout.asides if text.endswith((":", "：")) else self.layout.pieces).append(text)


def _read_prose(lines: Iterable[_Line]) -> Layout:
    layout, paragraph = Layout(), []
    for line in lines:
        text = line.text.strip("> \t")
        if paragraph and not (text and _is_wrapped(paragraph[-1], text)):
            layout.pieces.append(" ".join(paragraph))
            paragraph = []
        if not text:
            continue
        layout.open = not _leads(line.text)
        (paragraph if layout.open else layout.asides).append(text)
    return Layout(
        [*layout.pieces, *([" ".join(paragraph)] if paragraph else [])], layout.asides, False, layout.open
    )


def _is_wrapped(line: str, following: str) -> bool:
    return not is_ended(line) and next(filter(str.isalpha, following), "").islower()


def _leads(line: str) -> bool:
    text = line.strip()
    if HEADING.match(text) or text.endswith((":", "：", ":**", ":__")) or is_courtesy(tidy(text)):
        return True
    return text.startswith(("**", "__")) and BOLD.match(text) is not None and not is_ended(text)


def _is_title(first: str, following: str) -> bool:
    if not has_letter(first) or is_ended(first) or len(first.split()) > TITLE:
        return False
    begins = next(filter(str.isalpha, following), "")
    return first.endswith((":", "：")) or BOLD.match(first) is not None or begins.isupper()
