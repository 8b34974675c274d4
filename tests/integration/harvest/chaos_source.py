"""A source on this machine that is as bad as sources are, by a script and a seed.

It knows its records (the truth that an auditor compares with) and serves them as a paged JSON
interface, a CKAN site, a data.json document, a DCAT catalogue and a CSV file. What goes wrong is
said beforehand, by path: each request takes the next fault of its path, and is answered as it
should be when there is none left.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from serving import serving

Record = dict[str, Any]
NO_CONTENT = b""
BOMB = gzip.compress(b"\0" * (64 << 20))  # 1:1000
DRIPS_PER_SECOND = 20


@dataclass
class Answer:
    """What would be answered without a fault."""

    status: int = 200
    body: bytes = NO_CONTENT
    headers: dict[str, str] = field(default_factory=dict)


Fault = Callable[["_Handler", Answer], None]


class Chaos(ThreadingHTTPServer):
    """Serves `records`; `asked` holds the path of each request in its order."""

    daemon_threads = True

    def __init__(self, seed: int = 20260101) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.random = random.Random(seed)  # noqa: S311 nothing is kept secret by it
        self.records: list[Record] = []
        self.asked: list[str] = []
        self.after: Callable[[int], None] = lambda _: None  # called with the number of requests
        self._faults: dict[str, list[Fault]] = {}
        self._always: dict[str, Fault] = {}
        self._lock = threading.Lock()
        self.scheme = "http"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def url(self, path: str) -> str:
        return f"{self.scheme}://{self.host}{path}"

    def fill(self, mark: str, count: int) -> list[Record]:
        """New records, told apart by a mark."""
        self.records = [record(mark, n, self.random) for n in range(count)]
        return self.records

    def truth(self) -> dict[str, str]:
        """What every record is called, by its identifier."""
        return {str(one["id"]): str(one["title"]) for one in self.records}

    # --- what goes wrong -----------------------------------------------------------------------

    def goes_wrong(self, part: str, *faults: Fault) -> None:
        """The next requests whose address holds `part` meet these faults, one each."""
        self._faults.setdefault(part, []).extend(faults)

    def stays_wrong(self, part: str, fault: Fault) -> None:
        """Every request whose address holds `part` meets this fault until `heal`."""
        self._always[part] = fault

    def heal(self) -> None:
        self._faults.clear()
        self._always.clear()

    def next_fault(self, path: str) -> Fault | None:
        with self._lock:
            self.asked.append(path)
            for part, waiting in self._faults.items():
                if part in path and waiting:
                    return waiting.pop(0)
            return next((fault for part, fault in self._always.items() if part in path), None)

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is what these tests are about."""


def record(mark: str, number: int, chance: random.Random) -> Record:
    return {
        "id": f"{mark}-{number:04d}",
        "title": f"公共停车场{mark}第{number}批",
        "notes": f"全市公共停车场的名称、地址和泊位数，第{chance.randrange(10**6)}版，每月更新一次。",
        "cycle": chance.choice(["每月", "每年", "每日"]),
        "words": ["停车", "交通"],
        "link": f"https://data.example/{mark}/{number}.csv",
    }


# --- faults -------------------------------------------------------------------------------------


def status(code: int, body: bytes = b"", **headers: str) -> Fault:
    """Another status, with a body and headers of its own."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler, _: handler.send(Answer(code, body, named))


JSON_500 = status(500, b'{"success": false, "error": {"message": "down"}}')
HTML_200 = status(200, "<html><body>系统维护中</body></html>".encode(), Content_Type="text/html")
LOGIN_200 = status(200, b"<html><form action='/login'><input type='password'></form></html>")


def instead(body: bytes, **headers: str) -> Fault:
    """Another body, correctly announced."""
    return status(200, body, **headers)


def hang_up(handler: _Handler, _: Answer) -> None:
    """The connection ends by a reset before a byte was sent."""
    handler.reset()


def half(handler: _Handler, answer: Answer) -> None:
    """Half of the body, the whole announced, then a reset."""
    handler.head(answer, {"Content-Length": str(len(answer.body))})
    handler.write(answer.body[: len(answer.body) // 2])
    handler.reset()


def announced_too_long(handler: _Handler, answer: Answer) -> None:
    handler.head(answer, {"Content-Length": str(len(answer.body) + 1000)})
    handler.write(answer.body)


def announced_too_short(handler: _Handler, answer: Answer) -> None:
    handler.head(answer, {"Content-Length": str(max(1, len(answer.body) - 7))})
    handler.write(answer.body)


def chunks_cut(handler: _Handler, answer: Answer) -> None:
    handler.head(answer, {"Transfer-Encoding": "chunked"})
    part = answer.body[: len(answer.body) // 2]
    handler.write(b"%x\r\n%s\r\n" % (len(part), part))


def gzip_cut(handler: _Handler, answer: Answer) -> None:
    packed = gzip.compress(answer.body)
    part = packed[: len(packed) // 2]
    handler.head(answer, {"Content-Encoding": "gzip", "Content-Length": str(len(part))})
    handler.write(part)


def gzip_bomb(handler: _Handler, answer: Answer) -> None:
    handler.head(answer, {"Content-Encoding": "gzip", "Content-Length": str(len(BOMB))})
    handler.write(BOMB)


def gzipped(handler: _Handler, answer: Answer) -> None:
    """The right answer, packed although nobody asked for it."""
    packed = gzip.compress(answer.body)
    handler.head(answer, {"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
    handler.write(packed)


def drip(handler: _Handler, answer: Answer) -> None:
    """A byte at a time, for ever."""
    handler.head(answer, {})
    while handler.write(b" "):
        time.sleep(1 / DRIPS_PER_SECOND)


def headers_without_end(handler: _Handler, _: Answer) -> None:
    handler.write(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while handler.write(f"X-{number}: 1\r\n".encode()):
        number += 1
        time.sleep(1 / DRIPS_PER_SECOND)


def silence(seconds: float) -> Fault:
    """Takes the request and says nothing."""

    def fault(handler: _Handler, _: Answer) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not handler.server_is_gone():
            time.sleep(0.02)
        handler.reset()

    return fault


def slowly(pieces: int, pause: float) -> Fault:
    """The right answer in so many pieces: slow, but it moves."""

    def fault(handler: _Handler, answer: Answer) -> None:
        handler.head(answer, {"Content-Length": str(len(answer.body))})
        size = len(answer.body) // pieces + 1
        for at in range(0, len(answer.body), size):
            handler.write(answer.body[at : at + size])
            time.sleep(pause)

    return fault


def redirect(to: str, code: int = 302) -> Fault:
    return lambda handler, _: handler.send(Answer(code, b"", {"Location": to}))


# --- answers ------------------------------------------------------------------------------------


class _Handler(BaseHTTPRequestHandler):
    server: Chaos
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""

    def do_GET(self) -> None:
        self.close_connection = True
        fault = self.server.next_fault(self.path)
        self.server.after(len(self.server.asked))
        answer = answer_of(self.server, self.path)
        if fault is None:
            self.send(answer)
        else:
            fault(self, answer)

    def send(self, answer: Answer) -> None:
        self.head(answer, {"Content-Length": str(len(answer.body))})
        self.write(answer.body)

    def head(self, answer: Answer, more: dict[str, str]) -> None:
        self.send_response(answer.status)
        for name, value in {"Connection": "close", **answer.headers, **more}.items():
            self.send_header(name, value)
        self.end_headers()

    def write(self, data: bytes) -> bool:
        """False when nobody listens any more."""
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            return False
        return True

    def reset(self) -> None:
        """Ends the connection as a crash does: by a reset, not by an end of file."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def server_is_gone(self) -> bool:
        return self.server.socket.fileno() < 0


def answer_of(server: Chaos, path: str) -> Answer:
    """What is right: the records in the way that the path asks for."""
    parts = urlsplit(path)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    makers: dict[str, Callable[[Sequence[Record], dict[str, str], Chaos], Answer]] = {
        "/api/3/action/package_search": _ckan,
        "/data.json": _data_json,
        "/catalogue.ttl": _turtle,
        "/table.csv": _csv,
    }
    return makers.get(parts.path, _pages)(list(server.records), asked, server)


def _json(value: Any) -> Answer:
    body = json.dumps(value).encode()
    return Answer(200, body, {"Content-Type": "application/json"})


def _pages(records: Sequence[Record], asked: dict[str, str], _: Chaos) -> Answer:
    size, page = int(asked.get("size", 4)), int(asked.get("page", 1))
    part = records[(page - 1) * size : page * size]
    return _json({"code": 200, "data": {"total": len(records), "list": part}})


def _ckan(records: Sequence[Record], asked: dict[str, str], _: Chaos) -> Answer:
    """Datasets by id after the last one that was given, as a site answers."""
    after = asked.get("fq", "").partition('"')[2].partition('"')[0]
    rest = sorted((one for one in records if one["id"] > after), key=lambda one: str(one["id"]))
    found = [_ckan_dataset(one) for one in rest[: int(asked.get("rows", 10))]]
    return _json({"success": True, "result": {"count": len(rest), "results": found}})


def _ckan_dataset(one: Record) -> Record:
    more = {name: value for name, value in one.items() if name not in ("words", "link", "cycle")}
    return {
        **more,
        "name": str(one["id"]),
        "tags": [{"name": word} for word in one["words"]],
        "resources": [{"url": one["link"], "format": "CSV", "name": "表"}],
    }


def _data_json(records: Sequence[Record], _: dict[str, str], __: Chaos) -> Answer:
    return _json({"dataset": [data_json_dataset(one) for one in records]})


def data_json_dataset(one: Record) -> Record:
    return {
        "identifier": one["id"],
        "title": one["title"],
        "description": one["notes"],
        "keyword": one["words"],
        "accrualPeriodicity": one["cycle"],
        "distribution": [{"downloadURL": one["link"], "format": "CSV"}],
    }


def _turtle(records: Sequence[Record], asked: dict[str, str], server: Chaos) -> Answer:
    size, page = 4, int(asked.get("page", 1))
    part = records[(page - 1) * size : page * size]
    lines = [
        "@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .",
        "@prefix hydra: <http://www.w3.org/ns/hydra/core#> .",
        f"<urn:catalogue> hydra:totalItems {len(records)} .",
    ]
    if page * size < len(records):
        following = server.url(f"/catalogue.ttl?page={page + 1}")
        lines.append(f"<urn:catalogue> hydra:next <{following}> .")
    lines += [
        f"[] a dcat:Dataset ; dct:identifier {json.dumps(one['id'])} ;"
        f" dct:title {json.dumps(one['title'], ensure_ascii=False)} ;"
        f" dct:description {json.dumps(one['notes'], ensure_ascii=False)} ."
        for one in part
    ]
    return Answer(200, "\n".join(lines).encode(), {"Content-Type": "text/turtle"})


def _csv(records: Sequence[Record], _: dict[str, str], __: Chaos) -> Answer:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["编号", "信息资源名称", "摘要", "更新周期"])
    writer.writerows([one["id"], one["title"], one["notes"], one["cycle"]] for one in records)
    return Answer(200, text.getvalue().encode(), {"Content-Type": "text/csv"})


@contextmanager
def chaos(seed: int = 20260101, tls: ssl.SSLContext | None = None) -> Iterator[Chaos]:
    server = Chaos(seed)
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.scheme = "https"
    with serving(server):
        yield server
