"""As much of a lexicon as a study needs to be checked: names, words and categories, with their lines.

`golgi.concepts.lexicon` reads lexicons in full; this room does without it, since every start waits for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from golgi.study.document import Document, read_document
from golgi.study.problems import Problem, StudyError


@dataclass(frozen=True)
class Concept:
    """A concept as the study sees it: the words it may be rated under, and whether attributes are known."""

    name: str
    words: tuple[str, ...]
    lineage: tuple[str, ...]
    has_attributes: bool

    @property
    def category(self) -> str:
        """The nearest category."""
        return self.lineage[0] if self.lineage else ""


@dataclass(frozen=True)
class Lexicon:
    """The concepts of a lexicon file in its order, and the names of its categories."""

    file: str
    concepts: tuple[Concept, ...]
    categories: tuple[str, ...]

    def selected(self, categories: Iterable[str] | None, only: Iterable[str] | None) -> list[Concept]:
        """Return the concepts of the named categories (or of categories below them), narrowed to `only`."""
        groups, names = set(categories or self.categories), set(only or [one.name for one in self.concepts])
        return [one for one in self.concepts if groups & set(one.lineage) and one.name in names]


def read_lexicon(path: str) -> Lexicon:
    """Return names, words and categories of a lexicon; StudyError with file and line where it is not one."""
    document = read_document(path)
    problems = [
        _not_a_group(document, key) for key in ("categories", "concepts") if not _group(document, key)
    ]
    if problems:
        raise StudyError(problems)
    categories, concepts = document.data["categories"], document.data["concepts"]
    problems += [
        document.problem((section, name), "a group of fields is wanted.")
        for section, entries in (("categories", categories), ("concepts", concepts))
        for name, entry in entries.items()
        if not isinstance(entry, dict) and not (section == "categories" and entry is None)
    ]
    if problems:
        raise StudyError(problems)
    found = tuple(_concept(name, entry, categories) for name, entry in concepts.items())
    return Lexicon(path, found, tuple(categories))


def _group(document: Document, key: str) -> bool:
    return isinstance(document.data, dict) and isinstance(document.data.get(key), dict)


def _not_a_group(document: Document, key: str) -> Problem:
    return document.problem((key,), "a lexicon has `categories` and `concepts`, each a group of names.")


def _concept(name: str, entry: dict, categories: dict) -> Concept:
    lineage = _lineage(entry.get("category"), categories)
    words = [name, entry.get("word"), entry.get("plural")]
    nearest = categories.get(lineage[0]) or {} if lineage else {}
    return Concept(
        name=name,
        words=tuple(word for word in words if isinstance(word, str)),
        lineage=lineage,
        has_attributes=bool(entry.get("attributes") or nearest.get("attributes")),
    )


def _lineage(category: object, categories: dict) -> tuple[str, ...]:
    path: list[str] = []
    while isinstance(category, str) and category not in path:
        path.append(category)
        category = (categories.get(category) or {}).get("parent")
    return tuple(path)


def unknown_names(chosen: Sequence[str] | None, known: Iterable[str]) -> list[int]:
    """Return the positions of chosen names that are not known."""
    known = set(known)
    return [number for number, name in enumerate(chosen or []) if name not in known]
