"""What follows from a language model that writes the sentences: its place, its prompts, its transcripts."""

from __future__ import annotations

from typing import Any

from golgi.study.folders import hub_folder

KINDS = ("fact", "story")
# Tokens of one sentence in a reply. The prompts ask for ten to thirty words; four tokens are about three
# words of English (OpenAI, "What are tokens and how to count them"), and its number takes three more.
TOKENS_PER_ITEM = 30
# Named in the order in which a pipeline makes them.
WRITTEN_FILES = ("sentences/written.parquet", "sentences/replies.parquet", "sentences/writer.json")


class WritingPlan:
    """The part of a study that has to do with its writer; it is empty where no language model writes."""

    @property
    def llm(self) -> dict[str, Any] | None:
        """How the sentences are written, `concepts.sentences.source.llm`; None for every other source."""
        return self.spec["concepts"]["sentences"]["source"].get("llm")

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


def halves(positives: int) -> dict[str, int]:
    """Return how many sentences of each kind a concept wants: half facts, half stories (Suau et al. 2020)."""
    return dict(zip(KINDS, (positives // 2, positives - positives // 2), strict=True))
