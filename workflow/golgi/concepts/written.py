"""Read the sentences that a language model wrote and that passed every gate."""

from collections import Counter
from pathlib import Path

import polars as pl

from golgi.concepts.lexicon import Concept
from golgi.concepts.pool import Candidate
from golgi.errors import GolgiError
from golgi.study.writing import halves
from golgi.tables import read_table

ORIGIN = 16  # digits of a reply's key: sentences of one reply resemble each other, and say so
PLURAL = {"fact": "facts", "story": "stories"}


def read_written(path: Path, concepts: list[Concept], *, positives: int) -> list[Candidate]:
    """Return the kept sentences of a table `written`, each with its reply as its origin.

    Raises GolgiError that names every concept with fewer facts or stories than half of `positives`, and by
    how many.
    """
    kept = read_table(path, schema="written").filter(pl.col("verdict") == "kept")
    candidates = [
        Candidate(text, concept, kind, reply[:ORIGIN])
        for text, concept, kind, reply in kept.select("text", "concept", "kind", "reply").iter_rows()
    ]
    _refuse_shortage(candidates, concepts, positives)
    return candidates


def _refuse_shortage(candidates: list[Candidate], concepts: list[Concept], positives: int) -> None:
    there = Counter((one.concept, one.kind) for one in candidates)
    lines = []
    for concept in concepts:
        short = [
            f"{wanted - there[concept.name, kind]} of {wanted} {PLURAL[kind]}"
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
