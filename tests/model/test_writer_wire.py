"""What goes to a writer's server and comes from it: the key goes there alone, and replies are plain text."""

import json
import logging

import pytest
from fault_proxy import FaultProxy, completion, redirected, status
from writer_asking import KEY, answers, bare_environment, make_requests, make_server, refusal, replay

from golgi.errors import GolgiError
from golgi.writing.requests import Reply
from golgi.writing.wire import Secret, read_reply

TEXT = "1. A dog barks at night.\n2. Dogs are loyal."


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    bare_environment(monkeypatch)


def test_a_redirect_is_not_followed():
    with FaultProxy(replies=replay) as other:
        place = f"{other.url}/chat/completions"
        with FaultProxy(faults=[redirected(place)]) as proxy:
            said = refusal(make_server(proxy.url), make_requests(1))
    assert f"the answer is 307, to {place}; that is not followed" in said
    assert other.asked == []


def test_the_key_is_sent_there_and_shown_nowhere(caplog):
    faults = [told_key_later, status(500, f"what is {KEY}")]
    proxy = FaultProxy(faults=faults, replies=lambda asked: f"1. The key of a dog is {KEY}.")
    with proxy, caplog.at_level(logging.DEBUG):
        found = answers(make_server(proxy.url, in_flight=1), make_requests(1))
    assert found[0].text == "1. The key of a dog is <key>."
    assert {sent["Authorization"] for sent in proxy.headers} == {f"Bearer {KEY}"}
    assert KEY not in caplog.text
    assert "what is <key>" in caplog.text
    assert "numbered list" not in "".join(one.message for one in caplog.records if "golgi" in one.name)


def told_key_later(exchange):
    data = completion(exchange.body, None) | {"choices": [], "error": {"message": f"your key is {KEY}"}}
    exchange.send_json(200, data)


def test_nothing_is_sent_that_is_not_meant_for_this_server(monkeypatch):
    strangers = {
        "OPENAI_API_KEY": "sk-for-openai",
        "OPENAI_ADMIN_KEY": "sk-admin-12345",
        "OPENAI_ORG_ID": "org-1",
        "OPENAI_PROJECT_ID": "proj-1",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENAI_CUSTOM_HEADERS": "X-Gateway: secret\nAuthorization: Bearer other",
    }
    for name, value in strangers.items():
        monkeypatch.setenv(name, value)
    with FaultProxy(replies=replay) as proxy:
        answers(make_server(proxy.url, key=None), make_requests(1))
        answers(make_server(proxy.url), make_requests(1))
    expected = {"Host", "Accept", "Accept-Encoding", "Authorization", "Connection", "Content-Length"}
    for sent, key in zip(proxy.headers, ("none", KEY), strict=True):
        assert set(sent) == expected | {"Content-Type", "User-Agent", "X-Stainless-Raw-Response"}
        assert sent["User-Agent"] == "golgi"
        assert sent["Authorization"] == f"Bearer {key}"
        assert not any(value in json.dumps(sent) for value in strangers.values())


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "the environment variable WRITER_KEY is not set"),
        ("  ", "the environment variable WRITER_KEY is not set"),
        ("two words-of-a-secret", "WRITER_KEY holds cannot be a key"),
        ("clé-very-secret", "WRITER_KEY holds cannot be a key"),
    ],
)
def test_a_key_that_is_none_is_told_when_something_is_asked(monkeypatch, value, told):
    monkeypatch.delenv("WRITER_KEY") if value is None else monkeypatch.setenv("WRITER_KEY", value)
    with FaultProxy(replies=replay) as proxy:
        server = make_server(proxy.url)
        server.answer([], lambda request, reply: None)
        said = refusal(server, make_requests(1))
    assert said.startswith("concepts.sentences.source.llm.writer.key: ")
    assert told in said
    assert "secret" not in said
    assert proxy.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "localhost:8000",
        "ftp://host/v1",
        "http://",
        "http://me:password1@host/v1",
        "http://h/v1?k=1",
        "http://[::1",
    ],
)
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(GolgiError, match=r"concepts\.sentences\.source\.llm\.writer\.server: ") as raised:
        make_server(address)
    assert "password1" not in str(raised.value)


def test_facts_are_those_of_the_study():
    server = make_server("http://localhost:8000/v1/", price={"input": 1.0, "output": 2.0})
    assert (server.identity, server.batch) == ("writer", 1)
    assert server.facts() == {"server": "http://localhost:8000/v1", "model": "writer"}


def read(message, **fields):
    choice = {"message": message, "finish_reason": "stop"} | fields.pop("choice", {})
    return read_reply(json.dumps({"choices": [choice]} | fields).encode(), Secret(KEY))


def test_replies_are_read_as_servers_write_them():
    assert read({"content": TEXT}) == Reply(TEXT, "stop", 0, 0, "", "")
    assert read({"content": None, "reasoning_content": "Hm."}, choice={"finish_reason": "length"}) == Reply(
        "", "length", 0, 0
    )
    assert read({"content": None, "refusal": "I cannot."}) == Reply("I cannot.", "refused", 0, 0)
    assert read({"content": "x"}, choice={"finish_reason": "content_filter"}).finish == "refused"
    assert read({"content": "x"}, choice={"finish_reason": None}).finish == "unknown"
    assert read({}).text == ""
    assert read({"content": "half \ud800."}).text == "half \ufffd."
    assert read({"content": "x"}, model="\x1b[m" * 999, system_fingerprint=7) == Reply(
        "x", "stop", 0, 0, ("<U+001B>[m" * 999)[:200], ""
    )
    usage = {"prompt_tokens": 12, "completion_tokens": -1}
    assert read({"content": "x"}, usage=usage) == Reply("x", "stop", 12, 0)
    assert (
        read({"content": "x"}, usage={"prompt_tokens": True, "completion_tokens": 10**30}).prompt_tokens == 0
    )


def test_a_proxy_of_the_environment_is_asked(monkeypatch):
    with FaultProxy(replies=replay) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
        found = answers(make_server("http://writer.invalid/v1"), make_requests(1))
    assert found[0].text == replay(proxy.asked[0])
    assert proxy.headers[0]["Host"] == "writer.invalid"
