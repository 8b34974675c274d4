"""One catalogue on this machine, as a CKAN site, a DCAT catalogue and a data.json document.

A program of its own: `python -m tests.bench.harvest_source COUNT [PADDING]` prints its address, and
serves until its input ends. Everything is rendered before anybody asks, so that what is measured is
who harvests. `/change` turns to the second edition, in which some datasets are otherwise (see Truth).
"""

from __future__ import annotations

import json
import re
import sys
import threading
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid5

SPACE = UUID("0d3c1f5e-54f0-4c39-9a55-7b1c1a6f9d10")
# With a part of a second: the peer takes 00.000000 for later than 00, and writes everything again.
FIRST_DAY = datetime(2025, 1, 1, 0, 0, 0, 123456, tzinfo=timezone.utc)
AGENCIES = ("交通局", "Water Office", "Parks Office", "Library", "City Archive")
HEAD = """@prefix dcat: <http://www.w3.org/ns/dcat#> . @prefix dct: <http://purl.org/dc/terms/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
"""


@dataclass(frozen=True)
class Truth:
    """What the second edition is to somebody who has the first."""

    count: int

    @property
    def updated(self) -> int:
        return self.count // 100

    @property
    def removed(self) -> int:
        return self.count // 200

    @property
    def bad(self) -> int:
        """Datasets without a title."""
        return self.count // 200

    @property
    def created(self) -> int:
        return self.count // 100

    def counts(self) -> dict[str, int]:
        """The counters of a run over the second edition."""
        left = self.count - self.removed
        return {
            "seen": left + self.created,
            "unchanged": left - self.updated - self.bad,
            "created": self.created,
            "updated": self.updated,
            "rejected": self.bad,
            "missing": self.removed,
            "removed": self.removed,
        }


# --- datasets ------------------------------------------------------------------------------------


def datasets(count: int, *, is_second: bool) -> Iterator[dict[str, Any]]:
    truth = Truth(count)
    if not is_second:
        yield from (dataset(number) for number in range(count))
        return
    for number in range(truth.removed, count + truth.created):
        one = dataset(number)
        at = number - truth.removed
        is_touched = at < truth.updated + truth.bad or number >= count
        if is_touched:
            one["modified"] = datetime.now(timezone.utc)
        if at < truth.updated:
            one["title"] += "（修订）"
        elif is_touched and number < count:
            one["title"] = ""
        yield one


def dataset(number: int) -> dict[str, Any]:
    """Three resources, five tags, eight extras; three of ten in Chinese."""
    is_chinese = number % 10 < 3
    place = f"第{number}批" if is_chinese else f"part {number}"
    return {
        "id": str(uuid5(SPACE, str(number))),
        "name": f"dataset-{number:06d}",
        "title": f"公共停车场名录{place}"
        if is_chinese
        else f"Register of public car parks, {place}",
        "notes": "全市公共停车场的名称、地址、泊位数和收费标准，每月更新一次，供市民和企业查询。"
        * 3
        if is_chinese
        else "Name, address, number of places and charges of every public car park. " * 4,
        "tags": [f"{word} {number % 40}" for word in ("parking", "city", "places", "停车", "交通")],
        "agency": AGENCIES[number % len(AGENCIES)],
        "issued": FIRST_DAY,
        "modified": FIRST_DAY + timedelta(hours=7 * number),
        "extras": {f"field {letter}": f"value {number % 97} of {letter}" for letter in "abcdefgh"},
        "files": [f"https://files.example/{number}/{part}.csv" for part in range(3)],
    }


def as_ckan(one: dict[str, Any]) -> dict[str, Any]:
    modified = one["modified"].strftime("%Y-%m-%dT%H:%M:%S.%f")
    return {
        "id": one["id"], "name": one["name"], "title": one["title"], "notes": one["notes"],
        "type": "dataset", "state": "active", "private": False, "license_id": "cc-by",
        "metadata_created": "2025-01-01T00:00:00.000000", "metadata_modified": modified,
        "organization": {"id": "agency", "name": "agency", "title": one["agency"]},
        "owner_org": "agency", "num_resources": 3, "num_tags": 5, "groups": [],
        "tags": [{"name": name, "display_name": name, "state": "active"} for name in one["tags"]],
        "extras": [{"key": key, "value": value} for key, value in one["extras"].items()],
        "resources": [
            {"id": str(uuid5(SPACE, url)), "url": url, "name": f"file {part}", "format": "CSV",
             "description": "One row for each car park.", "position": part, "state": "active"}
            for part, url in enumerate(one["files"])
        ],
    }  # fmt: skip


def as_data_json(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "identifier": one["id"], "title": one["title"], "description": one["notes"],
        "keyword": one["tags"], "landingPage": f"https://data.example/{one['name']}",
        "issued": one["issued"].date().isoformat(), "modified": one["modified"].isoformat(),
        "publisher": {"name": one["agency"], "email": "office@data.example"}, "language": ["zh"],
        "accessLevel": "public",
        "distribution": [
            {"title": f"file {part}", "description": "One row for each car park.",
             "downloadURL": url, "format": "CSV", "mediaType": "text/csv", "byteSize": "1024"}
            for part, url in enumerate(one["files"])
        ],
    }  # fmt: skip


def as_turtle(one: dict[str, Any]) -> str:
    uri = f"https://data.example/dataset/{one['id']}"
    files = [f"<{uri}/file/{part}>" for part in range(len(one["files"]))]
    lines = [
        f"<{uri}> a dcat:Dataset ; dct:identifier {_text(one['id'])} ;"
        f" dct:description {_text(one['notes'])} ;"
        + (f" dct:title {_text(one['title'])} ;" if one["title"] else "")
        + f" dcat:keyword {', '.join(map(_text, one['tags']))} ;"
        f" dct:issued {_text(one['issued'].isoformat())}^^xsd:dateTime ;"
        f" dct:modified {_text(one['modified'].isoformat())}^^xsd:dateTime ;"
        f" dct:publisher <https://data.example/agency/{AGENCIES.index(one['agency'])}> ;"
        f" dcat:distribution {', '.join(files)} ."
    ]
    for part, (file, url) in enumerate(zip(files, one["files"], strict=True)):
        lines.append(
            f'{file} a dcat:Distribution ; dct:title {_text(f"file {part}")} ; dct:format "CSV" ;'
            f' dct:description "One row for each car park." ; dcat:downloadURL <{url}> .'
        )
    return "\n".join(lines)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- the whole, rendered --------------------------------------------------------------------------


class Edition:
    """What is served; datasets of the CKAN site in the order of their ids.

    Args:
        padding: characters more in each description of data.json.
    """

    def __init__(self, count: int, padding: int, *, is_second: bool) -> None:
        made = sorted(datasets(count, is_second=is_second), key=lambda one: one["id"])
        self.ids = [one["id"] for one in made]
        self.moments = [one["modified"].strftime("%Y-%m-%dT%H:%M:%SZ") for one in made]
        self.ckan = [_json(as_ckan(one)) for one in made] if not padding else []
        self.turtle = b"" if padding else self._turtle(made)
        more = {"note": "x" * padding} if padding else {}
        parts = [_json({**as_data_json(one), **more}) for one in made]
        self.data_json = b'{"conformsTo": "https://project-open-data.cio.gov/v1.1/schema",' \
                         b' "dataset": [' + b",\n".join(parts) + b"]}"  # fmt: skip

    def _turtle(self, made: list[dict[str, Any]]) -> bytes:
        agencies = "\n".join(
            f"<https://data.example/agency/{number}> a foaf:Agent ; foaf:name {_text(name)} ."
            for number, name in enumerate(AGENCIES)
        )
        return "\n".join([HEAD, agencies, *map(as_turtle, made)]).encode()

    def search(self, asked: dict[str, list[str]]) -> bytes:
        """A page of `package_search`: by an offset, or after an id, or since a moment."""
        fq = asked.get("fq", [""])[0]
        last = re.search(r'id:\{"([^"]+)"', fq)
        since = re.search(r"metadata_modified:\[([0-9T:-]+)", fq)
        first = bisect_right(self.ids, last[1]) if last else 0
        found = range(first, len(self.ids))
        if since:
            found = [at for at in found if self.moments[at] >= since[1]]  # type: ignore[assignment]
        start, rows = int(asked.get("start", ["0"])[0]), int(asked.get("rows", ["10"])[0])
        page = b",".join(self.ckan[at] for at in found[start : start + rows])
        head = f'{{"success": true, "result": {{"count": {len(found)}, "results": ['
        return head.encode() + page + b"]}}"


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


# --- the server ----------------------------------------------------------------------------------


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, count: int, padding: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.count, self.padding = count, padding
        self.edition = Edition(count, padding, is_second=False)

    def change(self) -> None:
        self.edition = Edition(self.count, self.padding, is_second=True)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body, kind = self._answer()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 the name is the protocol's

    def _answer(self) -> tuple[bytes, str]:
        parts = urlsplit(self.path)
        if parts.path == "/change":
            self.server.change()
            return b"{}", "application/json"
        if parts.path.endswith("/package_search"):
            return self.server.edition.search(parse_qs(parts.query)), "application/json"
        if parts.path == "/catalog.ttl":
            return self.server.edition.turtle, "text/turtle"
        return self.server.edition.data_json, "application/json"

    def log_message(self, *_: Any) -> None:
        """What is measured is not what is printed."""


if __name__ == "__main__":
    server = Server(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()
