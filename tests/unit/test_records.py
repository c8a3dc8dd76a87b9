"""The record of an output: what is in it, when it is written, and when an input is refused for it."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest
from recorded_study import Task, put, run

from golgi import files
from golgi.errors import GolgiError
from golgi.provenance import records
from golgi.provenance.hashing import content, file_sha256, files_below
from golgi.provenance.records import Making, begun, read_record, record_path
from golgi.provenance.verifying import verify

TABLE, POOL = "results/small/tables/counts.parquet", "results/small/sentences/pool.parquet"
FOLDER = "results/small/models/tiny"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(records, "PATIENCE", 0)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def counted(**changes) -> Task:
    usual = {"input": [POOL, "code.py"], "output": [TABLE], "params": {"thresholds": [0.5]}}
    return Task("measure_counts", **{**usual, **changes})


@pytest.fixture
def _inputs():
    run(Task("write_sentences", [], [POOL]), {POOL: b"pool"})
    put("code.py", "1 + 1")


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ("results/demo/report.html", "results/demo/records/report.html.json"),
        ("results/demo/tables/a.parquet", "results/demo/records/tables/a.parquet.json"),
        ("resources/references/men.txt", "resources/records/references/men.txt.json"),
    ],
)
def test_records_lie_beside_the_results(output, path):
    assert record_path(output) == Path(path)


@pytest.mark.parametrize(
    "output", ["results/demo", "results/../../etc/passwd", "/results/demo/a", "config/a.yaml", "", "results"]
)
def test_nothing_else_has_a_record(output):
    assert record_path(output) is None


def test_a_file_is_hashed_as_hashlib_does(tmp_path):
    content_ = os.urandom(3_000_001)
    put("a.bin", content_)
    assert file_sha256("a.bin") == sha256(content_)
    assert content("a.bin") == {"sha256": sha256(content_), "bytes": 3_000_001}


def test_a_folder_is_its_files_but_hidden_ones():
    for name in ("b/two", "a", ".snakemake_timestamp", ".part/three"):
        put(f"folder/{name}", name)
    Path("folder/link").symlink_to("/etc")
    assert list(files_below("folder")) == ["a", "b/two"]
    assert content("folder")["files"]["b/two"] == {"sha256": sha256(b"b/two"), "bytes": 5}


@pytest.mark.usefixtures("_inputs")
def test_a_record_tells_everything():
    making = run(counted(threads=3), {TABLE: b"table"})
    record = json.loads(record_path(TABLE).read_text())
    assert record == read_record(TABLE)
    assert record["output"] == TABLE
    assert (record["sha256"], record["bytes"]) == (sha256(b"table"), 5)
    assert record["inputs"] == {"code.py": sha256(b"1 + 1"), POOL: sha256(b"pool")}
    assert record["rule"] == "measure_counts"
    assert record["log"] == "results/small/logs/measure_counts.log"
    assert record["params_sha256"] == sha256(b'{"thresholds": [0.5]}')
    assert (record["threads"], record["device"], record["gpu_memory_mb"]) == (3, "cpu", None)
    assert set(record["seconds"]) == {"wall", "cpu", "hashing"}
    assert all(0 <= seconds < 60 for seconds in record["seconds"].values())
    assert 10 < record["peak_memory_mb"] < 10_000
    assert record["started"].endswith("+00:00")
    assert making.seconds["wall"] == record["seconds"]["wall"]


def test_a_folder_has_the_hash_of_each_file():
    run(
        Task("train_model", [], [FOLDER]), {f"{FOLDER}/step{n}/model.safetensors": b"%d" % n for n in (0, 60)}
    )
    record = json.loads(record_path(FOLDER).read_text())
    assert record["files"]["step60/model.safetensors"] == {"sha256": sha256(b"60"), "bytes": 2}
    assert "sha256" not in record


def flip(path: str) -> None:
    """Change one bit of a file and leave its size and its time stamps as they were."""
    stamps = Path(path).stat()
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 1
    Path(path).write_bytes(content)
    os.utime(path, ns=(stamps.st_atime_ns, stamps.st_mtime_ns))


@pytest.mark.usefixtures("_inputs")
@pytest.mark.parametrize("damage", [flip, lambda path: put(path, b"poo"), lambda path: put(path, b"pool.")])
def test_a_damaged_input_is_refused(damage):
    damage(POOL)
    with pytest.raises(GolgiError) as error:
        Making(counted(), threads=1)
    assert str(error.value) == (
        f"{POOL} is not what write_sentences wrote: it was altered or damaged since. "
        "`golgi verify small --discard` removes what is damaged; the next run makes it again."
    )


@pytest.mark.usefixtures("_inputs")
def test_an_input_without_a_record_is_taken_as_it_is():
    put("code.py", "2 + 2")
    record_path(POOL).unlink()
    put(POOL, "another")
    run(counted(), {TABLE: b"table"})
    assert read_record(TABLE)["inputs"] == {"code.py": sha256(b"2 + 2"), POOL: sha256(b"another")}


@pytest.mark.usefixtures("_inputs")
def test_an_input_whose_record_is_seen_late_is_waited_for(monkeypatch):
    monkeypatch.setattr(records, "PATIENCE", 60)
    right = record_path(POOL).read_bytes()
    put(str(record_path(POOL)), right.replace(sha256(b"pool").encode(), sha256(b"old").encode()))
    monkeypatch.setattr(records.time, "sleep", lambda seconds: put(str(record_path(POOL)), right))
    Making(counted(), threads=1)


def test_only_the_checkpoint_that_is_opened_is_read():
    weights = {f"{FOLDER}/step{n}/model.safetensors": b"%d" % n for n in (0, 60)}
    run(Task("train_model", [], [FOLDER]), weights)
    flip(f"{FOLDER}/step0/model.safetensors")
    inputs = {f"{FOLDER}/step60/model.safetensors": sha256(b"60")}
    for params in ({"folder": f"{FOLDER}/step60"}, {"opening": {"folder": f"{FOLDER}/step60"}}):
        assert Making(Task("collect_responses", [FOLDER], [TABLE], params), threads=1).inputs == inputs
    with pytest.raises(GolgiError, match=r"step0/model.safetensors is not what train_model wrote"):
        Making(Task("collect_responses", [FOLDER], [TABLE], {"folder": f"{FOLDER}/step0"}), threads=1)
    with pytest.raises(GolgiError, match=r"step0/model.safetensors"):
        Making(Task("measure_all", [FOLDER], [TABLE]), threads=1)


def test_a_file_that_was_put_into_a_folder_is_refused():
    run(Task("train_model", [], [FOLDER]), {f"{FOLDER}/step60/model.safetensors": b"60"})
    put(f"{FOLDER}/step60/model.safetensors.index.json", "{}")
    with pytest.raises(
        GolgiError, match=r"step60/model.safetensors.index.json is not what train_model wrote"
    ):
        Making(Task("collect_responses", [FOLDER], [TABLE], {"folder": f"{FOLDER}/step60"}), threads=1)


@pytest.mark.usefixtures("_inputs")
def test_a_job_that_dies_leaves_no_record_that_can_be_trusted():
    run(counted(), {TABLE: b"table"})
    Making(counted(), threads=1)  # and no more: it was killed
    assert read_record(TABLE) is None
    assert begun(TABLE)
    run(counted(), {TABLE: b"again"})
    assert read_record(TABLE)["sha256"] == sha256(b"again")


@pytest.mark.usefixtures("_inputs")
def test_a_job_that_dies_between_two_records_is_trusted_for_the_first_alone(monkeypatch):
    both = [TABLE, TABLE.replace("parquet", "csv")]
    run(counted(output=both), dict.fromkeys(both, b"old"))
    making = Making(counted(output=both), threads=1)
    for path in both:
        put(path, b"new")
    written = []

    def write_one(data, path):
        if written:
            raise KeyboardInterrupt
        written.append(path)
        files.write_json(data, path)

    monkeypatch.setattr(records, "write_json", write_one)
    with pytest.raises(KeyboardInterrupt):
        making.write_records()
    assert read_record(both[0])["sha256"] == sha256(b"new")
    assert read_record(both[1]) is None


@pytest.mark.usefixtures("_inputs")
def test_a_full_disk_is_told_as_for_any_file(monkeypatch):
    making = Making(counted(), threads=1)
    put(TABLE)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(
        GolgiError, match=r"records/tables/counts.parquet.json cannot be written: No space left"
    ):
        making.write_records()
    assert read_record(TABLE) is None


@pytest.mark.usefixtures("_inputs")
def test_removed_records_do_not_stop_a_job():
    making = Making(counted(), threads=1)
    record_path(TABLE).unlink()
    put(TABLE, b"table")
    making.write_records()
    assert read_record(TABLE)["sha256"] == sha256(b"table")


@pytest.mark.parametrize("damage", ["{", "[]", '{"output": "results/small/other"}', "\xff", '{"inputs": 1}'])
@pytest.mark.usefixtures("_inputs")
def test_a_damaged_record_is_none(damage):
    record_path(POOL).write_text(damage, encoding="latin-1")
    assert read_record(POOL) is None
    Making(counted(), threads=1)


@pytest.mark.parametrize("name", ["log", "started", "sha256", "bytes"])
@pytest.mark.parametrize("value", [None, ["x"]])
@pytest.mark.usefixtures("_inputs")
def test_a_record_that_lacks_something_is_none(name, value):
    record = json.loads(record_path(POOL).read_text())
    del record[name]
    put(str(record_path(POOL)), json.dumps(record if value is None else {**record, name: value}))
    assert read_record(POOL) is None
    assert not begun(POOL)
    assert [fault.cause for fault in verify("small", None).faults] == ["its record is damaged"]
    put(POOL, "another")
    assert Making(counted(), threads=1).inputs[POOL] == sha256(b"another")


@pytest.mark.parametrize("files", [[], {"a": 1}, {"a": {"sha256": "0"}}, {"a": {"bytes": 1}}])
def test_a_record_of_a_folder_that_lacks_something_is_none(files):
    run(Task("train_model", [], [FOLDER]), {f"{FOLDER}/a": b"a"})
    record = json.loads(record_path(FOLDER).read_text())
    put(str(record_path(FOLDER)), json.dumps({**record, "files": files}))
    assert read_record(FOLDER) is None
    assert not begun(FOLDER)


@pytest.mark.usefixtures("_inputs")
def test_half_of_a_jobs_work_is_no_input():
    Making(Task("write_sentences", [], [POOL]), threads=1)  # and no more: it was killed
    put(POOL, b"po")
    with pytest.raises(
        GolgiError, match=r"pool.parquet may be half of what it should be: its job is at work"
    ):
        Making(counted(), threads=1)


@pytest.mark.usefixtures("_inputs")
def test_an_input_whose_note_is_seen_for_too_long_is_waited_for(monkeypatch):
    monkeypatch.setattr(records, "PATIENCE", 60)
    writing = Making(Task("write_sentences", [], [POOL]), threads=1)
    os.utime(POOL, (1, 1))
    monkeypatch.setattr(records.time, "sleep", lambda seconds: writing.write_records())
    assert Making(counted(), threads=1).inputs[POOL] == sha256(b"pool")


def test_a_file_for_one_use_has_no_record():
    passing = "results/small/sensitivity/tiny/60/responses.safetensors"
    run(Task("read_variants", [], [passing, TABLE]), {TABLE: b"table"})
    assert not record_path(passing).exists()


def test_changed_weights_are_told(caplog):
    folder, output = "models/mine/step60", "results/small/responses/mine/60/neuron.safetensors"
    names = SimpleNamespace(model="mine", checkpoint="60")
    weights = f"{folder}/model.safetensors"
    put(weights, b"before")
    put("lexicon.yaml", "a")
    task = Task("collect_responses", [weights, "lexicon.yaml"], [output], {"folder": folder}, wildcards=names)
    run(task, {output: b"1"})
    caplog.set_level("INFO")
    Making(task, threads=1)
    assert caplog.messages == []
    put(weights, b"after")
    put("lexicon.yaml", "b")
    before, after = sha256(b"before")[:12], sha256(b"after")[:12]
    told = f"the weights of mine at 60 changed since the last run ({before} -> {after}): {weights}"
    for _ in range(2):  # the second job begins where the first was killed
        Making(task, threads=1)
    assert caplog.messages == [told, "Changed since the last run: lexicon.yaml."] * 2
    run(task, {output: b"2"})
    caplog.clear()
    Making(task, threads=1)
    assert caplog.messages == []


def test_a_job_is_recorded_by_its_script():
    put("in.txt", "in")
    code = f"""
        import sys
        from types import SimpleNamespace
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from golgi.jobs import job
        task = SimpleNamespace(rule="r", log=["log.txt"], input=["in.txt"], output=[{TABLE!r}])
        task.params, task.threads = {{}}, 2
        with job(task):
            import os, pathlib
            assert os.environ["OMP_NUM_THREADS"] == "2"
            assert not {{"numpy", "polars", "torch"}} & set(sys.modules)
            pathlib.Path({TABLE!r}).parent.mkdir(parents=True, exist_ok=True)
            pathlib.Path({TABLE!r}).write_text("out")
        with job(task, threads=5):
            assert os.environ["POLARS_MAX_THREADS"] == "5"
            raise sys.modules["golgi.errors"].GolgiError("in the words of the study")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "in the words of the study" in done.stderr
    assert "Traceback" not in done.stderr
    assert begun(TABLE)
