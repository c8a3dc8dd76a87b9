"""Do experts know a hierarchy: are parents' those of their children, and clusters those of the lexicon?"""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from golgi.concepts.lexicon import load_lexicon, tree_similarity
from golgi.statistics.dendrogram import cluster, tree_correlations
from golgi.statistics.kinship import Kinship, Shared, kinships, read_shared
from golgi.statistics.overlap import jaccard
from golgi.statistics.parenthood import (
    DIRECTIONS,
    containments,
    differences,
    permute_parents,
    placed_containment,
    pooled_containment,
)
from golgi.statistics.resampling import bootstrap_means, holm
from golgi.tables import read_table, write_table

logger = logging.getLogger(__name__)


def measure_hierarchy(
    *,
    aps: Sequence[Path],
    parents: Sequence[Path],
    concepts: Path,
    lexicon: Path,
    thresholds: Sequence[float],
    planned_threshold: float,
    last_checkpoints: dict[str, str],
    permutations: int,
    bootstraps: int,
    seed: int,
    hierarchy: Path,
    children: Path,
    tree: Path,
    merges: Path,
) -> None:
    """Write tables `hierarchy`, `hierarchy_concepts` (`children`), `hierarchy_tree` and `hierarchy_merges`.

    `aps` and `parents` are what `score_experts` and `score_parents` wrote, in the same order. Pooled parents
    are categories, word parents concepts named like a category. The planned families are the measured
    experts at `planned_threshold` and each model's last checkpoint. Raises GolgiError if arrays and concepts
    do not fit.
    """
    described = read_table(concepts, schema="concepts")
    words = load_lexicon(lexicon)
    tables = [
        table
        for ap, pooled in zip(aps, parents, strict=True)
        for table in read_shared(ap, pooled, described["concept"].to_list(), thresholds)
    ]
    planned = np.array([_is_planned(table, planned_threshold, last_checkpoints) for table in tables])
    draws = {"permutations": permutations, "bootstraps": bootstraps, "seed": seed}
    frames = [
        compare(tables, planned, kinship, described, **draws)
        for kinship in kinships(described, words, tables[0].parents)
    ]
    tested = _adjusted(pl.concat([frame for frame, _ in frames]))
    write_table(tested, hierarchy, schema="hierarchy", csv=True)
    write_table(pl.concat([frame for _, frame in frames]), children, schema="hierarchy_concepts", csv=True)
    distances = 1.0 - tree_similarity(words, described["concept"].to_list())
    write_table(
        _adjusted(_trees(tables, planned, distances, permutations, seed)),
        tree,
        schema="hierarchy_tree",
        csv=True,
    )
    drawn = [table for table in tables if _is_drawn(table, planned_threshold)]
    write_table(_merges(drawn), merges, schema="hierarchy_merges", csv=True)
    logger.info("Compared %d expert sets with their parents and the lexicon's tree.", len(tables))


def compare(
    tables: Sequence[Shared],
    planned: np.ndarray,
    kinship: Kinship,
    described: pl.DataFrame,
    *,
    permutations: int,
    bootstraps: int,
    seed: int,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of tables `hierarchy` (but `p_holm`) and `hierarchy_concepts` for one kind of kin."""
    tested, children = [], []
    places, labels = np.arange(len(kinship.children)), kinship.labels
    for direction in DIRECTIONS:
        contained = [_contained(table, kinship, described, direction) for table in tables]
        own, wrong = map(
            np.stack, zip(*(differences(one, kinship.patterns) for one in contained), strict=True)
        )
        exchanged, held = own - wrong, labels
        if kinship.kind == "pooled":
            exchanged, held = _placed(tables, kinship, described, direction) - wrong[:, :, labels], places
        p = permute_parents(exchanged, held, draws=permutations, seed=seed)
        own, wrong = own[:, places, labels], wrong[:, places, labels]  # [test, child]
        # Children of one category have one parent, more or less: they are not independent.
        low, high = bootstrap_means((own - wrong).T, draws=bootstraps, seed=seed, groups=labels)
        for index, table in enumerate(tables):
            row = {**table.identity(), "parent": kinship.kind, "direction": direction}
            ends = {"low": low[index], "high": high[index], "p": p[index]}
            family = "planned" if planned[index] and kinship.kind == "pooled" else "exploratory"
            children.append(_children(row, table, kinship, described, own[index], wrong[index]))
            facts = _sizes(children[-1]) | _facts(table, kinship, described)
            tested.append(row | _summary(own[index], wrong[index]) | ends | {"family": family} | facts)
    return pl.DataFrame(tested, infer_schema_length=None), pl.concat(children)


def _contained(table: Shared, kinship: Kinship, described: pl.DataFrame, direction: str) -> np.ndarray:
    contained = containments(table.counts, table.sizes, direction)
    if kinship.kind == "word":
        np.fill_diagonal(contained, np.nan)  # a concept is not its own parent, nor a wrong one
        places = _places(kinship.names, described)
        return contained[np.ix_(kinship.children, places)]
    categories = _categories(kinship, described)
    return pooled_containment(contained[:, len(described) :], table.parents, categories)[kinship.children]


def _placed(
    tables: Sequence[Shared], kinship: Kinship, described: pl.DataFrame, direction: str
) -> np.ndarray:
    """Containment [test, child, child]: in the parent that a child would have in another child's place.

    A child's value is of one parent, that of a wrong category a mean over several, which varies less: were
    these permuted, chance alone would seem rare. Places give each child one parent in every draw.
    """
    categories, children = _categories(kinship, described), kinship.children
    contained = [containments(table.counts, table.sizes, direction)[:, len(described) :] for table in tables]
    placed = [
        placed_containment(one, table.parents, categories)
        for one, table in zip(contained, tables, strict=True)
    ]
    return np.stack(placed)[:, children][:, :, children]


def _categories(kinship: Kinship, described: pl.DataFrame) -> np.ndarray:
    numbers = {name: index for index, name in enumerate(kinship.names)}
    return described["category"].replace_strict(numbers, return_dtype=pl.Int64).to_numpy()


def _summary(own: np.ndarray, wrong: np.ndarray) -> dict[str, float | int]:
    known = np.isfinite(own - wrong)
    means = [float(one[known].mean()) if known.any() else np.nan for one in (own, wrong)]
    return {
        "own": means[0],
        "wrong": means[1],
        "difference": means[0] - means[1],
        "concepts": int(known.sum()),
        "empty": int((~known).sum()),
    }


def _sizes(children: pl.DataFrame) -> dict[str, float]:
    return {name: children[name].mean() for name in ("experts", "parent_experts")}


def _facts(table: Shared, kinship: Kinship, described: pl.DataFrame) -> dict[str, int]:
    """How many parents there are, children without one, and children whose parents have too few sentences."""
    pooled = kinship.kind == "pooled"
    own = described.select("positives", "negatives").to_numpy()[table.parents.without]
    short = table.parents.without[(table.parent_sentences < own).any(axis=1)]
    return {
        "parents": len(np.unique(kinship.labels)) if pooled else len(kinship.names),
        "alone": len(described) - len(kinship.children),
        "short": len(np.unique(short)) if pooled else 0,
    }


def _children(
    row: dict, table: Shared, kinship: Kinship, described: pl.DataFrame, own: np.ndarray, wrong: np.ndarray
) -> pl.DataFrame:
    parents = _own_parents(table, kinship, described)
    columns = {
        "concept": described["concept"].gather(kinship.children),
        "category": described["category"].gather(kinship.children),
        "parents": [_named(kinship, label) for label in kinship.labels],
        "experts": table.sizes[kinship.children],
        "parent_experts": [float(table.sizes[one].mean()) for one in parents],
        "own": own,
        "wrong": wrong,
        "difference": own - wrong,
    }
    same = [pl.lit(value, pl.Int64 if name == "step" else None).alias(name) for name, value in row.items()]
    return pl.DataFrame(columns).with_columns(*same, pl.col("own", "wrong", "difference").fill_nan(None))


def _own_parents(table: Shared, kinship: Kinship, described: pl.DataFrame) -> list[np.ndarray]:
    """The sets that each child is held to be contained in, by their place among all sets."""
    if kinship.kind == "word":
        places = _places(kinship.names, described)
        return [places[kinship.patterns[label]] for label in kinship.labels]
    parents = table.parents
    usable = parents.half != parents.halves[parents.without]
    return [
        len(described) + np.flatnonzero(usable & (parents.without == child)) for child in kinship.children
    ]


def _named(kinship: Kinship, label: int) -> str:
    return ", ".join(name for name, own in zip(kinship.names, kinship.patterns[label], strict=True) if own)


def _places(names: Sequence[str], described: pl.DataFrame) -> np.ndarray:
    place = {name: index for index, name in enumerate(described["concept"])}
    return np.array([place[name] for name in names])


def _trees(
    tables: Sequence[Shared], planned: np.ndarray, tree: np.ndarray, draws: int, seed: int
) -> pl.DataFrame:
    similarity = np.stack([_similarity(table) for table in tables])
    correlation, p, fidelity = tree_correlations(similarity, tree, draws=draws, seed=seed)
    rows = [
        table.identity() | {"concepts": len(tree), "empty": int((table.sizes[: len(tree)] == 0).sum())}
        for table in tables
    ]
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.Series("correlation", correlation),
        pl.Series("p", p),
        pl.Series("fidelity", fidelity),
        pl.Series("family", np.where(planned, "planned", "exploratory")),
    )


def _merges(tables: Sequence[Shared]) -> pl.DataFrame:
    rows = [
        table.identity()
        | {
            "merge": merge,
            "first": int(first),
            "second": int(second),
            "distance": float(distance),
            "size": int(size),
        }
        for table in tables
        for merge, (first, second, distance, size) in enumerate(cluster(_similarity(table), ordered=True))
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def _similarity(table: Shared) -> np.ndarray:
    return jaccard(table.counts[:, : len(table.counts)])


def _adjusted(frame: pl.DataFrame) -> pl.DataFrame:
    """With the p-values of the planned tests adjusted together, and what is undefined empty."""
    p = frame["p"].to_numpy()
    planned = (frame["family"] == "planned").to_numpy() & np.isfinite(p)
    adjusted = np.full(len(p), np.nan)
    adjusted[planned] = holm(p[planned])
    return frame.with_columns(pl.Series("p_holm", adjusted)).with_columns(pl.col(pl.Float64).fill_nan(None))


def _is_planned(table: Shared, threshold: float, last_checkpoints: dict[str, str]) -> bool:
    last = table.point.checkpoint == last_checkpoints.get(table.point.model)
    return table.control == "measured" and last and _is_at(table, threshold)


def _is_drawn(table: Shared, threshold: float) -> bool:
    return table.control in ("measured", "untrained") and _is_at(table, threshold)


def _is_at(table: Shared, threshold: float) -> bool:
    return bool(np.isclose(table.threshold, threshold, rtol=0, atol=1e-9))
