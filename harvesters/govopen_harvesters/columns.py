"""One reading of a column of a web site: its list from page to page, and the documents it names.

Bounds hold whatever the site does: pages, documents and bytes of a run, hosts, pace. What cannot be
read is a record that says so; a list that is not seen to end is never whole.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from hashlib import blake2b, sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

import yaml

from ckanext.govopen.domain.intake_values import BadDateError, read_date

from govopen_harvesters import reading
from govopen_harvesters.canonical import clean_guid
from govopen_harvesters.contract import (
    LONGEST_PAUSE,
    CursorLost,
    Json,
    Page,
    Record,
    SourceFault,
    Web,
    mark_of,
)
from govopen_harvesters.robots import DISALLOWED, Robots

READER = "govopen_harvesters.page_reader"
WORDS = Path(__file__).parent / "words" / "page.yaml"
WALL_SECONDS = 30
TOGETHER = 10  # documents that one program reads, and that one page of the run holds
MOST_LISTS, MOST_SITEMAPS = 2_000, 500
MOST_DOCUMENTS = 20_000
MOST_RUN_BYTES = 2 << 30
FAILURES = 5  # documents one after the other that cannot be had: the site is at fault
PAUSE = 200
SWEEP_EVERY = 7
OVERLAP = timedelta(days=14)  # for documents that come later than their day
SECOND = 2
INDEX_NUMBER = "index_number"
GONE = (404, 410)
# What the program that reads pages is told of the settings.
ASKED = (
    "items", "link", "date", "next", "total", "pages", "match",
    "title", "published", "index_number", "body", "attachments", "drop",
)  # fmt: skip
Fault = tuple[str, Mapping[str, Json]]


@dataclass(frozen=True)
class ListPage:
    """A page of a list.

    Args:
        items: entries that no page before had, and that are to be read.
        is_news: it names an entry that no page before had, to be read or not.
        is_last: the list is seen to end here.
        fault: why it is not seen to, where nothing follows.
        has_next: another page follows.
        cursor: where reading was before this page, and what stood on it.
        met: what the page before has added to what the reading knows.
        done: documents of it that were read before.
        sitemaps: what it lists in the place of documents.
    """

    url: str
    items: Sequence[Mapping[str, Json]]
    digest: str | None
    covers_all: bool = True
    declared: int | None = None
    is_news: bool = False
    is_last: bool = False
    fault: Fault | None = None
    has_next: bool = False
    cursor: Mapping[str, Json] | None = None
    met: Sequence[str] = ()
    done: int = 0
    sitemaps: Sequence[str] | None = None


# What a reading has to know of the pages before, beside the lists and documents that it met.
WHERE = ("url", "listed", "bytes", "hosts", "read_on")
LIST = "/"  # before the name of a list among the names that were met


@dataclass
class Column:
    """One reading of a column: where it is, what it has seen.

    Args:
        url: of the next page of the list.
        visited, known: pages of the list and documents that were met, in short.
        fresh: those of them that no page has handed on yet.
    """

    options: Mapping[str, Json]
    web: Web
    watermark: Mapping[str, Json] | None = None
    url: str = ""
    read_on: str = ""
    bytes: int = 0
    failures: int = 0
    asked: int = 0
    listed: int = 0
    visited: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    fresh: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        words = _words()
        self.ask = {name: self.options.get(name) for name in ASKED}
        self.ask["words"] = words
        told = {str(k): str(v) for k, v in (self.options.get("labels") or {}).items()}
        self.ask["labels"] = {
            **{label: name for name, labels in words["labels"].items() for label in labels},
            **told,
        }
        self.url = str(self.options["url"])
        first = (urlsplit(self.url).hostname or "").lower()
        self.hosts = {first, *(str(one).lower() for one in self.options.get("hosts") or ())}
        self.robots = Robots(self.web)
        self.since = self._since()

    def _since(self) -> str:
        """The day before which documents are known; empty when the whole column is to be read."""
        known = self.watermark or {}
        every = int(self.options.get("sweep_every", SWEEP_EVERY))
        if not known.get("read_on") or int(known.get("runs", 0)) + 1 >= every:
            return ""
        return (date.fromisoformat(str(known["read_on"])) - OVERLAP).isoformat()

    @property
    def reached(self) -> Mapping[str, Json] | None:
        """What the next run goes by: the day by the site's clock, and runs since a whole one."""
        runs = int((self.watermark or {}).get("runs", 0)) + 1 if self.since else 0
        return {"read_on": self.read_on, "runs": runs} if self.read_on else None

    # --- lists -----------------------------------------------------------------------------------

    def lists(
        self, cursor: Mapping[str, Json] | None = None, met: frozenset[str] = frozenset()
    ) -> Iterator[ListPage]:
        """The pages of the list, until it ends, or cannot be seen to.

        Args:
            cursor: of the page on which an attempt before was; the rest of it comes first.
            met: what it had met on the pages before that one.

        Raises:
            CursorLost: other entries stand on that page now, or what was met is not there any more.
            SourceFault: a page cannot be had or read, or the list is too long.
        """
        part = self._same_page(cursor, met) if cursor is not None else None
        most = min(int(self.options.get("most_pages") or MOST_LISTS), MOST_LISTS)
        while True:
            part = part or self._next_page()
            if part.sitemaps is not None:
                yield from self._sitemaps(part.sitemaps)
                return
            yield part
            if not part.has_next:
                return
            if len(self.visited) >= most:
                raise SourceFault("harvest.E17", pages=most)
            part = None

    def _same_page(self, cursor: Mapping[str, Json], met: frozenset[str]) -> ListPage:
        """The page that was read last, where it is still the same: what follows has not moved."""
        if cursor.get("met") != len(met):
            raise CursorLost
        for name in WHERE:
            is_set = isinstance(getattr(self, name), set)
            setattr(self, name, set(cursor[name]) if is_set else cursor[name])
        self.visited = {one.removeprefix(LIST) for one in met if one.startswith(LIST)}
        self.known = {one for one in met if not one.startswith(LIST)}
        part, done = self._next_page(), int(cursor["done"])
        is_same = part.cursor is not None and part.cursor["mark"] == cursor["mark"]
        if not is_same or not (part.has_next or part.items[done:]):
            raise CursorLost
        return replace(part, done=done)

    def _next_page(self) -> ListPage:
        """The page at which the reading is; from then on it is at the following one."""
        where = {name: getattr(self, name) for name in WHERE}
        cursor = {name: sorted(one) if isinstance(one, set) else one for name, one in where.items()}
        cursor["met"] = len(self.visited) + len(self.known)
        met, self.fresh = self.fresh, []
        url = self.url
        self._visit(short(bare(url)))
        found, led_to, digest = self._list(url, len(self.visited))
        if found is None:  # beyond the last numbered page
            return ListPage(url, (), None, is_last=True)
        if "sitemaps" in found:
            return ListPage(url, (), None, sitemaps=found["sitemaps"])
        part = self._part(led_to, found, digest)
        following, is_last, fault = self._following(found, led_to)
        if following and found["items"] and all(map(self._is_known, found["items"])):
            following, is_last, fault = None, True, None
        elif following and not part.is_news:  # it goes round in a way of its own
            following, fault = None, ("harvest.E42", {"page": led_to})
        self.url = following or ""
        cursor["mark"] = mark_of(item["url"] for item in found["items"])
        return replace(part, is_last=is_last, fault=fault, has_next=bool(following), cursor=cursor,
                       met=met)  # fmt: skip

    def _visit(self, name: str) -> None:
        if name not in self.visited:
            self.visited.add(name)
            self.fresh.append(f"{LIST}{name}")

    def _list(self, url: str, number: int) -> tuple[Mapping[str, Json] | None, str, str]:
        try:
            found, led_to, digest = self._read_list(url)
        except SourceFault as fault:
            is_beyond = number > 1 and fault.facts.get("status") in GONE
            if is_beyond and self.options.get("page_url") and not self.options.get("pages"):
                return None, url, ""
            raise
        if not found["items"] and "sitemaps" not in found and not found.get("is_feed"):
            raise SourceFault("harvest.E40", page=url)
        self.listed += len(found["items"])
        return found, led_to, digest

    def _read_list(self, url: str) -> tuple[Mapping[str, Json], str, str]:
        self._require_host(url)
        self.robots.require(url)
        self._pause(url)
        with self.web.download(url) as file:
            self._count(file.path)
            digest = sha256(file.path.read_bytes()).hexdigest()
            led_to = file.url or url
            self.read_on = self.read_on or _day_of_answer(file.headers)
            found = _read("list", self.ask, [(file.path, led_to)])[0]
        self.hosts.add((urlsplit(led_to).hostname or "").lower())  # where the source itself leads
        if "refused" in found:
            code = "harvest.E45" if found.get("is_setting") else "harvest.E41"
            raise SourceFault(code, page=url, said=found["refused"])
        return found, led_to, digest

    def _following(
        self, found: Mapping[str, Json], url: str
    ) -> tuple[str | None, bool, Fault | None]:
        """The next page, whether the list is seen to end here, and why not where it stops."""
        pages, total = found.get("pages"), found.get("total")
        is_told = pages is not None or total is not None
        is_end = (pages is not None and len(self.visited) >= pages) or (
            total is not None and self.listed >= total
        )
        if is_end:
            return None, True, None
        if self.options.get("page_url"):
            return self._numbered(len(self.visited)), False, None
        following = found.get("next")
        if following and short(bare(following)) not in self.visited:
            return following, False, None
        if following or found.get("is_scripted"):
            return None, False, ("harvest.E42", {"page": url})
        return None, not is_told, ("harvest.E42", {"page": url}) if is_told else None

    def _numbered(self, done: int) -> str:
        second = int(self.options.get("second", SECOND))
        return str(self.options["page_url"]).replace("{page}", str(second + done - 1))

    def _sitemaps(self, urls: Sequence[str]) -> Iterator[ListPage]:
        if len(urls) > MOST_SITEMAPS:
            raise SourceFault("harvest.E17", pages=MOST_SITEMAPS)
        for number, url in enumerate(urls, 1):
            found, led_to, digest = self._read_list(url)
            if "sitemaps" in found:
                raise SourceFault("harvest.E41", page=url, said="sitemapindex")
            self.listed += len(found["items"])
            yield replace(self._part(led_to, found, digest), is_last=number == len(urls))

    def _part(self, url: str, found: Mapping[str, Json], digest: str) -> ListPage:
        fresh: list[Mapping[str, Json]] = []
        before = len(self.known)
        for item in found["items"]:
            name = short(bare(item["url"]))
            if name not in self.known:
                self.known.add(name)
                self.fresh.append(name)
                fresh += [] if self._is_known(item) else [item]
        if len(self.known) > MOST_DOCUMENTS:
            raise SourceFault("harvest.E44", most=MOST_DOCUMENTS)
        total = found.get("total")
        again = self.listed - len(self.known)
        declared = max(0, total - again) if total is not None and not self.since else None
        covers_all, is_news = found["covers_all"] and not self.since, len(self.known) > before
        return ListPage(url, fresh, digest, covers_all, declared, is_news)

    def _is_known(self, item: Mapping[str, Json]) -> bool:
        """True for an entry so old that an earlier run has read it."""
        day = day_of(str(item["date"])) if self.since else ""
        return bool(day) and day < self.since

    # --- documents -------------------------------------------------------------------------------

    def documents(self, part: ListPage) -> Iterator[Page]:
        """The documents of a page of the list; what could not be read says so in its place."""
        for at in range(part.done, max(1, len(part.items)), TOGETHER):
            batch = part.items[at : at + TOGETHER]
            is_end = at + TOGETHER >= len(part.items)
            may_go_on = part.cursor is not None and (part.has_next or not is_end)
            yield Page(
                self._records(batch, part.url),
                part.digest if at == 0 else None,
                declared=part.declared,
                is_last=is_end and part.is_last,
                reached=self.reached if is_end and part.is_last else None,
                faults=[part.fault] if is_end and part.fault else (),
                covers_all=part.covers_all,
                cursor={**(part.cursor or {}), "done": at + len(batch)} if may_go_on else None,
                met=part.met if at == 0 else (),
            )

    def _records(self, items: Sequence[Mapping[str, Json]], page: str) -> list[Record]:
        if self.options.get("list_only"):
            return [self._record(item, {}, page) for item in items]
        with ExitStack() as held:
            files = [self._fetched(held, item["url"]) for item in items]
            had = [one for one in files if not isinstance(one, SourceFault)]
            said = iter(_read("document", self.ask, had))
            return [
                _failed(item, file, page)
                if isinstance(file, SourceFault)
                else self._document(item, next(said), page)
                for item, file in zip(items, files, strict=True)
            ]

    def _fetched(self, held: ExitStack, url: str) -> tuple[Path, str] | SourceFault:
        """The file of a document and where it was, or why there is none."""
        try:
            self._require_host(url)
            self.robots.require(url)
            self._pause(url)
            file = held.enter_context(self.web.download(url))
            led_to = file.url or url
            self._require_host(led_to)
        except SourceFault as fault:
            self._note_failure(fault)
            return fault
        self._count(file.path)
        self.failures = 0
        return file.path, led_to

    def _note_failure(self, fault: SourceFault) -> None:
        """Ends a run whose site does not answer any more: each document would wait in vain."""
        if fault.code in ("harvest.E43", DISALLOWED) or fault.facts.get("status") in GONE:
            return
        self.failures += 1
        if self.failures >= FAILURES:
            raise fault

    def _document(self, item: Mapping[str, Json], said: Mapping[str, Json], page: str) -> Record:
        if "refused" in said:
            code = "harvest.E45" if said.get("is_setting") else "harvest.E41"
            if said.get("is_setting"):
                raise SourceFault(code, page=item["url"], said=said["refused"])
            return _failed(item, SourceFault(code, page=item["url"], said=said["refused"]), page)
        if not said["body"] and not said["attachments"]:
            return _failed(item, SourceFault("harvest.E46", page=item["url"]), page)
        return self._record(item, said, page)

    def _record(self, item: Mapping[str, Json], said: Mapping[str, Json], page: str) -> Record:
        """What list and document say together; the document's own word counts."""
        facts = {**(said.get("facts") or {})}
        title, day = facts.pop("title", None) or item["title"], facts.pop("date", None)
        files = said.get("attachments") or item.get("attachments") or []
        raw: dict[str, Json] = {
            "address": item["url"],
            "title": title,
            "date": day_of(day or "") or day_of(item["date"]) or day or item["date"],
            "body": said.get("body") or item.get("body") or "",
            "attachments": files or [{"name": title, "url": item["url"], "format": "HTML"}],
            **facts,
        }
        kept = {name: value for name, value in raw.items() if value}
        return Record(self._guid(item["url"], facts), kept, {"page": page})

    def _guid(self, url: str, facts: Mapping[str, Json]) -> str | None:
        by_number = str(self.options.get("key") or "") == INDEX_NUMBER
        return clean_guid((facts.get(INDEX_NUMBER) if by_number else None) or bare(url))

    # --- bounds ----------------------------------------------------------------------------------

    def _require_host(self, url: str) -> None:
        host = (urlsplit(url).hostname or "").lower()
        if host not in self.hosts:
            raise SourceFault("harvest.E43", host=host)

    def _pause(self, url: str) -> None:
        """A site of an office is asked at the pace of a reader, not of a machine, or as it asks."""
        if self.asked:
            told = max(0, int(self.options.get("pause", PAUSE))) / 1000
            time.sleep(min(LONGEST_PAUSE, max(told, self.robots.delay(url))))
        self.asked += 1

    def _count(self, path: Path) -> None:
        self.bytes += path.stat().st_size
        if self.bytes > MOST_RUN_BYTES:
            raise SourceFault("harvest.E44", most=f"{MOST_RUN_BYTES >> 20} MB")


def _failed(item: Mapping[str, Json], fault: SourceFault, page: str) -> Record:
    """An entry whose document cannot be read: what the list says of it, and why."""
    raw = {"address": item["url"], "title": item["title"], "date": item["date"]}
    return Record(
        clean_guid(bare(item["url"])), raw, {"page": page, **fault.facts}, problem=fault.code
    )


def bare(url: str) -> str:
    """An address as a document is known by it: no scheme, no place in the page, no session."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = f":{parts.port}" if parts.port and parts.port not in (80, 443) else ""
    path = parts.path.partition(";jsessionid=")[0] or "/"
    return urlunsplit(("", "", f"{host}{port}{path}", parts.query, ""))


def short(name: str) -> str:
    """A name as a cursor keeps it, of which there may be many."""
    return blake2b(name.encode(errors="backslashreplace"), digest_size=8).hexdigest()


def _day_of_answer(headers: Mapping[str, str]) -> str:
    """The day that the site itself has, by the head of its answer; empty when it does not say."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).date().isoformat()
    except (ValueError, TypeError):
        return ""


def day_of(text: str) -> str:
    """A day in the form 2026-01-05, whichever way it was written; empty when it is none."""
    try:
        return read_date(text).isoformat()
    except BadDateError:
        return ""


@cache
def _words() -> dict[str, Json]:
    found: dict[str, Json] = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    return found


def _read(
    what: str, ask: Mapping[str, Json], pages: Sequence[tuple[Path, str]]
) -> list[Mapping[str, Json]]:
    """What the reading program found in each page; one that breaks it is refused alone."""
    if not pages:
        return []
    with TemporaryDirectory(prefix="harvest-") as folder:
        task, out = Path(folder) / "task.json", Path(folder) / "lines.jsonl"
        listed = [{"file": str(path), "url": url} for path, url in pages]
        task.write_text(json.dumps({"what": what, "ask": ask, "pages": listed}), encoding="utf-8")
        try:
            reading.run(READER, [str(task), str(out)], WALL_SECONDS)
        except reading.ReadingFailed as failed:
            if len(pages) == 1:
                return [{"refused": str(failed)}]
            return [found for page in pages for found in _read(what, ask, [page])]
        with out.open(encoding="utf-8") as stream:
            return [json.loads(line) for line in stream]
