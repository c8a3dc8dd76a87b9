"""Folders to run the workflow in, one with a finished study."""

import shutil
from pathlib import Path

import pytest
import yaml
from workspace import Workspace, make_workspace


@pytest.fixture
def workspace(root: Path, tmp_path: Path) -> Workspace:
    """An empty folder to run the workflow in."""
    return make_workspace(root, tmp_path)


@pytest.fixture
def small_spec(root: Path) -> dict:
    """A study that runs in seconds: twelve concepts, sixty training steps. Each test may change its own."""
    return read_small(root)


def read_small(root: Path) -> dict:
    return yaml.safe_load((root / "tests" / "studies" / "small.yaml").read_text())


@pytest.fixture(scope="session")
def finished(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The small study, run whole on two cores."""
    workspace = make_workspace(root, tmp_path_factory.mktemp("finished"))
    study = workspace.study("small", read_small(root))
    workspace.snakemake("--cores", "2", "--config", f"studies={study}")
    return workspace


@pytest.fixture
def copy(root: Path, finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished study that a test may change."""
    workspace = make_workspace(root, tmp_path)
    for name in ("results", ".snakemake"):
        shutil.copytree(finished.folder / name, tmp_path / name, symlinks=True)
    shutil.copy2(finished.folder / "small.yaml", tmp_path / "small.yaml")
    return workspace
