"""What is asked of a writer and what it replies: a request's key, its seed, and what a back end has to do."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Protocol

from golgi.errors import plain

# Of what is replied and kept.
MOST_CHARACTERS = 1_000_000  # however they are escaped, a line of a transcript can hold them and a prompt
MOST_TOKENS = 10**9  # more than any model has
LONGEST_NAME = 1000  # characters of what a writer calls something
HALVES = re.compile(r"[\ud800-\udfff]")  # of characters; no file can hold them


@dataclass(frozen=True)
class Sampling:
    """How a model picks its words: temperature, probability mass, most tokens of a reply, seed."""

    temperature: float
    top_p: float
    max_tokens: int
    seed: int


@dataclass(frozen=True)
class Request:
    """One request for sentences: the messages, (role, content) each, and who is to answer them how.

    `concept`, `kind` and `draw` (its number for this concept and kind, from 0) say what it is for.
    """

    concept: str
    kind: str
    draw: int
    messages: tuple[tuple[str, str], ...]
    model: str
    sampling: Sampling

    @property
    def asked(self) -> dict:
        """What the reply depends on, as plain data: messages, model and sampling."""
        sampling = asdict(self.sampling)
        # A spec's `temperature: 1` asks for the same as `1.0`.
        sampling |= {name: float(sampling[name]) for name in ("temperature", "top_p")}
        messages = [{"role": role, "content": content} for role, content in self.messages]
        return {"messages": messages, "model": self.model, "sampling": sampling}

    @cached_property
    def key(self) -> str:
        """SHA-256 of what is asked, as JSON with sorted keys and no spaces, in 64 hexadecimal digits."""
        text = json.dumps(self.asked, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Reply:
    """What a writer replied, and why it ended there: `stop`, `length`, `refused` or its own word for it.

    `model` and `fingerprint` are what it calls itself, empty if it does not say.
    """

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    model: str = ""
    fingerprint: str = ""

    @property
    def sha256(self) -> str:
        """SHA-256 of the text in UTF-8, in 64 hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Writer(Protocol):
    """A back end. `identity` names the model in requests; `batch` requests are answered together.

    The reply to a request may depend on the others of its batch, so that a batch is asked for whole.
    """

    identity: str
    batch: int

    def answer(self, requests: Sequence[Request], keep: Callable[[Request, Reply], None]) -> None:
        """Answer all requests, `batch` at a time in their order; call `keep` once for each, from one thread.

        Replies may come in any order. Raises GolgiError when it gives up; what was kept stays kept.
        """


def seed_of(study_seed: int, concept: str, kind: str, draw: int) -> int:
    """Return the seed of a request, 31 bits: the same for the same study seed, concept, kind and draw."""
    name = json.dumps([study_seed, concept, kind, draw]).encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=4).digest(), "big") >> 1


def local_identity(name: str, dtype: str) -> str:
    """Return what a model that runs here is called: in another number format it replies otherwise.

    >>> local_identity("lab/writer@main", "bfloat16")
    'lab/writer@main bfloat16'
    """
    return f"{name} {dtype}"


def mended(text: str) -> str:
    """Return a text with U+FFFD for each half of a character."""
    return HALVES.sub("\ufffd", text)


def one_line(name: str) -> str:
    """Return a writer's name for something as a terminal shows it, on one line that is not too long."""
    return plain(" ".join(name.split()))[:LONGEST_NAME]


def is_count(value: Any) -> bool:
    """Tell whether a value is a number of tokens."""
    return type(value) is int and 0 <= value <= MOST_TOKENS
