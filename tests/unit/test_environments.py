"""The pins: of every package that is used, with hashes, the same in every file, and what is installed."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

STUDY = ("requirements.txt", "torch.txt")
TESTS = (*STUDY, "requirements-test.txt")


def lines_of(path: Path) -> list[str]:
    """The requirements of a file, each with its options on one line."""
    joined = path.read_text().replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def pins(root: Path, *files: str) -> list[str]:
    return [line.partition(" --hash")[0].strip() for file in files for line in lines_of(root / "envs" / file)]


def pinned(root: Path, *files: str) -> dict[str, str]:
    requirements = map(Requirement, pins(root, *files))
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in requirements}


def project(root: Path) -> dict:
    return tomllib.loads((root / "pyproject.toml").read_text())


def imported(root: Path, *folders: str) -> set[str]:
    """The distributions that code imports: no modules of Python's own, and none of the project's."""
    files = [path for folder in folders for path in (root / folder).rglob("*.py")]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text()))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    modules = {name.partition(".")[0] for name in names} - {path.stem for path in files} - {"golgi"}
    installed = packages_distributions()
    return {canonicalize_name(installed[name][0]) for name in modules - set(sys.stdlib_module_names)}


def test_the_conda_environment_has_the_pinned_packages(root: Path):
    environment = yaml.safe_load((root / "envs" / "golgi.yaml").read_text())
    assert environment["dependencies"][-1]["pip"] == pins(root, *STUDY)


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-test.txt"])
def test_every_pin_but_that_of_torch_has_hashes(root: Path, file: str):
    lines = lines_of(root / "envs" / file)
    assert len(lines) > 20
    assert [
        line for line in lines if not re.match(r"[a-z0-9.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)
    ] == []
    assert "torch" not in pinned(root, file)


def test_what_two_files_pin_they_pin_alike(root: Path):
    study, tests = pinned(root, *STUDY), pinned(root, "requirements-test.txt")
    assert {name: tests[name] for name in tests if study.get(name, tests[name]) != tests[name]} == {}


def test_what_is_imported_is_asked_for_and_pinned(root: Path):
    asked = project(root)["project"]["dependencies"]
    library = imported(root, "workflow")
    assert library <= {canonicalize_name(Requirement(text).name) for text in asked}
    assert library <= pinned(root, *STUDY).keys()
    assert imported(root, "workflow", "tests", "bench") <= pinned(root, *TESTS).keys()


def test_what_is_asked_for_is_pinned_in_its_range(root: Path):
    settings, versions = project(root), pinned(root, *TESTS)
    asked = settings["project"]["dependencies"] + settings["dependency-groups"]["test"]
    asked += settings["project"]["optional-dependencies"]["slurm"]
    wanted = {canonicalize_name(need.name): need.specifier for need in map(Requirement, asked)}
    assert {name for name, range_ in wanted.items() if versions[name] not in range_} == set()


def test_cuda_is_left_to_the_build_of_torch(root: Path):
    [torch] = project(root)["tool"]["uv"]["dependency-metadata"]
    assert {torch["name"]: torch["version"]} == pinned(root, "torch.txt")
    assert not [name for name in pinned(root, *TESTS) if name.startswith(("nvidia-", "cuda-", "triton"))]


def test_what_is_installed_is_what_is_pinned(root: Path):
    here = [pin for pin in map(Requirement, pins(root, *TESTS)) if not pin.marker or pin.marker.evaluate()]
    assert {str(pin) for pin in here if version(pin.name).partition("+")[0] not in pin.specifier} == set()
