"""From a reply of a language model to the sentences in it, whatever form it chose to write them in."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from golgi.concepts.corpus import split_sentences
from golgi.writing.cleaning import is_ended, spoken, tidy
from golgi.writing.layouts import has_letter, lay_out
from golgi.writing.phrases import declines, is_courtesy
from golgi.writing.requests import Reply, Request

# Full stops of other scripts; those of Chinese and Japanese have no space after them.
STOP = re.compile(r"(?:[。！？｡]+[”’」』）》\"]{0,4}|[।॥؟۔։]+(?=\s))(?=.)")
SHORTENED = re.compile(r"\b(?:e\.g|i\.e|cf|approx|z\.B|d\.h|p\.ej|т\.е)\.$")
LONGEST_SHORTENED = 12
OPENING, CLOSING, CRIED = frozenset('"“„«「'), frozenset('"”“»」'), frozenset("?!？！")


@dataclass(frozen=True)
class Parsed:
    """What was found in a reply: sentences in their order, and what else there was."""

    items: tuple[str, ...]
    cut: bool  # the last line broke off, and is not among the items
    refused: bool  # the model declined in place of a list
    preambles: int  # lines and sentences that only lead in or out


class Drawn(NamedTuple):
    """A reply that a round made use of, with its request and what was found in it."""

    round: int
    request: Request
    reply: Reply
    parsed: Parsed


def take_apart(number: int, request: Request, reply: Reply) -> Drawn:
    """Return the reply to a request of round `number` with what is found in it."""
    return Drawn(number, request, reply, parse_reply(reply.text, ended=reply.finish != "length"))


def parse_reply(text: str, *, ended: bool = True) -> Parsed:
    """Find the sentences in a reply; never raises, and takes time in proportion to the text.

    Items of a list (numbered in any style, with bullets, rows of a table, strings of JSON) are taken, and
    lines around it are counted as preambles; without a list, lines of prose are. Each item is split into its
    sentences, since a text of a study is one sentence. The last one is left out as cut off if it lacks the
    full stop that most others have, or any where the writer says that it had not `ended`.

    >>> parse_reply("Here are two facts:\\n1. A dog barks.\\n2. Dogs run. They swim.\\n3. A do")
    Parsed(items=('A dog barks.', 'Dogs run.', 'They swim.'), cut=True, refused=False, preambles=1)
    """
    plain, unfinished = spoken(text)
    layout = lay_out(plain)
    sentences = [sentence for piece in layout.pieces for sentence in _sentences(piece)]
    told = [one for one in sentences if not is_courtesy(one)]
    items = [one for one in told if not declines(one)]
    asides = len(layout.asides) + len(sentences) - len(told)
    if not layout.listed and any(map(declines, sentences[:2])):
        asides, items = asides + len(items), []  # what follows a refusal explains it
    said = [*map(tidy, layout.asides), *sentences]
    refused = not items and any(map(declines, said))
    cut = layout.open and bool(items) and items[-1] == sentences[-1] and _is_cut(items, ended)
    return Parsed(tuple(items[:-1] if cut else items), cut or unfinished, refused, asides)


def _is_cut(items: list[str], ended: bool) -> bool:
    *others, last = items
    if is_ended(last):
        return False
    return not ended or 2 * sum(map(is_ended, others)) > len(others)


def _sentences(piece: str) -> list[str]:
    text = STOP.sub(lambda stop: stop[0] + "\n", tidy(piece))
    joined: list[list[str]] = []
    for part in split_sentences(text):
        if joined and _belongs(joined[-1][-1], part):
            joined[-1].append(part)
        else:
            joined.append([part])
    return [sentence for parts in joined if has_letter(sentence := " ".join(parts))]


def _belongs(before: str, part: str) -> bool:
    if next(filter(str.isalpha, part), "").islower() or SHORTENED.search(before[-LONGEST_SHORTENED:]):
        return True
    # "Whose dog is this?" Mia asked.
    return before[0] in OPENING and before[-1] in CLOSING and before[-2:-1] in CRIED
