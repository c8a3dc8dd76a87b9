"""The user's own text, to train on and to take sentences from; a study with no controls and no references."""

import shutil

import polars as pl
from workspace import Workspace


def test_a_model_of_the_users_own_text_is_studied_on_that_text(copy: Workspace, small_spec: dict):
    shutil.copy(copy.folder / "results/small/corpora/tiny/training.jsonl", copy.folder / "own.jsonl")
    training = {**small_spec["models"]["tiny"]["source"]["train"], "corpus": "own.jsonl", "steps": 20}
    del training["documents"]
    spec = {
        **small_spec,
        "models": {"tiny": {"source": {"train": training}, "checkpoints": [0, 20], "bos": False}},
        "concepts": {
            **small_spec["concepts"],
            "sentences": {"source": {"corpus": ["own.jsonl"]}, "positives": 20, "negatives": 40},
        },
        "experts": {
            "sites": ["mlp_post", "resid_post"],
            "thresholds": [0.6],
            "pooling": "last",
            "controls": [],
        },
        "analyses": {"overlap": {"threshold": 0.6}},
        "claims": {},
        "graphs": {
            **small_spec["graphs"],
            "units": {"layers": [1], "sample": 3, "list": [{"layer": 0, "unit": 5, "site": "resid_post"}]},
            "corpora": {"build": "own.jsonl"},
            "augment": "none",
            "ablation": 0,
        },
    }
    study = ("--config", f"studies={copy.study('own', spec)}")
    copy.snakemake("--cores", "2", *study)
    results = copy.folder / "results" / "own"
    figures = {path.stem for path in (results / "figures").glob("*.svg")}
    graphs = {"graph_f1_by_layer", "graph_gallery"}
    experts = {"experts_by_layer", "ap_distribution", "threshold_sweep", "overlap"}
    assert figures == {"training_loss", *experts, *graphs}
    counts = pl.read_parquet(results / "tables" / "counts.parquet")
    assert set(counts["site"]) == {"mlp_post", "resid_post"}
    assert set(counts["control"]) == {"measured"}
    pool = pl.read_parquet(results / "sentences" / "pool.parquet")
    assert pool["source"].unique().to_list() == ["corpus"]
    units = pl.read_parquet(results / "tables" / "graph_units.parquet")
    assert units.group_by("site", "layer").len().sort("site", "layer").rows() == [
        ("mlp_post", 1, 3),
        ("resid_post", 0, 1),
        ("resid_post", 1, 3),
    ]
    built, tested = (
        set((results / "graphs" / "texts" / f"{part}.jsonl").read_text().splitlines())
        for part in ("build", "test")
    )
    assert built
    assert tested
    assert not built & tested
    losses = pl.read_parquet(results / "tables" / "training.parquet")
    assert losses["heldout_loss"].drop_nulls().is_sorted(descending=True)


def test_what_a_study_does_not_have_is_said(copy: Workspace, small_spec: dict):
    study = copy.study("own", {**small_spec, "analyses": {}, "claims": {}})
    for target in ("results/own/figures/overlap.pdf", "results/own/tables/alignment.parquet"):
        done = copy.snakemake("--dry-run", target, "--config", f"studies={study}", check=False)
        assert done.returncode == 1
        assert "Study own has no" in done.stdout + done.stderr
        assert "Traceback (most recent call last)" not in done.stdout + done.stderr
