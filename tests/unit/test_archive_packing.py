"""Packing files, and what an unpacked archive tells of its commit."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from golgi.archive.packing import Member, pack, safe_name
from golgi.errors import GolgiError
from golgi.provenance import commits


def packed(path: Path, member: Member, advance=lambda read: None) -> None:
    pack([member], path, folder="f", unsummed=(), advance=advance)


def test_a_file_that_changes_meanwhile_is_noticed(tmp_path: Path):
    growing, shrinking = tmp_path / "growing", tmp_path / "shrinking"
    for path, change in (
        (growing, lambda read: growing.open("ab").write(b"more")),
        (shrinking, lambda read: os.truncate(shrinking, 10)),
    ):
        path.write_bytes(bytes(10**6))
        with pytest.raises(GolgiError, match="was changed while it was archived"):
            packed(tmp_path / "a.tar.zst", Member("a", "kind", path), change)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["growing", "shrinking"]


def test_what_is_no_file_is_refused(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(GolgiError, match="is no file"):
        packed(tmp_path / "a.tar.zst", Member("a", "kind", tmp_path / "pipe"))


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../up", "a/../../b", "a//b", "./a", "a\nb", "a\x1b[0m", "a\\b"]
)
def test_a_name_that_leads_elsewhere_is_refused(name: str):
    with pytest.raises(GolgiError, match="cannot be the name"):
        safe_name(name)


@given(st.text(max_size=20))
def test_every_name_that_passes_stays_inside(name: str):
    try:
        safe_name(name)
    except GolgiError:
        return
    assert Path("/inside", name).resolve().is_relative_to("/inside")
    assert Path("/inside", name).resolve() != Path("/inside")


def test_an_unpacked_archive_tells_its_commit_and_whether_it_was_changed(tmp_path: Path):
    assert commits.told_commit(tmp_path) is None
    packed(tmp_path / "a.tar.zst", Member("workflow/a.py", "code", b"1"))
    with tarfile.open(
        fileobj=io.BytesIO(
            zstandard.ZstdDecompressor().stream_reader((tmp_path / "a.tar.zst").read_bytes()).read()
        )
    ) as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / "f"
    (folder / "COMMIT").write_text("abc\n")
    assert commits.told_commit(folder) == "abc"
    (folder / "workflow" / "a.py").write_text("2")
    assert commits.told_commit(folder) == "abc+changed"
    (folder / "COMMIT").write_text("\n")
    assert commits.told_commit(folder) == ""


def test_a_repository_around_the_code_is_not_asked(root: Path, tmp_path: Path):
    library = tmp_path / "workflow" / "golgi"
    shutil.copytree(root / "workflow" / "golgi", library, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "note.txt").write_text("Somebody else's work.")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for arguments in (["init", "-q"], ["add", "note.txt"], ["commit", "-qm", "theirs"]):
        subprocess.run([*git, *arguments], check=True)
    code = "from golgi.provenance.commits import commit; import sys; sys.stdout.write(commit())"
    environment = {**os.environ, "PYTHONPATH": str(library.parent)}

    def told() -> str:
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        return done.stdout

    assert told() == ""
    (tmp_path / "COMMIT").write_text("abc\n")
    assert told() == "abc+changed"
    (tmp_path / "SHA256SUMS").write_text("")
    assert told() == "abc"
    subprocess.run([*git, "add", "workflow"], check=True)
    assert told() == "abc"
    assert commits.commit() != "abc"


def test_the_commit_that_counts_is_the_last_one_of_the_code(root: Path, tmp_path: Path):
    library = tmp_path / "workflow" / "golgi"
    shutil.copytree(root / "workflow" / "golgi", library, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "README.md").write_text("A study.")
    (tmp_path / "schemas").mkdir()
    schema = tmp_path / "schemas" / "a.json"
    schema.write_text("{}")
    environment = {**os.environ, "PYTHONPATH": str(library.parent)}
    code = "from golgi.provenance.commits import commit; import sys; sys.stdout.write(commit())"

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def committed() -> str:
        git("add", ".")
        git("commit", "-qm", "a change")
        return git("rev-parse", "HEAD")

    def told() -> str:
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        return done.stdout

    git("init", "-q")
    first = committed()
    assert told() == first
    (tmp_path / "README.md").write_text("A study, without a slip of the pen.")
    assert told() == first
    assert committed() != first
    assert told() == first
    schema.write_text("[]")
    assert told() == f"{first}+changed"
    second = committed()
    assert told() == second != first
