"""Portals with a JSON interface of their own: envelope, paging and names are told, not written.

Where the list stands, how a page is asked for and how the portal says that it went well differ
from city to city; all of it is data of the source. An answer of 200 may still say no. Where the
list and the identifier are not told, nothing is read: what could be told is said instead.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote, urlencode, urljoin, urlsplit

from govopen_harvesters.canonical import clean_guid
from govopen_harvesters.contract import (
    DATASET,
    FILES,
    LONGEST_PAUSE,
    VALUES,
    CursorLost,
    Json,
    Option,
    Page,
    Record,
    Source,
    SourceFault,
    Web,
    mark_of,
)
from govopen_harvesters.json_access import POSTED, AccessLost, Portal, posted, posted_as, put
from govopen_harvesters.json_shape import at_path, candidates, opened, whole_number

SIZE = 100
PAUSE = 200
FAILURES = 5  # details one after the other that cannot be had: the portal is at fault


class JsonApiConnector:
    """Records of a JSON interface, page by page."""

    kind = "json_api"
    version = 2
    outcome = DATASET
    label: Mapping[str, str] = {"zh": "JSON 接口", "en": "JSON interface"}
    options: Sequence[Option] = (
        Option("url", "url", "接口地址", "Address of the interface", is_required=True),
        Option("records", "text", "记录所在路径", "Path of the records"),
        Option("guid", "text", "标识字段路径", "Path of the identifier"),
        Option("total", "text", "总数所在路径", "Path of the total"),
        Option("pages", "text", "总页数所在路径", "Path of the number of pages"),
        Option("next", "text", "下一页地址或游标所在路径", "Path of the next address or mark"),
        Option("success", "text", "成功标志所在路径", "Path of the mark of success"),
        Option("success_is", "list", "表示成功的值", "Values that mean success"),
        Option("post", "text", "提交方式（form 或 json，不填为 GET）", "Posted as form or json"),
        Option("page", "text", "页码参数名", "Parameter for the page"),
        Option("offset", "text", "偏移参数名", "Parameter for the offset"),
        Option("mark", "text", "游标参数名", "Parameter for the mark of the next page"),
        Option("size", "text", "页长参数名", "Parameter for the page's size"),
        Option("rows", "number", "每页条数", "Records on a page", default=SIZE),
        Option("first", "number", "首页页码", "Number of the first page", default=1),
        Option("parameters", "mapping", "其他参数", "Further parameters"),
        Option("detail", "text", "详情地址（含 {guid}）", "Address of a detail, with {guid}"),
        Option("detail_record", "text", "详情中记录所在路径", "Path of the record in its detail"),
        Option("pause", "number", "取详情的间隔（毫秒）", "Pause between details", default=PAUSE),
        Option("headers", "mapping", "其他请求头", "Further headers of a request"),
        Option("token", "secret", "令牌", "Token"),
        Option("token_header", "text", "令牌所在请求头", "Header that bears the token"),
        Option("login", "url", "取得令牌的登录地址", "Address that gives a token"),
        Option("login_post", "text", "登录以 form 或 json 提交", "Login posted as form or json"),
        Option("login_parameters", "mapping", "登录参数", "Parameters of the login"),
        Option("password", "secret", "登录口令", "Password of the login"),
        Option("password_name", "text", "登录口令的参数名", "Parameter for the password"),
        Option("token_path", "text", "登录应答中令牌的路径", "Path of the token in the answer"),
        Option("token_prefix", "text", "令牌之前的字样（如 Bearer）", "Word before it (Bearer)"),
        Option("login_when", "list", "表示令牌失效的值", "Values that mean a token that ran out"),
        FILES,
        Option("fields", "mapping", "字段对应", "Names and their fields"),
        VALUES,
        Option("constants", "mapping", "固定值", "Constants for absent fields"),
        Option("truncate", "list", "超长时截短的字段", "Fields cut to their limit"),
        Option("create_units", "yes_no", "建立未知单位", "Make units that nobody knows"),
        Option("volatile", "list", "不计入变化的字段", "Names that do not count as a change"),
    )  # fmt: skip
    fields: Mapping[str, str] = {}
    volatile = frozenset[str]()

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """Pages until the portal's own count is reached, or one shows that nothing follows."""
        reading = _Reading(source, web)
        if source.cursor is not None:
            reading.go_behind(source.cursor)
        while True:
            page, is_empty = reading.page()
            yield page
            if page.is_last or is_empty:
                return


class _Reading:
    """One reading of a portal: where it is and what it has seen."""

    def __init__(self, source: Source, web: Web) -> None:
        self._options, self._web = source.options, Portal(source, web)
        self._rows = int(self._options.get("rows") or SIZE)
        self._at = self._seen = self._first_count = self._failures = self._asked = 0
        self._following: Json = None  # the next page, where the portal names it

    def go_behind(self, cursor: Mapping[str, Json]) -> None:
        """Goes on behind a page that was read before: numbers lead on while it is the same page.

        Raises:
            CursorLost: other records stand on it now, it is the last one, or the portal's own mark
                of it has run out.
            SourceFault: it cannot be had.
        """
        self._at, self._seen, self._first_count, self._following = cursor["where"]
        try:
            body, _, found = self._list()
        except SourceFault as fault:
            if self._following:
                raise CursorLost from fault
            raise
        if self._mark(found) != cursor["mark"] or self._step(body, len(found)):
            raise CursorLost

    def page(self) -> tuple[Page, bool]:
        """The next page, and whether it holds nothing.

        Raises:
            SourceFault: it cannot be had, says no, or where its records stand is not known.
        """
        where = [self._at, self._seen, self._first_count, self._following]
        body, digest, found = self._list()
        records = [self._record(one) for one in found]
        is_last = self._step(body, len(found))
        cursor = None if is_last else {"where": where, "mark": self._mark(found)}
        declared = self._total(body)
        return Page(records, digest, declared, is_last=is_last, cursor=cursor), not found

    def _list(self) -> tuple[Json, str, list[Json]]:
        """The answer that holds the present page, the digest of its bytes, and its records."""
        options = self._options
        body, digest = self._answer()
        _require_places(options, body)
        found = opened(at_path(body, str(options["records"])))
        if not isinstance(found, list):
            raise SourceFault("harvest.E14", name=options["records"])
        return body, digest, found

    def _step(self, body: Json, count: int) -> bool:
        """Goes on to the next page; True when nothing follows the present one."""
        self._seen += count
        self._first_count = self._first_count or count
        is_last = self._is_last(body, count)
        self._at += 1
        return is_last

    def _mark(self, found: Sequence[Json]) -> str:
        return mark_of(at_path(opened(one), str(self._options["guid"])) for one in found)

    def _total(self, body: Json) -> int | None:
        path = self._options.get("total")
        return whole_number(at_path(body, str(path))) if path else None

    def _is_last(self, body: Json, count: int) -> bool:
        """Whether the portal, or the page itself, shows that nothing follows.

        A first page that is not full shows nothing: the portal may give fewer than it is asked for.
        """
        options = self._options
        if options.get("next"):
            self._following = at_path(body, str(options["next"]))
            return self._following in (None, "", False)
        if not (options.get("page") or options.get("offset")):
            return True
        pages = whole_number(at_path(body, str(options["pages"]))) if options.get("pages") else None
        if pages is not None:
            return self._at + 1 >= pages
        total = self._total(body)
        if total is not None and self._seen <= total:  # a smaller one counts something else
            return self._seen == total
        return not count or (self._at > 0 and count < self._first_count)

    # --- asking ----------------------------------------------------------------------------------

    def _answer(self) -> tuple[Json, str]:
        url, options = str(self._options["url"]), self._options
        if self._following and not options.get("mark"):
            return self._web.json(_same_host(url, str(self._following)))
        kind = posted_as(options, "post")
        asked = {str(name): value for name, value in (options.get("parameters") or {}).items()}
        for name, value in self._numbers():
            put(asked, name, value, kind)
        if kind:
            return self._web.json(url, {"Content-Type": POSTED[kind]}, posted(asked, kind))
        sign = "&" if urlsplit(url).query else "?"
        return self._web.json(f"{url}{sign}{urlencode(asked)}" if asked else url)

    def _numbers(self) -> Iterator[tuple[str, Json]]:
        """What the page is asked for by: a portal that gives fewer moves its offset by those."""
        options = self._options
        numbers = {
            "page": int(options.get("first", 1)) + self._at,
            "offset": self._seen,
            "size": self._rows,
            "mark": self._following,
        }
        for name, value in numbers.items():
            if options.get(name) and value is not None:
                yield str(options[name]), value

    # --- records ---------------------------------------------------------------------------------

    def _record(self, one: Json) -> Record:
        one = opened(one)
        if not isinstance(one, Mapping):
            return Record(None, {"value": one}, problem="harvest.E2")
        guid = clean_guid(at_path(one, str(self._options["guid"])))
        raw = {str(name): each for name, each in one.items()}
        if not self._options.get("detail") or guid is None:
            return Record(guid, raw)
        try:
            return Record(guid, {**raw, **self._detail(guid)})
        except SourceFault as fault:
            self._failures += 1
            if self._failures >= FAILURES or isinstance(fault, AccessLost):
                raise
            return Record(guid, raw, dict(fault.facts), problem=fault.code)

    def _detail(self, guid: str) -> dict[str, Json]:
        """What the portal says of one record at an address of its own.

        Raises:
            SourceFault: it cannot be had, or is no record.
        """
        if self._asked:
            time.sleep(min(LONGEST_PAUSE, max(0, int(self._options.get("pause", PAUSE))) / 1000))
        self._asked += 1
        address = str(self._options["detail"]).replace("{guid}", quote(guid, safe=""))
        body, _ = self._web.json(_same_host(str(self._options["url"]), address))
        found = opened(at_path(body, str(self._options.get("detail_record") or ".")))
        if not isinstance(found, Mapping):
            raise SourceFault("harvest.E14", name=self._options.get("detail_record") or ".")
        self._failures = 0
        return {str(name): each for name, each in found.items()}


def _same_host(url: str, address: str) -> str:
    """An address on the portal's own host: no other one is sent its token.

    Raises:
        SourceFault: `harvest.E68` it leads elsewhere.
    """
    whole = urljoin(url, address)
    here, there = urlsplit(url), urlsplit(whole)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise SourceFault("harvest.E68", host=there.netloc or "–")
    return whole


def _require_places(options: Mapping[str, Json], body: Json) -> None:
    """Without being told where records and identifiers stand, says where they might.

    Raises:
        SourceFault: `harvest.E69` with the lists of the answer, their keys, and numbers.
    """
    if options.get("records") and options.get("guid"):
        return
    found = candidates(body)
    lists = [
        f"records: {one['records']} ({one['count']}) · guid: {' | '.join(one['keys']) or '–'}"
        f" · total: {' | '.join(one['totals']) or '–'}"
        for one in found
    ]
    raise SourceFault("harvest.E69", lists=lists or ["–"], found=found)


connector = JsonApiConnector()
