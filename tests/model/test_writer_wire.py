"""What goes to a writer's server and comes from it: the key goes there alone, and replies are plain text."""

import json
import logging
import socket
import threading
from contextlib import suppress
from dataclasses import replace

import httpx2
import pytest
from fault_proxy import FaultProxy, completion, redirected, status
from writer_asking import KEY, answers, bare_environment, make_requests, make_server, refusal, replay

from golgi.errors import GolgiError
from golgi.study.prompts import LONGEST_PROMPT
from golgi.writing.lines import encode_line
from golgi.writing.requests import MOST_CHARACTERS, Reply
from golgi.writing.transcript import LONGEST_LINE, Transcript
from golgi.writing.wire import CERTIFICATES, Fault, Secret, read_reply

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
        "http://127.0.0.1:99999/v1",
        "http://127.0.0.1:0/v1",
        "http://\u2603.invalid/v1",
    ],
)
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(GolgiError, match=r"concepts\.sentences\.source\.llm\.writer\.server: ") as raised:
        make_server(address)
    assert "password1" not in str(raised.value)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/chat/completions/", "/chat/completions"])
def test_the_base_is_named_and_not_what_is_asked_of_it(path):
    with pytest.raises(
        GolgiError, match=r"/chat/completions is added to the address. Name what stands before it"
    ):
        make_server(f"https://writer.invalid{path}")


def test_it_is_called_after_its_model_wherever_it_is():
    servers = [
        make_server("http://localhost:8000/v1/", price={"input": 1.0, "output": 2.0}),
        make_server("https://writer.invalid/v1", in_flight=1, key=None, leave_out=["seed"]),
    ]
    assert [(server.identity, server.batch) for server in servers] == [("writer", 1)] * 2


@pytest.mark.parametrize("left", [[], ["seed"], ["max_tokens", "temperature", "top_p", "seed"]])
def test_what_is_to_be_left_out_is_not_sent(left):
    with FaultProxy(replies=replay if "seed" not in left else lambda asked: "1. A dog barks.") as proxy:
        assert len(answers(make_server(proxy.url, leave_out=left), make_requests(2))) == 2
    for asked in proxy.asked:
        settings = {"seed", "temperature", "top_p", "max_tokens"} - set(left)
        assert set(asked) == {"model", "messages"} | settings


def test_what_nobody_foresaw_is_told_without_a_traceback(monkeypatch):
    async def fails(*args, **named):
        raise ExceptionGroup(f"{KEY} in several", [OverflowError("port")])

    monkeypatch.setattr(httpx2.AsyncHTTPTransport, "handle_async_request", fails)
    said = refusal(make_server("http://127.0.0.1:9/v1"), make_requests(3))
    assert "the request cannot be sent (ExceptionGroup: <key> in several (1 sub-exception))" in said
    assert "0 of 3 replies came" in said


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
        "x", "stop", 0, 0, ("<U+001B>[m" * 999)[:1000], ""
    )
    usage = {"prompt_tokens": 12, "completion_tokens": -1}
    assert read({"content": "x"}, usage=usage) == Reply("x", "stop", 12, 0)
    assert (
        read({"content": "x"}, usage={"prompt_tokens": True, "completion_tokens": 10**30}).prompt_tokens == 0
    )


@pytest.mark.parametrize("letter", ["\x7f", "\x01", "\u202e", "\U0001f600", "a", '"', "\ud800"])
def test_a_line_holds_whatever_reply_is_let_through(tmp_path, letter):
    reply = read({"content": letter * MOST_CHARACTERS}, model="\x7f" * 10**5)
    asked = replace(make_requests(1)[0], messages=(("user", "\x7f" * LONGEST_PROMPT),))
    assert len(encode_line(asked, reply)) < LONGEST_LINE
    own = Transcript(tmp_path / "own.jsonl")
    own.keep(asked, reply)
    assert Transcript(tmp_path / "own.jsonl").get(asked.key).sha256 == reply.sha256
    with pytest.raises(Fault, match="more than 1,000,000 characters"):
        read({"content": letter * (MOST_CHARACTERS + 1)})


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture
def listening(monkeypatch):
    """Yield what the proxy of the environment receives: the beginning of each connection to it."""
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        for name in PROXIES:
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.getsockname()[1]}")

        def listen() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        received.append(connection.recv(10_000))

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield received
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_server_on_this_machine_is_asked_without_a_proxy(listening):
    with FaultProxy(replies=replay) as here:
        for host in ("127.0.0.1", "localhost"):
            address = here.url.replace("127.0.0.1", host)
            assert len(answers(make_server(address), make_requests(2))) == 2
    assert len(here.asked) == 4
    assert {sent["Authorization"] for sent in here.headers} == {f"Bearer {KEY}"}
    assert listening == []


@pytest.mark.parametrize(
    "address",
    ["http://writer.invalid/v1", "https://127.0.0.1:9/v1", "https://[::1]:9/v1", "http://x.localhost:9"],
)
def test_a_key_that_a_proxy_could_read_is_not_given_to_it(listening, address):
    said = refusal(make_server(address, tries=1), make_requests(1))
    assert "the connection failed" in said
    assert listening == []


def test_what_a_proxy_cannot_read_may_go_by_it(listening):
    said = refusal(make_server("https://writer.invalid/v1", tries=1), make_requests(1))
    assert "the connection failed" in said
    (received,) = listening
    assert received.startswith(b"CONNECT writer.invalid:443 HTTP/1.1\r\n")
    assert KEY.encode() not in received


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALL_PROXY", "socks5://me:password1@127.0.0.1:9"),
        ("all_proxy", "socks://me:password1@127.0.0.1:9"),
        ("HTTPS_PROXY", "http://me:password1@:port"),
        ("SSL_CERT_FILE", "/password1/none.pem"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_in_plain_words(monkeypatch, name, value):
    for other in CERTIFICATES:
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    said = refusal(make_server("https://writer.invalid/v1"), make_requests(1))
    assert said.startswith(
        "concepts.sentences.source.llm.writer.server: https://writer.invalid/v1: what the "
    )
    assert f"Look at {name}: the address of a proxy begins with http://" in said
    assert "password1" not in said
    with FaultProxy(replies=replay) as here:
        assert len(answers(make_server(here.url), make_requests(1))) == 1
