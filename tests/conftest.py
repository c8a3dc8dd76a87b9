"""What many tests need: the project's root, and the real data where there is some."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real models, corpora and ratings; the test is skipped where there is none."""
    folder = os.environ.get("GOLGI_DATA")
    if not folder or not (Path(folder) / "models").is_dir():
        pytest.skip(
            "no trained models: set GOLGI_DATA to the folder that has models/, corpora/ and similarity/"
        )
    return Path(folder)


# Property tests are not timed: the first example of some compiles, and machines are busy.
settings.register_profile("golgi", deadline=None)
settings.load_profile("golgi")
