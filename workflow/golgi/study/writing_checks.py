"""What the schema cannot say about sentences that a language model writes: prompts, senses, keys, bounds."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import cache
from os.path import isfile
from pathlib import Path as FilePath
from urllib.parse import urlsplit

import yaml

from golgi.study.checked import Checked
from golgi.study.lexicon import Concept
from golgi.study.problems import Path, Problem, StudyError
from golgi.study.prompts import Prompt, load_prompt, variables_of
from golgi.study.words import fold
from golgi.study.writing import KINDS, TOKENS_PER_ITEM

SOURCE = ("concepts", "sentences", "source", "llm")
SHOWN_GLOSS = 100
FIRST_SENSES = FilePath(__file__).with_name("first_senses.yaml")
# Languages of two letters that py3langid tells apart, and the gate with it.
LANGUAGES = frozenset(
    code
    for line in (
        "af am an ar as az ba be bg bn br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy ga gd gl",
        "gu ha he hi hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt lv mg mk ml mn",
        "mr ms mt my ne nl nn no oc om or pa pl ps pt qu ro ru rw sa se si sk sl sn so sq sr st sv sw ta te",
        "tg th tk tl tr tt ug uk ur uz vi vo wa xh yo zh zu",
    )
    for code in line.split()
)


@cache
def first_senses() -> dict[str, str]:
    """Return nouns whose first sense in WordNet 3.0 is not the everyday one, with a paraphrase of it."""
    return yaml.safe_load(FIRST_SENSES.read_text(encoding="utf-8"))


def prompts_in_order(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each prompt that is not there, has faults or cannot be filled in."""
    prompts: dict[str, Prompt] = {}
    for kind, file in _prompts(checked).items():
        path = (*SOURCE, "prompts", kind)
        if not isfile(file):
            yield checked.problem(path, f"there is no file {file}.")
            continue
        try:
            prompts[kind] = load_prompt(file)
            for concept in checked.concepts:
                prompts[kind].render(concept, number=_llm(checked)["per_request"])
        except StudyError as error:
            yield from error.problems
    if len(prompts) == 2 and len({" ".join(prompt.text.split()) for prompt in prompts.values()}) == 1:
        message = "asks the same as the prompt for facts; facts and stories would be alike."
        yield checked.problem((*SOURCE, "prompts", "story"), message)


def bounds_in_order(checked: Checked) -> Iterator[Problem]:
    """Yield a problem where no sentence can be neither too short nor too long."""
    gates = (_llm(checked) or {}).get("gates")
    if gates and gates["shortest"] > gates["longest"]:
        message = (
            f"{gates['shortest']} is more than `longest`, {gates['longest']}: no sentence would be kept."
        )
        yield checked.problem((*SOURCE, "gates", "shortest"), message)


def language_known(checked: Checked) -> Iterator[Problem]:
    """Yield a problem where nothing can tell whether sentences are in the language that is wanted."""
    llm = _llm(checked)
    if llm and llm["gates"]["language"] is not None and llm["language"] not in LANGUAGES:
        message = (
            f"`{llm['language']}` is none of the {len(LANGUAGES)} languages that can be told apart (de, en, "
            "fr, ...). Name one of those, or turn that gate off: gates: {language: null}."
        )
        yield checked.problem((*SOURCE, "language"), message)


def first_senses_meant(checked: Checked) -> Iterator[Problem]:
    """Yield a warning for each word whose first sense in a dictionary is not the everyday one."""
    for concept in checked.concepts if _llm(checked) else []:
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
    for kind, file in _prompts(checked).items():
        try:
            known = variables_of(load_prompt(file))
        except StudyError:
            continue
        for variable, message in missing.items():
            if variable not in known:
                yield checked.problem((*SOURCE, "prompts", kind), f"{file} {message}.")


def keys_meant(checked: Checked) -> Iterator[Problem]:
    """Yield a problem where a variable's secret would be sent to a host that it is not meant for.

    Specs pass from hand to hand: one that names `HF_TOKEN` and a server of its author's would take it.
    """
    writer = (_llm(checked) or {"writer": {}})["writer"]
    name, host = writer.get("key"), urlsplit(writer.get("server", "")).hostname or ""
    if not name or name.startswith("GOLGI_") or _on_this_machine(host) or _called_after(host, name):
        return
    message = (
        f"what {name} holds would be sent to {host}. A key's variable begins with GOLGI_, or is called after "
        "its host, as OPENAI_API_KEY is for api.openai.com: so no spec can have another secret sent away."
    )
    yield checked.problem((*SOURCE, "writer", "key"), message)


def keys_kept(checked: Checked) -> Iterator[Problem]:
    """Yield a warning where a key would be sent over a network for everybody on it to read."""
    writer = (_llm(checked) or {"writer": {}})["writer"]
    if not writer.get("key"):
        return
    address = urlsplit(writer["server"])
    if address.scheme == "http" and not _on_this_machine(address.hostname or ""):
        message = (
            f"the key in {writer['key']} would go to {address.hostname} over http, for all on the way to "
            "read. Use https, or a tunnel to localhost."
        )
        yield checked.problem((*SOURCE, "writer", "server"), message)


def replies_can_differ(checked: Checked) -> Iterator[Problem]:
    """Yield a warning where all requests for a concept would be answered alike."""
    llm = _llm(checked)
    most = -(-checked.spec["concepts"]["sentences"]["positives"] // 2)
    if llm and llm["temperature"] == 0 and most > llm["per_request"]:
        message = (
            f"at 0 the same prompt gets the same reply, and {most} sentences of a kind take several of "
            f"{llm['per_request']}. Raise it, or `per_request`."
        )
        yield checked.problem((*SOURCE, "temperature"), message)


def replies_have_room(checked: Checked) -> Iterator[Problem]:
    """Yield a warning where replies would be cut off before they have all their sentences."""
    llm = _llm(checked)
    needed = TOKENS_PER_ITEM * llm["per_request"] if llm else 0
    if llm and llm["max_tokens"] < needed:
        message = (
            f"{llm['per_request']} sentences take about {needed} tokens; with {llm['max_tokens']} replies "
            "are cut off."
        )
        yield checked.problem((*SOURCE, "max_tokens"), message)


def _llm(checked: Checked) -> dict | None:
    return checked.spec["concepts"]["sentences"]["source"].get("llm")


def _prompts(checked: Checked) -> dict[str, str]:
    """Prompts whose place is known; a variable that is not set is told of elsewhere."""
    files = (_llm(checked) or {"prompts": {}})["prompts"]
    return {kind: files[kind] for kind in KINDS if "$" not in files.get(kind, "$")}


def _trap_of(concept: Concept) -> str:
    return first_senses().get(fold(concept.word), "") if concept.part_of_speech == "noun" else ""


def _place(checked: Checked, name: str) -> Path:
    only = checked.spec["concepts"]["only"] or []
    return ("concepts", "only", only.index(name)) if name in only else ("concepts", "lexicon")


def _short(concept: Concept) -> str:
    gloss = concept.gloss
    return gloss if len(gloss) <= SHOWN_GLOSS else f"{gloss[:SHOWN_GLOSS].rsplit(' ', 1)[0]} ..."


def _called_after(host: str, name: str) -> bool:
    owner, ending = name[:-8].replace("_", "").lower(), name[-8:]
    return ending == "_API_KEY" and host.split(".")[-2:-1] == [owner]


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
