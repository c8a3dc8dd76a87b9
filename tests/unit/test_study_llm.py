"""A study whose sentences a language model writes: its fields, its checks, and its files."""

import pytest
from written_study import ENVIRONMENT, VALID, loaded, shipped, source, with_writer

from golgi.study import StudyError, load_study
from golgi.study.display import plan_page
from golgi.study.estimate import count_jobs, estimate
from golgi.study.needs import minutes
from golgi.study.targets import drawn, groundwork, tabled
from golgi.study.writing_checks import LANGUAGES

pytestmark = pytest.mark.usefixtures("in_root")


@pytest.fixture
def spec():
    return shipped()


def test_every_field_is_resolved():
    study = load_study(VALID, environment=ENVIRONMENT)
    assert study.writer_kind == "server"
    assert study.llm["writer"]["key"] == "GOLGI_WRITER_KEY"
    assert study.llm["gates"]["language"] is study.llm["gates"]["kind"] is None
    assert study.prompt_files == ["config/prompts/facts.v1.jinja", "config/prompts/stories.v1.jinja"]
    assert study.transcripts == ["tests/data/specs/few-ratings.txt"]
    assert study.wanted_sentences() == {"fact": 50, "story": 51}


def test_defaults_are_filled_in(spec, tmp_path):
    spec["concepts"]["sentences"]["source"]["llm"] = {"writer": {"server": "http://[::1]:8000", "model": "m"}}
    study = loaded(spec, tmp_path)
    assert study.llm["writer"] == {
        "server": "http://[::1]:8000",
        "model": "m",
        "key": None,
        "in_flight": 8,
        "timeout": 120,
        "leave_out": [],
        "price": None,
    }
    assert study.llm["gates"]["similar"] == 0.7
    assert study.transcript == "resources/transcripts/written.jsonl"
    assert study.sentence_files == study.transcripts == []
    assert study.writer_folder is None


def test_a_writer_that_runs_here_has_a_folder(spec, tmp_path):
    hub = with_writer(spec, tmp_path, {"hub": "lab/writer"})
    assert hub.writer_folder == "resources/models/lab--writer/main"
    assert hub.llm["writer"] == {"hub": "lab/writer", "revision": "main", "dtype": "bfloat16", "batch": 16}
    (tmp_path / "config.json").write_text("{}")
    own = with_writer(spec, tmp_path, {"directory": str(tmp_path)})
    assert (own.writer_kind, own.writer_folder) == ("directory", str(tmp_path))
    assert own.llm["writer"]["dtype"] == "float32"


def test_other_sources_have_no_writer():
    study = load_study("tests/data/specs/valid/smallest.yaml")
    assert study.llm is study.writer_kind is study.writer_folder is None
    assert study.prompt_files == study.transcripts == []
    assert estimate(study).writing is None
    assert "ask_writer" not in count_jobs(study)
    assert not any("writ" in file for file in [*groundwork(study), *tabled(study), *drawn(study)])


def test_what_is_made():
    study = load_study("config/studies/written.yaml")
    assert study.warnings == ()
    assert study.tables[:2] == ["concepts", "writing"]
    assert (study.figures[0], study.figures[-1]) == ("writing", "claims")
    files = [
        f"results/written/sentences/{name}" for name in ("written.parquet", "replies.parquet", "writer.json")
    ]
    assert groundwork(study)[:4] == [*files, "results/written/sentences/pool.parquet"]
    assert "results/written/tables/writing.parquet" in tabled(study)
    assert "results/written/figures/writing.svg" in drawn(study)
    assert not {"threshold", "thresholds"} & set(study.figure_options("writing"))


def test_the_figure_follows_the_writing_and_no_models(spec, tmp_path):
    before = loaded(spec, tmp_path)
    spec["models"]["other"] = {"source": {"hub": "EleutherAI/pythia-160m"}, "bos": False}
    spec["experts"]["thresholds"] = [0.5, 0.6]
    after = loaded(spec, tmp_path)
    assert before._figure_slice("writing")["concepts"] == after._figure_slice("writing")["concepts"]
    assert set(after._figure_slice("writing")) == {"seed", "concepts", "figure"}


def test_a_fault_of_a_prompt_is_told_once_and_where_it_is(spec, tmp_path):
    file = tmp_path / "facts.jinja"
    file.write_text("Write of {{ word }}\nas a {{ sense }}.")
    source(spec)["prompts"] = {"fact": str(file)}
    with pytest.raises(StudyError) as raised:
        loaded(spec, tmp_path, check_files=False)
    assert str(raised.value).startswith(f"{file}:2:1: unknown variable `sense`.")
    assert len(raised.value.problems) == 1


def test_a_study_of_broken_sections_is_no_traceback(spec, tmp_path):
    for broken in (
        {"lexicon": 3},
        {"lexicon": "none.yaml"},
        {"only": ["dragon"]},
        {"sentences": {"source": {"llm": 3}}},
    ):
        with pytest.raises(StudyError):
            loaded(spec | {"concepts": spec["concepts"] | broken}, tmp_path)


def test_a_prompt_whose_place_is_not_known_can_wait():
    with pytest.raises(StudyError, match="GOLGI_PROMPTS is not set"):
        load_study(VALID, environment={})
    study = load_study(VALID, environment={}, allow_unset=True)
    assert estimate(study).writing is None
    assert plan_page(study).renderables
    assert minutes(study, "ask_writer") > 0


def test_languages_are_those_that_are_told_apart():
    langid = pytest.importorskip("py3langid")
    known = {str(code) for code, _ in langid.rank("Some sentence.")}
    assert {code for code in known if len(code) == 2} == LANGUAGES
