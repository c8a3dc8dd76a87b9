"""A server in front of another that passes on, replays replies, or does what servers do on a bad day."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]
Fault = Callable[["Exchange"], None]


class FaultProxy:
    """A server at `url`; use as a context manager, and again after `die` to have it back at the same port.

    A request is answered by the next of `faults`, where that is not None. Else it gets what `replies` makes
    of its body: the text of a reply, or the whole body of an answer. Else it goes on to `upstream`, an
    address like `url`. `slow` seconds pass first. `asked` are the bodies of all requests in their order,
    `headers` their headers, `at` when they came in seconds, `most_in_flight` how many were under way at once.
    """

    def __init__(
        self,
        upstream: str | None = None,
        replies: Callable[[Body], str | dict] | None = None,
        faults: Iterable[Fault | None] = (),
        *,
        slow: float = 0.0,
    ):
        self.upstream, self.replies, self.slow = upstream, replies, slow
        self.asked: list[Body] = []
        self.headers: list[dict[str, str]] = []
        self.at: list[float] = []
        self.most_in_flight = self._in_flight = 0
        self._faults, self._lock, self._port = iter(faults), threading.Lock(), 0
        self._ended = threading.Event()

    def __enter__(self) -> "FaultProxy":
        self._ended.clear()
        handler = type("Handler", (Exchange,), {"proxy": self})
        self._server = _Listening(("127.0.0.1", self._port), handler)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.die()
        self._thread.join()

    @property
    def url(self) -> str:
        """The address that a study names."""
        return f"http://127.0.0.1:{self._port}/v1"

    def die(self) -> None:
        """Stop listening and drop all connections: from now on they are refused."""
        if not self._ended.is_set():
            self._ended.set()
            self._server.drop()
            threading.Thread(target=self._server.shutdown, daemon=True).start()

    def begin(self, body: Body, headers: dict[str, str]) -> Fault | None:
        """Note a request, and return what is to happen to it."""
        with self._lock:
            self.asked.append(body)
            self.headers.append(headers)
            self.at.append(time.monotonic())
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            return next(self._faults, None)

    def end(self) -> None:
        """Note that a request is over."""
        with self._lock:
            self._in_flight -= 1

    def wait(self, seconds: float) -> None:
        """Let time pass, but no longer than the server lives."""
        self._ended.wait(seconds)


class _Listening(ThreadingHTTPServer):
    daemon_threads, block_on_close, request_queue_size = True, False, 64

    def __init__(self, *args: Any):
        super().__init__(*args)
        self.open: set[socket.socket] = set()

    def process_request(self, request: socket.socket, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def drop(self) -> None:
        self.socket.close()
        for one in list(self.open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        """Nothing: that connections break is what this is for."""


class Exchange(BaseHTTPRequestHandler):
    """One connection; `body` and `received` are the request's body and its bytes."""

    proxy: FaultProxy
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_POST(self) -> None:
        self.received = self.rfile.read(int(self.headers["Content-Length"]))
        self.body = json.loads(self.received)
        sent = {name.title(): value for name, value in self.headers.items()}
        fault = self.proxy.begin(self.body, sent)
        try:
            self.proxy.wait(self.proxy.slow)
            (fault or Exchange.answer)(self)
            self.wfile.flush()
        finally:
            self.proxy.end()

    def answer(self) -> None:
        """Answer as a server in good health."""
        if self.proxy.replies is None:
            self.send(*self.fetch())
        else:
            reply = self.proxy.replies(self.body)
            self.send_json(200, completion(self.body, reply) if isinstance(reply, str) else reply)

    def fetch(self) -> tuple[int, bytes]:
        """Return status and body of what the server behind this one answers."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.proxy.upstream.removesuffix('/v1')}{self.path}", self.received, headers
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def send(self, status: int, content: bytes, length: int | None = None, **headers: str) -> None:
        """Send an answer; `length` is what it claims, `Retry_After="1"` becomes a header."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def send_json(self, status: int, data: Any, **headers: str) -> None:
        """Send data as JSON."""
        self.send(status, json.dumps(data).encode(), **headers)

    def hang_up(self) -> None:
        """Drop the connection after what was sent."""
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


def completion(body: Body, text: str | None, **message: Any) -> dict:
    """Return the body of an answer with a reply, as OpenAI describes it."""
    words = [len((one or "").split()) for one in (*(part["content"] for part in body["messages"]), text)]
    usage = {"prompt_tokens": sum(words[:-1]), "completion_tokens": words[-1], "total_tokens": sum(words)}
    message = {"role": "assistant", "content": text} | message
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    facts = {"id": "1", "object": "chat.completion", "created": 1, "model": body["model"]}
    return facts | {"choices": [choice], "usage": usage, "system_fingerprint": "fp_1"}


def status(code: int, message: str = "busy", **headers: str) -> Fault:
    """Answer with an error."""
    return lambda exchange: exchange.send_json(code, {"error": {"message": message}}, **headers)


def limited(seconds: int, *, date: bool = False) -> Fault:
    """Answer 429, to be asked again after a number of seconds, which may be told as a date."""
    told = lambda: formatdate(time.time() + seconds, usegmt=True) if date else str(seconds)  # noqa: E731
    return lambda exchange: status(429, "rate limit", Retry_After=told())(exchange)


def body(data: Any) -> Fault:
    """Answer 200 with other data than a reply."""
    return lambda exchange: exchange.send_json(200, data)


def dropped(exchange: Exchange) -> None:
    """Drop the connection without an answer."""
    exchange.hang_up()


def dropped_midway(exchange: Exchange) -> None:
    """Drop the connection in the middle of the answer's body."""
    exchange.send(200, b'{"choices": [{"mess', length=1000)
    exchange.hang_up()


def half_json(exchange: Exchange) -> None:
    """Answer with half a JSON body of the right length."""
    whole = json.dumps(completion(exchange.body, "1. A dog barks.")).encode()
    exchange.send(200, whole[: len(whole) // 2])


def silent(exchange: Exchange) -> None:
    """Never answer."""
    exchange.proxy.wait(60)
    exchange.hang_up()


def endless(exchange: Exchange) -> None:
    """Begin an answer and send a space ten times a second, for ever."""
    exchange.send(200, b"{", length=10**6)
    with suppress(OSError):
        while not exchange.proxy._ended.wait(0.1):
            exchange.wfile.write(b" ")
            exchange.wfile.flush()


def flood(exchange: Exchange) -> None:
    """Send much more than any answer has, of no told length."""
    exchange.send_response(200)
    exchange.send_header("Content-Type", "application/json")
    exchange.send_header("Connection", "close")
    exchange.end_headers()
    with suppress(OSError):
        for _ in range(1000):
            exchange.wfile.write(b" " * 2**20)
    exchange.hang_up()


def redirected(place: str) -> Fault:
    """Answer that the reply is to be had elsewhere."""
    return lambda exchange: exchange.send(307, b"", Location=place)


def told_key(exchange: Exchange) -> None:
    """Answer 401, and repeat the key that was sent."""
    sent = exchange.headers.get("Authorization", "")
    status(401, f"Incorrect key: {sent}, or {sent.removeprefix('Bearer ')}")(exchange)


def dies(exchange: Exchange) -> None:
    """Drop this connection and all others, and refuse new ones."""
    exchange.proxy.die()
