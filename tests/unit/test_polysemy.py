from collections import Counter
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from expert_data import CATEGORY_OF, NAMES, write_concepts
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.special import comb
from scipy.stats import t as student

from golgi.errors import GolgiError
from golgi.statistics.polysemy import (
    bootstrap_sharing,
    jackknife_polysemous,
    measure_polysemy,
    one_category_chance,
    permute_sharing,
    same_category,
)
from golgi.statistics.resampling import holm
from golgi.tables import read_table, write_arrays

UNITS, TAU = 40, 0.6
LABELS = np.array([CATEGORY_OF[name] for name in NAMES])


def precisions(seed: int, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {key: random.uniform(0.1, 0.75, (len(NAMES), UNITS)).astype(np.float32) for key in keys}


def write_study(folder, last: dict[str, np.ndarray] | None = None, **changes) -> dict:
    keys = ("measured/mlp_post/0", "measured/mlp_post/1", "rotated/mlp_post/0", "rotated/mlp_post/1")
    last = last or precisions(0, keys)
    last |= {"shuffled/mlp_post/0": np.full((len(NAMES), UNITS), 0.3, np.float32)}
    twin = precisions(1, keys[:2])
    aps = [folder / "20.safetensors", folder / "untrained.safetensors"]
    write_arrays(last, aps[0], metadata={"model": "mini", "checkpoint": "20", "step": "20"})
    metadata = {"model": "mini", "checkpoint": "untrained", "step": "", "untrained": "true"}
    write_arrays(twin, aps[1], metadata=metadata)
    return {
        "aps": aps,
        "concepts": write_concepts(folder / "concepts.parquet"),
        "threshold": TAU,
        "permutations": 499,
        "bootstraps": 300,
        "seed": 7,
        "polysemy": folder / "polysemy.parquet",
        "sharing": folder / "polysemy_sharing.parquet",
    } | changes


def measured(options: dict) -> tuple[pl.DataFrame, pl.DataFrame]:
    measure_polysemy(**options)
    return (
        read_table(options["polysemy"], schema="polysemy"),
        read_table(options["sharing"], schema="polysemy_sharing"),
    )


def concepts_of_units(arrays: dict[str, np.ndarray], control: str) -> list[list[int]]:
    """The concepts of each unit, experts or not, counted one by one."""
    return [
        [concept for concept in range(len(NAMES)) if ap[concept, unit] >= np.float32(TAU)]
        for key, ap in arrays.items()
        if key.startswith(control)
        for unit in range(ap.shape[1])
    ]


def test_tables_are_those_of_a_plain_count(tmp_path):
    options = write_study(tmp_path)
    spectrum, sharing = measured(options)
    keys = ("measured/mlp_post/0", "measured/mlp_post/1", "rotated/mlp_post/0", "rotated/mlp_post/1")
    for checkpoint, control, arrays in (
        ("20", "measured", precisions(0, keys)),
        ("20", "rotated", precisions(0, keys)),
        ("untrained", "untrained", precisions(1, keys[:2])),
    ):
        units = concepts_of_units(arrays, "measured" if control == "untrained" else control)
        held = Counter(map(len, units))
        rows = spectrum.filter(checkpoint=checkpoint, control=control)
        assert dict(rows.select("concepts", "units").rows()) == dict(held)
        row = sharing.filter(checkpoint=checkpoint, control=control).row(0, named=True)
        several = [unit for unit in units if len(unit) > 1]
        pairs = [LABELS[a] == LABELS[b] for unit in units for a, b in combinations(unit, 2)]
        assert (row["units"], row["experts"]) == (2 * UNITS, sum(bool(unit) for unit in units))
        assert row["polysemous"] == len(several)
        assert row["share"] == pytest.approx(len(several) / row["experts"])
        assert row["mean_concepts"] == pytest.approx(np.mean([len(unit) for unit in units if unit]))
        assert row["pairs"] == len(pairs)
        assert row["same_category"] == pytest.approx(np.mean(pairs))
        assert row["one_category"] == sum(len(set(LABELS[unit])) == 1 for unit in several)
        assert row["low"] < row["share"] < row["high"]
        assert row["expected"] == pytest.approx(6 / 15)


def test_a_control_without_experts_keeps_its_rows(tmp_path):
    spectrum, sharing = measured(write_study(tmp_path))
    assert spectrum.filter(control="shuffled").select("concepts", "units").rows() == [(0, UNITS)]
    row = sharing.filter(control="shuffled").row(0, named=True)
    assert (row["experts"], row["polysemous"], row["pairs"], row["one_category"]) == (0, 0, 0, 0)
    for name in ("share", "low", "high", "mean_concepts", "same_category", "expected", "p", "p_holm"):
        assert row[name] is None


def test_planted_units_of_categories_are_found_and_tested(tmp_path):
    planted = np.full((len(NAMES), UNITS), 0.1, np.float32)
    for unit in range(20):  # ten pairs of animals, ten of vehicles
        planted[[0, 1] if unit < 10 else [3, 5], unit] = 0.9
    spectrum, sharing = measured(write_study(tmp_path, {"measured/mlp_post/0": planted}))
    assert spectrum.filter(control="measured").select("concepts", "units").rows() == [(0, 20), (2, 20)]
    row = sharing.filter(control="measured").row(0, named=True)
    assert (row["same_category"], row["one_category"], row["share"]) == (1.0, 20, 1.0)
    assert row["one_category_expected"] == pytest.approx(20 * 6 / 15)
    assert row["p"] < 0.5
    assert row["p_holm"] == pytest.approx(row["p"])
    assert sharing.filter(family="planned")["control"].to_list() == ["measured"]


def test_a_planned_test_without_a_pair_still_counts_in_the_family(tmp_path):
    lonely = np.full((len(NAMES), UNITS), 0.1, np.float32)
    lonely[0, 0] = 0.9
    options = write_study(tmp_path, {"measured/mlp_post/0": lonely})
    other = tmp_path / "other.safetensors"
    arrays = precisions(0, ("measured/mlp_post/0",))
    write_arrays(arrays, other, metadata={"model": "other", "checkpoint": "20", "step": "20"})
    _, sharing = measured(options | {"aps": [*options["aps"], other]})
    planned = sharing.filter(family="planned")
    assert planned["model"].to_list() == ["mini", "other"]
    assert planned["p_holm"].to_list() == [None, pytest.approx(holm(np.array([1.0, planned["p"][1]]))[1])]


def test_expected_share_is_the_mean_under_permuted_labels():
    random = np.random.default_rng(5)
    labels = np.repeat(["a", "b", "c"], [5, 4, 3])
    members = random.random((60, 12)) < 0.3
    shared = (members.T.astype(float) @ members)[None]
    drawn = [same_category(shared, random.permutation(labels))[0] for _ in range(3000)]
    apart = labels[:, None] == labels[None, :]
    expected = np.triu(apart, k=1).sum() / (12 * 11 / 2)
    assert np.mean(drawn) == pytest.approx(expected, abs=0.003)


def test_p_values_agree_with_labels_permuted_one_by_one():
    random = np.random.default_rng(6)
    labels = np.repeat(["a", "b"], 5)
    members = random.random((50, 10)) < 0.25
    members[:8, :2] = True
    shared = (members.T.astype(float) @ members)[None]
    observed = same_category(shared, labels)[0]
    drawn = np.array([same_category(shared, random.permutation(labels))[0] for _ in range(4000)])
    p = permute_sharing(shared, labels, draws=4000, seed=1)[0]
    assert p == pytest.approx(np.mean(drawn >= observed - 1e-12), abs=0.03)


def test_p_values_are_even_without_an_effect():
    random = np.random.default_rng(8)
    labels = np.repeat(["a", "b", "c"], 6)
    shared = np.stack([np.cov(random.random((18, 40)) < 0.3) for _ in range(300)])
    shared = shared - shared.min()
    p = permute_sharing(shared, labels, draws=199, seed=2)
    assert np.mean(p <= 0.1) == pytest.approx(0.1, abs=0.05)
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(1, 8))
def test_chance_of_one_category_counts_the_choices(sizes, held):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    if held > len(labels):
        return
    expected = sum(comb(size, held, exact=True) for size in sizes) / comb(len(labels), held, exact=True)
    assert one_category_chance(np.array([held]), labels)[0] == pytest.approx(expected)


def share_of(members: np.ndarray) -> float:
    return float((members.sum(axis=1) >= 2).mean())


def sparse(members: np.ndarray) -> csr_array:
    return csr_array(members.astype(np.int64))


@pytest.mark.parametrize("breadth", ["even", "lognormal", "gamma"])
@pytest.mark.parametrize(("concepts", "mean"), [(12, 25), (48, 10)])
def test_share_interval_covers_the_share_of_other_concepts(breadth, concepts, mean):
    """Concepts with unequal numbers of experts among 400 units, of which some are liked more."""
    random = np.random.default_rng(9)
    liking = random.gamma(2, 0.5, 400)

    def study() -> np.ndarray:
        scale = {
            "even": np.ones(concepts),
            "lognormal": random.lognormal(-0.5, 1, concepts),
            "gamma": random.gamma(0.5, 2, concepts),
        }[breadth]
        members = random.random((400, concepts)) < np.outer(liking, mean * scale / 400)
        return members[members.any(axis=1)]

    truth = np.mean([share_of(study()) for _ in range(300)])
    seen = [study() for _ in range(150)]
    ends = np.array([jackknife_polysemous(sparse(members)) for members in seen])
    shares = np.array([share_of(members) for members in seen])
    assert ((ends[:, 0] >= 0) & (ends[:, 0] <= shares) & (shares <= ends[:, 1]) & (ends[:, 1] <= 1)).all()
    assert np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])) >= 0.9


def test_share_interval_is_that_of_concepts_left_out_one_by_one():
    members = np.random.default_rng(4).random((60, 9)) < 0.15
    members = members[members.any(axis=1)]

    def log_odds(kept: np.ndarray) -> float:
        several = (kept.sum(axis=1) >= 2).sum()
        return np.log((several + 0.5) / (kept.any(axis=1).sum() - several + 0.5))

    left = np.array([log_odds(np.delete(members, concept, axis=1)) for concept in range(9)])
    reach = student.ppf(0.975, 8) * np.sqrt(8 / 9 * ((left - left.mean()) ** 2).sum())
    ends = [1 / (1 + np.exp(-log_odds(members) - side)) for side in (-reach, reach)]
    assert jackknife_polysemous(sparse(members)) == pytest.approx(tuple(ends))


def test_share_interval_reaches_a_share_of_nothing_and_of_everything():
    alone = np.repeat(np.eye(5, dtype=bool), 4, axis=0)
    low, high = jackknife_polysemous(sparse(alone))
    assert low == 0 < high < 0.2
    low, high = jackknife_polysemous(sparse(np.ones((20, 5), bool)))
    assert 0.8 < low < high == 1


def test_no_expert_and_a_single_concept_have_no_interval():
    assert np.isnan(jackknife_polysemous(csr_array((0, 6), dtype=np.int64))).all()
    assert np.isnan(jackknife_polysemous(csr_array(np.ones((4, 1), np.int64)))).all()
    low, high = bootstrap_sharing(np.zeros((1, 6, 6)), LABELS, draws=50, seed=0)
    assert np.isnan([low[0], high[0]]).all()


def test_sharing_interval_is_that_of_repeated_concepts():
    random = np.random.default_rng(11)
    members = random.random((80, 12)) < 0.3
    labels = np.repeat(["a", "b", "c"], 4)
    shared = (members.T.astype(float) @ members)[None]
    samples = []
    for _ in range(2000):
        drawn = random.integers(0, 12, 12)
        pairs = [(a, b) for a, b in combinations(drawn, 2) if a != b]
        weights = np.array([shared[0, a, b] for a, b in pairs])
        samples.append(np.average([labels[a] == labels[b] for a, b in pairs], weights=weights))
    low, high = bootstrap_sharing(shared, labels, draws=2000, seed=4)
    assert [low[0], high[0]] == pytest.approx(np.quantile(samples, [0.025, 0.975]).tolist(), abs=0.015)


def test_same_bytes_again(tmp_path):
    options = write_study(tmp_path)
    measured(options)
    first = options["polysemy"].read_bytes(), options["sharing"].read_bytes()
    measured(options)
    assert (options["polysemy"].read_bytes(), options["sharing"].read_bytes()) == first


def test_arrays_of_other_concepts_are_an_error(tmp_path):
    options = write_study(tmp_path)
    array = {"measured/mlp_post/0": np.ones((4, 3), np.float32)}
    write_arrays(array, options["aps"][0], metadata={"model": "mini", "checkpoint": "20", "step": "20"})
    with pytest.raises(GolgiError, match=r"20\.safetensors.*4 concepts, but the study has 6"):
        measured(options)
