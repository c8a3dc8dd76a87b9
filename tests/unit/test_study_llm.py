"""A study whose sentences a language model writes: its fields, its checks, and its files."""

import re

import pytest
from written_study import ENVIRONMENT, VALID, loaded, shipped, source, with_writer

from golgi.command import main
from golgi.study import StudyError, load_study
from golgi.study.display import plan_page
from golgi.study.estimate import count_jobs, estimate
from golgi.study.needs import minutes
from golgi.study.targets import drawn, groundwork, tabled
from golgi.study.writing_checks import LANGUAGES, first_senses


@pytest.fixture(autouse=True)
def _in_root(root, monkeypatch):
    monkeypatch.chdir(root)


@pytest.fixture
def spec():
    return shipped()


def warned(study):
    return [warning.message for warning in study.warnings]


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
    assert study.figures[:2] == ["claims", "writing"]
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


SECRETS = [
    "sk-planted-0123456789abcdef",
    "sk_planted",
    "hf_plantedplantedplanted",
    "AKIAPLANTEDPLANTED23",
    "planted key",
    "Bearer planted",
    "http://planted",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_key_in_the_spec_is_refused_and_not_repeated(spec, tmp_path, capsys, secret):
    with pytest.raises(StudyError) as raised:
        with_writer(spec, tmp_path, {"server": "https://example.org/v1", "model": "m", "key": secret})
    said = str(raised.value)
    assert "writer.key" in said
    assert "Name the variable, never the key itself" in said
    assert main(["check", str(tmp_path / "written.yaml")]) == 1
    assert not re.search("planted", said + capsys.readouterr().err, re.IGNORECASE)


ADDRESSES = [
    "https://me:planted@example.org/v1",
    "https://planted@example.org/v1",
    "https://example.org/v1?key=planted",
    "https://example.org/v1#planted",
    "ftp://example.org/planted",
    "example.org/planted",
    "https:///planted",
    "https://example.org /planted",
    "https://example.org:port/planted",
    "http+unix://planted",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_plain(spec, tmp_path, address):
    with pytest.raises(StudyError) as raised:
        with_writer(spec, tmp_path, {"server": address, "model": "m"})
    assert "writer.server: not of the form that is wanted" in str(raised.value)
    assert "planted" not in str(raised.value)


@pytest.mark.parametrize(
    ("server", "is_open"),
    [
        ("http://example.org/v1", True),
        ("http://10.0.0.5:8000/v1", True),
        ("http://localhost.example.org", True),
        ("https://example.org/v1", False),
        ("http://localhost:8000/v1", False),
        ("http://127.0.0.2:8000", False),
        ("http://[::1]:8000/v1", False),
    ],
)
def test_a_key_over_an_open_network_is_a_warning(spec, tmp_path, server, is_open):
    writer = {"server": server, "model": "m", "key": "GOLGI_WRITER_KEY"}
    said = warned(with_writer(spec, tmp_path, writer))
    assert [line for line in said if "over http" in line] == said
    assert len(said) == is_open
    assert warned(with_writer(spec, tmp_path, writer | {"key": None})) == []


@pytest.mark.parametrize(
    ("name", "server", "is_meant"),
    [
        ("HF_TOKEN", "https://example.org/v1", False),
        ("AWS_SECRET_ACCESS_KEY", "https://awssecretaccesskey.com/v1", False),
        ("OPENAI_API_KEY", "https://openai.example.org/v1", False),
        ("OPENAI_API_KEY", "https://example.org/openai/v1", False),
        ("OPENAI_API_KEY", "https://api.openai.com/v1", True),
        ("OPEN_ROUTER_API_KEY", "https://openrouter.ai/api/v1", True),
        ("GOLGI_WRITER_KEY", "https://example.org/v1", True),
        ("HF_TOKEN", "http://localhost:8000/v1", True),
    ],
)
def test_a_spec_cannot_have_any_secret_sent_anywhere(spec, tmp_path, name, server, is_meant):
    writer = {"server": server, "model": "m", "key": name}
    if is_meant:
        assert with_writer(spec, tmp_path, writer).llm["writer"]["key"] == name
        return
    with pytest.raises(StudyError, match=f"what {name} holds would be sent to"):
        with_writer(spec, tmp_path, writer)


def test_words_with_a_trap_are_warnings_for_this_source_alone(spec, tmp_path):
    spec["concepts"] |= {"only": None, "categories": ["mammal", "plant"]}
    said = warned(loaded(spec, tmp_path))
    assert (
        "`plant`: the first dictionary sense is a building for industrial labor, a works; the gloss says "
        '"a living thing with roots and leaves". See that it is the sense you mean.'
    ) in said
    names = {line.split("`")[1] for line in said}
    assert {"plant", "tiger", "whale"} <= names <= set(first_senses())
    spec["concepts"] |= {"only": ["tiger", "dog"], "categories": None}
    spec |= {"analyses": {}, "claims": {}}
    spec["concepts"]["sentences"] |= {"negatives": 100}
    said = "\n".join(map(str, loaded(spec, tmp_path).warnings))
    assert "concepts.only[0]: `tiger`: the first dictionary sense" in said
    spec["concepts"]["sentences"]["source"] = {"files": ["README.md"]}
    assert not [line for line in warned(loaded(spec, tmp_path)) if "dictionary" in line]


def test_only_nouns_have_traps(spec, tmp_path):
    words = "part_of_speech: verb\ncategories: {a: {gloss: a}}\nconcepts:\n"
    words += (
        "  duck: {category: a, gloss: to bend down}\n  plant: {category: a, gloss: to put into the ground}\n"
    )
    (tmp_path / "verbs.yaml").write_text(words)
    spec["concepts"] = {"lexicon": str(tmp_path / "verbs.yaml"), "sentences": spec["concepts"]["sentences"]}
    spec["concepts"]["sentences"]["negatives"] = 100
    spec |= {"analyses": {}, "claims": {}}
    assert not [line for line in warned(loaded(spec, tmp_path)) if "dictionary" in line]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperature": 0}, "at 0 the same prompt gets the same reply"),
        ({"max_tokens": 100}, "10 sentences take about 300 tokens; with 100 replies are cut off"),
        ({"prompts": {"fact": "bare.jinja"}}, "does not mention `gloss`"),
        ({"prompts": {"fact": "bare.jinja"}}, "does not mention `number`"),
    ],
)
def test_what_would_go_wrong_is_a_warning(spec, tmp_path, changes, words):
    (tmp_path / "bare.jinja").write_text("Write of {{ word }}.")
    if "prompts" in changes:
        changes = {"prompts": {"fact": str(tmp_path / "bare.jinja")}}
    source(spec).update(changes)
    assert any(words in line for line in warned(loaded(spec, tmp_path)))


def test_one_request_may_be_answered_alike(spec, tmp_path):
    source(spec).update({"temperature": 0, "per_request": 50, "max_tokens": 2000})
    assert warned(loaded(spec, tmp_path)) == []


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
