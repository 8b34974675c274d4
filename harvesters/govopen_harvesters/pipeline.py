"""The stages of a run as steps without I/O of their own: what they read and write is passed in.

gather takes the pages of a source to the ledger; map_batch says what records mean; work walks a
ledger through its stages until it is done, waits for a person, or has had its share of time.
"""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import islice
from traceback import format_tb
from typing import Any, Protocol

from ckanext.govopen.domain.harvest import Evidence, Gathered, Mapped, Staged, Taken

from govopen_harvesters.canonical import (
    BrokenTextError,
    TooMuchError,
    clean,
    clean_guid,
    clean_text,
    record_hash,
    spelled,
    spelled_at_once,
    spelled_later,
)
from govopen_harvesters.contract import (
    DATASET,
    INVENTORY,
    Connector,
    CursorLost,
    Halt,
    Json,
    Page,
    Record,
    Source,
    SourceFault,
    Web,
)
from govopen_harvesters.mapping import Mapper
from govopen_harvesters.rows import InventoryRows, TableRows

log = logging.getLogger(__name__)

BATCH = 250
WITHOUT_SPACE = (errno.ENOSPC, errno.EDQUOT)
MOST_PAGES = 20_000
STALE_PAGES = 2  # one page may hold nothing but repetitions; a third in a row leads in a circle
NO_GUID, TOO_MUCH, FAILED_READER = "harvest.E1", "harvest.E4", "harvest.E39"
BROKEN_TEXT, NOT_MAPPED = "harvest.E61", "harvest.E9"


class Ledger(Protocol):
    """Where a run is written down; each call is one transaction that a newer run's epoch stops."""

    stage: str

    def begin_gather(self, *, is_anew: bool = False) -> Gathered | None:
        """What an attempt before had gathered, where reading can go on; else it is forgotten.

        Args:
            is_anew: it is forgotten in any case.
        """

    def gathered(
        self,
        records: Sequence[Staged],
        evidence: Evidence,
        *,
        fault: tuple[str, Mapping[str, Json]] | None = None,
        reached: Mapping[str, Json] | None = None,
        cursor: Mapping[str, Json] | None = None,
        met: Sequence[str] = (),
    ) -> None:
        """Keeps the records of a page, what the run has seen so far, and where it can go on."""

    def compare(self) -> None:
        """Says of every record what it is: new, changed, the same, or one too many."""

    def batch(self, size: int) -> Sequence[Taken]:
        """Records of the present stage that are still to be done, in their order."""

    def check(self, records: Sequence[tuple[Taken, Mapped]]) -> None:
        """Notes what loading these records would refuse."""

    def end_check(self) -> None:
        """All is checked: waits for an approval, or ends a dry run."""

    def load(self, records: Sequence[tuple[Taken, Mapped]]) -> None:
        """Writes these records, each of them or a dead letter in its place."""

    def remove(self) -> bool:
        """Takes away some of what vanished; True while there is more."""

    def close(self) -> None:
        """Accounts for the run and ends it."""


def gather(
    connector: Connector | Kept | First,
    source: Source,
    web: Web,
    ledger: Ledger,
    version: str,
    go_on: Callable[[bool], None] = lambda _: None,
) -> None:
    """Takes every page of a source to the ledger; what breaks off leaves a partial set.

    Args:
        go_on: called after each page, with whether reading can go on behind it later; raises `Halt`
            when the worker has to end, or others should have their turn.
    """
    try:
        _gather(connector, source, web, ledger, version, go_on, ledger.begin_gather())
    except CursorLost:
        ledger.begin_gather(is_anew=True)
        _gather(connector, source, web, ledger, version, go_on, None)


def _gather(
    connector: Connector | Kept | First,
    source: Source,
    web: Web,
    ledger: Ledger,
    version: str,
    go_on: Callable[[bool], None],
    before: Gathered | None,
) -> None:
    """Takes the pages behind those of an attempt before, if there was one, to the ledger."""
    volatile = connector.volatile | frozenset(map(str, source.options.get("volatile") or ()))
    evidence, seen = before.evidence if before else Evidence(), _Seen()
    number = evidence.records
    if before:
        source = replace(source, cursor=before.cursor, met=before.met)
    try:
        for page in _pages(connector, source, web):
            if seen.again(page):
                evidence = replace(evidence, repeated=evidence.repeated + 1)
                ledger.gathered((), evidence, fault=("harvest.E16", {"page": evidence.pages + 1}))
                return
            records = [
                staged(number + at, record, volatile, version)
                for at, record in enumerate(page.records, 1)
            ]
            number += len(records)
            evidence = _with(evidence, page)
            ledger.gathered(records, evidence, fault=_fault(page), reached=page.reached,
                            cursor=page.cursor, met=page.met)  # fmt: skip
            if evidence.pages >= MOST_PAGES:
                raise SourceFault("harvest.E17", pages=MOST_PAGES)  # noqa: TRY301 one road for every fault
            go_on(page.cursor is not None)
    except SourceFault as fault:
        evidence = replace(evidence, faults=evidence.faults + 1)
        ledger.gathered((), evidence, fault=(fault.code, _plain(fault.facts)))


def _pages(connector: Connector | Kept | First, source: Source, web: Web) -> Iterator[Page]:
    """What a connector reads; a mistake in one is a fault of its source, and no end of the run."""
    pages = iter(connector.pages(source, web))
    while True:
        try:
            page = next(pages)
        except StopIteration:
            return
        except (SourceFault, CursorLost, Halt):
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in WITHOUT_SPACE:
                raise
            _note(f"the connector of kind {connector.kind} failed", error)
            raise SourceFault(FAILED_READER, said=type(error).__name__) from error
        yield page


class Kept:
    """What a source said the last time, in the place of its connector: nothing is asked for."""

    def __init__(self, connector: Connector, ledger: Any) -> None:
        self._ledger = ledger
        self.kind, self.volatile = connector.kind, connector.volatile

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """The records that are kept; those that are not among them are not missing for that."""
        after, is_last = str((source.cursor or {}).get("after", "")), False
        while not is_last:
            rows = self._ledger.kept(after, BATCH)
            is_last = len(rows) < BATCH
            after = rows[-1][0] if rows else after
            records = [Record(guid, raw) for guid, raw in rows]
            cursor = None if is_last else {"after": after}
            yield Page(records, is_last=is_last, covers_all=False, cursor=cursor)


class First:
    """The first page of a source in the place of all: whether it answers, and what it names."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self.kind, self.volatile = connector.kind, connector.volatile

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """One page; no other is asked for, now or later."""
        for page in islice(self._connector.pages(source, web), 1):
            yield replace(page, cursor=None)


class _Seen:
    """Which pages came before: the same bytes, or several with nothing new on them."""

    def __init__(self) -> None:
        self._digests, self._guids, self._stale = set[str](), set[int](), 0

    def again(self, page: Page) -> bool:
        """True when the pages of a source do not move on any more."""
        if page.digest is None:
            return False
        guids = {hash(one.guid) for one in page.records if one.guid}
        is_stale = bool(guids) and guids <= self._guids
        self._stale = self._stale + 1 if is_stale else 0
        is_known = page.digest in self._digests or self._stale > STALE_PAGES
        self._digests.add(page.digest)
        self._guids |= guids
        return is_known


def _note(what: str, error: Exception) -> None:
    """Where it happened: what an error says may quote the record, or a secret."""
    place = "".join(format_tb(error.__traceback__))
    log.error("%s: %s\n%s", what, type(error).__name__, place)


def _with(evidence: Evidence, page: Page) -> Evidence:
    return replace(
        evidence,
        pages=evidence.pages + (1 if page.records or not page.faults else 0),
        records=evidence.records + len(page.records),
        declared=page.declared if page.declared is not None else evidence.declared,
        is_terminated=page.is_last,
        faults=evidence.faults + len(page.faults),
        covers_all=evidence.covers_all and page.covers_all,
        left_out=evidence.left_out + page.left_out,
        columns=tuple(dict.fromkeys((*evidence.columns, *page.columns))),
        notes=evidence.with_notes(
            {"code": code, "facts": _plain(facts)} for code, facts in page.notes
        ),
    )


def _fault(page: Page) -> tuple[str, Mapping[str, Json]] | None:
    return (page.faults[0][0], _plain(page.faults[0][1])) if page.faults else None


def _plain(facts: Mapping[str, Json]) -> dict[str, Json]:
    """Facts that can be kept, whatever the source has put into them."""
    return {clean_text(str(name)): _plain_value(value) for name, value in facts.items()}


def _plain_value(value: Json) -> Json:
    if isinstance(value, Mapping):
        return _plain(value)
    if isinstance(value, list):
        return [_plain_value(one) for one in value]
    return clean_text(value) if isinstance(value, str) else value


def staged(number: int, record: Record, volatile: frozenset[str], version: str) -> Staged:
    """A record spelled and hashed; one that is too much, or has no name, says so and is kept."""
    guid, where = clean_guid(record.guid), _plain(record.place)
    dropped: list[int] = []
    try:
        said, lasting = _spelled(record.raw, volatile, dropped)
        digest = record_hash(lasting, version)
    except TooMuchError as error:
        place = {**where, "limit": str(error)}
        return Staged(number, guid, _mark(record), b"{}", place, TOO_MUCH)
    except BrokenTextError:
        return Staged(number, guid, _mark(record), b"{}", where, BROKEN_TEXT)
    if dropped:
        where["dropped"] = sum(dropped)
    problem = record.problem or (None if guid else NO_GUID)
    return Staged(number, guid, digest, said, where, problem)


def _spelled(
    raw: Mapping[str, Json], volatile: frozenset[str], dropped: list[int]
) -> tuple[bytes | Callable[[], bytes], bytes]:
    """A record's canonical bytes, and those of what lasts of it.

    Where something changes by itself, the whole is spelled when it is wanted.
    """
    changing = {name: raw[name] for name in volatile & raw.keys()}
    lasting = {name: value for name, value in raw.items() if name not in changing}
    body = spelled_at_once(lasting)
    if body is None or (changing and spelled_at_once(changing) is None):
        raw = clean(dict(raw), dropped=dropped)
        body = spelled({name: value for name, value in raw.items() if name not in volatile})
        return spelled(raw), body
    return (partial(spelled_later, raw) if changing else body), body


def _mark(record: Record) -> str:
    """A mark of a record that cannot be spelled: its name, or what it says at first sight."""
    said = {
        str(name)[:100]: str(value)[:1000]
        for name, value in record.raw.items()
        if isinstance(value, (str, int, float))
    }
    name = record.guid or f"{record.place} {said}"
    return sha256(name.encode(errors="backslashreplace")).hexdigest()[:40]


Map = Callable[[Mapping[str, Json]], Mapped]


def work(ledger: Ledger, read: Callable[[], None], map_: Map, has_time: Callable[[], bool]) -> bool:
    """Walks a run through its stages from where it stands.

    Args:
        read: gathers the source into the ledger.
        has_time: False when others should have their turn.

    Returns:
        True when there is more to do.
    """
    if ledger.stage == "gather":
        read()
        ledger.compare()
    for stage, take, end in (
        ("check", ledger.check, ledger.end_check),
        ("load", ledger.load, lambda: None),
    ):
        while ledger.stage == stage:
            batch = ledger.batch(BATCH)
            if not batch:
                end()
                break
            take(map_batch(map_, batch))
            if not has_time():
                return True
    while ledger.stage in ("load", "remove"):
        if not ledger.remove():
            ledger.close()
    return False


def map_batch(map_: Map, batch: Iterable[Taken]) -> list[tuple[Taken, Mapped]]:
    """Each record with what it means; one that has a problem already means nothing."""
    return [_mapped(map_, taken) for taken in batch]


def _mapped(map_: Map, taken: Taken) -> tuple[Taken, Mapped]:
    if taken.problem:
        return taken, Mapped({})
    try:
        return taken, _as_mended(map_(taken.raw), taken.place.get("mended") or {})
    except Exception as error:  # noqa: BLE001 one that cannot be mapped keeps no other back
        _note("a record could not be mapped", error)
        place = {**taken.place, "said": type(error).__name__}
        return replace(taken, problem=NOT_MAPPED, place=place), Mapped({})


def _as_mended(found: Mapped, said: Mapping[str, str]) -> Mapped:
    """What a person says here of fields in place of the source; the doubts about those are gone."""
    if not said:
        return found
    findings = [one for one in found.findings if one.get("field") not in said]
    return replace(found, values={**found.values, **said}, findings=findings)


def mapper_of(connector: Connector, options: Mapping[str, Json], outcome: str = DATASET) -> Map:
    """How records of a source are mapped: tables have been read by the intake already."""
    values = options.get("values") or {}
    if connector.kind == "table":
        return TableRows(options.get("columns") or {}, values).map
    told = {str(name): str(field or "") for name, field in (options.get("fields") or {}).items()}
    constants = {str(k): str(v) for k, v in (options.get("constants") or {}).items()}
    words = INVENTORY if outcome == INVENTORY else DATASET
    mapper = Mapper(told, connector.fields, constants, words=words, values=values)
    return InventoryRows(mapper).map if outcome == INVENTORY else mapper.map


def mapping_version(connector: Connector, options: Mapping[str, Json]) -> str:
    """Names how records are read: another version looks at every record anew."""
    told = {
        name: options.get(name)
        for name in ("fields", "constants", "columns", "truncate", "key", "volatile")
    }
    if options.get("values"):
        told["values"] = options["values"]
    spelled_out = json.dumps(told, sort_keys=True, ensure_ascii=False)
    return f"{connector.kind}:{connector.version}:{sha256(spelled_out.encode()).hexdigest()[:12]}"
