"""What is told of where a study comes from: its lineage, its spec, its seeds, and nothing of the machine."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
import yaml
from recorded_study import CODE, LEXICON, Task, put, run, small_study

from golgi.provenance.changes import Change, changed_fields
from golgi.provenance.facts import provenance
from golgi.provenance.gathering import device_reason, write_provenance
from golgi.provenance.lineage import Lineage
from golgi.provenance.records import record_path
from golgi.study import load_study
from golgi.study.portable import Portable, named
from golgi.study.targets import targets
from golgi.tables import table_schema, write_table

ROOT = "results/small"
POOL, TABLE, CSV, REPORT = (
    f"{ROOT}/{name}" for name in ("pool.parquet", "tables/a.parquet", "tables/a.csv", "report.html")
)
MODELS, FETCHED = f"{ROOT}/tables/models.parquet", "resources/models/org--name/main"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@pytest.fixture
def study(root):
    return small_study(root)


@pytest.fixture
def finished(study):
    """A study of five jobs, one of them a download, and the leftovers of another."""
    row = {column["name"]: None for column in table_schema("models")["columns"]}
    row |= {
        "model": "tiny",
        "checkpoint": "60",
        "step": 60,
        "source": "train",
        "revision": "",
        "family": "gpt",
    }
    row |= {"weights_sha256": "ab", "tokenizer_sha256": "cd", "device": "cpu", "dtype": "float32"}
    row |= {"dtype_reason": "the default", "layers": 1, "units": 1, "parameters": 1, "tokens": 1}
    run(Task("fetch_model", [], [FETCHED]), {f"{FETCHED}/model.safetensors": b"weights"})
    run(Task("write_sentences", [LEXICON], [POOL]), {POOL: b"pool"})
    run(Task("measure", [POOL, CODE, FETCHED], [TABLE, CSV]), {TABLE: b"table", CSV: b"csv"})
    write_table(pl.DataFrame([row], infer_schema_length=None), "models.parquet", schema="models")
    run(Task("gather_models", [POOL], [MODELS]), {MODELS: Path("models.parquet").read_bytes()})
    run(Task("write_report", [TABLE, MODELS], [REPORT]), {REPORT: b"report"})
    put("old.txt")
    run(Task("measure_old", ["old.txt"], [f"{ROOT}/old.parquet"]), {f"{ROOT}/old.parquet": b"old"})
    return study


def gathered(study, file="out.json", **changes) -> dict:
    usual = {
        "study": "small",
        "spec_sha256": study.spec_sha256,
        "origin": study.origin(),
        "device": "auto",
        "names": study.portable.names,
        "models": Path(MODELS),
        "ends": [REPORT],
        "provenance": Path(file),
    }
    write_provenance(**{**usual, **changes})
    return json.loads(Path(file).read_text())


def test_everything_that_the_end_hangs_on_is_told(finished):
    facts = gathered(finished)
    assert facts["inputs"] == {path: sha256(path) for path in (LEXICON, CODE)}
    outputs = {
        path: {"sha256": sha256(path), "bytes": Path(path).stat().st_size} for path in (POOL, TABLE, CSV)
    }
    weights = {"sha256": hashlib.sha256(b"weights").hexdigest(), "bytes": 7}
    assert facts["outputs"].items() >= {**outputs, FETCHED: {"files": {"model.safetensors": weights}}}.items()
    assert facts["outputs"].keys() == {POOL, TABLE, CSV, FETCHED, MODELS, REPORT}
    assert [job["rule"] for job in facts["jobs"]] == [
        "fetch_model",
        "gather_models",
        "measure",
        "write_report",
        "write_sentences",
    ]


def test_all_but_the_jobs_is_the_same_each_time(finished):
    first = gathered(finished)
    for output, inputs in {POOL: [LEXICON], REPORT: [TABLE, MODELS]}.items():
        rule = json.loads(record_path(output).read_text())["rule"]
        run(Task(rule, inputs, [output]), {output: Path(output).read_bytes()})
    record = json.loads(record_path(TABLE).read_text())
    record["seconds"]["wall"], record["peak_memory_mb"] = 99.0, 12345
    record_path(TABLE).write_text(json.dumps(record))
    second = gathered(finished, "again.json")
    assert first.pop("jobs") != second.pop("jobs")
    assert json.dumps(first) == json.dumps(second)


def test_the_weights_are_told_with_device_and_number_format_and_why(finished):
    (model,) = gathered(finished)["models"]
    assert (model["weights_sha256"], model["tokenizer_sha256"]) == ("ab", "cd")
    assert model["device"] == {"name": "cpu", "reason": "compute.device: auto, and torch saw no GPU"}
    assert model["dtype"] == {"name": "float32", "reason": "the default"}


@pytest.mark.parametrize(
    ("asked", "used", "reason"),
    [
        ("cpu", "cpu", "compute.device: cpu"),
        ("cuda", "cuda", "compute.device: cuda"),
        ("auto", "cuda", "compute.device: auto, and torch saw a GPU"),
    ],
)
def test_why_a_device(asked, used, reason):
    assert device_reason(asked, used) == reason


def test_who_wrote_the_sentences_is_told(finished):
    facts = {"model": "sha256:ef", "prompts": {"fact": {"file": "mine.jinja", "sha256": "ab"}}, "requests": 3}
    put("writer.json", json.dumps(facts))
    assert gathered(finished, writer=Path("writer.json"))["writer"] == facts
    assert "writer" not in gathered(finished)


def test_results_without_a_record_are_hashed_and_told_of(finished, caplog):
    record_path(POOL).unlink()
    facts = gathered(finished)
    assert facts["outputs"][POOL] == {"sha256": sha256(POOL), "bytes": 4}
    assert f"{POOL} has no record" in caplog.text
    assert LEXICON not in facts["inputs"]


def test_outputs_of_an_earlier_run_of_a_job_are_none_of_a_later_one(finished):
    later = Task("measure", [POOL], [TABLE])
    record = json.loads(record_path(CSV).read_text())
    record_path(CSV).write_text(json.dumps({**record, "started": "2020-01-01T00:00:00+00:00"}))
    run(later, {TABLE: b"table"})
    assert CSV not in Lineage(ROOT, [TABLE]).records


def test_the_spec_is_told_whole_with_its_seeds(finished):
    facts = gathered(finished)
    assert facts["spec"] == finished.spec
    plain = json.dumps(finished.written, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert facts["spec_sha256"] == hashlib.sha256(plain.encode()).hexdigest()
    assert facts["spec_sha256"].startswith(finished.fingerprint())
    assert facts["seeds"] == {"study": 11, "untrained": 12}
    assert facts["code"].keys() == {"commit", "changed"}
    assert facts["packages"]["polars"] == pl.__version__


def test_places_of_one_machine_are_not_told(finished, tmp_path, monkeypatch):
    data, home = tmp_path / "secret-place", tmp_path / "home-of-anna"
    for folder in (data / "words", home):
        folder.mkdir(parents=True)
    shutil.copy(LEXICON, data / "words" / "lexicon.yaml")
    put(str(home / "ratings.txt"), "dog cat 5\n")
    monkeypatch.setenv("GOLGI_PLACE", str(data))
    spec = yaml.safe_load(Path("small.yaml").read_text())
    spec["concepts"]["lexicon"] = "${GOLGI_PLACE}/words/lexicon.yaml"
    spec["analyses"]["alignment"]["references"] = {"people": {"file": f"{home}/ratings.txt"}}
    put("small.yaml", yaml.safe_dump(spec))
    study = load_study("small.yaml")
    given = [str(data / "words" / "lexicon.yaml"), str(home / "ratings.txt")]
    run(Task("write_report", [*given, MODELS], [REPORT]), {REPORT: b"report"})
    facts = gathered(study)
    assert sorted(facts["inputs"])[:2] == ["${GOLGI_PLACE}/words/lexicon.yaml", "<folder 1>/ratings.txt"]
    assert facts["spec"]["concepts"]["lexicon"] == "${GOLGI_PLACE}/words/lexicon.yaml"
    assert facts["spec"]["analyses"]["alignment"]["references"]["people"]["file"] == "<folder 1>/ratings.txt"
    assert str(tmp_path) not in json.dumps([facts, *map(study.figure_origin, study.figures)])


def test_paths_have_the_names_that_the_spec_gives_them():
    written = {"a": ["${GOLGI_DATA}", "/home/anna/x", "/home/bert/x"], "b": "here.txt", "title": "a/b"}
    spec = {**written, "a": ["/data/", "/home/anna/x", "/home/bert/x"]}
    portable = Portable(written, spec)
    assert portable.data(written) == {**written, "a": ["${GOLGI_DATA}", "<folder 1>/x", "<folder 2>/x"]}
    names = portable.names
    assert named("/data/men/a.txt", names) == "${GOLGI_DATA}/men/a.txt"
    assert named("/home/bert/x/step0/config.json", names) == "<folder 2>/x/step0/config.json"
    assert named("/database/a.txt", names) == "<elsewhere>/a.txt"
    assert named("here.txt", names) == "here.txt"


def test_a_figure_is_told_its_part_of_the_spec_and_no_other(study):
    origin = study.figure_origin("training_loss")
    assert origin["spec"].keys() == {"seed", "models", "figure"}
    assert origin["seeds"] == {"study": 11}
    wide = study.figure_origin("overlap")
    assert wide["spec"]["analyses"] == {"overlap": study.spec["analyses"]["overlap"]}
    assert wide["seeds"] == {"study": 11, "untrained": 12}
    plain = json.dumps(wide["spec"], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert hashlib.sha256(plain.encode()).hexdigest()[:12] == study.figure_fingerprint("overlap")
    assert max(len(json.dumps(study.figure_origin(name))) for name in study.figures) < 10_000


def test_facts_of_a_figure_hold_its_origin(study):
    put("a.parquet", "table")
    facts = provenance(
        study="small",
        fingerprint="ab",
        tables={"a": Path("a.parquet")},
        models=None,
        origin=study.figure_origin("training_loss"),
    )
    assert facts["tables_sha256"] == {"a": sha256("a.parquet")}
    assert (facts["spec"]["seed"], facts["seeds"]) == (11, {"study": 11})


def test_facts_of_a_figure_tell_device_and_number_format_and_why(finished):
    facts = provenance(study="small", fingerprint="ab", tables={}, models=Path(MODELS))
    (model,) = facts["models"]
    assert (model["model"], model["checkpoint"], model["weights_sha256"]) == ("tiny", "60", "ab")
    assert (model["device"], model["dtype"], model["dtype_reason"]) == ("cpu", "float32", "the default")


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": [1]}}, {"a": {"b": [1, 2]}}, [Change("a.b", [1], [1, 2])]),
        ({"a": 1}, {"b": {"c": 2}}, [Change("a", 1, None), Change("b", None, {"c": 2})]),
        ({"a": {"b": 1}}, {"a": "none"}, [Change("a", {"b": 1}, "none")]),
        ({"a": 1}, {"a": True}, [Change("a", 1, True)]),
    ],
)
def test_changes_of_a_spec(old, new, changes):
    assert changed_fields(old, new) == changes


def test_what_the_plan_wants_is_named_once(study):
    wanted = targets(study)
    assert len(wanted) == len(set(wanted))
    assert {f"{ROOT}/report.html", f"{ROOT}/provenance.json", f"{ROOT}/graphs/tiny/60/drawings"} <= set(
        wanted
    )


def test_what_the_workflow_throws_away_has_no_record(root):
    rules = "".join(path.read_text() for path in sorted((root / "workflow" / "rules").glob("*.smk")))
    assert re.findall(r'temp\(f?"(.+?)"', rules) == ["{SENSITIVITY}/responses.safetensors"]
    assert 'SENSITIVITY = "results/{study}/sensitivity/{model}/{checkpoint}"' in rules
