"""A writer for tests: it writes Microworld's sentences, badly at times, and can be made to fail."""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from golgi.concepts import microworld
from golgi.concepts.lexicon import load_lexicon
from golgi.errors import GolgiError
from golgi.writing.requests import Reply, Request
from golgi.writing.rounds import write_with_model
from golgi.writing.transcript import Transcript

ROOT = Path(__file__).resolve().parents[2]
LEXICON = ROOT / "config" / "lexicons" / "microworld.yaml"
CONCEPTS = ["dog", "cat", "apple", "car"]
LLM = {
    "writer": {"model": "author"},
    "prompts": {
        "fact": str(ROOT / "config" / "prompts" / "facts.v1.jinja"),
        "story": str(ROOT / "config" / "prompts" / "stories.v1.jinja"),
    },
    "language": "en",
    "per_request": 5,
    "temperature": 1.0,
    "top_p": 0.95,
    "max_tokens": 500,
    "attempts": 4,
    "gates": {"shortest": 4, "longest": 60, "similar": 0.9, "language": None, "others": True, "kind": None},
    "transcripts": [],
}
POSITIVES = 41
PRICE = {"input": 0.5, "output": 2.0}
FILES = ("written.parquet", "replies.parquet", "writer.json", "writing.parquet", "writing.csv")
FAULTS = ("unnamed", "short", "whole", "whole", "whole", "whole")


class Author:
    """Writes what the request's seed says, in the order of `order`, and fails after `lives` replies.

    `asked` are the requests of all calls; `calls` how many there were.
    """

    def __init__(self, *, batch: int = 1, lives: int | None = None, order: int | None = None, reply=None):
        self.identity, self.batch = "author", batch
        self.asked: list[Request] = []
        self.calls = 0
        self._lives, self._order, self._reply = lives, order, reply or written

    def answer(self, requests: Sequence[Request], keep) -> None:
        """Answer all, or raise GolgiError when the lives are spent."""
        self.calls += 1
        requests = list(requests)
        if self._order is not None:
            np.random.default_rng(self._order).shuffle(requests)
        for request in requests:
            if self._lives is not None and len(self.asked) >= self._lives:
                raise GolgiError("The author is tired.")
            self.asked.append(request)
            keep(request, self._reply(request))


def written(request: Request) -> Reply:
    """Return a numbered list of Microworld's sentences, some of them spoilt, by the seed alone."""
    own = np.random.default_rng(request.sampling.seed)
    stock = _stock(request.concept, request.kind)
    lines = []
    for number in range(1, 6):
        text, fault = stock[own.integers(len(stock))], FAULTS[own.integers(len(FAULTS))]
        spoilt = {"short": f"A {request.concept}.", "unnamed": "Nobody knew what it was about."}
        lines.append(f"{number}. {spoilt.get(fault, text)}")
    digest = hashlib.sha256(request.key.encode()).hexdigest()
    model = "author-1" if digest < "8" else "author-2"
    return Reply("\n".join(lines), "stop", 100 + len(request.messages[0][1]) % 7, 50 + number, model, "")


@cache
def _stock(concept: str, kind: str) -> list[str]:
    lexicon = load_lexicon(LEXICON)
    found = microworld.sentences(lexicon, [lexicon.by_name[concept]], 200, 0)
    return [sentence.text for sentence in found if sentence.kind == kind]


def run(
    folder: Path,
    author: Author,
    *,
    positives: int = POSITIVES,
    transcript: Path | None = None,
    others: Sequence[Path] = (),
    only: Sequence[str] = CONCEPTS,
    price: dict | None = PRICE,
    **changes: object,
) -> dict[str, bytes]:
    """Write with an author; the transcript lies in the folder by default. Returns the bytes of each file."""
    names = dict(zip(("written", "replies", "facts", "table"), FILES[:4], strict=True))
    write_with_model(
        lexicon=LEXICON,
        categories=None,
        only=only,
        llm=LLM | changes,
        price=price,
        positives=positives,
        seed=7,
        writer=author,
        transcript=Transcript(transcript or folder / "transcript.jsonl", others),
        **{name: folder / file for name, file in names.items()},
    )
    return {file: (folder / file).read_bytes() for file in FILES}


class Undisturbed(NamedTuple):
    """A run that nothing stopped."""

    folder: Path
    files: dict[str, bytes]
    asked: list[Request]

    @property
    def transcript(self) -> Path:
        """Its transcript."""
        return self.folder / "transcript.jsonl"


def keys(requests: list[Request]) -> list[str]:
    """Return the keys of requests."""
    return [request.key for request in requests]
