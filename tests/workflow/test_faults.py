"""Whatever dies, fills up or is damaged under a study: it is said in plain words, and no byte is lost."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from faults import Run, draw_moments, kill_often, run_again, run_undisturbed
from workspace import Workspace, files_of, make_workspace

STUDY = ("--config", "studies=tiny.yaml")
KILLS = 12  # `make faults` kills the default study more often
RESULTS = Path("results", "tiny")
TABLE = RESULTS / "tables" / "overlap.parquet"
DRAWINGS = RESULTS / "graphs" / "mite" / "10" / "drawings"
REPORT = RESULTS / "report.html"
TRACED = RESULTS / "graphs" / "mite" / "10" / "texts.safetensors"
SCORES = RESULTS / "graphs" / "mite" / "10" / "scores" / "layer0.parquet"
WEIGHTS = Path("checkpoints", "step10", "model.safetensors")
REMEDY = r"results/tiny\S* cannot be written: {}\."


@pytest.fixture(scope="module")
def calm(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict, int, float]:
    """The study, run undisturbed: where, its files, the number of its jobs, and the seconds that one took."""
    workspace = empty(root, tmp_path_factory.mktemp("calm"))
    return workspace, *run_undisturbed(workspace, *STUDY)


@pytest.fixture
def before(calm: tuple) -> dict[str, bytes]:
    """Every file of the study that was not disturbed."""
    return calm[1]


@pytest.fixture
def done(calm: tuple, root: Path, tmp_path: Path) -> Workspace:
    """A copy of the finished study, to be disturbed."""
    workspace = empty(root, tmp_path)
    for name in ("results", ".snakemake"):
        shutil.copytree(calm[0].folder / name, tmp_path / name, symlinks=True)
    return workspace


def empty(root: Path, folder: Path) -> Workspace:
    workspace = make_workspace(root, folder)
    shutil.copy(root / "tests" / "studies" / "tiny.yaml", folder)
    return workspace


def remove(workspace: Workspace, *outputs: Path) -> None:
    for path in (workspace.folder / output for output in outputs):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def run(workspace: Workspace, *arguments: str) -> tuple[int, str]:
    done = workspace.snakemake("--cores", "2", *arguments, check=False)
    return done.returncode, done.stdout + done.stderr


def fails(workspace: Workspace, *arguments: str) -> str:
    """Run a study that must fail, in words and not in a traceback, and return what it says."""
    status, said = run(workspace, *arguments)
    assert status == 1
    assert "Traceback" not in said
    return said


def golgi(workspace: Workspace, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "golgi", *arguments]
    done = subprocess.run(command, cwd=workspace.folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def assert_nothing_is_lost(workspace: Workspace, before: dict[str, bytes]) -> None:
    after = files_of(workspace.folder / "results")
    assert [name for name in before if after.get(name) != before[name]] == []
    assert sorted(after) == sorted(before)


def test_one_core_gives_the_same_bytes_as_two(before: dict[str, bytes], root: Path, tmp_path: Path):
    workspace = empty(root, tmp_path)
    workspace.snakemake("--cores", "1", *STUDY)
    assert_nothing_is_lost(workspace, before)


def test_a_study_that_is_killed_again_and_again_loses_no_byte(calm: tuple, root: Path, tmp_path: Path):
    _, before, jobs, seconds = calm
    moments = draw_moments(jobs, KILLS, longest=seconds, seed=1)
    count = kill_often(empty(root, tmp_path), before, moments, *STUDY)
    assert (count.tried, count.survived) == (KILLS, KILLS)
    assert (count.lost, count.added) == ({}, set())


@pytest.mark.parametrize(
    "output",
    [
        "sentences/pool.parquet",
        "models/mite/step10",
        str(DRAWINGS.relative_to(RESULTS)),
        "figures/overlap.svg",
    ],
)
def test_a_run_that_dies_when_an_output_has_its_name_makes_it_again(
    done: Workspace, before: dict[str, bytes], output: str
):
    target = str(RESULTS / output.removesuffix("/step10"))
    remove(done, Path(target))
    deadly = {"PYTHONPATH": str(Path(__file__).parent / "deadly"), "DIES_AFTER": str(RESULTS / output)}
    dying = Run(done, target, *STUDY, **deadly)
    dying.ends()
    assert dying.process.returncode == -9
    assert (done.folder / RESULTS / output).exists()
    run_again(done, target, *STUDY)
    assert_nothing_is_lost(done, before)


def test_what_a_killed_writer_left_is_cleared_away(done: Workspace, before: dict[str, bytes]):
    remove(done, TABLE, DRAWINGS)
    (done.folder / TABLE).with_name(f".{TABLE.name}.x1y2z3.part").write_bytes(b"half")
    left = (done.folder / DRAWINGS).with_name(f".{DRAWINGS.name}.x1y2z3.part")
    left.mkdir()
    (left / "index.html").write_text("half")
    run_again(done, *STUDY)
    assert_nothing_is_lost(done, before)


def test_a_lock_that_is_left_behind_is_told_and_nothing_is_touched(done: Workspace, before: dict[str, bytes]):
    remove(done, REPORT)
    dying = Run(done, *STUDY)
    next(dying.jobs_left())
    dying.kill()
    there = files_of(done.folder / "results")
    assert "--unlock" in fails(done, *STUDY)
    assert files_of(done.folder / "results") == there
    run_again(done, *STUDY)
    assert_nothing_is_lost(done, before)


def test_of_two_runs_in_one_folder_the_second_refuses(done: Workspace, before: dict[str, bytes]):
    remove(done, TABLE, DRAWINGS)
    first = Run(done, *STUDY)
    next(first.jobs_left())
    assert "cannot be locked" in fails(done, "--rerun-incomplete", *STUDY)
    assert first.ends()
    assert first.process.returncode == 0, "".join(first.said)
    assert_nothing_is_lost(done, before)


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[None]:
    """Mount a disk of `size` bytes; the test is skipped where that is not permitted."""
    folder.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "golgi-test", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here: that needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)


def test_a_disk_that_fills_up_again_and_again_costs_nothing(
    calm: tuple, root: Path, tmp_path: Path, before: dict[str, bytes]
):
    workspace, results = empty(root, tmp_path), tmp_path / "results"
    pages = sum(-(-path.stat().st_size // 4096) for path in (calm[0].folder / "results").rglob("*"))
    full = np.random.default_rng(2).uniform((0.05, 0.35, 0.65), (0.35, 0.65, 0.95)) * pages
    with small_disk(results, 4096 * int(full[0])):
        for size in full:
            remount(results, f"size={4096 * int(size)}")
            said = fails(workspace, *STUDY)
            assert re.search(
                REMEDY.format("No space left on device") + " Make room there and run again", said
            )
            assert not list(results.rglob("*.part"))
        remount(results, "size=1g")
        workspace.snakemake("--cores", "2", *STUDY)
        assert_nothing_is_lost(workspace, before)


@contextlib.contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Make a folder read-only for a while: a disk where tests run as root, who may write everywhere."""
    if os.geteuid():
        change, back = ["chmod", "-R", "a-w", str(folder)], ["chmod", "-R", "u+w", str(folder)]
    else:
        change, back = (["mount", "-o", f"remount,{how}", str(folder)] for how in ("ro", "rw"))
    subprocess.run(change, check=True)
    try:
        yield
    finally:
        subprocess.run(back, check=True)


def test_results_that_are_read_only_are_told_and_kept(
    done: Workspace, before: dict[str, bytes], tmp_path: Path
):
    results = tmp_path / "results"
    results.rename(tmp_path / "kept")
    disk = contextlib.nullcontext() if os.geteuid() else small_disk(results, 2**30)
    with disk:
        shutil.copytree(tmp_path / "kept", results, dirs_exist_ok=True)
        remove(done, TABLE, TABLE.with_suffix(".csv"))
        with closed(results):
            said = fails(done, str(TABLE), *STUDY)
            assert re.search(REMEDY.format(r"(Read-only file system|Permission denied)"), said)
            assert "Make it writable and run again" in said
        run_again(done, str(TABLE), *STUDY)
        assert_nothing_is_lost(done, before)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flip(path: Path) -> None:
    """Change one bit of the last number, and leave the time stamp as it was."""
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[-4] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize(
    ("damage", "output", "user"),
    [(truncate, TABLE, REPORT), (flip, TRACED, SCORES)],
    ids=["truncated Parquet", "flipped bit"],
)
def test_a_damaged_file_is_named_and_made_again_as_the_message_says(
    done: Workspace, before: dict[str, bytes], damage, output: Path, user: Path
):
    damage(done.folder / output)
    remove(done, user)
    said = fails(done, *STUDY)
    assert f"{output} is not what " in said
    assert "`golgi verify tiny --discard`" in said
    status, said = golgi(done, "verify", "tiny", "--discard")
    assert status == 1
    assert f"removed {output}" in said
    run_again(done, *STUDY)
    assert_nothing_is_lost(done, before)
    assert golgi(done, "verify", "tiny.yaml")[0] == 0


def causes(said: str) -> str:
    """Return the last column of the table that `golgi verify` shows, its lines joined."""
    rows = (line.split("│") for line in said.splitlines())
    return " ".join(row[-2].strip() for row in rows if len(row) > 2)


@pytest.fixture
def own(calm: tuple, root: Path, tmp_path: Path) -> Workspace:
    """A finished study of a folder of checkpoints, `own`, that somebody else may write to."""
    workspace = empty(root, tmp_path)
    shutil.copytree(calm[0].folder / RESULTS / "models" / "mite", tmp_path / "checkpoints")
    spec = yaml.safe_load((tmp_path / "tiny.yaml").read_text())
    source = {"source": {"directory": "checkpoints"}, "checkpoints": [10], "bos": True}
    del spec["graphs"]
    workspace.study("own", {**spec, "models": {"mine": source}})
    workspace.snakemake("--cores", "2", "--config", "studies=own.yaml")
    return workspace


def test_weights_that_change_under_a_finished_study_are_told_and_read_again(own: Workspace):
    study, results, weights = ("--config", "studies=own.yaml"), own.folder / "results", own.folder / WEIGHTS
    first, content = files_of(results), weights.read_bytes()
    flip(weights)
    assert own.jobs(*study) == {}, "no time stamp tells"
    status, said = golgi(own, "verify", "own.yaml", "--discard")
    assert status == 1
    assert f"the weights of mine at 10, {WEIGHTS}, changed" in causes(said)
    assert own.jobs(*study).keys() >= {
        "collect_responses",
        "score_experts",
        "measure_overlap",
        "write_report",
    }
    own.snakemake("--cores", "2", *study)
    assert files_of(results)["own/tables/models.parquet"] != first["own/tables/models.parquet"]
    weights.write_bytes(content)  # with a time stamp of its own
    status, said = run(own, *study)
    assert status == 0
    assert "the weights of mine at 10 changed since the last run" in said
    assert files_of(results) == first
