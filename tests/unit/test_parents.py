import json

import numpy as np
import polars as pl
import pytest
from expert_data import (
    CATEGORIES,
    CATEGORY_OF,
    LAYERS,
    NAMES,
    NEGATIVES,
    OWNER,
    POSITIVES,
    SENTENCES,
    UNITS,
    label_rows,
    write_concepts,
    write_responses,
    write_sets,
)
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from golgi.errors import GolgiError
from golgi.experts.parents import deal_halves, draw_evenly, draw_parents, score_parents
from golgi.tables import open_arrays, read_table, table_schema, write_table

BLANK = {"int": 0, "float": 0.0, "str": "", "bool": False}


def write_pool(path, texts=None):
    texts = texts or [f"The {NAMES[owner]} is here." for owner in OWNER]
    columns = {column["name"]: BLANK[column["type"]] for column in table_schema("pool")["columns"]}
    known = {"sentence": range(len(texts)), "text": texts, "concept": [NAMES[owner] for owner in OWNER]}
    write_table(
        pl.DataFrame({name: known.get(name, [value] * len(texts)) for name, value in columns.items()}),
        path,
        schema="pool",
    )
    return path


def run(folder, **changes):
    folder.mkdir(exist_ok=True)
    files = write_responses(folder)
    options = {
        "responses": files["neuron"],
        "rotated": files["rotated"],
        "pool": write_pool(folder / "pool.parquet"),
        "sets": write_sets(folder / "sets.parquet"),
        "concepts": write_concepts(folder / "concepts.parquet"),
        "parents": folder / "parents.safetensors",
        "model": "mini",
        "checkpoint": "20",
        "step": 20,
        "controls": ["untrained", "rotated", "shuffled", "word"],
        "seed": 7,
    }
    score_parents(**(options | changes))
    return options


def described(folder):
    return read_table(write_concepts(folder / "concepts.parquet"), schema="concepts")


def parents_of(folder, texts=None, labels=None):
    frame = described(folder)
    halves = deal_halves(frame["category"].to_list(), 7)
    texts = texts or [f"The {NAMES[owner]} is here." for owner in OWNER]
    return draw_parents(frame, labels or label_rows(), texts, halves, 7), halves


def test_a_parent_is_the_category_without_the_concept_and_none_of_its_sentences(tmp_path):
    parents, halves = parents_of(tmp_path)
    assert [(one.without, one.half) for one in parents] == [(name, half) for name in NAMES for half in (0, 1)]
    for one in parents:
        positives, negatives = one.rows
        beyond = POSITIVES * sum(
            halves[place] == one.half and CATEGORY_OF[name] != CATEGORY_OF[one.without]
            for place, name in enumerate(NAMES)
        )
        assert (len(positives), len(negatives)) == (POSITIVES, min(NEGATIVES, beyond))
        owners = {NAMES[OWNER[row]] for row in positives}
        assert owners == set(CATEGORIES[CATEGORY_OF[one.without]]) - {one.without}
        strangers = {OWNER[row] for row in negatives}
        assert all(CATEGORY_OF[NAMES[owner]] != CATEGORY_OF[one.without] for owner in strangers)
        assert {int(halves[owner]) for owner in strangers} == {one.half}


def test_sentences_are_drawn_evenly(tmp_path):
    parents, _ = parents_of(tmp_path)
    for one in parents:
        counts = np.unique(OWNER[one.rows[0]], return_counts=True)[1]
        assert np.ptp(counts) <= 1


def test_no_positive_has_the_concepts_word_and_no_negative_a_word_of_the_category(tmp_path):
    texts = [f"The {NAMES[owner]} is here." for owner in OWNER]
    dogs = np.flatnonzero(NAMES.index("dog") == OWNER)
    buses = np.flatnonzero(NAMES.index("bus") == OWNER)
    for row in dogs[:10]:
        texts[row] = "The dog sees two Cats."
    for row in buses[:20]:
        texts[row] = "A cow is on the bus."
    parents, _ = parents_of(tmp_path, texts)
    for one in parents:
        if one.without == "cat":
            assert not set(one.rows[0]) & set(dogs[:10])
        if CATEGORY_OF[one.without] == "animal":
            assert not set(one.rows[1]) & set(buses[:20])


def test_too_few_sentences_are_taken_as_they_are_and_said(tmp_path, caplog):
    few = [(positives[:4], negatives) for positives, negatives in label_rows()]
    parents, _ = parents_of(tmp_path, labels=few)
    assert {len(one.rows[0]) for one in parents} == {4}
    assert max(len(one.rows[1]) for one in parents) <= 8
    assert "The parent of cat has only" in caplog.text


def test_a_concept_without_sentences_beside_its_own_has_no_parent(tmp_path, caplog):
    texts = [
        "Cats and dogs and cows." if CATEGORY_OF[NAMES[owner]] == "animal" else "A car." for owner in OWNER
    ]
    parents, _ = parents_of(tmp_path, texts)
    assert {CATEGORY_OF[one.without] for one in parents} == {"vehicle"}
    assert "cat has no parent" in caplog.text


def test_scores_are_average_precision_under_every_control(tmp_path):
    options = run(tmp_path)
    parents, halves = parents_of(tmp_path)
    with open_arrays(options["parents"]) as scored, open_arrays(options["responses"]) as responses:
        kinds = ("measured", "rotated", "shuffled", "word")
        assert scored.names == sorted(f"{kind}/mlp_post/{layer}" for kind in kinds for layer in range(LAYERS))
        assert json.loads(scored.metadata["without"]) == [one.without for one in parents]
        assert json.loads(scored.metadata["half"]) == [one.half for one in parents]
        assert json.loads(scored.metadata["halves"]) == halves.tolist()
        assert json.loads(scored.metadata["positives"]) == [len(one.rows[0]) for one in parents]
        block = responses.read("mlp_post/1")
        for index, one in enumerate(parents):
            labels = np.repeat([1, 0], [len(rows) for rows in one.rows])
            rows = np.concatenate(one.rows)
            for unit in range(UNITS):
                for kind, shift in (("measured", 0), ("word", SENTENCES)):
                    expected = average_precision_score(labels, block[rows + shift, unit])
                    assert abs(scored.read(f"{kind}/mlp_post/1")[index, unit] - expected) <= 1e-6
        # Units 6 and 7 of layer 1 are planted for the two categories.
        assert (scored.read("measured/mlp_post/1")[:6, 6] == 1).all()
        assert (scored.read("measured/mlp_post/1")[6:, 7] == 1).all()
        assert scored.read("measured/mlp_post/1")[:6, 7].max() < 0.9
        assert scored.read("shuffled/mlp_post/1")[:, 6:8].max() < 0.9


def test_the_twin_has_only_measured_and_the_same_input_gives_the_same_bytes(tmp_path):
    twin = run(tmp_path / "twin", checkpoint="untrained", step=None, untrained=True, rotated=None)
    with open_arrays(twin["parents"]) as scored:
        assert {name.split("/")[0] for name in scored.names} == {"measured"}
    one, two = run(tmp_path / "one"), run(tmp_path / "two", threads=2)
    assert one["parents"].read_bytes() == two["parents"].read_bytes()


def test_one_category_is_an_error(tmp_path):
    options = run(tmp_path)
    frame = read_table(options["concepts"], schema="concepts").with_columns(category=pl.lit("thing"))
    write_table(frame, options["concepts"], schema="concepts")
    with pytest.raises(GolgiError, match=r"two categories of two concepts.*here are 1 categories"):
        score_parents(**options)


@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_halves_are_even_as_a_whole_and_in_every_category(sizes, seed):
    categories = [f"c{index}" for index, size in enumerate(sizes) for _ in range(size)]
    halves = deal_halves(categories, seed)
    assert abs(int((halves == 0).sum()) - int((halves == 1).sum())) <= 1
    for category in set(categories):
        inside = halves[np.array(categories) == category]
        assert abs(int((inside == 0).sum()) - int((inside == 1).sum())) <= 1


@given(sizes=st.lists(st.integers(0, 9), max_size=6), number=st.integers(0, 40), seed=st.integers(0, 99))
def test_even_draws_differ_by_one_where_there_is_enough(sizes, number, seed):
    piles = [100 * index + np.arange(size) for index, size in enumerate(sizes)]
    drawn = draw_evenly(piles, number, np.random.default_rng(seed))
    assert len(drawn) == min(number, sum(sizes)) == len(set(drawn.tolist()))
    counts = [int((drawn // 100 == index).sum()) for index in range(len(sizes))]
    most = max(counts, default=0)
    assert all(count >= min(size, most - 1) for count, size in zip(counts, sizes, strict=True))
