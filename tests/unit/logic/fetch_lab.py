"""Servers on this machine that answer as badly as servers can."""

from __future__ import annotations

import gzip
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from serving import serving

PIECE = b"x" * 1024
ENDLESS_PIECES = 200_000
BOMB = gzip.compress(b"\0" * (64 << 20))


class Lab(ThreadingHTTPServer):
    """Counts what reaches it: `asked` holds (host header, path, authorization), `posted` bodies,
    `tokens` what a header of somebody's own says.

    `/changing` answers with the status `now`, which a test sets.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str, str | None]] = []
        self.posted: list[bytes] = []
        self.tokens: list[str | None] = []
        self.now = 200

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def url(self, path: str, host: str = "localhost") -> str:
        return f"http://{host}:{self.port}{path}"

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Lab

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self.server.asked.append(
            (self.headers["Host"], self.path, self.headers.get("Authorization"))
        )
        self.server.tokens.append(self.headers.get("X-Token"))
        kind, _, rest = self.path.lstrip("/").partition("/")
        getattr(self, f"_{kind}")(rest)

    def do_POST(self) -> None:
        self.server.posted.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def _start(self, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _plain(self, rest: str) -> None:
        self._start(Content_Length=str(len(PIECE)))
        self.wfile.write(PIECE)

    def _status(self, rest: str) -> None:
        self._start(int(rest), Content_Length="0")

    def _changing(self, rest: str) -> None:
        self._start(self.server.now, Content_Length=str(len(PIECE)))
        self.wfile.write(PIECE)

    def _to(self, rest: str) -> None:
        self._start(302, Location=rest, Content_Length="0")

    def _astray(self, rest: str) -> None:
        self._start(302, Location="http://[x", Content_Length="0")

    def _again(self, rest: str) -> None:
        self._start(307, Location=rest, Content_Length="0")

    def _loop(self, rest: str) -> None:
        self._start(301, Location="/loop/again", Content_Length="0")

    def _endless(self, rest: str) -> None:
        self._start()
        for _ in range(ENDLESS_PIECES):
            self.wfile.write(PIECE)

    def _bomb(self, rest: str) -> None:
        self._start(Content_Encoding="gzip", Content_Length=str(len(BOMB)))
        self.wfile.write(BOMB)

    def _packed(self, rest: str) -> None:
        """The piece in one member of gzip, or in two."""
        half = len(PIECE) // 2
        body = gzip.compress(PIECE[:half]) + gzip.compress(PIECE[half:])
        self._pack("gzip", body if rest == "two" else gzip.compress(PIECE))

    def _cut_gzip(self, rest: str) -> None:
        body = gzip.compress(PIECE)
        self._pack("gzip", body[: len(body) - 12])

    def _odd_packing(self, rest: str) -> None:
        self._pack("br", PIECE)

    def _pack(self, encoding: str, body: bytes) -> None:
        self._start(Content_Encoding=encoding, Content_Length=str(len(body)))
        self.wfile.write(body)

    def _broken_gzip(self, rest: str) -> None:
        self._start(Content_Encoding="gzip", Content_Length="4")
        self.wfile.write(b"nope")

    def _short(self, rest: str) -> None:
        self._start(Content_Length="100000")
        self.wfile.write(PIECE)

    def _drip(self, rest: str) -> None:
        self._start()
        for _ in range(200):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def _slow_header(self, rest: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(200):
            self.wfile.write(f"X-{number}: 1\r\n".encode())
            time.sleep(0.05)


@contextmanager
def lab() -> Iterator[Lab]:
    with serving(Lab()) as server:
        yield server


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
