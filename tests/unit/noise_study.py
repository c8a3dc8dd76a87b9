"""Noise as responses: a study in small, in which every test about concepts and categories is made."""

import re
from functools import cache

import numpy as np
import polars as pl

from golgi.concepts.sets import draw_negatives
from golgi.experts.expertise import average_precision
from golgi.experts.parents import deal_halves, draw_parents
from golgi.statistics.categories import permute_categories
from golgi.statistics.dendrogram import tree_correlations
from golgi.statistics.hierarchy import compare
from golgi.statistics.kinship import Kinship, Shared
from golgi.statistics.overlap import jaccard
from golgi.statistics.parenthood import Parents, count_shared
from golgi.statistics.polysemy import permute_sharing
from golgi.statistics.precision import Point
from golgi.statistics.spearman import mantel_test

DRAWS = 499
POINT = Point("mini", "20", 20)
CATEGORIES, MEMBERS, POSITIVES, NEGATIVES, UNITS, TAU = 8, 3, 12, 24, 300, 0.45
LABELS = np.repeat(np.arange(CATEGORIES), MEMBERS)
NAMES = [f"thing{place:02d}" for place in range(len(LABELS))]
OWNER = np.repeat(np.arange(len(NAMES)), POSITIVES)
DESCRIBED = pl.DataFrame({"concept": NAMES, "word": NAMES, "plural": NAMES}).with_columns(
    pl.Series("category", [f"kind{label}" for label in LABELS]),
    part_of_speech=pl.lit("noun"),
    gloss=pl.lit(""),
    positives=POSITIVES,
    negatives=NEGATIVES,
)
CHILDREN = Kinship(
    "pooled",
    np.arange(len(NAMES)),
    LABELS,
    np.eye(CATEGORIES, dtype=bool),
    list(dict.fromkeys(DESCRIBED["category"])),
)
TREE = 1 - (np.eye(len(NAMES)) + (LABELS[:, None] == LABELS)) / 2
OF_A_STUDY = ("categories", "child_in_parent", "parent_in_child", "sharing", "tree", "alignment")


def experts_of_noise(seed: int, effect: float) -> Shared:
    """What the experts of noise share; with an effect, 30 units respond to each category that much more."""
    texts = [f"A {NAMES[owner]} is here." for owner in OWNER]
    patterns = {name: re.compile(name) for name in NAMES}
    drawn = draw_negatives(texts, [NAMES[owner] for owner in OWNER], patterns, number=NEGATIVES, seed=seed)
    labels = [(np.flatnonzero(place == OWNER), np.array(drawn[name])) for place, name in enumerate(NAMES)]
    halves = deal_halves(DESCRIBED["category"].to_list(), seed)
    parents = draw_parents(DESCRIBED, labels, texts, halves, seed)
    responses = np.random.default_rng([6, seed]).standard_normal((len(texts), UNITS)).astype(np.float32)
    for category in range(CATEGORIES):
        responses[LABELS[OWNER] == category, 30 * category : 30 * category + 30] += effect
    sets = [*labels, *(parent.rows for parent in parents)]
    precision = average_precision(lambda start, stop: responses[:, start:stop], sets, units=UNITS)
    counts, sizes = count_shared([precision], [TAU], len(NAMES))
    without = np.array([NAMES.index(parent.without) for parent in parents])
    known = Parents(without, np.array([parent.half for parent in parents]), halves)
    return Shared(POINT, "measured", TAU, counts[0], sizes[0], known, np.zeros((len(parents), 2), int))


@cache
def p_of_noise(seed: int, effect: float) -> dict[str, float]:
    shared = experts_of_noise(seed, effect)
    concepts = shared.counts[None, :, : len(NAMES)].astype(float)
    overlap, options = jaccard(concepts), {"draws": DRAWS, "seed": seed}
    first, second = np.triu_indices(len(NAMES), k=1)
    rows, _ = compare(
        [shared], np.array([True]), CHILDREN, DESCRIBED, permutations=DRAWS, bootstraps=1, seed=seed
    )
    return dict(rows.select("direction", "p").rows()) | {
        "categories": permute_categories(overlap, LABELS, **options)[0],
        "sharing": permute_sharing(concepts, LABELS, **options)[0],
        "tree": tree_correlations(overlap, TREE, **options)[1][0],
        "alignment": mantel_test(overlap, first, second, -TREE[first, second], **options)[0],
    }
