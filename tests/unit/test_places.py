"""What a record calls the files outside the project, and the script that made its output."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from recorded_study import Task, put, run

from golgi.provenance.places import as_written, expanded
from golgi.provenance.records import Making, read_record, record_path
from golgi.provenance.verifying import verify

TABLE, POOL = "results/small/tables/counts.parquet", "results/small/sentences/pool.parquet"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def _corpus(tmp_path, monkeypatch):
    put("../corpus/sub/a.txt", "a")
    monkeypatch.setenv("GOLGI_CORPUS", str(tmp_path.parent / "corpus"))
    yield
    shutil.rmtree(tmp_path.parent / "corpus", ignore_errors=True)


@pytest.mark.usefixtures("_corpus")
def test_a_record_names_no_place_that_a_variable_leads_to(tmp_path):
    place = f"{tmp_path.parent}/corpus/sub/a.txt"
    making = run(Task("write_sentences", [place], [POOL]), {POOL: b"pool"})
    assert making.inputs == read_record(POOL)["inputs"] == {place: sha256(b"a")}
    Making(Task("write_sentences", [place], [TABLE]), threads=1)
    for output in (POOL, TABLE):
        assert str(tmp_path.parent) not in record_path(output).read_text()
    assert json.loads(record_path(POOL).read_text())["inputs"] == {"${GOLGI_CORPUS}/sub/a.txt": sha256(b"a")}


@pytest.mark.usefixtures("_corpus")
def test_a_corpus_may_move(tmp_path, monkeypatch):
    place, moved = tmp_path.parent / "corpus", tmp_path / "elsewhere"
    run(Task("write_sentences", [f"{place}/sub/a.txt"], [POOL]), {POOL: b"pool"})
    shutil.move(place, moved)
    cause = f"{place}/sub/a.txt cannot be read"
    assert [fault.cause for fault in verify("small", None).faults] == [cause]
    monkeypatch.setenv("GOLGI_CORPUS", f"{moved}/")
    assert verify("small", None).in_order
    put(f"{moved}/sub/a.txt", "b")
    before, after = sha256(b"a")[:12], sha256(b"b")[:12]
    cause = f"{moved}/sub/a.txt changed: {before} -> {after}"
    assert [fault.cause for fault in verify("small", None).faults] == [cause]
    monkeypatch.delenv("GOLGI_CORPUS")
    cause = "${GOLGI_CORPUS}/sub/a.txt cannot be read"
    assert [fault.cause for fault in verify("small", None).faults] == [cause]


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/data/a.txt", "${GOLGI_DATA}/a.txt"),
        ("/data/corpus/a.txt", "${GOLGI_CORPUS}/a.txt"),
        ("/data/corpus", "${GOLGI_CORPUS}"),
        ("/database/a.txt", "/database/a.txt"),
        ("../near/a.txt", "${GOLGI_NEAR}/a.txt"),
        ("results/small/a.parquet", "results/small/a.parquet"),
        ("/home/a.txt", "/home/a.txt"),
    ],
)
def test_the_variable_that_leads_farthest_is_named(monkeypatch, path, written):
    for name, value in {"DATA": "/data/", "CORPUS": "/data/corpus", "NEAR": "../near", "ROOT": "/"}.items():
        monkeypatch.setenv(f"GOLGI_{name}", value)
    monkeypatch.setenv("GOLGI_RESULTS", "results")
    assert (as_written(path), expanded(written)) == (written, path)


def test_a_record_tells_the_script():
    put("workflow/scripts/measure.py", "1 + 1")
    code = f"""
        import sys
        from types import SimpleNamespace
        from golgi.jobs import job
        __file__ = {str(Path("workflow/scripts/measure.py").resolve())!r}  # as the workflow has it
        task = SimpleNamespace(rule="r", log=["log.txt"], input=[], output=[{POOL!r}])
        task.params, task.threads = {{}}, 1
        with job(task):
            open({POOL!r}, "w").close()
    """
    Path(POOL).parent.mkdir(parents=True)
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, check=True)
    assert read_record(POOL)["inputs"] == {"workflow/scripts/measure.py": sha256(b"1 + 1")}
    assert verify("small", None).in_order
    put("workflow/scripts/measure.py", "2 + 2")
    (fault,) = verify("small", None).faults
    assert (fault.kind, fault.cause) == ("stale", "the code has changed: scripts/measure.py")
    os.utime("workflow/scripts/measure.py", (1, 1))
    assert not verify("small", None).faults[0].unseen
