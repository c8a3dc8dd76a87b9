"""Chunks of the atlas: what is put in comes out again, and nothing in them is code or markup."""

import base64
import json
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load

from golgi.atlas.chunks import Chunks, json_text, slices

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "\u2028",
    "\u202e",
    "${x}",
    '"',
    "\\",
    "'",
    "&amp;",
]
COLUMNS = {
    "ap": np.array([0.5, np.nan], np.float32),
    "best": np.array([[1, 65535]], np.uint16),
    "row": np.array([-1, 2**31 - 1], np.int32),
    "role": np.array([0, 255], np.uint8),
    "start": np.array([0, 2**32 - 1], np.uint32),
    "none": np.zeros((0, 8), np.float32),
}


def read_script(text: str) -> tuple[str, object, dict[str, np.ndarray]]:
    found = re.fullmatch(r'golgiChunk\(("[^"]*"),("(?:[^"\\]|\\.)*"),("[^"]*")\);\n', text)
    name, head, data = (json.loads(part) for part in found.groups())
    return name, json.loads(head), load(base64.b64decode(data)) if data else {}


def test_a_chunk_is_a_script_of_one_call(tmp_path):
    Chunks(tmp_path).add("units/mini/1500", {"texts": HOSTILE}, COLUMNS)
    text = (tmp_path / "units" / "mini" / "1500.js").read_text()
    name, head, columns = read_script(text)
    assert (name, head) == ("units/mini/1500", {"texts": HOSTILE})
    assert sorted(columns) == sorted(COLUMNS)
    for key, column in COLUMNS.items():
        assert columns[key].dtype == column.dtype
        np.testing.assert_array_equal(columns[key], column)


def test_a_chunk_in_the_page_is_a_block_of_data():
    chunks = Chunks(None)
    chunks.add("study", {"texts": HOSTILE})
    chunks.add("units/mini/1", {}, COLUMNS)
    first, second = chunks.blocks
    assert json.loads(first["json"]) == {"head": {"texts": HOSTILE}, "data": ""}
    assert sorted(load(base64.b64decode(json.loads(second["json"])["data"]))) == sorted(COLUMNS)


@given(st.text() | st.sampled_from(HOSTILE))
def test_no_text_ends_a_script_or_a_string(text):
    said = json_text({"a": text, text: [text]})
    assert json.loads(said) == {"a": text, text: [text]}
    assert said.isascii()
    assert not re.search(r"[<>&]", said)


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        json_text({"a": float("nan")})


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 100))
def test_slices_are_as_few_as_fit_in_order(sizes, limit):
    found = list(slices(sizes, limit))
    assert [place for start, stop in found for place in range(start, stop)] == list(range(len(sizes)))
    for start, stop in found:
        assert sum(sizes[start:stop]) <= limit or stop - start == 1
    for (start, stop), (_, after) in pairwise(found):
        assert sum(sizes[start : stop + 1]) > limit or after == stop


def test_the_same_columns_are_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        Chunks(tmp_path / name).add(
            "x", {"b": 1, "a": 2}, dict(sorted(COLUMNS.items(), reverse=name == "two"))
        )
    assert (tmp_path / "one" / "x.js").read_bytes() == (tmp_path / "two" / "x.js").read_bytes()
