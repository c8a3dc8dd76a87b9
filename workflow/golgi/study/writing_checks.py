"""What the schema cannot say about sentences that a language model writes: prompts, bounds, keys."""

from __future__ import annotations

from collections.abc import Iterator
from os.path import isfile, realpath
from urllib.parse import urlsplit

from golgi.study.addresses import SERVICES, is_meant_for, on_this_machine
from golgi.study.checked import Checked
from golgi.study.problems import Problem, StudyError
from golgi.study.prompts import Prompt, load_prompt
from golgi.study.writing import KINDS

SOURCE = ("concepts", "sentences", "source", "llm")
TRANSCRIPTS = "resources/transcripts"
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


def prompts_in_order(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for each prompt that is not there, has faults or cannot be filled in."""
    prompts: dict[str, Prompt] = {}
    for kind, file in prompts_of(checked).items():
        path = (*SOURCE, "prompts", kind)
        if not isfile(file):
            yield checked.problem(path, f"there is no file {file}.")
            continue
        try:
            prompts[kind] = load_prompt(file)
            for concept in checked.concepts:
                prompts[kind].render(concept, number=llm_of(checked)["per_request"])
        except StudyError as error:
            yield from error.problems
    if len(prompts) == 2 and len({" ".join(prompt.text.split()) for prompt in prompts.values()}) == 1:
        message = "asks the same as the prompt for facts; facts and stories would be alike."
        yield checked.problem((*SOURCE, "prompts", "story"), message)


def bounds_in_order(checked: Checked) -> Iterator[Problem]:
    """Yield a problem where no sentence can be neither too short nor too long."""
    gates = (llm_of(checked) or {}).get("gates")
    if gates and gates["shortest"] > gates["longest"]:
        message = (
            f"{gates['shortest']} is more than `longest`, {gates['longest']}: no sentence would be kept."
        )
        yield checked.problem((*SOURCE, "gates", "shortest"), message)


def language_known(checked: Checked) -> Iterator[Problem]:
    """Yield a problem where nothing can tell whether sentences are in the language that is wanted."""
    llm = llm_of(checked)
    if llm and llm["gates"]["language"] is not None and llm["language"] not in LANGUAGES:
        message = (
            f"`{llm['language']}` is none of the {len(LANGUAGES)} languages that can be told apart (de, en, "
            "fr, ...). Name one of those, or turn that gate off: gates: {language: null}."
        )
        yield checked.problem((*SOURCE, "language"), message)


def keys_meant(checked: Checked) -> Iterator[Problem]:
    """Yield a problem where a variable's secret would be sent to a host that it is not meant for.

    Specs pass from hand to hand: one that names `HF_TOKEN` and a server of its author's would take it.
    """
    writer = (llm_of(checked) or {"writer": {}})["writer"]
    name, address = writer.get("key"), urlsplit(writer.get("server", ""))
    host = address.hostname or ""
    if not name or name.startswith("GOLGI_") or on_this_machine(host):
        return
    if not is_meant_for(name, host):
        own = f"{name} is for {SERVICES[name]} alone. " if name in SERVICES else ""
        message = (
            f"what {name} holds would be sent to {host}. {own}A key's variable begins with GOLGI_, or is "
            "that of a known service, as OPENAI_API_KEY is of openai.com: so no spec can have another secret "
            "sent away. If you mean it, put the key in GOLGI_WRITER_KEY, and name that."
        )
        yield checked.problem((*SOURCE, "writer", "key"), message)
    elif address.scheme != "https":
        message = f"what {name} holds would go to {host} over http, for all on the way to read. Use https."
        yield checked.problem((*SOURCE, "writer", "server"), message)


def transcripts_of_others(checked: Checked) -> Iterator[Problem]:
    """Yield a problem for a transcript that is the study's own."""
    for number, file in enumerate((llm_of(checked) or {"transcripts": []})["transcripts"]):
        if is_own_transcript(checked, file):
            message = f"{file} is the study's own transcript, which is read anyway. Leave it out."
            yield checked.problem((*SOURCE, "transcripts", number), message)


def is_own_transcript(checked: Checked, file: str) -> bool:
    """Whether a file is what the study itself keeps its replies in."""
    own = f"{TRANSCRIPTS}/{checked.spec.get('study')}.jsonl"
    return "$" not in file and realpath(file) == realpath(own)


def llm_of(checked: Checked) -> dict | None:
    """Return how the sentences are written; None for every other source."""
    return checked.spec["concepts"]["sentences"]["source"].get("llm")


def prompts_of(checked: Checked) -> dict[str, str]:
    """Return the prompts whose place is known; a variable that is not set is told of elsewhere."""
    files = (llm_of(checked) or {"prompts": {}})["prompts"]
    return {kind: files[kind] for kind in KINDS if "$" not in files.get(kind, "$")}
