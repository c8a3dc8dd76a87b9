"""A trained model, sentences mined from real text, people's ratings: the whole way, reduced to a minute."""

from pathlib import Path

import polars as pl
import pytest
import yaml
from workspace import make_workspace

from golgi.figures import FIGURES

CATEGORIES = ["mammal", "bird", "food", "vehicle", "furniture"]


@pytest.fixture(scope="module")
def results(root: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study of the story models, with one model, two checkpoints and some of the concepts."""
    spec = yaml.safe_load((root / "tests" / "studies" / "tinystories.yaml").read_text())
    model = spec["models"]["tinystories-1m"]
    spec["models"] = {"tinystories-1m": {**model, "checkpoints": [0, 4096]}}
    spec["concepts"]["categories"] = CATEGORIES
    for analysis in ("categories", "alignment"):
        spec["analyses"][analysis] |= {"permutations": 499, "bootstraps": 200}
    spec["analyses"]["distributed"]["sizes"] = [1, 30]
    spec["analyses"]["interventions"] |= {
        "concepts": ["dog", "cat", "bird", "car", "cake", "boat"],
        "actions": ["force", "zero"],
        "sizes": [1, 10],
        "prompts": 16,
        "continuations": 8,
        "neutral": 400,
        "draws": 1,
    }
    del spec["analyses"]["sensitivity"]
    del spec["claims"]["size"]
    spec["graphs"] |= {
        "units": {"experts": {"per_concept": 1}, "layers": [0, 3], "sample": 6},
        "tokens": {"build": 150000, "test": 40000, "shifted": 40000},
        "exemplars": 12,
        "firings": 30,
        "calibration": 300,
        "ablation": 1,
        "bootstraps": 200,
        "drawings": 4,
    }
    workspace = make_workspace(root, tmp_path_factory.mktemp("stories"))
    study = workspace.study("stories", spec)
    workspace.snakemake("--cores", "2", "--config", f"studies={study}", GOLGI_DATA=str(data))
    return workspace.folder / "results" / "stories"


def table(results: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(results / "tables" / f"{name}.parquet")


def test_sentences_are_real_and_name_their_concept(results: Path):
    concepts, pool = table(results, "concepts"), pl.read_parquet(results / "sentences" / "pool.parquet")
    assert len(concepts) >= 60
    assert (concepts["positives"] == 50).all()
    assert pool["text"].n_unique() == len(pool) == 50 * len(concepts)
    assert (pool["spans"] != "").all()
    assert pool["origin"].str.contains(r"\.jsonl:\d+$").all()


def test_training_makes_overlap_follow_categories(results: Path):
    rows = table(results, "categories").filter(threshold=0.5)
    last = rows.filter(control="measured", checkpoint="4096").row(0, named=True)
    first = rows.filter(control="untrained").row(0, named=True)
    assert last["p"] <= 0.01
    assert last["difference"] > first["difference"]


def test_overlap_is_compared_with_people_beside_its_controls(results: Path):
    rows = table(results, "alignment").filter(reference="men", threshold=0.5, measure="jaccard")
    assert set(rows["control"]) == {"measured", "untrained", "rotated", "shuffled", "word"}
    planned = rows.filter(family="planned").row(0, named=True)
    assert (planned["control"], planned["checkpoint"], planned["ceiling"]) == ("measured", "4096", 0.84)
    assert planned["pairs"] >= 60
    assert planned["low"] <= planned["rho"] <= planned["high"]
    assert planned["p_holm"] >= planned["p"]


def test_the_untrained_twin_is_stable_too(results: Path):
    largest = table(results, "stability").filter(threshold=0.5, positives=25, negatives=125)
    overlap = dict(largest.select("control", "overlap").iter_rows())
    assert overlap["measured"] > 0.4
    assert overlap["untrained"] > 0.4
    assert overlap["shuffled"] < 0.05


def test_probes_know_more_than_the_best_unit_on_sentences_held_out(results: Path):
    rows = table(results, "distributed").filter(kind="probe", size=30, control="measured")
    row = rows.row(0, named=True)
    assert row["gain_low"] > 0
    assert row["ap"] > 5 * row["chance"] / 2


def test_words_are_acted_on_where_they_stand(results: Path):
    rows = table(results, "interventions").filter(quantity="occurs", units="top")
    assert set(rows["concepts"]) == {6}
    assert rows["effect"].is_not_null().all()
    assert (rows["low"] <= rows["effect"]).all()


def test_shuffled_labels_make_next_to_no_experts(results: Path):
    counts = table(results, "counts").filter(threshold=0.5, checkpoint="4096")
    made = dict(counts.group_by("control").agg(pl.col("experts").sum()).iter_rows())
    assert made["shuffled"] <= 0.01 * made["measured"]


def test_graphs_foretell_firing_better_than_n_grams_where_context_matters(results: Path):
    rows = table(results, "graph_layers").filter(measure="f1", windows="random")
    assert set(rows["layer"]) == {0, 3}  # means are of the units that were drawn
    means: dict[str, dict] = {method: {} for method in rows["method"].unique()}
    for method, text, layer, mean in rows.select("method", "text", "layer", "mean").iter_rows():
        means[method][text, layer] = mean
    for (text, layer), mean in means["graph"].items():
        others = {name: of[text, layer] for name, of in means.items() if name != "graph"}
        # In the first layer the token is next to all there is to know.
        margin = 0 if layer else -0.01
        assert mean > max(others.values()) + margin, (text, layer, mean, others)
    assert min(mean for (_, layer), mean in means["graph"].items() if layer == 0) > 0.9


def test_counting_on_random_text_is_worth_its_while(results: Path):
    rows = table(results, "graph_ablation").filter(measure="f1", text="test", windows="random")
    worse = rows.filter(pl.col("difference_high") < 0)["variant"].to_list()
    assert {"no_calibration", "published"} <= set(worse)


def test_graphs_of_experts_name_their_concept_more_often_than_others(results: Path):
    named = table(results, "graph_naming").row(by_predicate=pl.col("how") == "fires", named=True)
    assert named["low"] > named["other_high"]
    assert named["p"] <= 0.01


def test_every_chosen_unit_has_a_graph_at_a_price(results: Path):
    units = table(results, "graph_units")
    assert units["chosen"].str.contains("sample").sum() == 2 * 6
    assert units["chosen"].str.contains("expert").any()
    assert (units["nodes"] > 0).all()
    # Foote et al. (2023) run 31,957 token positions for a unit.
    assert units["positions"].mean() < 10_000


def test_every_figure_is_drawn(results: Path):
    figures = {path.stem for path in (results / "figures").glob("*.pdf")}
    assert figures == set(FIGURES) - {"training_loss", "sensitivity", "writing"}
