"""Concepts of a lexicon at work: found in texts, chosen for a study, compared with each other."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np

from golgi.errors import GolgiError
from golgi.study.lexicon import Category, Concept, Lexicon, load_lexicon
from golgi.study.problems import did_you_mean

__all__ = [
    "Category",
    "Concept",
    "Lexicon",
    "attribute_similarity",
    "load_lexicon",
    "select",
    "tree_similarity",
    "word_pattern",
]

LETTER = r"[^\W_]"
# Vowel signs and accents belong to the letter before them, which `\w` does not know. They cost time in every
# search, so only words that are not ASCII look out for them.
MARKS = "".join(mark for mark in map(chr, range(0x300, 0x10000)) if unicodedata.category(mark)[0] == "M")
LETTER_OR_MARK = rf"(?:{LETTER}|[{MARKS}])"


def word_pattern(concept: Concept) -> re.Pattern:
    """Pattern of the word and its plural: whole words, in any case; a space is white space or a hyphen."""
    forms = sorted({concept.word, concept.plural}, key=len, reverse=True)
    alternatives = "|".join(r"[\s‐‑-]+".join(map(re.escape, form.split())) for form in forms)
    letter = LETTER if "".join(forms).isascii() else LETTER_OR_MARK
    return re.compile(rf"(?<!{letter})(?:{alternatives})(?!{letter})", re.IGNORECASE)


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
    outside = sorted(set(only) - {concept.name for concept in lexicon.selected(categories, None)})
    if outside:
        raise GolgiError(f"concepts {', '.join(outside)} are not in the categories {', '.join(categories)}.")
    chosen = lexicon.selected(categories, only)
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


def _check_known(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise GolgiError(f"{kind} `{name}` is not in the lexicon.{did_you_mean(name, known)}")


def _attribute_pairs(concept: Concept) -> set[tuple[str, str]]:
    return {(key, value) for key, values in concept.attributes.items() for value in values}


def _shared_depth(first: Sequence[str], second: Sequence[str]) -> int:
    depth = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        depth += 1
    return depth
