"""Graphs of experts name their concept where they were planted to, and not where they were not."""

import json

import numpy as np
import polars as pl
import pytest
from graph_strategies import IDENTITY, graphs, path
from hypothesis import given
from hypothesis import strategies as st
from synthetic_tables import table

from golgi.graphs.naming import name_experts
from golgi.graphs.search import nodes_table
from golgi.graphs.trie import grow
from golgi.graphs.weights import token_weights
from golgi.graphs.words import ConceptTokens
from golgi.statistics.naming import compare_naming
from golgi.tables import read_table, write_table

TEXTS = [
    *(" dog", "Dogs", " cat", " key", "mon", " mon", "key", " barks", " ate"),
    *(" ice", " cream", "ream", "Straße", " the", "\n"),
]
DOG, DOGS, CAT, KEY, BARE_MON, MON, BARE_KEY, BARKS, ATE, ICE, CREAM, REAM, STREET, THE, NEWLINE = range(
    len(TEXTS)
)
WORDS = {
    "dog": ["dog", "dogs"],
    "cat": ["cat", "cats"],
    "ape": ["monkey", "monkeys"],
    "dessert": ["ice cream", "ice creams"],
    "street": ["strasse", "strassen"],
}


@pytest.mark.parametrize(
    ("token", "concepts"),
    [
        (DOG, {"dog"}),  # in one token, with its space
        (DOGS, {"dog"}),  # plural and capitalised
        (CAT, {"cat"}),
        (MON, {"ape"}),  # the beginning of a word in two tokens
        (BARE_MON, {"ape"}),
        (BARE_KEY, {"ape"}),  # its end, which stands within a word,
        (KEY, set()),  # and not as a word of its own
        (ICE, {"dessert"}),
        (CREAM, {"dessert"}),
        (REAM, set()),  # a piece of a word that is a token
        (STREET, {"street"}),  # small letters as Unicode folds them
        (BARKS, set()),
        (NEWLINE, set()),
    ],
)
def test_tokens_of_words(token, concepts):
    assert ConceptTokens(TEXTS, WORDS).of(token) == concepts


def test_a_piece_is_no_less_than_half_of_the_word_and_three_letters():
    texts = [" but", " butte", "fly", "rfly", " no", " nos", "b"]
    found = [
        ConceptTokens(texts, {"insect": ["butterfly"], "nose": ["nose"]}).of(token) for token in range(7)
    ]
    assert found == [set(), {"insect"}, set(), set(), set(), {"nose"}, set()]


def test_pieces_of_a_plural_do_not_count_where_the_word_is_a_token():
    tokens = ConceptTokens([" cherry", "ies", " cher"], {"fruit": ["cherry", "cherries"]})
    assert [tokens.of(token) for token in range(3)] == [{"fruit"}, set(), set()]


def test_a_token_may_be_of_two_concepts():
    tokens = ConceptTokens([" bat"], {"animal": ["bat", "bats"], "thing": ["bat", "bats"]})
    assert tokens.of(0) == {"animal", "thing"}


def weights_of(*units, rate=0.3):
    some = [grow(paths, unit=unit, **IDENTITY) for unit, paths in enumerate(units)]
    found = token_weights(nodes_table(some, TEXTS), rate=rate)
    return {(row["unit"], row["role"], row["token"]): row["weight"] for row in found.iter_rows(named=True)}


def test_tokens_weigh_by_their_firings():
    silent = path(THE, activation=0.1, weight=90)
    found = weights_of(
        [path(DOG, weight=3), path(BARKS, None, DOG, weight=2), silent, path(THE, ATE, weight=4)]
    )
    assert found == {
        (0, "activating", DOG): 3,
        (0, "activating", BARKS): 2,
        (0, "context", DOG): 2,
        (0, "activating", THE): 4,
        (0, "context", ATE): 4,
    }


@given(some=graphs(tokens=4, units=4), rate=st.sampled_from([0.3, 0.5, 1.0]))
def test_weights_are_the_firings_of_the_paths_that_foretell_them(some, rate):
    found = token_weights(nodes_table(some, TEXTS), rate=rate)
    measured = {
        (row["unit"], row["role"], row["token"]): row["weight"] for row in found.iter_rows(named=True)
    }
    expected = {}
    for graph in some:
        for node, facts in graph.nodes(data=True):
            if not facts["end"] or facts["rate"] < rate or facts["rate"] == 0:
                continue
            passed_on = sum(graph.nodes[child]["count"] for child in graph.successors(node))
            line = [node]
            while before := list(graph.predecessors(line[-1])):
                line += before
            for one in line:
                token, role = (
                    graph.nodes[one]["token"],
                    "context" if graph.nodes[one]["distance"] else "activating",
                )
                if token is not None:
                    key = (graph.graph["unit"], role, token)
                    expected[key] = expected.get(key, 0) + (facts["count"] - passed_on) * facts["rate"]
    assert measured == pytest.approx(expected)


@pytest.fixture
def study(tmp_path):
    """Experts, graphs and tokens of a study; `named(tmp_path)` joins them."""
    units = [
        [path(DOG, weight=6), path(DOGS, weight=3), path(THE, weight=1)],  # names the dog
        [path(BARE_KEY, MON, weight=2)],  # the ape, in two tokens
        [path(DOG, weight=5)],  # an expert of cats that names the dog
        [path(BARKS, DOG, weight=2), path(ATE, CAT)],  # the dog in its context alone
        [],  # answered to nothing
    ]
    some = [grow(paths, unit=unit, **IDENTITY) for unit, paths in enumerate(units)]
    write_table(nodes_table(some, TEXTS), tmp_path / "nodes.parquet", schema="graph_nodes")
    scores = [{**IDENTITY, "unit": unit, "basis": "neuron", "f1": 0.5 + unit / 10} for unit in range(5)]
    pl.DataFrame(scores).write_parquet(tmp_path / "units.parquet")
    write_concepts(tmp_path)
    write_experts(
        tmp_path,
        ("dog", 0, 0.9),
        ("dog", 3, 0.8),
        ("dog", 2, 0.7),
        ("ape", 1, 0.9),
        ("cat", 2, 0.9),
        ("cat", 4, 0.6),
        ("cat", 77, 0.95),  # it has no graph
        ("cat", 0, 0.4),  # no expert
    )
    (tmp_path / "tokens.json").write_text(json.dumps(TEXTS))
    return tmp_path


def write_concepts(folder):
    empty = {"category": "", "parent": "", "part_of_speech": "noun", "gloss": "", "prevalence": 0.3}
    counts = (
        "found",
        "duplicates_within",
        "duplicates_across",
        "surplus",
        "shared",
        "positives",
        "negatives",
    )
    rows = [
        {"index": place, "concept": name, "word": word, "plural": plural} | empty | dict.fromkeys(counts, 0)
        for place, (name, (word, plural)) in enumerate(WORDS.items())
    ]
    write_table(table("concepts", rows), folder / "concepts.parquet", schema="concepts")


def write_experts(folder, *experts, checkpoint="20", control="measured"):
    rows = [
        {
            "model": "mini",
            "checkpoint": checkpoint,
            "step": 20 if checkpoint == "20" else None,
            "control": kind,
            "site": "mlp_post",
            "layer": 0,
            "unit": unit,
            "concept": concept,
            "ap": ap,
        }
        | dict.fromkeys(("negative_mean", "positive_median", "positive_p90"))
        for concept, unit, ap in experts
        for kind in (control, "shuffled")
    ]
    write_table(table("experts", rows), folder / "experts.parquet", schema="experts")


def named(folder, *, checkpoint="20", **options):
    name_experts(
        experts=folder / "experts.parquet",
        concepts=folder / "concepts.parquet",
        nodes=folder / "nodes.parquet",
        units=folder / "units.parquet",
        tokens=[("mini", checkpoint, folder / "tokens.json")],
        **{
            "threshold": 0.5,
            "per_concept": 2,
            "rate": 0.3,
            "last_checkpoints": {"mini": "20"},
            "draws": 99,
            "seed": 3,
        }
        | options,
        graph_experts=folder / "graph_experts.parquet",
        graph_naming=folder / "graph_naming.parquet",
    )
    return [read_table(folder / f"{name}.parquet", schema=name) for name in ("graph_experts", "graph_naming")]


def test_planted_experts(study):
    experts, _ = named(study)
    columns = [
        "concept",
        "unit",
        "rank",
        "activating_share",
        "context_share",
        "names",
        "other_share",
        "tokens",
    ]
    assert experts.select(columns).rows() == [
        ("ape", 1, 1, 1.0, 1.0, True, 0.0, "key"),
        ("cat", 2, 2, 0.0, None, False, 0.25, "␣dog"),
        ("cat", 4, 3, None, None, False, None, ""),
        ("dog", 0, 1, 0.9, None, True, 0.0, "␣dog  Dogs  ␣the"),
        ("dog", 3, 2, 0.0, pytest.approx(2 / 3), False, 0.0, "␣barks  ␣ate"),
        ("dog", 2, 3, 1.0, None, True, 0.0, "␣dog"),
    ]
    assert experts["f1"].to_list() == [0.6, 0.7, 0.9, 0.5, 0.8, 0.7]
    assert experts["ap"].to_list() == [0.9, 0.9, 0.6, 0.9, 0.8, 0.7]


def test_own_concepts_against_wrong_ones(study):
    _, naming = named(study)
    ways = {row["how"]: row for row in naming.iter_rows(named=True)}
    fires, mostly, context = (ways[how] for how in ("fires", "mostly", "context"))
    # The two best of every concept: units 0 and 3 of dogs, 1 of apes, 2 of cats.
    assert (fires["concepts"], fires["experts"], fires["without"]) == (3, 4, 0)
    assert (fires["named"], fires["other"]) == (0.5, 1 / 16)
    assert fires["low"] <= 0.5 <= fires["high"]
    assert (mostly["named"], context["named"], context["without"]) == (0.5, 0.5, 2)
    assert [ways[how]["family"] for how in ("fires", "mostly", "context")] == [
        *("planned", "planned"),
        "exploratory",
    ]
    assert fires["p_holm"] == min(1.0, 2 * min(fires["p"], mostly["p"]))
    assert context["p_holm"] is None


def test_one_token_of_many_is_named_but_not_mostly(study):
    graph = grow([path(DOG), path(THE, weight=9)], unit=0, **IDENTITY)
    write_table(nodes_table([graph], TEXTS), study / "nodes.parquet", schema="graph_nodes")
    write_experts(study, ("dog", 0, 0.9))
    experts, naming = named(study)
    assert experts.select("activating_share", "names").rows() == [(0.1, False)]
    shares = dict(naming.select("how", "named").rows())
    assert shares == {"fires": 1.0, "mostly": 0.0, "context": 0.0}


def test_more_experts_of_a_concept(study):
    _, naming = named(study, per_concept=3)
    assert naming["experts"].to_list() == [6, 6, 6]
    assert dict(naming.select("how", "without").rows()) == {"fires": 1, "mostly": 1, "context": 4}


def test_the_same_seed_gives_the_same_bytes(study):
    named(study)
    before = (study / "graph_naming.parquet").read_bytes()
    named(study)
    assert (study / "graph_naming.parquet").read_bytes() == before


def test_paths_below_the_rate_name_nothing(study):
    graph = grow([path(DOG), path(DOG, activation=0.1, weight=4)], unit=0, **IDENTITY)
    write_table(nodes_table([graph], TEXTS), study / "nodes.parquet", schema="graph_nodes")
    experts, _ = named(study)
    assert experts.filter(pl.col("unit") == 0).select("names", "tokens").rows() == [(False, "")]
    experts, _ = named(study, rate=0.2)
    assert experts.filter(pl.col("unit") == 0).select("names", "tokens").rows() == [(True, "␣dog")]


def test_the_twins_experts_are_those_of_its_own(study):
    write_experts(study, ("dog", 0, 0.9), checkpoint="untrained", control="untrained")
    for name in ("nodes", "units"):
        frame = pl.read_parquet(study / f"{name}.parquet").with_columns(checkpoint=pl.lit("untrained"))
        frame.write_parquet(study / f"{name}.parquet")
    experts, naming = named(study, checkpoint="untrained")
    assert experts.select("checkpoint", "step", "concept").rows() == [("untrained", None, "dog")]
    assert naming.select("named", "low", "p", "family").rows() == [
        (0.0, None, None, "exploratory"),
        (1.0, None, None, "exploratory"),
        (1.0, None, None, "exploratory"),
    ]


def test_no_experts(study):
    experts, naming = named(study, threshold=0.99)
    assert experts.is_empty()
    assert naming.select("concepts", "experts", "without", "named", "p").rows() == [(0, 0, 0, None, None)] * 3
    write_experts(study)
    assert named(study)[0].is_empty()


def names_of(own, concepts, right, rng):
    """Experts that name their own concept where `right`, and else another one, [expert, concept]."""
    target = np.where(right, own, (own + rng.integers(1, concepts, len(own))) % concepts)
    return np.eye(concepts, dtype=bool)[target]


def test_experts_that_name_their_concepts_are_told_from_chance():
    rng = np.random.default_rng(0)
    own = np.repeat(np.arange(20), 3)
    found = compare_naming(names_of(own, 20, rng.random(60) < 0.7, rng), own, draws=999, seed=1)
    assert found["p"] == 1 / 1000
    assert found["other_high"] < 0.1 < found["low"] < found["named"] < found["high"]
    assert found["named"] + 19 * found["other"] == pytest.approx(1)


def test_chance_is_uniform():
    rng = np.random.default_rng(1)
    own = np.repeat(np.arange(12), 3)
    p = [
        compare_naming(np.eye(12, dtype=bool)[rng.integers(0, 12, 36)], own, draws=199, seed=seed)["p"]
        for seed in range(300)
    ]
    assert abs(np.mean(np.array(p) <= 0.1) - 0.1) < 0.06


def test_intervals_take_experts_of_a_concept_together():
    own = np.repeat(np.arange(10), 20)
    names = np.eye(10, dtype=bool)[own] & (own < 5)[:, None]
    found = compare_naming(names, own, draws=2000, seed=0)
    # Ten coins, not two hundred.
    assert found["high"] - found["low"] > 0.5
