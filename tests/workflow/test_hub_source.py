"""A model on the hub: fetched once by its own rule, then read without a connection."""

import shutil

import polars as pl
import pytest
from hub_stand_in import OLD_COMMIT, serve
from workspace import Workspace

FACTS = "results/hub/tables/models.parquet"


@pytest.fixture
def revisions(copy: Workspace) -> dict[str, dict[str, bytes]]:
    """What a hub has of the trained model: files by revision."""
    checkpoints = copy.folder / "results" / "small" / "models" / "tiny"
    return {
        folder.name: {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in checkpoints.glob("step*")
    }


@pytest.fixture
def study(copy: Workspace, small_spec: dict) -> tuple[str, str]:
    """The small study, of that model."""
    model = {"source": {"hub": "lab/tiny"}, "checkpoints": [0, 60], "bos": True}
    return ("--config", f"studies={copy.study('hub', {**small_spec, 'models': {'tiny': model}})}")


def test_a_hub_model_is_fetched_once_and_then_used_offline(
    copy: Workspace, revisions: dict, study: tuple[str, str]
):
    home = {"HF_HOME": str(copy.folder / "cache"), "HF_TOKEN": "hf_secretsecretsecretsecretsecretsecret"}
    with serve({"lab/tiny": revisions}) as hub:
        copy.snakemake("--cores", "2", FACTS, *study, HF_ENDPOINT=hub.address, **home)
        asked = len(hub.served)
        assert asked >= 2
    shutil.rmtree(copy.folder / "results" / "hub" / "responses")
    copy.snakemake("--cores", "2", FACTS, *study, HF_ENDPOINT="http://127.0.0.1:9", **home)
    facts = pl.read_parquet(copy.folder / FACTS)
    assert facts.filter(checkpoint="0")["revision"].to_list() == [OLD_COMMIT]
    small = pl.read_parquet(copy.folder / "results/small/tables/models.parquet")
    assert facts["weights_sha256"].to_list()[:2] == small["weights_sha256"].to_list()[:2]
    texts = [path.read_text(errors="replace") for path in copy.folder.rglob("*.log")]
    assert texts
    assert not any(home["HF_TOKEN"] in text for text in texts)


def test_graphs_wait_for_the_download_that_tells_the_layers(
    copy: Workspace, revisions: dict, study: tuple[str, str]
):
    for target in ("all", "graphs", "results/hub/tables/graph_units.parquet"):
        done = copy.snakemake("--dry-run", target, *study, check=False)
        assert done.returncode == 1
        said = done.stdout + done.stderr
        assert "how many layers `tiny` has is not known before its download" in said
        assert "Traceback (most recent call last)" not in said
    advice = said.partition("Fetch it first: snakemake ")[2].splitlines()[0].split()
    assert advice == ["--cores", "1", "resources/models/lab--tiny/step60"]
    assert copy.jobs("results/hub/figures/overlap.pdf", *study)["collect_responses"] == 3
    home = {"HF_HOME": str(copy.folder / "cache")}
    with serve({"lab/tiny": revisions}) as hub:
        copy.snakemake(*advice, HF_ENDPOINT=hub.address, **home)
    assert copy.jobs("graphs", *study)["grow_graphs"] == 2
