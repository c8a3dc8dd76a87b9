"""Where there is nothing to find, p-values are uniform; where there is something, they are small.

Every test is given 200 sets of data without an effect. A p-value is (b + 1) / (m + 1), here of m = 499 draws:
a uniform one climbs in steps of 1/500 and so lies at most .002 from the line, while 200 seeds are told from
it at .137, once in a thousand times by mistake. A statistic that is a count may tie with that of a draw,
which makes p-values larger: the counts here are high enough for that not to be seen, so that no test is held
to one side alone. The tests of claims have a file of their own.
"""

import logging
from collections.abc import Callable

import numpy as np
import polars as pl
import pytest
from noise_study import CHILDREN, DRAWS, LABELS, NAMES, OF_A_STUDY, POINT, experts_of_noise, p_of_noise
from scipy.stats import kstest
from synthetic_interventions import at
from synthetic_tables import table

from golgi.experts.expertise import average_precision
from golgi.statistics import parenthood
from golgi.statistics.categories import permute_categories
from golgi.statistics.discoveries import PooledNull, discover
from golgi.statistics.distributed import Fits, summarise
from golgi.statistics.folds import shuffle_often
from golgi.statistics.interventions import measure_interventions
from golgi.statistics.naming import compare_naming
from golgi.statistics.resampling import permutation_p, permutations, sign_flip_test
from golgi.statistics.spearman import mantel_test, spearman
from golgi.tables import read_table, write_table

SEEDS = 200
PLANTED = 20  # seeds of data with an effect
Case = Callable[[np.random.Generator, int, float], float]  # of an effect, which is 0 where there is none


def p_values(case: Case, *, effect: float = 0.0, seeds: int = SEEDS) -> np.ndarray:
    """One-sided p-values [seed] of new data in each, which no two cases have in common."""
    name = case.__name__.encode()
    return np.array([case(np.random.default_rng([seed, *name]), seed, effect) for seed in range(seeds)])


def is_uniform(p: np.ndarray) -> bool:
    return bool(kstest(p, "uniform").pvalue > 0.001 and (p <= 0.05).mean() <= 0.1)


@pytest.fixture(autouse=True)
def _quiet():
    logging.getLogger("golgi").setLevel(logging.ERROR)  # parents of so few sentences are short of negatives
    yield
    logging.getLogger("golgi").setLevel(logging.NOTSET)


@pytest.mark.parametrize("test", OF_A_STUDY)
def test_p_values_of_a_study_of_noise_are_uniform(test):
    assert is_uniform(p_values(lambda random, seed, effect: p_of_noise(seed, effect)[test]))


@pytest.mark.parametrize("test", OF_A_STUDY)
def test_p_values_of_planted_categories_are_small(test):
    p = p_values(lambda random, seed, effect: p_of_noise(seed, effect)[test], effect=1.0, seeds=PLANTED)
    assert p.max() <= 0.01


def test_permuting_categories_instead_of_places_in_them_is_not_uniform():
    """A child's value is of one parent, that of another category a mean, which varies less."""

    def broken(random: np.random.Generator, seed: int, effect: float) -> float:
        shared = experts_of_noise(seed, effect)
        contained = parenthood.containments(shared.counts, shared.sizes, "child_in_parent")
        pooled = parenthood.pooled_containment(contained[:, len(NAMES) :], shared.parents, LABELS)
        own, wrong = parenthood.differences(pooled, CHILDREN.patterns)
        return parenthood.permute_parents((own - wrong)[None], LABELS, draws=DRAWS, seed=seed)[0]

    assert not is_uniform(p_values(broken))


# Tests on data of their own, in which some items are higher than others throughout.

SORTS = np.repeat(np.arange(4), [2, 2, 3, 8])
WORDS = np.arange(14)


def uneven(random: np.random.Generator, sorts: np.ndarray, gap: float = 0.0) -> np.ndarray:
    """A random similarity [item, item], by `gap` higher within sorts; some items are more similar to all."""
    half = np.triu(random.normal(size=(len(sorts), len(sorts))), k=1)
    level = 1.5 * random.normal(size=len(sorts))
    return half + half.T + level[:, None] + level[None, :] + gap * (sorts[:, None] == sorts)


def of_categories(random: np.random.Generator, seed: int, effect: float) -> float:
    similarity = uneven(random, SORTS, effect)
    return permute_categories(similarity[None], SORTS, draws=DRAWS, seed=seed)[0]


def of_all_pairs(random: np.random.Generator, seed: int, effect: float) -> float:
    return mantel_p(random, seed, effect, share=1.0)


def of_rated_pairs(random: np.random.Generator, seed: int, effect: float) -> float:
    return mantel_p(random, seed, effect, share=0.5)


def mantel_p(random: np.random.Generator, seed: int, effect: float, *, share: float) -> float:
    ratings, similarity = uneven(random, WORDS), uneven(random, WORDS)
    similarity += effect * ratings
    first, second = np.triu_indices(len(WORDS), k=1)
    # Every word has a rated pair; ratings come in whole numbers.
    rated = (random.random(len(first)) < share) | (second == first + 1)
    pairs = first[rated], second[rated]
    return mantel_test(similarity[None], *pairs, np.round(2 * ratings[pairs]), draws=DRAWS, seed=seed)[0]


def of_paired_differences(random: np.random.Generator, seed: int, effect: float) -> float:
    differences = (random.standard_t(3, size=(20, 1)) + effect) * random.uniform(0.2, 3, size=(20, 1))
    differences[random.random((20, 1)) < 0.1] = np.nan
    return sign_flip_test(differences, draws=DRAWS, seed=seed)[0]


def of_probes(random: np.random.Generator, seed: int, effect: float) -> float:
    """Held-out sentences of 20 concepts; the best unit in training, and a probe, know nothing of them."""
    positive = np.tile(np.repeat([True, False], [4, 8]), 20)
    responses = random.standard_normal((len(positive), 2)).astype(np.float32)
    responses[positive, 1] += effect
    rows = np.arange(len(positive)).reshape(20, 12)
    sets = [(one[:4], one[4:]) for one in rows]
    unit, probe = average_precision(lambda start, stop: responses[:, start:stop], sets, units=2).T
    point = (POINT.model, POINT.checkpoint, POINT.step, "measured")
    fits = [Fits(point, "unit", 1, unit, 1 / 3), Fits(point, "probe", 10, probe, 1 / 3)]
    frame = summarise(fits, last_checkpoints={"mini": "20"}, permutations=DRAWS, bootstraps=1, seed=seed)
    return frame.filter(kind="probe")["p"].item()


def of_names(random: np.random.Generator, seed: int, effect: float) -> float:
    own, names = experts_names(random)
    names[np.arange(len(own)), own] |= random.random(len(own)) < effect
    return compare_naming(names, own, draws=DRAWS, seed=seed)["p"]


def experts_names(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Experts of a concept name much the same concepts; concepts that many name have more experts, too."""
    known = random.uniform(0.2, 1, size=12)
    own = np.repeat(np.arange(12), (20 * known).astype(int))
    chance = random.beta(1, 2, size=(12, 12)) * known
    return own, random.random((len(own), 12)) < chance[own]


def of_a_unit(random: np.random.Generator, seed: int, effect: float) -> float:
    precision, null = pooled_null(random, seed, effect, knowing=1)
    return null.p_values(0)[np.searchsorted(null.ordered[0], precision[0])]


def pooled_null(
    random: np.random.Generator, seed: int, effect: float, *, knowing: int, positives: int = 12
) -> tuple[np.ndarray, PooledNull]:
    """Average precision [unit] of units of which the first know the labels, and the null of all of them."""
    rows = np.arange(12), np.arange(12, 36)
    responses = random.standard_normal((36, 60)).astype(np.float32)
    responses[:12, :knowing] += effect
    tied = random.random(60) < 0.3
    responses[:, tied] = np.round(4 * responses[:, tied]) / 4
    shuffled = np.arange(positives), np.arange(positives, 36)
    sets = [rows, *shuffle_often(shuffled, "dog", shuffles=20, seed=seed)]
    precision = average_precision(lambda start, stop: responses[:, start:stop], sets, units=60)
    null = PooledNull(precision[:1], [0.5])
    null.add(precision[None, 1:])
    return precision[0], null


EFFECTS = {
    of_categories: 4.0,
    of_all_pairs: 1.0,
    of_rated_pairs: 1.0,
    of_paired_differences: 2.0,
    of_probes: 1.5,
    of_names: 0.5,
    of_a_unit: 3.0,
}


@pytest.mark.parametrize("case", EFFECTS)
def test_p_values_of_nothing_are_uniform(case):
    assert is_uniform(p_values(case))


@pytest.mark.parametrize("case", EFFECTS)
def test_p_values_of_an_effect_are_small(case):
    p = p_values(case, effect=EFFECTS[case], seeds=PLANTED)
    assert np.median(p) <= 0.01
    assert (p <= 0.05).mean() >= 0.9


# Interventions, from the table of prompts on: what a concept's units do, they do to all of its prompts.


def prompts_of(random: np.random.Generator, effect: float) -> pl.DataFrame:
    rows = []
    for concept in range(12):
        for units, draw in (("top", 0), ("random", 0), ("random", 1)):
            moved = random.laplace() + effect * (units == "top")
            rows += [
                {**at("mini", "20"), "concept": f"c{concept:02d}", "action": "force", "units": units}
                | {"draw": draw, "size": 10, "changed": 10, "quantity": "occurs", "prompt": prompt}
                | {"tokens": 1, "value": moved + 0.3 * random.normal(), "base": 0.0}
                for prompt in range(4)
            ]
    return table("intervention_prompts", rows)


@pytest.fixture
def of_interventions(tmp_path) -> Case:
    def case(random: np.random.Generator, seed: int, effect: float) -> float:
        write_table(prompts_of(random, effect), tmp_path / "prompts.parquet", schema="intervention_prompts")
        measure_interventions(
            prompts=tmp_path / "prompts.parquet",
            planned_size=10,
            permutations=DRAWS,
            bootstraps=1,
            seed=seed,
            interventions=tmp_path / "interventions.parquet",
            concepts=tmp_path / "interventions_concepts.parquet",
        )
        written = read_table(tmp_path / "interventions.parquet", schema="interventions")
        return written.filter(units="top", quantity="occurs")["p"].item()

    return case


def test_p_values_of_interventions_are_uniform(of_interventions):
    assert is_uniform(p_values(of_interventions))


def test_p_values_of_interventions_that_move_words_are_small(of_interventions):
    assert p_values(of_interventions, effect=3.0, seeds=PLANTED).max() <= 0.05


def test_false_discoveries_stay_at_the_level():
    shares, found = [], []
    for seed in range(SEEDS):
        precision, null = pooled_null(np.random.default_rng([7, seed]), seed, 2.0, knowing=15)
        rejected = discover(null.ordered[0], null.p_values(0), [0.0], 0.1)[2, 0]
        best = np.argsort(-precision, kind="stable")[:rejected]
        shares.append((best >= 15).sum() / max(rejected, 1))
        found.append((best < 15).mean(dtype=float) if rejected else 0.0)
    assert np.mean(shares) <= 0.1 + 2.6 * np.std(shares) / np.sqrt(SEEDS)
    assert np.mean(found) > 0.8


# What must not be done: these nulls are wrong, and are seen to be.


def pairs_of_words(random: np.random.Generator, seed: int, effect: float) -> float:
    pairs = np.triu_indices(len(WORDS), k=1)
    similarity, ratings = uneven(random, WORDS)[pairs], uneven(random, WORDS)[pairs]
    orders = permutations(len(ratings), DRAWS, np.random.default_rng(seed))
    return permutation_p(spearman(similarity[None], ratings), spearman(similarity[orders], ratings)[:, None])[
        0
    ]


def pairs_of_concepts(random: np.random.Generator, seed: int, effect: float) -> float:
    pairs = np.triu_indices(len(SORTS), k=1)
    same, similarity = (SORTS[:, None] == SORTS)[pairs], uneven(random, SORTS)[pairs]
    orders = permutations(len(same), DRAWS, np.random.default_rng(seed))
    observed = similarity[same].mean(keepdims=True)
    return permutation_p(observed, similarity[orders][:, same].mean(axis=1, keepdims=True))[0]


def prompts_of_concepts(random: np.random.Generator, seed: int, effect: float) -> float:
    moved = prompts_of(random, effect).filter(draw=0).sort("concept", "prompt")
    top, other = (moved.filter(units=units)["value"].to_numpy() for units in ("top", "random"))
    return sign_flip_test((top - other)[:, None], draws=DRAWS, seed=seed)[0]


def experts_of_concepts(random: np.random.Generator, seed: int, effect: float) -> float:
    own, names = experts_names(random)
    orders = permutations(len(own), DRAWS, np.random.default_rng(seed))
    right = names[np.arange(len(own)), own].mean(keepdims=True)
    return permutation_p(right, names[np.arange(len(own)), own[orders]].mean(axis=1, keepdims=True))[0]


def labels_of_other_sizes(random: np.random.Generator, seed: int, effect: float) -> float:
    precision, null = pooled_null(random, seed, effect, knowing=1, positives=9)
    return null.p_values(0)[np.searchsorted(null.ordered[0], precision[0])]


@pytest.mark.parametrize(
    "broken",
    [pairs_of_words, pairs_of_concepts, prompts_of_concepts, experts_of_concepts, labels_of_other_sizes],
)
def test_a_wrong_null_is_not_uniform(broken):
    assert not is_uniform(p_values(broken))
