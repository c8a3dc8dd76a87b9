"""Tables in which the truth about a claim is known, and the rows by which claims are tested on them."""

from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
from synthetic_tables import table

from golgi.statistics import claims as room
from golgi.statistics.claim_evidence import Evidence
from golgi.statistics.claim_tests import Finding
from golgi.tables import read_table, table_schema, write_table

MEASURED = {"model": "mini", "checkpoint": "400", "control": "measured", "threshold": 0.5}
FILLERS = {"str": "x", "int": 0, "float": 0.0, "bool": False}


def filled(name: str, rows: list[dict]) -> pl.DataFrame:
    """Rows of a table of which only some columns matter; the others hold nothing in particular."""
    columns = table_schema(name)["columns"]
    blank = {one["name"]: None if one.get("nullable") else FILLERS[one["type"]] for one in columns}
    return table(name, [blank | row for row in rows])


def where(control: str = "measured", **others) -> dict:
    checkpoint = "untrained" if control == "untrained" else "400"
    return MEASURED | {"control": control, "checkpoint": checkpoint} | others


def side(quantity: str, control: str = "measured", **others) -> dict:
    return {"quantity": quantity, "where": where(control, **others)}


def claim(left: dict, right: dict | float, *, relation: str = "exceeds", matters: float = 0.05) -> dict:
    words = {"claim": "planted", "say": "Planted.", "model": "mini", "quantity": left["quantity"]}
    row = words | {"relation": relation, "against": "the other", "unit": "units", "matters": matters}
    return row | {"left": left, "right": right}


def counts_table(values: dict[str, np.ndarray]) -> pl.DataFrame:
    """Experts of every concept by control, in two layers that are added up."""
    rows = [
        where(control) | {"layer": layer, "site": "mlp_post", "concept": f"c{place:03d}", "experts": part}
        for control, experts in values.items()
        for place, count in enumerate(experts)
        for layer, part in enumerate((int(count) // 3, int(count) - int(count) // 3))
    ]
    return filled("counts", rows)


def discoveries_table(experts: np.ndarray, expected: np.ndarray, control: str = "measured") -> pl.DataFrame:
    """Experts [concept], and how many of them chance would give."""
    rows = [
        where(control) | {"concept": f"c{place:03d}", "experts": int(one), "expected": float(other)}
        for place, (one, other) in enumerate(zip(experts, expected, strict=True))
    ]
    return filled("discoveries", rows)


def concepts_table(labels: np.ndarray) -> pl.DataFrame:
    rows = [
        {"index": place, "concept": f"c{place:03d}", "category": str(label)}
        for place, label in enumerate(labels)
    ]
    return filled("concepts", rows)


def overlap_table(matrices: dict[str, np.ndarray], *, empty: bool = False) -> pl.DataFrame:
    """Overlaps [concept, concept] of every pair, by control."""
    rows = [
        where(control)
        | {"concept_a": f"c{a:03d}", "concept_b": f"c{b:03d}", "jaccard": float(matrix[a, b]), "empty": empty}
        for control, matrix in matrices.items()
        for a, b in combinations(range(len(matrix)), 2)
    ]
    return filled("overlap", rows)


def pairs_table(similarities: dict[str, np.ndarray], ratings: np.ndarray) -> pl.DataFrame:
    """Similarity [word, word] of every pair by control, beside one rating [word, word]."""
    rows = [
        where(control, reference="men")
        | {"concept_a": f"c{a:03d}", "concept_b": f"c{b:03d}"}
        | {"rating": float(ratings[a, b]), "similarity": float(matrix[a, b])}
        for control, matrix in similarities.items()
        for a, b in combinations(range(len(matrix)), 2)
    ]
    return filled("alignment_pairs", [{k: v for k, v in row.items() if k != "threshold"} for row in rows])


def symmetric(rng: np.random.Generator, items: int, categories: np.ndarray | None = None, gap: float = 0.0):
    """A random similarity [item, item], higher by `gap` within categories; items differ in their level."""
    level = rng.normal(size=items)
    matrix = np.triu(rng.normal(size=(items, items)), k=1) + 0.5 * (level[:, None] + level[None, :])
    matrix = np.triu(matrix, k=1)
    if categories is not None:
        matrix += np.triu(gap * (categories[:, None] == categories[None, :]), k=1)
    return matrix + matrix.T


def written(folder: Path, tables: dict[str, pl.DataFrame]) -> dict[str, Path]:
    for name, frame in tables.items():
        write_table(frame, folder / f"{name}.parquet", schema=name)
    return {name: folder / f"{name}.parquet" for name in tables}


def found(folder: Path, row: dict, *, draws: int = 999, seed: int = 0, **tables: pl.DataFrame) -> Finding:
    return room.find(row, Evidence(written(folder, tables)), draws=draws, seed=seed)


def experts_table(items: int, gap: float, seed: int = 0) -> pl.DataFrame:
    """Experts of each concept, on average `gap` more as measured than in the twin."""
    rng = np.random.default_rng(seed)
    base = rng.poisson(40, size=items)
    return counts_table({"measured": base + rng.poisson(8, items) - 8 + gap, "untrained": base})


def verdicts(folder: Path, rows: list[dict], **tables: pl.DataFrame) -> pl.DataFrame:
    """Table `claims` of these rows."""
    file = folder / "claims.parquet"
    room.test_claims(rows=rows, tables=written(folder, tables), draws=999, seed=0, claims=file)
    return read_table(file, schema="claims")


def children_table(**printed) -> pl.DataFrame:
    """One row of table `hierarchy`, with the difference, interval and p-value that it has tested."""
    numbers = {"own": 0.3, "wrong": 0.1, "difference": 0.2, "low": 0.05, "high": 0.4, "p": 0.004}
    at = {"parent": "pooled", "direction": "child_in_parent"}
    return filled("hierarchy", [where() | at | numbers | {"concepts": 30, "empty": 12} | printed])


MORE_EXPERTS = claim(side("experts"), side("experts", "untrained"), matters=2.0)
