"""The lexicon: which concepts a study is about, the sense that is meant, and how they are related."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path as FilePath

from golgi.study.document import Document, read_document
from golgi.study.plurals import pluralise
from golgi.study.problems import SHOWN, Path, Problem, StudyError, did_you_mean
from golgi.study.words import compose, fold, word_fault

CONCEPT_FIELDS = ("word", "plural", "category", "part_of_speech", "gloss", "attributes", "kinds")
CATEGORY_FIELDS = ("parent", "gloss", "attributes")
DEEPEST = 100  # categories above one another
MOST_KINDS = 1000  # of one concept
FILE_FIELDS = ("categories", "concepts", "part_of_speech")

Attributes = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Concept:
    """A sense of a word: what it is called, what is meant, what it belongs to, what is true of it.

    `kinds` are names of its kinds (poodle, of dog), which sentences about it may not name.
    """

    name: str
    word: str
    plural: str
    category: str
    part_of_speech: str
    gloss: str
    attributes: Attributes = field(default_factory=dict, hash=False)
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Category:
    """A group of concepts, or of categories; `parent` is empty at the top of the tree."""

    name: str
    parent: str = ""
    gloss: str = ""


@dataclass(frozen=True)
class Lexicon:
    """Concepts and categories, in the order of the file."""

    concepts: tuple[Concept, ...]
    categories: tuple[Category, ...]
    file: str = ""

    @cached_property
    def by_name(self) -> dict[str, Concept]:
        """The concepts by their names."""
        return {concept.name: concept for concept in self.concepts}

    def lineage(self, concept: str) -> list[str]:
        """Names of a concept's categories from the nearest to the top."""
        return _ancestors(self.by_name[concept].category, {one.name: one for one in self.categories})

    def selected(self, categories: Iterable[str] | None, only: Iterable[str] | None) -> list[Concept]:
        """Concepts of the categories (or of categories below them; default: all), narrowed to `only`."""
        groups, names = set(categories or ()), set(only or self.by_name)
        found = [one for one in self.concepts if not groups or groups & set(self.lineage(one.name))]
        return [one for one in found if one.name in names]


def load_lexicon(path: FilePath | str) -> Lexicon:
    """Read a lexicon (YAML); attributes of a category hold for each of its concepts.

    Raises StudyError (a GolgiError) with all its faults, each with file, line and column: unknown or missing
    fields, what is not text, an unknown category, a category that is its own ancestor, a word that two
    concepts share or that cannot be found in texts.
    """
    document = read_document(path)
    data = document.data if isinstance(document.data, dict) else {}
    problems = [
        document.problem((key,), "a lexicon has `categories` and `concepts`, each a group of names.")
        for key in ("categories", "concepts")
        if not isinstance(data.get(key), dict)
    ]
    if problems:
        raise StudyError(problems)
    reader = _Reader(document)
    lexicon = reader.lexicon(data)
    if reader.problems:
        raise StudyError(reader.problems)
    return lexicon


class _Reader:
    """Reads the parts of a lexicon, and gathers what is wrong with them in `problems`."""

    def __init__(self, document: Document):
        self.document = document
        self.problems: list[Problem] = []

    def lexicon(self, data: dict) -> Lexicon:
        part_of_speech = self._text((), self._fields((), data, FILE_FIELDS), "part_of_speech")
        categories, inherited = self._categories(data["categories"])
        concepts = {}
        for name, entry in data["concepts"].items():
            fields = self._fields(("concepts", name), entry, CONCEPT_FIELDS)
            if fields is not None:
                concepts[name] = self._concept(name, fields, part_of_speech, inherited)
        self._check_words(concepts.values())
        return Lexicon(tuple(concepts.values()), tuple(categories.values()), self.document.file)

    def _categories(self, entries: dict) -> tuple[dict[str, Category], dict[str, Attributes]]:
        categories, inherited = {}, {}
        for name, entry in entries.items():
            path = ("categories", name)
            fields = self._fields(path, {} if entry is None else entry, CATEGORY_FIELDS) or {}
            inherited[name] = self._attributes(path, fields)
            texts = {key: self._text(path, fields, key) for key in ("parent", "gloss")}
            categories[name] = Category(name, **texts)
        for name in categories:
            self._check_lineage(name, categories)
        return categories, inherited

    def _concept(
        self, name: str, fields: dict, part_of_speech: str, inherited: dict[str, Attributes]
    ) -> Concept:
        path = ("concepts", name)
        text = {key: self._text(path, fields, key) for key in ("category", "part_of_speech", "gloss")}
        text["part_of_speech"] = text["part_of_speech"] or part_of_speech
        for key, value in text.items():
            if not value and isinstance(fields.get(key), str | None):
                self._refuse((*path, key), "missing.")
        if text["category"] and text["category"] not in inherited:
            hint = self._hint(text["category"], inherited)
            self._refuse((*path, "category"), f"`{text['category']}` is not one of `categories`.{hint}")
        word = self._form(path, fields, "word", _one_line(name))
        plural = self._form(path, fields, "plural", pluralise(word)) if word else ""
        attributes = _merge(inherited.get(text["category"], {}), self._attributes(path, fields))
        kinds = self._kinds(path, fields, {fold(form) for form in (word, plural)})
        return Concept(name, word, plural, **text, attributes=attributes, kinds=kinds)

    def _form(self, path: Path, fields: dict, key: str, default: str) -> str:
        value = fields.get(key)
        form = default if value is None else self._text(path, fields, key)
        fault = word_fault(form)
        if fault and isinstance(value, str | None):
            self._refuse((*path, key), fault)
        return "" if fault else form

    def _fields(self, path: Path, entry: object, allowed: Sequence[str]) -> dict | None:
        if not isinstance(entry, dict):
            self._refuse(path, f"a group of fields is wanted: {', '.join(allowed)}.")
            return None
        for key in entry:
            if key not in allowed:
                hint = did_you_mean(key, allowed)
                self._refuse((*path, key), f"unknown field.{hint} Allowed here: {', '.join(allowed)}.", True)
        return entry

    def _text(self, path: Path, fields: dict, key: str) -> str:
        value = fields.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._refuse((*path, key), f"a text is wanted, not {_shown(value)}.")
            return ""
        return _one_line(value)

    def _attributes(self, path: Path, fields: dict) -> Attributes:
        entry, path = fields.get("attributes"), (*path, "attributes")
        if entry is None:
            return {}
        if not isinstance(entry, dict):
            self._refuse(path, f"a group of names with their values is wanted, not {_shown(entry)}.")
            return {}
        return {key: self._values((*path, key), values) for key, values in entry.items()}

    def _values(self, path: Path, values: object) -> tuple[str, ...]:
        listed = isinstance(values, list)
        values = values if listed else [values]
        for number, value in enumerate(values):
            if not isinstance(value, str) or not value.strip():
                where = (*path, number) if listed else path
                self._refuse(where, f"a text is wanted, not {_shown(value)}.")
        return tuple(_one_line(value) for value in values if isinstance(value, str))

    def _kinds(self, path: Path, fields: dict, own: set[str]) -> tuple[str, ...]:
        entry, path = fields.get("kinds"), (*path, "kinds")
        if entry is not None and not isinstance(entry, list):
            self._refuse(path, f"a list of names is wanted, as in `[poodle, terrier]`, not {_shown(entry)}.")
        if not isinstance(entry, list):
            return ()
        if len(entry) > MOST_KINDS:
            self._refuse(path, f"the list holds more than {MOST_KINDS}.")
        seen: set[str] = set()
        for number, kind in enumerate(entry):
            if fault := _kind_fault(kind, own, seen):
                self._refuse((*path, number), fault)
            seen |= {fold(kind)} if isinstance(kind, str) else set()
        return tuple(_one_line(kind) for kind in entry if isinstance(kind, str))

    def _check_lineage(self, name: str, categories: dict[str, Category]) -> None:
        parent, where = categories[name].parent, ("categories", name, "parent")
        if parent and parent not in categories:
            self._refuse(where, f"`{parent}` is not one of `categories`.{self._hint(parent, categories)}")
        path = _ancestors(name, categories)
        if len(path) > DEEPEST:
            self._refuse(where, f"more than {DEEPEST} categories, one above the other.")
        elif categories[path[-1]].parent == name:
            self._refuse(where, f"the category is its own ancestor: {' -> '.join((*path, name))}.")

    def _check_words(self, concepts: Iterable[Concept]) -> None:
        owners: dict[str, str] = {}
        for concept in concepts:
            for key, form in (("word", concept.word), ("plural", concept.plural)):
                owner = owners.setdefault(fold(form), concept.name) if form else concept.name
                if owner != concept.name:
                    path = ("concepts", concept.name, key)
                    self._refuse(path, f"`{form}` is already a word of `{owner}`.")
                    break

    def _hint(self, word: str, names: Iterable[str]) -> str:
        # Nobody reads more, and looking for the nearest name takes time.
        return did_you_mean(word, names) if len(self.problems) < SHOWN else ""

    def _refuse(self, path: Path, message: str, at_key: bool = False) -> None:
        self.problems.append(self.document.problem(path, message, at_key=at_key))


def unknown_names(chosen: Sequence[str] | None, known: Iterable[str]) -> list[int]:
    """Return the positions of chosen names that are not known."""
    known = set(known)
    return [number for number, name in enumerate(chosen or []) if name not in known]


def _one_line(text: str) -> str:
    return compose(" ".join(text.split()))


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a group of fields"
    if value is None or value == "":
        return "nothing"
    return f"{str(value).lower()}; put it in quotes if it is a word"


def _kind_fault(kind: object, own: set[str], seen: set[str]) -> str:
    if not isinstance(kind, str) or not kind.strip():
        return f"a text is wanted, not {_shown(kind)}."
    if fold(kind) in own:
        return f"`{kind}` is the concept's own word; sentences about it have to name that."
    return f"`{kind}` is repeated." if fold(kind) in seen else word_fault(kind)


def _merge(inherited: Attributes, own: Attributes) -> Attributes:
    keys = dict.fromkeys((*inherited, *own))
    return {key: tuple(dict.fromkeys((*inherited.get(key, ()), *own.get(key, ())))) for key in keys}


def _ancestors(name: str, categories: dict[str, Category]) -> list[str]:
    path: list[str] = []
    while name in categories and name not in path and len(path) <= DEEPEST:
        path.append(name)
        name = categories[name].parent
    return path
