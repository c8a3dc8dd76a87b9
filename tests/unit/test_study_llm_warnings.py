"""What is to be looked at twice, or cannot be, where a language model writes a study's sentences."""

import pytest
from written_study import loaded, shipped, source, warned, with_writer

from golgi.study import StudyError
from golgi.study.writing_warnings import first_senses

pytestmark = pytest.mark.usefixtures("in_root")


@pytest.fixture
def spec():
    return shipped()


def test_words_with_a_trap_are_warnings_for_this_source_alone(spec, tmp_path):
    spec["concepts"] |= {"only": None, "categories": ["mammal", "plant"]}
    said = warned(loaded(spec, tmp_path))
    assert (
        "`plant`: the first dictionary sense is a building for industrial labor, a works; the gloss says "
        '"a living thing with roots and leaves". See that it is the sense you mean.'
    ) in said
    names = {line.split("`")[1] for line in said if "dictionary" in line}
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


@pytest.mark.parametrize("changes", [{"temperature": 0}, {"max_tokens": 100}])
def test_what_is_not_sent_is_no_warning(spec, tmp_path, changes):
    source(spec).update(changes)
    source(spec)["writer"]["leave_out"] = ["seed", *changes]
    study = loaded(spec, tmp_path)
    assert study.llm["writer"]["leave_out"] == ["seed", *changes]
    assert study.warnings == ()


@pytest.mark.parametrize("wrong", [["seed", "seed"], ["sed"], "seed", [1]])
def test_only_settings_can_be_left_out(spec, tmp_path, wrong):
    source(spec)["writer"]["leave_out"] = wrong
    with pytest.raises(StudyError, match=r"writer\.leave_out"):
        loaded(spec, tmp_path)


def test_one_request_may_be_answered_alike(spec, tmp_path):
    source(spec).update({"temperature": 0, "per_request": 50, "max_tokens": 2000})
    assert warned(loaded(spec, tmp_path)) == []


def with_words(spec, folder, concepts):
    """The shipped study with a lexicon of its own: each concept's fields as YAML."""
    lines = [f"  {name}: {{category: a, {fields}}}" for name, fields in concepts.items()]
    words = ["part_of_speech: noun", "categories: {a: {gloss: a}}", "concepts:", *lines, ""]
    (folder / "words.yaml").write_text("\n".join(words))
    sentences = spec["concepts"]["sentences"] | {"negatives": 100}
    return spec | {
        "concepts": {"lexicon": str(folder / "words.yaml"), "sentences": sentences},
        "experts": {"thresholds": [0.9]},
        "analyses": {},
        "claims": {},
    }


GLOSSES = {
    "rain": "plural: rain, gloss: drops out of Clouds",
    "cloud": "gloss: what rain and other clouds and rainbows fall from",
    "polar bear": "gloss: 'a large white animal, the polar bear of the ice'",
    "bear": "gloss: 'a large animal, less so than polar-bears'",
    "ice": "gloss: what is frozen",
    "barn": "gloss: a bearable building for cloudy days",
}


def test_glosses_that_name_others_are_one_warning(spec, tmp_path):
    spec = with_words(spec, tmp_path, GLOSSES)
    (warning,) = loaded(spec, tmp_path).warnings
    assert str(warning.field).endswith("llm.gates.others")
    assert "name one: rain (cloud), cloud (rain), polar bear (ice), bear (polar bear)." in warning.message
    source(spec)["gates"] = {"others": False}
    assert warned(loaded(spec, tmp_path)) == []
    spec["concepts"]["sentences"]["source"] = {"files": ["README.md"]}
    assert warned(loaded(spec, tmp_path)) == []


def test_only_some_of_the_glosses_are_listed(spec, tmp_path):
    words = {f"word{number}": "gloss: not the other thing" for number in range(9)} | {"thing": "gloss: any"}
    (said,) = warned(loaded(with_words(spec, tmp_path, words), tmp_path))
    assert "word4 (thing) and 4 more." in said


def test_words_that_are_no_nouns_are_one_warning(spec, tmp_path):
    words = {
        "run": "part_of_speech: verb, gloss: to go fast",
        "old": "part_of_speech: adjective, gloss: aged",
    }
    (said,) = warned(loaded(with_words(spec, tmp_path, words | {"dog": "gloss: it barks"}), tmp_path))
    assert "not nouns: run (verb), old (adjective). Only the word itself and its `plural` count" in said


def test_another_language_wants_other_prompts(spec, tmp_path):
    (tmp_path / "fakten.jinja").write_text("{{ number }} {{ word }} {{ gloss }}")
    source(spec)["language"] = "de"
    assert len(warned(loaded(spec, tmp_path))) == 2
    source(spec)["prompts"]["fact"] = str(tmp_path / "fakten.jinja")
    (said,) = warned(loaded(spec, tmp_path))
    assert said.startswith("config/prompts/stories.v1.jinja is English")
    assert "`de`" in said


@pytest.mark.parametrize(
    ("fact", "story", "lines"),
    [
        ("stories.v2.jinja", "Facts.v2.jinja", 2),
        ("my-story.jinja", "mine.jinja", 1),
        ("facts-of-history.jinja", "stories-not-facts.jinja", 0),
    ],
)
def test_prompts_that_look_swapped_are_warnings(spec, tmp_path, fact, story, lines):
    for kind, name in (("fact", fact), ("story", story)):
        (tmp_path / name).write_text(f"{{{{ number }}}} {kind} {{{{ word }}}} {{{{ gloss }}}}")
        source(spec)["prompts"][kind] = str(tmp_path / name)
    said = warned(loaded(spec, tmp_path))
    assert len(said) == lines
    assert all("Are the two swapped?" in line for line in said)


def test_a_revision_that_moves_is_a_warning(spec, tmp_path):
    (said,) = warned(with_writer(spec, tmp_path, {"hub": "lab/writer"}))
    assert said.startswith("`main` moves")
    assert "commit of lab/writer" in said
    writer = {"hub": "lab/writer", "revision": "0a1b2c3d" * 5}
    assert warned(with_writer(spec, tmp_path, writer)) == []


@pytest.mark.parametrize("spelling", ["{}", "./{}", "resources/../{}", "{root}/{}"])
def test_the_own_transcript_is_not_named(spec, tmp_path, root, spelling):
    own = spelling.format("resources/transcripts/written.jsonl", root=root)
    source(spec)["transcripts"] = ["README.md", own]
    with pytest.raises(StudyError, match=r"transcripts\[1\]: .* is the study's own transcript"):
        loaded(spec, tmp_path)


def test_a_transcript_that_may_grow_is_a_warning(spec, tmp_path):
    source(spec)["transcripts"] = ["resources/transcripts/other.jsonl", "README.md"]
    (warning,) = loaded(spec, tmp_path, check_files=False).warnings
    assert warning.field.endswith("transcripts[0]")
    assert "Take a copy, and name that." in warning.message
