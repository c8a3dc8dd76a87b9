import numpy as np
import polars as pl
import pytest
from expert_data import CATEGORY_OF, LAYERS, NAMES, UNITS, planted, write_concepts
from scipy import stats

from golgi.errors import GolgiError
from golgi.statistics.dynamics import count_members, measure_dynamics
from golgi.tables import read_table, write_arrays

CONTROLS = ("measured", "rotated")
SITES = ("attn_out", "mlp_post")
TAU = 0.75


def precisions(seed: int, *, random_only: bool = False) -> dict[str, np.ndarray]:
    """AP [concept, unit] of each control, site and layer: noise about tau, planted experts above."""
    random = np.random.default_rng(seed)
    arrays = {}
    for control in CONTROLS:
        for site in SITES:
            for layer in range(LAYERS):
                ap = random.uniform(0.2, 0.85, (len(NAMES), UNITS)).astype(np.float32)
                if control == "measured" and site == "mlp_post" and not random_only:
                    for unit, places in planted(layer).items():
                        ap[sorted(places), unit] = 1.0
                arrays[f"{control}/{site}/{layer}"] = ap
    return arrays


def write_study(folder, arrays: dict[str, dict] | None = None, **changes) -> dict:
    concepts = write_concepts(folder / "concepts.parquet")
    arrays = arrays or {"0": precisions(0), "20": precisions(1), "untrained": untrained()}
    aps = []
    for checkpoint, values in arrays.items():
        aps.append(folder / f"{checkpoint}.safetensors")
        metadata = {
            "model": "mini",
            "checkpoint": checkpoint,
            "untrained": str(checkpoint == "untrained").lower(),
        }
        metadata["step"] = checkpoint if checkpoint.isdigit() else ""
        write_arrays(values, aps[-1], metadata=metadata)
    pairs = [(a, b) for place, a in enumerate(NAMES) for b in NAMES[place + 1 :]]
    lines = [f"{a} {b} {5 * (CATEGORY_OF[a] == CATEGORY_OF[b]) + len(a + b) % 3}" for a, b in pairs]
    (folder / "all.txt").write_text("\n".join(lines))
    (folder / "some.txt").write_text("\n".join(lines[::2]))
    return {
        "aps": aps,
        "concepts": concepts,
        "lexicon": folder / "none.yaml",
        "references": {"all": {"file": "all.txt", "ceiling": 0.84}, "some": {"file": "some.txt"}},
        "reference_files": {"all": folder / "all.txt", "some": folder / "some.txt"},
        "threshold": TAU,
        "bootstraps": 200,
        "seed": 7,
        "dynamics": folder / "dynamics.parquet",
        "alignment": folder / "dynamics_alignment.parquet",
    } | changes


def untrained() -> dict[str, np.ndarray]:
    return {key: ap for key, ap in precisions(2, random_only=True).items() if key.startswith("measured")}


def measured(options: dict) -> tuple[pl.DataFrame, pl.DataFrame]:
    measure_dynamics(**options)
    return (
        read_table(options["dynamics"], schema="dynamics"),
        read_table(options["alignment"], schema="dynamics_alignment"),
    )


def expert_sets(arrays: dict, control: str, layer: int | None) -> list[set]:
    """Experts of each concept as sets of (site, layer, unit), counted one by one."""
    sets = [set() for _ in NAMES]
    for key, ap in arrays.items():
        named, site, block = key.split("/")
        if named == control and layer in (None, int(block)):
            for (concept, unit), value in np.ndenumerate(ap):
                if value >= np.float32(TAU):
                    sets[concept].add((site, block, unit))
    return sets


def test_counts_are_those_of_a_plain_count(tmp_path):
    experts, _ = measured(write_study(tmp_path))
    assert len(experts) == (2 * len(CONTROLS) + 1) * (LAYERS + 1)
    for checkpoint, arrays in (("0", precisions(0)), ("20", precisions(1)), ("untrained", untrained())):
        rows = experts.filter(checkpoint=checkpoint)
        for control, layer, mean, units, share in rows.select(
            "control", "layer", "experts", "units", "share"
        ).rows():
            source = "measured" if control == "untrained" else control
            sizes = [len(one) for one in expert_sets(arrays, source, layer)]
            assert mean == pytest.approx(np.mean(sizes))
            assert units == UNITS * len(SITES) * (LAYERS if layer is None else 1)
            assert share == pytest.approx(np.mean(sizes) / units)
    assert experts.filter(checkpoint="untrained")["control"].unique().to_list() == ["untrained"]
    assert experts.filter(checkpoint="untrained")["step"].null_count() == LAYERS + 1
    assert experts["concepts"].unique().to_list() == [len(NAMES)]


def test_intervals_of_counts_are_those_of_scipy(tmp_path):
    experts, _ = measured(write_study(tmp_path, bootstraps=4000))
    row = experts.filter(pl.col("layer").is_null(), checkpoint="20", control="measured").row(0, named=True)
    sizes = [len(one) for one in expert_sets(precisions(1), "measured", None)]
    oracle = stats.bootstrap(
        (sizes,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    assert row["experts_low"] == pytest.approx(oracle.low, abs=0.35)
    assert row["experts_high"] == pytest.approx(oracle.high, abs=0.35)


def test_alignment_is_that_of_overlaps_counted_one_by_one(tmp_path):
    options = write_study(tmp_path)
    _, alignment = measured(options)
    arrays = precisions(1)
    lines = [line.split() for line in (tmp_path / "some.txt").read_text().splitlines()]
    for layer in (0, 1, None):
        sets = dict(zip(NAMES, expert_sets(arrays, "measured", layer), strict=True))
        overlaps = [len(sets[a] & sets[b]) / max(len(sets[a] | sets[b]), 1) for a, b, _ in lines]
        rho = stats.spearmanr(overlaps, [float(rating) for *_, rating in lines]).statistic
        row = alignment.filter(
            pl.col("layer").eq_missing(layer), checkpoint="20", control="measured", reference="some"
        )
        assert row["rho"].item() == pytest.approx(rho)
        assert row["low"].item() <= rho <= row["high"].item()
        assert row.select("pairs", "words", "ceiling").row(0) == (8, 6, None)
    assert alignment.filter(reference="all")["ceiling"].unique().to_list() == [0.84]


def test_planted_categories_align_in_the_layer_that_holds_them(tmp_path):
    clean = {key: np.where(ap == 1, ap, np.float32(0.1)) for key, ap in precisions(0).items()}
    _, alignment = measured(write_study(tmp_path, {"0": clean}))
    rows = alignment.filter(control="measured", reference="all").sort("layer", nulls_last=True)
    assert rows["layer"].to_list() == [0, 1, None]
    undefined, planted_there, whole = rows["rho"].to_list()
    assert undefined is None  # units of single concepts alone: no pair shares any
    assert planted_there > 0.7
    assert whole > 0.7
    assert rows["empty_pairs"].to_list() == [0, 0, 0]
    nobody = alignment.filter(control="rotated", reference="all")
    assert nobody["empty_pairs"].to_list() == [15, 15, 15]
    assert nobody.select("rho", "low", "high").null_count().row(0) == (3, 3, 3)


def test_without_references_the_second_table_is_empty(tmp_path):
    experts, alignment = measured(write_study(tmp_path, references={}, reference_files={}))
    assert alignment.is_empty()
    assert len(experts) == (2 * len(CONTROLS) + 1) * (LAYERS + 1)
    assert (tmp_path / "dynamics_alignment.csv").is_file()


def test_overlap_that_never_varies_has_no_alignment(tmp_path):
    nobody = {key: np.full_like(ap, 0.1) for key, ap in precisions(0).items()}
    experts, alignment = measured(write_study(tmp_path, {"0": nobody}))
    assert experts.select("experts", "experts_low", "experts_high").unique().rows() == [(0.0, 0.0, 0.0)]
    assert alignment.select("rho", "low", "high").null_count().row(0) == (len(alignment),) * 3
    assert (alignment["empty_pairs"] == alignment["pairs"]).all()


def test_blocks_of_units_make_no_difference():
    random = np.random.default_rng(3)
    ap = random.random((5, 40), np.float32)
    first, second = np.triu_indices(5, k=1)
    whole = count_members([ap], 0.6, first, second, 5)
    parts = count_members(np.split(ap, 8, axis=1), 0.6, first, second, 5)
    assert all(np.array_equal(one, other) for one, other in zip(whole, parts, strict=True))
    assert whole[0].tolist() == (ap >= np.float32(0.6)).sum(axis=1).tolist()


def test_same_bytes_again(tmp_path):
    options = write_study(tmp_path)
    measured(options)
    first = options["dynamics"].read_bytes(), options["alignment"].read_bytes()
    measured(options)
    assert (options["dynamics"].read_bytes(), options["alignment"].read_bytes()) == first


def test_arrays_of_other_concepts_are_an_error(tmp_path):
    few = {"0": {"measured/mlp_post/0": np.ones((4, UNITS), np.float32)}}
    with pytest.raises(GolgiError, match=r"0\.safetensors.*4 concepts, but the study has 6"):
        measured(write_study(tmp_path, few))
