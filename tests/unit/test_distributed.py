"""Means, gains and equal numbers of units, against brute force."""

import itertools

import numpy as np
import polars as pl
import pytest
from expert_data import NAMES, UNITS, write_concepts, write_responses, write_sets
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score
from synthetic_tables import table

from golgi.errors import GolgiError
from golgi.experts.chance import chance_precision
from golgi.experts.scoring import score_experts
from golgi.statistics.distributed import Fits, measure_distributed, summarise
from golgi.statistics.equal_units import compare_equal_units, shared_units, top_units
from golgi.statistics.resampling import bootstrap_means, sign_flip_test
from golgi.tables import open_arrays, read_table, write_arrays, write_table

SIZES = [1, 4]
LAST = {"tiny": "20"}


@pytest.mark.parametrize(("positives", "negatives"), [(1, 0), (1, 4), (2, 3), (4, 2), (3, 0)])
def test_chance_is_the_mean_over_all_orders(positives, negatives):
    orders = set(itertools.permutations([1] * positives + [0] * negatives))
    scores = -np.arange(positives + negatives)
    expected = np.mean([average_precision_score(order, scores) for order in orders])
    assert chance_precision(positives, negatives) == pytest.approx(expected)


def test_chance_without_positives_is_nothing_and_in_large_sets_the_prevalence():
    assert chance_precision(0, 5) == 0
    assert chance_precision(40_000, 100_000) == pytest.approx(2 / 7, abs=1e-4)


@given(st.data())
def test_the_best_units_are_those_of_a_stable_sort(data):
    concepts, units = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 30))
    # Few levels, so that many are equal.
    levels = st.sampled_from([0.0, 0.25, 0.5, 1 / 3, 1.0])
    rows = st.lists(levels, min_size=units, max_size=units)
    values = np.array([data.draw(rows) for _ in range(concepts)], np.float32)
    count = data.draw(st.integers(1, units))
    cuts = sorted(data.draw(st.lists(st.integers(0, units), max_size=4)))
    found = top_units(np.split(values, cuts, axis=1), count)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :count]
    assert found.places.tolist() == expected.tolist()
    assert found.precision.tolist() == np.take_along_axis(values, expected, axis=1).tolist()


def test_shared_units_are_counted():
    random = np.random.default_rng(0)
    places = np.stack([random.choice(50, 12, replace=False) for _ in range(6)])
    expected = [[len(set(one) & set(other)) for other in places] for one in places]
    assert shared_units(places).tolist() == expected


def fits_of(random, *, failed: int = 0) -> list[Fits]:
    fits = []
    for checkpoint, step, control in (("0", 0, "measured"), ("20", 20, "measured"), ("20", 20, "rotated")):
        point = ("tiny", checkpoint, step, control)
        for kind, size in (("unit", 1), ("probe", 1), ("probe", 4)):
            precision = random.uniform(0.3, 0.6, 30) + 0.1 * size * (kind == "probe")
            precision[:failed] = np.nan if kind == "probe" else precision[:failed]
            fits.append(Fits(point, kind, size, precision, 0.2))
    return fits


def summary(fits, **changes) -> pl.DataFrame:
    options = {"last_checkpoints": LAST, "permutations": 199, "bootstraps": 300, "seed": 5}
    return table("distributed", summarise(fits, **(options | changes)).to_dicts())


def test_a_gain_is_the_paired_difference_to_the_unit_of_the_same_point():
    fits = fits_of(np.random.default_rng(0))
    frame = summary(fits)
    units = {one.point: one.precision for one in fits if one.kind == "unit"}
    for one in fits:
        row = frame.filter(
            pl.col("checkpoint") == one.point[1],
            pl.col("control") == one.point[3],
            pl.col("kind") == one.kind,
            pl.col("size") == one.size,
        ).row(0, named=True)
        assert row["ap"] == pytest.approx(one.precision.mean())
        assert (row["concepts"], row["failed"]) == (30, 0)
        ends = bootstrap_means(one.precision[:, None], draws=300, seed=5)
        assert [row["low"], row["high"]] == pytest.approx([end[0] for end in ends])
        if one.kind == "unit":
            assert [row["gain"], row["gain_low"], row["p"]] == [None, None, None]
            continue
        gains = (one.precision - units[one.point])[:, None]
        assert row["gain"] == pytest.approx(gains.mean())
        assert row["p"] == sign_flip_test(gains, draws=199, seed=5)[0]
        ends = bootstrap_means(gains, draws=300, seed=5)
        assert [row["gain_low"], row["gain_high"]] == pytest.approx([end[0] for end in ends])


def test_the_largest_measured_probe_of_the_last_checkpoint_is_planned():
    frame = summary(fits_of(np.random.default_rng(0)))
    planned = frame.filter(pl.col("family") == "planned")
    assert planned.select("checkpoint", "control", "kind", "size").rows() == [("20", "measured", "probe", 4)]
    assert planned["p_holm"].to_list() == planned["p"].to_list()
    assert frame["p_holm"].count() == 1


def test_failed_fits_are_counted_and_take_no_part():
    fits = fits_of(np.random.default_rng(1), failed=4)
    frame = summary(fits).filter(pl.col("kind") == "probe")
    assert set(frame["failed"]) == {4}
    assert set(frame["concepts"]) == {26}
    first = next(one for one in fits if one.kind == "probe")
    unit = next(one for one in fits if one.kind == "unit")
    assert frame["gain"][0] == pytest.approx(np.nanmean(first.precision - unit.precision))


def test_where_every_fit_failed_nothing_is_stated():
    frame = summary(fits_of(np.random.default_rng(1), failed=30)).filter(pl.col("kind") == "probe")
    assert (
        frame.select("ap", "low", "gain", "gain_high", "p", "p_holm").null_count().row(0) == (9 * 2 // 3,) * 6
    )
    assert set(frame["family"]) == {"exploratory"}


@pytest.fixture
def scored(tmp_path):
    """Average precision of the planted study at two checkpoints' places: trained, and the twin."""
    concepts, sets = write_concepts(tmp_path / "concepts.parquet"), write_sets(tmp_path / "sets.parquet")
    described = read_table(concepts, schema="concepts").with_columns(positives=30, negatives=60)
    aps = []
    for checkpoint, step in (("20", 20), ("untrained", None)):
        files = write_responses(tmp_path, seed=step or 0)
        aps.append(tmp_path / f"{checkpoint}.safetensors")
        score_experts(
            responses=files["neuron"],
            rotated=files["rotated"],
            sets=sets,
            concepts=concepts,
            ap=aps[-1],
            experts=tmp_path / "experts.parquet",
            model="tiny",
            checkpoint=checkpoint,
            step=step,
            controls=["rotated", "shuffled"],
            thresholds=[0.75],
            seed=1,
            untrained=checkpoint == "untrained",
        )
    return aps, concepts, described


def compare(aps, described, sizes=SIZES) -> pl.DataFrame:
    frame = compare_equal_units(
        aps=aps, described=described, sizes=sizes, last_checkpoints=LAST, bootstraps=200, seed=5
    )
    return table("equal_units", frame.to_dicts())


def best_of(path, control) -> np.ndarray:
    """Average precision [concept, unit] of the whole model, best first."""
    with open_arrays(path) as arrays:
        layers = [arrays.read(f"{control}/mlp_post/{layer}") for layer in range(2)]
    return -np.sort(-np.concatenate(layers, axis=1).astype(np.float64), axis=1)


def test_equal_units_are_the_mean_of_the_best_and_paired_with_the_neurons(scored):
    aps, _, described = scored
    frame = compare(aps, described)
    assert len(frame) == 2 * 4
    measured = best_of(aps[0], "measured")
    for row in frame.iter_rows(named=True):
        twin = row["control"] == "untrained"
        best = best_of(aps[twin], "measured" if twin else row["control"])
        means, reference = best[:, : row["size"]].mean(axis=1), measured[:, : row["size"]].mean(axis=1)
        assert row["ap"] == pytest.approx(means.mean(), abs=1e-6)
        assert row["units"] == 2 * UNITS
        ends = bootstrap_means(means[:, None], draws=200, seed=5)
        assert [row["low"], row["high"]] == pytest.approx([end[0] for end in ends], abs=1e-6)
        if row["control"] == "measured":
            assert row["difference"] is None
        else:
            assert row["difference"] == pytest.approx((reference - means).mean(), abs=1e-6)


def test_equal_sets_of_planted_units_are_shared_within_categories_alone(scored):
    aps, _, described = scored
    rows = compare(aps, described, [3]).filter(pl.col("control") == "measured").row(0, named=True)
    # Of three perfect units two are the concept's own, one in each layer, and one is its category's.
    assert rows["ap"] == pytest.approx(1)
    assert rows["within"] == pytest.approx(1 / 5)
    assert (rows["between"], rows["ratio"]) == (0, None)


def test_without_categories_nothing_is_said_of_sharing(scored):
    aps, _, described = scored
    frame = compare(aps, described.with_columns(category=pl.col("concept")))
    assert frame.select("within", "between", "ratio").null_count().row(0) == (len(frame),) * 3


def test_more_units_than_there_are_cannot_be_compared(scored, caplog):
    aps, _, described = scored
    assert set(compare(aps, described, [4, 49])["size"]) == {4}
    assert "48 units; more than that cannot be compared" in caplog.text


def test_without_controls_there_is_no_difference(scored, tmp_path):
    aps, _, described = scored
    with open_arrays(aps[0]) as arrays:
        kept = {name: arrays.read(name) for name in arrays.names if name.startswith("measured/")}
        write_arrays(kept, tmp_path / "alone.safetensors", metadata=arrays.metadata)
    frame = compare([tmp_path / "alone.safetensors"], described)
    assert set(frame["control"]) == {"measured"}
    assert frame["difference_low"].null_count() == len(frame)


def probe_rows(checkpoint: str, step: int | None, control: str) -> list[dict]:
    place = {"model": "tiny", "checkpoint": checkpoint, "step": step, "control": control}
    return [
        {
            **place,
            **{"concept": name, "category": "a", "kind": kind, "size": size},
            "ap": 0.4 + 0.05 * size * (kind == "probe") + 0.01 * number,
            **{"site": None, "layer": None, "unit": None, "heldout": 27, "chance": 0.35, "grouped": True},
        }
        for number, name in enumerate(NAMES)
        for kind, size in (("unit", 1), ("probe", 1), ("probe", 4))
    ]


def measure(scored, folder, rows):
    aps, concepts, _ = scored
    write_table(table("probes", rows), folder / "probes.parquet", schema="probes")
    measure_distributed(
        probes=folder / "probes.parquet",
        aps=aps,
        concepts=concepts,
        sizes=SIZES,
        last_checkpoints=LAST,
        permutations=99,
        bootstraps=100,
        seed=5,
        distributed=folder / "distributed.parquet",
        equal_units=folder / "equal_units.parquet",
    )


def test_both_tables_are_written_with_their_csv_and_the_same_again(scored, tmp_path):
    contents = []
    for _ in range(2):
        measure(
            scored, tmp_path, probe_rows("20", 20, "measured") + probe_rows("untrained", None, "untrained")
        )
        contents.append(
            [(tmp_path / f"{name}.parquet").read_bytes() for name in ("distributed", "equal_units")]
        )
    assert contents[0] == contents[1]
    frame = read_table(tmp_path / "distributed.parquet", schema="distributed")
    assert frame.filter(pl.col("kind") == "probe", pl.col("size") == 4)["gain"].to_list() == pytest.approx(
        [0.2] * 2
    )
    assert len(read_table(tmp_path / "equal_units.parquet", schema="equal_units")) == 8
    assert (tmp_path / "distributed.csv").is_file()
    assert (tmp_path / "equal_units.csv").is_file()


def test_probes_of_other_concepts_are_an_error(scored, tmp_path):
    rows = [row for row in probe_rows("20", 20, "measured") if row["concept"] != NAMES[0]]
    with pytest.raises(GolgiError, match="measured of tiny at 20: the concepts are not those of the study"):
        measure(scored, tmp_path, rows)
