"""A study, run for real: whole, twice, edited, interrupted."""

import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import polars as pl
import pytest
from faults import Run, run_again
from workspace import Workspace, files_of

from golgi.study import load_study
from golgi.study.estimate import count_jobs
from golgi.tables import table_schema

FORMATS = ("pdf", "svg", "png", "txt")
# As Parquet alone.
LONG_TABLES = {"graph_scores", "graph_nodes", "graph_pairs", "graph_gallery", "intervention_prompts"}
GRAPHS = Path("results", "small", "graphs", "tiny", "60")


def edited(workspace: Workspace, spec: dict, **sections: dict) -> str:
    return workspace.study("small", {**spec, **sections})


def test_every_table_and_figure_of_the_plan_is_there(finished: Workspace, root: Path):
    study = load_study(root / "tests" / "studies" / "small.yaml")
    results = finished.folder / "results" / "small"
    for table in study.tables:
        frame = pl.read_parquet(results / "tables" / f"{table}.parquet")
        assert frame.columns == [column["name"] for column in table_schema(table)["columns"]]
        assert len(frame) > 0 or table == "graph_pairs"
        assert (results / "tables" / f"{table}.csv").is_file() is (table not in LONG_TABLES)
    for figure in study.figures:
        assert all((results / "figures" / f"{figure}.{suffix}").stat().st_size > 100 for suffix in FORMATS)
    assert "<html" in (results / "report.html").read_text()


def test_graphs_are_there_in_every_way_of_growing_them(finished: Workspace, root: Path):
    study = load_study(root / "tests" / "studies" / "small.yaml")
    folder = finished.folder / GRAPHS
    lines = {
        variant: sum(len((folder / variant / f"layer{n}.jsonl").read_text().splitlines()) for n in range(2))
        for variant in study.graph_variants
    }
    assert lines.pop("full") == len(pl.read_parquet(folder / "units.parquet")) >= 8
    assert set(lines.values()) == {2 * study.spec["graphs"]["ablation"]}
    assert (folder / "drawings" / "index.html").is_file()
    assert {path.stem for path in (folder / "drawings").glob("*.svg")} == {
        path.stem for path in (folder / "drawings").glob("*.pdf")
    }
    assert len(list((folder / "drawings").glob("*.svg"))) == 4


def test_graphs_are_scored_on_both_texts_beside_n_grams(finished: Workspace):
    layers = pl.read_parquet(finished.folder / "results" / "small" / "tables" / "graph_layers.parquet")
    found = layers.select("layer", "text", "windows", "method").unique()
    assert len(found) == 2 * 2 * 2 * 4
    assert set(layers["method"]) == {"graph", "token", "bigram", "trigram"}


def golgi(workspace: Workspace, *arguments: str) -> str:
    command = [sys.executable, "-m", "golgi", *arguments]
    return subprocess.run(command, cwd=workspace.folder, capture_output=True, text=True, check=True).stdout


def test_a_finished_study_is_searched_and_drawn(copy: Workspace):
    nodes = pl.read_parquet(copy.folder / "results" / "small" / "tables" / "graph_nodes.parquet")
    fires = nodes.filter(role="activating").drop_nulls("reach")
    root = fires.sort("reach", descending=True).row(0, named=True)
    unit = f"{root['layer']}.{root['unit']}"
    assert unit in golgi(copy, "search", "small.yaml", "--fires-on", root["text"])
    golgi(copy, "draw", "small.yaml", unit, "--output", "unit.svg")
    assert (copy.folder / "unit.svg").stat().st_size > 1000


def test_nothing_is_left_half_written(finished: Workspace):
    assert not list((finished.folder / "results").rglob("*.part*"))


def test_a_second_run_has_nothing_to_do(copy: Workspace):
    assert copy.jobs("--config", "studies=small.yaml") == {}


def test_a_figures_option_redraws_that_figure_alone(copy: Workspace, small_spec: dict):
    edited(copy, small_spec, figures={"overlap": {"colours": "cividis"}})
    jobs = copy.jobs("figures", "--config", "studies=small.yaml")
    assert jobs == {"draw_overlap": 1, "figures": 1}


def test_the_plan_counts_the_jobs_that_are_run(workspace: Workspace, small_spec: dict):
    study = workspace.study("small", small_spec)
    jobs = workspace.jobs("--config", f"studies={study}")
    assert jobs.pop("all") == 1
    assert jobs == count_jobs(load_study(study))


FIGURES_OF_SCORES = {"draw_graph_f1_by_layer", "draw_graph_ablation", "draw_graph_naming"}
SCORING = {
    "score_graphs",
    "measure_graphs",
    "name_experts",
    "choose_gallery",
    "gather_gallery",
    "draw_graphs",
}
SCORING |= {*FIGURES_OF_SCORES, "draw_graph_gallery"}
GROWING = {"grow_graphs", "ablate_graphs", "index_graphs", "read_windows", *SCORING}


@pytest.mark.parametrize(
    ("edit", "rules"),
    [
        ({"drawings": 3}, {"draw_graphs"}),
        ({"bootstraps": 40}, {"measure_graphs", "name_experts", "draw_graphs", *FIGURES_OF_SCORES}),
        ({"ablation": 1}, {"ablate_graphs", *SCORING}),
        ({"rate": 0.4}, GROWING),
        ({"silences": 5}, GROWING),
        ({"firings": 9}, {"find_exemplars", *GROWING}),
        ({"calibration": 10}, {"find_exemplars", *GROWING}),
        ({"window": 20}, {"find_exemplars", "trace_texts", *GROWING}),
    ],
    ids=lambda edit: next(iter(edit)) if isinstance(edit, dict) else "",
)
def test_a_field_of_the_graphs_reruns_the_stages_it_concerns(
    copy: Workspace, small_spec: dict, edit: dict, rules: set[str]
):
    edited(copy, small_spec, graphs={**small_spec["graphs"], **edit})
    jobs = copy.jobs("figures", "--config", "studies=small.yaml")
    assert jobs.keys() - {"figures"} == rules


def test_a_way_of_growing_that_is_not_wanted_is_not_looked_for(copy: Workspace, small_spec: dict):
    edited(copy, small_spec, graphs={**small_spec["graphs"], "ablation": 0})
    jobs = copy.jobs("figures", "--config", "studies=small.yaml")
    assert jobs.keys() - {"figures"} == SCORING - {"draw_graph_ablation"}


def test_a_claim_is_tested_without_measuring_again(copy: Workspace, small_spec: dict):
    edited(copy, small_spec, claims={"many": {"quantity": "experts", "exceeds": 1}})
    jobs = copy.jobs("figures", "statistics", "--config", "studies=small.yaml")
    assert set(jobs) == {"test_claims", "draw_claims", "figures", "statistics"}


def test_a_claim_that_does_not_hold_stands_in_the_report(finished: Workspace):
    claims = pl.read_parquet(finished.folder / "results" / "small" / "tables" / "claims.parquet")
    assert set(claims["claim"]) == {"categories", "learned", "causal"}
    assert set(claims["verdict"]) <= {"held", "not_held", "underpowered"}
    page = (finished.folder / "results" / "small" / "report.html").read_text()
    assert all(claim in page for claim in claims["say"])
    assert all(f'class="{verdict}' in page for verdict in set(claims["verdict"]))


def test_a_threshold_leaves_responses_untouched(copy: Workspace, small_spec: dict):
    edited(copy, small_spec, experts={**small_spec["experts"], "thresholds": [0.6, 0.9]})
    jobs = copy.jobs("--config", "studies=small.yaml")
    assert jobs["measure_overlap"] == 3
    assert not jobs.keys() & {
        "collect_responses",
        "train_model",
        "write_sentences",
        "score_experts",
        "draw_training_loss",
    }


def test_more_permutations_measure_again_and_no_more(copy: Workspace, small_spec: dict):
    edited(
        copy,
        small_spec,
        analyses={**small_spec["analyses"], "categories": {"permutations": 99, "bootstraps": 100}},
    )
    jobs = copy.jobs("figures", "statistics", "--config", "studies=small.yaml")
    assert set(jobs) == {"measure_categories", "draw_within_between", "figures", "statistics"}


def test_a_method_that_changes_reruns_what_it_feeds(copy: Workspace, root: Path):
    (copy.folder / "workflow").unlink()
    shutil.copytree(root / "workflow", copy.folder / "workflow", ignore=shutil.ignore_patterns("__pycache__"))
    module = copy.folder / "workflow" / "golgi" / "statistics" / "categories.py"
    module.write_text(module.read_text() + "\n# another thought\n")
    jobs = copy.jobs("figures", "statistics", "--config", "studies=small.yaml")
    tested = {"measure_categories", "draw_within_between", "test_claims", "draw_claims"}
    tested |= {"measure_distributed", "draw_distributed"}  # which compares categories too
    assert set(jobs) == {*tested, "figures", "statistics"}


def test_a_figure_can_be_asked_for_by_its_name(copy: Workspace):
    figure = copy.folder / "results" / "small" / "figures" / "overlap.pdf"
    before = figure.read_bytes()
    figure.unlink()
    copy.snakemake("--cores", "1", "results/small/figures/overlap.pdf", "--config", "studies=small.yaml")
    assert figure.read_bytes() == before


def test_snakemakes_own_report_tells_each_figure(copy: Workspace, tmp_path: Path):
    archive = tmp_path / "report.zip"
    copy.snakemake("--report", str(archive), "--config", "studies=small.yaml")
    with zipfile.ZipFile(archive) as report:
        text = "".join(
            report.read(name).decode(errors="replace")
            for name in report.namelist()
            if name.endswith((".html", ".js"))
        )
    for words in (
        "Expert neurons",
        "3 Experts",
        "2 Overlap of concepts",
        "5 Alignment with the references",
        "4 Graphs",
        "Holm",
    ):
        assert words in text


@pytest.mark.long
def test_a_run_that_is_interrupted_is_finished_by_the_next_one(copy: Workspace, finished: Workspace):
    study = ("--config", "studies=small.yaml")
    run = Run(copy, "--forcerun", "measure_alignment", *study)
    if not any("Measuring the alignment" in line for line in run.lines()):
        raise AssertionError("the run ended before")
    time.sleep(1)
    run.kill(signal.SIGINT)
    run_again(copy, *study)
    after, before = files_of(copy.folder / "results"), files_of(finished.folder / "results")
    assert [name for name in before if before[name] != after.get(name)] == []
    assert sorted(after) == sorted(before)
    assert copy.jobs(*study) == {}


def test_the_cluster_profile_resolves(workspace: Workspace, small_spec: dict):
    study = workspace.study("small", small_spec)
    assert workspace.jobs("--profile", "slurm", "--config", f"studies={study}")["collect_responses"] == 3


@pytest.mark.parametrize("name", ["demo", "expertlens"])
def test_every_shipped_study_plans(workspace: Workspace, name: str, tmp_path: Path):
    (tmp_path / "corpus.txt").write_text("A line.")
    jobs = workspace.jobs("--config", f"studies={name}", GOLGI_CORPUS=str(tmp_path / "corpus.txt"))
    study = load_study(tmp_path / "config" / "studies" / f"{name}.yaml", allow_unset=True)
    assert jobs["collect_responses"] == sum(len(study.checkpoints(model)) for model in study.models)
    assert jobs["write_report"] == 1
    assert jobs.get("fetch_model", 0) == {"demo": 0, "expertlens": 21}[name]
