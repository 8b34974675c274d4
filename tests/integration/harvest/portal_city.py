"""Sixteen made-up city portals behind one door of loopback.

Each stands in `portals/*.yaml` with its rows, what its columns mean and what a reader has to find
in the end; here is how it answers: envelope, paging, encoding. Written by what portals of cities
do, not by what a connector can read."""

import csv
import io
import json
import pathlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import openpyxl
import yaml
from serving import serving

PORTALS = pathlib.Path(__file__).parent / "portals"


@dataclass(frozen=True)
class Asked:
    path: str
    words: dict[str, Any]  # of the address and the body; a body of JSON as it is

    def number(self, name: str, default: int) -> int:
        return int(self.words.get(name) or default)


@dataclass(frozen=True)
class Answer:
    body: bytes
    content_type: str = "application/json; charset=utf-8"


class Portal:
    """One portal.

    Args:
        mark: digits that make its units and keys those of one run of the tests.
    """

    def __init__(self, file: pathlib.Path, mark: str = "") -> None:
        self.name, self._mark = file.stem[3:], mark
        self.told = yaml.safe_load(file.read_text("utf-8"))
        self.city: str = self.told["city"]
        self.columns: list[str] = self.told["columns"]
        self.lines = [self._marked(row, self.columns) for row in self.told["rows"]]
        self.rows = [dict(zip(self.columns, line, strict=True)) for line in self.lines]

    def _marked(self, row: list[Any], columns: list[str]) -> list[Any]:
        is_key = [name in (self.told["key"], "key") for name in columns]
        return [
            type(value)(f"{value}{self._mark}") if key else self._of_city(value)
            for key, value in zip(is_key, row, strict=True)
        ]

    def _of_city(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(self.city, self.city + self._mark)
        if isinstance(value, dict):
            return {name: self._of_city(each) for name, each in value.items()}
        return value

    def answer(self, asked: Asked) -> Answer:
        return ANSWERS[self.told["answers"]](self, asked)

    def truth(self) -> list[dict[str, Any]]:
        """What a reader has to find in the end, field by field."""
        fields = self.told["truth"]["fields"]
        found = [self._marked(row, fields) for row in self.told["truth"]["rows"]]
        return [dict(zip(fields, row, strict=True)) for row in found]

    def code(self, field: str, value: str) -> str | None:
        """What the portal's own manual says that a value of it stands for."""
        said = (self.told.get("codes") or {}).get(field, {}).get(value)
        return None if said is None else str(self._of_city(said))


def portals(mark: str = "") -> list[Portal]:
    return [Portal(file, mark) for file in sorted(PORTALS.glob("*.yaml"))]


def _json(value: Any, encoding: str = "utf-8", content_type: str = "") -> Answer:
    body = json.dumps(value, ensure_ascii=False).encode(encoding)
    return Answer(body, content_type or f"application/json; charset={encoding}")


def _page(portal: Portal, number: int, size: int) -> list[dict[str, Any]]:
    """Page 0 is the first."""
    return portal.rows[number * size : (number + 1) * size]


def _pages(portal: Portal, size: int) -> int:
    return -(-len(portal.rows) // size)


def rows(portal: Portal, asked: Asked) -> Answer:
    found = _page(portal, asked.number("pageNum", 1) - 1, asked.number("pageSize", 10))
    return _json(
        {"code": 200, "msg": "操作成功", "data": {"total": len(portal.rows), "rows": found}}
    )


def custom(portal: Portal, asked: Asked) -> Answer:
    found = _page(portal, asked.number("pageIndex", 0), asked.number("pageSize", 10))
    listed = {"total": str(len(portal.rows)), "resultList": found}
    return _json({"resultCode": "0", "resultMsg": "", "custom": listed})


def pages(portal: Portal, asked: Asked) -> Answer:
    page = asked.words.get("page") or {}
    size = int(page.get("size") or 10)
    found = _page(portal, int(page.get("current") or 1) - 1, size)
    listed = {"totalPage": _pages(portal, size), "pageNo": page.get("current"), "dataList": found}
    return _json({"success": True, "page": listed})


def grid(portal: Portal, asked: Asked) -> Answer:
    page, size = asked.number("page", 1), asked.number("rows", 20)
    cells = [{"id": row["mlbh"], "cell": row} for row in _page(portal, page - 1, size)]
    told = {"page": page, "total": _pages(portal, size), "records": len(portal.rows)}
    return _json({**told, "rows": cells})


def text_in_json(portal: Portal, asked: Asked) -> Answer:
    size = asked.number("limit", 10)
    found = _page(portal, asked.number("page", 0), size)
    inside = {"obj": {"pagingList": found, "totalPages": _pages(portal, size)}, "status": 1}
    return _json({"jsonStr": json.dumps(inside, ensure_ascii=False)})


def gbk(portal: Portal, asked: Asked) -> Answer:
    start, size = asked.number("offset", 0), asked.number("limit", 10)
    listed = {"list": portal.rows[start : start + size], "count": len(portal.rows)}
    return _json({"status": "ok", "data": listed}, "gbk")


def next_link(portal: Portal, asked: Asked) -> Answer:
    page, size = asked.number("p", 0), 4
    links = {"self": asked.path}
    if page + 1 < _pages(portal, size):
        links["next"] = f"{asked.path}?p={page + 1}"
    told = {"links": links, "meta": {"count": len(portal.rows)}, "data": _page(portal, page, size)}
    return _json(told, "utf-8-sig", "text/plain")


def jsonp(portal: Portal, asked: Asked) -> Answer:
    start, size = asked.number("start", 0), asked.number("rows", 10)
    found = {
        "numFound": len(portal.rows),
        "start": start,
        "docs": portal.rows[start : start + size],
    }
    told = json.dumps({"responseHeader": {"status": 0}, "response": found}, ensure_ascii=False)
    body = f"{asked.words.get('callback', 'callback')}({told});"
    return Answer(body.encode(), "application/javascript; charset=utf-8")


def cursor(portal: Portal, asked: Asked) -> Answer:
    start, size = int(str(asked.words.get("cursor") or "c0")[1:]), asked.number("limit", 10)
    end = start + size
    following = f"c{end}" if end < len(portal.rows) else None
    return _json({"items": portal.rows[start:end], "nextCursor": following})


def details(portal: Portal, asked: Asked) -> Answer:
    if asked.path.endswith("/detail"):
        found = [row for row in portal.rows if row["infoid"] == asked.words.get("infoid")]
        return _json({"code": "0", "result": found[0] if found else None})
    listed = _page(portal, asked.number("pageNo", 1) - 1, asked.number("pageSize", 10))
    brief = [{"infoid": row["infoid"], "数据名称": row["数据名称"]} for row in listed]
    return _json({"code": "0", "result": {"list": brief, "totalCount": len(portal.rows)}})


def capped(portal: Portal, asked: Asked) -> Answer:
    size = min(asked.number("perPage", 10), 5)
    page = min(asked.number("curPage", 1), _pages(portal, size))
    total = str(len(portal.rows))
    return _json({"status": 1, "total": total, "list": _page(portal, page - 1, size)})


def bare(portal: Portal, asked: Asked) -> Answer:
    return _json(portal.rows)


def spring(portal: Portal, asked: Asked) -> Answer:
    page, size = asked.number("page", 0), asked.number("size", 20)
    last = page + 1 >= _pages(portal, size)
    told = {"content": _page(portal, page, size), "totalElements": len(portal.rows)}
    return _json({**told, "last": last, "number": page, "size": size})


def workbook(portal: Portal, asked: Asked) -> Answer:
    book = openpyxl.Workbook()
    sheet = book.active
    for line in [*([one] for one in portal.told["above"]), portal.columns, *portal.lines]:
        sheet.append(line)
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(portal.columns))
    held = io.BytesIO()
    book.save(held)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Answer(held.getvalue(), kind)


def _csv(portal: Portal, encoding: str) -> Answer:
    held = io.StringIO(newline="")
    csv.writer(held).writerows([portal.columns, *portal.lines])
    return Answer(held.getvalue().encode(encoding), "text/csv")


def csv_gb18030(portal: Portal, asked: Asked) -> Answer:
    return _csv(portal, "gb18030")


def csv_utf8(portal: Portal, asked: Asked) -> Answer:
    return _csv(portal, "utf-8-sig")


ANSWERS: dict[str, Callable[[Portal, Asked], Answer]] = {
    one.__name__: one
    for one in (
        rows,
        custom,
        pages,
        grid,
        text_in_json,
        gbk,
        next_link,
        jsonp,
        cursor,
        details,
        capped,
        bare,
        spring,
        workbook,
        csv_gb18030,
        csv_utf8,
    )
}


def _door(served: dict[str, Portal]) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            is_json = "json" in self.headers.get("Content-Type", "")
            self._answer(json.loads(body) if is_json else dict(parse_qsl(body)))

        def _answer(self, words: dict[str, Any]) -> None:
            parts = urlsplit(self.path)
            portal = served[parts.path.split("/")[1]]
            found = portal.answer(Asked(parts.path, {**dict(parse_qsl(parts.query)), **words}))
            self.send_response(200)
            self.send_header("Content-Type", found.content_type)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *args: object) -> None:
            """The tests read the records, not this."""

    return Door


@contextmanager
def open_city(served: list[Portal]) -> Iterator[str]:
    """The address of all portals, for as long as the block lasts."""
    door = ThreadingHTTPServer(("127.0.0.1", 0), _door({one.name: one for one in served}))
    with serving(door):
        yield f"http://127.0.0.1:{door.server_port}"
