"""A small vocabulary, a pool of sentences, and one call that collects responses from them."""

import os
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import polars as pl
import pytest
from serving import train_writer

from golgi.models.responses import collect_responses
from golgi.models.tokenizer import train_tokenizer
from golgi.tables import open_arrays, read_table, table_schema, write_table

SENTENCES = [
    ("The dog barks at the moon.", "dog", "4:7"),
    ("A dog!", "dog", "2:5"),
    ("Dogs run, and one more dog sleeps under the old tree by the river.", "dog", "0:4,23:26"),
    ("We saw the cat.", "cat", "11:14"),
    ("My cat likes fish, milk and a warm place in the sun.", "cat", "3:6"),
    ("Cats purr — naïvely.", "cat", "0:4"),
    ("It is about a boat that sails far away.", "boat", "14:18"),
    ("Boats float on the water.", "boat", "0:5"),
    ("This one never names it, though it has a sail.", "boat", ""),
]
CONCEPTS = ["boat", "cat", "dog"]
SITES = ["mlp_pre", "mlp_post", "mlp_out", "attn_out", "qkv", "resid_post"]


@pytest.fixture(scope="session")
def tokenizer():
    """A byte-level tokenizer of 300 tokens with `<|endoftext|>` as id 0."""
    return train_tokenizer([text for text, _, _ in SENTENCES] * 3, vocabulary=300, context=48)


@pytest.fixture(scope="session")
def small_writer(tmp_path_factory):
    """The folder of a small trained model with a chat template; it writes nonsense."""
    return train_writer(tmp_path_factory.mktemp("writing"))


@pytest.fixture
def write_pool(tmp_path):
    """Write tables of a pool and its concepts; return their paths."""

    def write(sentences=SENTENCES, concepts=CONCEPTS) -> tuple[Path, Path]:
        pool = [_pool_row(index, *sentence) for index, sentence in enumerate(sentences)]
        write_table(pl.DataFrame(pool), tmp_path / "pool.parquet", schema="pool")
        rows = [_concept_row(index, concept) for index, concept in enumerate(concepts)]
        write_table(pl.DataFrame(rows), tmp_path / "concepts.parquet", schema="concepts")
        return tmp_path / "pool.parquet", tmp_path / "concepts.parquet"

    return write


def _pool_row(index: int, text: str, concept: str, spans: str) -> dict:
    return _blank_row("pool") | {"sentence": index, "text": text, "concept": concept, "spans": spans}


def _concept_row(index: int, word: str) -> dict:
    return _blank_row("concepts") | {"index": index, "concept": word, "word": word, "positives": 1}


def _blank_row(schema: str) -> dict:
    blanks = {"str": "", "int": 0, "float": 0.0, "bool": False}
    return {column["name"]: blanks[column["type"]] for column in table_schema(schema)["columns"]}


@pytest.fixture
def collect(tmp_path, write_pool):
    """Run collect_responses with defaults; return what it wrote as arrays and facts."""

    def run(
        folder: Path, *, sentences=SENTENCES, concepts=CONCEPTS, name="out", **changes
    ) -> SimpleNamespace:
        pool, lexicon = write_pool(sentences, concepts)
        files = {
            kind: tmp_path / name / f"{kind}.safetensors" for kind in ("responses", "rotated", "embeddings")
        }
        options = {
            "model": "tiny",
            "checkpoint": "7",
            "step": 7,
            "source": "directory",
            "untrained_seed": None,
            "sites": SITES,
            "pooling": "max",
            "bos": True,
            "dtype": "float32",
            "device": "cpu",
            "batch_tokens": 64,
            "threads": 1,
            "rotation_seed": None,
            "masked": False,
        } | changes
        if options["rotation_seed"] is None:
            files["rotated"] = None
        facts = tmp_path / name / "model.parquet"
        collect_responses(folder=folder, pool=pool, concepts=lexicon, facts=facts, **files, **options)
        arrays = {kind: _read(path) for kind, path in files.items() if path is not None}
        return SimpleNamespace(
            **arrays, facts=read_table(facts, schema="models").row(0, named=True), files=files
        )

    return run


def _read(path: Path) -> dict:
    with open_arrays(path) as arrays:
        return {name: arrays.read(name) for name in arrays.names}
