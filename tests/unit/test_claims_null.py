"""Where the two sides of a claim are alike, p-values are uniform, or larger than that."""

from collections.abc import Callable

import numpy as np
import pytest
from claim_data import (
    claim,
    concepts_table,
    counts_table,
    found,
    overlap_table,
    pairs_table,
    side,
    symmetric,
)
from scipy.stats import kstest

SEEDS, DRAWS = 200, 199
LABELS = np.repeat(np.arange(5), 6)
Tables = dict
Case = Callable[[np.random.Generator], tuple[dict, Tables]]


def of_items(rng: np.random.Generator) -> tuple[dict, Tables]:
    """Counts that share what is common to a concept, as those of a model and its control do."""
    common = rng.poisson(30, size=12)
    counts = {control: common + rng.poisson(20, size=12) for control in ("measured", "untrained")}
    return claim(side("experts"), side("experts", "untrained")), {"counts": counts_table(counts)}


def of_items_and_a_number(rng: np.random.Generator) -> tuple[dict, Tables]:
    counts = counts_table({"measured": rng.binomial(100, 0.5, size=15)})
    return claim(side("experts"), 50.0), {"counts": counts}


def of_categories(rng: np.random.Generator) -> tuple[dict, Tables]:
    tables = {
        "overlap": overlap_table({"measured": symmetric(rng, 15)}),
        "concepts": concepts_table(LABELS[::2]),
    }
    return claim(side("within_overlap"), side("between_overlap")), tables


def of_overlaps(rng: np.random.Generator) -> tuple[dict, Tables]:
    matrices = {control: symmetric(rng, 30, LABELS, 1.0) for control in ("measured", "rotated")}
    tables = {"overlap": overlap_table(matrices), "concepts": concepts_table(LABELS)}
    return claim(side("within_overlap"), side("within_overlap", "rotated")), tables


def of_alignments(rng: np.random.Generator) -> tuple[dict, Tables]:
    ratings = symmetric(rng, 30)
    similar = {control: ratings + symmetric(rng, 30) for control in ("measured", "untrained")}
    men = {"reference": "men"}
    row = claim(side("alignment", **men), side("alignment", "untrained", **men))
    return row, {"alignment_pairs": pairs_table(similar, ratings)}


def p_values(case: Case, folder) -> np.ndarray:
    """One-sided p-values [seed] of new data in each."""
    drawn = [case(np.random.default_rng([11, seed])) for seed in range(SEEDS)]
    return np.array(
        [found(folder, row, draws=DRAWS, seed=seed, **tables).p for seed, (row, tables) in enumerate(drawn)]
    )


@pytest.mark.parametrize("case", [of_items, of_items_and_a_number, of_categories])
def test_p_values_of_permutations_are_uniform(tmp_path, case):
    p = p_values(case, tmp_path)
    assert kstest(p, "uniform").pvalue > 0.01
    assert 0.01 <= (p <= 0.05).mean() <= 0.1


def test_bootstrap_p_values_of_overlaps_are_uniform(tmp_path):
    p = p_values(of_overlaps, tmp_path)
    assert kstest(p, "uniform").pvalue > 0.01
    assert (p <= 0.05).mean() <= 0.09


def test_bootstrap_p_values_of_alignments_are_small_no_more_often_than_they_say(tmp_path):
    p = p_values(of_alignments, tmp_path)
    assert 0.4 < p.mean() < 0.6
    assert (p <= 0.05).mean() <= 0.05
    assert (p <= 0.2).mean() <= 0.25
