"""What the tables lack or leave undefined: claims about it are underpowered, and say why."""

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
    side,
    verdicts,
)

from golgi.errors import GolgiError
from golgi.statistics.claim_tests import nothing

AT = {"model": "mini", "checkpoint": "400", "control": "measured"}
GOOD_UNITS = claim({"quantity": "unit_ap", "where": AT}, 0.3)


def best_units(values: list[float | None]) -> pl.DataFrame:
    """Average precision of the best unit [concept]; None where there is none."""
    at = AT | {"kind": "unit", "size": 1}
    return filled("probes", [at | {"concept": f"c{n}", "ap": one} for n, one in enumerate(values)])


def test_items_without_a_value_take_no_part_and_are_counted(tmp_path, caplog):
    caplog.set_level("INFO")
    finding = found(tmp_path, GOOD_UNITS, probes=best_units([0.5, None, 0.6, 0.7, 0.5, 0.6, None]))
    assert (finding.n, finding.left_out) == (5, 2)
    assert finding.effect == pytest.approx(0.58 - 0.3)
    assert "planted: 2 of 7 have no value." in caplog.text


def test_nothing_to_test_is_underpowered_and_stays_in_the_family(tmp_path):
    tables = {"probes": best_units([None, None]), "counts": experts_table(60, 10)}
    empty, full = verdicts(tmp_path, [GOOD_UNITS, MORE_EXPERTS], **tables).to_dicts()
    assert empty["verdict"] == "underpowered"
    assert [empty[name] for name in ("value", "effect", "low", "p", "p_holm")] == [None] * 5
    assert (empty["n"], empty["left_out"], empty["reason"]) == (0, 2, "none of 2 concepts has a value")
    assert (full["p_holm"], full["reason"]) == (2 * full["p"], None)


def test_without_experts_none_is_false(tmp_path):
    row = claim(side("false_discovery"), 0.05, relation="below")
    table = discoveries_table(np.zeros(8), np.full(8, 0.1))
    (line,) = verdicts(tmp_path, [row], discoveries=table).to_dicts()
    assert (line["verdict"], line["reason"]) == ("underpowered", "no experts in 8 concepts")


def test_overlaps_of_concepts_without_experts_say_nothing(tmp_path):
    labels = np.repeat(np.arange(2), 4)
    overlap = overlap_table({"measured": np.zeros((8, 8))}, empty=True)
    tables = {"overlap": overlap, "concepts": concepts_table(labels)}
    row = claim(side("within_overlap"), side("between_overlap"))
    expected = nothing("permuted category labels", "no concept has an expert")
    assert found(tmp_path, row, **tables) == expected


def test_a_claim_about_rows_that_are_not_there_is_undefined_with_the_reason(tmp_path):
    labels = np.repeat(np.arange(2), 3)
    tables = {
        "overlap": overlap_table({"measured": np.zeros((6, 6))}),
        "concepts": concepts_table(labels),
        "counts": experts_table(60, 10),
        "hierarchy": children_table(),
    }
    at = {"parent": "word", "direction": "child_in_parent"}
    absent = [
        claim(side("experts", layer=7), 0.0),
        claim(side("experts"), side("experts", "word")),
        claim(side("overlap_gap", "rotated"), 0.0),
        claim(side("containment", **at), side("wrong_containment", **at)),
    ]
    *lines, full = verdicts(tmp_path, [*absent, MORE_EXPERTS], **tables).to_dicts()
    assert {line["verdict"] for line in lines} == {"underpowered"}
    for line, (table, said) in zip(
        lines,
        [
            ("counts", "layer 7"),
            ("counts", "control word"),
            ("overlap", "control rotated"),
            ("hierarchy", "parent word"),
        ],
        strict=True,
    ):
        assert line["reason"].startswith(f"table {table} has no row with model mini")
        assert said in line["reason"]
    assert full["p_holm"] == 5 * full["p"]


def probes_table(sizes: dict[str, tuple[int, ...]]) -> pl.DataFrame:
    """Probes of each model's sizes, the better the larger, and the single unit."""
    rows = [
        {"model": model, "checkpoint": "400", "control": "measured", "concept": f"c{place}"}
        | {"kind": kind, "size": size, "ap": size / 1000 + place / 100}
        for model, there in sizes.items()
        for place in range(9)
        for kind, size in (("unit", 1), *(("probe", size) for size in there))
    ]
    return filled("probes", rows)


def test_the_size_of_a_probe_is_the_largest_that_the_table_has_of_the_model(tmp_path):
    rows = []
    for model in ("mini", "wide", "gone"):
        at = AT | {"model": model}
        probe = {"quantity": "probe_ap", "where": at | {"size": "largest"}}
        rows.append(claim(probe, {"quantity": "unit_ap", "where": at}) | {"model": model})
    largest = rows[0]["left"]
    rows += [claim(largest, {"quantity": "probe_ap", "where": AT | {"size": size}}) for size in (30, 300)]
    probes = probes_table({"mini": (1, 30), "wide": (1, 30, 300)})
    small, large, gone, same, more = verdicts(tmp_path, rows, probes=probes).to_dicts()
    assert (small["quantity"], large["quantity"]) == ("probe_ap of 30 units", "probe_ap of 300 units")
    assert (small["effect"], large["effect"]) == pytest.approx((0.029, 0.299))
    assert gone["reason"].startswith("table probes has no row with model gone")
    assert same["reason"] == "both sides are the same rows of the table"
    assert more["reason"].endswith("size 300, kind probe")


def test_a_table_that_repeats_an_item_is_an_error(tmp_path):
    twice = pl.concat([best_units([0.1, 0.2]), best_units([0.1])])
    with pytest.raises(GolgiError, match=r"Claim `planted` of mini: .*several values for one"):
        found(tmp_path, GOOD_UNITS, probes=twice)
