"""Held-out sentences as questions to one model: what it reads, and which of its probabilities count."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerFast

from golgi.concepts.intervention_text import Line, beginning
from golgi.concepts.lexicon import Concept, word_pattern
from golgi.models.asking import Asked
from golgi.models.tokenizer import Encoding, encode, overlapping

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How much is asked, as the study has it (analyses.interventions)."""

    actions: list[str]
    sizes: list[int]
    draws: int
    prompts: int
    continuations: int
    length: int
    top: int
    neutral: int


@dataclass(frozen=True)
class Question:
    """A row of the table for every intervention: a sentence, and how many tokens the answer is about."""

    quantity: str  # occurs, absent or neutral
    line: int
    tokens: int
    asked: Asked


@dataclass(frozen=True)
class _Read:
    line: Line
    encoding: Encoding


class Prompts:
    """The held-out text as one model's tokenizer gives it."""

    def __init__(
        self,
        lines: list[Line],
        tokenizer: PreTrainedTokenizerFast,
        *,
        bos: int | None,
        context: int | None,
        settings: Settings,
        seed: int,
        who: str,
    ):
        """`bos` goes in front of everything. Sentences beyond the context are left out and counted."""
        self.settings, self.seed = settings, seed
        self._tokenizer, self._who = tokenizer, who
        self._bos = np.array([] if bos is None else [bos], np.int64)
        encodings = encode(tokenizer, [line.text for line in lines]) if lines else []
        read = [_Read(line, encoding) for line, encoding in zip(lines, encodings, strict=True)]
        room = float("inf") if context is None else context - len(self._bos)
        self._read = [one for one in read if len(one.encoding.ids) <= room]
        if long := len(read) - len(self._read):
            logger.warning("%s: %d held-out sentences do not fit the context of %d.", who, long, context)
        self.beginnings = self._begin()

    def ask(self, concept: Concept) -> list[Question]:
        """Return what is asked about a concept: `occurs`, `absent`, then `neutral` questions.

        A word counts where it first occurs with something before it, BOS or text.
        """
        without = sorted(
            (one for one in self._read if concept.name not in one.line.spans),
            key=lambda one: bool(one.line.spans),
        )
        occurs = self._occurring(concept)
        absent = self._absent(concept, without)
        neutral = self._neutral(without)
        self._report(concept, occurs, absent, neutral)
        return [*occurs, *absent, *neutral]

    def has_word(self, concept: Concept, continuations: np.ndarray) -> np.ndarray:
        """Return whether the concept's word or plural is in what follows the beginnings, [..., prompt] bool.

        `continuations` are [..., prompt, token]. A word that ends with the last token counts as whole.
        """
        pattern = word_pattern(concept)
        found = np.zeros(continuations.shape[:-1], bool)
        for place, (_, ids) in enumerate(self.beginnings):
            own = ids[len(self._bos) :]
            before = len(self._decode(own[None])[0])
            rows = continuations[..., place, :].reshape(-1, continuations.shape[-1])
            different, which = np.unique(rows, axis=0, return_inverse=True)
            texts = self._decode(np.concatenate([np.tile(own, (len(different), 1)), different], axis=1))
            has = [any(match.end() > before for match in pattern.finditer(text)) for text in texts]
            found[..., place] = np.array(has)[which.reshape(-1)].reshape(found.shape[:-1])
        return found

    def _begin(self) -> list[tuple[int, np.ndarray]]:
        first: dict[str, Line] = {}
        for one in self._read:
            if not one.line.spans:
                first.setdefault(beginning(one.line.text).casefold(), one.line)
        lines = list(first.values())[: self.settings.continuations]
        if len(lines) < self.settings.continuations:
            logger.warning(
                "%s: %d of %d continuations: no more sentences without a concept's word begin differently.",
                self._who,
                len(lines),
                self.settings.continuations,
            )
        encodings = encode(self._tokenizer, [beginning(line.text) for line in lines]) if lines else []
        return [(line.number, self._start(one.ids)) for line, one in zip(lines, encodings, strict=True)]

    def _occurring(self, concept: Concept) -> list[Question]:
        questions = []
        for one in self._read:
            for span in one.line.spans.get(concept.name, ()):
                tokens = len(self._bos) + np.flatnonzero(overlapping(one.encoding, [span]))
                if len(tokens) and tokens[0] > 0:
                    asked = Asked(self._start(one.encoding.ids)[: tokens[-1] + 1], int(tokens[0]))
                    questions.append(Question("occurs", one.line.number, len(asked.ids) - asked.start, asked))
                    break
        return questions[: self.settings.prompts]

    def _absent(self, concept: Concept, without: list[_Read]) -> list[Question]:
        places = [(one.line, one.line.boundary(self.seed)) for one in without]
        places = [(line, place) for line, place in places if place is not None][: self.settings.prompts]
        if not places:
            return []
        texts = [f"{line.text[:place]} {concept.word}" for line, place in places]
        questions = []
        for (line, place), encoding in zip(places, encode(self._tokenizer, texts), strict=True):
            tokens = np.flatnonzero(overlapping(encoding, [(place + 1, place + 1 + len(concept.word))]))
            start = len(self._bos) + int(tokens[0])
            questions.append(
                Question("absent", line.number, len(tokens), Asked(self._start(encoding.ids), start))
            )
        return questions

    def _neutral(self, without: list[_Read]) -> list[Question]:
        return list(self._enough(without, self.settings.neutral))

    def _enough(self, reads: list[_Read], tokens: int) -> Iterator[Question]:
        for one in reads:
            ids = self._start(one.encoding.ids)
            if tokens <= 0:
                return
            if len(ids) > 1:  # a first token has nothing before it, where there is no BOS
                yield Question("neutral", one.line.number, len(ids) - 1, Asked(ids, 1))
                tokens -= len(ids) - 1

    def _start(self, ids: np.ndarray) -> np.ndarray:
        return np.concatenate([self._bos, ids])

    def _decode(self, ids: np.ndarray) -> list[str]:
        return self._tokenizer.batch_decode(ids.tolist(), clean_up_tokenization_spaces=False)

    def _report(self, concept: Concept, occurs: list, absent: list, neutral: list[Question]) -> None:
        wanted, tokens = self.settings.prompts, sum(question.tokens for question in neutral)
        short = min(len(occurs), len(absent)) < wanted or tokens < self.settings.neutral
        tell = logger.warning if short else logger.info
        fields = (self._who, concept.name, len(occurs), wanted, len(absent), wanted, len(neutral), tokens)
        tell(
            "%s: %s: %d of %d sentences with its word, %d of %d without; %d with %d tokens for the loss.",
            *fields,
        )
