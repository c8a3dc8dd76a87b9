"""A small server that speaks as much of the hub's protocol as a download needs, and breaks off on request."""

import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OLD_COMMIT = "fedcba9876543210fedcba9876543210fedcba98"


@dataclass
class Hub:
    """Models by name: files by revision. `refused` names files whose download fails."""

    models: dict[str, dict[str, dict[str, bytes]]]
    address: str = ""
    refused: set[str] = field(default_factory=set)
    served: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def commit(self, revision: str) -> str:
        """The commit of a revision; a commit is its own revision."""
        return {"main": COMMIT, "step0": OLD_COMMIT}.get(revision, revision)

    def files(self, name: str, revision: str) -> dict[str, bytes] | None:
        """The files of a revision or commit; None where there is no such one."""
        revisions = {self.commit(key): files for key, files in self.models[name].items()}
        return revisions.get(self.commit(revision))


@contextmanager
def serve(models):
    """Yield a hub at a local address."""
    hub = Hub(models)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer(body=True)

    def do_HEAD(self):
        self._answer(body=False)

    def log_message(self, *_):
        pass

    def _answer(self, *, body: bool) -> None:
        self.hub.headers.append(dict(self.headers))
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/api/models/"):
            self._describe(path.removeprefix("/api/models/"), body)
        elif "/resolve/" in path:
            name, _, rest = path.lstrip("/").partition("/resolve/")
            revision, _, file = rest.partition("/")
            self._send_file(name, revision, file, body)
        else:
            self._fail(404, "EntryNotFound")

    def _describe(self, rest: str, body: bool) -> None:
        kind = "tree" if "/tree/" in rest else "revision"
        name, _, revision = rest.partition(f"/{kind}/")
        revision = revision.split("/")[0] or "main"
        if name not in self.hub.models:
            self._fail(404, "RepoNotFound")
            return
        files = self.hub.files(name, revision)
        if files is None:
            self._fail(404, "RevisionNotFound")
            return
        listing = [
            {"type": "file", "path": file, "size": len(data), "oid": _etag(data)}
            for file, data in files.items()
        ]
        siblings = [{"rfilename": file} for file in files]
        about = {"id": name, "sha": self.hub.commit(revision), "siblings": siblings}
        self._send(200, json.dumps(listing if kind == "tree" else about).encode(), body)

    def _send_file(self, name: str, revision: str, file: str, body: bool) -> None:
        data = (self.hub.files(name, revision) or {}).get(file)
        if data is None:
            self._fail(404, "EntryNotFound")
            return
        marks = {
            "ETag": f'"{_etag(data)}"',
            "X-Repo-Commit": self.hub.commit(revision),
            "Accept-Ranges": "bytes",
        }
        if body and file in self.hub.refused:
            self._fail(403, "Forbidden")
            return
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        if body:
            self.hub.served.append(file)
        self._send(206 if start else 200, data[start:], body, marks)

    def _fail(self, status: int, code: str) -> None:
        self._send(status, b"", False, {"X-Error-Code": code, "X-Error-Message": code})

    def _send(self, status: int, content: bytes, body: bool, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
