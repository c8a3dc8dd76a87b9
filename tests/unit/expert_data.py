"""A small study with planted experts, as the files that cross the rules."""

from pathlib import Path

import numpy as np
import polars as pl

from golgi.tables import table_schema, write_arrays, write_table

CATEGORIES = {"animal": ("cat", "dog", "cow"), "vehicle": ("car", "bus", "van")}
NAMES = [name for names in CATEGORIES.values() for name in names]
CATEGORY_OF = {name: category for category, names in CATEGORIES.items() for name in names}
POSITIVES, NEGATIVES, UNITS, LAYERS = 30, 60, 24, 2
SENTENCES = POSITIVES * len(NAMES)
THRESHOLDS = [0.75, 0.9]
OWNER = np.repeat(np.arange(len(NAMES)), POSITIVES)


def write_concepts(path: Path) -> Path:
    """Write the table of concepts; columns that statistics do not read are 0 or empty."""
    blank = {"int": 0, "float": 0.0, "str": "", "bool": False}
    columns = {column["name"]: blank[column["type"]] for column in table_schema("concepts")["columns"]}
    known = {
        "index": range(len(NAMES)),
        "concept": NAMES,
        "word": NAMES,
        "plural": [name + "s" for name in NAMES],
        "category": [CATEGORY_OF[name] for name in NAMES],
        "prevalence": [POSITIVES / (POSITIVES + NEGATIVES)] * len(NAMES),
    }
    frame = pl.DataFrame({name: known.get(name, [value] * len(NAMES)) for name, value in columns.items()})
    write_table(frame, path, schema="concepts")
    return path


def label_rows() -> list[tuple[np.ndarray, np.ndarray]]:
    """Positives and negatives of every concept.

    Negatives are of the other category: a unit of a whole category is a perfect expert of its concepts.
    """
    random = np.random.default_rng(1)
    category = np.array([CATEGORY_OF[NAMES[owner]] for owner in OWNER])
    rows = []
    for index, name in enumerate(NAMES):
        others = np.flatnonzero(category != CATEGORY_OF[name])
        rows.append(
            (np.flatnonzero(index == OWNER), np.sort(random.choice(others, NEGATIVES, replace=False)))
        )
    return rows


def write_sets(path: Path) -> Path:
    frames = []
    for name, rows in zip(NAMES, label_rows(), strict=True):
        positive = np.repeat([True, False], [len(one) for one in rows])
        frame = pl.DataFrame({"sentence": np.concatenate(rows), "positive": positive})
        frames.append(frame.with_columns(pl.lit(name).alias("concept")))
    write_table(pl.concat(frames), path, schema="sets")
    return path


def write_pool(path: Path, *, origins: list[str] | None = None) -> Path:
    """Write the pool of all sentences; columns that statistics do not read are empty."""
    blank = {column["name"]: [""] * SENTENCES for column in table_schema("pool")["columns"]}
    known = {"sentence": list(range(SENTENCES)), "origin": origins or [""] * SENTENCES}
    write_table(pl.DataFrame(blank | known), path, schema="pool")
    return path


def planted(layer: int) -> dict[int, set[int]]:
    """Unit -> the places of the concepts it is a perfect expert of."""
    one_each = {unit: {unit} for unit in range(len(NAMES))}
    of_categories = {6: {0, 1, 2}, 7: {3, 4, 5}}
    return one_each if layer == 0 else one_each | of_categories


def planted_responses(rows: int, layer: int, random: np.random.Generator) -> np.ndarray:
    """Noise in [0, 1) [row, unit], plus 2 where a planted unit meets its concept."""
    responses = random.random((rows, UNITS), np.float32)
    for unit, concepts in planted(layer).items():
        responses[np.isin(OWNER[np.arange(rows) % SENTENCES], list(concepts)), unit] += 2
    return responses


def write_responses(folder: Path, *, seed: int = 0, masked: bool = True) -> dict[str, Path]:
    random = np.random.default_rng(seed)
    rows = SENTENCES * 2 if masked else SENTENCES
    measured = {f"mlp_post/{layer}": planted_responses(rows, layer, random) for layer in range(LAYERS)}
    if masked:
        for array in measured.values():  # what the word alone caused is gone once it is masked
            array[SENTENCES:] = random.random((SENTENCES, UNITS), np.float32)
    rotated = {name: random.random((SENTENCES, UNITS), np.float32) for name in measured}
    metadata = {"sentences": str(SENTENCES), "masked": str(masked).lower()}
    write_arrays(measured, folder / "neuron.safetensors", metadata=metadata)
    write_arrays(rotated, folder / "rotated.safetensors", metadata=metadata)
    vectors = {
        name: random.standard_normal((len(NAMES), 8)).astype(np.float32) for name in ("input", "sentence")
    }
    write_arrays(vectors, folder / "embeddings.safetensors")
    return {name: folder / f"{name}.safetensors" for name in ("neuron", "rotated", "embeddings")}
