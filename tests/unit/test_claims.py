"""Planted claims: true ones are held, false ones are not, and too little data says nothing."""

import numpy as np
import polars as pl
import pytest
from claim_data import (
    MORE_EXPERTS,
    children_table,
    claim,
    concepts_table,
    discoveries_table,
    experts_table,
    filled,
    found,
    overlap_table,
    pairs_table,
    side,
    symmetric,
    verdicts,
    where,
)
from scipy.stats import permutation_test

from golgi.statistics import claims as room
from golgi.statistics.categories import (
    bootstrap_categories,
    category_means,
    permute_categories,
    resampled_means,
)
from golgi.statistics.claim_tests import nothing
from golgi.statistics.resampling import multiplicities
from golgi.statistics.spearman import bootstrap_spearman, spearman

FEW, MANY = 4, 60


@pytest.mark.parametrize(
    ("items", "gap", "expected"),
    [(MANY, 10, "held"), (MANY, -3, "not_held"), (FEW, 3, "underpowered"), (FEW, -30, "underpowered")],
)
def test_paired_claims(tmp_path, items, gap, expected):
    (row,) = verdicts(tmp_path, [MORE_EXPERTS], counts=experts_table(items, gap)).to_dicts()
    assert row["verdict"] == expected
    assert (row["test"], row["n"], row["unit_of_replication"]) == ("sign flips", items, "concepts")
    assert row["low"] <= row["effect"] <= row["high"]
    assert row["effect"] == pytest.approx(row["value"] - row["other"])


@pytest.mark.parametrize(
    ("items", "gap", "expected"),
    [(48, 1.0, "held"), (48, -0.2, "not_held"), (4, 0.2, "underpowered")],
)
def test_claims_about_categories(tmp_path, items, gap, expected):
    labels = np.repeat(np.arange(items // 2 if items < 10 else 6), 2 if items < 10 else items // 6)
    matrix = symmetric(np.random.default_rng(1), items, labels, gap)
    row = claim(side("within_overlap"), side("between_overlap"), matters=0.4)
    tables = {"overlap": overlap_table({"measured": matrix}), "concepts": concepts_table(labels)}
    (line,) = verdicts(tmp_path, [row], **tables).to_dicts()
    assert (line["verdict"], line["test"]) == (expected, "permuted category labels")


@pytest.mark.parametrize(
    ("items", "noise", "twin", "expected"),
    [(40, 0.3, 3.0, "held"), (40, 1.0, 1.0, "not_held"), (5, 1.0, 1.5, "underpowered")],
)
def test_claims_about_alignment(tmp_path, items, noise, twin, expected):
    rng = np.random.default_rng(2)
    ratings = symmetric(rng, items)
    similar = {
        "measured": ratings + noise * symmetric(rng, items),
        "untrained": ratings + twin * symmetric(rng, items),
    }
    men = {"reference": "men"}
    row = claim(side("alignment", **men), side("alignment", "untrained", **men), matters=0.25)
    (line,) = verdicts(tmp_path, [row], alignment_pairs=pairs_table(similar, ratings)).to_dicts()
    assert (line["verdict"], line["test"], line["n"]) == (expected, "bootstrap", items)


def test_sign_flips_agree_with_scipy(tmp_path):
    tables = {"counts": experts_table(8, 2, seed=3)}
    finding = found(tmp_path, MORE_EXPERTS, draws=20000, **tables)
    by_control = {
        control: tables["counts"]
        .filter(pl.col("control") == control)
        .group_by("concept")
        .agg(pl.col("experts").sum())
        for control in ("measured", "untrained")
    }
    pairs = [frame.sort("concept")["experts"].to_numpy() for frame in by_control.values()]
    exact = permutation_test(
        pairs, lambda x, y: np.mean(x - y), permutation_type="samples", alternative="greater"
    )
    assert finding.p == pytest.approx(exact.pvalue, abs=0.012)
    assert finding.value == pytest.approx(pairs[0].mean())


def test_staying_below_is_exceeding_the_other_way_round(tmp_path):
    counts = experts_table(20, -4)
    below = claim(side("experts"), side("experts", "untrained"), relation="below")
    exceeds = claim(side("experts", "untrained"), side("experts"))
    one, other = (found(tmp_path, row, counts=counts) for row in (below, exceeds))
    assert (one.effect, one.low, one.high, one.p) == (other.effect, other.low, other.high, other.p)
    assert one.effect > 0


@pytest.mark.parametrize("way_round", [False, True])
def test_categories_either_way_round(tmp_path, way_round):
    labels = np.repeat(np.arange(4), 5)
    matrix = symmetric(np.random.default_rng(4), 20, labels, 0.4)
    tables = {"overlap": overlap_table({"measured": matrix}), "concepts": concepts_table(labels)}
    within, between = side("within_overlap"), side("between_overlap")
    row = claim(between, within, relation="below") if way_round else claim(within, between)
    finding = found(tmp_path, row, **tables)
    means = category_means(matrix[None], labels)
    assert finding.effect == pytest.approx(means[0][0] - means[1][0])
    assert finding.p == permute_categories(matrix[None], labels, draws=999, seed=0)[0]
    low, high = bootstrap_categories(matrix[None], labels, draws=999, seed=0)
    assert (finding.low, finding.high) == pytest.approx((low[0], high[0]))


def test_the_gap_against_nothing_is_within_against_between(tmp_path):
    labels = np.repeat(np.arange(4), 5)
    matrix = symmetric(np.random.default_rng(5), 20, labels, 0.2)
    tables = {"overlap": overlap_table({"measured": matrix}), "concepts": concepts_table(labels)}
    gap = found(tmp_path, claim(side("overlap_gap"), 0.0), **tables)
    pair = found(tmp_path, claim(side("within_overlap"), side("between_overlap")), **tables)
    assert (gap.effect, gap.low, gap.high, gap.p) == pytest.approx((pair.effect, pair.low, pair.high, pair.p))


def test_overlap_against_a_control_resamples_the_same_concepts(tmp_path):
    labels = np.repeat(np.arange(4), 6)
    rng = np.random.default_rng(6)
    matrix = symmetric(rng, 24, labels, 0.8)
    lower = {"measured": matrix, "rotated": matrix - 0.5}
    tables = {"overlap": overlap_table(lower), "concepts": concepts_table(labels)}
    finding = found(tmp_path, claim(side("within_overlap"), side("within_overlap", "rotated")), **tables)
    assert (finding.effect, finding.low, finding.high) == pytest.approx((0.5, 0.5, 0.5))
    assert (finding.test, finding.p) == ("bootstrap", 1 / 1000)


def test_means_of_resampled_pairs_are_those_of_the_pairs_written_out():
    rng = np.random.default_rng(7)
    labels, matrix = np.array(list("aabbc")), symmetric(rng, 5)
    weights = multiplicities(5, 30, rng)
    means = resampled_means(matrix[None], labels, weights.astype(float))
    within, between = (one[:, 0] for one in means)
    for draw, counts in enumerate(weights):
        drawn = np.repeat(np.arange(5), counts)
        pairs = [(a, b) for i, a in enumerate(drawn) for b in drawn[i + 1 :] if a != b]
        same = [matrix[a, b] for a, b in pairs if labels[a] == labels[b]]
        different = [matrix[a, b] for a, b in pairs if labels[a] != labels[b]]
        assert within[draw] == pytest.approx(np.mean(same)) if same else np.isnan(within[draw])
        assert between[draw] == pytest.approx(np.mean(different)) if different else np.isnan(between[draw])


def test_alignment_against_a_number_has_the_interval_of_the_table(tmp_path):
    rng = np.random.default_rng(8)
    ratings = symmetric(rng, 15)
    similarity = ratings + symmetric(rng, 15)
    row = claim(side("alignment", reference="men"), 0.2)
    finding = found(tmp_path, row, alignment_pairs=pairs_table({"measured": similarity}, ratings))
    first, second = np.triu_indices(15, k=1)
    values = similarity[first, second][None]
    low, high = bootstrap_spearman(values, first, second, ratings[first, second], draws=999, seed=0)
    assert (finding.low, finding.high) == pytest.approx((low[0] - 0.2, high[0] - 0.2))
    assert finding.value == pytest.approx(spearman(values, ratings[first, second])[0])


def alignment_rows(**found_) -> pl.DataFrame:
    men = {"reference": "men", "pairs": 90, "words": 30}
    printed = {"rho": 0.4, "low": 0.3, "high": 0.5, "p": 0.002} | found_
    rows = [where() | men | printed | {"measure": "jaccard"}]
    rows += [where() | men | {"measure": "ap_cosine", "threshold": None, "rho": 0.9, "p": 0.1}]
    baseline = {"measure": "cosine", "control": "input_embedding", "threshold": None, "rho": 0.6, "p": 0.5}
    return filled("alignment", [*rows, where() | men | baseline])


def test_alignment_above_0_is_what_the_table_tested(tmp_path):
    row = claim(side("alignment", reference="men"), 0.0)
    finding = found(tmp_path, row, alignment=alignment_rows())
    assert (finding.effect, finding.low, finding.high, finding.p, finding.n) == (0.4, 0.3, 0.5, 0.002, 30)
    assert finding.test == "Mantel permutations"
    baseline = claim(side("alignment", "input_embedding", reference="men"), 0.0)
    assert found(tmp_path, baseline, alignment=alignment_rows()).effect == 0.6
    undefined = alignment_rows(rho=None, low=None, high=None, p=None)
    reason = "table alignment has no rho there: the similarity does not vary"
    assert found(tmp_path, row, alignment=undefined) == nothing("Mantel permutations", reason)


def test_printed_tests_are_read_with_their_interval_or_without(tmp_path):
    tree = filled("hierarchy_tree", [where() | {"correlation": 0.3, "p": 0.01, "concepts": 12}])
    finding = found(tmp_path, claim(side("tree_correlation"), 0.0), hierarchy_tree=tree)
    assert (finding.effect, finding.low, finding.high, finding.p, finding.n) == (0.3, None, None, 0.01, 12)
    shared = {"same_category": 0.5, "same_category_low": 0.4, "same_category_high": 0.7, "expected": 0.2}
    sharing = filled("polysemy_sharing", [where() | shared | {"p": 0.03, "concepts": 12}])
    row = claim(side("same_category_sharing"), side("expected_sharing"))
    finding = found(tmp_path, row, polysemy_sharing=sharing)
    assert (finding.effect, finding.low, finding.high) == pytest.approx((0.3, 0.2, 0.5))


def test_containment_is_what_the_table_of_the_hierarchy_tested(tmp_path):
    at = {"parent": "pooled", "direction": "child_in_parent"}
    row = claim(side("containment", **at), side("wrong_containment", **at))
    (line,) = verdicts(tmp_path, [row], hierarchy=children_table()).to_dicts()
    assert [line[name] for name in ("value", "other", "effect", "low", "high", "p")] == [
        *(0.3, 0.1, 0.2, 0.05, 0.4, 0.004)
    ]
    assert (line["n"], line["left_out"], line["test"], line["table"]) == (30, 12, "permutations", "hierarchy")
    assert line["verdict"] == "held"
    includes = children_table(low=-0.01)
    assert verdicts(tmp_path, [row], hierarchy=includes)["verdict"].to_list() == ["underpowered"]
    empty = dict.fromkeys(("own", "wrong", "difference", "low", "high", "p")) | {"concepts": 0, "empty": 42}
    (line,) = verdicts(tmp_path, [row], hierarchy=children_table(**empty)).to_dicts()
    assert (line["verdict"], line["left_out"]) == ("underpowered", 42)
    assert line["reason"] == "table hierarchy has no own of 0 concepts"


def test_columns_that_a_quantity_fixes_or_renames_choose_its_rows(tmp_path):
    rows = [
        where() | {"concept": f"c{place}", "kind": kind, "size": size, "ap": value + place / 100}
        for place in range(9)
        for kind, size, value in (("unit", 1, 0.5), ("probe", 1, 0.1), ("probe", 10, 0.7))
    ]
    probes = filled("probes", [{k: v for k, v in row.items() if k != "threshold"} for row in rows])
    at = {"model": "mini", "checkpoint": "400", "control": "measured"}
    sides = [{"quantity": "probe_ap", "where": at | {"size": 10}}, {"quantity": "unit_ap", "where": at}]
    assert found(tmp_path, claim(*sides), probes=probes).effect == pytest.approx(0.2)
    acted = {"model": "mini", "checkpoint": "400", "action": "force", "size": 10}
    rows = [
        acted | {"units": units, "quantity": quantity, "concept": f"c{place}", "effect": value + place}
        for place in range(9)
        for units, quantity, value in (
            ("top", "occurs", 2.0),
            ("random", "occurs", 0.5),
            ("top", "absent", 9.0),
        )
    ]
    at = acted | {"outcome": "occurs"}
    sides = [{"quantity": "effect", "where": at | {"units": units}} for units in ("top", "random")]
    effects = filled("interventions_concepts", rows)
    assert found(tmp_path, claim(*sides), interventions_concepts=effects).effect == pytest.approx(1.5)


FALSE = claim(side("false_discovery"), 0.05, relation="below", matters=0.01)


def test_false_discoveries_are_a_share_of_all_experts(tmp_path):
    counts, expected = np.array([0, 1, 10, 40, 149, 200]), np.array([0.5, 0.5, 1, 2, 0, 4])
    finding = found(tmp_path, FALSE, discoveries=discoveries_table(counts, expected))
    assert finding.value == pytest.approx(8 / 400)
    assert finding.effect == pytest.approx(0.03)
    assert finding.low < finding.effect < finding.high
    assert (finding.n, finding.left_out, finding.test) == (6, 0, "bootstrap")
    assert finding.p < 0.1


def test_false_discoveries_of_a_model_and_its_twin_are_resampled_together(tmp_path):
    rng = np.random.default_rng(9)
    counts = rng.poisson(20, size=30)
    tables = [
        discoveries_table(counts, rate * counts, control)
        for control, rate in (("measured", 0.1), ("untrained", 0.4))
    ]
    row = claim(side("false_discovery"), side("false_discovery", "untrained"), relation="below")
    finding = found(tmp_path, row, discoveries=pl.concat(tables))
    assert (finding.effect, finding.low, finding.high) == pytest.approx((0.3, 0.3, 0.3))
    less = pl.concat([tables[0], tables[1].head(28)])
    finding = found(tmp_path, row, discoveries=less)
    assert (finding.n, finding.left_out) == (28, 2)


def test_p_values_are_adjusted_over_all_claims(tmp_path):
    rows = [MORE_EXPERTS, claim(side("experts"), 0.0), claim(side("experts"), 1000.0)]
    frame = verdicts(tmp_path, rows, counts=experts_table(30, 1))
    assert frame["p_holm"].to_list() == pytest.approx(room.holm(frame["p"].to_numpy()).tolist())
    assert frame["index"].to_list() == [0, 1, 2]


@pytest.mark.parametrize(
    ("p", "effect", "low", "high", "n", "expected"),
    [
        (0.01, 0.02, 0.01, 0.03, 9, "held"),  # shown, if small: the caption says how small
        (0.05, 0.2, 0.1, 0.3, 9, "held"),
        (0.05, 0.2, None, None, 9, "held"),
        (0.05, 0.2, 0.0, 0.3, 9, "underpowered"),
        (0.05, 0.02, -0.01, 0.04, 9, "not_held"),
        (0.051, 0.2, 0.1, 0.3, 9, "underpowered"),
        (0.01, -0.2, -0.4, 0.3, 9, "underpowered"),
        (0.9, -0.2, -0.4, 0.04, 9, "not_held"),
        (0.9, -0.2, -0.4, 0.04, 4, "underpowered"),
        (0.001, 0.2, 0.1, 0.3, 4, "underpowered"),
        (0.9, -0.2, -0.4, 0.05, 9, "underpowered"),
        (1.0, -0.2, None, None, 9, "underpowered"),
        (None, None, None, None, 9, "underpowered"),
    ],
)
def test_verdict(p, effect, low, high, n, expected):
    finding = room.Finding(0.0, 0.0, effect, low, high, p, n, "sign flips")
    assert room.verdict(finding, p, 0.05) == expected


def test_same_seed_same_bytes(tmp_path):
    files = []
    for name in "ab":
        (tmp_path / name).mkdir()
        verdicts(tmp_path / name, [MORE_EXPERTS], counts=experts_table(12, 2))
        files.append((tmp_path / name / "claims.parquet").read_bytes())
    assert files[0] == files[1]
