"""Prompts: what they say of any part of speech, what they may hold, and what a stranger's cannot do."""

import hashlib
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golgi.errors import GolgiError
from golgi.study.lexicon import Concept, load_lexicon
from golgi.study.prompts import LARGEST_PROMPT, Prompt, load_prompt, variables_of

DOG = Concept(
    "dog", "dog", "dogs", "mammal", "noun", "a tame animal that barks", {}, ("poodle", "Jack Russell")
)
OTHERS = [
    Concept("sheep", "sheep", "sheep", "mammal", "noun", "a farm animal with a woolly coat"),
    Concept("run", "run", "runs", "motion", "verb", "to move fast on one's legs"),
    Concept("old", "old", "olds", "age", "adjective", "having lived for many years"),
    Concept("ice cream", "ice cream", "ice creams", "food", "noun", 'a "cold" sweet food, 100 % {{ word }}'),
]
SHIPPED = ("facts.v1", "stories.v1")


@pytest.fixture(params=SHIPPED)
def shipped(request, root) -> Prompt:
    return load_prompt(root / "config" / "prompts" / f"{request.param}.jinja")


def written(tmp_path: Path, text: str | bytes) -> Path:
    file = tmp_path / "prompt.jinja"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def refusal(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(GolgiError) as raised:
        load_prompt(written(tmp_path, text)).render(DOG, number=3)
    return str(raised.value)


def test_a_prompt_says_what_is_meant_and_how_many(shipped):
    asked = shipped.render(DOG, number=12)
    assert '"dog"' in asked
    assert "(noun)" in asked
    assert DOG.gloss in asked
    assert "poodle" not in asked  # it would put the word into the model's head
    assert re.search(r"Write 12 different", asked)
    assert "numbered list from 1 to 12" in asked
    assert {"word", "part_of_speech", "gloss", "number"} <= variables_of(shipped)


@pytest.mark.parametrize("concept", OTHERS, ids=lambda concept: concept.name)
def test_a_prompt_reads_well_with_any_part_of_speech(shipped, concept):
    asked = shipped.render(concept, number=3)
    assert concept.gloss in asked  # as it stands: a gloss is not a template
    assert "  " not in asked
    assert not re.search(r"\b[Aa]n? (?:noun|verb|adjective)|{%|%}|\n\n\n", asked)
    assert ('plural "' in asked) == (concept.part_of_speech == "noun" and concept.plural != concept.word)
    assert asked == asked.strip()


def test_the_two_prompts_ask_for_different_things(root):
    facts, stories = (load_prompt(root / "config" / "prompts" / f"{name}.jinja") for name in SHIPPED)
    assert "present tense" in facts.text
    assert "past tense" in stories.render(DOG, number=3)
    # The word in exactly this form is asked for, which a verb in the past tense is not.
    assert "past tense" not in stories.render(OTHERS[1], number=3)
    assert "single sentence" in stories.text
    assert facts.sha256 != stories.sha256


def test_a_kind_more_asks_nothing_anew(shipped):
    assert shipped.render(DOG, number=3) == shipped.render(replace(DOG, kinds=()), number=3)


def test_a_prompt_may_show_the_kinds(tmp_path):
    prompt = load_prompt(written(tmp_path, '{{ word }}: {{ kinds | join(", ") }}'))
    assert prompt.render(DOG, number=3) == "dog: poodle, Jack Russell"


def test_every_shipped_concept_can_be_asked_about(root, shipped):
    for file in sorted((root / "config" / "lexicons").glob("*.yaml")):
        for concept in load_lexicon(file).concepts:
            assert len(shipped.render(concept, number=10)) < 1500


def test_the_hash_is_that_of_the_file(tmp_path):
    file = written(tmp_path, "Write of {{ word }}.\r\n")
    prompt = load_prompt(file)
    assert prompt.sha256 == hashlib.sha256(b"Write of {{ word }}.\r\n").hexdigest()
    assert prompt.render(DOG, number=1) == "Write of dog."
    assert prompt.file == str(file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n{{ wrd }}", "prompt.jinja:2:1: unknown variable `wrd`. Did you mean `word`?"),
        ("{{ word }}\n{% if word %}", "prompt.jinja:2:1: not a Jinja template: Unexpected end of template"),
        ("{{ word }}\n\n{{ word", "prompt.jinja:3:1: not a Jinja template:"),
        ("{{ word }}\n{{ word is sweet }}", "prompt.jinja:2:1: not a Jinja template: No test named 'sweet'."),
        ("Write {{ number }} sentences.", "prompt.jinja:1:1: `word` is not mentioned"),
        ("{{ word }}" + "x" * LARGEST_PROMPT, "larger than 20,000 bytes"),
        (b"{{ word }} \xff", "not UTF-8 text"),
        ("{{ word }}{{ word | uper }}", "unknown filter `uper`. Did you mean `upper`?"),
        ("{{ word }}{% for one in word %}{% endfor %}", "a loop goes over `kinds`"),
        (
            "{{ word }}{% for a in kinds %}{% for b in kinds %}{% endfor %}{% endfor %}",
            "a loop within a loop",
        ),
        ("{% for kind in kinds %}{% endfor %}{{ word }}{{ kind }}", "cannot be filled in for `dog`"),
        ("{{ word }}{{ number is divisibleby 0 }}", "cannot be filled in for `dog`"),
        ("{{ word }}{{ number < word }}", "cannot be filled in for `dog`"),
        ("{{ word }}{% for kind in kinds %}" + "x" * 19_000 + "{% endfor %}" + "y" * 900, "cannot"),
    ],
)
def test_faults_are_named(tmp_path, text, words):
    if words == "cannot":
        concept = Concept("dog", "dog", "dogs", "mammal", "noun", "a dog", {}, tuple(map(str, range(1000))))
        with pytest.raises(GolgiError, match=r"characters for `dog`; at most 50,000 are sent"):
            load_prompt(written(tmp_path, text)).render(concept, number=3)
    else:
        assert words in refusal(tmp_path, text)


def test_all_faults_are_told_at_once(tmp_path):
    assert len(refusal(tmp_path, "{{ wrd }}\n{{ nmber }}\n{% set x = 1 %}").splitlines()) == 5


@pytest.mark.parametrize("file", ["none.jinja", "", "x" * 300, "\x00"])
def test_a_prompt_that_cannot_be_read_is_named(tmp_path, file):
    with pytest.raises(GolgiError, match="the file cannot be read"):
        load_prompt(tmp_path / file)


ATTACKS = [
    "{{ word.__class__.__mro__ }}",
    "{{ word['__class__'] }}",
    "{{ word | attr('__class__') }}",
    "{% include '/etc/passwd' %}",
    "{% import '/etc/passwd' as x %}",
    "{% extends '/etc/passwd' %}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ self }}",
    "{{ range(99999999) | join }}",
    "{{ 'x' * 10 ** 10 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ word | center(10000000000) }}",
    "{{ word | replace('', word) }}",
    "{% set a = word ~ word %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{{ kinds | join(kinds | join(kinds | join)) }}",
    "{% for a in kinds recursive %}{{ loop(kinds) }}{% endfor %}",
    "{{" + "(" * 5000 + "word" + ")" * 5000 + "}}",
    "{% if word %}" * 600 + "{% endif %}" * 600,
    "{{ word" + " ~ word" * 2000 + " ~ " + "-" * 2000 + "1 }}",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_strangers_prompt_is_refused_at_once(tmp_path, attack):
    start = time.process_time()
    said = refusal(tmp_path, "{{ word }}" + attack)
    assert time.process_time() - start < 2
    assert len(said) < 10_000
    assert "root:" not in said


MARKS = "{{ }} {% %} {# #} | ( ) ' ~ . + - * = [0]"
WORDS = "if for in kinds word number join else endif endfor set is not"
PARTS = st.sampled_from([*MARKS.split(), *WORDS.split(), " ", "\n", "\u202e"])


@given(st.lists(PARTS, max_size=30))
def test_any_text_is_a_prompt_or_says_why_not(tmp_path_factory, parts):
    file = written(tmp_path_factory.getbasetemp(), "{{ word }}" + "".join(parts))
    try:
        told = load_prompt(file).render(DOG, number=2)
    except GolgiError as error:
        told = str(error)
    assert "dog" in told or str(file) in told
