"""What to look at twice before a language model writes: senses, glosses, prompts, keys, what may move."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path as FilePath
from urllib.parse import urlsplit

import yaml

from golgi.study.addresses import on_this_machine
from golgi.study.checked import Checked
from golgi.study.lexicon import Concept
from golgi.study.problems import Path, Problem, StudyError
from golgi.study.prompts import load_prompt, variables_of
from golgi.study.schema import study_schema
from golgi.study.words import fold
from golgi.study.writing import SETTINGS, TOKENS_PER_ITEM
from golgi.study.writing_checks import SOURCE, TRANSCRIPTS, llm_of, prompts_of

SHOWN_GLOSS = 100
MOST_NAMED = 5
FIRST_SENSES = FilePath(__file__).with_name("first_senses.yaml")
COMMIT = re.compile(r"[0-9a-f]{40}")
WORD = re.compile(r"[^\W_]+")


@cache
def first_senses() -> dict[str, str]:
    """Return nouns whose first sense in WordNet 3.0 is not the everyday one, with a paraphrase of it."""
    return yaml.safe_load(FIRST_SENSES.read_text(encoding="utf-8"))


def first_senses_meant(checked: Checked) -> Iterator[Problem]:
    """Yield a warning for each word whose first sense in a dictionary is not the everyday one."""
    for concept in checked.concepts if llm_of(checked) else []:
        if sense := _trap_of(concept):
            message = (
                f"`{concept.name}`: the first dictionary sense is {sense}; the gloss says "
                f'"{_short(concept)}". See that it is the sense you mean.'
            )
            yield checked.problem(_place(checked, concept.name), message)


def prompts_tell_enough(checked: Checked) -> Iterator[Problem]:
    """Yield a warning for each prompt that leaves open which sense is meant, or how many sentences are."""
    missing = {
        "gloss": "does not mention `gloss`: nothing tells the model which sense of a word is meant",
        "number": "does not mention `number`: nothing tells the model how many sentences are wanted",
    }
    for kind, file in prompts_of(checked).items():
        try:
            known = variables_of(load_prompt(file))
        except StudyError:
            continue
        for variable, message in missing.items():
            if variable not in known:
                yield checked.problem((*SOURCE, "prompts", kind), f"{file} {message}.")


def glosses_name_no_others(checked: Checked) -> Iterator[Problem]:
    """Yield one warning for all glosses that name another concept of the study, where such sentences go."""
    llm = llm_of(checked)
    if not llm or not llm["gates"]["others"]:
        return
    found = list(_named_in_glosses(checked.concepts))
    if found:
        message = (
            "sentences that name another concept are left out, and these glosses, which the prompts give, "
            f"name one: {_listed([f'{name} ({other})' for name, other in found])}. Word them otherwise."
        )
        yield checked.problem((*SOURCE, "gates", "others"), message)


def forms_that_count(checked: Checked) -> Iterator[Problem]:
    """Yield one warning for all concepts that are no nouns: few of their forms are found."""
    others = [one for one in checked.concepts if one.part_of_speech != "noun"] if llm_of(checked) else []
    if others:
        listed = _listed([f"{one.name} ({one.part_of_speech})" for one in others])
        message = (
            f"not nouns: {listed}. Only the word itself and its `plural` count as naming a concept; "
            "sentences with any other form, such as a verb in the past tense, are left out."
        )
        yield checked.problem(("concepts", "lexicon"), message)


def prompts_in_the_language(checked: Checked) -> Iterator[Problem]:
    """Yield a warning for each shipped prompt, which is English, where another language is wanted."""
    llm = llm_of(checked)
    if not llm or llm["language"] == "en":
        return
    fields = study_schema()["$defs"]["llm"]["properties"]["prompts"]["properties"]
    for kind, file in prompts_of(checked).items():
        if os.path.realpath(file) == os.path.realpath(fields[kind]["default"]):
            message = (
                f"{file} is English, and names no language; sentences are to be in `{llm['language']}`. Name "
                "a prompt of your own."
            )
            yield checked.problem((*SOURCE, "prompts", kind), message)


def prompts_not_swapped(checked: Checked) -> Iterator[Problem]:
    """Yield a warning for each prompt whose file is called after the other kind."""
    telling = {"fact": "fact", "story": "stor"}
    for kind, file in prompts_of(checked).items():
        name, other = os.path.basename(file).lower(), "story" if kind == "fact" else "fact"
        if telling[other] in name and telling[kind] not in name:
            message = f"{file} is called as if it asked for {'stories' if kind == 'fact' else 'facts'}."
            yield checked.problem((*SOURCE, "prompts", kind), f"{message} Are the two swapped?")


def writer_stays(checked: Checked) -> Iterator[Problem]:
    """Yield a warning where a writer from the hub may be another one tomorrow."""
    writer = (llm_of(checked) or {"writer": {}})["writer"]
    revision = writer.get("revision")
    if revision and not COMMIT.fullmatch(revision):
        message = (
            f"`{revision}` moves: what it names may be another model later. Name the commit of "
            f"{writer['hub']}, 40 digits and letters."
        )
        yield checked.problem((*SOURCE, "writer", "revision"), message)


def transcripts_at_rest(checked: Checked) -> Iterator[Problem]:
    """Yield a warning for each transcript that another study may be adding to."""
    for number, file in enumerate((llm_of(checked) or {"transcripts": []})["transcripts"]):
        there = os.path.realpath(TRANSCRIPTS) + os.sep
        if "$" not in file and os.path.realpath(file).startswith(there):
            message = (
                f"another study may be adding to {file} while this one reads it. Take a copy, and name that."
            )
            yield checked.problem((*SOURCE, "transcripts", number), message)


def keys_kept(checked: Checked) -> Iterator[Problem]:
    """Yield a warning where a key would be sent over a network for everybody on it to read."""
    writer = (llm_of(checked) or {"writer": {}})["writer"]
    if not writer.get("key"):
        return
    address = urlsplit(writer["server"])
    if address.scheme == "http" and not on_this_machine(address.hostname or ""):
        message = (
            f"the key in {writer['key']} would go to {address.hostname} over http, for all on the way to "
            "read. Use https, or a tunnel to localhost."
        )
        yield checked.problem((*SOURCE, "writer", "server"), message)


def replies_can_differ(checked: Checked) -> Iterator[Problem]:
    """Yield a warning where all requests for a concept would be answered alike."""
    llm = llm_of(checked)
    most = -(-checked.spec["concepts"]["sentences"]["positives"] // 2)
    if llm and llm["temperature"] == 0 and "temperature" in _sent(llm) and most > llm["per_request"]:
        message = (
            f"at 0 the same prompt gets the same reply, and {most} sentences of a kind take several of "
            f"{llm['per_request']}. Raise it, or `per_request`."
        )
        yield checked.problem((*SOURCE, "temperature"), message)


def replies_have_room(checked: Checked) -> Iterator[Problem]:
    """Yield a warning where replies would be cut off before they have all their sentences."""
    llm = llm_of(checked)
    needed = TOKENS_PER_ITEM * llm["per_request"] if llm else 0
    if llm and llm["max_tokens"] < needed and "max_tokens" in _sent(llm):
        message = (
            f"{llm['per_request']} sentences take about {needed} tokens; with {llm['max_tokens']} replies "
            "are cut off."
        )
        yield checked.problem((*SOURCE, "max_tokens"), message)


def _sent(llm: dict) -> set[str]:
    """Settings that the writer is given."""
    return set(SETTINGS) - set(llm["writer"].get("leave_out", ()))


def _named_in_glosses(concepts: list[Concept]) -> Iterator[tuple[str, str]]:
    """Each concept whose gloss names another, and the first that it names; its own word is passed over."""
    owners = {_words(form): one.name for one in concepts for form in (one.word, one.plural)}
    longest = max(map(len, owners), default=0)
    for concept in concepts:
        words, place = _words(concept.gloss), 0
        while place < len(words):
            parts = (words[place : place + length] for length in range(longest, 0, -1))
            form = next((part for part in parts if part in owners), words[place : place + 1])
            if owners.get(form, concept.name) != concept.name:
                yield concept.name, owners[form]
                break
            place += len(form)


def _words(text: str) -> tuple[str, ...]:
    return tuple(WORD.findall(fold(text)))


def _listed(items: list[str]) -> str:
    more = len(items) - MOST_NAMED
    return ", ".join(items[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _trap_of(concept: Concept) -> str:
    return first_senses().get(fold(concept.word), "") if concept.part_of_speech == "noun" else ""


def _place(checked: Checked, name: str) -> Path:
    only = checked.spec["concepts"]["only"] or []
    return ("concepts", "only", only.index(name)) if name in only else ("concepts", "lexicon")


def _short(concept: Concept) -> str:
    gloss = concept.gloss
    return gloss if len(gloss) <= SHOWN_GLOSS else f"{gloss[:SHOWN_GLOSS].rsplit(' ', 1)[0]} ..."
