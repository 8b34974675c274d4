"""A list without people: versions are staged, approved by two names, and published in SQL's sight.

Everything stays in the caller's transaction, which is rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import sqlalchemy as sa
from histories import Said, Version
from sqlalchemy.orm import Session

from ckanext.govopen.logic import registers
from ckanext.govopen.model import registers as log

REGION = "990100"
OFFICER, APPROVER = "ledger-officer", "ledger-approver"


def hire(session: Session) -> None:
    """The two people whose words a version needs."""
    session.execute(
        sa.text(
            "INSERT INTO \"user\" (id, name, state) SELECT p, p, 'active'"
            " FROM unnest(CAST(:people AS text[])) p ON CONFLICT DO NOTHING"
        ),
        {"people": [OFFICER, APPROVER]},
    )


class Ledger:
    """One register of a unit that nobody else knows."""

    def __init__(self, session: Session, register_type: str = "power_list") -> None:
        self.session, self.type = session, register_type
        hire(session)
        self.unit = str(uuid4())
        self.id = log.ensure(session, register_type, [self.unit], REGION)[self.unit]
        self.case = str(uuid4())
        session.execute(
            sa.text(
                "INSERT INTO govopen_review_case (id, kind, title, unit_ids, profile, created_by)"
                " VALUES (:id, 'register', 't', ARRAY[:unit], 'two_person', 'officer')"
            ),
            {"id": self.case, "unit": self.unit},
        )

    def stage(self, version: Version) -> str:
        """Log rows and a version that waits."""
        at = version.published_at - timedelta(microseconds=1)
        self._set_clock(at)
        act = registers.Act(OFFICER, at, "云政发〔2025〕1 号", f"第{version.number}次")
        changes = [self._change(code, said) for code, said in version.entries.items()]
        registers.write(self.session, self.id, changes, act, self.type)
        notice = registers.NoticeFacts(approved_on=version.approved_on)
        return registers.stage_version(
            self.session,
            self.id,
            [one.entry_code for one in changes],
            act,
            version.effective_on,
            notice,
        )

    def _change(self, code: str, said: Said) -> registers.EntryChange:
        return registers.EntryChange(
            entry_code=f"{code}-{self.unit[:8]}",
            change=said.change,
            fields={name: value for name, value in said.fields.items() if value},
            status=said.status,
            effective_on=said.effective_on,
            corrects=said.corrects,
        )

    def _set_clock(self, at: datetime) -> None:
        self.session.execute(sa.text("UPDATE govopen_site SET clock_at = :at"), {"at": at})

    def approve(self, version_id: str) -> None:
        self.session.execute(
            sa.text(
                "INSERT INTO govopen_review (record_type, record_id, case_id, state)"
                " VALUES ('register_version', :id, :case, 'approved')"
            ),
            {"id": version_id, "case": self.case},
        )
        for person, result in ((OFFICER, "submitted"), (APPROVER, "approved")):
            self.session.execute(
                sa.text(
                    "INSERT INTO govopen_opinion (case_id, record_type, record_id, content_hash,"
                    " person, roles, step, result) VALUES (:case, 'register_version', :id,"
                    " govopen_version_hash(:id, 1), :person, '{}', 's', :result)"
                ),
                {"case": self.case, "id": version_id, "person": person, "result": result},
            )

    def publish(self, version_id: str, at: datetime) -> None:
        self._set_clock(at)
        registers.publish_version(self.session, version_id, APPROVER, at)
        self.session.execute(
            sa.text(
                "UPDATE govopen_review SET state = 'published' WHERE record_id = :id"
                " AND record_type = 'register_version'"
            ),
            {"id": version_id},
        )

    def tell(self, version: Version) -> None:
        version_id = self.stage(version)
        self.approve(version_id)
        self.publish(version_id, version.published_at)

    def plain(self, rows: Sequence[Mapping[str, object]]) -> dict[str, Mapping[str, object]]:
        """Public fields by the codes of the history."""
        return {str(row["entry_code"])[:4]: row["public"]["fields"] for row in rows}  # type: ignore[index]
