"""Of two jobs that make the same, the one that began last has its way, whatever the other does and when."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from recorded_study import Task

from golgi.errors import GaveWay
from golgi.files import asking, write_atomically
from golgi.models.folders import write_folder
from golgi.provenance import records
from golgi.provenance.hashing import content
from golgi.provenance.records import Making, read_record

TABLE, CSV = "results/small/tables/counts.parquet", "results/small/tables/counts.csv"
FOLDER = "results/small/models/tiny"
SAME, EDITED = {"thresholds": [0.5]}, {"thresholds": [0.9]}
LATER = "is made by another job, which began later. This one gives way"
pytestmark = pytest.mark.parametrize("params", [SAME, EDITED], ids=["same", "edited"])


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(records, "PATIENCE", 0)


def begin(params=SAME, outputs=(TABLE, CSV)) -> Making:
    return Making(Task("measure_counts", [], list(outputs), params), threads=1)


def write(path: str, text: str) -> None:
    with write_atomically(path) as temporary:
        temporary.write_text(text)


def write_both(text: str) -> None:
    write(TABLE, text)
    write(CSV, text)


def of_newer() -> bool:
    """Tell whether nothing but what the newer job wrote is there, and a next job takes it."""
    Making(Task("draw_overlap", [TABLE, CSV], ["results/small/figures/overlap.svg"]), threads=1)
    texts = {path.name: path.read_text() for path in Path("results/small/tables").iterdir()}
    return texts == {"counts.parquet": "newer", "counts.csv": "newer"}


@pytest.mark.parametrize("ended", [True, False])
def test_a_job_of_an_older_spec_gives_way(params, ended):
    older, newer = begin(), begin(params)
    with asking(newer.permit):
        write_both("newer")
    if ended:
        newer.write_records()
    for path in (TABLE, CSV):
        with pytest.raises(GaveWay, match=LATER), asking(older.permit):
            write(path, "older")
    with pytest.raises(GaveWay, match=LATER):
        older.write_records()
    if not ended:
        newer.write_records()
    assert of_newer()


def test_an_older_job_takes_nothing_from_a_newer_one(params):
    older, newer = begin(), begin(params)
    with asking(newer.permit):
        with write_atomically(TABLE) as temporary:
            temporary.write_text("newer")
            with pytest.raises(GaveWay, match=LATER), asking(older.permit):
                write(TABLE, "older")
        write(CSV, "newer")
    newer.write_records()
    assert of_newer()


def test_a_newer_job_takes_what_an_older_one_writes(params):
    older = begin()
    with contextlib.ExitStack() as writing:
        writing.enter_context(pytest.raises(GaveWay, match="its temporary file was taken away"))
        writing.enter_context(write_atomically(TABLE)).write_text("older")
        newer = begin(params)
        write_both("newer")
    newer.write_records()
    assert not older.has_turn()
    assert of_newer()


@pytest.mark.parametrize("moment", range(4))
def test_a_job_may_begin_at_any_moment_of_an_older_one(params, moment):
    # The older one asks before it sweeps and before it renames; the newer one begins just after the answer.
    older, asked, newer = begin(), [], []
    parts = {path: Path(path).with_name(f".{Path(path).name}.newer.part") for path in (TABLE, CSV)}

    def begin_newer(path):
        asked.append(path)
        if len(asked) == moment + 1:
            newer.append(begin(params))
            for part in parts.values():
                part.write_text("newer")

    with contextlib.suppress(GaveWay), asking(older.permit), asking(begin_newer):
        write_both("older")
    assert [part.name for part in parts.values() if not part.exists()] == []
    assert [Path(TABLE).exists(), Path(CSV).exists()] == [moment >= 1, moment >= 3]
    for path, part in parts.items():
        part.replace(path)
    newer[0].write_records()
    with pytest.raises(GaveWay, match=LATER):
        older.write_records()
    assert of_newer()


def test_jobs_that_begin_at_once_do_not_both_give_way(params):
    class Interrupted(Making):
        def _write_note(self, output, inputs):
            super()._write_note(output, inputs)
            if output == TABLE:
                self.other = begin(params)

    first = Interrupted(Task("measure_counts", [], [TABLE, CSV]), threads=1)
    assert sorted([first.has_turn(), first.other.has_turn()]) == [False, True]


def test_an_older_job_that_ends_does_not_stop_a_newer_one_that_begins(params, monkeypatch):
    # Both write to one record: what the older one sweeps may be the note that has no name yet.
    older, write_json, times = begin(), records.write_json, []

    def write_with_older(data, path, **options):
        times.append(path)
        if len(times) == 1:
            with write_atomically(path, sweep=False):
                write_json({}, path)
        else:
            write_json(data, path, **options)

    monkeypatch.setattr(records, "write_json", write_with_older)
    newer = begin(params)
    assert (older.has_turn(), newer.has_turn()) == (False, True)


def test_folders_are_asked_for_like_files(params):
    older, newer = begin(outputs=[FOLDER]), begin(params, outputs=[FOLDER])
    with write_folder(Path(FOLDER, "step0")) as temporary:
        (temporary / "a").write_text("newer")
        with pytest.raises(GaveWay, match=LATER), asking(older.permit), write_folder(Path(FOLDER, "step0")):
            pass
        assert (temporary / "a").exists()
    with pytest.raises(GaveWay, match=LATER), asking(older.permit), write_folder(Path(FOLDER, "step0")):
        pass
    newer.write_records()
    assert content(FOLDER)["files"].keys() == {"step0/a"}
    assert [path.name for path in Path(FOLDER).iterdir()] == ["step0"]


def test_a_folder_of_a_newer_job_stays(params):
    older, step = begin(outputs=[FOLDER]), Path(FOLDER, "step0")
    with contextlib.ExitStack() as writing:
        writing.enter_context(pytest.raises(GaveWay, match=LATER))
        writing.enter_context(asking(older.permit))
        writing.enter_context(write_folder(step))
        newer = begin(params, outputs=[FOLDER])
        step.mkdir()
        (step / "a").write_text("newer")
    assert (step / "a").read_text() == "newer"
    newer.write_records()
    assert [path.name for path in Path(FOLDER).iterdir()] == ["step0"]


def test_what_is_no_output_is_not_asked_for(params):
    older = begin(outputs=[TABLE])
    begin(params, outputs=[TABLE])
    with asking(older.permit):
        write(CSV, "older")
    assert Path(CSV).read_text() == "older"


JOB = f"""
import subprocess, sys
from types import SimpleNamespace
from golgi.errors import GaveWay, GolgiError
from golgi.files import write_atomically
from golgi.jobs import job
from golgi.provenance import records

who, params, moment = sys.argv[1], eval(sys.argv[2]), sys.argv[3]
outputs = {[TABLE, CSV]!r}
task = SimpleNamespace(rule="measure_counts", log=[f"{{who}}.txt"], input=[], output=outputs)
task.params, task.threads = params, 1

def run_newer(*_):
    subprocess.run([sys.executable, __file__, "newer", sys.argv[4], "never"], check=True)

def refuse(*_, **__):
    raise GaveWay("the note was taken away")

if moment == "beginning":
    records.Making._tell_changes = run_newer
if moment == "noting":
    records.write_json = refuse
with job(task):
    if moment in ("writing", "failing"):
        run_newer()
    if moment == "failing":
        raise GolgiError("what it read is gone")
    for path in outputs:
        with write_atomically(path) as temporary:
            temporary.write_text(who)
            if moment == "written":
                run_newer()
            if moment == "robbed":
                temporary.unlink()
"""


def run_older(moment: str, params: dict) -> subprocess.CompletedProcess:
    """Run a job that at a moment of it is overtaken, or meets something else."""
    Path("job.py").write_text(JOB)
    command = [sys.executable, "job.py", "older", repr(SAME), moment, repr(params)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("moment", ["beginning", "writing", "written", "failing"])
def test_a_job_whose_turn_is_over_ends_as_if_it_were_done(params, moment):
    done = run_older(moment, params)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert read_record(TABLE)["log"] == read_record(CSV)["log"] == "newer.txt"
    assert of_newer()


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("robbed", "counts.parquet was not written: its temporary file was taken away"),
        ("noting", "the note was taken away"),
    ],
)
def test_a_job_that_has_its_turn_and_lost_a_file_fails(params, moment, words):
    done = run_older(moment, params)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
    assert words in done.stderr
    assert not Path(TABLE).exists()
