"""Read the sentences that a language model wrote and that passed every gate."""

from collections import Counter
from pathlib import Path

import polars as pl

from golgi.concepts.lexicon import Concept
from golgi.concepts.pool import Candidate
from golgi.errors import GolgiError
from golgi.files import read_json
from golgi.study.writing import KINDS, LEAST_ORIENTATION, halves
from golgi.tables import read_table

ORIGIN = 16  # digits of a reply's key


def read_written(path: Path, facts: Path, concepts: list[Concept], *, positives: int) -> list[Candidate]:
    """Return the kept sentences of a table `written`, each of an origin of its own: its place in its reply.

    A reply is facts or stories, so folds of whole replies would tell these apart; and its sentences, asked to
    differ and kept if they do, resemble each other no more than those of another. `facts` is what is known of
    the writing. Raises GolgiError where facts and stories as a whole look swapped, and one that names every
    concept with fewer facts or stories than half of `positives`, and by how many.
    """
    _refuse_swapped(read_json(facts)["orientation"])
    kept = read_table(path, schema="written").filter(pl.col("verdict") == "kept")
    candidates = [
        Candidate(text, concept, kind, f"{reply[:ORIGIN]}#{item}")
        for text, concept, kind, reply, item in kept.select(
            "text", "concept", "kind", "reply", "item"
        ).iter_rows()
    ]
    _refuse_shortage(candidates, concepts, positives)
    return candidates


def _refuse_swapped(orientation: float | None) -> None:
    if orientation is not None and orientation < LEAST_ORIENTATION:
        raise GolgiError(
            "concepts.sentences.source.llm.prompts: facts read like stories, stories like facts: by them "
            f"only {orientation:.0%} of plain ones are told right. See sentences/written.parquet: is each "
            "prompt under its own kind? Prompts that change places ask for everything anew. Where the kinds "
            "are right, turn that gate off: gates: {kind: null}."
        )


def _refuse_shortage(candidates: list[Candidate], concepts: list[Concept], positives: int) -> None:
    there = Counter((one.concept, one.kind) for one in candidates)
    lines = []
    for concept in concepts:
        short = [
            f"{wanted - there[concept.name, kind]} of {wanted} {KINDS[kind]}"
            for kind, wanted in halves(positives).items()
            if there[concept.name, kind] < wanted
        ]
        lines += [f"  {concept.name}: {' and '.join(short)}"] if short else []
    if lines:
        raise GolgiError(
            f"{len(lines)} of {len(concepts)} concepts are short of sentences after the requests that "
            "concepts.sentences.source.llm.attempts allows. Missing are:\n" + "\n".join(lines) + "\n"
            "tables/writing.csv and the figure `writing` say what the gates took. Raise `attempts`, change a "
            "prompt or a gate, or lower concepts.sentences.positives: what was replied is not asked again."
        )
