"""The lexicon: which concepts a study is about, the sense that is meant, and how they are related."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml

from golgi.concepts.phrases import pluralise
from golgi.errors import GolgiError

CONCEPT_FIELDS = ("word", "plural", "category", "part_of_speech", "gloss", "attributes")
CATEGORY_FIELDS = ("parent", "gloss", "attributes")
FILE_FIELDS = ("categories", "concepts", "part_of_speech")

Attributes = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Concept:
    """A sense of a word: what it is called, what is meant, what it belongs to, what is true of it."""

    name: str
    word: str
    plural: str
    category: str
    part_of_speech: str
    gloss: str
    attributes: Attributes = field(default_factory=dict, hash=False)


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

    @cached_property
    def by_name(self) -> dict[str, Concept]:
        """The concepts by their names."""
        return {concept.name: concept for concept in self.concepts}

    def lineage(self, concept: str) -> list[str]:
        """Names of a concept's categories from the nearest to the top."""
        return _ancestors(self.by_name[concept].category, {one.name: one for one in self.categories})


def load_lexicon(path: Path | str) -> Lexicon:
    """Read a lexicon (YAML); attributes of a category hold for each of its concepts.

    Raises GolgiError, naming the file and all its faults at once: unknown or missing fields, a missing gloss,
    an unknown category, a category that is its own ancestor, a word that two concepts share.
    """
    document = _read(Path(path))
    faults: list[str] = []
    inherited: dict[str, Attributes] = {}
    categories = _categories(document.get("categories"), inherited, faults)
    for name in categories:
        _check_lineage(name, categories, faults)
    concepts = _concepts(document, inherited, faults)
    for concept in concepts.values():
        if concept.category and concept.category not in categories:
            hint = nearest(concept.category, categories)
            faults.append(f"concept `{concept.name}`: `{concept.category}` is not one of `categories`.{hint}")
    _check_words(concepts.values(), faults)
    if faults:
        raise GolgiError("\n".join(f"{path}: {fault}" for fault in faults))
    return Lexicon(tuple(concepts.values()), tuple(categories.values()))


def word_pattern(concept: Concept) -> re.Pattern:
    """Pattern of the word and its plural: whole words, in any case; a space matches any white space."""
    forms = sorted({concept.word, concept.plural}, key=len, reverse=True)
    alternatives = "|".join(r"\s+".join(map(re.escape, form.split())) for form in forms)
    return re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)


def select(
    lexicon: Lexicon, categories: Sequence[str] | None = None, only: Sequence[str] | None = None
) -> list[Concept]:
    """Concepts of the categories (or of categories below them), narrowed to `only`, in the file's order.

    No `categories` means all of them, no `only` every concept of them. Raises GolgiError for a name that
    the lexicon does not have, a concept outside the chosen categories, and an empty choice.
    """
    categories, only = categories or (), only or ()
    _check_known("category", categories, [category.name for category in lexicon.categories])
    _check_known("concept", only, lexicon.by_name)
    wanted = set(categories)
    chosen = [c for c in lexicon.concepts if not wanted or wanted & set(lexicon.lineage(c.name))]
    outside = sorted(set(only) - {concept.name for concept in chosen})
    if outside:
        raise GolgiError(f"concepts {', '.join(outside)} are not in the categories {', '.join(categories)}.")
    chosen = [concept for concept in chosen if not only or concept.name in only]
    if not chosen:
        raise GolgiError(f"no concept of the lexicon is in the categories {', '.join(categories)}.")
    return chosen


def attribute_similarity(lexicon: Lexicon, names: Sequence[str]) -> np.ndarray:
    """Jaccard index of the concepts' (attribute, value) pairs, [concept, concept]; 1 on the diagonal.

    Raises GolgiError where a named concept has no attributes: its similarity to the others is not known.
    """
    _check_known("concept", names, lexicon.by_name)
    bare = [name for name in names if not lexicon.by_name[name].attributes]
    if bare:
        raise GolgiError(f"concepts without attributes have no attribute similarity: {', '.join(bare)}.")
    pairs = [_attribute_pairs(lexicon.by_name[name]) for name in names]
    return np.array([[len(a & b) / len(a | b) for b in pairs] for a in pairs])


def tree_similarity(lexicon: Lexicon, names: Sequence[str]) -> np.ndarray:
    """Similarity in the tree, [concept, concept]: twice the shared depth over the summed depths.

    Depth counts the categories from the top down and the concept itself as the leaf (Wu and Palmer 1994, with
    no common root: two trees share nothing); 1 on the diagonal.
    """
    _check_known("concept", names, lexicon.by_name)
    paths = [(*reversed(lexicon.lineage(name)), name) for name in names]
    kept = [[_shared_depth(a, b) for b in paths] for a in paths]
    depths = np.array([len(path) for path in paths])
    return 2.0 * np.array(kept) / (depths[:, None] + depths[None, :])


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint ` Did you mean ...?` with the nearest known name, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean `{close[0]}`?" if close else ""


class _StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, since the first would be lost."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                line = node.value[index][0].start_mark.line + 1
                raise yaml.YAMLError(f"line {line}: `{key}` is given twice")
        return super().construct_mapping(node, deep)


def _read(path: Path) -> dict:
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise GolgiError(f"{path}: the lexicon cannot be read ({error}).") from error
    except yaml.YAMLError as error:
        raise GolgiError(f"{path}: the lexicon is not valid YAML: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("concepts"), dict):
        raise GolgiError(f"{path}: a lexicon has `categories` and `concepts`, each a mapping of names.")
    unknown = [key for key in document if key not in FILE_FIELDS]
    if unknown:
        raise GolgiError(f"{path}: `{unknown[0]}` is not a field of a lexicon ({', '.join(FILE_FIELDS)}).")
    return document


def _categories(entries: object, inherited: dict[str, Attributes], faults: list[str]) -> dict[str, Category]:
    if not isinstance(entries, dict):
        faults.append("`categories` is missing, or not a mapping of names.")
        return {}
    categories = {}
    for name, entry in entries.items():
        label = f"category `{name}`"
        entry = _entry(label, name, {} if entry is None else entry, CATEGORY_FIELDS, faults)
        inherited[str(name)] = _attributes(label, entry.get("attributes"), faults)
        text = {key: _text(label, key, entry, faults) for key in ("parent", "gloss")}
        categories[str(name)] = Category(str(name), **text)
    return categories


def _concepts(document: dict, inherited: dict[str, Attributes], faults: list[str]) -> dict[str, Concept]:
    concepts = {}
    for name, entry in document["concepts"].items():
        label = f"concept `{name}`"
        entry = _entry(label, name, entry, CONCEPT_FIELDS, faults)
        entry = {"word": str(name), "part_of_speech": document.get("part_of_speech"), **entry}
        for key in ("gloss", "category", "part_of_speech"):
            if not entry.get(key):
                faults.append(f"{label}: `{key}` is missing.")
        text = {key: _text(label, key, entry, faults) for key in CONCEPT_FIELDS[:-1]}
        text["plural"] = text["plural"] or pluralise(text["word"])
        own = _attributes(label, entry.get("attributes"), faults)
        attributes = _merge(inherited.get(text["category"], {}), own)
        concepts[str(name)] = Concept(str(name), **text, attributes=attributes)
    return concepts


def _entry(label: str, name: object, entry: object, fields: Sequence[str], faults: list[str]) -> dict:
    if not isinstance(name, str):
        faults.append(f"{label}: YAML reads this name as {type(name).__name__}; put it in quotes.")
    if not isinstance(entry, dict):
        faults.append(f"{label}: expected fields ({', '.join(fields)}), got {entry!r}.")
        return {}
    for key in entry:
        if key not in fields:
            faults.append(f"{label}: `{key}` is not a field.{nearest(str(key), fields)}")
    return {key: value for key, value in entry.items() if key in fields}


def _text(label: str, key: str, entry: dict, faults: list[str]) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        faults.append(f"{label}: `{key}` must be text, got {value!r}; put it in quotes if it is a word.")
        return ""
    return " ".join(value.split())


def _attributes(label: str, entry: object, faults: list[str]) -> Attributes:
    if entry is None:
        return {}
    if not isinstance(entry, dict):
        faults.append(f"{label}: `attributes` must map names to values, got {entry!r}.")
        return {}
    attributes = {}
    for key, values in entry.items():
        values = values if isinstance(values, list) else [values]
        wrong = [value for value in values if not isinstance(value, str)]
        if wrong:
            faults.append(f"{label}: attribute `{key}` must be text, got {wrong[0]!r}; put it in quotes.")
        attributes[str(key)] = tuple(value for value in values if isinstance(value, str))
    return attributes


def _merge(inherited: Attributes, own: Attributes) -> Attributes:
    keys = dict.fromkeys((*inherited, *own))
    return {key: tuple(dict.fromkeys((*inherited.get(key, ()), *own.get(key, ())))) for key in keys}


def _ancestors(name: str, categories: dict[str, Category]) -> list[str]:
    path: list[str] = []
    while name in categories and name not in path:
        path.append(name)
        name = categories[name].parent
    return path


def _check_lineage(name: str, categories: dict[str, Category], faults: list[str]) -> None:
    parent = categories[name].parent
    if parent and parent not in categories:
        faults.append(f"category `{name}`: parent `{parent}` is not a category.{nearest(parent, categories)}")
    path = _ancestors(name, categories)
    if categories[path[-1]].parent == name:
        faults.append(f"category `{name}` is its own ancestor: {' -> '.join((*path, name))}.")


def _check_words(concepts: Iterable[Concept], faults: list[str]) -> None:
    owner: dict[str, str] = {}
    for concept in concepts:
        for form in {concept.word.casefold(): None, concept.plural.casefold(): None}:
            if owner.setdefault(form, concept.name) != concept.name:
                faults.append(
                    f"concept `{concept.name}`: the word `{form}` is already that of `{owner[form]}`."
                )


def _check_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise GolgiError(f"{kind} `{name}` is not in the lexicon.{nearest(name, known)}")


def _attribute_pairs(concept: Concept) -> set[tuple[str, str]]:
    return {(key, value) for key, values in concept.attributes.items() for value in values}


def _shared_depth(first: Sequence[str], second: Sequence[str]) -> int:
    depth = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        depth += 1
    return depth
