"""English in small: the forms of verbs, and frames with gaps that agree in number and tense."""

import re
from functools import cache
from typing import NamedTuple

from golgi.study.plurals import pluralise

# Past tenses that the rules do not give; a phrase's first word is its verb.
IRREGULAR = """
be was, beat beat, begin began, bite bit, blow blew, break broke, bring brought, build built, buy bought,
burn burned, catch caught, come came, cost cost, cut cut, dig dug, draw drew, drink drank, drive drove,
eat ate, fall fell, feed fed, feel felt, find found, fly flew, get got, give gave, go went, grow grew,
hang hung, have had, hear heard, hide hid, hit hit, hold held, keep kept, know knew, lay laid, lead led,
leave left, lie lay, light lit, lose lost, make made, meet met, pay paid, put put, read read,
ride rode, ring rang,
rise rose, run ran, say said, see saw, sell sold, send sent, set set, shake shook, shine shone, shut shut,
sing sang, sink sank, sit sat, sleep slept, smell smelled, speak spoke, spin spun, stand stood, steal stole,
sting stung, sweep swept, swim swam, swing swung, take took, teach taught, tell told, think thought,
throw threw, wear wore, win won, write wrote
"""
PAST = dict(pair.split() for pair in IRREGULAR.replace("\n", " ").split(","))
AUXILIARIES = {
    ("be", "present", False): "is",
    ("be", "present", True): "are",
    ("be", "past", False): "was",
    ("be", "past", True): "were",
    ("have", "present", False): "has",
}
LINKING = ("is", "are", "was", "were", "has", "have", "had")
VOWEL_SOUND = re.compile(r"(?=[aeiou]|hour|honest)(?!uni|use|usu|eu|one)", re.IGNORECASE)
ARTICLE = re.compile(r"\b([Aa]) (?=(\w+))")
START = re.compile(r"(^\W*|[.?!] \W*)([a-z])")
GAP = re.compile(r"\{([\w ]+)(?::(\w+))?(?::(\w+))?\}|\[(\w+)\]")


class Gap(NamedTuple):
    """A gap of a frame: `{name:form:object}`, or `[verb]` for a verb that agrees with the subject."""

    name: str
    form: str = ""
    object: str = ""
    verb: bool = False


@cache
def parse(frame: str) -> tuple[str | Gap, ...]:
    """Split a frame into plain text and gaps."""
    parts: list[str | Gap] = []
    start = 0
    for match in GAP.finditer(frame):
        name, form, thing, verb = match.groups()
        parts += [frame[start : match.start()], Gap(verb or name, form or "", thing or "", bool(verb))]
        start = match.end()
    return tuple(part for part in (*parts, frame[start:]) if part)


@cache
def inflect(phrase: str, tense: str, plural: bool) -> str:
    """A verb phrase in the present or past, for one or many: "carry people" -> "carries people".

    Only the first word is inflected: a phrase with two verbs is better written as two phrases.
    """
    verb, space, rest = phrase.partition(" ")
    known = AUXILIARIES.get((verb, tense, plural))
    if known is None:
        known = past(verb) if tense == "past" else verb if plural else third_person(verb)
    return known + space + rest


def third_person(verb: str) -> str:
    """Present tense with he, she or it: carry -> carries, wash -> washes, go -> goes."""
    if re.search(r"(s|x|z|ch|sh|o)$", verb):
        return verb + "es"
    return re.sub(r"(?<=[^aeiou])y$", "ie", verb) + "s"


def past(verb: str) -> str:
    """Past tense: carry -> carried, stop -> stopped, ride -> rode."""
    if verb in PAST:
        return PAST[verb]
    if verb.endswith("e"):
        return verb + "d"
    if re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", verb):
        return verb + verb[-1] + "ed"
    return re.sub(r"(?<=[^aeiou])y$", "i", verb) + "ed"


@cache
def parts_of_many(phrase: str) -> str:
    """What several things have, where each has `phrase`: "a long neck" -> "long necks"; "wings" stays."""
    head = re.fullmatch(r"an? (.*)", phrase)
    return pluralise(head.group(1)) if head else phrase


def join(first: str, second: str) -> str:
    """Two predicates with `and`, the verb once: "is red" and "is soft" -> "is red and soft"."""
    verb, _, rest = second.partition(" ")
    shared = verb in LINKING and first.startswith(verb + " ")
    return f"{first} and {rest if shared else second}"


def finish(text: str) -> str:
    """Put `an` before vowel sounds and capital letters at the start of sentences."""
    text = ARTICLE.sub(_article, text)
    return START.sub(lambda match: match[1] + match[2].upper(), text)


def _article(match: re.Match) -> str:
    return match[1] + ("n " if VOWEL_SOUND.match(match[2]) else " ")
