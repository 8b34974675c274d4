"""Two connections write and publish one list at the same time: whatever the order, nothing is lost.

Each step runs an act of both editors at once, each in a transaction of its own, as two requests
would. What they were told decides what must be true at the end: an act that succeeded is in the
list or the draft, or somebody who had seen it wrote over it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Barrier
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from guard_kit import application_url
from ledger import APPROVER, OFFICER, hire
from results import keep, machine
from sqlalchemy.orm import Session

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import adjustments, registers
from ckanext.govopen.logic.adjustments import Edit
from ckanext.govopen.model import adjustments as drafts
from ckanext.govopen.model import registers as log
from ckanext.govopen.model import spans

REGION, STEPS = "990100", 6
FACTS = {"basis": "云政发〔2026〕1 号", "reason": "调整", "effective_on": "2026-01-05"}


@dataclass
class Wrote:
    """An act that succeeded: who wrote what, on which revision or published row, with what mark."""

    person: str
    code: str
    mark: str
    seen: int
    after: int


@dataclass
class Editor:
    """One person with a connection and a draft of their own, beside the one that both share."""

    name: str
    session: Session
    own: str = ""
    seen_shared: int = 1
    seen_own: int = 1
    wrote: list[Wrote] = field(default_factory=list)
    published: list[Wrote] = field(default_factory=list)
    refused: int = 0


class Table:
    """A list with three entries, two editors and three drafts."""

    def __init__(self, engine: sa.Engine, seed: int) -> None:
        self.draw = Random(seed)  # noqa: S311 - a sample, no secret
        self.engine = engine
        self.editors = [Editor(name, Session(bind=engine)) for name in ("甲", "乙")]
        first = self.editors[0].session
        hire(first)
        self.unit = str(uuid4())
        self.id = log.ensure(first, "power_list", [self.unit], REGION)[self.unit]
        self.codes = [f"T{number}-{self.unit[:8]}" for number in range(3)]
        start = self._draft(first)
        edits = [Edit(code, "add", content(f"{code}-0"), {}) for code in self.codes]
        adjustments.put(first, start, edits, "甲", facts=FACTS)
        self._publish(first, start)
        self.shared = self._draft(first)
        adjustments.put(first, self.shared, [], "甲", facts=FACTS)
        first.commit()
        for editor in self.editors:
            self._begin_own(editor)

    def _draft(self, session: Session) -> str:
        return drafts.create(session, self.id, "甲")

    def _begin_own(self, editor: Editor) -> None:
        editor.own = self._draft(editor.session)
        editor.seen_own = adjustments.put(editor.session, editor.own, [], editor.name, facts=FACTS)
        editor.session.commit()

    def _publish(self, session: Session, draft: str) -> None:
        """Submission, approval and publication, each a transaction of its own."""
        handed = adjustments.submit(session, draft, OFFICER)
        session.commit()
        session.execute(sa.text(APPROVE), {"id": handed.version_id, "case": handed.case_id})
        session.execute(sa.text(STATE), {"id": handed.version_id, "state": "approved"})
        session.commit()
        registers.publish_version(session, handed.version_id, APPROVER, clock.now())
        session.execute(sa.text(STATE), {"id": handed.version_id, "state": "published"})
        session.commit()

    def step(self, barrier: Barrier, editor: Editor, act: str, code: str, mark: str) -> None:
        barrier.wait()
        try:
            getattr(self, f"_{act}")(editor, code, mark)
        except (tk.ValidationError, sa.exc.OperationalError):
            editor.refused += 1
            editor.session.rollback()
            self._look_again(editor)
        finally:
            editor.session.rollback()
            model.Session.remove()

    def _edit_shared(self, editor: Editor, code: str, mark: str) -> None:
        seen = editor.seen_shared
        edit = Edit(code, "change", content(mark), {})
        after = adjustments.put(editor.session, self.shared, [edit], editor.name, revision=seen)
        editor.session.commit()
        editor.wrote.append(Wrote(editor.name, code, mark, seen, after))

    def _look_shared(self, editor: Editor, code: str, mark: str) -> None:
        draft = drafts.show(editor.session, self.shared)
        editor.seen_shared = int(draft["revision"]) if draft else 1

    def _edit_own(self, editor: Editor, code: str, mark: str) -> None:
        adjustments.put(
            editor.session, editor.own, [Edit(code, "change", content(mark), {})], editor.name
        )
        editor.session.commit()

    def _publish_own(self, editor: Editor, code: str, mark: str) -> None:
        rows = drafts.changes(editor.session, editor.own)
        self._publish(editor.session, editor.own)
        for row in rows:
            name = str(row["fields"]["name"])
            editor.published.append(
                Wrote(editor.name, str(row["entry_code"]), name, int(row["base_seq"]), 0)
            )
        self._begin_own(editor)

    def _look_again(self, editor: Editor) -> None:
        """Whoever is refused looks at what there is now, and goes on from there."""
        own = drafts.show(editor.session, editor.own)
        if own is None or own["state"] != "editing":
            self._return(editor)
        drafts.rebase(editor.session, editor.own, editor.name)
        self._look_shared(editor, "", "")
        editor.session.commit()

    def _return(self, editor: Editor) -> None:
        """Its case is returned, as the approver does with what moved meanwhile."""
        own = drafts.show(editor.session, editor.own)
        if own is not None and own["state"] == "submitted":
            version = str(own["version_id"])
            editor.session.execute(sa.text(STATE), {"id": version, "state": "returned"})
            registers.return_version(editor.session, version)

    def play(self) -> None:
        acts = ("edit_shared", "edit_shared", "look_shared", "edit_own", "edit_own", "publish_own")
        with ThreadPoolExecutor(2) as pool:
            for number in range(STEPS):
                barrier, waiting = Barrier(2), []
                for editor in self.editors:
                    act, code = self.draw.choice(acts), self.draw.choice(self.codes)
                    mark = f"{code}-{editor.name}{number}"
                    waiting.append(pool.submit(self.step, barrier, editor, act, code, mark))
                for one in waiting:
                    one.result(timeout=60)

    def close(self) -> None:
        for editor in self.editors:
            editor.session.rollback()
            editor.session.close()


APPROVE = (
    "INSERT INTO govopen_opinion (case_id, record_type, record_id, content_hash, person, roles,"
    " step, result) VALUES (:case, 'register_version', :id, govopen_version_hash(:id, 1),"
    f" '{APPROVER}', '{{}}', 's', 'approved')"
)
STATE = (
    "UPDATE govopen_review SET state = :state WHERE record_type = 'register_version'"
    " AND record_id = :id"
)


def content(mark: str) -> dict[str, Any]:
    return {
        "name": mark,
        "power_type": "license",
        "exercising_body": "测试局",
        "legal_basis": [{"title": "条例"}],
    }


@pytest.fixture
def engine(app: Flask, data_folder: Path) -> Iterator[sa.Engine]:
    made = sa.create_engine(application_url(data_folder))
    yield made
    made.dispose()


def check(table: Table) -> None:
    """Nothing that succeeded is lost: in the shared draft, and in the published list."""
    wrote = sorted((one for e in table.editors for one in e.wrote), key=lambda one: one.after)
    newest: dict[str, Wrote] = {}
    for one in wrote:
        before = newest.get(one.code)
        if before is not None and before.person != one.person:
            assert one.seen >= before.after, (before, one)
        newest[one.code] = one
    session = table.editors[0].session
    shared = {
        str(row["entry_code"]): row["fields"]["name"]
        for row in drafts.changes(session, table.shared)
    }
    assert shared == {code: one.mark for code, one in newest.items()}
    _check_published(table, session)


def _check_published(table: Table, session: Session) -> None:
    """Each published content stands on the one before it: nobody wrote over what they never saw."""
    rows = session.execute(
        sa.text(
            "SELECT entry_code, log_seq, convert_from(public, 'UTF8')::jsonb -> 'fields' ->> 'name'"
            " AS name FROM govopen_public_entry WHERE register_id = :id ORDER BY number"
        ),
        {"id": table.id},
    ).all()
    stood_on: dict[tuple[str, str], int | None] = {}
    last: dict[str, int] = {}
    for row in rows:
        stood_on[row.entry_code, row.name] = last.get(row.entry_code)
        last[row.entry_code] = row.log_seq
    for one in (one for editor in table.editors for one in editor.published):
        assert stood_on[one.code, one.mark] == one.seen, one
    assert registers.verify(session, table.id).holds
    before = spans.mark(session, table.id)
    spans.rebuild(session, table.id)
    assert spans.mark(session, table.id) == before


@pytest.mark.parametrize("batch", range(5))
def test_fifty_orders_of_two_editors_lose_nothing(engine: sa.Engine, batch: int) -> None:
    for number in range(10):
        _play(engine, batch * 10 + number)


@pytest.mark.long
def test_a_thousand_orders_of_two_editors_lose_nothing(engine: sa.Engine) -> None:
    sums: Counter[str] = Counter(dict.fromkeys(("written", "published", "refused", "lost"), 0))
    start = monotonic()
    for number in range(1000):
        sums.update(_play(engine, 1000 + number))
    figures = {"orders": 1000, "steps": STEPS, **sums, "seconds": round(monotonic() - start)}
    keep("register-editors", "two connections, one list", {**figures, "machine": machine()})


def _play(engine: sa.Engine, seed: int) -> dict[str, int]:
    """One order of acts, checked; how many were written, published and refused."""
    table = Table(engine, seed)
    try:
        table.play()
        check(table)
        return {
            "written": sum(len(one.wrote) for one in table.editors),
            "published": sum(len(one.published) for one in table.editors),
            "refused": sum(one.refused for one in table.editors),
        }
    finally:
        table.close()
