"""What having sentences written costs: requests, tokens, money, time, memory; at least, and at most."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path as FilePath

from golgi.study.costs import DISK_RATE, LIBRARIES, TABLES, rate
from golgi.study.plan import Study
from golgi.study.problems import StudyError
from golgi.study.prompts import Prompt, load_prompt
from golgi.study.shapes import Shape, declared_shape, folder_shape
from golgi.study.writing import KINDS, TOKENS_PER_ITEM, cost

CHARACTERS_PER_TOKEN = 4  # of English text (OpenAI, "What are tokens and how to count them")
# Of one request to a server, until its reply begins and while it is written: a model of 7 G parameters on
# one GPU that answers several at a time. Others are slower or faster by a factor of three.
SERVER_WAIT, SERVER_RATE = 1.0, 40.0  # seconds, tokens per second
# To write a token is to read all weights once, for the whole batch: bytes per second of memory.
GPU_MEMORY_RATE, CPU_MEMORY_RATE = 1e12, 1e10
SIEVE_SECONDS, SIEVE_BYTES = 5e-3, 5e3  # of one sentence: its language, its neighbours, its kind
SIEVE_HELD = 1.5e8  # bytes of the model of languages


@dataclass(frozen=True)
class WritingWork:
    """The work of a writer; `cost` is None without a price, `seconds` where its shape is not known."""

    requests: int
    prompt_tokens: int
    reply_tokens: int
    cost: float | None
    seconds: float | None


def writing_work(study: Study) -> tuple[WritingWork, WritingWork] | None:
    """Return the work where every sentence is kept, and where all requests are made that may be.

    None where no language model writes, or its prompts lie where a variable that is not set would say.
    """
    if study.llm is None or any("$" in file for file in study.prompt_files):
        return None
    tokens = {kind: _prompt_tokens(study, kind) for kind in KINDS}
    return _work(study, 1, tokens), _work(study, study.llm["attempts"], tokens)


def writer_shape(study: Study) -> Shape | None:
    """Return the shape of a writer that runs here, None for a server and where it is not known yet."""
    if study.writer_folder is None:
        return None
    return folder_shape(FilePath(study.writer_folder)) or declared_shape(study.llm["writer"])


def writing_seconds(study: Study) -> float | None:
    """Return the seconds that the writer is asked for, at most; None where its shape is not known yet."""
    work = writing_work(study)
    return None if work is None else work[1].seconds


def writing_bytes(study: Study) -> float | None:
    """Return the bytes that the job holds that asks the writer; None where its shape is not known yet."""
    if study.llm is None:
        return None
    sentences = study.llm["attempts"] * len(study.concepts) * sum(study.wanted_sentences().values())
    held = TABLES + SIEVE_HELD + SIEVE_BYTES * sentences
    if study.writer_kind == "server":
        return held
    shape = writer_shape(study)
    if shape is None:
        return None
    size, llm = _weight_bytes(study), study.llm
    tokens = llm["writer"]["batch"] * (_longest_prompt(study) + llm["max_tokens"])
    # Keys and values of every layer; a model that shares them among heads holds less.
    return held + LIBRARIES + size * (shape.parameters + 2 * tokens * shape.layers * shape.width)


def _work(study: Study, times: int, tokens: dict[str, int]) -> WritingWork:
    asked = {kind: times * number for kind, number in _requests(study).items()}
    requests = len(study.concepts) * sum(asked.values())
    prompt = sum(number * tokens[kind] for kind, number in asked.items())
    reply = requests * _reply_tokens(study)
    price = study.llm["writer"].get("price")
    return WritingWork(requests, prompt, reply, cost(price, prompt, reply), _seconds(study, requests, prompt))


def _requests(study: Study) -> dict[str, int]:
    """Requests that would do for one concept, of each kind."""
    per_request = study.llm["per_request"]
    return {kind: -(-wanted // per_request) for kind, wanted in study.wanted_sentences().items()}


def _reply_tokens(study: Study) -> int:
    return min(TOKENS_PER_ITEM * study.llm["per_request"], study.llm["max_tokens"])


def _seconds(study: Study, requests: int, prompt_tokens: int) -> float | None:
    writer, sieved = study.llm["writer"], SIEVE_SECONDS * requests * study.llm["per_request"]
    if study.writer_kind == "server":
        each = SERVER_WAIT + _reply_tokens(study) / SERVER_RATE
        return sieved + each * math.ceil(requests / writer["in_flight"])
    shape = writer_shape(study)
    if shape is None:
        return None
    weights, speed = _weight_bytes(study) * shape.parameters, rate(study, writer["dtype"])
    memory_rate = GPU_MEMORY_RATE if study.gpu else CPU_MEMORY_RATE
    a_token = max(weights / memory_rate, 2 * shape.parameters * writer["batch"] / speed)
    # A batch is done when its longest reply is: some run on to the end that they are allowed.
    tokens = math.ceil(requests / writer["batch"]) * (_reply_tokens(study) + study.llm["max_tokens"]) / 2
    return sieved + weights / DISK_RATE + tokens * a_token + 2 * shape.parameters * prompt_tokens / speed


def _weight_bytes(study: Study) -> int:
    return 4 if study.llm["writer"]["dtype"] == "float32" else 2


def _prompt_tokens(study: Study, kind: str) -> int:
    """Tokens of one prompt for each of the concepts, added up."""
    return sum(_lengths(study, kind)) // CHARACTERS_PER_TOKEN


def _longest_prompt(study: Study) -> int:
    lengths = [length for kind in KINDS for length in _lengths(study, kind)]
    return max(lengths, default=0) // CHARACTERS_PER_TOKEN


def _lengths(study: Study, kind: str) -> list[int]:
    prompt = _loaded(study.llm["prompts"][kind])
    if prompt is None:
        return []
    concepts = (study.lexicon.by_name[name] for name in study.concepts)
    return [len(prompt.render(concept, number=study.llm["per_request"])) for concept in concepts]


def _loaded(file: str) -> Prompt | None:
    # Told of when the study is read; a study that was read may be planned without it.
    try:
        return load_prompt(file)
    except StudyError:
        return None
