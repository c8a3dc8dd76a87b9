"""Ratings of word pairs to compare a model with: people's, or the lexicon's own attributes."""

import hashlib
import logging
import math
import re
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from golgi.concepts.lexicon import attribute_similarity, load_lexicon
from golgi.errors import GolgiError
from golgi.tables import write_atomically

logger = logging.getLogger(__name__)

FEWEST_PAIRS = 3
FAULTS_SHOWN = 10
LARGEST = 100 * 2**20  # bytes of a table of ratings
PATIENCE = 60  # seconds without an answer
QUOTE = '"'
SEPARATORS = {"tab": r"\t", "comma": r"\s*,\s*", "space": r"\s+"}


@dataclass(frozen=True)
class Reference:
    """Rated pairs of concepts; `first` and `second` [pair] are places on the concept axis, first < second."""

    name: str
    first: np.ndarray
    second: np.ndarray
    ratings: np.ndarray
    ceiling: float | None


@dataclass(frozen=True)
class Rating:
    """One line of a table of ratings, words case-folded."""

    word_a: str
    word_b: str
    score: float


def load_reference(
    name: str, description: dict[str, Any], concepts: pl.DataFrame, *, lexicon: Path, file: Path | None
) -> Reference:
    """Return the ratings of pairs whose two words are both in the study.

    `description` is the reference's entry in the spec: `lexicon: true` (similarity of attributes), or
    anything else for a table in `file`; `ceiling` is agreement between people. `concepts` is the table of
    concepts. Raises GolgiError for faulty lines and for fewer than three shared pairs.
    """
    ceiling = description.get("ceiling")
    if description.get("lexicon"):
        similarity = attribute_similarity(load_lexicon(lexicon), concepts["concept"].to_list())
        first, second = np.triu_indices(len(similarity), k=1)
        rated = {(int(a), int(b)): [float(similarity[a, b])] for a, b in zip(first, second, strict=True)}
        where = f"{lexicon}"
    elif file is None:
        raise GolgiError(f"Reference {name} has neither `lexicon: true` nor a file.")
    else:
        rated = _match(name, read_ratings(file), _places(concepts, name))
        where = f"{file}"
    if len(rated) < FEWEST_PAIRS:
        raise GolgiError(
            f"Reference {name} ({where}) shares {len(rated)} pairs of words with the {len(concepts)} "
            f"concepts; a rank correlation needs at least {FEWEST_PAIRS}."
        )
    pairs = sorted(rated)
    ratings = np.array([np.mean(rated[pair]) for pair in pairs])
    places = np.array(pairs)
    logger.info(
        "Reference %s: %d pairs of %d words are in the study.", name, len(pairs), len(np.unique(places))
    )
    return Reference(name, places[:, 0], places[:, 1], ratings, None if ceiling is None else float(ceiling))


def fetch_reference(*, url: str, sha256: str, file: Path) -> None:
    """Download a table of ratings to `file`; GolgiError if it cannot be had or has another checksum."""
    if not url.startswith(("https://", "http://")):
        raise GolgiError(f"{url}: references are fetched by https or http; give a file as `file`.")
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            content = answer.read(LARGEST + 1)
    except OSError as error:
        raise GolgiError(f"{url} cannot be fetched: {error}.") from error
    if len(content) > LARGEST:
        raise GolgiError(f"{url} is larger than {LARGEST} bytes: not a table of ratings.")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise GolgiError(f"{url}: its sha256 is {found}, but the study says {sha256}.")
    with write_atomically(file) as temporary:
        temporary.write_bytes(content)
    logger.info("Fetched %s: %d bytes.", url, len(content))


def read_ratings(path: Path) -> list[Rating]:
    """Read lines of two words and a score, separated by tabs, commas or spaces, with or without a header.

    The separator is that of the first line; a first line whose score is not a number is a header; blank lines
    and lines that begin with # are passed over. Raises GolgiError that lists the faulty lines.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GolgiError(f"{path} cannot be read as a table of ratings: {error}.") from error
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise GolgiError(f"{path} has no ratings.")
    separator = re.compile(SEPARATORS[_separator(lines[0][1])])
    if _is_header(lines[0][1], separator):
        logger.info("%s:%d is read as a header: %s", path, *lines[0])
        lines = lines[1:]
    ratings, faults = [], []
    for number, line in lines:
        fields = [field.strip().strip(QUOTE) for field in separator.split(line)]
        fault = _fault(fields)
        if fault:
            faults.append(f"{path}:{number} {fault}: {line}")
        else:
            word_a, word_b, score = fields
            ratings.append(Rating(word_a.casefold(), word_b.casefold(), float(score)))
    if faults:
        more = [f"and {len(faults) - FAULTS_SHOWN} more"] if len(faults) > FAULTS_SHOWN else []
        raise GolgiError("\n".join([f"{len(faults)} faulty lines in {path}:", *faults[:FAULTS_SHOWN], *more]))
    return ratings


def _separator(line: str) -> str:
    return "tab" if "\t" in line else "comma" if "," in line else "space"


def _is_header(line: str, separator: re.Pattern) -> bool:
    fields = separator.split(line)
    return len(fields) == 3 and _number(fields[2]) is None


def _fault(fields: list[str]) -> str:
    if len(fields) != 3:
        return f"has {len(fields)} fields, not two words and a score"
    if not fields[0] or not fields[1]:
        return "lacks a word"
    score = _number(fields[2])
    return (
        ""
        if score is not None and math.isfinite(score)
        else f"has a score that is not a number, {fields[2]!r}"
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _places(concepts: pl.DataFrame, reference: str) -> dict[str, int]:
    places: dict[str, set[int]] = {}
    for index, word, plural in concepts.select("index", "word", "plural").iter_rows():
        for form in (word, plural):
            places.setdefault(form.casefold(), set()).add(index)
    ambiguous = sorted(form for form, indices in places.items() if form and len(indices) > 1)
    if ambiguous:
        logger.warning(
            "Reference %s: words of several concepts are left out: %s.", reference, ", ".join(ambiguous)
        )
    return {form: indices.pop() for form, indices in places.items() if form and len(indices) == 1}


def _match(
    name: str, ratings: Sequence[Rating], places: dict[str, int]
) -> dict[tuple[int, int], list[float]]:
    rated: dict[tuple[int, int], list[float]] = {}
    same = 0
    for rating in ratings:
        pair = sorted(places.get(word, -1) for word in (rating.word_a, rating.word_b))
        if pair[0] == -1:
            continue
        if pair[0] == pair[1]:
            same += 1
            continue
        rated.setdefault((pair[0], pair[1]), []).append(rating.score)
    repeated = sum(len(scores) - 1 for scores in rated.values())
    if repeated or same:
        logger.warning(
            "Reference %s: %d repeated ratings were averaged, %d of a word with itself left out.",
            name,
            repeated,
            same,
        )
    return rated
