"""The grammar over a lexicon: drafts of facts, stories, follow-ups and comparisons."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from golgi.concepts import frames
from golgi.concepts.frames import Frame
from golgi.concepts.lexicon import Concept, Lexicon
from golgi.concepts.telling import ATTRIBUTES, Telling, pick, predicates, takes
from golgi.errors import GolgiError

FEWEST = 4  # things to say of a concept, so that a sentence does not repeat itself
PATIENCE = 300  # drafts in a row that are not accepted, before giving up
BY_CATEGORY = 0.25  # share of comparisons that name the category


class Draft(NamedTuple):
    """A text about some concepts, the frame it was built from, and whether the concepts are plural in it."""

    text: str
    frame: str
    concepts: tuple[Concept, ...]
    plural: bool = False


class Grammar:
    """Drafts sentences about the concepts of a lexicon.

    Raises GolgiError naming every concept that has too few of the attributes that the frames speak of.
    """

    def __init__(self, lexicon: Lexicon, concepts: Sequence[Concept]):
        _check_attributes(concepts)
        self.concepts = tuple(concepts)
        self._frames = {concept.name: _usable_frames(concept) for concept in concepts}
        self._shared = _shared_traits(concepts)
        self._forms = {concept.name: _forms(concept) for concept in lexicon.concepts}
        self._every_form = frozenset().union(*self._forms.values())
        self._longest = max(form.count(" ") + 1 for form in self._every_form)

    def fact(self, concept: Concept, generator: np.random.Generator) -> Draft:
        """A generic statement, in the present."""
        frame = pick(self._frames[concept.name]["fact"], generator)
        return _draft(frame, concept, _plural(frame, generator), "present", generator)

    def story(self, concept: Concept, generator: np.random.Generator) -> Draft:
        """A scene of one or two sentences with people in it, in the past."""
        opening = pick(self._frames[concept.name]["opening"], generator)
        ending = pick(self._frames[concept.name]["ending"], generator)
        text = f"{opening.text} {ending.text}".strip()
        plural = _plural(opening, generator) and ending.number != "one"
        return _draft(Frame(f"{opening.name}+{ending.name}", text), concept, plural, "past", generator)

    def follow_up(self, draft: Draft, kind: str, generator: np.random.Generator) -> Draft:
        """A sentence that goes on about the draft's concept with a pronoun, after a `fact` or a `story`."""
        concept = draft.concepts[0]
        frame = pick(self._frames[concept.name][f"after {kind}"], generator)
        tense = "present" if kind == "fact" else "past"
        return _draft(frame, concept, draft.plural, tense, generator)

    def has_company(self, concept: Concept) -> bool:
        """Whether another concept shares a trait with this one."""
        return bool(self._shared[concept.name])

    def comparison(self, concept: Concept, generator: np.random.Generator) -> Draft:
        """A statement that another concept shares a trait, or the category, with this one."""
        other, attribute, value = pick(self._shared[concept.name], generator)
        narrowed, group = replace(concept, attributes={attribute: (value,)}), frames.SHARED
        if other.category == concept.category and generator.random() < BY_CATEGORY:
            narrowed, group = concept, frames.RELATED
        frame = pick(group, generator)
        draft = _draft(frame, narrowed, _plural(frame, generator), "present", generator, other)
        return draft._replace(concepts=(concept, other))

    def until(self, accepts: Callable[[str], bool], draft: Callable[..., Draft], *arguments: object) -> Draft:
        """The first of `draft(*arguments)` that is accepted and names no concept but its own.

        Raises GolgiError after 300 drafts without one.
        """
        for _ in range(PATIENCE):
            drafted = draft(*arguments)
            if accepts(drafted.text) and not self._names_others(drafted):
                return drafted
        raise GolgiError(
            f"concept `{drafted.concepts[0].name}`: in {PATIENCE} drafts no new sentence that names no other "
            f"concept; the last one was: {drafted.text} Perhaps it has too few attributes, or their values "
            "are other concepts' words."
        )

    def _names_others(self, draft: Draft) -> bool:
        words = re.findall(r"\w+", draft.text.casefold())
        found = self._every_form.intersection(words)
        for length in range(2, self._longest + 1):
            windows = zip(*(words[start:] for start in range(length)))
            found |= self._every_form.intersection(map(" ".join, windows))
        return not found <= frozenset().union(*(self._forms[concept.name] for concept in draft.concepts))


def _draft(
    frame: Frame,
    concept: Concept,
    plural: bool,
    tense: str,
    generator: np.random.Generator,
    other: Concept | None = None,
) -> Draft:
    text = Telling(concept, generator, plural, tense, other).tell(frame.text)
    return Draft(text, frame.name, (concept,), plural)


def _plural(frame: Frame, generator: np.random.Generator) -> bool:
    return frame.number == "many" or (frame.number == "either" and generator.random() < 0.5)


def _check_attributes(concepts: Collection[Concept]) -> None:
    poor = [
        concept.name
        for concept in concepts
        if min(len(predicates(concept, table)) for table in frames.PREDICATES) < FEWEST
        or not all(takes(concept, need) for need in ("{people:base:a}", "{thing}"))
    ]
    if poor:
        raise GolgiError(
            f"concepts {', '.join(poor)}: sentences from the templates of Microworld need attributes, for "
            f"each concept `people`, one of {', '.join(frames.ADJECTIVES)}, and {FEWEST} values or more of "
            "`does`, `has`, `quality` and `size`. The attributes that the templates know are "
            f"{', '.join(ATTRIBUTES)}."
        )


def _usable_frames(concept: Concept) -> dict[str, tuple[Frame, ...]]:
    groups = {
        "fact": frames.FACTS,
        "opening": frames.OPENINGS,
        "ending": frames.ENDINGS,
        "after fact": frames.AFTER_FACT,
        "after story": frames.AFTER_STORY,
    }
    return {
        name: tuple(frame for frame in group if takes(concept, frame.text) for _ in range(frame.weight))
        for name, group in groups.items()
    }


def _forms(concept: Concept) -> frozenset[str]:
    return frozenset(" ".join(re.findall(r"\w+", form.casefold())) for form in (concept.word, concept.plural))


def _shared_traits(concepts: Collection[Concept]) -> dict[str, list[tuple[Concept, str, str]]]:
    holders: dict[tuple[str, str], list[Concept]] = {}
    for concept in concepts:
        for predicate in predicates(concept, "trait"):
            holders.setdefault((predicate.attribute, predicate.value), []).append(concept)
    shared: dict[str, list[tuple[Concept, str, str]]] = {concept.name: [] for concept in concepts}
    for (attribute, value), owners in holders.items():
        for concept in owners:
            shared[concept.name] += [(other, attribute, value) for other in owners if other is not concept]
    return shared
