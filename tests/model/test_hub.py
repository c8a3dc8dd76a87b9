"""Downloads from a stand-in for the hub: what is fetched, what resumes, and what is refused."""

import json
import logging

import pytest
from hub_stand_in import COMMIT, OLD_COMMIT, serve
from model_families import save_random

from golgi.errors import GolgiError
from golgi.models.hub import fetch_model

TOKEN = "hf_secretsecretsecretsecretsecretsecret"


@pytest.fixture
def files(tmp_path, tokenizer):
    folder = save_random("neox", tmp_path / "source", tokenizer)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def hub(files, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    other = {"pytorch_model.bin": b"pickle", "README.md": b"words", "run.py": b"code"}
    models = {
        "lab/tiny": {"main": files | other, "step0": files | {"config.json": files["config.json"] + b"\n"}},
        "lab/pickled": {"main": {"config.json": files["config.json"], "pytorch_model.bin": b"pickle"}},
        "lab/empty": {"main": {"README.md": b"words"}},
    }
    with serve(models) as server:
        yield server


def test_only_what_a_model_needs_is_fetched(hub, files, tmp_path):
    folder = tmp_path / "models" / "lab--tiny" / "main"
    fetch_model(name="lab/tiny", revision="main", folder=folder, endpoint=hub.address)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*files, "golgi-source.json"])
    assert all((folder / name).read_bytes() == content for name, content in files.items())
    source = json.loads((folder / "golgi-source.json").read_text())
    assert source == {"name": "lab/tiny", "revision": "main", "commit": COMMIT}
    assert [path.name for path in folder.parent.iterdir()] == ["main"]


def test_a_revision_is_its_own_commit(hub, tmp_path, collect):
    fetch_model(name="lab/tiny", revision="step0", folder=tmp_path / "step0", endpoint=hub.address)
    assert json.loads((tmp_path / "step0" / "golgi-source.json").read_text())["commit"] == OLD_COMMIT
    assert collect(tmp_path / "step0", source="hub").facts["revision"] == OLD_COMMIT


def test_a_download_that_broke_off_goes_on(hub, tmp_path):
    folder = tmp_path / "main"
    hub.refused.add("model.safetensors")
    with pytest.raises(GolgiError, match="lab/tiny@main: the download broke off"):
        fetch_model(name="lab/tiny", revision="main", folder=folder, endpoint=hub.address)
    assert not folder.exists()
    fetched = set(hub.served)
    assert fetched
    hub.refused.clear()
    hub.served.clear()
    fetch_model(name="lab/tiny", revision="main", folder=folder, endpoint=hub.address)
    assert "model.safetensors" in hub.served
    assert not fetched & set(hub.served)


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [
        ("lab/nothing", "main", "There is no model 'lab/nothing' on the hub"),
        ("not a name", "main", "There is no model 'not a name' on the hub"),
        ("lab/tiny", "step7", "lab/tiny has no revision 'step7' on the hub"),
        ("lab/pickled", "main", r"has no safetensors, only pytorch_model\.bin, which may run code"),
        ("lab/empty", "main", "has no safetensors, no weights"),
    ],
)
def test_what_the_hub_does_not_have_is_named(hub, tmp_path, name, revision, message):
    with pytest.raises(GolgiError, match=message):
        fetch_model(name=name, revision=revision, folder=tmp_path / "out", endpoint=hub.address)
    assert not (tmp_path / "out").exists()


def test_no_connection_is_named(tmp_path):
    with pytest.raises(GolgiError, match="lab/tiny@main: no connection to the hub"):
        fetch_model(name="lab/tiny", revision="main", folder=tmp_path / "out", endpoint="http://127.0.0.1:9")


def test_the_token_is_sent_but_never_logged(hub, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with caplog.at_level(logging.DEBUG):
        fetch_model(name="lab/tiny", revision="main", folder=tmp_path / "main", endpoint=hub.address)
        with pytest.raises(GolgiError) as caught:
            fetch_model(name="lab/none", revision="main", folder=tmp_path / "none", endpoint=hub.address)
    assert any(
        TOKEN in headers.get("authorization", headers.get("Authorization", "")) for headers in hub.headers
    )
    assert TOKEN not in caplog.text + str(caught.value)
