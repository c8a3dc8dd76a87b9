"""A writer behind a server: every fault is survived or told, nothing is asked twice, no secret is shown."""

import time

import pytest
from fault_proxy import (
    Exchange,
    FaultProxy,
    body,
    dies,
    dropped,
    dropped_midway,
    endless,
    flood,
    half_json,
    limited,
    silent,
    status,
    told_key,
)
from serving import free_port, serving
from writer_asking import answers, bare_environment, make_requests, make_server, refusal, replay

from golgi.errors import GolgiError
from golgi.writing.transcript import Transcript


@pytest.fixture(scope="session")
def served(small_writer):
    """The address of a real server with a small model."""
    with serving(small_writer) as address:
        yield address


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    bare_environment(monkeypatch)


def test_a_real_server_answers(served):
    requests = make_requests(3)
    with FaultProxy(served) as proxy:
        found = answers(make_server(proxy.url), requests)
    assert sorted(found) == [0, 1, 2]
    for reply in found.values():
        assert reply.finish in ("stop", "length")
        assert reply.prompt_tokens > 10
        assert 0 < reply.completion_tokens <= 24
        assert reply.model.startswith("writer")
    assert len({reply.text for reply in found.values()}) > 1
    for asked in proxy.asked:
        assert asked["messages"] == [{"role": "user", "content": requests[0].messages[0][1]}]
        assert {name: asked[name] for name in ("model", "temperature", "top_p", "max_tokens")} == {
            "model": "writer",
            "temperature": 1.0,
            "top_p": 0.95,
            "max_tokens": 24,
        }
    assert sorted(asked["seed"] for asked in proxy.asked) == sorted(one.sampling.seed for one in requests)


def test_a_real_server_with_every_fault_before_it(served, caplog):
    faults = [limited(1), status(500), dropped, half_json, dropped_midway, body({"choices": []}), status(503)]
    requests = make_requests(6)
    with FaultProxy(served, faults=faults) as proxy, caplog.at_level("WARNING"):
        found = answers(make_server(proxy.url), requests)
    assert sorted(found) == list(range(6))
    assert len(proxy.asked) == 6 + len(faults)
    assert len(caplog.records) == len(faults)


def test_an_unknown_model_is_told_in_the_servers_words(served):
    told = refusal(make_server(served, model="other"), make_requests(2, model="other"))
    assert "the answer is 400: Server is pinned to 'writer'; requested 'other'." in told
    assert "0 of 2 replies came" in told


PASSING = {
    "busy": (status(500), "the answer is 500: busy"),
    "gateway": (status(502), "the answer is 502"),
    "unavailable": (status(503), "the answer is 503"),
    "time-out there": (status(408), "the answer is 408"),
    "conflict": (status(409), "the answer is 409"),
    "limit": (status(429), "the answer is 429"),
    "dropped": (dropped, "the connection failed"),
    "dropped in mid body": (dropped_midway, "the connection failed"),
    "half JSON": (half_json, "the answer is no JSON, or half of one"),
    "no JSON": (lambda exchange: exchange.send(200, b"<html>Hello"), "the answer is no JSON"),
    "deep JSON": (lambda exchange: exchange.send(200, b"[" * 10**6), "the answer is no JSON"),
    "nothing": (lambda exchange: exchange.send(200, b""), "the answer is no JSON"),
    "no choices": (body({"id": "x"}), "the answer has no reply in it"),
    "empty choices": (body({"choices": []}), "the answer has no reply in it"),
    "choices are null": (body({"choices": None}), "the answer has no reply in it"),
    "no message": (body({"choices": [{"text": "x"}]}), "the answer has no reply in it"),
    "a list": (body([1]), "the answer has no reply in it"),
    "an error that is none": (body({"error": {"message": "boom"}}), "the answer has no reply in it: boom"),
    "no text": (body({"choices": [{"message": {"content": [1]}}]}), "the reply is no text"),
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_may_pass_is_tried_again(fault, caplog):
    happens, told = PASSING[fault]
    with FaultProxy(replies=replay, faults=[happens]) as proxy, caplog.at_level("WARNING"):
        found = answers(make_server(proxy.url), make_requests(1))
    assert found[0].text == replay(proxy.asked[0])
    assert len(proxy.asked) == 2
    (record,) = caplog.records
    assert told in record.message
    assert record.message.startswith("fact of dog, request 0: ")
    assert "; try 2 in 0.0" in record.message
    assert "\n" not in record.message


@pytest.mark.parametrize("fault", ["busy", "dropped", "half JSON", "no choices"])
def test_what_does_not_pass_is_given_up(fault):
    happens, told = PASSING[fault]
    with FaultProxy(faults=[happens] * 99) as proxy:
        said = refusal(make_server(proxy.url, tries=3, first_wait=0.01), make_requests(1))
    assert told in said
    assert proxy.url in said
    assert len(proxy.asked) == 3


@pytest.mark.parametrize("fault", [silent, endless], ids=["silent", "endless"])
def test_a_reply_that_never_ends_is_not_waited_for(fault):
    start = time.monotonic()
    with FaultProxy(replies=replay, faults=[fault]) as proxy:
        found = answers(make_server(proxy.url, timeout=0.5), make_requests(1))
    assert found[0].text == replay(proxy.asked[0])
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("date", [False, True], ids=["seconds", "date"])
def test_what_retry_after_says_is_waited_for_by_all(date):
    # A date is of whole seconds, so that the wait may seem a second shorter.
    wait, least = (2, 1.0) if date else (1, 1.0)
    with FaultProxy(replies=replay, faults=[limited(wait, date=date)]) as proxy:
        found = answers(make_server(proxy.url, in_flight=1), make_requests(3))
    assert len(found) == 3
    assert proxy.at[1] - proxy.at[0] >= least
    assert proxy.at[-1] - proxy.at[0] < wait + 10


def test_others_do_not_go_on_where_the_server_says_to_wait():
    with FaultProxy(replies=replay, faults=[limited(1)], slow=0.1) as proxy:
        answers(make_server(proxy.url, in_flight=2), make_requests(8))
    early = [at for at in proxy.at if at - proxy.at[0] < 1.0]
    assert len(early) <= 3  # those under way, and one that had begun before the other was told
    assert len(proxy.asked) == 9


def test_to_come_back_later_is_no_failure_but_not_for_ever():
    with FaultProxy(replies=replay, faults=[limited(0)] * 10) as proxy:
        answers(make_server(proxy.url, tries=2, first_wait=1e-4), make_requests(1))
    assert len(proxy.asked) == 11
    with FaultProxy(faults=[limited(0)] * 99) as proxy:
        said = refusal(make_server(proxy.url, tries=2, first_wait=1e-9), make_requests(1))
    assert "the answer is 429: rate limit.\n" in said
    assert len(proxy.asked) == 30


def test_a_wait_of_an_hour_is_not_waited_for():
    with FaultProxy(faults=[limited(3600)] * 9) as proxy:
        said = refusal(make_server(proxy.url), make_requests(1))
    assert "it says to wait for 3,600 seconds" in said
    assert len(proxy.asked) == 1


def test_the_bound_in_flight_is_kept():
    with FaultProxy(replies=replay, slow=0.05) as proxy:
        answers(make_server(proxy.url, in_flight=3), make_requests(18))
    assert proxy.most_in_flight == 3
    assert len(proxy.asked) == 18


FINAL = {
    "no such model": (
        status(404, "no model x"),
        "404: no model x. Look at `server`, which mostly ends in /v1",
    ),
    "forbidden": (status(403, "not you"), "the answer is 403: not you. Look at `key`"),
    "wrong key": (told_key, "the answer is 401: Incorrect key: Bearer <key>, or <key>. Look at `key`"),
    "no seed": (status(400, "Unrecognized request argument supplied: seed"), "add `seed` to `leave_out`"),
    "no max_tokens": (
        status(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."),
        "If the server or the model cannot be given `max_tokens`, add `max_tokens` to `leave_out`.",
    ),
    "not this seed": (status(400, "seeds are not for sale"), "400: seeds are not for sale.\n"),
    "control characters": (status(400, "\x1b[31mred\u202e\nline"), "400: <U+001B>[31mred<U+202E> line"),
    "long": (status(400, "word " * 10**5), "word ..."),
    "flood": (flood, "the answer has more than 3,000,000 bytes"),
    "told flood": (lambda e: e.send(200, b"", length=10**12), "the answer has more than 3,000,000 bytes"),
    "long text": (
        body({"choices": [{"message": {"content": "x" * 1_000_001}}]}),
        "the reply has more than 1,000,000 characters",
    ),
    "compressed": (
        lambda e: e.send(200, b"x", Content_Encoding="gzip"),
        "the answer is compressed, which was not asked for",
    ),
}


@pytest.mark.parametrize("fault", FINAL)
def test_what_cannot_pass_is_told_at_once(fault):
    happens, told = FINAL[fault]
    with FaultProxy(replies=replay, faults=[happens]) as proxy:
        said = refusal(make_server(proxy.url, in_flight=1), make_requests(3))
    assert told in said
    assert len(said) < 1000
    assert "\x1b" not in said
    assert len(proxy.asked) == 1


def test_a_server_that_is_not_there_is_told():
    said = refusal(
        make_server(f"http://127.0.0.1:{free_port()}/v1", tries=2, first_wait=0.01), make_requests(2)
    )
    assert "the connection failed" in said
    assert "0 of 2 replies came and are kept; run again to ask for the rest." in said


def test_nothing_is_asked_twice_after_a_death(tmp_path):
    requests = make_requests(12)
    own = tmp_path / "transcript.jsonl"
    proxy = FaultProxy(replies=replay, faults=[None] * 5 + [dies], slow=0.02)
    with proxy:
        server = make_server(proxy.url, in_flight=2, tries=2, first_wait=0.01)
        said = refusal(server, requests, Transcript(own).keep)
    kept = [one for one in requests if one.key in Transcript(own)]
    assert f"{len(kept)} of 12 replies came" in said
    assert 4 <= len(kept) <= 7  # what was under way may have come or not
    before = len(proxy.asked)
    with proxy:
        again = Transcript(own)
        missing = [one for one in requests if one.key not in again]
        make_server(proxy.url).answer(missing, again.keep)
    assert sorted(one["seed"] for one in proxy.asked[before:]) == sorted(one.sampling.seed for one in missing)
    undisturbed = Transcript(tmp_path / "other.jsonl")
    with FaultProxy(replies=replay) as calm:
        make_server(calm.url).answer(requests, undisturbed.keep)
    for one in requests:
        assert Transcript(own).get(one.key) == undisturbed.get(one.key)


def test_what_is_under_way_when_one_is_given_up_is_kept():
    def late(exchange: Exchange) -> None:
        exchange.proxy.wait(0.4)
        exchange.answer()

    with FaultProxy(replies=replay, faults=[late, late, status(403)]) as proxy:
        kept = []
        server = make_server(proxy.url, in_flight=3)
        said = refusal(server, make_requests(9), lambda request, reply: kept.append(request.draw))
    assert len(kept) == 2
    assert len(proxy.asked) == 3
    assert "2 of 9 replies came" in said


def test_those_that_wait_to_try_again_stop_when_one_is_given_up():
    start = time.monotonic()
    with FaultProxy(faults=[limited(30), status(401)], slow=0.05) as proxy:
        refusal(make_server(proxy.url, in_flight=2), make_requests(2))
    assert time.monotonic() - start < 15
    assert len(proxy.asked) == 2


def test_what_cannot_be_kept_ends_it():
    def full(request, reply):
        raise GolgiError("no space")

    with FaultProxy(replies=replay) as proxy:
        assert refusal(make_server(proxy.url), make_requests(9), full) == "no space"
