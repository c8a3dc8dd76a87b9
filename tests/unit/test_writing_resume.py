"""However the replies come and however often a run is stopped, it comes to the same bytes, and asks once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from writing_author import CONCEPTS, FILES, LLM, Author, Undisturbed, keys, run, written

from golgi.errors import GolgiError
from golgi.writing.requests import Reply, Request, Sampling


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Undisturbed:
    folder, author = tmp_path_factory.mktemp("undisturbed"), Author()
    return Undisturbed(folder, run(folder, author), author.asked)


@settings(max_examples=8)
@given(order=st.integers(0, 2**32), batch=st.sampled_from([1, 1, 3, 16]))
def test_replies_may_come_in_any_order(undisturbed, order, batch):
    with TemporaryDirectory() as folder:
        author = Author(order=order, batch=batch)
        assert run(Path(folder), author) == undisturbed.files
        assert sorted(keys(author.asked)) == sorted(keys(undisturbed.asked))


@settings(max_examples=8)
@given(st.data())
def test_a_run_that_is_stopped_after_any_number_of_replies_goes_on(undisturbed, data):
    total = len(undisturbed.asked)
    asked: list[Request] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        while len(asked) < total:
            author = Author(lives=data.draw(st.integers(1, total)), order=data.draw(st.integers(0, 9)))
            try:
                files = run(folder, author)
            except GolgiError:
                assert not any((folder / file).exists() for file in FILES)
            asked += author.asked
        assert sorted(keys(asked)) == sorted(keys(undisturbed.asked))
        assert files == undisturbed.files


class Batched(Author):
    """What it writes depends on the others of the batch, as with a local model."""

    def answer(self, requests, keep):
        parts = [requests[start : start + self.batch] for start in range(0, len(requests), self.batch)]
        self._together = {one.key: "".join(keys(part)) for part in parts for one in part}
        self._reply = lambda one: moved(one, sum(map(ord, self._together[one.key])) % 1000)
        super().answer(requests, keep)


def moved(request: Request, by: int) -> Reply:
    sampling = Sampling(1.0, 0.95, 500, request.sampling.seed + by)
    return written(Request(request.concept, request.kind, 0, request.messages, "author", sampling))


@settings(max_examples=8)
@given(st.data())
def test_batches_are_the_same_whatever_is_there_already(undisturbed_in_batches, data):
    with TemporaryDirectory() as name:
        folder, files = Path(name), None
        while files is None:
            author = Batched(batch=4, lives=data.draw(st.integers(15, 80)))
            try:
                files = run(folder, author)
            except GolgiError:
                assert author.asked
        assert files == undisturbed_in_batches


@pytest.fixture(scope="module")
def undisturbed_in_batches(tmp_path_factory) -> dict[str, bytes]:
    return run(tmp_path_factory.mktemp("batches"), Batched(batch=4))


def test_of_a_batch_that_lacks_one_reply_all_are_asked_for_and_no_other(undisturbed, tmp_path):
    lines = undisturbed.transcript.read_bytes().splitlines(keepends=True)
    (tmp_path / "transcript.jsonl").write_bytes(b"".join(lines[:5] + lines[6:]))
    author = Author(batch=4)
    assert run(tmp_path, author) == undisturbed.files
    assert keys(author.asked) == keys(undisturbed.asked)[4:8]


SLOW = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from writing_author import Author, run, written
def slowly(request):
    time.sleep(0.02)
    return written(request)
author = Author(reply=slowly)
run(Path({folder!r}), author)
"""


@pytest.mark.parametrize("after", [1, 17, 40])
def test_a_run_that_is_killed_goes_on(undisturbed, tmp_path, after):
    own = tmp_path / "transcript.jsonl"
    code = SLOW.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    job = subprocess.Popen([sys.executable, "-c", code])
    while not own.exists() or own.read_bytes().count(b"\n") < after:
        assert job.poll() is None
        time.sleep(0.002)
    os.kill(job.pid, signal.SIGKILL)
    job.wait()
    assert not any((tmp_path / file).exists() for file in FILES)
    there = own.read_bytes().count(b"\n")
    author = Author()
    assert run(tmp_path, author) == undisturbed.files
    assert len(author.asked) == len(undisturbed.asked) - there
    lines = own.read_bytes().splitlines()
    assert len(lines) == len({json.loads(line)["key"] for line in lines}) == len(undisturbed.asked)


MOODY = """
import random, sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_writing_resume import moved
from writing_author import Author, run
def moody(request):
    time.sleep(random.uniform(0, 0.01))
    return moved(request, random.randrange(10**6))
folder = Path({folder!r})
run(folder, Author(reply=moody, order={order}), transcript=folder.parent / "transcript.jsonl")
"""


def test_two_jobs_at_once_come_to_the_same_though_the_model_says_another_thing_each_time(tmp_path):
    folders = [tmp_path / name for name in "ab"]
    tests = str(Path(__file__).parent)
    codes = [
        MOODY.format(tests=tests, folder=str(folder), order=order) for order, folder in enumerate(folders)
    ]
    jobs = [subprocess.Popen([sys.executable, "-c", code]) for code in codes]
    assert [job.wait(timeout=120) for job in jobs] == [0, 0]
    one, other = ({file: (folder / file).read_bytes() for file in FILES} for folder in folders)
    author = Author()
    assert run(tmp_path / "c", author, transcript=tmp_path / "transcript.jsonl") == one == other
    assert author.calls == 0
    lines = (tmp_path / "transcript.jsonl").read_bytes().splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == len(lines)


ALL_GATES = LLM["gates"] | {"similar": 0.7, "language": 0.9, "kind": 0.9}


def test_with_every_gate_replies_may_come_in_any_order_and_the_run_be_stopped(tmp_path):
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    files = run(whole, Author(), gates=ALL_GATES)
    with pytest.raises(GolgiError):
        run(torn, Author(order=1, lives=50), gates=ALL_GATES)
    assert run(torn, Author(order=2), gates=ALL_GATES) == files
    assert json.loads(files["writer.json"])["gates"] == ALL_GATES


def test_a_transcript_answers_for_the_writer(undisturbed, tmp_path):
    author = Author()
    assert run(tmp_path, author, others=[undisturbed.transcript]) == undisturbed.files
    assert author.calls == 0
    assert not (tmp_path / "transcript.jsonl").exists()


def test_what_others_got_is_not_asked_for_again(undisturbed, tmp_path):
    theirs = tmp_path / "theirs.jsonl"
    lines = undisturbed.transcript.read_bytes().splitlines(keepends=True)
    theirs.write_bytes(b"".join(lines[::2]))
    author = Author()
    assert run(tmp_path, author, others=[theirs]) == undisturbed.files
    assert keys(author.asked) == keys(undisturbed.asked)[1::2]
    assert theirs.read_bytes() == b"".join(lines[::2])


def test_a_line_that_was_altered_is_asked_for_again(undisturbed, tmp_path):
    lines = undisturbed.transcript.read_text().splitlines()
    record = json.loads(lines[3])
    record["request"]["sampling"]["temperature"] = 0.0
    lines[3] = json.dumps(record)
    (tmp_path / "transcript.jsonl").write_text("\n".join(lines))
    author = Author()
    assert run(tmp_path, author) == undisturbed.files
    assert keys(author.asked) == keys(undisturbed.asked)[3:4]


def test_a_further_concept_asks_only_for_its_own(undisturbed, tmp_path):
    author = Author()
    run(tmp_path, author, others=[undisturbed.transcript], only=[*CONCEPTS, "horse"])
    assert {request.concept for request in author.asked} == {"horse"}
