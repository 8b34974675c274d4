"""Portals with a JSON interface of their own: envelope, paging and names are told, not written.

Where the list stands, how a page is asked for and how the portal says that it went well differ
from city to city; all of it is data of the source. An answer of 200 may still say no.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlencode, urlsplit

from govopen_harvesters.canonical import clean_guid
from govopen_harvesters.contract import (
    DATASET,
    FILES,
    Json,
    Option,
    Page,
    Record,
    Source,
    SourceFault,
    Web,
)

SIZE = 100


class JsonApiConnector:
    """Records of a JSON interface, page by page."""

    kind = "json_api"
    version = 1
    outcome = DATASET
    label: Mapping[str, str] = {"zh": "JSON 接口", "en": "JSON interface"}
    options: Sequence[Option] = (
        Option("url", "url", "接口地址", "Address of the interface", is_required=True),
        Option("records", "text", "记录所在路径", "Path of the records", is_required=True),
        Option("guid", "text", "标识字段路径", "Path of the identifier", is_required=True),
        Option("total", "text", "总数所在路径", "Path of the total"),
        Option("success", "text", "成功标志所在路径", "Path of the mark of success"),
        Option("success_is", "list", "表示成功的值", "Values that mean success"),
        Option("page", "text", "页码参数名", "Parameter for the page"),
        Option("offset", "text", "偏移参数名", "Parameter for the offset"),
        Option("size", "text", "页长参数名", "Parameter for the page's size"),
        Option("rows", "number", "每页条数", "Records on a page", default=SIZE),
        Option("first", "number", "首页页码", "Number of the first page", default=1),
        Option("parameters", "mapping", "其他参数", "Further parameters"),
        Option("token", "secret", "令牌", "Token"),
        Option("token_header", "text", "令牌所在请求头", "Header that bears the token"),
        FILES,
        Option("fields", "mapping", "字段对应", "Names and their fields"),
        Option("constants", "mapping", "固定值", "Constants for absent fields"),
        Option("volatile", "list", "不计入变化的字段", "Names that do not count as a change"),
    )
    fields: Mapping[str, str] = {}
    volatile = frozenset[str]()

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """Pages until the total is reached, or one is empty or not full."""
        options, seen, at = source.options, 0, 0
        rows = int(options.get("rows") or SIZE)
        while True:
            body, digest = web.json(_address(options, at, seen, rows), _headers(source))
            _require_success(options, body)
            found = at_path(body, str(options["records"]))
            if not isinstance(found, list):
                raise SourceFault("harvest.E14", name=options["records"])
            seen += len(found)
            total = _number(at_path(body, str(options["total"]))) if options.get("total") else None
            is_last = seen >= total if total is not None else len(found) < rows
            is_last = is_last or not _is_paged(options)
            records = [_record(one, str(options["guid"])) for one in found]
            yield Page(records, digest, declared=total, is_last=is_last)
            if is_last or not found:
                return
            at += 1


def _is_paged(options: Mapping[str, Json]) -> bool:
    return bool(options.get("page") or options.get("offset"))


def _address(options: Mapping[str, Json], at: int, seen: int, rows: int) -> str:
    """The next page: a portal that gives fewer records than asked moves its offset by those."""
    asked = {str(name): value for name, value in (options.get("parameters") or {}).items()}
    if options.get("page"):
        asked[str(options["page"])] = int(options.get("first", 1)) + at
    if options.get("offset"):
        asked[str(options["offset"])] = seen
    if options.get("size"):
        asked[str(options["size"])] = rows
    url = str(options["url"])
    sign = "&" if urlsplit(url).query else "?"
    return f"{url}{sign}{urlencode(asked)}" if asked else url


def _headers(source: Source) -> dict[str, str]:
    token = source.secrets.get("token")
    return {str(source.options.get("token_header") or "Authorization"): token} if token else {}


def _require_success(options: Mapping[str, Json], body: Json) -> None:
    if not options.get("success"):
        return
    said = at_path(body, str(options["success"]))
    if str(said).lower() not in {
        str(one).lower() for one in options.get("success_is") or ("true",)
    }:
        raise SourceFault("harvest.E15", said=str(said)[:200])


def at_path(value: Json, path: str) -> Json:
    """What stands at a dotted path; numbers count in lists, `.` is the whole, None when nothing."""
    for part in [] if path in ("", ".") else path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _number(value: Json) -> int | None:
    """A total, which some portals write as text."""
    text = str(value).strip() if not isinstance(value, bool) else ""
    return int(text) if text.isdecimal() else None


def _record(one: Json, guid: str) -> Record:
    if not isinstance(one, Mapping):
        return Record(None, {"value": one}, problem="harvest.E2")
    return Record(clean_guid(at_path(one, guid)), {str(name): each for name, each in one.items()})


connector = JsonApiConnector()
