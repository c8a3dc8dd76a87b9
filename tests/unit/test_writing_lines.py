"""A line of a transcript is read as it was written, and a stranger's line is not believed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_writing_transcript import REPLY, request

from golgi.errors import OBEYED
from golgi.writing.lines import LineFault, decode_line, encode_line
from golgi.writing.requests import Reply
from golgi.writing.transcript import Transcript

any_text = st.text(st.characters(exclude_categories=()), max_size=60)


@given(any_text, any_text, any_text, any_text)
def test_what_is_kept_is_what_is_read_again_whatever_it_is(asked, text, finish, model):
    line = encode_line(request(text=asked), Reply(text, finish, 0, 10**9, model, ""))
    key, reply = decode_line(line)
    assert key == request(text=asked).key
    assert reply.text == "".join("\ufffd" if "\ud800" <= one <= "\udfff" else one for one in text)
    assert not OBEYED.search(reply.finish + reply.model)
    assert line.count(b"\n") == 1
    assert not OBEYED.search(line.decode())
    # To keep it again changes nothing more.
    assert decode_line(encode_line(request(text=asked), reply)) == (key, reply)


def altered(**changes) -> bytes:
    record = json.loads(encode_line(request(), REPLY))
    for name, value in changes.items():
        part, _, field = name.partition("_")
        record[part] = record[part] | {field: value} if field else value
    return json.dumps(record).encode() + b"\n"


HOSTILE = {
    "not utf-8": b"\xff\xfe\n",
    "nothing but zeros": b"\0" * 4096 + b"\n",
    "no json": b"{key}\n",
    "a number": b"7\n",
    "a list": b"[]\n",
    "deep": b"[" * 100_000 + b"\n",
    "deep group": b'{"a":' * 100_000 + b"\n",
    "no key": b'{"request": {}, "reply": {}}\n',
    "long number": b'{"key": ' + b"9" * 10_000 + b"}\n",
    "key of another type": altered(key=["a"]),
    "request of another type": altered(request=[]),
    "messages of another type": altered(request_messages={"role": "user"}),
    "message of another type": altered(request_messages=["Ten facts"]),
    "content of another type": altered(request_messages=[{"role": "user", "content": 7}]),
    "role missing": altered(request_messages=[{"content": "Ten facts about dogs."}]),
    "sampling missing": altered(request_sampling=None),
    "temperature too large": altered(
        request_sampling={"temperature": 10**400, "top_p": 1, "max_tokens": 1, "seed": 1}
    ),
    "temperature no number": altered(
        request_sampling={"temperature": float("nan"), "top_p": 1, "max_tokens": 1, "seed": 1}
    ),
    "temperature true": altered(
        request_sampling={"temperature": True, "top_p": 1, "max_tokens": 1, "seed": 1}
    ),
    "seed no whole number": altered(
        request_sampling={"temperature": 1, "top_p": 1, "max_tokens": 1, "seed": 1.5}
    ),
    "reply of another type": altered(reply="1. A dog barks."),
    "text of another type": altered(reply_text=["A dog barks."]),
    "text missing": altered(reply={"finish": "stop"}),
    "tokens below zero": altered(**{"reply_prompt_tokens": -1}),
    "tokens without number": altered(**{"reply_completion_tokens": 10**30}),
    "tokens true": altered(**{"reply_completion_tokens": True}),
    "model of another type": altered(reply_model=7),
    "model without end": altered(reply_model="m" * 10_000),
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_line_is_passed_over_and_those_around_it_are_read(tmp_path, caplog, line):
    path = tmp_path / "study.jsonl"
    before, after = (encode_line(request(draw), REPLY) for draw in (1, 2))
    path.write_bytes(b"\xef\xbb\xbf" + before + line + b"\n \r\n" + after)
    transcript = Transcript(path)
    assert [transcript.get(request(draw).key) for draw in range(3)] == [None, REPLY, REPLY]
    assert caplog.text.count("lines passed over") == 1
    assert "(line 2)" in caplog.text
    with pytest.raises(LineFault):
        decode_line(line)
