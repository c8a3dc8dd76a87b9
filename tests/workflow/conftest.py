"""Folders to run the workflow in, one with a finished study."""

import shutil
from pathlib import Path

import pytest
import yaml
from filelock import FileLock
from workspace import PLANTED, Workspace, make_workspace
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Modules whose tests share nothing but the finished study, so that any process may take any of them.
SPREAD = ("test_bad_input", "test_run")


class Scheduling(LoadScopeScheduling):
    """Tests that share what their module makes, or a cluster, stay in one process."""

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        if path.parent.name == "slurm":
            return "slurm"
        return nodeid if path.parent.name == "workflow" and path.stem in SPREAD else str(path)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Spread tests over processes in this way."""
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of the tests that stand alone, begin with those that take minutes."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


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
def finished(root: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Workspace:
    """The small study, run whole on two cores, once for all processes that test.

    They read it, and nothing else: a test that runs Snakemake takes `copy`.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    made = folder.with_suffix(".made")
    with FileLock(folder.with_suffix(".lock")):
        if not made.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            workspace = make_workspace(root, folder)
            study = workspace.study("small", read_small(root))
            workspace.snakemake("--cores", "2", "--config", f"studies={study}", **PLANTED)
            made.touch()
    return Workspace(folder)


@pytest.fixture
def copy(root: Path, finished: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the finished study that a test may change."""
    workspace = make_workspace(root, tmp_path)
    for name in ("results", ".snakemake"):
        shutil.copytree(finished.folder / name, tmp_path / name, symlinks=True)
    shutil.copy2(finished.folder / "small.yaml", tmp_path / "small.yaml")
    return workspace
