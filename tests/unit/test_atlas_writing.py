"""The chunks of an atlas hold what the study's files do, and the page what it may run."""

import base64
import hashlib
import html
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import synthetic_study
from safetensors.numpy import load
from synthetic_study import Study
from test_atlas_chunks import read_script

from golgi.atlas.chunks import NO_INDEX
from golgi.atlas.contents import Rows, rows_of
from golgi.atlas.paths import strongest_nodes
from golgi.atlas.writing import PAGE, write_atlas
from golgi.graphs.search import fires_on, needs_context
from golgi.tables import open_arrays, read_table


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return synthetic_study.make(tmp_path_factory.mktemp("results") / "made-up")


@pytest.fixture(scope="module")
def atlas(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("atlas") / "atlas"
    write_atlas(**study.options(), single_file=False, folder=folder)
    return folder


def chunk(atlas: Path, name: str) -> tuple[dict, dict[str, np.ndarray]]:
    said, head, columns = read_script((atlas / "data" / f"{name}.js").read_text())
    assert said == name
    return head, columns


def precision(study: Study, checkpoint: str) -> np.ndarray:
    """Average precision [concept, row]."""
    place = study.place(checkpoint)
    rows = rows_of(place.expertise, list(synthetic_study.SITES))
    with open_arrays(place.expertise) as arrays:
        return np.concatenate(
            [arrays.read(f"measured/{site}/{layer}") for site, layer in rows.places], axis=1
        )


def test_rows_go_by_site_then_layer_then_number():
    rows = Rows([("mlp_post", 0), ("mlp_post", 1), ("attn_out", 0)], [3, 2, 4])
    units = pl.DataFrame({"site": ["attn_out", "mlp_post"], "layer": [0, 1], "unit": [3, 0]})
    assert rows.of(units).tolist() == [8, 3]
    assert rows.total == 9
    assert rows.told()[0] == {"name": "mlp_post", "layers": [0, 1], "widths": [3, 2]}


def test_the_study_says_what_is_where(study: Study, atlas: Path):
    head, _ = chunk(atlas, "study")
    (model,) = head["models"]
    assert [one["name"] for one in model["checkpoints"]] == list(study.checkpoints)
    assert [one["untrained"] for one in model["checkpoints"]][-1]
    assert [one["name"] for one in head["concepts"]] == list(study.concepts)
    assert head["title"] == synthetic_study.TITLE
    files = {path.relative_to(atlas / "data").as_posix() for path in (atlas / "data").rglob("*.js")}
    for one in model["checkpoints"]:
        for kind in ("units", "experts", "sentences", "overlap"):
            assert f"{kind}/{model['name']}/{one['name']}.js" in files
        assert one["profile_rows"] == one["units"] == study.units
        assert (one["graphs"] > 0) == (one["name"] in study.graphed)


def test_units_experts_and_profiles(study: Study, atlas: Path):
    for checkpoint in study.checkpoints:
        ap = precision(study, checkpoint)
        _, units = chunk(atlas, f"units/{study.model}/{checkpoint}")
        np.testing.assert_array_equal(units["ap"], ap.max(axis=0))
        np.testing.assert_array_equal(ap[units["best"], np.arange(study.units)], units["ap"])
        np.testing.assert_array_equal(units["concepts"], (ap >= np.float32(0.5)).sum(axis=0))
        _, experts = chunk(atlas, f"experts/{study.model}/{checkpoint}")
        for number, concept in enumerate(study.concepts):
            own = slice(*experts["start"][number : number + 2])
            assert sorted(experts["row"][own].tolist()) == sorted(study.experts(checkpoint, concept))
            np.testing.assert_array_equal(experts["ap"][own], -np.sort(-ap[number, experts["row"][own]]))
        head, profiles = chunk(atlas, f"profiles/{study.model}/{checkpoint}/0")
        assert head == {"first": 0, "rows": None}
        np.testing.assert_allclose(profiles["ap"].T / 65535, ap[:, : len(profiles["ap"])], atol=8e-6)


def test_overlap_is_that_of_the_experts(study: Study, atlas: Path):
    checkpoint = study.checkpoints[-2]
    _, columns = chunk(atlas, f"overlap/{study.model}/{checkpoint}")
    for first, one in enumerate(study.concepts):
        for second, other in enumerate(study.concepts):
            a, b = set(study.experts(checkpoint, one)), set(study.experts(checkpoint, other))
            assert columns["shared"][first, second] == len(a & b)
            assert columns["jaccard"][first, second] == pytest.approx(len(a & b) / len(a | b))


def test_graphs_and_their_texts(study: Study, atlas: Path):
    (checkpoint,) = study.graphed
    place = study.place(checkpoint)
    rows = rows_of(place.expertise, list(synthetic_study.SITES))
    nodes = read_table(study.tables()["graph_nodes"], schema="graph_nodes").filter(place.where)
    nodes = nodes.with_columns(pl.Series("row", rows.of(nodes))).sort("row", "node")
    windows = read_table(place.windows, schema="atlas_windows")
    windows = windows.with_columns(pl.Series("row", rows.of(windows))).sort("row", "window", "place")
    _, units = chunk(atlas, f"units/{study.model}/{checkpoint}")
    seen = 0
    for number in range(int(units["graph"][units["graph"] != NO_INDEX].max()) + 1):
        _, part = chunk(atlas, f"graphs/{study.model}/{checkpoint}/{number}")
        for place_of, row in enumerate(part["row"].tolist()):
            assert units["graph"][row] == number
            own = slice(*part["node_start"][place_of : place_of + 2])
            kept = strongest_nodes(nodes.filter(row=row))
            assert part["parent"][own].tolist() == kept["parent"].fill_null(-1).to_list()
            assert part["token"][own].tolist() == kept["token"].fill_null(-1).to_list()
            np.testing.assert_allclose(part["activation"][own], kept["activation"], rtol=1e-6)
            texts = windows.filter(row=row).partition_by("window", maintain_order=True)
            first, last = part["window_start"][place_of : place_of + 2]
            assert last - first == len(texts)
            for window, text in zip(range(first, last), texts, strict=True):
                tokens = slice(*part["token_start"][window : window + 2])
                assert part["w_token"][tokens].tolist() == text["token"].to_list()
                np.testing.assert_allclose(part["w_predicted"][tokens], text["predicted"], rtol=1e-6)
            seen += 1
    assert seen == len(study.graphs.rows)


def test_search_finds_what_the_command_finds(study: Study, atlas: Path):
    (checkpoint,) = study.graphed
    place = study.place(checkpoint)
    rows = rows_of(place.expertise, list(synthetic_study.SITES))
    nodes = read_table(study.tables()["graph_nodes"], schema="graph_nodes").filter(place.where)
    head, _ = chunk(atlas, f"tokens/{study.model}/{checkpoint}")
    _, index = chunk(atlas, f"search/{study.model}/{checkpoint}")
    for role, asked in enumerate((fires_on, needs_context)):
        tokens = np.unique(index["token"][index["role"] == role])
        assert tokens.size
        for token in tokens[:20].tolist():
            found = asked(nodes, head["texts"][token]).filter(pl.col("closeness") == 0)
            own = index["row"][(index["token"] == token) & (index["role"] == role)]
            assert set(own.tolist()) == set(rows.of(found).tolist())


def test_the_same_study_is_the_same_bytes(study: Study, atlas: Path, tmp_path: Path):
    write_atlas(**study.options(), single_file=False, folder=tmp_path / "atlas")
    first, second = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (atlas, tmp_path / "atlas")
    )
    assert first == second


def test_one_file_holds_everything_and_runs_two_scripts_that_it_names(
    study: Study, atlas: Path, tmp_path: Path
):
    write_atlas(**study.options(), single_file=True, folder=tmp_path / "atlas")
    assert [path.name for path in (tmp_path / "atlas").iterdir()] == ["index.html"]
    page = (tmp_path / "atlas" / "index.html").read_text(encoding="utf-8")
    blocks = dict(re.findall(r'<script type="application/json" data-chunk="([^"]+)">([^<]*)</script>', page))
    files = [path.relative_to(atlas / "data") for path in (atlas / "data").rglob("*.js")]
    assert sorted(blocks) == sorted(path.with_suffix("").as_posix() for path in files)
    for name, text in blocks.items():
        block, (head, columns) = json.loads(text), chunk(atlas, name)
        assert block["head"] == head
        assert sorted(load(base64.b64decode(block["data"])) if block["data"] else {}) == sorted(columns)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in scripts]
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    assert policy.split(";")[1].split() == ["script-src", *(f"'sha256-{one}'" for one in hashes)]
    assert "<!--" not in page
    page = re.sub(r"(<script[^>]*>).*?</script>", r"\1", page, flags=re.S)
    assert page.count("<script") == len(blocks) + len(scripts)
    assert synthetic_study.TITLE not in page
    assert html.escape(synthetic_study.TITLE) in page


def test_the_scripts_share_one_scope_and_no_name_is_there_twice():
    names = [
        name
        for script in sorted(PAGE.glob("*.js"))
        for name in re.findall(r"^(?:async )?(?:function|const|let|class)\*? (\w+)", script.read_text(), re.M)
    ]
    assert len(names) > 100
    assert sorted(set(names)) == sorted(names)
