"""How many requests are made for a concept and kind, and how they are worded.

First those that would do if every sentence were kept, then for what fell short.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from golgi.study.lexicon import Concept
from golgi.study.prompts import Prompt
from golgi.study.writing import halves
from golgi.writing.requests import Request, Sampling, seed_of

Draft = Callable[[Concept, str, int], Request]  # of a concept, a kind and the number of the draw


@dataclass
class Demand:
    """Sentences that are wanted of a concept and kind, and requests: `made`, at most `most` of them."""

    concept: Concept
    kind: str
    wanted: int
    first: int
    most: int
    made: int = 0

    def further(self, kept: int) -> int:
        """Return how many requests the next round makes, when `kept` sentences were kept so far.

        What is missing is asked for at the yield seen so far. As many again where nothing was kept yet. None
        when all is there, or when as many were made as may be.
        """
        if kept >= self.wanted:
            return 0
        if not self.made:
            return self.first
        number = _ceiling((self.wanted - kept) * self.made, kept) if kept else self.made
        return min(number, self.most - self.made)


def demands(concepts: Iterable[Concept], *, positives: int, per_request: int, attempts: int) -> list[Demand]:
    """Return what is wanted of each concept: half of its `positives` facts, the rest stories.

    A round of `first` requests would do if every sentence were kept, `per_request` of them in each reply; all
    rounds together make at most `attempts` times as many.
    """
    wants = [(kind, half, _ceiling(half, per_request)) for kind, half in halves(positives).items()]
    return [
        Demand(concept, kind, wanted=half, first=first, most=attempts * first)
        for concept in concepts
        for kind, half, first in wants
    ]


def drafting(prompts: dict[str, Prompt], llm: dict[str, Any], seed: int, model: str) -> Draft:
    """Return the function that words the requests: the prompt of the kind, the seed of the draw."""

    def draft(concept: Concept, kind: str, draw: int) -> Request:
        text = prompts[kind].render(concept, number=llm["per_request"])
        own = seed_of(seed, concept.name, kind, draw)
        sampling = Sampling(llm["temperature"], llm["top_p"], llm["max_tokens"], own)
        return Request(concept.name, kind, draw, (("user", text),), model, sampling)

    return draft


def _ceiling(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
