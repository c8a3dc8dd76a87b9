"""Where the two sides of a claim are alike, p-values are uniform, or larger than that."""

from collections.abc import Callable

import numpy as np
import pytest
from claim_data import (
    claim,
    concepts_table,
    counts_table,
    discoveries_table,
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


def of_false_discoveries(rng: np.random.Generator) -> tuple[dict, Tables]:
    """Experts that differ much between concepts, none in some, and few false ones: by 20 shuffles, 5 %."""
    mean, false = 20.0, 0.05
    experts = rng.poisson(rng.gamma(0.6, mean / 0.6, size=48))
    expected = rng.poisson(20 * rng.gamma(4.0, false * mean / 4.0, size=48)) / 20
    row = claim(side("false_discovery"), false, relation="below")
    return row, {"discoveries": discoveries_table(experts, expected)}


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


def test_bootstrap_p_values_and_intervals_of_false_discoveries_are_as_good_as_they_say(tmp_path):
    """With 48 concepts; of 12 such ones the interval holds the truth in nine samples of ten."""
    findings = []
    for seed in range(SEEDS):
        row, tables = of_false_discoveries(np.random.default_rng([12, seed]))
        findings.append(found(tmp_path, row, draws=DRAWS, seed=seed, **tables))
    p = np.array([finding.p for finding in findings])
    assert 0.4 < p.mean() < 0.6
    assert (p <= 0.05).mean() <= 0.09
    assert (p >= 0.95).mean() <= 0.15
    assert np.mean([finding.low <= 0 <= finding.high for finding in findings]) >= 0.88
    assert np.mean([finding.low > 0 for finding in findings]) <= 0.05
