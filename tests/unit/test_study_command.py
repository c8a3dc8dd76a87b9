"""The command `golgi`: what it prints, where, and with which exit status."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import golgi
from golgi.command import main
from golgi.experts import expertise
from golgi.study import load_study
from golgi.study import reading_estimate as work
from golgi.study.display import plan_page
from golgi.study.estimate import count_jobs, estimate
from golgi.study.needs import memory_mb
from golgi.study.shapes import model_shape

pytestmark = pytest.mark.usefixtures("in_root")


def test_check_of_a_good_study(capsys):
    assert main(["check", "demo"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("config/studies/demo.yaml: in order. 48 concepts, 1 model,")
    assert shown.err == ""


def test_check_says_all_problems_of_all_studies(capsys):
    bad = ["tests/data/specs/twice.yaml", "tests/data/specs/ranges.yaml"]
    assert main(["check", "demo", *bad, "no-such"]) == 1
    shown = capsys.readouterr()
    assert "demo.yaml: in order" in shown.out
    assert all(f"{name}:" in shown.err for name in bad)
    assert "there is no study `no-such`" in shown.err


def test_no_traceback_reaches_the_user():
    run = subprocess.run(
        [sys.executable, "-m", "golgi", "check", "tests/data/specs/tab.yaml"], capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stderr == (
        "tests/data/specs/tab.yaml:3:1: the line is indented with a tab. YAML is indented with spaces.\n"
    )


def test_warnings_do_not_stop(capsys, tmp_path):
    spec = tmp_path / "other.yaml"
    spec.write_text(Path("config/studies/demo.yaml").read_text())
    assert main(["check", str(spec)]) == 0
    assert capsys.readouterr().err.startswith(f"warning: {spec}:")


@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_model_that_graphs_wait_for_is_a_warning(capsys, tmp_path, command):
    spec = yaml.safe_load(Path("config/studies/demo.yaml").read_text())
    spec["models"] = {"far": {"source": {"hub": "lab/far"}, "bos": True}}
    del spec["claims"]  # some are about the first checkpoint against the last
    file = tmp_path / "demo.yaml"
    file.write_text(yaml.safe_dump(spec))
    assert main([command, str(file)]) == 0
    advice = "Fetch it first: snakemake --cores 1 resources/models/lab--far/main\n"
    assert capsys.readouterr().err.endswith(advice)


def test_plan_does_without_the_corpus(capsys, monkeypatch):
    monkeypatch.delenv("GOLGI_CORPUS", raising=False)
    assert main(["plan", "expertlens"]) == 0
    shown = capsys.readouterr()
    assert "GOLGI_CORPUS is not set" in shown.err
    assert "pythia-12b" in shown.out
    assert "11.8 G" in shown.out


def test_schema_and_version(capsys):
    assert main(["schema", "--markdown"]) == 0
    assert capsys.readouterr().out == Path("config/README.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"golgi {golgi.__version__}\n"


def test_jobs_of_a_study():
    study = load_study("tests/data/specs/valid/everything.yaml", environment={"GOLGI_MODELS": "/models"})
    jobs = count_jobs(study)
    assert jobs["collect_responses"] == jobs["score_experts"] == jobs["measure_overlap"] == 14
    assert jobs["fetch_model"] == 5
    assert jobs["train_model"] == jobs["write_corpus"] == 2
    assert jobs["fetch_reference"] == 1
    assert jobs["draw_graphs"] == len(study.graph_rows())
    assert sum(jobs[f"draw_{figure}"] for figure in study.figures) == len(study.figures)


def test_work_of_a_study():
    study = load_study("config/studies/demo.yaml")
    found = estimate(study)
    assert found.sentences == 48 * 200
    # Six checkpoints read each sentence twice (once with its word masked), the untrained twin once.
    assert found.tokens == 13 * found.sentences * 16


def test_shapes(tmp_path):
    study = load_study("tests/data/specs/valid/everything.yaml", environment={"GOLGI_MODELS": str(tmp_path)})
    assert model_shape(study, "pythia-70m").parameters == 70_426_624
    assert model_shape(study, "mine") is None
    folder = tmp_path / "mine" / "step5"
    folder.mkdir(parents=True)
    facts = '{"num_hidden_layers": 4, "hidden_size": 128, "intermediate_size": 512, "vocab_size": 2048}'
    (folder / "config.json").write_text(facts)
    shape = model_shape(study, "mine")
    assert (shape.layers, shape.width, shape.hidden) == (4, 128, 512)
    assert shape.units(["mlp_post", "qkv", "resid_post"]) == 512 + 384 + 128
    (folder / "config.json").write_text("{}")
    assert model_shape(study, "mine") is None


def test_shape_of_a_real_model(data):
    study = load_study("tests/data/specs/valid/everything.yaml", environment={"GOLGI_MODELS": str(data)})
    study.source("mine")["directory"] = str(data / "models" / "tinystories-1m")
    study.spec["models"]["mine"]["checkpoints"] = [8]
    assert model_shape(study, "mine").parameters == pytest.approx(1.3e6, rel=0.02)


def test_what_jobs_ask_for_holds_the_model_and_its_rotation():
    study = load_study("config/studies/expertlens.yaml", allow_unset=True)
    memory, scoring = (
        memory_mb(study, rule, "pythia-12b") for rule in ("collect_responses", "score_experts")
    )
    # 12 G parameters of two bytes, and a rotation of 20,480 units made in float64 from another matrix.
    least = (2 * 11.8e9 + 2 * 8 * 20_480**2) / 1e6
    assert 1.5 * least < memory < 3 * least
    assert 1.5 * 4096 * 2 * len(study.concepts) * 400 / 1e6 < scoring < 20_000


def test_an_untrained_twin_and_controls_cost_what_they_read():
    study = load_study("config/studies/expertlens.yaml", allow_unset=True)
    before = estimate(study).models[0], memory_mb(study, "collect_responses", "pythia-12b")
    study.spec["experts"]["controls"] = []
    after = estimate(study).models[0], memory_mb(study, "collect_responses", "pythia-12b")
    assert after[0].disk < before[0].disk / 2.5
    assert after[0].hours < before[0].hours
    assert after[1] < before[1]


def test_the_estimate_knows_how_scoring_reads():
    for name in ("STRIP_BYTES", "PAGE_BYTES", "BLOCK_BYTES"):
        assert getattr(work, name) == getattr(expertise, name)
    assert work.BLOCK_UNITS == expertise.BATCH_UNITS


def test_the_plan_is_a_page():
    study = load_study("tests/data/specs/valid/everything.yaml", environment={"GOLGI_MODELS": "/models"})
    assert len(plan_page(study).renderables) == 11
