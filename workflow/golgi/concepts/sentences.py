"""From a lexicon and a sentence source to the study's pool, its concepts and their sets."""

import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from golgi.concepts import microworld
from golgi.concepts.corpus import mine_corpus
from golgi.concepts.files import read_files
from golgi.concepts.lexicon import Concept, Lexicon, load_lexicon, select, word_pattern
from golgi.concepts.pool import Candidate, Pool, choose
from golgi.concepts.sets import draw_negatives
from golgi.concepts.written import read_written
from golgi.tables import write_table

TALLIES = ("found", "duplicates_within", "duplicates_across", "surplus", "shared")
logger = logging.getLogger(__name__)


def write_sentences(
    *,
    lexicon: Path,
    categories: list[str] | None,
    only: list[str] | None,
    source: dict[str, Any],
    written: tuple[Path, Path] | None = None,
    positives: int,
    negatives: int,
    seed: int,
    pool: Path,
    sets: Path,
    concepts: Path,
) -> None:
    """Write the tables `pool`, `sets` and `concepts` of a study (Suau et al. 2020, section 4).

    `source` is `{templates: microworld}`, `{corpus: [paths]}`, `{files: [paths]}`, or `{llm: ...}` with what
    a language model has `written`: the table of it, and the facts; `positives` and `negatives` are sentences
    per concept. Same arguments, same bytes.
    """
    words = load_lexicon(lexicon)
    chosen = select(words, categories, only)
    if written is None:
        candidates = _candidates(source, words, chosen, positives, seed)
    else:
        candidates = read_written(*written, chosen, positives=positives)
    kept = choose(candidates, chosen, positives=positives, seed=seed)
    patterns = {concept.name: word_pattern(concept) for concept in chosen}
    texts = [sentence.text for sentence in kept.sentences]
    owners = [sentence.concept for sentence in kept.sentences]
    against = draw_negatives(texts, owners, patterns, number=negatives, seed=seed)
    write_table(_pool_frame(kept, chosen, patterns, next(iter(source))), pool, schema="pool")
    write_table(_sets_frame(owners, against), sets, schema="sets")
    write_table(_concepts_frame(words, chosen, kept, against), concepts, schema="concepts", csv=True)
    logger.info("%d sentences for %d concepts.", len(texts), len(chosen))


def _candidates(
    source: dict[str, Any], words: Lexicon, chosen: list[Concept], positives: int, seed: int
) -> Iterable[Candidate]:
    if "corpus" in source:
        return mine_corpus(map(Path, source["corpus"]), chosen)
    if "files" in source:
        return read_files(map(Path, source["files"]), chosen)
    written = microworld.sentences(words, chosen, positives, seed)
    return (Candidate(sentence.text, sentence.concept, sentence.kind, sentence.frame) for sentence in written)


def _pool_frame(
    pool: Pool, chosen: list[Concept], patterns: dict[str, re.Pattern[str]], source: str
) -> pl.DataFrame:
    category = {concept.name: concept.category for concept in chosen}
    frame = pl.DataFrame(pool.sentences, schema=["text", "concept", "kind", "origin"], orient="row")
    return frame.with_row_index("sentence").with_columns(
        category=pl.col("concept").replace_strict(category, return_dtype=pl.String),
        source=pl.lit(source),
        spans=pl.Series([_spans(sentence.text, patterns[sentence.concept]) for sentence in pool.sentences]),
    )


def _spans(text: str, pattern: re.Pattern[str]) -> str:
    return ",".join(f"{match.start()}:{match.end()}" for match in pattern.finditer(text))


def _sets_frame(owners: list[str], negatives: dict[str, list[int]]) -> pl.DataFrame:
    rows = [(concept, row, True) for row, concept in enumerate(owners)]
    rows += [(concept, row, False) for concept, others in negatives.items() for row in others]
    return pl.DataFrame(rows, schema=["concept", "sentence", "positive"], orient="row")


def _concepts_frame(
    words: Lexicon, chosen: list[Concept], pool: Pool, negatives: dict[str, list[int]]
) -> pl.DataFrame:
    parents = {category.name: category.parent for category in words.categories}
    counted = pl.Series([sentence.concept for sentence in pool.sentences]).value_counts()
    positives = dict(counted.iter_rows())
    rows = [
        {
            "index": index,
            "concept": concept.name,
            "word": concept.word,
            "plural": concept.plural,
            "category": concept.category,
            "parent": parents[concept.category],
            "part_of_speech": concept.part_of_speech,
            "gloss": concept.gloss,
            **{name: pool.tallies[concept.name][name] for name in TALLIES},
            "positives": positives[concept.name],
            "negatives": len(negatives[concept.name]),
        }
        for index, concept in enumerate(chosen)
    ]
    prevalence = pl.col("positives") / (pl.col("positives") + pl.col("negatives"))
    return pl.DataFrame(rows).with_columns(prevalence=prevalence)
