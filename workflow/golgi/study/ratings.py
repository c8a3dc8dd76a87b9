"""Tables of rated pairs of words, in the forms in which people publish them."""

from __future__ import annotations

import csv
import logging
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from golgi.study.problems import Problem, StudyError
from golgi.study.words import fold

logger = logging.getLogger(__name__)

FEWEST_PAIRS = 3  # for a rank correlation
FAULTS_SHOWN = 10
LARGEST = 10 * 2**20  # bytes of a table
SCORES = {"simlex999", "score", "rating", "similarity", "relatedness", "mean", "human (mean)"}
LEMMA = re.compile(r"(.+)-[nvj]")  # in the lemma form of MEN, `cat-n` is the noun


class Rating(NamedTuple):
    """One line of a table of ratings, words folded as they are compared."""

    word_a: str
    word_b: str
    score: float


class Line(NamedTuple):
    """A line that is not blank, and its fields."""

    number: int
    text: str
    fields: list[str]


def read_ratings(path: Path | str) -> list[Rating]:
    """Return the ratings of a table: two words and a score a line, separated by tabs, commas or spaces.

    The separator is that of the first line; fields may be quoted. A first line without a score is a header:
    the words are the first two columns then, and the scores the column whose name says so, or the third if
    it alone has numbers. Blank lines and lines that begin with # are passed over. Raises StudyError (a
    GolgiError) that lists the faulty lines.
    """
    lines = _lines(path)
    columns, score = 3, 2
    if _is_header(lines[0].fields):
        header, *lines = lines
        columns, score = len(header.fields), _score_column(path, header, lines)
        logger.info("%s:%d is read as a header; scores: %s.", path, header.number, header.fields[score])
    faults = [
        Problem(str(path), line.number, 1, "", f"{fault}: {line.text[:100]}")
        for line in lines
        if (fault := _fault(line.fields, columns, score))
    ]
    if faults:
        raise StudyError(_shown(faults))
    return [Rating(*_pair(*line.fields[:2]), float(line.fields[score])) for line in lines]


def places_of(forms: Iterable[tuple[int, str]]) -> tuple[dict[str, int], list[str]]:
    """Return the concept (by its place) of every form of a word, and the forms that several concepts have."""
    places: dict[str, set[int]] = {}
    for place, form in forms:
        places.setdefault(fold(form), set()).add(place)
    shared = sorted(form for form, owners in places.items() if len(owners) > 1)
    return {form: owners.pop() for form, owners in places.items() if len(owners) == 1}, shared


def rated_pairs(
    ratings: Sequence[Rating], places: dict[str, int]
) -> tuple[dict[tuple[int, int], list[float]], int]:
    """Return the scores of every pair of places (first < second), and how many rate a concept with itself."""
    rated: dict[tuple[int, int], list[float]] = {}
    same = 0
    for rating in ratings:
        pair = sorted(places.get(word, -1) for word in (rating.word_a, rating.word_b))
        if pair[0] == -1:
            continue
        if pair[0] == pair[1]:
            same += 1
        else:
            rated.setdefault((pair[0], pair[1]), []).append(rating.score)
    return rated, same


def too_few_pairs(found: str, pairs: int) -> str:
    """Return the sentence that says so: `found` is who rates or makes the pairs, with its verb."""
    counted = f"{pairs or 'no'} pair{'' if pairs == 1 else 's'} of concepts"
    return f"{found} {counted}; a rank correlation needs at least {FEWEST_PAIRS}."


def _lines(path: Path | str) -> list[Line]:
    texts = [(number, line.strip()) for number, line in enumerate(_read(path).splitlines(), start=1)]
    texts = [(number, line) for number, line in texts if line and not line.startswith("#")]
    if not texts:
        raise StudyError([Problem(str(path), 1, 1, "", "the file has no ratings.")])
    separator = next((mark for mark in "\t," if mark in texts[0][1]), " ")
    return [Line(number, line, _fields(line, separator)) for number, line in texts]


def _read(path: Path | str) -> str:
    try:
        with open(path, "rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"more than {LARGEST:,} bytes are no table of ratings")
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot be read as a table of ratings: {reason}."
        raise StudyError([Problem(str(path), 1, 1, "", message)]) from error


def _fields(line: str, separator: str) -> list[str]:
    if separator == " ":
        line = " ".join(line.split())
    try:
        fields = next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    except csv.Error:
        fields = line.split(separator)
    return [field.strip() for field in fields]


def _is_header(fields: list[str]) -> bool:
    others = fields[2:]
    if not others or _number(others[0]) is not None:
        return False
    return any(_names_scores(field) for field in others) or all(_number(field) is None for field in others)


def _names_scores(field: str) -> bool:
    return field.casefold() in SCORES


def _score_column(path: Path | str, header: Line, lines: list[Line]) -> int:
    named = [place for place, field in enumerate(header.fields) if place > 1 and _names_scores(field)]
    if len(named) == 1:
        return named[0]
    fields = lines[0].fields if lines else []
    numeric = [place for place, field in enumerate(fields) if place > 1 and _number(field) is not None]
    if len(header.fields) == 3 or (not named and numeric == [2]):
        return 2
    listed = ", ".join(f"`{field}`" for field in header.fields)
    message = f"which column has the scores? There are {listed}; call one of them `score`, and none else."
    raise StudyError([Problem(str(path), header.number, 1, "", message)])


def _fault(fields: list[str], columns: int, score: int) -> str:
    if len(fields) != columns:
        wanted = "two words and a score" if columns == 3 else f"the header's {columns}"
        return f"has {len(fields)} fields, not {wanted}"
    if not fields[0] or not fields[1]:
        return "lacks a word"
    number = _number(fields[score])
    if number is None or not math.isfinite(number):
        return f"has a score that is not a number, {fields[score]!r}"
    return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _pair(*words: str) -> tuple[str, str]:
    lemmas = [LEMMA.fullmatch(word.casefold()) for word in words]
    # Only where both words have it: `vitamin-n` beside `apple` is a word as it stands.
    first, second = [lemma[1] for lemma in lemmas] if all(lemmas) else words
    return fold(first), fold(second)


def _shown(faults: list[Problem]) -> list[Problem]:
    if len(faults) <= FAULTS_SHOWN:
        return faults
    rest = faults[FAULTS_SHOWN]
    message = f"and {len(faults) - FAULTS_SHOWN} more faulty lines from here on."
    return [*faults[:FAULTS_SHOWN], Problem(rest.file, rest.line, 1, "", message)]
