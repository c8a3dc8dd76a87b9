"""What Microworld says about a thing: predicates, the frames around them, names and times.

A frame is English with gaps. `[be]` is a verb that agrees with the subject in number and tense; `{quality}`
and the other attributes of the lexicon are filled with one of the concept's values. Verb phrases agree with
the subject unless they say their form (`{does:base}`), and those of people say their object too:
`{people:past:a}` is "fed a horse". The remaining gaps:

    {subject} {most} {a} {the} {thing}   the concept as a generic, a quantified, or a described noun phrase
    {one} {many} {category}              bare words
    {trait} {general} {scene}            a predicate from the tables below; `:two` is two of them
                                         with `and`, `:one` one in the singular
    {it} {name} {friend} {she} {her} {time} {opener}

No frame belongs to a category: which frames a concept takes depends on the attributes it has.
"""

from typing import NamedTuple


class Frame(NamedTuple):
    """A named sentence with gaps; `number` is `one`, `many` or `either`, `weight` how often it is used."""

    name: str
    text: str
    number: str = "either"
    weight: int = 1


# What is simply so, by attribute.
TRAITS = {
    "does": ("{does}",),
    "habit": ("{habit}",),
    "has": ("[have] {has}",),
    "quality": ("[be] {quality}",),
    "size": ("[be] {size}",),
}
# What may be so, and what is simply so: for subjects without a quantifier.
GENERALS = TRAITS | {
    "does": ("{does}", "can {does:base}"),
    "colour": ("can be {colour}", "[be] often {colour}"),
    "material": ("can be made of {material}", "[be] often made of {material}"),
    "place": ("can be found {place}", "[be] often {place}"),
}
# What was so, once.
SCENES = {
    "does": ("{does}",),
    "has": ("[have] {has}",),
    "quality": ("[be] {quality}",),
    "size": ("[be] {size}",),
    "colour": ("[be] {colour}",),
    "material": ("[be] made of {material}",),
}
PREDICATES = {"trait": TRAITS, "general": GENERALS, "scene": SCENES}

FACTS = (
    Frame("plain", "{subject} {general}.", weight=3),
    Frame("two", "{subject} {general:two}.", weight=5),
    Frame("most", "{most} {trait:two}.", "many", weight=3),
    Frame("known", "{opener} {subject} {general}.", weight=4),
    Frame("known-two", "{opener} {subject} {general:two}.", weight=5),
    Frame("kind", "{subject} [be] a kind of {category}."),
    Frame("kind-that", "{subject} [be] a kind of {category} that {trait:one}.", weight=2),
    Frame("kind-known", "{opener} {subject} [be] a kind of {category}."),
    Frame("people", "people {people:base:many}.", "many"),
    Frame("persons", "{person:many} {people:base:many}.", "many"),
    Frame("person", "a {person} may {people:base:a}, and it {trait}.", "one", weight=2),
    Frame("can", "you can {people:base:a}, and it {general}.", "one", weight=2),
    Frame("place", "{place}, you may find {a} that {trait}.", "one", weight=2),
    Frame("season", "in {season}, you often see {many}.", "many"),
    Frame("like", "some people like {many} because they {trait:two}.", "many", weight=2),
    Frame("guess", "if something {trait:two}, it may be {a}.", "one", weight=2),
    Frame("riddle", "what {trait:two}? {a}.", "one"),
)

# A story is an opening, and perhaps an ending.
OPENINGS = (
    Frame("find", "{time}, {name} found {thing} {place}.", weight=3),
    Frame("look", "{name} looked at {thing} {place}.", weight=2),
    Frame("did", "{time}, {name} {people:past:a}.", "one", weight=3),
    Frame("together", "together with {friend}, {name} {people:past:a}.", "one", weight=2),
    Frame("wish", "{time}, {name} wanted to {people:base:a}.", "one", weight=2),
    Frame("picture", "{name} drew a picture of {thing}.", weight=2),
    Frame("dream", "{time}, {name} dreamed of {a} that {scene}.", "one", weight=2),
    Frame("show", "{time}, the {person} showed {name} {thing}.", weight=3),
    Frame("while", "{time}, {the} {does} while {name} watched."),
    Frame("liked", "{name} liked {the} because {it} {scene}.", weight=2),
    Frame("said", '"this {one} is {quality}," said the {person} to {name}.', "one"),
    Frame("people", "{time}, the {person} {people:past:a} while {name} watched.", "one"),
)
ENDINGS = (
    Frame("alone", "", weight=5),
    Frame("scene", "{it} {scene}.", weight=3),
    Frame("scenes", "{it} {scene:two}.", weight=4),
    Frame("want", "{she} wanted to {people:base:it}.", weight=2),
    Frame("then", "then {she} {people:past:it}."),
    Frame("let", "the {person} let {her} {people:base:it}."),
    Frame("ask", '"can we {people:base:it}?" {she} asked.'),
    Frame("what", '"what a {quality} {one}!" {she} said.', "one"),
    Frame("glad", "{she} was glad that {it} {scene}."),
)

# What a paragraph goes on with, when the concept has just been named.
AFTER_FACT = (
    Frame("more", "{it} {general}.", weight=2),
    Frame("more-two", "{it} {general:two}.", weight=2),
    Frame("people-too", "people {people:base:it}."),
    Frame("persons-too", "{person:many} {people:base:it}."),
)
AFTER_STORY = (
    Frame("then-scene", "{it} {scene}.", weight=2),
    Frame("then-scenes", "{it} {scene:two}.", weight=2),
)

# Two things that share a trait, or a category; `{other}` is the second one.
SHARED = (
    Frame("both", "both {many} and {other:many} {trait}.", "many", weight=2),
    Frame("known-both", "{opener} both {many} and {other:many} {trait}.", "many", weight=3),
    Frame("like", "like {other:a}, {a} {trait}.", "one", weight=2),
    Frame("just-like", "{many} {trait}, just like {other:many}.", "many", weight=2),
    Frame("known-just-like", "{opener} {many} {trait}, just like {other:many}.", "many", weight=3),
    Frame("too", "{a} {trait}, and {other:a} {trait} too.", "one"),
)
RELATED = (
    Frame("kinds", "{many} and {other:many} are kinds of {category}.", "many"),
    Frame("known-kinds", "{opener} {many} and {other:many} are kinds of {category}.", "many"),
    Frame("so-is", "{a} is a kind of {category}, and so is {other:a}.", "one"),
    Frame("known-so-is", "{opener} {a} is a kind of {category}, and so is {other:a}.", "one"),
)

SUBJECTS = {"one": ("a {one}", "the {one}"), "many": ("{many}", "{many}")}
QUANTIFIED = ("most {many}", "many {many}", "nearly all {many}", "all {many}")
THINGS = {"one": ("a {adjective} {one}",), "many": ("two {adjective} {many}", "some {adjective} {many}")}
ADJECTIVES = ("quality", "size", "colour")
OPENERS = (
    "everybody knows that",
    "people say that",
    "it is true that",
    "children learn that",
    "the book says that",
    "we all know that",
    "my mother told me that",
    "it is good to know that",
    "you may have heard that",
    "as a rule,",
    "of course,",
    "remember that",
)
TIMES = (
    "one day",
    "one morning",
    "one evening",
    "yesterday",
    "last week",
    "on Monday",
    "on Friday",
    "on Sunday",
    "after lunch",
    "before school",
    "on the way home",
    "early in the day",
    "one {season} day",
    "one {season} morning",
)
SHE = ("Anna", "Mia", "Lucy", "Ella", "Nora", "Sara", "Emma", "Ruth", "Kate", "Maya", "Zoe", "Julia")
HE = ("Tom", "Ben", "Sam", "Jack", "Leo", "Max", "Paul", "Adam", "Noah", "Omar", "David", "Luke")
CAST = (*((name, "she", "her") for name in SHE), *((name, "he", "him") for name in HE))
