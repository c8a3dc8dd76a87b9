"""The sentence pool as one model reads it: token ids, with and without each concept's word."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
from transformers import PreTrainedTokenizerFast

from golgi.errors import GolgiError
from golgi.models.batches import (
    Sentence,
    check_sentences,
    masked_sentences,
    plain_sentences,
)
from golgi.models.bridge import Model
from golgi.models.tokenizer import Encoding, bos_id, encode, load_tokenizer, neutral_id
from golgi.tables import read_table


@dataclass(frozen=True)
class Text:
    """Sentences and concepts in the order of their tables; `masked` is empty without the control `word`."""

    tokenizer: PreTrainedTokenizerFast
    texts: list[str]
    labels: list[str]  # concept of every sentence
    concepts: list[str]
    words: list[str]  # word of every concept
    plain: list[Sentence]
    masked: list[Sentence]
    pad: int


def read_text(model: Model, folder: Path, *, pool: Path, concepts: Path, bos: bool, masked: bool) -> Text:
    """Tokenise the pool for `model` with the tokenizer in `folder`, and check every sentence.

    Raises GolgiError for an empty pool, and naming the sentences that the model cannot read whole.
    """
    sentences = read_table(pool, schema="pool")
    lexicon = read_table(concepts, schema="concepts")
    texts = sentences["text"].to_list()
    if not texts:
        raise GolgiError(f"{model.who}: the sentence pool {pool} is empty.")
    tokenizer = load_tokenizer(folder, who=model.who)
    encodings = encode(tokenizer, texts)
    start = bos_id(tokenizer, who=model.who) if bos else None
    limits = {"context": model.context, "vocabulary": model.vocabulary, "who": model.who}
    plain = plain_sentences(encodings, bos=start)
    check_sentences(plain, texts, **limits)
    hidden: list[Sentence] = []
    if masked:
        neutral = neutral_id(tokenizer, rows=model.vocabulary, who=model.who)
        hidden = _mask(encodings, sentences["spans"], bos=start, neutral=neutral)
        check_sentences(hidden, texts, **limits)
    return Text(
        tokenizer=tokenizer,
        texts=texts,
        labels=sentences["concept"].to_list(),
        concepts=lexicon["concept"].to_list(),
        words=lexicon["word"].to_list(),
        plain=plain,
        masked=hidden,
        pad=int(plain[0].ids[0]),  # padding is hidden everywhere: any id that the model knows will do
    )


def _mask(encodings: list[Encoding], cells: pl.Series, *, bos: int | None, neutral: int) -> list[Sentence]:
    spans = [_parse_spans(cell, row) for row, cell in enumerate(cells)]
    return masked_sentences(encodings, spans, bos=bos, neutral=neutral)


def _parse_spans(cell: str, row: int) -> list[tuple[int, int]]:
    try:
        pairs = [span.split(":") for span in cell.split(",") if span]
        return [(int(start), int(stop)) for start, stop in pairs]
    except ValueError as error:
        raise GolgiError(
            f"sentence {row}: spans {cell!r} are not of the form start:stop,start:stop."
        ) from error
