"""A transcript loses no reply, asks nothing twice, and believes no stranger's line."""

import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from golgi.errors import GolgiError
from golgi.writing import transcript as module
from golgi.writing.lines import decode_line, encode_line
from golgi.writing.requests import Reply, Request, Sampling
from golgi.writing.transcript import Transcript

REPLY = Reply("1. A dog barks.\n2. Das ist ein Hündchen. 狗", "stop", 120, 34, "writer-7b", "fp_1")


def request(draw: int = 0, text: str = "Ten facts about dogs.") -> Request:
    return Request("dog", "fact", draw, (("user", text),), "writer", Sampling(1.0, 0.95, 1000, draw))


def filled(path: Path, number: int) -> list[Request]:
    transcript = Transcript(path)
    requests = [request(draw) for draw in range(number)]
    for one in requests:
        transcript.keep(one, replace(REPLY, text=f"1. Reply {one.draw}."))
    return requests


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "transcripts" / "study.jsonl"


def test_a_reply_is_there_at_once_and_for_the_next_run(path):
    transcript = Transcript(path)
    assert transcript.get(request().key) is None
    transcript.keep(request(), REPLY)
    assert transcript.get(request().key) == Transcript(path).get(request().key) == REPLY
    assert request().key in Transcript(path)
    assert request(1).key not in Transcript(path)


def test_a_line_says_what_was_asked_what_for_and_what_came(path):
    filled(path, 1)
    record = json.loads(path.read_text())
    assert list(record) == ["key", "request", "about", "reply"]
    assert record["request"]["messages"] == [{"role": "user", "content": "Ten facts about dogs."}]
    assert record["about"] == {"concept": "dog", "kind": "fact", "draw": 0}
    assert record["reply"] == vars(replace(REPLY, text="1. Reply 0."))


def test_a_reply_is_on_the_disk_before_it_counts(path, monkeypatch):
    flushed = []
    monkeypatch.setattr(module.os, "fsync", lambda descriptor: flushed.append(os.fstat(descriptor).st_size))
    filled(path, 2)
    sizes = [len(line) for line in path.read_bytes().splitlines(keepends=True)]
    assert flushed[::2] == [sizes[0], sum(sizes)]  # the folder in between, which the first line is new to


def test_the_first_reply_to_a_request_counts(path):
    transcript = Transcript(path)
    transcript.keep(request(), REPLY)
    transcript.keep(request(), replace(REPLY, text="Another."))
    assert transcript.get(request().key) == REPLY
    assert len(path.read_bytes().splitlines()) == 1


def test_of_two_replies_in_a_file_the_first_counts_and_the_other_is_told(path, caplog):
    caplog.set_level(logging.INFO)
    path.parent.mkdir()
    other = encode_line(request(), replace(REPLY, text="Another."))
    path.write_bytes(encode_line(request(), REPLY) + other)
    assert Transcript(path).get(request().key) == REPLY
    assert "1 replies to requests that had one already are not used" in caplog.text


def test_a_file_torn_anywhere_gives_its_whole_lines_and_takes_new_ones(tmp_path):
    whole = tmp_path / "whole.jsonl"
    requests = filled(whole, 2)
    content = whole.read_bytes()
    ends = [number for number, byte in enumerate(content, start=1) if byte == ord("\n")]
    near_ends = {end + step for end in ends for step in range(-3, 3)}
    for size in sorted({*range(0, len(content), 11), *near_ends}):
        path = tmp_path / "torn.jsonl"
        path.write_bytes(content[:size])
        transcript = Transcript(path)
        # A line that lacks no more than its newline is whole.
        there = [one for one in requests if one.key in transcript]
        assert there == requests[: sum(size >= end - 1 for end in ends)]
        for one in (*requests, request(7)):
            transcript.keep(one, REPLY)
        again = Transcript(path)
        assert all(again.get(one.key) == transcript.get(one.key) for one in (*requests, request(7)))
        assert path.read_bytes().startswith(content[:size])
        assert again.get(request(7).key) == REPLY


def test_a_torn_line_is_told_and_stays(path, caplog):
    filled(path, 2)
    path.write_bytes(path.read_bytes()[:-10])
    transcript = Transcript(path)
    assert "1 lines passed over: cut off, as by a run that was killed (line 2)" in caplog.text
    transcript.keep(request(1), REPLY)
    caplog.clear()
    assert Transcript(path).get(request(1).key) == REPLY
    assert "1 lines passed over: no JSON (line 2)" in caplog.text


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("request", "model", "another"),
        ("request", "messages", [{"role": "user", "content": "Ten facts about cats."}]),
        ("request", "messages", []),
        ("request", "sampling", {"temperature": 0.0, "top_p": 0.95, "max_tokens": 1000, "seed": 0}),
        (None, "key", "0" * 64),
    ],
)
def test_an_altered_line_is_passed_over_and_counted(path, caplog, part, field, value):
    filled(path, 2)
    lines = path.read_text().splitlines()
    record = json.loads(lines[0])
    (record[part] if part else record)[field] = value
    path.write_text("\n".join([json.dumps(record), lines[1]]) + "\n")
    transcript = Transcript(path)
    assert transcript.get(request(0).key) is None
    assert "0" * 64 not in transcript
    assert transcript.get(request(1).key)
    assert "1 lines passed over: the key is not that of the request (line 1)" in caplog.text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.data())
def test_bytes_changed_anywhere_are_no_other_error(tmp_path, data):
    content = bytearray(b"".join(encode_line(request(draw), REPLY) for draw in range(3)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.jsonl"
    path.write_bytes(content)
    transcript = Transcript(path)
    transcript.keep(request(9), REPLY)
    assert Transcript(path).get(request(9).key) == REPLY


def test_a_line_without_end_is_refused_where_it_is(path, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_LINE", 2000)
    filled(path, 2)
    with path.open("ab") as file:
        file.write(b" " * 5000)
    with pytest.raises(GolgiError, match=r"study\.jsonl:3: a line of more than 2,000 bytes"):
        Transcript(path)


def test_the_limit_is_ten_megabytes(path):
    assert module.LONGEST_LINE == 10_000_000
    with pytest.raises(GolgiError, match="A reply about dog cannot be kept: it has more than 10,000,000"):
        Transcript(path).keep(request(), replace(REPLY, text="a" * 10_000_000))
    assert not path.exists()


def test_what_could_not_be_read_again_is_not_kept(path):
    for reply in (
        replace(REPLY, text=None),
        replace(REPLY, prompt_tokens=-5),
        replace(REPLY, model="m" * 5000),
    ):
        with pytest.raises(GolgiError, match="A reply about dog cannot be kept: `"):
            Transcript(path).keep(request(), reply)
    assert not path.exists()


def test_transcripts_of_others_are_read_and_never_changed(path, tmp_path):
    theirs = tmp_path / "theirs.jsonl"
    filled(theirs, 2)
    theirs.write_bytes(theirs.read_bytes()[:-1])
    content = theirs.read_bytes()
    theirs.chmod(0o400)
    transcript = Transcript(path, [theirs])
    assert transcript.get(request(1).key).text == "1. Reply 1."
    transcript.keep(request(1), REPLY)
    assert not path.exists()
    transcript.keep(request(2), REPLY)
    assert (theirs.read_bytes(), len(path.read_bytes().splitlines())) == (content, 1)


def test_what_a_study_got_itself_comes_before_what_others_got(path, tmp_path):
    theirs = tmp_path / "theirs.jsonl"
    filled(theirs, 1)
    Transcript(path).keep(request(0), REPLY)
    assert Transcript(path, [theirs, path]).get(request(0).key) == REPLY


@pytest.mark.parametrize("fault", ["missing", "folder"])
def test_a_transcript_that_cannot_be_read_is_named(path, tmp_path, fault):
    theirs = tmp_path / "theirs.jsonl"
    if fault == "folder":
        theirs.mkdir()
    with pytest.raises(GolgiError, match=r"theirs\.jsonl cannot be read: "):
        Transcript(path, [theirs])


def test_a_transcript_that_was_changed_meanwhile_is_told(path):
    filled(path, 3)
    transcript = Transcript(path)
    path.write_bytes(path.read_bytes()[5:])
    with pytest.raises(GolgiError, match="was changed while it was read"):
        transcript.get(request(1).key)


def test_what_another_job_added_is_found_and_comes_first(path):
    one, other = Transcript(path), Transcript(path)
    one.keep(request(0), REPLY)
    other.keep(request(0), replace(REPLY, text="Later."))
    assert other.get(request(0).key) == REPLY
    one.keep(request(1), REPLY)
    other.catch_up()
    assert other.get(request(1).key) == REPLY
    assert len(path.read_bytes().splitlines()) == 2


ADDING = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_writing_transcript import REPLY, Transcript, replace, request
transcript = Transcript(Path({path!r}))
for draw in range({start}, {stop}):
    transcript.keep(request(draw % 150), replace(REPLY, text="{name} " + "long " * 3000))
print([transcript.get(request(draw % 150).key).text[0] for draw in range({start}, {stop})])
"""


def test_processes_that_add_at_once_agree_on_every_reply(path):
    places = {"a": (0, 150), "b": (0, 150), "c": (50, 200)}
    codes = [
        ADDING.format(tests=str(Path(__file__).parent), path=str(path), start=start, stop=stop, name=name)
        for name, (start, stop) in places.items()
    ]
    jobs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for code in codes]
    told = [json.loads(job.communicate(timeout=120)[0].decode().replace("'", '"')) for job in jobs]
    lines = path.read_bytes().splitlines()
    assert len(lines) == len({decode_line(line)[0] for line in lines}) == 150
    transcript = Transcript(path)
    for (start, stop), firsts in zip(places.values(), told, strict=True):
        assert firsts == [transcript.get(request(draw % 150).key).text[0] for draw in range(start, stop)]


def test_a_run_that_is_killed_while_it_adds_leaves_whole_lines(path):
    code = ADDING.format(tests=str(Path(__file__).parent), path=str(path), start=0, stop=150, name="k")
    job = subprocess.Popen([sys.executable, "-c", code])
    while not path.exists() or path.stat().st_size < 100_000:
        assert job.poll() is None
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    transcript = Transcript(path)
    there = [draw for draw in range(150) if request(draw).key in transcript]
    assert there == list(range(len(there)))
    assert len(there) > 5
    transcript.keep(request(149), REPLY)
    assert request(149).key in Transcript(path)


def test_a_full_disk_is_told_and_what_was_kept_stays(small_disk):
    path = small_disk / "study.jsonl"
    transcript, kept = Transcript(path), -1

    def fill() -> None:
        nonlocal kept
        for kept in range(100):
            transcript.keep(request(kept), replace(REPLY, text="a" * 3000))

    with pytest.raises(GolgiError, match=r"cannot be written: No space left on device\. Make room there"):
        fill()
    assert kept > 5
    assert transcript.get(request(kept).key) is None
    assert [request(draw).key in Transcript(path) for draw in (0, kept - 1, kept)] == [True, True, False]
    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    transcript.keep(request(kept), REPLY)
    again = Transcript(path)
    assert all(request(draw).key in again for draw in range(kept + 1))


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    (tmp_path / "transcripts").write_text("a file where a folder should be")
    with pytest.raises(GolgiError, match=r"study\.jsonl cannot be written"):
        Transcript(tmp_path / "transcripts" / "study.jsonl").keep(request(), REPLY)


def test_a_disk_without_locks_has_to_do(path, monkeypatch):
    def refuse(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(module.fcntl, "flock", refuse)
    assert len(filled(path, 3)) == 3
    assert request(2).key in Transcript(path)
