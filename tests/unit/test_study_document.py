"""YAML as people expect it, with places, and nothing in it that a spec does not need."""

import time

import pytest

from golgi.study.document import DEEPEST, LARGEST_FILE, MOST_VALUES, parse_document
from golgi.study.problems import StudyError, did_you_mean, field_name


def data(text: str):
    return parse_document(text.encode(), "spec.yaml").data


def problem(content: bytes):
    with pytest.raises(StudyError) as raised:
        parse_document(content, "spec.yaml")
    return raised.value.problems[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("3E2", 300.0),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("+7", 7),
        ("012", 12),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("12:30", "12:30"),
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("'1'", "1"),
        ('"true"', "true"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("2020-01-01", "2020-01-01"),
        ("=", "="),
    ],
)
def test_scalars_follow_yaml_1_2(text, value):
    found = data(f"field: {text}")["field"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_texts():
    assert data("{no: 1, 1: 2, null: 3, <<: 4}") == {"no": 1, "1": 2, "null": 3, "<<": 4}


def test_places_count_from_one():
    document = parse_document(b"a:\n  - 1\n  - {b: two}\n", "spec.yaml")
    assert document.values["a", 1, "b"] == (3, 9)
    assert document.keys["a", 1, "b"] == (3, 6)
    assert document.keys["a",] == (1, 1)
    assert str(document.problem(("a", 1, "b", "c"), "gone.")) == "spec.yaml:3:6 a[1].b.c: gone."


def test_byte_order_mark_and_line_ends():
    assert parse_document(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "spec.yaml").data == {"a": 1, "b": 2}


def test_folded_text_is_one_line():
    assert data("title: >\n  one\n  two\n") == {"title": "one two"}


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (b"a: 1\nb: \xff\n", (2, 4), "not UTF-8"),
        (b"a: 1\nb: \x00\n", (2, 4), "does not allow"),
        (b"a: 1\n\tb: 2\n", (2, 1), "tab"),
        (b"a: {b: [1, 2}\n", (1, 13), "not YAML"),
        (b"a: *one\n", (1, 4), "aliases"),
        (b"a: &one 1\n", (1, 4), "aliases"),
        (b"a: &one [*one]\n", (1, 4), "aliases"),
        (b"a: !!set {b}\n", (1, 4), "tags"),
        (b"a: 1\na: 2\n", (2, 1), "given twice; the first is in line 1"),
        (b"a: 1\n---\nb: 1\n", (2, 1), "second document"),
        (b"? [a]\n: 1\n", (1, 3), "a field's name"),
        (b'a: "one\\ntwo"\n', (1, 4), "one line"),
        (b"a: " + b"9" * 5000, (1, 4), "a number beyond"),
        (b"a: 1e999", (1, 4), "a number beyond"),
    ],
)
def test_refused(content, place, message):
    found = problem(content)
    assert (found.line, found.column) == place
    assert message in found.message


@pytest.mark.parametrize(
    "content",
    [
        b"a: " + b"[" * 300_000,
        b"a: " + b"{b: " * 100_000,
        b"- " * 300_000,
        b"a: [" + b"1, " * (MOST_VALUES + 1) + b"]",
        b"x" * (LARGEST_FILE + 1),
        b"\n".join(b"k%d: &k%d [%s]" % (n, n, b"*k0, " * 9) for n in range(9)),
    ],
)
def test_bombs_are_defused_at_once(content):
    start = time.process_time()  # of this process: a busy machine does not count
    problem(content)
    assert time.process_time() - start < 5


def test_nesting_that_is_allowed():
    nested = "a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    assert data(nested)


def test_names_of_fields_and_neighbours():
    assert field_name(("experts", "thresholds", 5)) == "experts.thresholds[5]"
    assert did_you_mean("threshold", ["sites", "thresholds"]) == " Did you mean `thresholds`?"
    assert did_you_mean("Cat", ["cat"]) == " Did you mean `cat`?"
    assert did_you_mean("zebra", ["cat"]) == ""
