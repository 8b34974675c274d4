"""Lists of any day, read from the database, equal a clerk's replay of every row that was published.

Each random history is published through the guard, version by version, under the set clock; its
transaction is never committed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger import APPROVER, OFFICER, hire
from oracles import register_history as clerk
from oracles.register_histories import BEIJING, days_of, histories, moments_of

pytestmark = pytest.mark.usefixtures("app")

SALT = b"0123456789abcdef"
few = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Kept:
    """A register in the database into which a history is published."""

    def __init__(self) -> None:
        from ckan import model

        model.Session.rollback()
        self.session = model.Session
        hire(self.session)
        self.region = uuid4().hex
        self.id = self.value(
            "INSERT INTO govopen_register (register_type, unit_id, region_code)"
            " VALUES ('internal_rule_list', :unit, :region) RETURNING id",
            unit=f"unit-{self.region}",
            region=self.region,
        )
        self.value(
            "INSERT INTO govopen_org_unit (unit_id, slug, name, kind, level, region_code, valid_from,"
            " from_on, actor) VALUES (:unit, :unit, :unit, 'gov_organ', 'city', '990100',"
            " '2015-01-01', '2015-01-01', 'x')",
            unit=f"unit-{self.region}",
        )
        self.head = (0, "")

    def value(self, sql: str, **values: object) -> Any:
        found = self.session.execute(sa.text(sql), values)
        return found.scalar() if found.returns_rows else None

    def publish(self, history: list[dict]) -> None:
        for version in history:
            self._publish(history, version)

    def _publish(self, history: list[dict], version: dict) -> None:
        from ckanext.govopen import clock
        from ckanext.govopen.logic import registers

        at = version["published_at"]
        clock.set_to(at)
        for row in version["rows"]:
            self._write(row, clerk.effective_on(history, version, row), at)
        act = registers.Act(OFFICER, at, "云政发〔2026〕1号", "动态调整")
        codes = [row["entry"] for row in version["rows"]]
        staged = registers.stage_version(self.session, self.id, codes, act, version["effective_on"])
        if version["approved_on"]:
            registers.set_approved_on(self.session, [staged], version["approved_on"])
        self._approve(staged)
        registers.publish_version(self.session, staged, APPROVER, at)
        self.value("UPDATE govopen_review SET state = 'published' WHERE record_id = :id", id=staged)
        self.head = self._newest()

    def _newest(self) -> tuple[int, str]:
        found = self.session.execute(
            sa.text(
                "SELECT position, hash FROM govopen_register_log WHERE register_id = :id"
                " ORDER BY position DESC LIMIT 1"
            ),
            {"id": self.id},
        )
        position, digest = found.one()
        return position, digest

    def _write(self, row: dict, effective: date, at: datetime) -> None:
        from ckanext.govopen.domain.registers import canonical, link

        position, before = self.head[0] + 1, self.head[1]
        public = canonical(
            {
                "at": at.isoformat(), "basis": "云政发〔2026〕1号", "change": row["kind"],
                "effective_on": effective.isoformat(), "entry": row["entry"],
                "fields": row["fields"], "kind": "entry", "position": position,
                "reason": "动态调整", "register": self.id, "status": row["status"],
                **({"corrects": row["corrects"]} if row["corrects"] else {}),
            }
        )  # fmt: skip
        made = link(position, before, public, SALT, b"{}")
        self.value(
            "INSERT INTO govopen_register_log (register_id, position, kind, entry_code, change,"
            " recorded_at, actor, basis, reason, public, salt, private, private_hash, prev_hash, hash)"
            " VALUES (:id, :position, 'entry', :entry, :kind, :at, :actor, '云政发〔2026〕1号', '动态调整',"
            " :public, :salt, '{}', :private_hash, :before, :hash)",
            id=self.id, position=position, entry=row["entry"], kind=row["kind"], at=at,
            actor=OFFICER, public=public, salt=SALT, before=before, hash=made.hash,
            private_hash=sha256(SALT + b"{}").hexdigest(),
        )  # fmt: skip
        self.head = (position, made.hash)

    def _approve(self, version_id: str) -> None:
        case = self.value(
            "INSERT INTO govopen_review_case (kind, title, unit_ids, profile, created_by)"
            " VALUES ('register', 't', '{}', 'two_person', 'x') RETURNING id"
        )
        self.value(
            "INSERT INTO govopen_review (record_type, record_id, case_id, state)"
            " VALUES ('register_version', :id, :case, 'approved')",
            id=version_id,
            case=case,
        )
        for person, result in ((OFFICER, "submitted"), (APPROVER, "approved")):
            self.value(
                "INSERT INTO govopen_opinion (case_id, record_type, record_id, content_hash, person,"
                " roles, step, result) VALUES (:case, 'register_version', :id,"
                " govopen_record_hash('register_version', :id, 1), :person, '{}', 's', :result)",
                case=case, id=version_id, person=person, result=result,
            )  # fmt: skip

    def ask(self, action: str, **asked: object) -> dict[str, Any]:
        said = {name: value for name, value in asked.items() if value is not None}
        return asked_of(action, {"id": self.id, **said})

    def notice(self, number: int) -> dict[str, Any]:
        return asked_of("govopen_register_notice_show", {"register": self.id, "number": number})


def asked_of(action: str, asked: dict[str, object]) -> dict[str, Any]:
    """What the public gets to know."""
    import ckan.plugins.toolkit as tk

    answer: dict[str, Any] = tk.get_action(action)({"user": ""}, asked)
    return answer


def told(entry: Mapping[str, Any]) -> tuple[object, ...]:
    return entry["version"], entry["effective_on"], entry["status"], entry["fields"]


def replayed(history: list[dict], day: date, known_at: datetime | None) -> dict[str, tuple]:
    return {
        code: (one["number"], one["effective_on"].isoformat(), one["status"], one["fields"])
        for code, one in clerk.the_list(history, day, known_at).items()
    }


def days_with_an_edge(history: list[dict]) -> list[date]:
    """Days on which something begins, and those beside them; on the others nothing can differ."""
    edges = {
        clerk.effective_on(history, version, row) for version in history for row in version["rows"]
    }
    return sorted(edges | {day - timedelta(days=1) for day in edges})


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


class TestAnyDate:
    @few
    @given(histories(), st.data())
    def test_a_list_of_any_day_as_known_at_any_moment(
        self, history: list[dict], data: st.DataObject
    ) -> None:
        kept = Kept()
        kept.publish(history)
        moments = [None, *data.draw(st.lists(st.sampled_from(moments_of(history)), max_size=4))]
        for known_at in moments if history else []:
            for day in days_with_an_edge(history):
                # A register that nothing was known of yet has its lists, and they are empty.
                answer = kept.ask(
                    "govopen_register_entry_list", as_of=day.isoformat(), known_at=iso(known_at)
                )
                said = {entry["entry_code"]: told(entry) for entry in answer["items"]}
                assert said == replayed(history, day, known_at), (day, known_at)

    @few
    @given(histories(), st.data())
    def test_a_comparison_is_the_difference_of_both_lists(
        self, history: list[dict], data: st.DataObject
    ) -> None:
        kept = Kept()
        kept.publish(history)
        for _ in range(6 if history else 0):
            first, second = (data.draw(st.sampled_from(days_of(history))) for _ in range(2))
            known_at = data.draw(st.sampled_from(moments_of(history)))
            answer = kept.ask(
                "govopen_register_diff",
                known_at=iso(known_at),
                **{"from": first.isoformat(), "to": second.isoformat()},
            )
            added, removed, changed = clerk.difference(history, first, second, known_at)
            assert sorted(answer["added"]) == added
            assert sorted(answer["removed"]) == removed
            assert {each["entry_code"]: set(each["fields"]) for each in answer["changed"]} == {
                code: set(fields) for code, fields in changed.items()
            }

    @few
    @given(histories())
    def test_what_is_computed_anew_from_the_log_is_the_same(self, history: list[dict]) -> None:
        from ckanext.govopen.model import spans

        kept = Kept()
        kept.publish(history)
        before = spans.mark(kept.session, kept.id)
        spans.rebuild(kept.session, kept.id)
        assert spans.mark(kept.session, kept.id) == before

    @few
    @given(histories())
    def test_no_knowledge_is_ever_taken_back(self, history: list[dict]) -> None:
        """What was known at each publishing reads the same after all the later ones."""
        kept = Kept()
        seen = {}
        for version in history:
            kept._publish(history, version)
            at = version["published_at"]
            for day in days_with_an_edge(history[: version["number"]]):
                seen[at, day] = kept.ask("govopen_register_entry_list", as_of=day.isoformat())
        for (at, day), answer in seen.items():
            later = kept.ask("govopen_register_entry_list", as_of=day.isoformat(), known_at=iso(at))
            assert later["items"] == answer["items"], (at, day)


class TestNotices:
    @few
    @given(histories())
    def test_a_notice_says_what_its_version_changed(self, history: list[dict]) -> None:
        kept = Kept()
        kept.publish(history)
        for version in history:
            said = clerk.notice(history, version["number"])
            answer = kept.notice(version["number"])
            assert answer["counts"] == said["counts"]
            assert answer["corrections"] == len(said["corrections"])
            assert [lines(row) for row in answer["items"]] == [moved(row) for row in said["rows"]]
            assert [lines(row) for row in answer["corrected"]] == [
                moved(row) for row in said["corrections"]
            ]

    @few
    @given(histories())
    def test_a_late_publication_is_flagged_from_the_exact_day(self, history: list[dict]) -> None:
        kept = Kept()
        kept.publish(history)
        late = clerk.late_publications(history, BEIJING)
        for version in history:
            term = kept.notice(version["number"])["term"]
            assert term["due_on"] == clerk.due_on(version).isoformat()
            assert term["is_late"] == (version["number"] in late)


def lines(row: Mapping[str, Any]) -> tuple[object, ...]:
    changed = {name: tuple(pair) for name, pair in row["changed"].items()}
    return row["entry_code"], row["kind"], changed


def moved(row: Mapping[str, Any]) -> tuple[object, ...]:
    """An entry that begins or ends is named; of one that goes on the changed fields are shown."""
    goes_on = row["before"] is not None and row["after"] is not None
    changed = clerk.fields_that_differ(row["before"], row["after"]) if goes_on else {}
    return row["entry"], row["kind"], changed


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    kept = Kept()
    at = datetime(2026, 3, 5, 0, 30, tzinfo=BEIJING)
    row = {
        "entry": "Q1",
        "kind": "add",
        "status": "in_force",
        "fields": {"name": "许可"},
        "corrects": None,
    }
    kept.publish(
        [{"number": 1, "effective_on": date(2026, 3, 2), "approved_on": None, "published_at": at, "rows": [row]}]
    )  # fmt: skip
    asked = {"as_of": "2026-03-02"}
    for known_at, number in (("2026-03-04T16:29:59+00:00", 0), ("2026-03-04T16:30:00+00:00", 1)):
        answer = kept.ask("govopen_register_entry_list", known_at=known_at, **asked)
        assert len(answer["items"]) == number
