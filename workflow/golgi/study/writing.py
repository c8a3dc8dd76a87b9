"""What follows from a language model that writes the sentences: its place, its prompts, its transcripts."""

from __future__ import annotations

from typing import Any

from golgi.study.folders import hub_folder

KINDS = {"fact": "facts", "story": "stories"}  # with their plurals
# What a server is told of how to pick words.
SETTINGS = ("max_tokens", "seed", "temperature", "top_p")
PRICED = 1_000_000  # tokens that a price is for
# Tokens of one sentence in a reply. The prompts ask for ten to thirty words; four tokens are about three
# words of English (OpenAI, "What are tokens and how to count them"), and its number takes three more.
TOKENS_PER_ITEM = 30
# Share of plain facts and stories told right by what distinguishes a study's own, below which these look
# swapped as a whole.
LEAST_ORIENTATION = 0.5
# How a writer is reached, what it is paid, and what others were told before: no sentence follows from these.
REACH = ("server", "key", "in_flight", "timeout", "price")
# Named in the order in which a pipeline makes them.
WRITTEN_FILES = ("sentences/written.parquet", "sentences/replies.parquet", "sentences/writer.json")


class WritingPlan:
    """The part of a study that has to do with its writer; it is empty where no language model writes."""

    @property
    def llm(self) -> dict[str, Any] | None:
        """How the sentences are written, `concepts.sentences.source.llm`; None for every other source."""
        return self.spec["concepts"]["sentences"]["source"].get("llm")

    @property
    def asked(self) -> dict[str, Any] | None:
        """What of that a reply follows from, and what is made of it."""
        return lasting(self.spec["concepts"])["sentences"]["source"].get("llm")

    @property
    def sentence_choice(self) -> dict[str, Any]:
        """Which concepts get how many sentences, and where from; of a writer no more than that it is one."""
        concepts = self.spec["concepts"]
        source = {"llm": {}} if self.llm else concepts["sentences"]["source"]
        return {**concepts, "sentences": {**concepts["sentences"], "source": source}}

    @property
    def writer_kind(self) -> str | None:
        """Where the writer is: `server`, `hub` or `directory`; None where no language model writes."""
        return next(iter(self.llm["writer"])) if self.llm else None

    @property
    def writer_folder(self) -> str | None:
        """The folder of a writer that runs here: the hub's download or the user's own; None for a server."""
        if self.writer_kind == "hub":
            writer = self.llm["writer"]
            return hub_folder(writer["hub"], writer["revision"])
        return self.llm["writer"]["directory"] if self.writer_kind == "directory" else None

    @property
    def writer_gpu(self) -> int:
        """GPUs that the writer asks for: none where it is a server, or the study says cpu."""
        return self.gpu if self.writer_folder else 0

    @property
    def prompt_files(self) -> list[str]:
        """The files of the prompts, facts before stories; none where no language model writes."""
        return [self.llm["prompts"][kind] for kind in KINDS] if self.llm else []

    @property
    def transcript(self) -> str:
        """The file that every request and reply of this study is kept in; it outlives the results."""
        return f"resources/transcripts/{self.name}.jsonl"

    @property
    def transcripts(self) -> list[str]:
        """Transcripts of others, whose replies are not asked for again."""
        return list(self.llm["transcripts"]) if self.llm else []

    def wanted_sentences(self) -> dict[str, int]:
        """Return how many facts and how many stories are wanted of each concept."""
        return halves(self.spec["concepts"]["sentences"]["positives"])


def lasting(concepts: dict[str, Any]) -> dict[str, Any]:
    """Return `concepts` of a spec without how its writer is reached: editing that changes no sentence."""
    llm = concepts["sentences"]["source"].get("llm")
    if llm is None:
        return concepts
    writer = {name: value for name, value in llm["writer"].items() if name not in REACH}
    rest = {name: value for name, value in llm.items() if name not in ("writer", "transcripts")}
    return {
        **concepts,
        "sentences": {**concepts["sentences"], "source": {"llm": {"writer": writer, **rest}}},
    }


def cost(price: dict[str, float] | None, prompt_tokens: int, reply_tokens: int) -> float | None:
    """Return what tokens cost, by the prices `input` and `output` of a million; None without a price."""
    if price is None:
        return None
    return (prompt_tokens * price["input"] + reply_tokens * price["output"]) / PRICED


def halves(positives: int) -> dict[str, int]:
    """Return how many sentences of each kind a concept wants: half facts, half stories (Suau et al. 2020)."""
    return dict(zip(KINDS, (positives // 2, positives - positives // 2), strict=True))
