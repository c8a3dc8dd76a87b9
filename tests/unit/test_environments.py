"""The environments name the same packages."""

from pathlib import Path

import yaml


def pins(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if "==" in line]


def test_the_conda_environment_has_the_pinned_packages(root: Path):
    environment = yaml.safe_load((root / "envs" / "golgi.yaml").read_text())
    assert environment["dependencies"][-1]["pip"] == pins(root / "envs" / "requirements.txt")


def test_what_the_tests_need_is_pinned_once(root: Path):
    names = [
        line.split("==")[0]
        for file in ("requirements", "requirements-test")
        for line in pins(root / "envs" / f"{file}.txt")
    ]
    assert len(set(names)) == len(names)
