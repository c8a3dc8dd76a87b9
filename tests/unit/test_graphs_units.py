"""The units that get graphs: every way of choosing them, together and by itself."""

import logging

import numpy as np
import polars as pl
import pytest

from golgi.errors import GolgiError
from golgi.graphs.units import choose_units
from golgi.tables import read_table, table_schema, write_arrays, write_table

WIDTHS = {("mlp_post", 0): 12, ("mlp_post", 1): 12, ("attn_out", 0): 4}
NOTHING = {"experts": None, "threshold": 0.5, "layers": [], "sites": [], "sample": None, "listed": []}
# concept, site, layer, unit, AP, control
EXPERTS = [
    ("cat", "mlp_post", 1, 3, 0.9, "measured"),
    ("cat", "mlp_post", 0, 5, 0.9, "measured"),
    ("cat", "mlp_post", 0, 9, 0.8, "measured"),
    ("cat", "mlp_post", 0, 1, 1.0, "shuffled"),
    ("dog", "mlp_post", 1, 3, 0.7, "measured"),
    ("dog", "attn_out", 0, 2, 0.6, "measured"),
    ("dog", "mlp_post", 0, 7, 0.4, "measured"),
]


def expert_rows(rows):
    blanks = {"str": "", "int": 0, "float": 0.0, "bool": False}
    blank = {column["name"]: blanks[column["type"]] for column in table_schema("experts")["columns"]}
    names = ("concept", "site", "layer", "unit", "ap", "control")
    frame = pl.DataFrame([blank, *(blank | dict(zip(names, row, strict=True)) for row in rows)])
    return frame[1:]  # of the right types, though there be none


@pytest.fixture
def choose(tmp_path):
    """Choose units; return rows (site, layer, unit, chosen)."""

    def run(*, widths=WIDTHS, table=EXPERTS, seed=0, **choice):
        arrays = {
            f"measured/{site}/{layer}": np.zeros((2, width), np.float32)
            for (site, layer), width in widths.items()
        }
        arrays["shuffled/mlp_post/9"] = np.zeros((2, 3), np.float32)
        write_arrays(arrays, tmp_path / "ap.safetensors")
        write_table(expert_rows(table), tmp_path / "experts.parquet", schema="experts")
        choose_units(
            expertise=tmp_path / "ap.safetensors",
            experts=tmp_path / "experts.parquet",
            choice=NOTHING | choice,
            model="mini",
            checkpoint="20",
            step=20,
            seed=seed,
            chosen=tmp_path / "chosen.parquet",
        )
        frame = read_table(tmp_path / "chosen.parquet", schema="graph_chosen")
        assert frame["index"].to_list() == list(range(len(frame)))
        assert set(frame.select("model", "checkpoint", "step", "basis").rows()) == {
            ("mini", "20", 20, "neuron")
        }
        return frame.select("site", "layer", "unit", "chosen").rows()

    return run


def test_the_best_experts_of_every_concept(choose):
    found = choose(experts=2)
    # In a tie the earlier place; what is below the threshold or no measured AP is no expert.
    assert found == [
        ("attn_out", 0, 2, "expert"),
        ("mlp_post", 0, 5, "expert"),
        ("mlp_post", 1, 3, "expert"),
    ]
    assert [row[:3] for row in choose(experts=1)] == [("mlp_post", 0, 5), ("mlp_post", 1, 3)]
    assert ("mlp_post", 0, 7, "expert") in choose(experts=9, threshold=0.4)


def test_untrained_experts_count_as_experts(choose):
    assert choose(experts=1, table=[("cat", "mlp_post", 1, 4, 0.6, "untrained")]) == [
        ("mlp_post", 1, 4, "expert")
    ]


def test_whole_layers_of_the_named_sites(choose):
    assert len(choose(layers="all", sites=["mlp_post"])) == 24
    found = choose(layers=[1], sites=["mlp_post", "attn_out"])
    assert found == [("mlp_post", 1, unit, "sample") for unit in range(12)]


def test_a_sample_of_each_layer_or_all_of_a_smaller_one(choose):
    found = choose(layers="all", sites=["mlp_post", "attn_out"], sample=5)
    assert [sum(row[:2] == place for row in found) for place in WIDTHS] == [5, 5, 4]
    assert found != choose(layers="all", sites=["mlp_post", "attn_out"], sample=5, seed=1)


def test_a_layer_or_site_more_changes_no_other_sample(choose):
    few = choose(layers=[0], sites=["mlp_post"], sample=5)
    assert few == choose(layers=[0], sites=["mlp_post"], sample=5)
    many = choose(layers="all", sites=["mlp_post", "attn_out"], sample=5)
    assert set(few) < set(many)
    wider = WIDTHS | {("mlp_post", 2): 12, ("resid_post", 0): 6}
    assert set(many) < set(
        choose(widths=wider, layers="all", sites=["mlp_post", "attn_out", "resid_post"], sample=5)
    )
    by_layer = [{row[2] for row in many if row[:2] == ("mlp_post", layer)} for layer in (0, 1)]
    assert by_layer[0] != by_layer[1]  # each has a stream of its own


def listed(*units):
    return [dict(zip(("site", "layer", "unit"), unit, strict=True)) for unit in units]


def test_a_unit_chosen_in_several_ways_is_one_unit(choose):
    found = choose(
        experts=1,
        layers=[1],
        sites=["mlp_post"],
        listed=listed(("mlp_post", 1, 3), ("attn_out", 0, 0), ("mlp_post", 0, 11)),
    )
    assert found == [
        ("attn_out", 0, 0, "list"),
        ("mlp_post", 0, 5, "expert"),
        ("mlp_post", 0, 11, "list"),
        *[("mlp_post", 1, unit, "expert+sample+list" if unit == 3 else "sample") for unit in range(12)],
    ]


def test_listed_units_that_the_model_does_not_have_are_told(choose, caplog):
    units = listed(("mlp_post", 0, 11), ("mlp_post", 0, 12), ("mlp_post", 5, 0), ("resid_post", 7, 1))
    with caplog.at_level(logging.WARNING):
        found = choose(listed=units)
    # A site at which no expert was looked for is checked when the model is opened.
    assert found == [("mlp_post", 0, 11, "list"), ("resid_post", 7, 1, "list")]
    assert caplog.messages == [
        "mini@20: mlp_post of layer 0 has no unit 12.",
        "mini@20: there is no layer 5.",
    ]


def test_no_unit_at_all_is_an_error(choose):
    with pytest.raises(GolgiError, match=r"mini@20: graphs\.units chooses no unit of this model"):
        choose(experts=3, table=[])
