import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import average, cophenet
from scipy.spatial.distance import squareform
from synthetic_tables import POLARS_TYPES, table_schema

from golgi.concepts.lexicon import load_lexicon, tree_similarity
from golgi.errors import GolgiError
from golgi.experts.parents import deal_halves
from golgi.statistics.dendrogram import cluster, tree_correlations
from golgi.statistics.hierarchy import measure_hierarchy
from golgi.statistics.kinship import word_parents
from golgi.statistics.parenthood import (
    Parents,
    containments,
    count_shared,
    differences,
    permute_parents,
    placed_containment,
    pooled_containment,
)
from golgi.statistics.resampling import permutations
from golgi.tables import read_table, write_arrays, write_table

TREE = {
    "Bird": ["bird", "robin", "owl", "swan"],
    "fish": ["carp", "trout", "pike", "Fish"],
    "car": ["van", "truck", "taxi", "jeep"],
    "boat": ["ship", "canoe", "raft", "ferry"],
}
ABOVE = {"Bird": "animal", "fish": "animal", "car": "vehicle", "boat": "vehicle"}
NAMES = [name for names in TREE.values() for name in names]
CATEGORY_OF = {name: category for category, names in TREE.items() for name in names}
TABLES = ("hierarchy", "hierarchy_concepts", "hierarchy_tree", "hierarchy_merges")
UNITS = 200


def write_lexicon(path):
    lines = ["part_of_speech: noun", "categories:", "  animal: {gloss: lives}", "  vehicle: {gloss: moves}"]
    lines += [f"  {name}: {{parent: {above}, gloss: a kind}}" for name, above in ABOVE.items()]
    lines += ["concepts:"]
    lines += [f"  {name}: {{category: {CATEGORY_OF[name]}, gloss: one}}" for name in NAMES]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_concepts(path):
    blank = {"int": 0, "float": 0.0, "str": "", "bool": False}
    columns = {column["name"]: column["type"] for column in table_schema("concepts")["columns"]}
    known = {"index": range(len(NAMES)), "concept": NAMES, "category": [CATEGORY_OF[name] for name in NAMES]}
    known |= {"positives": [30] * len(NAMES), "negatives": [60] * len(NAMES)}
    frame = pl.DataFrame(
        {name: known.get(name, [blank[kind]] * len(NAMES)) for name, kind in columns.items()}
    )
    write_table(
        frame.cast({name: POLARS_TYPES[kind] for name, kind in columns.items()}), path, schema="concepts"
    )
    return path


def planted():
    """AP [set, unit] of concepts and of parents: units of concepts, categories, what is above, nothing."""
    categories, above = list(TREE), list(dict.fromkeys(ABOVE.values()))
    concepts = np.full((len(NAMES), UNITS), 0.3, np.float32)
    parents = np.full((len(NAMES), UNITS), 0.3, np.float32)
    for place, name in enumerate(NAMES):
        category = CATEGORY_OF[name]
        own = range(4 * place, 4 * place + 4)
        shared = range(64 + 6 * categories.index(category), 70 + 6 * categories.index(category))
        higher = range(100 + 2 * above.index(ABOVE[category]), 102 + 2 * above.index(ABOVE[category]))
        concepts[place, [*own, *shared, *higher]] = 0.9
        parents[place, [*shared, *higher]] = 0.9
    return concepts, np.repeat(parents, 2, axis=0)


def write_scores(folder, *, shuffle=False, seed=3, name="ap"):
    """Files of both scores; with `shuffle` every set keeps its number of experts, at random units."""
    random = np.random.default_rng(seed)
    concepts, parents = planted()
    arrays = {"measured": (concepts, parents)}
    arrays["shuffled"] = tuple(random.permuted(one, axis=1) for one in (concepts, parents))
    if shuffle:
        arrays["measured"] = arrays["shuffled"]
    metadata = {"model": "mini", "checkpoint": "20", "step": "20", "untrained": "false"}
    halves = deal_halves([CATEGORY_OF[name] for name in NAMES], 7).tolist()
    said = {
        "without": [name for name in NAMES for _ in range(2)],
        "half": [0, 1] * len(NAMES),
        "halves": halves,
        "positives": [30] * 31 + [29],
        "negatives": [60] * 32,
    }
    more = metadata | {key: json.dumps(value) for key, value in said.items()}
    paths = folder / f"{name}.safetensors", folder / f"{name}-parents.safetensors"
    for index, (path, facts) in enumerate(zip(paths, (metadata, more), strict=True)):
        layers = {
            f"{kind}/mlp_post/{layer}": np.ascontiguousarray(sets[index][:, layer * 100 : layer * 100 + 100])
            for kind, sets in arrays.items()
            for layer in (0, 1)
        }
        write_arrays(layers, path, metadata=facts)
    return paths


def measure(folder, paths, **changes):
    options = {
        "aps": [paths[0]],
        "parents": [paths[1]],
        "concepts": write_concepts(folder / "concepts.parquet"),
        "lexicon": write_lexicon(folder / "lexicon.yaml"),
        "thresholds": [0.5, 0.95],
        "planned_threshold": 0.5,
        "last_checkpoints": {"mini": "20"},
        "permutations": 499,
        "bootstraps": 200,
        "seed": 7,
        "hierarchy": folder / "hierarchy.parquet",
        "children": folder / "hierarchy_concepts.parquet",
        "tree": folder / "hierarchy_tree.parquet",
        "merges": folder / "hierarchy_merges.parquet",
    }
    measure_hierarchy(**(options | changes))
    return {name: read_table(folder / f"{name}.parquet", schema=name) for name in TABLES}


def test_a_planted_hierarchy_is_recovered(tmp_path):
    tables = measure(tmp_path, write_scores(tmp_path))
    rows = {
        row["direction"]: row
        for row in tables["hierarchy"].filter(control="measured", threshold=0.5, parent="pooled").to_dicts()
    }
    # 12 experts of a child, 8 of them the category's too, 2 of these those of what is above.
    assert rows["child_in_parent"]["own"] == pytest.approx(8 / 12)
    assert rows["child_in_parent"]["wrong"] == pytest.approx((2 / 12) / 3)
    assert rows["parent_in_child"]["own"] == 1.0
    assert rows["parent_in_child"]["wrong"] == pytest.approx((2 / 8) / 3)
    for row in rows.values():
        assert row["difference"] == pytest.approx(row["own"] - row["wrong"])
        assert row["low"] == pytest.approx(row["difference"]) == pytest.approx(row["high"])
        assert (row["p"], row["p_holm"], row["family"]) == (1 / 500, 2 / 500, "planned")
        assert (row["concepts"], row["empty"], row["parents"], row["alone"], row["short"]) == (16, 0, 4, 0, 1)
        assert (row["experts"], row["parent_experts"]) == (12, 8)
    tree = tables["hierarchy_tree"].filter(control="measured", threshold=0.5).row(0, named=True)
    # Pairs of one category share 8 of 16 experts, those of one above 2 of 22, the others none.
    heights = np.repeat([1 - 8 / 16, 1 - 2 / 22, 1], [24, 32, 64])
    depths = np.repeat([1 - 4 / 6, 1 - 2 / 6, 1], [24, 32, 64])
    assert tree["correlation"] == pytest.approx(np.corrcoef(heights, depths)[0, 1])
    assert tree["fidelity"] == pytest.approx(1)
    assert (tree["p"], tree["p_holm"], tree["concepts"], tree["empty"]) == (1 / 500, 1 / 500, 16, 0)


def test_shuffling_removes_it(tmp_path):
    tables = measure(tmp_path, write_scores(tmp_path))
    shuffled = tables["hierarchy"].filter(control="shuffled", threshold=0.5, parent="pooled")
    assert shuffled["difference"].abs().max() < 0.1
    assert shuffled["p"].min() > 0.02
    assert shuffled["family"].unique().to_list() == ["exploratory"]
    assert shuffled["p_holm"].null_count() == len(shuffled)
    tree = tables["hierarchy_tree"].filter(control="shuffled", threshold=0.5).row(0, named=True)
    assert abs(tree["correlation"]) < 0.3
    assert tree["p"] > 0.02


def test_p_is_uniform_without_a_hierarchy(tmp_path):
    p = []
    for seed in range(12):
        tables = measure(tmp_path, write_scores(tmp_path, shuffle=True, seed=seed), permutations=99)
        measured = tables["hierarchy"].filter(control="measured", threshold=0.5, parent="pooled")
        p += measured["p"].to_list()
    assert 0.25 < np.mean(p) < 0.75
    assert np.mean(np.array(p) <= 0.05) < 0.25


def test_without_experts_everything_is_undefined_and_counted(tmp_path):
    tables = measure(tmp_path, write_scores(tmp_path))
    none = tables["hierarchy"].filter(threshold=0.95)
    for column in ("own", "wrong", "difference", "low", "high", "p", "p_holm"):
        assert none[column].null_count() == len(none)
    assert none.filter(parent="pooled")["empty"].unique().to_list() == [16]
    tree = tables["hierarchy_tree"].filter(threshold=0.95)
    assert tree["empty"].to_list() == [16, 16]
    for column in ("correlation", "p", "fidelity"):
        assert tree[column].null_count() == 2
    children = tables["hierarchy_concepts"].filter(threshold=0.95)
    assert children["own"].null_count() == len(children) > 0


def test_words_named_like_categories_are_parents(tmp_path):
    lexicon = load_lexicon(write_lexicon(tmp_path / "lexicon.yaml"))
    assert word_parents(NAMES, lexicon).sum(axis=0).tolist() == [
        3 if name in ("bird", "Fish") else 0 for name in NAMES
    ]
    tables = measure(tmp_path, write_scores(tmp_path))
    words = tables["hierarchy"].filter(control="measured", threshold=0.5, parent="word")
    # Concepts of one category share 8 of 12 experts, those of one above it 2 of 12.
    assert words["own"].to_list() == pytest.approx([8 / 12] * 2)
    assert words["wrong"].to_list() == pytest.approx([2 / 12] * 2)
    assert words["concepts"].to_list() == [6, 6]
    assert words["alone"].to_list() == [10, 10]
    assert set(words["family"]) == {"exploratory"}
    children = tables["hierarchy_concepts"].filter(control="measured", threshold=0.5, parent="word")
    assert set(children.select("concept", "parents").rows()) == {
        (name, parent)
        for name, parent in zip(
            ["robin", "owl", "swan", "carp", "trout", "pike"], ["bird"] * 3 + ["Fish"] * 3, strict=True
        )
    }


def test_children_make_up_the_means(tmp_path):
    tables = measure(tmp_path, write_scores(tmp_path))
    keys = ["control", "threshold", "parent", "direction"]
    means = tables["hierarchy_concepts"].group_by(keys).agg(pl.col("own", "wrong", "difference").mean())
    both = tables["hierarchy"].join(means, on=keys, suffix="_mean")
    assert len(both) == len(tables["hierarchy"])
    for name in ("own", "wrong", "difference"):
        known = both.filter(pl.col(name).is_not_null())
        np.testing.assert_allclose(known[name], known[f"{name}_mean"])


def test_merges_are_scipys_and_only_drawn_ones_are_written(tmp_path):
    tables = measure(tmp_path, write_scores(tmp_path))
    merges = tables["hierarchy_merges"]
    assert set(merges.select("control", "threshold").rows()) == {("measured", 0.5)}
    linkage = merges.select("first", "second", "distance", "size").to_numpy().astype(float)
    concepts = planted()[0] >= 0.5
    shared = concepts.astype(int) @ concepts.T.astype(int)
    sizes = np.diagonal(shared)
    distances = 1 - shared / (sizes[:, None] + sizes[None, :] - shared)
    np.testing.assert_allclose(
        cophenet(linkage), cophenet(average(squareform(distances, checks=False))), atol=1e-12
    )


def test_same_input_same_bytes(tmp_path):
    paths = write_scores(tmp_path)
    measure(tmp_path, paths)
    first = {name: (tmp_path / f"{name}.parquet").read_bytes() for name in TABLES}
    measure(tmp_path, paths)
    assert first == {name: (tmp_path / f"{name}.parquet").read_bytes() for name in TABLES}


def test_errors_name_what_does_not_fit(tmp_path):
    ap, parents = write_scores(tmp_path)
    with pytest.raises(GolgiError, match="does not say whose parents it holds"):
        measure(tmp_path, (ap, ap))
    metadata = {"model": "mini", "checkpoint": "20", "step": "20"}
    write_arrays({"measured/mlp_post/7": planted()[0]}, tmp_path / "other.safetensors", metadata=metadata)
    with pytest.raises(GolgiError, match="measured/mlp_post/7 is missing or has another number of units"):
        measure(tmp_path, (tmp_path / "other.safetensors", parents))


@given(seed=st.integers(0, 30), threshold=st.sampled_from([0.3, 0.6, 0.99]))
def test_containment_is_that_of_sets(seed, threshold):
    random = np.random.default_rng(seed)
    blocks = [random.random((9, units)).astype(np.float32) for units in (5, 1, 8)]
    shared, sizes = count_shared(blocks, [threshold], 4)
    members = [set(np.flatnonzero(row >= np.float32(threshold))) for row in np.concatenate(blocks, axis=1)]
    for direction in ("child_in_parent", "parent_in_child"):
        found = containments(shared[0], sizes[0], direction)
        for child in range(4):
            for parent in range(9):
                whole = members[child] if direction == "child_in_parent" else members[parent]
                if not members[child] or not whole:
                    assert np.isnan(found[child, parent])
                else:
                    assert found[child, parent] == len(members[child] & members[parent]) / len(whole)


def random_parents(random, concepts):
    categories = np.arange(concepts) % 3
    without = np.repeat(np.arange(concepts), 2)
    halves = random.integers(0, 2, concepts)
    return categories, Parents(without, np.tile([0, 1], concepts), halves)


@given(seed=st.integers(0, 30))
def test_pooled_containment_is_brute_force(seed):
    random = np.random.default_rng(seed)
    categories, parents = random_parents(random, 7)
    contained = random.random((7, 14))
    contained[random.random((7, 14)) < 0.2] = np.nan
    found = pooled_containment(contained, parents, categories)
    for child in range(7):
        usable = [place for place in range(14) if parents.half[place] != parents.halves[child]]
        for category in range(3):
            if category == categories[child]:
                chosen = [place for place in usable if parents.without[place] == child]
            else:
                chosen = [place for place in usable if categories[parents.without[place]] == category]
            values = contained[child, chosen]
            expected = np.nan if np.isnan(values).all() else np.nanmean(values)
            np.testing.assert_allclose(found[child, category], expected)


@given(seed=st.integers(0, 30))
def test_placed_containment_is_brute_force(seed):
    random = np.random.default_rng(seed)
    categories, parents = random_parents(random, 7)
    contained = random.random((7, 14))
    found = placed_containment(contained, parents, categories)
    for child in range(7):
        for place in range(7):
            kept = child if categories[child] == categories[place] else place
            (parent,) = np.flatnonzero((parents.without == kept) & (parents.half != parents.halves[child]))
            assert found[child, place] == contained[child, parent]
    np.testing.assert_array_equal(
        np.diagonal(found), pooled_containment(contained, parents, categories)[np.arange(7), categories]
    )


@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_p_is_brute_force(holes):
    random = np.random.default_rng(0)
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    contained = random.random((8, 3)) + np.eye(3)[labels] * 0.4
    contained[random.random((8, 3)) < holes] = np.nan
    own, wrong = differences(contained, np.eye(3, dtype=bool))
    (p,) = permute_parents((own - wrong)[None], labels, draws=300, seed=5)

    def statistic(labels):
        each = []
        for child, label in enumerate(labels):
            others = np.delete(contained[child], label)
            if np.isfinite(contained[child, label]) and np.isfinite(others).any():
                each.append(contained[child, label] - np.nanmean(others))
        return np.mean(each)

    orders = permutations(8, 300, np.random.default_rng([5, 9]))
    reached = sum(statistic(labels[order]) >= statistic(labels) - 1e-12 for order in orders)
    assert p == (reached + 1) / 301


def test_the_lexicons_own_tree_is_recovered_from_its_similarities(tmp_path):
    lexicon = load_lexicon(write_lexicon(tmp_path / "lexicon.yaml"))
    similarity = tree_similarity(lexicon, NAMES)
    correlation, p, fidelity = tree_correlations(similarity[None], 1 - similarity, draws=99, seed=1)
    assert correlation[0] == pytest.approx(1)
    assert fidelity[0] == pytest.approx(1)
    assert p[0] == 0.01
    assert len(cluster(similarity, ordered=True)) == len(NAMES) - 1
