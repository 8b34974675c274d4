"""Review cases, their records and the append-only opinions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]
Record = tuple[str, str]  # (record_type, record_id)

ONWARD = ("submitted", "pass", "approved")  # results that lead towards publication


def add_draft(session: Session, record_type: str, record_id: str) -> None:
    """The review row that every record has from its first moment."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_review (record_type, record_id) VALUES (:type, :id)"
            " ON CONFLICT DO NOTHING"
        ),
        {"type": record_type, "id": record_id},
    )


def add_case(session: Session, **values: object) -> str:
    """A new case; values: kind, title, unit_ids, profile, created_by, reason."""
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_review_case"
                " (kind, title, unit_ids, profile, created_by, reason)"
                " VALUES (:kind, :title, :unit_ids, :profile, :created_by, :reason) RETURNING id"
            ),
            values,
        ).scalar_one()
    )


def take_records(session: Session, case_id: str, records: Sequence[Record]) -> None:
    """Puts records into a case; those without a review row get one."""
    session.execute(
        sa.text(
            "INSERT INTO govopen_review (record_type, record_id, case_id)"
            " SELECT t, i, :case"
            " FROM unnest(CAST(:types AS text[]), CAST(:ids AS text[])) AS r(t, i)"
            " ON CONFLICT (record_type, record_id) DO UPDATE SET case_id = :case,"
            " updated_at = govopen_now()"
        ),
        {"case": case_id, "types": [t for t, _ in records], "ids": [i for _, i in records]},
    )


def lock_packages(session: Session, package_ids: Sequence[str]) -> None:
    """Locks package rows in the order that everybody uses; whoever changes parts does it first."""
    session.execute(
        sa.text("SELECT FROM package WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"),
        {"ids": list(package_ids)},
    )


def share_package(session: Session, package_id: str) -> None:
    """Keeps a package as it is until this transaction ends; others may read along."""
    session.execute(sa.text("SELECT FROM package WHERE id = :id FOR SHARE"), {"id": package_id})


def lock_case(session: Session, case_id: str) -> Row | None:
    found = _rows(
        session, "SELECT * FROM govopen_review_case WHERE id = :id FOR UPDATE", id=case_id
    )
    return found[0] if found else None


def case(session: Session, case_id: str) -> Row | None:
    found = _rows(session, "SELECT * FROM govopen_review_case WHERE id = :id", id=case_id)
    return found[0] if found else None


_SEEN = (
    "(NOT :only_open OR c.closed_at IS NULL AND c.submitted_at IS NOT NULL)"
    " AND (CAST(:units AS text[]) IS NULL OR c.unit_ids && CAST(:units AS text[]))"
    " AND (c.submitted_at IS NOT NULL OR c.unit_ids && CAST(:kept AS text[]))"
)
_CURSOR = "to_char(c.created_at AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISSUS') || c.id"


def cases(
    session: Session,
    unit_ids: Sequence[str] | None,
    kept: Sequence[str],
    *,
    only_open: bool,
    after: str,
    limit: int,
) -> list[Row]:
    """Cases, newest first, each with its `cursor`.

    Args:
        unit_ids: units of which cases are seen; None for every unit.
        kept: units that the reader keeps: of these also what is not submitted yet.
        after: cursor of the last row seen; '' for the first page.
    """
    return _rows(
        session,
        f"SELECT c.*, {_CURSOR} AS cursor,"
        " (SELECT count(*) FROM govopen_review r WHERE r.case_id = c.id) AS records,"
        " (SELECT min(r.state) FROM govopen_review r WHERE r.case_id = c.id) AS state,"
        " (SELECT min(r.step) FROM govopen_review r WHERE r.case_id = c.id) AS step"
        f" FROM govopen_review_case c WHERE {_SEEN} AND (:after = '' OR {_CURSOR} < :after)"
        f" ORDER BY {_CURSOR} DESC LIMIT :limit",
        units=None if unit_ids is None else list(unit_ids),
        kept=list(kept),
        only_open=only_open,
        after=after,
        limit=limit,
    )


def count_cases(
    session: Session, unit_ids: Sequence[str] | None, kept: Sequence[str], *, only_open: bool
) -> int:
    """How many rows `cases` has in all."""
    found = _rows(
        session,
        f"SELECT count(*) AS number FROM govopen_review_case c WHERE {_SEEN}",
        units=None if unit_ids is None else list(unit_ids),
        kept=list(kept),
        only_open=only_open,
    )
    return int(found[0]["number"])


def records(session: Session, case_id: str) -> list[Row]:
    """The records of a case with their present hash and the hash that was submitted."""
    return _rows(
        session,
        "SELECT r.*,"
        " govopen_record_hash(r.record_type, r.record_id, r.hash_version) AS current_hash,"
        " (SELECT o.content_hash FROM govopen_opinion o WHERE o.case_id = r.case_id"
        "  AND o.record_type = t.target_type AND o.record_id = t.target_id"
        "  AND o.result = 'submitted' ORDER BY o.seq DESC LIMIT 1) AS submitted_hash"
        " FROM govopen_review r JOIN govopen_review_target t USING (record_type, record_id)"
        " WHERE r.case_id = :id ORDER BY r.record_type, r.record_id",
        id=case_id,
    )


def record_ids(session: Session, case_id: str) -> list[Record]:
    """What a case holds, without its hashes."""
    found = _rows(
        session,
        "SELECT record_type, record_id FROM govopen_review WHERE case_id = :id ORDER BY 1, 2",
        id=case_id,
    )
    return [(str(row["record_type"]), str(row["record_id"])) for row in found]


def review(session: Session, record_type: str, record_id: str) -> Row | None:
    found = _rows(
        session,
        "SELECT * FROM govopen_review WHERE record_type = :type AND record_id = :id",
        type=record_type,
        id=record_id,
    )
    return found[0] if found else None


def titles(session: Session, record_ids: Sequence[str]) -> dict[str, str]:
    """Titles of datasets, and of the datasets of revisions, by record."""
    found = _rows(
        session,
        "SELECT r.id, p.title FROM unnest(CAST(:ids AS text[])) r(id)"
        " LEFT JOIN govopen_pending_revision v ON v.id = r.id"
        " JOIN package p ON p.id = coalesce(v.package_id, r.id)",
        ids=list(record_ids),
    )
    return {str(row["id"]): str(row["title"]) for row in found}


def reviews(session: Session, record_ids: Sequence[str]) -> dict[Record, Row]:
    """Review rows of several records, by (record_type, record_id)."""
    found = _rows(
        session, "SELECT * FROM govopen_review WHERE record_id = ANY(:ids)", ids=list(record_ids)
    )
    return {(str(row["record_type"]), str(row["record_id"])): row for row in found}


def opinions(session: Session, case_id: str) -> list[Row]:
    """What was said in a case: one row for each act, whatever the number of its records."""
    return _rows(
        session,
        "SELECT min(seq) AS seq, person, roles, step, result, opinion, ground, checklist,"
        " not_before, deputy_for, recorded_at, count(*) AS records FROM govopen_opinion"
        " WHERE case_id = :id GROUP BY person, roles, step, result, opinion, ground, checklist,"
        "  not_before, deputy_for, recorded_at ORDER BY 1",
        id=case_id,
    )


def newest_submission(session: Session, case_id: str) -> int | None:
    """Number of the newest submission of a case: another one is another content."""
    found = _rows(
        session,
        "SELECT max(seq) AS seq FROM govopen_opinion WHERE case_id = :id AND result = 'submitted'",
        id=case_id,
    )
    return found[0]["seq"]


# About a revision an opinion is given for the dataset with its new content; but what sends a
# revision back says nothing about a dataset that is public with that very content.
_ADD_OPINIONS = (
    "INSERT INTO govopen_opinion"
    " (case_id, record_type, record_id, content_hash, person, roles, step, result, opinion,"
    "  ground, checklist, not_before, deputy_for, refresh_rule)"
    " SELECT r.case_id, CASE WHEN o.own THEN r.record_type ELSE t.target_type END,"
    "  CASE WHEN o.own THEN r.record_id ELSE t.target_id END, h,"
    "  :person, CAST(:roles AS text[]), :step, :result, :opinion, :ground,"
    "  CAST(:checklist AS jsonb), CAST(:not_before AS timestamptz), :deputy_for, :rule"
    " FROM govopen_review r JOIN govopen_review_target t USING (record_type, record_id),"
    "  LATERAL govopen_record_hash(r.record_type, r.record_id, r.hash_version) h,"
    "  LATERAL (SELECT r.record_type = 'revision' AND :result <> ALL (:onward)"
    "   AND h = govopen_content_hash(t.target_id, r.hash_version) AS own) o"
    " WHERE r.case_id = :case"
    "  AND (CAST(:id AS text) IS NULL OR (r.record_type, r.record_id) = (:type, :id))"
    " ORDER BY r.record_type, r.record_id"
)


def add_opinions(
    session: Session,
    case_id: str,
    *,
    person: str,
    roles: Sequence[str],
    step: str,
    result: str,
    opinion: str | None = None,
    ground: str | None = None,
    checklist: Mapping[str, bool] | None = None,
    not_before: datetime | None = None,
    deputy_for: str | None = None,
    refresh_rule: str | None = None,
    record: Record | None = None,
) -> None:
    """One opinion for each record of the case (or one of them), for the hash that it has now."""
    session.execute(
        sa.text(_ADD_OPINIONS),
        {
            "case": case_id,
            "person": person,
            "roles": list(roles),
            "step": step,
            "result": result,
            "opinion": opinion,
            "ground": ground,
            "checklist": json.dumps(checklist) if checklist else None,
            "not_before": not_before,
            "deputy_for": deputy_for,
            "type": record[0] if record else None,
            "id": record[1] if record else None,
            "onward": list(ONWARD),
            "rule": refresh_rule,
        },
    )


def set_state(
    session: Session, case_id: str, state: str, step: str | None, record_type: str | None = None
) -> None:
    """The state of every record of a case; `published_at` is server time, never given."""
    session.execute(
        sa.text(
            "UPDATE govopen_review SET state = :state, step = :step, updated_at = govopen_now(),"
            " step_since = CASE WHEN (state, step) IS DISTINCT FROM (:state, :step)"
            "  THEN govopen_now() ELSE step_since END,"
            " published_at ="
            "  CASE WHEN :state = 'published' THEN govopen_now() ELSE published_at END"
            " WHERE case_id = :case"
            "  AND (CAST(:type AS text) IS NULL OR record_type = :type)"
        ),
        {"case": case_id, "state": state, "step": step, "type": record_type},
    )


def set_record_state(
    session: Session, record_type: str, record_id: str, state: str, ground: str | None = None
) -> None:
    session.execute(
        sa.text(
            "UPDATE govopen_review SET state = :state, step = NULL, updated_at = govopen_now(),"
            " withdrawn_at ="
            "  CASE WHEN :state = 'withdrawn' THEN govopen_now() ELSE withdrawn_at END,"
            " withdrawn_ground ="
            "  CASE WHEN :state = 'withdrawn' THEN :ground ELSE withdrawn_ground END"
            " WHERE record_type = :type AND record_id = :id"
        ),
        {"type": record_type, "id": record_id, "state": state, "ground": ground},
    )


def mark_submitted(
    session: Session, case_id: str, steps: Sequence[str], embargo_until: datetime | None
) -> None:
    """Fixes the way of a case: its steps, and the earliest moment of its publication."""
    session.execute(
        sa.text(
            "UPDATE govopen_review_case SET submitted_at = govopen_now(), closed_at = NULL,"
            " steps = :steps, embargo_until = :until WHERE id = :id"
        ),
        {"id": case_id, "steps": list(steps), "until": embargo_until},
    )
    session.execute(
        sa.text("UPDATE govopen_review SET embargo_until = :until WHERE case_id = :id"),
        {"id": case_id, "until": embargo_until},
    )


def due_cases(session: Session) -> list[str]:
    """Approved cases whose embargo is over."""
    found = _rows(
        session,
        "SELECT case_id, min(embargo_until) AS due FROM govopen_review"
        " WHERE state = 'embargoed' AND embargo_until <= govopen_now()"
        " GROUP BY case_id ORDER BY due, case_id",
    )
    return [str(row["case_id"]) for row in found]


def close_case(session: Session, case_id: str) -> None:
    session.execute(
        sa.text("UPDATE govopen_review_case SET closed_at = govopen_now() WHERE id = :id"),
        {"id": case_id},
    )


def set_private(session: Session, package_ids: Sequence[str], private: bool) -> None:
    """The one statement that makes packages public; the guard asks for their approval here."""
    session.execute(
        sa.text(
            "UPDATE package SET private = :private,"
            " metadata_modified = govopen_now() AT TIME ZONE 'UTC' WHERE id = ANY(:ids)"
        ),
        {"ids": list(package_ids), "private": private},
    )


def public_ids(session: Session, package_ids: Sequence[str]) -> set[str]:
    """Those of the ids that the public may read now."""
    return set(
        session.execute(
            sa.text("SELECT id FROM govopen_public WHERE id = ANY(:ids)"),
            {"ids": list(package_ids)},
        ).scalars()
    )


def broken_approvals(session: Session) -> list[Row]:
    """Public records whose present content is not what was approved; must be empty."""
    return _rows(
        session,
        "SELECT r.record_type, r.record_id FROM govopen_review r"
        " LEFT JOIN package p ON r.record_type = 'package' AND p.id = r.record_id"
        " WHERE r.record_type <> 'revision'"
        "  AND (r.state = 'published' OR p.private IS NOT TRUE AND p.id IS NOT NULL)"
        "  AND NOT govopen_approved(r.record_type, r.record_id)",
    ) + _rows(
        session,
        "SELECT 'package' AS record_type, p.id AS record_id FROM package p"
        " LEFT JOIN govopen_review r ON r.record_type = 'package' AND r.record_id = p.id"
        " WHERE p.private IS NOT TRUE AND r.record_id IS NULL",
    )


def count_public(session: Session) -> int:
    return int(
        session.execute(
            sa.text(
                "SELECT count(*) FROM govopen_review WHERE state = 'published'"
                " AND record_type IN ('package', 'register_version')"
            )
        ).scalar_one()
    )


_HIDINGS = (
    "SELECT o.seq, o.case_id, o.record_id AS package_id, o.person, o.deputy_for, o.opinion,"
    " o.recorded_at, p.name, p.title, p.owner_org,"
    " coalesce(nullif(u.fullname, ''), u.name, o.person) AS person_name"
    " FROM govopen_opinion o JOIN package p ON p.id = o.record_id"
    ' LEFT JOIN "user" u ON u.id = o.person'
    " WHERE o.record_type = 'package' AND o.result = 'hidden' AND NOT EXISTS"
    "  (SELECT FROM govopen_opinion l WHERE l.record_type = 'package' AND l.record_id = o.record_id"
    "   AND l.seq > o.seq AND l.result IN ('confirmed', 'lifted', 'hidden'))"
)


def open_hiding(session: Session, package_id: str) -> Row | None:
    """The emergency hiding of a package that no second person has confirmed or lifted."""
    found = _rows(session, f"{_HIDINGS} AND o.record_id = :id", id=package_id)
    return found[0] if found else None


def open_hidings(
    session: Session, unit_ids: Sequence[str] | None, package_ids: Sequence[str] | None
) -> list[Row]:
    """Hidings that wait for a second person, oldest first."""
    return _rows(
        session,
        f"{_HIDINGS} AND (CAST(:units AS text[]) IS NULL OR p.owner_org = ANY (:units))"
        " AND (CAST(:ids AS text[]) IS NULL OR o.record_id = ANY (:ids)) ORDER BY o.seq",
        units=None if unit_ids is None else list(unit_ids),
        ids=None if package_ids is None else list(package_ids),
    )


def standing(session: Session, case_id: str) -> Row | None:
    """Step of a submitted case and the moment since which it waits there; None: not submitted."""
    found = _rows(
        session,
        "SELECT min(step) AS step, max(step_since) AS step_since FROM govopen_review"
        " WHERE case_id = :id HAVING bool_and(state = 'submitted')",
        id=case_id,
    )
    return found[0] if found else None


def cases_at(session: Session, steps: Sequence[str]) -> list[str]:
    """Submitted cases that wait at one of these places."""
    found = _rows(
        session,
        "SELECT DISTINCT case_id FROM govopen_review WHERE state = 'submitted' AND step = ANY(:at)"
        " ORDER BY case_id",
        at=list(steps),
    )
    return [str(row["case_id"]) for row in found]


def submitters(session: Session, case_id: str) -> set[str]:
    """Everybody who has submitted this case."""
    found = _rows(
        session,
        "SELECT DISTINCT person FROM govopen_opinion WHERE case_id = :id AND result = 'submitted'",
        id=case_id,
    )
    return {str(row["person"]) for row in found}


def standing_cases(session: Session) -> list[Row]:
    """Submitted cases with the step that waits and the moment since which it does."""
    return _rows(
        session,
        "SELECT case_id, min(step) AS step, max(step_since) AS step_since FROM govopen_review"
        " WHERE state = 'submitted' GROUP BY case_id ORDER BY case_id",
    )


def add_escalation(session: Session, row: Row, level: int) -> int:
    """Notes that somebody is told; 0 when it was noted before."""
    written = session.execute(
        sa.text(
            "INSERT INTO govopen_review_escalation (case_id, step, since, level)"
            " VALUES (:case_id, :step, :since, :level) ON CONFLICT DO NOTHING"
        ),
        {
            "case_id": row["case_id"],
            "step": row["step"],
            "since": row["step_since"],
            "level": level,
        },
    )
    return int(written.rowcount)  # type: ignore[attr-defined]


def set_findings(session: Session, case_id: str, findings: int) -> None:
    """How many findings the scan of a case had, cleared or not."""
    session.execute(
        sa.text("UPDATE govopen_review_case SET findings = :findings WHERE id = :id"),
        {"id": case_id, "findings": findings},
    )


def set_told(session: Session, case_id: str, told: Sequence[Mapping[str, Any]]) -> None:
    """What the checks of the data said of a case, as its people shall see it from now on."""
    session.execute(
        sa.text("UPDATE govopen_review_case SET told = CAST(:told AS jsonb) WHERE id = :id"),
        {"id": case_id, "told": json.dumps(list(told), ensure_ascii=False)},
    )


def people_of_case(session: Session, case_id: str, role: str) -> list[str]:
    """User ids of those who hold a role for one of a case's units now, deputies among them."""
    found = _rows(
        session,
        "SELECT DISTINCT a.user_id FROM govopen_review_case c JOIN govopen_role_assignment a"
        " ON a.unit_id IS NULL OR a.unit_id = ANY (c.unit_ids)"
        " WHERE c.id = :id AND a.role = :role AND a.from_at <= govopen_now()"
        " AND (a.to_at IS NULL OR a.to_at > govopen_now()) ORDER BY a.user_id",
        id=case_id,
        role=role,
    )
    return [str(row["user_id"]) for row in found]


def escalated(session: Session, unit_ids: Sequence[str] | None, level: int) -> list[Row]:
    """Cases still waiting at the step for which a level was told, the longest first."""
    return _rows(
        session,
        "SELECT c.id, c.title, c.unit_ids, e.step, e.since, e.level, e.recorded_at"
        " FROM govopen_review_escalation e JOIN govopen_review_case c ON c.id = e.case_id"
        " WHERE e.level = :level AND c.closed_at IS NULL AND EXISTS (SELECT FROM govopen_review r"
        "  WHERE r.case_id = c.id AND r.state = 'submitted' AND r.step = e.step"
        "   AND r.step_since = e.since)"
        " AND (CAST(:units AS text[]) IS NULL OR c.unit_ids && CAST(:units AS text[]))"
        " ORDER BY e.since, c.id LIMIT 100",
        level=level,
        units=None if unit_ids is None else list(unit_ids),
    )
