"""What many tests need: the project's root, and the real data where there is some."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture
def in_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test in the project's root folder, by which studies name their files."""
    monkeypatch.chdir(root)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real models, corpora and ratings; the test is skipped where there is none."""
    folder = os.environ.get("GOLGI_DATA")
    if not folder or not (Path(folder) / "models").is_dir():
        pytest.skip(
            "no trained models: set GOLGI_DATA to the folder that has models/, corpora/ and similarity/"
        )
    return Path(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is full after 64 kB; the test is skipped where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "golgi-test", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here: that needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


# Property tests are not timed: the first example of some compiles, and machines are busy.
settings.register_profile("golgi", deadline=None)
settings.load_profile("golgi")
