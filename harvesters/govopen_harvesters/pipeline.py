"""The stages of a run as steps without I/O of their own: what they read and write is passed in.

gather takes the pages of a source to the ledger; map_batch says what records mean; work walks a
ledger through its stages until it is done, waits for a person, or has had its share of time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Protocol

from ckanext.govopen.domain.harvest import Evidence, Mapped, Staged, Taken

from govopen_harvesters.canonical import TooMuchError, clean, record_hash, spelled
from govopen_harvesters.contract import (
    DATASET,
    INVENTORY,
    Connector,
    Json,
    Page,
    Record,
    Source,
    SourceFault,
    Web,
)
from govopen_harvesters.mapping import Mapper, leaves, text_of

BATCH = 250
MOST_PAGES = 20_000
NO_GUID, TOO_MUCH = "harvest.E1", "harvest.E4"


class Ledger(Protocol):
    """Where a run is written down; each call is one transaction that a newer run's epoch stops."""

    stage: str

    def begin_gather(self) -> None:
        """Forgets what an attempt before had gathered."""

    def gathered(
        self,
        records: Sequence[Staged],
        evidence: Evidence,
        *,
        fault: tuple[str, Mapping[str, Json]] | None = None,
        reached: Mapping[str, Json] | None = None,
    ) -> None:
        """Keeps the records of a page, and what the run has seen so far."""

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


def gather(connector: Connector, source: Source, web: Web, ledger: Ledger, version: str) -> None:
    """Takes every page of a source to the ledger; what breaks off leaves a partial set."""
    ledger.begin_gather()
    volatile = connector.volatile | frozenset(map(str, source.options.get("volatile") or ()))
    evidence, number, digests = Evidence(), 0, set[str]()
    try:
        for page in connector.pages(source, web):
            if page.digest is not None and page.digest in digests:
                evidence = replace(evidence, repeated=evidence.repeated + 1)
                ledger.gathered((), evidence, fault=("harvest.E16", {"page": evidence.pages + 1}))
                return
            digests.add(page.digest or "")
            records = [
                staged(number + at, record, volatile, version)
                for at, record in enumerate(page.records, 1)
            ]
            number += len(records)
            evidence = _with(evidence, page)
            ledger.gathered(records, evidence, fault=_fault(page), reached=page.reached)
            if evidence.pages >= MOST_PAGES:
                raise SourceFault("harvest.E17", pages=MOST_PAGES)  # noqa: TRY301 one road for every fault
    except SourceFault as fault:
        evidence = replace(evidence, faults=evidence.faults + 1)
        ledger.gathered((), evidence, fault=(fault.code, fault.facts))


def _with(evidence: Evidence, page: Page) -> Evidence:
    return replace(
        evidence,
        pages=evidence.pages + (1 if page.records or not page.faults else 0),
        records=evidence.records + len(page.records),
        declared=page.declared if page.declared is not None else evidence.declared,
        is_terminated=page.is_last,
        faults=evidence.faults + len(page.faults),
        covers_all=evidence.covers_all and page.covers_all,
    )


def _fault(page: Page) -> tuple[str, Mapping[str, Json]] | None:
    return (page.faults[0][0], page.faults[0][1]) if page.faults else None


def staged(number: int, record: Record, volatile: frozenset[str], version: str) -> Staged:
    """A record spelled and hashed; one that is too much, or has no name, says so and is kept."""
    try:
        raw = clean(dict(record.raw))
        body = spelled(raw)
        changing = volatile & raw.keys()
        lasting = {name: value for name, value in raw.items() if name not in changing}
        digest = record_hash(spelled(lasting) if changing else body, version)
    except TooMuchError as error:
        place = {**record.place, "limit": str(error)}
        return Staged(number, record.guid, _mark(record), b"{}", place, TOO_MUCH)
    problem = record.problem or (None if record.guid else NO_GUID)
    return Staged(number, record.guid, digest, body, record.place, problem)


def _mark(record: Record) -> str:
    """A mark of a record that is too much to be spelled."""
    return sha256(str(record.guid or record.place).encode()).hexdigest()[:40]


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
    """Each record with what it means."""
    return [(taken, map_(taken.raw)) for taken in batch]


def mapper_of(connector: Connector, options: Mapping[str, Json], outcome: str = DATASET) -> Map:
    """How records of a source are mapped: tables have been read by the intake already."""
    if connector.kind == "table":
        return table_row
    told = {str(name): str(field) for name, field in (options.get("fields") or {}).items()}
    constants = {str(k): str(v) for k, v in (options.get("constants") or {}).items()}
    if outcome == INVENTORY:
        return inventory_row(Mapper(told, connector.fields, constants, words=INVENTORY))
    return Mapper(told, connector.fields, constants).map


def inventory_row(mapper: Mapper) -> Map:
    """A record as a row of the inventory: every name of it is kept beside what it means."""

    def read(raw: Mapping[str, Json]) -> Mapped:
        found = mapper.map(raw)
        return replace(found, unknown=[(name, text_of(value)) for name, value in leaves(raw)])

    return read


def table_row(raw: Mapping[str, Json]) -> Mapped:
    """A row as the intake has read it: its values, and every column as it was."""
    return Mapped(
        values=raw["values"], unknown=list(raw["source"].items()), findings=raw["findings"]
    )


def mapping_version(connector: Connector, options: Mapping[str, Json]) -> str:
    """Names how records are read: another version looks at every record anew."""
    told = {
        name: options.get(name)
        for name in ("fields", "constants", "columns", "truncate", "key", "volatile")
    }
    spelled_out = json.dumps(told, sort_keys=True, ensure_ascii=False)
    return f"{connector.kind}:{connector.version}:{sha256(spelled_out.encode()).hexdigest()[:12]}"
