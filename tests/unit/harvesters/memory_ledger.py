"""A ledger in memory with the rules of the real one, which can be stopped before any of its steps."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ckanext.govopen.domain import harvest as rules
from ckanext.govopen.domain.harvest import Evidence, Mapped, Staged, Taken

from govopen_harvesters import pipeline
from govopen_harvesters.contract import Page, Record, Source


class Killed(Exception):  # noqa: N818 the name says what happened
    """The worker is gone."""


@dataclass
class Kept:
    """What is here of one source between its runs: `{guid: (hash, title)}`, and what failed."""

    records: dict[str, tuple[str, str]] = field(default_factory=dict)
    dead: dict[str, str] = field(default_factory=dict)
    watermark: Mapping[str, Any] | None = None
    writes: int = 0


@dataclass
class Row:
    staged: Staged
    verdict: str | None = None
    is_done: bool = False


class MemoryLedger:
    """One run. `steps` counts the transactions; before step number `dies_at` the worker dies.

    What a transaction of the real ledger does is done here after the count, so that a run that dies
    has either done a step whole or not at all.
    """

    def __init__(self, kept: Kept, *, is_approved: bool = True, dies_at: int | None = None) -> None:
        self.kept, self.is_approved, self.dies_at = kept, is_approved, dies_at
        self.stage, self.state, self.steps = "gather", "running", 0
        self.rows: dict[int, Row] = {}
        self.evidence, self.reached = Evidence(), None
        self.known_before, self.removed, self.counts = 0, 0, rules.Counts()
        self.faults: list[str] = []

    def _step(self) -> None:
        self.steps += 1
        if self.dies_at is not None and self.steps >= self.dies_at:
            raise Killed

    def begin_gather(self, *, is_anew: bool = False) -> None:
        self._step()
        self.rows, self.evidence, self.stage = {}, Evidence(), "gather"

    def gathered(
        self,
        records: Sequence[Staged],
        evidence: Evidence,
        *,
        fault: tuple[str, Mapping[str, Any]] | None = None,
        reached: Mapping[str, Any] | None = None,
        cursor: Mapping[str, Any] | None = None,
        met: Sequence[str] = (),
    ) -> None:
        self._step()
        self.rows |= {one.number: Row(one) for one in records}
        self.evidence, self.reached = evidence, reached or self.reached
        self.faults += [fault[0]] if fault else []

    def compare(self) -> None:
        self._step()
        seen = set[str]()
        for row in self.rows.values():
            row.verdict = self._judged(row.staged, seen)
            row.is_done = row.verdict in ("unchanged", "conflict") or self._failed_before(row)
        self.known_before = len(self.kept.records)
        self.stage = "load" if self.evidence.pages else "done"

    def _judged(self, one: Staged, seen: set[str]) -> str:
        if one.guid in seen:
            return "conflict"
        seen |= {one.guid} if one.guid else set()
        if one.problem or self.kept.dead.get(name_of(one)) == one.record_hash:
            return "rejected"
        known = self.kept.records.get(str(one.guid))
        return (
            "created"
            if known is None
            else "unchanged"
            if known[0] == one.record_hash
            else "updated"
        )

    def _failed_before(self, row: Row) -> bool:
        return self.kept.dead.get(name_of(row.staged)) == row.staged.record_hash

    def batch(self, size: int) -> list[Taken]:
        found = [row for row in self.rows.values() if not row.is_done][:size]
        return [
            Taken(
                one.staged.number, one.staged.guid, one.staged.record_hash,
                json.loads(one.staged.raw), {}, str(one.verdict), one.staged.problem,
            )
            for one in found
        ]  # fmt: skip

    def check(self, records: Sequence[tuple[Taken, Mapped]]) -> None:
        raise AssertionError("this ledger never waits")

    def end_check(self) -> None:
        raise AssertionError("this ledger never waits")

    def load(self, records: Sequence[tuple[Taken, Mapped]]) -> None:
        self._step()
        for taken, mapped in records:
            row = self.rows[taken.number]
            row.is_done = True
            if taken.problem or not mapped.values.get("title"):
                row.verdict = "rejected"
                self.kept.dead[name_of(taken)] = taken.record_hash
            else:
                self.kept.records[str(taken.guid)] = taken.record_hash, mapped.values["title"]
                self.kept.dead.pop(str(taken.guid), None)
            self.kept.writes += 1

    def remove(self) -> bool:
        self._step()
        self.stage = "remove"
        if self.evidence.may_remove:
            seen = {row.staged.guid for row in self.rows.values()}
            gone = [guid for guid in self.kept.records if guid not in seen]
            for guid in gone:
                del self.kept.records[guid]
            self.removed += len(gone)
            self.kept.writes += len(gone)
        return False

    def close(self) -> None:
        self._step()
        verdicts = [row.verdict for row in self.rows.values()]
        names = ("unchanged", "created", "updated", "rejected", "conflict")
        self.counts = rules.Counts(
            **{name: verdicts.count(name) for name in names},
            seen=self.evidence.records,
            removed=self.removed,
            known_before=self.known_before,
            known_after=len(self.kept.records),
        )
        self.state = rules.end_state(self.evidence, self.counts).value
        self.kept.watermark = rules.watermark_after(
            self.kept.watermark, self.reached, self.evidence
        )
        self.stage = "done"


def name_of(one: Staged | Taken) -> str:
    return one.guid or f"#{one.record_hash}"


@dataclass
class ListConnector:
    """Gives pages that a test has written; an exception among them is raised in its place."""

    script: Sequence[Page | Exception]
    kind: str = "list"
    version: int = 1
    outcome: str = "dataset"
    label: Mapping[str, str] = field(default_factory=dict)
    options: Sequence[Any] = ()
    fields: Mapping[str, str] = field(default_factory=lambda: {"title": "title", "id": ""})
    volatile: frozenset[str] = frozenset()

    def pages(self, source: Source, web: Any) -> Iterator[Page]:
        for one in self.script:
            if isinstance(one, Exception):
                raise one
            yield one


def record(guid: str | None, title: str, **more: Any) -> Record:
    return Record(guid, {"id": guid, "title": title, **more})


def pages_of(records: Sequence[Record], size: int = 3) -> list[Page]:
    """Whole pages of records, the last of them the end."""
    parts = [records[at : at + size] for at in range(0, len(records), size)] or [[]]
    made = [Page(part, declared=len(records)) for part in parts]
    return [*made[:-1], replace(made[-1], is_last=True)]


def run(ledger: MemoryLedger, script: Sequence[Page | Exception]) -> MemoryLedger:
    """Walks a ledger through its stages as a worker would."""
    connector = ListConnector(script)
    pipeline.work(
        ledger,
        lambda: pipeline.gather(connector, Source({}), None, ledger, "1"),  # type: ignore[arg-type]
        pipeline.mapper_of(connector, {}),
        lambda: True,
    )
    return ledger
