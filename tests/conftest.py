"""What many tests need: the project's root, and the real data where there is some."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def pytest_configure():
    # The studies of the tests name their data by this variable.
    os.environ.setdefault("GOLGI_DATA", str(ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real models, corpora and ratings; the test is skipped where there is none."""
    folder = Path(os.environ["GOLGI_DATA"])
    if not (folder / "models").is_dir():
        pytest.skip(f"no trained models in {folder}: set GOLGI_DATA to the folder that has them")
    return folder
