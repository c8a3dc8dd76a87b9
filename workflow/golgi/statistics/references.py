"""Ratings of word pairs to compare a model with: people's, or the lexicon's own attributes."""

import hashlib
import logging
import re
import time
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import polars as pl

from golgi.concepts.lexicon import attribute_similarity, load_lexicon
from golgi.errors import GolgiError
from golgi.files import write_atomically
from golgi.study.ratings import (
    FEWEST_PAIRS,
    LARGEST,
    Rating,
    places_of,
    rated_pairs,
    read_ratings,
    too_few_pairs,
)

logger = logging.getLogger(__name__)

PATIENCE = 60  # seconds without an answer
LONGEST = 600  # seconds in all: a server that sends a byte a minute is never without an answer
BLOCK = 2**16  # bytes


@dataclass(frozen=True)
class Reference:
    """Rated pairs of concepts; `first` and `second` [pair] are places on the concept axis, first < second."""

    name: str
    first: np.ndarray
    second: np.ndarray
    ratings: np.ndarray
    ceiling: float | None


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
        rated = _match(name, read_ratings(file), concepts)
        where = f"{file}"
    if len(rated) < FEWEST_PAIRS:
        raise GolgiError(too_few_pairs(f"Reference {name}: {where} rates", len(rated)))
    pairs = sorted(rated)
    ratings = np.array([np.mean(rated[pair]) for pair in pairs])
    places = np.array(pairs)
    logger.info(
        "Reference %s: %d pairs of %d words are in the study.", name, len(pairs), len(np.unique(places))
    )
    return Reference(name, places[:, 0], places[:, 1], ratings, None if ceiling is None else float(ceiling))


def fetch_reference(*, url: str, sha256: str, file: Path) -> None:
    """Download a table of ratings to `file`; GolgiError if it cannot be had or has another checksum."""
    address = _without_secrets(url)
    if not re.match("https?://[^/@]+/", url):
        raise GolgiError(
            f"{address}: references are fetched by https or http, without a password; or give a `file`."
        )
    try:
        with urllib.request.build_opener(_Redirects).open(url, timeout=PATIENCE) as answer:
            content = _content(answer)
    except (OSError, ValueError, HTTPException) as error:
        raise GolgiError(f"{address} cannot be fetched: {error}.") from error
    if len(content) > LARGEST:
        raise GolgiError(f"{address} is larger than {LARGEST} bytes: not a table of ratings.")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        raise GolgiError(f"{address}: its sha256 is {found}, but the study says {sha256}.")
    with write_atomically(file) as temporary:
        temporary.write_bytes(content)
    logger.info("Fetched %s: %d bytes.", address, len(content))


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows an address to another by https, or from http to http, and to no other kind of place."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        kind = urlsplit(newurl).scheme
        if kind != "https" and (kind, req.type) != ("http", "http"):
            raise ValueError(f"it leads on to an address of the kind `{kind}`")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _content(answer: HTTPResponse) -> bytes:
    content, stop = bytearray(), time.monotonic() + LONGEST
    while len(content) <= LARGEST and (block := answer.read1(BLOCK)):
        content += block
        if time.monotonic() > stop:
            raise TimeoutError(f"it took more than {LONGEST} seconds")
    return bytes(content)


def _without_secrets(url: str) -> str:
    # A name, a password or a key in an address would stay in the log.
    return re.sub("//[^/]*@", "//", re.split("[?#]", url)[0])


def _match(name: str, ratings: list[Rating], concepts: pl.DataFrame) -> dict[tuple[int, int], list[float]]:
    rows = concepts.select("index", "word", "plural").iter_rows()
    places, shared = places_of((index, form) for index, *forms in rows for form in forms)
    rated, same = rated_pairs(ratings, places)
    repeated = sum(len(scores) - 1 for scores in rated.values())
    if shared:
        logger.warning("Reference %s: words of several concepts are left out: %s.", name, ", ".join(shared))
    if repeated or same:
        logger.warning(
            "Reference %s: %d repeated ratings were averaged, %d of a word with itself left out.",
            name,
            repeated,
            same,
        )
    return rated
