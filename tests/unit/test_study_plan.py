"""The rows, folders, slices and fingerprints that a workflow takes from a study."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from golgi.study import StudyError, load_studies, load_study

VALID = Path("tests/data/specs/valid")
ENVIRONMENT = {"GOLGI_MODELS": "/models"}

pytestmark = pytest.mark.usefixtures("in_root")


@pytest.fixture
def study():
    return load_study(VALID / "everything.yaml", environment=ENVIRONMENT)


@pytest.fixture
def smallest():
    return load_study(VALID / "smallest.yaml")


def edited(tmp_path, *edits):
    text = (VALID / "everything.yaml").read_text()
    for old, new in edits:
        assert text.count(old) == 1
        text = text.replace(old, new)
    file = tmp_path / "everything.yaml"
    file.write_text(text)
    return load_study(file, environment=ENVIRONMENT)


def test_defaults_are_filled_in(smallest):
    assert smallest.spec["title"] == "smallest"
    assert smallest.spec["experts"]["thresholds"] == [0.5, 0.6, 0.7, 0.8, 0.9]
    assert smallest.spec["models"]["mini"]["source"]["train"]["learning_rate"] == 3e-3
    assert smallest.spec["analyses"] == {}
    assert smallest.spec["compute"] == {"device": "auto", "batch_tokens": 16384, "threads": 2}
    assert smallest.gpu == 1


def test_every_field_is_resolved(study):
    training = study.source("trained")["train"]
    assert training["documents"] == 1000
    assert type(training["documents"]) is int
    assert training["learning_rate"] == 1e-3
    assert study.source("own-text")["train"]["documents"] is None
    assert study.source("gpt2")["revision"] == "step{step}"
    assert study.source("mine")["directory"] == "/models/mine"
    assert study.gpu == 0


def test_rows(study):
    assert study.checkpoints("trained") == ["0", "1", "400", "untrained"]
    assert study.checkpoints("gpt2") == ["final", "untrained"]
    assert study.weights("gpt2") == ["final"]
    assert study.last_checkpoints == {
        "trained": "400",
        "own-text": "10",
        "pythia-70m": "143000",
        "gpt2": "final",
        "mine": "5",
    }
    assert len(study.rows()) == 3 + 1 + 3 + 1 + 1 + 5
    assert [study.step(name) for name in ("0", "143000", "final", "untrained")] == [0, 143000, None, None]
    assert study.trained() == ["trained", "own-text"]


def test_without_the_untrained_control_there_is_no_twin(tmp_path):
    edits = ("controls: [untrained]", "controls: []"), ("[400, 5, untrained]", "all")
    study = edited(tmp_path, *edits)
    assert "untrained" not in {checkpoint for _, checkpoint in study.graph_rows()}
    assert study.checkpoints("gpt2") == ["final"]


def test_folders(study):
    assert study.folder("trained", "1") == "results/everything/models/trained/step1"
    assert study.folder("trained", "untrained") == "results/everything/models/trained/step400"
    assert study.folder("pythia-70m", "512") == "resources/models/EleutherAI--pythia-70m/step512"
    assert study.folder("gpt2", "final") == "resources/models/openai-community--gpt2/main"
    assert study.folder("mine", "5") == "/models/mine/step5"


def test_files_and_downloads(study):
    fetched = "resources/references/men-4596e169dd23.txt"
    assert study.reference_files == {"ratings": "tests/data/specs/few-ratings.txt", "men": fetched}
    assert list(study.downloads) == [fetched]
    assert study.sentence_files == ["tests/data/specs/few.lexicon"]
    assert study.corpus_files("trained") == []
    assert study.corpus_files("own-text") == ["tests/data/specs/few.lexicon"]


def test_concepts_are_narrowed(study, smallest):
    assert study.concepts == ["cat", "dog", "car", "boat"]
    assert smallest.concepts == ["cat", "dog", "cow", "car", "boat"]


def test_tables_and_figures_follow_the_analyses(study, smallest):
    assert smallest.tables == ["concepts", "models", "counts", "distribution", "experts", "training"]
    assert smallest.figures == ["training_loss", "experts_by_layer", "ap_distribution", "threshold_sweep"]
    assert {"overlap", "categories", "alignment", "alignment_pairs"} <= set(study.tables)
    assert len(study.figures) == 23


def test_figure_options_are_one_figures(tmp_path, study):
    assert study.figure_options("overlap")["colours"] == "cividis"
    assert study.figure_options("overlap")["width_mm"] == 120
    assert study.figure_options("within_between")["width_mm"] == 90.5
    assert study.figure_options("within_between")["threshold"] == 0.8
    recoloured = edited(tmp_path, ("colours: cividis", "colours: magma"))
    changed = [
        name
        for name in study.figures
        if study.figure_fingerprint(name) != recoloured.figure_fingerprint(name)
        or study.figure_options(name) != recoloured.figure_options(name)
    ]
    assert changed == ["overlap"]


@pytest.mark.parametrize("field", ["title: Every field once", "question: Is every field read?"])
def test_what_a_study_is_called_and_asks_is_of_the_report_alone(tmp_path, study, field):
    other = edited(tmp_path, (field, f"{field} And more."))
    assert study.fingerprint() != other.fingerprint()
    assert [name for name in study.figures if drawn_from(study, name) != drawn_from(other, name)] == []
    assert study.drawings_fingerprint() == other.drawings_fingerprint()
    assert study.drawings_origin() == other.drawings_origin()


def drawn_from(study, figure):
    return study.figure_fingerprint(figure), study.figure_origin(figure), study.figure_options(figure)


def test_a_study_need_not_ask(smallest, study):
    assert smallest.spec["question"] is None
    assert study.spec["question"] == "Is every field read?"


def test_fingerprints_follow_what_they_name(tmp_path, study):
    other = edited(tmp_path, ("pooling: mean", "pooling: max"))
    assert study.fingerprint("experts") != other.fingerprint("experts")
    assert study.fingerprint("models", "concepts") == other.fingerprint("models", "concepts")
    assert study.fingerprint() != other.fingerprint()
    assert study.fingerprint(("models", "pythia-70m", "bos")) == other.fingerprint(
        ("models", "pythia-70m", "bos")
    )
    with pytest.raises(KeyError):
        study.fingerprint("experts.threshold")


def test_fingerprints_do_not_depend_on_where_the_data_are(study):
    elsewhere = load_study(VALID / "everything.yaml", environment={"GOLGI_MODELS": "/scratch"})
    assert study.fingerprint() == elsewhere.fingerprint()


def test_fingerprints_are_the_same_in_every_process():
    code = (
        "from golgi.study import load_study\n"
        f"study = load_study('{VALID.as_posix()}/smallest.yaml')\n"
        "print(study.fingerprint(), study.fingerprint('experts', 'seed'), study.figures, study.tables)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (0, 1, 12345)
    }
    assert len(printed) == 1


def test_reading_a_study_imports_nothing_heavy():
    code = (
        "import sys\nfrom golgi.study import load_study\n"
        f"load_study('{VALID.as_posix()}/smallest.yaml')\n"
        "heavy = {'torch', 'numpy', 'polars', 'transformers', 'matplotlib', 'requests', 'rich'}\n"
        "rooms = {name.split('.')[1] for name in sys.modules if name.startswith('golgi.')}\n"
        "print(sorted(heavy & set(sys.modules)), sorted(rooms))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[] ['errors', 'study']"


@pytest.mark.parametrize("studies", ["demo", ["demo"], "config/studies/demo.yaml", " demo ,demo"])
def test_studies_are_named_in_many_ways(studies):
    assert list(load_studies({"studies": studies})) == ["demo"]


@pytest.mark.parametrize(
    ("studies", "message"),
    [
        ("dmo", "Did you mean `demo`"),
        ([], "name at least one study"),
        (None, "name at least one study"),
        (7, "name at least one study"),
        ("no/such.yaml", "cannot be read"),
        (["dmo", "tests/data/specs/twice.yaml"], "given twice"),
    ],
)
def test_studies_that_are_not_there(studies, message):
    with pytest.raises(StudyError, match=message):
        load_studies({"studies": studies})


def test_two_studies_of_one_name(tmp_path):
    copy = tmp_path / "demo.yaml"
    copy.write_text(Path("config/studies/demo.yaml").read_text())
    with pytest.raises(StudyError, match=r"also the name of the study in config/studies/demo\.yaml"):
        load_studies({"studies": ["demo", str(copy)]})


def test_shipped_studies_are_in_order(tmp_path, monkeypatch):
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("A dog ran.")
    environment = {"GOLGI_CORPUS": str(corpus)}
    for file in sorted(Path("config/studies").glob("*.yaml")):
        study = load_study(file, environment=environment, check_files=True)
        assert not study.warnings
