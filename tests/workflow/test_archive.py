"""An archive of the finished study, unpacked elsewhere: its own code draws its figures again, to the byte."""

import contextlib
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from workspace import Workspace

from golgi.archive.archiving import drawn_by
from golgi.provenance.commits import commit
from golgi.study import load_study
from golgi.study.estimate import count_jobs
from golgi.study.targets import targets

STUDY = ("--config", "studies=small")


def golgi(workspace: Workspace, *arguments: str) -> str:
    command = [sys.executable, "-m", "golgi", *arguments]
    done = subprocess.run(command, cwd=workspace.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def unpacked(finished: Workspace, tmp_path: Path) -> Workspace:
    """The archive of the finished study, unpacked within somebody else's repository."""
    golgi(finished, "archive", "small.yaml", str(tmp_path / "small.tar.zst"))
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "note.txt").write_text("Somebody else's work.")
    git = ["git", "-C", str(theirs), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (["init", "-q"], ["add", "note.txt"], ["commit", "-qm", "theirs"]):
        subprocess.run([*git, *arguments], check=True)
    with opened(tmp_path / "small.tar.zst") as archive:
        archive.extractall(theirs, filter="data")
    return Workspace(theirs / "golgi-small")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    with (
        path.open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        yield archive


def names(path: Path) -> list[str]:
    with opened(path) as archive:
        return archive.getnames()


def drawings(workspace: Workspace) -> dict[str, bytes]:
    results = workspace.folder / "results" / "small"
    found = [*results.glob("figures/*"), *results.glob("graphs/*/*/drawings/[!.]*")]
    return {str(path.relative_to(results)): path.read_bytes() for path in found}


def test_figures_are_drawn_again_to_the_byte_and_nothing_else_is_done(
    finished: Workspace, unpacked: Workspace
):
    before = drawings(finished)
    assert {name.rpartition(".")[2] for name in before} == {"pdf", "svg", "png", "txt", "html"}
    assert unpacked.jobs("redraw", *STUDY) == {}
    results = unpacked.folder / "results" / "small"
    for folder in [results / "figures", *results.glob("graphs/*/*/drawings")]:
        shutil.rmtree(folder)
    jobs = unpacked.jobs("redraw", *STUDY)
    study = load_study(unpacked.folder / "config" / "studies" / "small.yaml")
    assert jobs.keys() == {"redraw", "draw_graphs", *(f"draw_{figure}" for figure in study.figures)}
    unpacked.snakemake("--cores", "2", "redraw", *STUDY)
    after = drawings(unpacked)
    assert sorted(after) == sorted(before)
    assert [name for name in before if after[name] != before[name]] == []
    done = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=unpacked.folder, check=False)
    assert done.returncode == 0


def test_the_code_of_the_archive_is_the_one_that_draws(unpacked: Workspace):
    figure = unpacked.folder / "results" / "small" / "figures" / "overlap.svg"
    assert (unpacked.folder / "COMMIT").read_text() == f"{commit()}\n"
    assert drawn_by(figure) == commit()
    figure.unlink()
    (unpacked.folder / "COMMIT").write_text("another\n")
    (unpacked.folder / "workflow" / "golgi" / "errors.py").open("a").write("\n# another thought\n")
    unpacked.snakemake("--cores", "1", "results/small/figures/overlap.svg", *STUDY)
    assert drawn_by(figure) == "another+changed"


def test_the_whole_study_is_planned_from_scratch(unpacked: Workspace):
    shutil.rmtree(unpacked.folder / "results")
    jobs = unpacked.jobs()
    assert jobs.pop("all") == 1
    assert jobs == count_jobs(load_study(unpacked.folder / "config" / "studies" / "small.yaml"))


def test_an_archive_is_in_order_without_what_was_left_out(finished: Workspace, unpacked: Workspace):
    study = load_study(unpacked.folder / "config" / "studies" / "small.yaml")
    absent = [path for path in targets(study) if not (unpacked.folder / path).exists()]
    assert absent
    assert all((finished.folder / path).exists() for path in absent)
    before = sorted(path for path in unpacked.folder.rglob("*") if path.is_file())
    said = golgi(unpacked, "verify", "small", "--discard")
    assert said.startswith("small: all in order.")
    assert int(re.search(r"(\d+) files left out of the archive", said)[1]) >= len(absent)
    assert sorted(path for path in unpacked.folder.rglob("*") if path.is_file()) == before


def test_an_archive_can_be_archived_again(unpacked: Workspace, tmp_path: Path):
    again = tmp_path / "again.tar.zst"
    library = str(unpacked.folder / "workflow")
    command = [sys.executable, "-m", "golgi", "archive", "small", str(again)]
    subprocess.run(command, cwd=unpacked.folder, env={"PYTHONPATH": library}, check=True, capture_output=True)
    assert names(again) == names(tmp_path / "small.tar.zst")
