"""A model on the hub: fetched once by its own rule, then read without a connection."""

import shutil

import polars as pl
from hub_stand_in import OLD_COMMIT, serve
from workspace import Workspace

FACTS = "results/hub/tables/models.parquet"


def test_a_hub_model_is_fetched_once_and_then_used_offline(copy: Workspace, small_spec: dict):
    checkpoints = copy.folder / "results" / "small" / "models" / "tiny"
    revisions = {
        folder.name: {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in checkpoints.glob("step*")
    }
    model = {"source": {"hub": "lab/tiny"}, "checkpoints": [0, 60], "bos": True}
    study = ("--config", f"studies={copy.study('hub', {**small_spec, 'models': {'tiny': model}})}")
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
