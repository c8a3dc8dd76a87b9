"""A download from a stranger: where it may lead, how much it may be, and what is said of its address."""

import hashlib
import threading
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from golgi.errors import GolgiError
from golgi.statistics import references
from golgi.statistics.references import fetch_reference
from golgi.study.ratings import LARGEST

SECRET = "planted-7c1e"
CONTENT = b"cat dog 1\n"
SUM = hashlib.sha256(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Answers /to/ADDRESS with a redirection there; other paths with what their name says."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
        elif self.path.startswith("/round"):
            self.send_response(302)
            self.send_header("Location", "/round")
            self.end_headers()
        elif self.path.startswith("/rude"):
            self.wfile.write(b"\x1b[2J\x1b]0;owned\x07 nonsense\r\n\r\n")
        elif self.path.startswith("/short"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(CONTENT[:3])
        elif self.path.startswith("/evil"):
            self.send_response(500, "\x1b[31mred")
            self.end_headers()
        else:
            self.send_response(200)
            self.end_headers()
            self._pour(endless=self.path.startswith("/endless"))

    def _pour(self, *, endless: bool) -> None:
        try:
            while endless:
                self.wfile.write(b"0" * 2**20)
            self.wfile.write(CONTENT)
        except OSError:
            pass  # the other side has hung up, as it should

    def log_message(self, *_):
        pass


@contextmanager
def serve():
    """Yield a server's address, and the list of what it was asked for."""
    handler = type("Handler", (Server,), {"asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler.asked
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def server():
    with serve() as served:
        yield served


def refusal(url: str, tmp_path) -> str:
    with pytest.raises(GolgiError) as raised:
        fetch_reference(url=url, sha256=SUM, file=tmp_path / "got.txt")
    assert list(tmp_path.iterdir()) == []
    return str(raised.value)


def test_an_address_may_lead_on_to_another(server, tmp_path):
    address, _ = server
    fetch_reference(url=f"{address}/to/{address}/men.txt", sha256=SUM, file=tmp_path / "got.txt")
    assert (tmp_path / "got.txt").read_bytes() == CONTENT


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x", "gopher://x/y"]
)
def test_no_address_leads_to_another_kind_of_place(server, tmp_path, target):
    said = refusal(f"{server[0]}/to/{target}", tmp_path)
    assert f"an address of the kind `{target.partition(':')[0]}`" in said or "is not allowed" in said


def test_no_address_leads_from_a_sealed_connection_to_an_open_one():
    ask = urllib.request.Request("https://example.org/men.txt")
    lead = references._Redirects().redirect_request
    assert (
        lead(ask, None, 302, "", {}, "https://example.net/men.txt").full_url == "https://example.net/men.txt"
    )
    with pytest.raises(ValueError, match="of the kind `http`"):
        lead(ask, None, 302, "", {}, "http://example.net/men.txt")


def test_no_address_leads_on_for_ever(server, tmp_path):
    address, asked = server
    asked.clear()
    assert "cannot be fetched" in refusal(f"{address}/round", tmp_path)
    assert len(asked) < 30


def test_a_download_has_an_end(server, tmp_path):
    assert f"larger than {LARGEST}" in refusal(f"{server[0]}/endless", tmp_path)


def test_a_download_has_an_end_in_time(server, tmp_path, monkeypatch):
    monkeypatch.setattr(references, "LONGEST", -1)
    assert "it took more than" in refusal(f"{server[0]}/men.txt", tmp_path)


@pytest.mark.parametrize("rest", ["/rude", "/short", "/evil", "/\xfcmlaut", ":99999999/x", "]/x"])
def test_a_strange_answer_is_a_message(server, tmp_path, rest):
    said = refusal(server[0] + rest, tmp_path)
    assert "\x1b" not in said


@pytest.mark.parametrize("kind", ["file:///etc/passwd", "ftp://h/x", "//h/x", "/etc/passwd", "-o", "data:,x"])
def test_only_the_web_is_asked(tmp_path, kind):
    assert "references are fetched by https or http" in refusal(kind, tmp_path)


def test_no_message_tells_a_password_or_a_key(server, tmp_path):
    place = server[0].removeprefix("http://")
    for url in (
        f"http://me:{SECRET}@{place}/evil",
        f"http://{place}/evil?key={SECRET}",
        f"http://{place}/short?key={SECRET}#{SECRET}",
        f"http://me:{SECRET}@127.0.0.1/no-port",
    ):
        said = refusal(url, tmp_path)
        assert SECRET not in said
        assert "127.0.0.1" in said
