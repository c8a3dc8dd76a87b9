import itertools
import tracemalloc

import numpy as np
import polars as pl
import pytest
from expert_data import (
    NAMES,
    SENTENCES,
    UNITS,
    label_rows,
    write_concepts,
    write_pool,
    write_responses,
    write_sets,
)
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from golgi.errors import GolgiError
from golgi.experts.chance import chance_precision
from golgi.statistics import rescoring
from golgi.statistics.folds import (
    Grid,
    draw_folds,
    read_origins,
    shared_origins,
    shuffle_each,
    shuffle_often,
)
from golgi.statistics.precision import Point
from golgi.statistics.resampling import multiplicities
from golgi.statistics.stability import (
    beside_chance,
    measure_stability,
    random_precision,
    recommend,
    shared_over_folds,
    summarise_stability,
)
from golgi.tables import open_arrays, read_table, write_arrays

GRID = Grid(3, [4, 10], [8, 20])
THRESHOLDS = [0.6, 0.9]
ALONE = np.arange(SENTENCES)  # every sentence of an origin of its own
LAST, TWIN = Point("mini", "20", 20), Point("mini", "untrained", None)


def measure(folder, *, point=LAST, controls=("shuffled",), grid=GRID, threads=1, origins=None, **written):
    path = folder / f"{point.checkpoint}-{threads}.parquet"
    measure_stability(
        responses=write_responses(folder, **written)["neuron"],
        pool=write_pool(folder / "pool.parquet", origins=origins),
        sets=write_sets(folder / "sets.parquet"),
        concepts=write_concepts(folder / "concepts.parquet"),
        point=point,
        controls=controls,
        thresholds=THRESHOLDS,
        grid=grid,
        seed=7,
        threads=threads,
        stability=path,
    )
    return path


def read(path):
    return read_table(path, schema="stability_concepts")


def summarise(folder, parts, **options):
    tables = {"stability": folder / "stability.parquet", "concepts": folder / "each.parquet"}
    summarise_stability(parts=parts, **{"folds": 3, "bootstraps": 200, "seed": 7} | options, **tables)
    return read_table(tables["stability"], schema="stability")


@given(st.integers(2, 5), st.lists(st.integers(2, 6), min_size=1, max_size=3, unique=True), st.integers(0, 9))
def test_folds_are_disjoint_and_the_smaller_begin_the_larger(folds, sizes, seed):
    grid = Grid(folds, sorted(sizes), sorted(2 * size for size in sizes))
    rows = np.arange(100, 130), np.arange(200, 260)
    origins = np.random.default_rng(seed).integers(0, 40, 300)
    sets = draw_folds(rows, "cat", grid, origins=origins, seed=seed)
    assert len(sets) == folds * len(sizes) ** 2
    assert grid.rows == sum(len(one) + len(other) for one, other in sets)
    largest = sets[-folds:]
    for kind in (0, 1):
        everything = np.concatenate([fold[kind] for fold in largest])
        assert len(set(everything.tolist())) == len(everything)
        assert set(everything.tolist()) <= set(rows[kind].tolist())
    for number, fold in enumerate(sets):
        (positives, negatives), whole = grid.cells[number // folds], largest[number % folds]
        assert fold[0].tolist() == whole[0][:positives].tolist()
        assert fold[1].tolist() == whole[1][:negatives].tolist()


def test_a_draw_depends_on_the_concept_and_the_seed_alone():
    rows = label_rows()[0]
    flat = [
        np.concatenate(draw_folds(rows, name, GRID, origins=ALONE, seed=seed)[-1])
        for name, seed in (("cat", 7), ("cat", 7), ("dog", 7), ("cat", 8))
    ]
    assert flat[0].tolist() == flat[1].tolist()
    assert flat[0].tolist() != flat[2].tolist()
    assert flat[0].tolist() != flat[3].tolist()


def dealt(counts, folds, *, seed=0):
    """Largest folds of origins with so many (positives, negatives) each, and the number of every row."""
    counts = np.array(counts)
    numbers = [np.repeat(np.arange(len(counts)), kind) for kind in counts.T]
    origins = np.concatenate(numbers)
    rows = np.arange(len(numbers[0])), np.arange(len(numbers[0]), len(origins))
    most, least = counts.sum(axis=0) // folds, counts.sum(axis=0) // (2 * folds)
    grid = Grid(folds, *([min(half, whole), whole] for half, whole in zip(least, most, strict=True)))
    return draw_folds(rows, "cat", grid, origins=origins, seed=seed), origins


@given(st.lists(st.integers(2, 6), max_size=12), st.integers(2, 4), st.integers(0, 9))
def test_folds_share_no_origin_where_whole_ones_fill_them(large, folds, seed):
    # Documents with positives and negatives, each as often as there are folds, and single sentences.
    documents = [(size, size // 2) for size in large] * folds
    sets, origins = dealt([*documents, *[(1, 0), (0, 1)] * (8 * folds)], folds, seed=seed)
    assert shared_origins(sets[-folds:], origins) == 0
    homes = [set(origins[np.concatenate(fold)].tolist()) for fold in sets[-folds:]]
    assert not any(one & other for one, other in itertools.combinations(homes, 2))


def test_frames_of_templates_are_dealt_whole():
    random = np.random.default_rng(3)
    often = random.permutation(1 / np.arange(5, 95))  # some frames are written far more often than others
    frames = [random.multinomial(number, often / often.sum()) for number in (200, 500)]
    sets, origins = dealt(np.transpose(frames), 4)
    assert [len(part) for part in sets[-1]] == [50, 125]
    assert shared_origins(sets[-4:], origins) <= 2  # of 90: a sentence or two may fill up


def test_origins_too_large_for_a_fold_are_split_and_counted():
    sets, origins = dealt([(30, 0), (0, 60)], 3)
    assert shared_origins(sets[-3:], origins) == 2
    sets, origins = dealt([(14, 0), *[(1, 0)] * 6, *[(0, 1)] * 20], 2)
    assert shared_origins(sets[-2:], origins) == 1
    whole = [np.sum(origins[positives] == 0) for positives, _ in sets[-2:]]
    assert sorted(whole) == [4, 10]  # no more leave their origin than have to
    assert shared_origins(sets[:2], origins) == 0  # the smaller sizes begin with what is at home


def test_a_draw_does_not_depend_on_the_numbers_of_origins():
    rows = label_rows()[0]
    origins = np.random.default_rng(2).integers(0, 25, SENTENCES)
    other = np.random.default_rng(3).permutation(1000)[:25][origins]
    first, second = (draw_folds(rows, "cat", GRID, origins=numbers, seed=7) for numbers in (origins, other))
    for one, two in zip(first, second, strict=True):
        assert np.array_equal(np.concatenate(one), np.concatenate(two))


def test_sentences_of_unknown_origin_are_apart(tmp_path):
    origins = ["a:1", "", "a:1", *[""] * (SENTENCES - 3)]
    numbers = read_origins(write_pool(tmp_path / "pool.parquet", origins=origins))
    assert numbers[0] == numbers[2]
    assert len(np.unique(numbers)) == SENTENCES - 1


def test_concepts_whose_folds_share_origins_are_counted(tmp_path):
    lonely = [""] * SENTENCES
    lonely[:30] = ["book"] * 30  # all sentences about cats, which are negatives of the vehicles
    each = measure(tmp_path, origins=lonely)
    table = read(each)
    assert table.filter(concept="cat")["shared_origins"].to_list() == [1] * table.filter(concept="cat").height
    assert table.filter(concept="dog")["shared_origins"].max() == 0
    summed = summarise(tmp_path, [each])
    for row in summed.iter_rows(named=True):
        part = table.filter(**{key: row[key] for key in ("control", "positives", "negatives", "threshold")})
        assert row["sharing_concepts"] == (part["shared_origins"] > 0).sum() > 0
    assert read(measure(tmp_path))["shared_origins"].max() == 0


def test_a_sentence_beyond_the_pool_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("golgi.statistics.stability.read_origins", lambda pool: np.arange(40))
    with pytest.raises(GolgiError, match=r"sets\.parquet: concept cat names sentence \d+; the last is 39"):
        measure(tmp_path)


def test_shuffling_keeps_rows_and_sizes():
    sets = draw_folds(label_rows()[0], "cat", GRID, origins=ALONE, seed=7)
    for before, after in zip(sets, shuffle_each(sets, "cat", seed=7), strict=True):
        assert [len(part) for part in before] == [len(part) for part in after]
        assert sorted(np.concatenate(before)) == sorted(np.concatenate(after))
    often = [shuffle_often(sets[0], "cat", shuffles=number, seed=7) for number in (3, 5)]
    assert [one[0].tolist() for one in often[0]] == [one[0].tolist() for one in often[1][:3]]


def test_too_few_sentences_are_named(tmp_path):
    with pytest.raises(GolgiError, match="cat has 30 positives: too few for 3 disjoint folds of 11"):
        measure(tmp_path, grid=Grid(3, [11], [20]))
    with pytest.raises(GolgiError, match="cat has 60 negatives: too few for 3 disjoint folds of 21"):
        measure(tmp_path, grid=Grid(3, [10], [21]))


def expert_sets(responses, sets, threshold):
    """The experts of each set, by scikit-learn."""
    for positives, negatives in sets:
        rows, labels = np.concatenate([positives, negatives]), [1] * len(positives) + [0] * len(negatives)
        yield {
            (name, unit)
            for name, matrix in responses.items()
            for unit in range(UNITS)
            if np.float32(average_precision_score(labels, matrix[rows, unit])) >= np.float32(threshold)
        }


@pytest.mark.parametrize("control", ["measured", "shuffled"])
def test_table_is_brute_force(tmp_path, control):
    table = read(measure(tmp_path)).filter(control=control)
    with open_arrays(tmp_path / "neuron.safetensors") as arrays:
        responses = {name: arrays.read(name) for name in arrays.names}
    assert len(table) == len(NAMES) * 4 * len(THRESHOLDS)
    for name, rows in list(zip(NAMES, label_rows(), strict=True))[::3]:
        sets = draw_folds(rows, name, GRID, origins=ALONE, seed=7)
        sets = sets if control == "measured" else shuffle_each(sets, name, seed=7)
        for cell, threshold in itertools.product(range(4), THRESHOLDS):
            found = list(expert_sets(responses, sets[3 * cell : 3 * cell + 3], threshold))
            pairs = list(itertools.combinations(found, 2))
            positives, negatives = GRID.cells[cell]
            chosen = {"concept": name, "positives": positives, "negatives": negatives, "threshold": threshold}
            row = table.filter(**chosen).row(0, named=True)
            overlaps = [len(one & other) / len(one | other) if one | other else 0 for one, other in pairs]
            assert row["overlap"] == pytest.approx(np.mean(overlaps))
            assert row["experts"] == pytest.approx(np.mean([len(one) for one in found]))
            assert row["empty_pairs"] == sum(not one | other for one, other in pairs)


def test_planted_experts_are_stable_and_shuffling_removes_them(tmp_path):
    table = read(measure(tmp_path)).filter(positives=10, negatives=20, threshold=0.9)
    measured, shuffled = (table.filter(control=control) for control in ("measured", "shuffled"))
    assert measured["overlap"].min() > 0.9
    assert measured["experts"].min() >= 3  # of its own in two layers, and its category's
    assert shuffled["experts"].max() < 1
    assert shuffled["overlap"].max() < 0.2
    assert shuffled["empty_pairs"].sum() > 0


def test_controls_follow_the_study_and_the_twin(tmp_path):
    assert set(read(measure(tmp_path, controls=("rotated",)))["control"]) == {"measured"}
    twin = read(measure(tmp_path, point=TWIN, masked=False))
    assert set(twin["control"]) == {"untrained"}
    assert twin["step"].null_count() == len(twin)


def test_same_bytes_for_any_threads_blocks_and_passes(tmp_path, monkeypatch):
    first = measure(tmp_path)
    expected = first.read_bytes()
    assert measure(tmp_path, threads=2).read_bytes() == expected
    monkeypatch.setattr(rescoring, "BLOCK_BYTES", 1)
    monkeypatch.setattr(rescoring, "PASS_ROWS", 2 * 2 * GRID.rows)
    assert measure(tmp_path).read_bytes() == expected


def test_many_sets_take_no_more_memory_than_a_block(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    responses = {"mlp_post/0": random.random((60, 4096), np.float32)}
    write_arrays(responses, tmp_path / "neuron.safetensors", metadata={"sentences": "60"})
    drawn = [random.permutation(60)[:20] for _ in range(2000)]
    sets = [(rows[:8], rows[8:]) for rows in drawn]  # [2000, 4096] would be 33 MB
    monkeypatch.setattr(rescoring, "BLOCK_BYTES", 2**20)
    with open_arrays(tmp_path / "neuron.safetensors") as arrays:
        list(rescoring.scored_blocks(arrays, sets[:2]))  # compiled before memory is watched
        tracemalloc.start()
        blocks = (block for _, _, block in rescoring.scored_blocks(arrays, sets))
        shared_over_folds(blocks, [0.5, 0.7], sets=2000, folds=4)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * 2**20


def test_an_error_names_file_layer_and_units(tmp_path):
    files = write_responses(tmp_path)
    with open_arrays(files["neuron"]) as arrays, pytest.raises(GolgiError) as caught:
        list(rescoring.scored_blocks(arrays, [([0], [2 * SENTENCES])]))
    assert all(part in str(caught.value) for part in ("neuron.safetensors", "mlp_post/0", "units 0 to 23"))


def test_means_and_intervals_are_explicit_replication(tmp_path):
    table = summarise(tmp_path, [measure(tmp_path)])
    each = read_table(tmp_path / "each.parquet", schema="stability_concepts")
    counts = multiplicities(len(NAMES), 200, np.random.default_rng([7, 5]))
    assert len(table) == 2 * 4 * len(THRESHOLDS)
    for row in table.iter_rows(named=True):
        keys = ("control", "positives", "negatives", "threshold")
        part = each.filter(**{key: row[key] for key in keys}).sort("concept")
        for name in ("overlap", "experts"):
            values = part[name].to_numpy()
            draws = [np.repeat(values, count).mean() for count in counts]
            assert row[name] == pytest.approx(values.mean())
            ends = np.quantile(draws, [0.025, 0.975])
            assert [row[f"{name}_low"], row[f"{name}_high"]] == pytest.approx(ends.tolist())
        assert row["empty_pairs"] == part["empty_pairs"].sum()
    assert set(table["folds"]) == {3}
    assert set(table["concepts"]) == {len(NAMES)}
    assert (tmp_path / "stability.csv").is_file()
    assert (tmp_path / "each.csv").is_file()


def test_several_models_and_twins_are_summed_up_apart(tmp_path):
    parts = [measure(tmp_path), measure(tmp_path, point=TWIN, masked=False)]
    both, alone = summarise(tmp_path, parts), summarise(tmp_path, parts[:1])
    assert both.filter(checkpoint="20").equals(alone)
    assert both.filter(checkpoint="untrained")["recommended"].sum() == 0


@pytest.mark.parametrize(("positives", "negatives"), [(6, 31), (25, 125), (100, 100)])
def test_random_orders_have_the_precision_of_chance(positives, negatives):
    precision = random_precision(positives, negatives, orders=4000, seed=7)
    assert precision.mean() == pytest.approx(chance_precision(positives, negatives), abs=0.006)


def test_a_threshold_is_beyond_chance_where_random_orders_do_not_reach_it():
    cells = [(6, 31, 0.5), (25, 125, 0.3), (25, 125, 0.5), (25, 31, 0.3)]
    table = pl.DataFrame(cells, schema=["positives", "negatives", "threshold"], orient="row")
    table = beside_chance(table, 7).sort("positives", "negatives", "threshold")
    near, everything, reached, beyond = table.rows(named=True)
    assert near["by_chance"] == pytest.approx(0.021, abs=0.005)
    assert everything["by_chance"] == pytest.approx(1, abs=0.002)
    assert reached["by_chance"] == pytest.approx(0.015, abs=0.005)
    assert beyond["by_chance"] < 0.001
    assert table["beyond_chance"].to_list() == [False, False, False, True]


def grid_table(overlaps, *, beyond=True, control="measured"):
    return pl.DataFrame(
        {
            "model": "m",
            "checkpoint": "1",
            "control": control,
            "threshold": 0.5,
            "positives": [10, 10, 20, 20],
            "negatives": [40, 80, 40, 80],
            "overlap": overlaps,
            "beyond_chance": beyond,
        }
    )


def chosen(table):
    return recommend(table).filter("recommended").select("positives", "negatives").rows()


def test_the_smallest_size_near_the_best_is_recommended():
    assert chosen(grid_table([0.3, 0.59, 0.585, 0.6])) == [(20, 40)]
    assert chosen(grid_table([0.585, 0.59, 0.585, 0.6])) == [(10, 40)]
    assert chosen(grid_table([0.3, 0.5, 0.5, 0.6])) == [(20, 80)]
    assert chosen(grid_table([0.0] * 4)) == []
    assert chosen(grid_table([0.6] * 4, control="shuffled")) == []


def test_sizes_near_chance_are_not_recommended_nor_the_best():
    assert chosen(grid_table([0.3, 0.4, 1.0, 0.41], beyond=[True, True, False, True])) == [(10, 80)]
    assert chosen(grid_table([0.6] * 4, beyond=False)) == []
