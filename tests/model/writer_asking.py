"""A writer behind a server, asked for facts about a dog."""

import os

import pytest

from golgi.errors import GolgiError
from golgi.writing.requests import Reply, Request, Sampling, seed_of
from golgi.writing.server import Server

KEY = "sk-verysecret123"


def bare_environment(monkeypatch) -> None:
    """Take from the environment what other programs or proxies go by, and put the writer's key there."""
    for name in list(os.environ):
        if name.startswith("OPENAI_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WRITER_KEY", KEY)


def make_requests(number, *, model="writer", tokens=24, kind="fact"):
    asked = (("user", "Write a numbered list of facts about a dog."),)
    sampling = [Sampling(1.0, 0.95, tokens, seed_of(1, "dog", kind, draw)) for draw in range(number)]
    return [Request("dog", kind, draw, asked, model, one) for draw, one in enumerate(sampling)]


def make_server(address, **changes):
    options = {"model": "writer", "key": "WRITER_KEY", "in_flight": 4, "timeout": 20.0, "first_wait": 0.05}
    return Server(server=address, **options | changes)


def answers(server, requests):
    """Replies by draw."""
    found: dict[int, Reply] = {}

    def keep(request, reply):
        assert request.draw not in found
        found[request.draw] = reply

    server.answer(requests, keep)
    return found


def refusal(server, requests, keep=lambda request, reply: None):
    with pytest.raises(GolgiError) as raised:
        server.answer(requests, keep)
    assert KEY not in str(raised.value)
    return str(raised.value)


def replay(asked):
    return f"1. Dog {asked['seed']} barks."
