"""What follows from the section `graphs`: rows, units, texts, settings, tables, and the work it is."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from golgi.graphs.growing import Method, ablations
from golgi.study import StudyError, load_study
from golgi.study.display import plan_page
from golgi.study.estimate import count_jobs, estimate
from golgi.study.graph_estimate import count_units
from golgi.study.graphs import STAGES, VARIANTS, chosen_checkpoints
from golgi.study.needs import memory_mb, minutes
from golgi.study.schema import study_schema
from golgi.study.shapes import model_shape

VALID = Path("tests/data/specs/valid")
ENVIRONMENT = {"GOLGI_MODELS": "/models"}
STUDY = """\
study: graphs
models:
  mini: {source: {train: {corpus: microworld, layers: 3, context: 64}}, checkpoints: [0, 400], bos: true}
concepts:
  lexicon: tests/data/specs/few.lexicon
  sentences: {source: {templates: microworld}, positives: 100, negatives: 400}
experts: {thresholds: [0.5, 0.8]}
analyses: {overlap: {}}
"""
GRAPHS = """\
graphs:
  units: {layers: all, sample: 4}
  corpora: {build: microworld, shifted: sentences}
"""

pytestmark = pytest.mark.usefixtures("in_root")


@pytest.fixture
def everything():
    return load_study(VALID / "everything.yaml", environment=ENVIRONMENT)


@pytest.fixture
def read(tmp_path):
    def read(*edits, text=STUDY + GRAPHS, **options):
        for old, new in edits:
            assert text.count(old) == 1
            text = text.replace(old, new)
        file = tmp_path / "graphs.yaml"
        file.write_text(text)
        return load_study(file, environment={}, **options)

    return read


def messages(study):
    return [f"{warning.field}: {warning.message}" for warning in study.warnings]


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        ("last", ["400"]),
        ("all", ["0", "400", "untrained"]),
        (["untrained", 0], ["0", "untrained"]),
        ([7], []),
    ],
)
def test_checkpoints_are_chosen(choice, chosen):
    assert chosen_checkpoints(choice, ["0", "400", "untrained"]) == chosen


def test_a_model_read_as_it_is_has_a_last_checkpoint():
    assert chosen_checkpoints("last", ["final", "untrained"]) == ["final"]
    assert chosen_checkpoints(["final"], ["final", "untrained"]) == ["final"]


def test_rows_are_those_of_the_checkpoints(read, everything):
    assert read().graph_rows() == [("mini", "400")]
    assert everything.graph_rows()[:2] == [("trained", "400"), ("trained", "untrained")]
    assert ("mine", "5") in everything.graph_rows()
    assert ("gpt2", "final") not in everything.graph_rows()


def test_a_study_without_the_section_grows_nothing(read):
    study = read(text=STUDY)
    assert not study.has_graphs
    assert (study.graph_rows(), study.graph_tables, study.graph_files) == ([], [], {})
    assert (study.masked_lm, study.masked_lm_is_fetched) == (None, False)
    assert estimate(study).graphs == []
    assert not any("graph" in name for name in (*study.tables, *study.figures, *count_jobs(study)))


def test_units_are_plain_data(read, everything):
    assert everything.graph_units("trained") == {
        "experts": 2,
        "threshold": 0.8,
        "layers": [0, 1],
        "sites": ["mlp_pre", "mlp_post"],
        "sample": 20,
        "listed": [
            {"site": "mlp_pre", "layer": 1, "unit": 17},
            {"site": "mlp_pre", "layer": 0, "unit": 3},
        ],
    }
    assert everything.graph_units("mine")["listed"] == [{"site": "mlp_pre", "layer": 0, "unit": 3}]
    drawn = read(("sample: 4", "sample: null")).graph_units("mini")
    assert drawn["layers"] == "all"
    assert [drawn[key] for key in ("experts", "threshold", "sample", "listed")] == [None, None, None, []]


def test_layers_and_sites_are_those_of_the_units(read):
    assert read().graph_layers("mini") == [0, 1, 2]
    assert read(("layers: all", "layers: [2, 0]")).graph_layers("mini") == [0, 2]
    listed = read(("{layers: all, sample: 4}", "{list: [{layer: 1, unit: 9, site: resid_post}]}"))
    assert (listed.graph_layers("mini"), listed.graph_sites("mini")) == ([1], ["resid_post"])
    experts = read(("{layers: all, sample: 4}", "{experts: {}}"))
    assert (experts.graph_layers("mini"), experts.graph_sites("mini")) == ([0, 1, 2], ["mlp_post"])


def test_layers_that_are_not_known_before_the_download_are_asked_for(everything):
    advice = r"Fetch it first: snakemake --cores 1 resources/models/openai-community--gpt2/main$"
    with pytest.raises(StudyError, match=advice):
        everything.graph_layers("gpt2")
    assert everything.graph_layers("pythia-70m") == [0, 1, 2, 3, 4, 5]
    assert len(everything.unknown_layers()) == 1


def hub_model(name):
    trained = "{train: {corpus: microworld, layers: 3, context: 64}}, checkpoints: [0, 400]"
    return trained, f"{{hub: {name}}}, checkpoints: [512]"


def test_a_plan_can_be_made_before_the_download(read):
    study = read(hub_model("lab/unknown"), ("{layers: all, sample: 4}", "{experts: {}}"))
    assert [problem.field for problem in study.unknown_layers()] == ["graphs.units"]
    assert count_jobs(study)["grow_graphs"] == 1
    assert "one is counted" in str(plan_page(study).renderables[-1])
    assert "one is counted" not in str(plan_page(read()).renderables[-1])


def test_layers_that_are_named_need_not_be_known(read):
    study = read(hub_model("lab/unknown"), ("layers: all", "layers: [2, 0]"))
    assert study.unknown_layers() == []
    assert study.graph_layers("mini") == [0, 2]
    assert count_jobs(study)["grow_graphs"] == 2
    assert read(hub_model("EleutherAI/pythia-70m")).unknown_layers() == []


def test_a_stage_gets_what_it_takes_and_no_more(read, everything):
    assert everything.graph_settings("find") == {
        "window": 32,
        "exemplars": 10,
        "firings": 30,
        "fires": 0.6,
        "weakest": 0.4,
        "calibration": 50,
        "tokens": {"build": 10000},
    }
    assert everything.graph_settings("trace") == {"window": 32, "tokens": {"test": 4000, "shifted": 3000}}
    assert everything.graph_settings("score") == {"exemplars": 10, "fires": 0.6, "rate": 0.4}
    assert everything.graph_settings("grow")["augment"] == "masked_lm"
    assert "ablation" not in everything.graph_settings("grow")
    assert everything.graph_settings("grow", "ablate")["ablation"] == 3
    assert read((", shifted: sentences", "")).graph_settings("trace")["tokens"] == {"test": 100000}


def test_stages_take_what_the_method_takes():
    taken = {field.name for field in fields(Method)}
    assert set(STAGES["grow"]) - {"augment"} <= taken
    defaults = study_schema()["properties"]["graphs"]["properties"]
    assert all(
        list(field.default) == defaults[field.name]["default"]
        if isinstance(field.default, tuple)
        else field.default == defaults[field.name]["default"]
        for field in fields(Method)
        if field.name in STAGES["grow"]
    )
    assert tuple(ablations(Method())) == VARIANTS


def test_every_field_belongs_to_a_stage():
    fields = set(study_schema()["properties"]["graphs"]["properties"])
    taken = {field for stage in STAGES.values() for field in stage}
    assert fields - taken == {"units", "checkpoints", "corpora", "tokens"}
    assert taken <= fields


def test_texts(read, everything):
    assert everything.graph_corpora["build"] == "microworld"
    assert everything.graph_files == {
        "test": ["tests/data/specs/few-ratings.txt"],
        "shifted": ["tests/data/specs/two-ratings.txt"],
    }
    assert not everything.graphs_split
    assert read().graph_corpora == {"build": "microworld", "test": "microworld", "shifted": "sentences"}
    assert read().graphs_split


def test_one_text_in_any_order_is_split(read):
    study = read(("build: microworld", "build: [a.txt, b.txt], test: [b.txt, a.txt]"))
    assert study.graphs_split
    assert read(("build: microworld", "build: a.txt")).graph_files == {"build": ["a.txt"], "test": ["a.txt"]}


def test_the_masked_language_model_has_a_folder(read, everything):
    assert everything.masked_lm == "resources/models/distilbert--distilbert-base-uncased/main"
    assert everything.masked_lm_is_fetched
    assert count_jobs(everything)["fetch_model"] == 5
    local = read(("shifted: sentences}", "shifted: sentences}\n  augment: {masked_lm: {directory: lm}}"))
    assert (local.masked_lm, local.masked_lm_is_fetched) == ("lm", False)
    assert read().masked_lm is None


def test_tables_and_figures_are_those_of_the_section(read, everything):
    assert everything.graph_tables == [
        *("graph_units", "graph_scores", "graph_layers", "graph_ablation"),
        *("graph_nodes", "graph_pairs", "graph_experts", "graph_naming", "graph_gallery"),
    ]
    study = read(("shifted: sentences}", "shifted: sentences}\n  ablation: 0"))
    assert {"graph_ablation", "graph_experts", "graph_naming"}.isdisjoint(study.tables)
    assert [name for name in study.figures if "graph" in name] == ["graph_f1_by_layer", "graph_gallery"]


def test_graphs_leave_the_other_figures_alone(read):
    without, study = read(text=STUDY), read()
    for name in without.figures:
        assert study.figure_fingerprint(name) == without.figure_fingerprint(name)
        assert study.figure_options(name) == without.figure_options(name)


EVERY = ["graph_f1_by_layer", "graph_ablation", "graph_naming", "graph_gallery", "drawings"]
EDITS = {
    "units": ("{experts: {}, layers: all, sample: 5}", EVERY),
    "checkpoints": ("all", EVERY),
    "corpora": ("{build: microworld, shifted: a.txt}", EVERY),
    "tokens": ("{build: 5000}", EVERY),
    "window": ("40", EVERY),
    "exemplars": ("9", EVERY),
    "firings": ("9", EVERY),
    "weakest": ("0.4", EVERY),
    "keep": ("0.6", EVERY),
    "cap": ("9", EVERY),
    "importance": ("[0.6]", EVERY),
    "augment": ("none", EVERY),
    "substitute": ("0.7", EVERY),
    "candidates": ("9", EVERY),
    "calibration": ("9", EVERY),
    "silences": ("9", EVERY),
    "fires": ("0.6", EVERY),
    "rate": ("0.5", EVERY),
    "bootstraps": ("99", ["graph_f1_by_layer", "graph_ablation", "graph_naming"]),
    "ablation": ("3", ["graph_ablation"]),
    "drawings": ("3", ["drawings"]),
}


def test_every_field_is_edited():
    assert EDITS.keys() == set(study_schema()["properties"]["graphs"]["properties"])


def fingerprints(study):
    figures = {name: (study.figure_fingerprint(name), study.figure_options(name)) for name in study.figures}
    return {**figures, "drawings": study.drawings_fingerprint()}


@pytest.mark.parametrize("field", EDITS)
def test_a_figure_is_drawn_anew_for_what_it_rests_on(tmp_path, field):
    value, changed = EDITS[field]
    written = {
        "units": "{experts: {}, layers: all, sample: 4}",
        "corpora": "{build: microworld, shifted: sentences}",
    }
    found = []
    for section in (written, written | {field: value}):
        file = tmp_path / "graphs.yaml"
        file.write_text(STUDY + "graphs:\n" + "".join(f"  {key}: {one}\n" for key, one in section.items()))
        found.append(fingerprints(load_study(file, environment={})))
    before, after = found
    assert [name for name in before if before[name] != after[name]] == changed


def test_the_threshold_matters_where_experts_get_graphs(read):
    threshold = ("overlap: {}", "overlap: {threshold: 0.8}")
    experts = ("{layers: all, sample: 4}", "{experts: {}}")
    for edits, same in (((), True), ((experts,), False)):
        before, after = fingerprints(read(*edits)), fingerprints(read(threshold, *edits))
        assert [before[name] == after[name] for name in ("graph_gallery", "drawings")] == [same, same]


def test_no_other_text_is_a_warning(read):
    assert read().warnings == ()
    assert messages(read((", shifted: sentences", "")))[0].startswith("graphs.corpora.shifted: missing;")


def test_what_one_of_several_models_lacks_is_a_warning(read):
    small = "{source: {train: {corpus: microworld, layers: 1}}, checkpoints: [5], bos: true}"
    second = ("models:\n", f"models:\n  small: {small}\n")
    found = messages(read(second, ("layers: all", "layers: [0, 2]")))
    assert found == ["graphs.units.layers[1]: `small` has no layer 2; its layers are 0 to 0."]
    found = messages(read(second, ("shifted: sentences}", "shifted: sentences}\n  checkpoints: [400]")))
    assert found == ["graphs.checkpoints: `small` has none of these checkpoints and gets no graphs."]


def test_sentences_mined_from_the_build_text_are_a_warning(read):
    found = messages(
        read(("{templates: microworld}", "{corpus: [a.txt]}"), ("build: microworld", "build: a.txt"))
    )
    assert found[0] == (
        "graphs.corpora.shifted: the study's sentences come from a.txt, which graphs are grown from."
    )


def test_a_folder_tells_its_shape(read, tmp_path):
    facts = {"num_hidden_layers": 2, "hidden_size": 8, "vocab_size": 300, "max_position_embeddings": 40}
    (tmp_path / "config.json").write_text(json.dumps(facts))
    there = ("{train: {corpus: microworld, layers: 3, context: 64}}, checkpoints: [0, 400]", "{directory: X}")
    text = (STUDY + GRAPHS).replace(*there).replace("X", str(tmp_path))
    edits = ("layers: all", "layers: [1, 2]"), ("shifted: sentences}", "shifted: sentences}\n  window: 40")
    with pytest.raises(StudyError) as raised:
        read(*edits, text=text, check_files=True)
    shown = [problem.message for problem in raised.value.problems]
    assert shown == [
        "`mini` has no layer 2; its layers are 0 to 1.",
        "40 tokens and a begin-of-sequence token do not fit `mini`, whose context is 40.",
    ]
    assert read(*edits, text=text).graph_layers("mini") == [1]


def test_work_of_graphs(read):
    study = read()
    work = estimate(study).graphs[0]
    assert (work.checkpoints, work.units) == (1, 3 * 4)
    # Read once to build and once to score; each exemplar, firing and silence costs more than a context of 32.
    assert work.tokens > 1_200_000 + 12 * (20 + 60 + 20) * 32
    # Half precision of the calibration windows, 63 tokens long, and of what is scored.
    assert work.disk > 2 * 12 * (1000 * 63 + 200_000)
    assert len(plan_page(study).renderables) == 9


def test_units_are_counted_at_most(read, everything):
    assert count_units(everything, "pythia-70m", model_shape(everything, "pythia-70m")) == 2 * 4 + 2 * 40 + 1
    study = read(("sample: 4", "sample: null"))
    assert count_units(study, "mini", model_shape(study, "mini")) == 3 * 256


LARGE = [("layers: 3", "layers: 60, width: 4096"), ("sample: 4", "sample: null")]


STAGE_RULES = ["find_exemplars", "trace_texts", "grow_graphs", "ablate_graphs", "score_graphs"]


@pytest.mark.parametrize("rule", STAGE_RULES)
def test_what_jobs_ask_for(read, everything, rule):
    small = read()
    assert memory_mb(small, rule, "mini") < 4000
    assert minutes(small, rule, "mini") < 10
    assert memory_mb(everything, rule, "gpt2") == 16000
    assert minutes(everything, rule, "gpt2") == 240
    large = read(*LARGE)
    # 12 G parameters of four bytes, where a model is opened.
    assert (memory_mb(large, rule, "mini") > 60_000) is (rule != "score_graphs")
    texts = read(
        *LARGE, ("shifted: sentences}", "shifted: sentences}\n  tokens: {test: 10_000_000}".replace("_", ""))
    )
    assert minutes(texts, rule, "mini") > 30


def test_jobs_ask_for_more_of_what_they_hold(read):
    few, many = (
        read(*LARGE, ("shifted: sentences}", f"shifted: sentences}}\n  calibration: {number}"))
        for number in (10, 10_000)
    )
    for rule, more in zip(STAGE_RULES, (True, False, True, True), strict=False):
        assert (memory_mb(many, rule, "mini") > memory_mb(few, rule, "mini")) is more


@pytest.mark.parametrize(
    "field",
    ["ablation: 20", "exemplars: 30", "firings: 90", "silences: 30", "cap: 60", "tokens: {build: 2000000}"],
)
def test_more_is_more_work(read, field):
    more = read(("shifted: sentences}", f"shifted: sentences}}\n  {field}"), ("sample: 4", "sample: 40"))
    assert estimate(more).graphs[0].tokens > estimate(read(("sample: 4", "sample: 40"))).graphs[0].tokens


def test_nobody_to_ask_is_less_work(read):
    alone = read(("shifted: sentences}", "shifted: sentences}\n  augment: none"))
    assert estimate(alone).graphs[0].tokens < estimate(read()).graphs[0].tokens
