"""A real SLURM cluster on this machine, and the tiny study, run without it, to compare with."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, Run
from site_profile import copied, prepared
from workspace import Workspace


@pytest.fixture(scope="session")
def cluster(root: Path) -> Iterator[Cluster]:
    """A cluster of one node with four GPUs; stopped afterwards if it was started here."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip("no cluster: starting one takes root, and SLURM from Debian's packages")
    cluster = Cluster(root / "tests" / "slurm" / "cluster.sh")
    ours = cluster.start()
    yield cluster
    if ours:
        cluster.stop()


@pytest.fixture
def workspace(root: Path, tmp_path: Path) -> Workspace:
    """A folder with the tiny study and a site's own profile."""
    return prepared(root, tmp_path)


@pytest.fixture(scope="session")
def local(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The tiny study, run whole without a cluster."""
    workspace = prepared(root, tmp_path_factory.mktemp("local"))
    workspace.snakemake("--cores", "2", "--config", "studies=tiny.yaml")
    return workspace


@pytest.fixture
def copy(workspace: Workspace, local: Workspace) -> Workspace:
    """A copy of that finished study."""
    return copied(local, workspace)


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left() -> Iterator[None]:
    """No module leaves a run behind, or jobs that would go on into the next one."""
    yield
    Run.kill_all()
    if shutil.which("scancel"):
        subprocess.run(["scancel", "--user", "root"], check=False)
