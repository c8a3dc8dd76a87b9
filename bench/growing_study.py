"""A synthetic study of any size: noise as responses, and units that respond to one concept each."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import yaml

from golgi.statistics.folds import Grid
from golgi.statistics.precision import Point
from golgi.tables import POLARS_TYPES, create_arrays, table_schema, write_table

SEED = 7
POINT = Point("bench", "1", 1)
LAYERS = 4
MEMBERS = 6  # concepts of a category
ORIGINS = 20  # groups that the sentences of a concept fall into
BLANK = {"int": 0, "float": 0.0, "str": "", "bool": False}


@dataclass(frozen=True)
class Size:
    """How large a study is: positives and negatives of each concept, units of each layer."""

    positives: int = 40
    negatives: int = 100
    units: int = 2048
    concepts: int = 60
    folds: int = 4
    responses: bool = True  # or scores alone

    @property
    def names(self) -> list[str]:
        """Names of the concepts."""
        return [f"thing{place:03d}" for place in range(self.concepts)]

    @property
    def owner(self) -> np.ndarray:
        """The concept [sentence] that a sentence of the pool is about."""
        return np.repeat(np.arange(self.concepts), self.positives)

    @property
    def grid(self) -> Grid:
        """Folds in two sizes, of which eight of the larger one fit into a concept's sentences."""
        positives, negatives = self.positives // 8, self.negatives // 8
        return Grid(self.folds, [positives // 2, positives], [negatives // 2, negatives])


def write_study(folder: Path, size: Size) -> None:
    """Write the concepts, lexicon and scores of a study and, if it has them, its sentences and responses."""
    folder.mkdir()
    _write_concepts(folder / "concepts.parquet", size)
    _write_lexicon(folder / "lexicon.yaml", size)
    _write_scores(folder, size)
    if size.responses:
        _write_responses(folder / "responses.safetensors", size)
        _write_pool(folder / "pool.parquet", size)
        _write_sets(folder / "sets.parquet", size)


def _write_scores(folder: Path, size: Size) -> None:
    """Average precision of concepts and of two parents each: noise, and units of concepts and categories."""
    point = {"model": POINT.model, "checkpoint": POINT.checkpoint, "step": str(POINT.step)}
    places = np.arange(size.concepts)
    without = np.repeat(places, 2)
    parents = {
        "without": [size.names[one] for one in without],
        "half": (np.arange(len(without)) % 2).tolist(),
        "halves": (places % 2).tolist(),
        "positives": [size.positives] * len(without),
        "negatives": [size.negatives] * len(without),
    }
    _write_precision(folder / "ap.safetensors", size, places, point)
    said = {key: json.dumps(value) for key, value in parents.items()}
    _write_precision(folder / "parents.safetensors", size, without, point | said)


def _write_precision(path: Path, size: Size, concepts: np.ndarray, metadata: dict[str, str]) -> None:
    random = np.random.default_rng(SEED)
    shape = len(concepts), size.units
    controls = ("measured", "shuffled")
    layout = {
        f"{one}/mlp_post/{layer}": (shape, np.dtype(np.float32))
        for one in controls
        for layer in range(LAYERS)
    }
    own = np.arange(size.units) % size.concepts // MEMBERS == concepts[:, None] // MEMBERS
    with create_arrays(path, layout=layout, metadata=metadata) as written:
        for key, array in written.items():
            array[...] = random.beta(12, 30, shape)
            if key.startswith("measured"):
                array[own] += 0.2


def _write_responses(path: Path, size: Size) -> None:
    random = np.random.default_rng(SEED)
    shape = len(size.owner), size.units
    layout = {f"mlp_post/{layer}": (shape, np.dtype(np.float32)) for layer in range(LAYERS)}
    metadata = {"sentences": str(len(size.owner)), "masked": "false"}
    with create_arrays(path, layout=layout, metadata=metadata) as written:
        for array in written.values():
            array[...] = random.standard_normal(shape, np.float32)
            # Each unit responds to one concept, and to its category somewhat less.
            own = np.arange(size.units) % size.concepts
            array[...] += 1.5 * (size.owner[:, None] == own)
            array[...] += size.owner[:, None] // MEMBERS == own // MEMBERS


def _write_pool(path: Path, size: Size) -> None:
    names = [size.names[one] for one in size.owner]
    columns = {
        "sentence": range(len(names)),
        "text": [f"Here is the {name}, where it was before." for name in names],
        "concept": names,
        "origin": [f"frame {place % ORIGINS}" for place in range(len(names))],
    }
    _write_table(path, "pool", columns)


def _write_sets(path: Path, size: Size) -> None:
    random = np.random.default_rng(SEED)
    rows = []
    for concept in range(size.concepts):
        rows.append(np.flatnonzero(size.owner == concept))
        others = np.flatnonzero(size.owner != concept)
        rows.append(np.sort(random.choice(others, size.negatives, replace=False)))
    each = size.positives + size.negatives
    columns = {
        "concept": np.repeat(size.names, each),
        "sentence": np.concatenate(rows),
        "positive": np.tile(np.arange(each) < size.positives, size.concepts),
    }
    _write_table(path, "sets", columns)


def _write_concepts(path: Path, size: Size) -> None:
    columns = {
        "index": range(size.concepts),
        "concept": size.names,
        "word": size.names,
        "plural": [f"{name}s" for name in size.names],
        "category": [_category(place) for place in range(size.concepts)],
        "positives": [size.positives] * size.concepts,
        "negatives": [size.negatives] * size.concepts,
        "prevalence": [size.positives / (size.positives + size.negatives)] * size.concepts,
    }
    _write_table(path, "concepts", columns)


def _write_lexicon(path: Path, size: Size) -> None:
    concepts = {
        name: {
            "category": _category(place),
            "gloss": "a thing",
            "attributes": {"quality": [_category(place), f"shade {place % 5}"]},
        }
        for place, name in enumerate(size.names)
    }
    categories = {concept["category"]: {"gloss": "a kind"} for concept in concepts.values()}
    lexicon = {"part_of_speech": "noun", "categories": categories, "concepts": concepts}
    path.write_text(yaml.safe_dump(lexicon, sort_keys=False), encoding="utf-8")


def _category(concept: int) -> str:
    return f"kind{concept // MEMBERS:02d}"


def _write_table(path: Path, schema: str, known: dict[str, Any]) -> None:
    """Write the columns that are known; the others hold nothing in particular."""
    columns = {column["name"]: column["type"] for column in table_schema(schema)["columns"]}
    rows = len(known["concept"])
    values = {name: known.get(name, [BLANK[kind]] * rows) for name, kind in columns.items()}
    frame = pl.DataFrame(values).cast({name: POLARS_TYPES[kind] for name, kind in columns.items()})
    write_table(frame, path, schema=schema)
