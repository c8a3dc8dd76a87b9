"""Whom a study cites: Golgi, and the works whose methods it uses, as CITATION.cff names them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CITATION = Path(__file__).resolve().parents[3] / "CITATION.cff"
EXPERTS, ALIGNMENT, GRAPHS = (
    f"https://arxiv.org/abs/{number}" for number in ("2005.07647", "2502.15090", "2305.19911")
)


@dataclass(frozen=True)
class Work:
    """A publication: `short` is how a sentence cites it, `anchor` where its entry in the report is."""

    short: str
    anchor: str
    authors: str
    year: int
    title: str
    url: str


@dataclass(frozen=True)
class Cited:
    """The program, and the works behind it by their address."""

    title: str
    version: str
    authors: str
    licence: str
    message: str
    works: dict[str, Work]


def cited(citation: Path = CITATION) -> Cited:
    """Return what CITATION.cff (Citation File Format 1.2) says of the program and of its methods."""
    content = yaml.safe_load(citation.read_text(encoding="utf-8"))
    works = [_work(reference) for reference in content["references"]]
    return Cited(
        title=content["title"],
        version=str(content["version"]),
        authors=_authors(content["authors"]),
        licence=content["license"],
        message=content["message"],
        works={work.url: work for work in works},
    )


def _work(reference: dict[str, Any]) -> Work:
    first, year = reference["authors"][0]["family-names"], reference["year"]
    return Work(
        short=f"{first} et al. {year}",
        anchor=f"{first.lower()}-{year}",
        authors=_authors(reference["authors"]),
        year=year,
        title=reference["title"],
        url=reference["url"],
    )


def _authors(people: list[dict[str, str]]) -> str:
    named = [_named(person) for person in people]
    return " and ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else named[0]


def _named(person: dict[str, str]) -> str:
    if "name" in person:
        return person["name"]
    initials = " ".join(f"{name[0]}." for name in person["given-names"].split())
    return f"{initials} {person['family-names']}"
