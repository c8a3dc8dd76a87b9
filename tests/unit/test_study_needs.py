"""What jobs ask a cluster for: something of every rule, enough for what was measured, no GPU in vain."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from golgi.study import load_study
from golgi.study.estimate import count_jobs
from golgi.study.needs import NEEDS, gpus, memory_mb, minutes, seconds_of
from golgi.study.shards import (
    CLOSING,
    SHARDED,
    asked_minutes,
    count_submissions,
    shard_of,
    shard_rows,
    shard_size,
    shards,
)

RUN_A_MODEL = {
    "collect_responses",
    "intervene",
    "read_variants",
    "find_exemplars",
    "trace_texts",
    "grow_graphs",
    "ablate_graphs",
}
# Seconds that jobs of the demo took on two cores, and megabytes that they held.
MEASURED = {
    "write_sentences": (2.0, 95),
    "write_corpus": (4.1, 50),
    "train_model": (103.3, 655),
    "collect_responses": (11.9, 804),
    "score_experts": (1.6, 283),
    "measure_overlap": (0.3, 102),
    "measure_counts": (0.3, 100),
    "measure_alignment": (6.1, 200),
    "measure_dynamics": (2.9, 200),
    "gather_experts": (0.2, 150),
    "intervene": (25.3, 493),
    "fit_probes": (15.6, 800),
    "grow_graphs": (33.7, 1000),
    "ablate_graphs": (32.4, 1000),
    "draw_graphs": (16.1, 400),
    "draw_graph_gallery": (3.9, 400),
    "test_claims": (3.3, 300),
}

pytestmark = pytest.mark.usefixtures("in_root")


@pytest.fixture
def demo():
    return load_study("config/studies/demo.yaml")


@pytest.fixture
def pythia():
    return load_study("config/studies/expertlens.yaml", allow_unset=True)


def asked(study, rule):
    """Memory, minutes and GPUs of every job of a rule, over the study's models."""
    models = NEEDS[rule].models(study, rule)
    return [
        (memory_mb(study, rule, one), asked_minutes(study, rule, one), gpus(study, rule)) for one in models
    ]


def rules_of_the_workflow(root):
    text = "\n".join(file.read_text() for file in sorted((root / "workflow" / "rules").glob("*.smk")))
    return set(re.findall(r"^(?:use rule \w+ as|rule) (\w+)", text, re.MULTILINE))


def test_every_rule_asks_for_what_the_plan_reckons(root):
    named = {rule for rule in NEEDS if not rule.startswith("draw_") or rule == "draw_graphs"}
    assert named == rules_of_the_workflow(root)


def test_no_rule_asks_for_a_constant(root):
    for file in (root / "workflow" / "rules").glob("*.smk"):
        for name, value in re.findall(r"^\s+(mem_mb|runtime|gpu)=(.*),$", file.read_text(), re.MULTILINE):
            function = {"mem_mb": "memory", "runtime": "runtime", "gpu": "gpu"}[name]
            assert re.fullmatch(rf'{function}\(f?"[a-z_{{}}]+"\)', value), f"{file.name}: {name}={value}"


@pytest.mark.parametrize("study", ["demo", "pythia"])
def test_every_job_of_a_study_asks_for_something(request, study):
    study = request.getfixturevalue(study)
    for rule in count_jobs(study):
        for memory, runtime, _ in asked(study, rule):
            assert memory > 300, rule
            assert runtime >= 1, rule


@pytest.mark.parametrize("rule", MEASURED)
def test_jobs_ask_for_more_than_they_were_seen_to_take(demo, rule):
    seconds, megabytes = MEASURED[rule]
    for memory, runtime, _ in asked(demo, rule):
        assert memory > megabytes
        assert 60 * runtime > 1.5 * seconds


def test_what_jobs_ask_for_grows_with_the_model(pythia):
    for rule in (rule for rule in count_jobs(pythia) if NEEDS[rule].of_model):
        for smaller, larger in pairwise(pythia.models):
            assert memory_mb(pythia, rule, smaller) <= memory_mb(pythia, rule, larger), rule
            assert seconds_of(pythia, rule, smaller) <= seconds_of(pythia, rule, larger), rule


def grown(study, **concepts):
    spec = {**study.spec, "concepts": {**study.spec["concepts"], **concepts}}
    return replace(study, spec=spec)


def test_what_jobs_ask_for_grows_with_concepts_and_checkpoints(pythia):
    fewer = grown(pythia, only=pythia.concepts[:60])
    spec = {
        name: {**model, "checkpoints": model["checkpoints"][-2:]}
        for name, model in pythia.spec["models"].items()
    }
    shorter = replace(pythia, spec={**pythia.spec, "models": spec})
    for less in (fewer, shorter):
        for rule in (rule for rule in count_jobs(pythia) if not NEEDS[rule].of_model):
            assert memory_mb(less, rule) <= memory_mb(pythia, rule), rule
            assert minutes(less, rule) <= minutes(pythia, rule), rule
        for rule in ("measure_alignment", "measure_categories", "gather_experts"):
            # Of checkpoints some rules hold one at a time, however many there are.
            one_alone = less is shorter and rule != "measure_alignment"
            assert one_alone or memory_mb(less, rule) < memory_mb(pythia, rule), rule
            assert seconds_of(less, rule) < seconds_of(pythia, rule), rule


def test_a_job_that_runs_no_model_asks_for_no_gpu(pythia):
    assert {rule for rule in NEEDS if gpus(pythia, rule)} == RUN_A_MODEL


def test_the_profile_s_page_names_the_rules_that_take_a_gpu(root):
    block = (root / "slurm" / "README.md").read_text().split("### A type of GPU")[1].split("```")[1]
    named = yaml.safe_load(block.removeprefix("yaml"))["set-resources"]
    assert set(named) == {rule for rule, need in NEEDS.items() if need.gpu}
    assert all(resources == {"gpu_model": "a100"} for resources in named.values())


def test_what_limits_jobs_is_in_the_profile(root):
    profile = yaml.safe_load((root / "slurm" / "profile.yaml").read_text())
    limited = {resource.split("=")[0] for resource in profile["resources"]}
    assert limited == {"gpu", "download", "server"}
    assert "download=1," in (root / "workflow" / "rules" / "models.smk").read_text()


def test_a_study_for_processors_asks_for_no_gpu(demo):
    assert demo.spec["compute"]["device"] == "cpu"
    assert not any(gpus(demo, rule) for rule in NEEDS)


def test_a_model_that_is_not_known_yet_has_a_default():
    study = load_study("tests/data/specs/valid/everything.yaml", environment={"GOLGI_MODELS": "/models"})
    assert memory_mb(study, "collect_responses", "mine") == 16000
    assert asked_minutes(study, "collect_responses", "mine") == 240
    assert shard_size(study, "collect_responses", "mine") == 1


def suite(study, steps):
    models = {name: {**model, "checkpoints": steps} for name, model in study.spec["models"].items()}
    return replace(study, spec={**study.spec, "models": models})


STEPS = [0, *(2**power for power in range(10)), *range(1000, 143_001, 1000)]
LARGEST_MB, LONGEST_MINUTES = 256_000, 24 * 60
# Rules that may ask for more, in a study of 154 checkpoints, and why.
LARGER: dict[str, str] = {}


@pytest.mark.parametrize("steps", [None, STEPS])
def test_no_job_asks_for_more_than_a_node_has(pythia, steps):
    study = pythia if steps is None else suite(pythia, steps)
    for rule in set(count_jobs(study)) - set(LARGER):
        for memory, runtime, _ in asked(study, rule):
            assert memory <= LARGEST_MB, f"{rule}: {memory} MB"
            assert runtime <= LONGEST_MINUTES, f"{rule}: {runtime} minutes"


def test_what_is_read_part_by_part_asks_for_the_largest_part(pythia):
    few, many = suite(pythia, [0, 512]), suite(pythia, STEPS)
    for rule in ("gather_experts", "measure_categories"):
        assert memory_mb(few, rule) == memory_mb(many, rule) < 20_000
        assert minutes(few, rule) < minutes(many, rule)


def test_shards_keep_a_job_busy_for_a_quarter_of_an_hour(pythia):
    for rule, rules in SHARDED.items():
        for model in pythia.models:
            each = sum(20 + seconds_of(pythia, one, model) for one in rules)
            size = shard_size(pythia, rule, model)
            assert size == 1 or 300 <= size * each <= 1800
    sizes = [shard_size(pythia, "collect_responses", model) for model in pythia.models]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1


def test_every_checkpoint_is_in_one_shard(pythia):
    steps = list(range(0, 40_000, 1000))
    study = suite(pythia, steps)
    for rule in SHARDED:
        rows = [
            (model, one)
            for model, shard in shards(study, rule)
            for one in shard_rows(study, rule, model, shard)
        ]
        assert sorted(rows) == sorted(study.rows())
        for model, shard in shards(study, rule):
            for checkpoint in shard_rows(study, rule, model, shard):
                assert shard_of(study, rule, model, checkpoint) == shard


def test_a_checkpoint_added_at_the_end_moves_no_other(pythia):
    steps = list(range(0, 40_000, 1000))
    before, after = suite(pythia, steps), suite(pythia, [*steps, 40_000])
    for rule in SHARDED:
        for model, checkpoint in before.rows():
            found = shard_of(before, rule, model, checkpoint)
            assert shard_of(after, rule, model, checkpoint) == found


def test_a_cluster_is_sent_fewer_jobs_than_there_are(pythia):
    study = suite(pythia, list(range(0, 144_000, 1000)))
    jobs = count_jobs(study)
    sent = count_submissions(study, jobs)
    shared = {rule for rules in SHARDED.values() for rule in rules} | set(CLOSING)
    assert sent == sum(number for rule, number in jobs.items() if rule not in shared) + sum(
        len(shards(study, rule)) for rule in SHARDED
    )
    assert sent < 0.6 * sum(jobs.values())


def test_a_shard_asks_for_the_time_of_all_its_checkpoints(pythia):
    model = "pythia-70m"
    size = shard_size(pythia, "collect_responses", model)
    together = size * asked_minutes(pythia, "collect_responses", model)
    assert 60 * together >= size * seconds_of(pythia, "collect_responses", model) + 150
    assert together < 60
    # One that is left over is a job of its own with what closes the shard, and starts as slowly.
    alone = asked_minutes(pythia, "collect_responses", model) + asked_minutes(pythia, "gather_facts", model)
    assert 60 * alone >= 2 * (150 + seconds_of(pythia, "collect_responses", model))


def test_the_files_that_a_study_names_need_not_be_there(tmp_path):
    spec = yaml.safe_load(Path("config/studies/demo.yaml").read_text())
    missing = str(tmp_path / "missing.txt")
    spec["concepts"]["sentences"]["source"] = {"corpus": [missing]}
    file = tmp_path / "demo.yaml"
    file.write_text(yaml.safe_dump(spec))
    study = load_study(file)
    nothing = asked_minutes(study, "write_sentences")
    Path(missing).write_text("A dog ran. " * 5_000_000)
    assert asked_minutes(study, "write_sentences") > nothing


def test_a_download_changes_no_shard(pythia, tmp_path, monkeypatch):
    study = suite(pythia, [0, 1, 2, 512])
    before = [shard_size(study, rule, model) for rule in SHARDED for model in study.models]
    facts = '{"num_hidden_layers": 60, "hidden_size": 8192, "intermediate_size": 32768, "vocab_size": 50304}'
    monkeypatch.chdir(tmp_path)
    for model in study.models:
        folder = Path(study.folder(model, "512"))
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(facts)
    assert [shard_size(study, rule, model) for rule in SHARDED for model in study.models] == before
    assert memory_mb(study, "collect_responses", "pythia-70m") > 50_000
