"""Fill the gaps of Microworld's frames with what is true of a concept."""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from golgi.concepts import frames
from golgi.concepts.lexicon import Concept
from golgi.concepts.phrases import (
    Gap,
    finish,
    inflect,
    join,
    parse,
    parts_of_many,
    past,
    pluralise,
    third_person,
)

ATTRIBUTES = (
    "does",
    "habit",
    "has",
    "quality",
    "size",
    "colour",
    "material",
    "place",
    "people",
    "person",
    "season",
)
EXCLUSIVE = (
    "size",
    "colour",
    "material",
    "place",
    "season",
)  # one value of these in a sentence, lest two contradict
TRIES = 12  # at finding something not yet said, before repeating it


class Predicate(NamedTuple):
    """One thing that can be said of a concept, in one or more wordings."""

    attribute: str
    value: str
    wordings: tuple[str, ...]


def pick(options: Sequence, generator: np.random.Generator):
    """One of the options, each as likely as the others; the quick way, since it is called for every gap."""
    return options[int(generator.random() * len(options))]


@cache
def predicates(concept: Concept, table: str) -> tuple[Predicate, ...]:
    """All that a table of predicates (`trait`, `general` or `scene`) lets us say of a concept."""
    return tuple(
        Predicate(attribute, value, wordings)
        for attribute, wordings in frames.PREDICATES[table].items()
        for value in concept.attributes.get(attribute, ())
    )


def takes(concept: Concept, frame: str) -> bool:
    """Whether the concept has the attributes that the frame's gaps ask for."""
    names = {part.name for part in parse(frame) if isinstance(part, Gap)}
    if "thing" in names and not any(concept.attributes.get(name) for name in frames.ADJECTIVES):
        return False
    if any(not predicates(concept, name) for name in names.intersection(frames.PREDICATES)):
        return False
    return all(concept.attributes.get(name) for name in names.intersection(ATTRIBUTES))


class Telling:
    """One telling about a concept: its number and tense, its people, and what has been said already."""

    def __init__(
        self,
        concept: Concept,
        generator: np.random.Generator,
        plural: bool,
        tense: str,
        other: Concept | None = None,
    ):
        self.concept, self.generator, self.plural, self.tense, self.other = (
            concept,
            generator,
            plural,
            tense,
            other,
        )
        self._said: set = set()
        self._person = ""
        self._people: list[tuple[str, str, str]] = []

    def tell(self, frame: str) -> str:
        """The frame with its gaps filled, as finished English."""
        return finish(self._fill(frame, self.plural))

    def _pick(self, options: Sequence):
        return pick(options, self.generator)

    def _fill(self, frame: str, plural: bool) -> str:
        return "".join(part if isinstance(part, str) else self._gap(part, plural) for part in parse(frame))

    def _gap(self, gap: Gap, plural: bool) -> str:
        if gap.verb:
            return inflect(gap.name, self.tense, plural)
        if gap.name in frames.PREDICATES and gap.form == "two":
            return join(self._predicate(gap.name, plural), self._predicate(gap.name, plural))
        if gap.name in frames.PREDICATES:
            return self._predicate(gap.name, plural and gap.form != "one")
        if gap.name in ATTRIBUTES:
            return self._attribute(gap, plural)
        return getattr(self, f"_gap_{gap.name}")(gap)

    def _predicate(self, table: str, plural: bool) -> str:
        options = predicates(self.concept, table)
        for _ in range(TRIES):
            attribute, value, wordings = self._pick(options)
            if not self._is_said(attribute, value):
                break
        self._say(attribute, value)
        parts = parse(self._pick(wordings))
        return "".join(part if isinstance(part, str) else self._part(part, value, plural) for part in parts)

    def _part(self, gap: Gap, value: str, plural: bool) -> str:
        return inflect(gap.name, self.tense, plural) if gap.verb else self._word(gap, value, plural)

    def _attribute(self, gap: Gap, plural: bool) -> str:
        if gap.name == "person" and self._person:
            return self._word(gap, self._person, plural)
        values = self.concept.attributes[gap.name]
        for _ in range(TRIES):
            value = self._pick(values)
            if not self._is_said(gap.name, value):
                break
        self._say(gap.name, value)
        if gap.name == "person":
            self._person = value
        return self._word(gap, value, plural)

    def _is_said(self, attribute: str, value: str) -> bool:
        return (attribute if attribute in EXCLUSIVE else (attribute, value)) in self._said

    def _say(self, attribute: str, value: str) -> None:
        self._said.add(attribute if attribute in EXCLUSIVE else (attribute, value))

    def _word(self, gap: Gap, value: str, plural: bool) -> str:
        if gap.name in ("does", "habit"):
            return value if gap.form == "base" else inflect(value, self.tense, plural)
        if gap.name == "has":
            return parts_of_many(value) if plural else value
        if gap.name == "people":
            return self._done_by_people(gap, value)
        return pluralise(value) if gap.form == "many" else value

    def _done_by_people(self, gap: Gap, value: str) -> str:
        verb, space, rest = value.partition(" ")
        verb = {"base": str, "past": past, "s": third_person}[gap.form](verb)
        thing = (
            ("them" if self.plural else "it")
            if gap.object == "it"
            else getattr(self, f"_gap_{gap.object}")(gap)
        )
        return verb + space + re.sub(r"\bit\b", lambda _: thing, rest, count=1)

    def _gap_one(self, gap: Gap) -> str:
        return self.concept.word

    def _gap_many(self, gap: Gap) -> str:
        return self.concept.plural

    def _gap_a(self, gap: Gap) -> str:
        return self.concept.plural if self.plural else f"a {self.concept.word}"

    def _gap_the(self, gap: Gap) -> str:
        return f"the {self.concept.plural if self.plural else self.concept.word}"

    def _gap_it(self, gap: Gap) -> str:
        return "they" if self.plural else "it"

    def _gap_other(self, gap: Gap) -> str:
        return self.other.plural if gap.form == "many" else f"a {self.other.word}"

    def _gap_category(self, gap: Gap) -> str:
        return self.concept.category

    def _gap_subject(self, gap: Gap) -> str:
        return self._fill(self._pick(frames.SUBJECTS["many" if self.plural else "one"]), self.plural)

    def _gap_most(self, gap: Gap) -> str:
        return self._fill(self._pick(frames.QUANTIFIED), self.plural)

    def _gap_thing(self, gap: Gap) -> str:
        return self._fill(self._pick(frames.THINGS["many" if self.plural else "one"]), self.plural)

    def _gap_adjective(self, gap: Gap) -> str:
        attribute = self._pick([name for name in frames.ADJECTIVES if self.concept.attributes.get(name)])
        return self._attribute(Gap(attribute), self.plural)

    def _gap_opener(self, gap: Gap) -> str:
        return self._pick(frames.OPENERS)

    def _gap_time(self, gap: Gap) -> str:
        while True:
            time = self._pick(frames.TIMES)
            if takes(self.concept, time):
                return self._fill(time, self.plural)

    def _gap_name(self, gap: Gap) -> str:
        return self._someone(0)[0]

    def _gap_friend(self, gap: Gap) -> str:
        return self._someone(1)[0]

    def _gap_she(self, gap: Gap) -> str:
        return self._someone(0)[1]

    def _gap_her(self, gap: Gap) -> str:
        return self._someone(0)[2]

    def _someone(self, index: int) -> tuple[str, str, str]:
        while len(self._people) <= index:
            one = self._pick(frames.CAST)
            if one not in self._people:
                self._people.append(one)
        return self._people[index]
