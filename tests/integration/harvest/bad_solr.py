"""A door before the real Solr that can be shut, stumble, or refuse one document."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from serving import serving

Refusal = Callable[[int, str, bytes], "int | None"]


class BadSolr(ThreadingHTTPServer):
    """Passes requests on; `refuses` may answer one with a status instead, or with 0 by hanging up.

    Args of `refuses`: how many updates there were, the path, the body.
    """

    daemon_threads = True

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.behind, self.updates = behind.rstrip("/"), 0
        self.refuses: Refusal = lambda *_: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Who hangs up is what these tests are about."""


class _Door(BaseHTTPRequestHandler):
    server: BadSolr

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self._pass(None)

    def do_POST(self) -> None:
        self._pass(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _pass(self, body: bytes | None) -> None:
        if "/update" in self.path:
            self.server.updates += 1
        status = self.server.refuses(self.server.updates, self.path, body or b"")
        if status == 0:
            self.connection.close()
            return
        if status is not None:
            self._answer(status, b'{"error": {"msg": "injected"}}', "application/json")
            return
        wanted = {"content-type", "authorization", "accept"}
        headers = {name: value for name, value in self.headers.items() if name.lower() in wanted}
        url = self.server.behind + self.path
        request = urllib.request.Request(url, body, headers)  # noqa: S310 the stack's own
        try:
            with urllib.request.urlopen(request, timeout=20) as got:  # noqa: S310
                kind = got.headers.get("Content-Type", "")
                self._answer(got.status, got.read(), kind)
        except urllib.error.HTTPError as error:
            self._answer(error.code, error.read(), error.headers.get("Content-Type", ""))

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def bad_solr(behind: str) -> Iterator[BadSolr]:
    with serving(BadSolr(behind)) as server:
        yield server
