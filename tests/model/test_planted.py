"""What is planted in a model is what every analysis finds in it, and what each control takes away."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from planted import (
    CATEGORY_LAYER,
    CAUSE,
    HERALD_LAYER,
    LAYERS,
    NEGATIVES,
    POSITIVES,
    UNITS,
    WORD_LAYER,
    plant,
    vocabulary,
)
from planted_spec import DRAWS
from planted_study import run_study
from planted_tables import Found, log_probabilities
from scipy.stats import spearmanr

CONCEPTS, CATEGORIES = 16, 4
SMALLEST = 1 / (DRAWS + 1)  # p-value
# A category's unit fires on a concept's herald and on those of three siblings, of 15 others.
SHARED_AP = POSITIVES / (POSITIVES + NEGATIVES * 3 / 15)
# Pairs of concepts: of one category, of two categories of one root, of two roots.
PAIRS = np.repeat([2, 1, 0], [24, 32, 64])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The planted model, and the tables of a study of it."""
    folder = tmp_path_factory.mktemp("planted")
    world = plant(folder)
    return Found(world, run_study(world, folder).table)


# What is found


def test_experts_are_the_planted_units_and_no_others(study):
    assert study.experts() == study.planted("word", "herald", "category")
    assert study.experts(0.8) == study.experts(0.95) == study.planted("word", "herald")
    found = study.rows("experts")
    assert found.filter(pl.col("layer") != CATEGORY_LAYER)["ap"].unique().to_list() == [1.0]
    assert found.filter(layer=CATEGORY_LAYER)["ap"].to_numpy() == pytest.approx(SHARED_AP, abs=1e-6)


def test_counts_are_one_expert_of_each_concept_in_every_layer(study):
    assert study.rows("counts")["experts"].to_list() == [1] * CONCEPTS * LAYERS
    at_80 = study.rows("counts", threshold=0.8)
    assert at_80.group_by("layer").agg(pl.col("experts").sum()).sort("layer")["experts"].to_list() == [
        16,
        0,
        16,
    ]


def test_overlap_is_a_fifth_within_a_category_and_nothing_between(study):
    category = study.world.category
    found = {(one["concept_a"], one["concept_b"]): one for one in study.rows("overlap").iter_rows(named=True)}
    assert found.keys() == set(combinations(study.world.concepts, 2))
    for (first, second), one in found.items():
        same = category[first] == category[second]
        assert (one["shared"], one["jaccard"], one["empty"]) == (int(same), 0.2 * same, False)
        assert one["containment_a"] == one["containment_b"] == pytest.approx(same / 3)


def test_categories_are_told_apart_as_surely_as_permutations_can(study):
    found = study.row("categories")
    assert [found[name] for name in ("within", "low", "high")] == pytest.approx([0.2] * 3)
    assert [found[name] for name in ("between", "p", "p_holm")] == [0, SMALLEST, SMALLEST]
    assert study.row("categories", threshold=0.8)["difference"] == 0  # category units are out


def test_alignment_with_the_tree_is_what_its_ranks_allow(study):
    found = study.row("alignment", measure="jaccard")
    assert found["rho"] == pytest.approx(spearmanr(PAIRS == 2, PAIRS).statistic)
    assert (found["pairs"], found["p"], found["p_holm"]) == (len(PAIRS), SMALLEST, SMALLEST)


def test_experts_of_disjoint_sentences_are_the_same(study):
    found = study.row("stability", threshold=0.95)
    assert [found[name] for name in ("overlap", "overlap_low", "experts", "empty_pairs")] == [1, 1, 2, 0]
    assert found["recommended"]
    assert study.rows("stability_concepts", threshold=0.95)["overlap"].to_list() == [1.0] * CONCEPTS


@pytest.mark.parametrize(("threshold", "number", "share"), [(0.7, 3, 0.01), (0.8, 2, 0.0)])
def test_no_discovery_is_false(study, threshold, number, share):
    found = study.rows("discoveries", threshold=threshold)
    assert found["experts"].to_list() == found["controlled"].to_list() == [number] * CONCEPTS
    assert found["fdr"].mean() <= share


@pytest.mark.parametrize(("direction", "own"), [("child_in_parent", 1 / 3), ("parent_in_child", 1.0)])
def test_children_and_their_own_parents_share_the_category_unit(study, direction, own):
    found = study.row("hierarchy", direction=direction)
    assert (found["own"], found["wrong"]) == (pytest.approx(own), 0)
    assert (found["p"], found["concepts"], found["parent_experts"]) == (SMALLEST, CONCEPTS, 1)
    children = study.rows("hierarchy_concepts", direction=direction)
    assert children["own"].to_numpy() == pytest.approx(own)
    assert children["parents"].to_list() == [study.world.category[name] for name in children["concept"]]


def test_the_dendrogram_is_the_tree_below_its_roots(study):
    found = study.row("hierarchy_tree")
    # Both roots hang from the top alike: of the tree's three distances the dendrogram has two.
    wanted = np.corrcoef(np.where(PAIRS == 2, 0.8, 1.0), 1 - PAIRS / 3)[0, 1]
    assert (found["correlation"], found["fidelity"]) == pytest.approx((wanted, 1.0))
    assert found["p"] == found["p_holm"] == SMALLEST
    distances = sorted(study.rows("hierarchy_merges")["distance"].to_list())
    assert distances == pytest.approx([0.8] * (CONCEPTS - CATEGORIES) + [1.0] * (CATEGORIES - 1))


def test_category_units_alone_serve_several_concepts_and_these_are_of_one_category(study):
    spectrum = dict(study.rows("polysemy").select("concepts", "units").rows())
    assert spectrum == {0: LAYERS * UNITS - 2 * CONCEPTS - CATEGORIES, 1: 2 * CONCEPTS, 4: CATEGORIES}
    found = study.row("polysemy_sharing")
    assert (found["experts"], found["polysemous"], found["one_category"]) == (36, 4, 4)
    assert (found["pairs"], found["same_category"], found["p"]) == (24, 1.0, SMALLEST)
    assert found["expected"] == pytest.approx(24 / len(PAIRS))


def test_experts_come_between_step_0_and_step_1(study):
    assert not study.experts(checkpoint="0")
    for layer, number in [(None, 3.0), (WORD_LAYER, 1.0), (CATEGORY_LAYER, 1.0), (HERALD_LAYER, 1.0)]:
        at = pl.col("layer").is_null() if layer is None else pl.col("layer") == layer
        then, now = (study.rows("dynamics", checkpoint=step).filter(at).row(0, named=True) for step in "01")
        assert (then["experts"], now["experts"]) == (0, number)
        assert (now["experts_low"], now["experts_high"]) == (number, number)


def test_alignment_comes_at_step_1_and_from_the_layer_of_the_category_units(study):
    before, after = (
        study.rows("dynamics_alignment", checkpoint=step).sort("layer", nulls_last=True) for step in "01"
    )
    assert before["rho"].to_list() == [None] * 4
    rho = pytest.approx(spearmanr(PAIRS == 2, PAIRS).statistic)
    assert after["rho"].to_list() == [None, rho, None, rho]


def test_one_unit_knows_all_that_a_probe_does(study):
    assert study.rows("distributed", kind="unit")["ap"].to_list() == [1.0]
    probes = study.rows("distributed", kind="probe")
    assert probes["gain"].to_list() == probes["gain_high"].to_list() == [0.0, 0.0]
    assert probes["p"].to_list() == [1.0, 1.0]
    best = study.row("equal_units", size=3)
    assert (best["ap"], best["within"]) == pytest.approx(((2 + SHARED_AP) / 3, 0.2))
    assert best["between"] == 0


@pytest.mark.parametrize(
    ("factor", "value", "number"),
    [
        ("bos", "false", 3),
        ("pooling", "last", 0),  # the last token is a filler
        ("site", "mlp_out", 2),  # what the herald's unit writes for each form of the word
        ("threshold", "0.8", 2),
        (
            "positives",
            "20",
            2,
        ),  # of 20 positives and 12 negatives with a sibling's herald, 5 in 8 are positives
    ],
)
def test_other_choices_find_what_they_can(study, factor, value, number):
    found = study.row("sensitivity", factor=factor, value=value, quantity="experts")
    assert [found[name] for name in ("estimate", "low", "high")] == [number] * 3
    assert found["change"] == number - 3
    aligned = study.row("sensitivity", factor=factor, value=value, quantity="alignment")
    assert aligned["change"] == (0.0 if number == 3 else None)


# What is caused


def test_a_word_is_as_likely_as_layer_norm_and_softmax_say(study):
    table = study.table("intervention_prompts")
    uniform = -np.log(len(vocabulary()))
    assert log_probabilities(0.0) == pytest.approx((uniform, uniform))
    after_herald = table.filter(quantity="occurs")["base"].to_numpy()
    assert after_herald == pytest.approx(log_probabilities(CAUSE)[0], abs=1e-5)
    assert table.filter(quantity="absent")["base"].to_numpy() == pytest.approx(uniform, abs=1e-5)
    assert table.filter(quantity="neutral")["base"].to_numpy() == pytest.approx(-uniform, abs=1e-5)


def test_forcing_the_heralds_unit_says_the_word(study):
    word, other = log_probabilities(CAUSE)
    uniform = log_probabilities(0.0)[0]
    # The word's unit is the first of two units as good, the herald's unit the second.
    for chosen in ({"units": "next", "size": 1}, {"units": "top", "size": 2}, {"units": "top", "size": 3}):
        forced = {"action": "force", **chosen}
        assert study.effects(quantity="absent", **forced) == pytest.approx(word - uniform, abs=1e-5)
        assert study.effects(quantity="occurs", **forced) == pytest.approx(0.0, abs=1e-5)  # it fires anyway
        assert study.effects(quantity="neutral", **forced) == pytest.approx(uniform - other, abs=1e-5)
        said = study.table("intervention_prompts").filter(quantity="generated", **forced)
        assert said["value"].to_list() == [1.0] * said.height


@pytest.mark.parametrize("action", ["zero", "mean_negative"])
def test_without_the_heralds_unit_its_word_is_as_likely_as_any(study, action):
    word, uniform = log_probabilities(CAUSE)[0], log_probabilities(0.0)[0]
    quiet = {"action": action, "units": "top", "size": 2}
    assert study.effects(quantity="occurs", **quiet) == pytest.approx(uniform - word, abs=1e-5)
    assert study.effects(quantity="absent", **quiet) == pytest.approx(0.0, abs=1e-5)
    assert study.effects(quantity="neutral", **quiet) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("quantity", ["occurs", "absent", "neutral", "generated"])
def test_units_of_the_word_and_of_the_category_cause_nothing(study, quantity):
    assert study.effects(quantity=quantity, units="top", size=1) == pytest.approx(0.0, abs=1e-5)
    # Behind the word's and the herald's unit come the category's and one that reads fillers.
    assert study.effects(quantity=quantity, units="next", size=2) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("action", ["force", "zero"])
def test_matched_random_units_change_neither_word_nor_loss(study, action):
    for quantity in ("occurs", "absent", "neutral"):
        assert study.effects(quantity=quantity, units="random", action=action) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize(
    ("action", "quantity"), [("force", "absent"), ("zero", "occurs"), ("mean_negative", "occurs")]
)
def test_causal_units_are_told_from_random_ones_as_surely_as_can_be(study, action, quantity):
    table = study.table("interventions").filter(units="top", action=action, quantity=quantity)
    idle, *causal = table.sort("size").iter_rows(named=True)
    assert idle["p"] > 0.05
    assert [one["p"] for one in causal] == [one["p_smallest"] for one in causal]
    assert max(one["p"] for one in causal) <= 2 * SMALLEST


def test_claims_that_are_true_are_held_and_no_others(study):
    held = {
        "overlap",
        "learned",
        "chance",
        "words",
        "aligned",
        "privileged",
        "contained",
        "tree",
        "shared",
        "causal",
    }
    verdicts = dict(study.table("claims").select("claim", "verdict").rows())
    wanted = dict.fromkeys(held, "held") | dict.fromkeys(("opposite", "distributed", "idle"), "not_held")
    assert verdicts == wanted | {"twin": "underpowered"}


# What controls take away


def test_shuffled_labels_leave_nothing(study):
    control = {"control": "shuffled"}
    assert not study.experts(**control)
    assert study.row("categories", **control)["p"] == 1
    assert study.row("alignment", measure="jaccard", **control)["rho"] is None
    assert study.rows("hierarchy", **control)["own"].to_list() == [None, None]
    assert study.row("hierarchy_tree", **control)["correlation"] is None
    assert study.row("polysemy_sharing", **control)["experts"] == 0
    assert study.rows("stability", **control)["overlap"].to_list() == [0.0]
    assert study.rows("dynamics", **control)["experts"].unique().to_list() == [0.0]
    found = study.rows("distributed", **control)
    assert (found["ap"] - found["chance"]).abs().max() < 0.1
    assert study.row("equal_units", size=3, **control)["within"] == 0


def test_without_the_words_the_word_units_go_and_the_others_stay(study):
    control = {"control": "word"}
    assert study.experts(**control) == study.planted("herald", "category")
    assert study.experts(0.8, **control) == study.planted("herald")
    found = study.row("categories", **control)
    assert (found["within"], found["between"], found["p"]) == (pytest.approx(1 / 3), 0, SMALLEST)
    assert sorted(study.rows("hierarchy", **control)["own"].to_list()) == [0.5, 1.0]
    measured, masked = (
        study.row("alignment", measure="jaccard", control=name)["rho"] for name in ("measured", "word")
    )
    assert masked == pytest.approx(measured)
    sharing = study.row("polysemy_sharing", **control)
    assert (sharing["experts"], sharing["polysemous"], sharing["same_category"]) == (20, 4, 1.0)


def test_a_rotated_basis_keeps_experts_but_none_of_the_exact_sets(study):
    control = {"control": "rotated"}
    found, wanted = study.experts(**control), study.planted("word", "herald", "category")
    assert all(found.get(name) != units for name, units in wanted.items())
    assert len({len(units) for units in found.values()}) > 1
    assert study.row("equal_units", size=1, **control)["high"] < 1
    # Some structure may stay, as heralds of a category are one direction in any basis; it is not exact.
    assert study.row("categories", **control)["between"] > 0
    sharing = study.row("polysemy_sharing", **control)
    assert sharing["one_category"] < sharing["polysemous"]
    assert sharing["same_category"] < 0.75
    measured = study.row("alignment", measure="jaccard")["rho"]
    assert study.row("alignment", measure="jaccard", **control)["rho"] < measured - 0.1
    assert study.row("hierarchy_tree", **control)["fidelity"] < 1
    assert study.row("hierarchy", direction="parent_in_child", **control)["own"] < 0.75


def test_the_untrained_twin_has_experts_of_tokens_that_are_no_chance(study):
    found = study.experts(control="untrained")
    assert min(len(units) for units in found.values()) > 10
    discoveries = study.rows("discoveries", control="untrained")
    assert discoveries["fdr"].max() < 0.01
    assert discoveries["controlled"].to_list() == discoveries["experts"].to_list()
    assert study.row("distributed", control="untrained", kind="unit")["ap"] > 0.98
    assert study.row("stability", control="untrained", threshold=0.95)["overlap"] < 0.7


def test_the_untrained_twin_has_no_structure(study):
    control = {"control": "untrained"}
    overlap = study.row("categories", **control)
    assert overlap["low"] < 0 < overlap["high"] < 0.05
    for table, where in [
        ("categories", {}),
        ("alignment", {"measure": "jaccard"}),
        ("hierarchy", {"direction": "child_in_parent"}),
        ("hierarchy", {"direction": "parent_in_child"}),
        ("hierarchy_tree", {}),
        ("polysemy_sharing", {}),
    ]:
        assert study.row(table, **control, **where)["p"] > 0.05
    aligned = study.row("sensitivity", factor="threshold", base=True, quantity="alignment", **control)
    assert aligned["low"] < 0 < aligned["high"]
