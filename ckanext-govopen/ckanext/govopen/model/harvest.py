"""Sources, runs and their records, as the pages and the keepers of sources see them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import one as _one
from ckanext.govopen.model.reading import rows as _all

Row = Mapping[str, Any]
COUNTS = (
    "seen", "unchanged", "created", "updated", "rejected", "conflict", "missing", "removed",
    "known_before", "known_after",
)  # fmt: skip
OPEN = "('queued', 'running', 'paused', 'needs_approval')"
_SOURCE = (
    "SELECT s.*, u.name AS unit_name, l.id AS last_job, l.state AS last_state,"
    " coalesce(nullif(p.fullname, ''), p.name) AS proposed_by_name,"
    " l.ended_at AS last_ended_at, l.waits_for AS last_waits_for,"
    " coalesce(govopen_is_dissolved(s.unit_id), false) AS is_dissolved,"
    " (SELECT max(ended_at) FROM govopen_harvest_job j WHERE j.source_id = s.id"
    "  AND j.state = 'finished' AND j.kind = 'run') AS last_complete_at,"
    " (SELECT count(*) FROM govopen_harvest_object o WHERE o.source_id = s.id"
    "  AND o.state <> 'removed') AS records,"
    " (SELECT count(*) FROM govopen_harvest_dead d WHERE d.source_id = s.id"
    "  AND d.state = 'open') AS dead"
    " FROM govopen_harvest_source s"
    " LEFT JOIN govopen_org_unit_current u ON u.unit_id = s.unit_id"
    ' LEFT JOIN "user" p ON p.id = s.proposed_by'
    " LEFT JOIN LATERAL (SELECT id, state, ended_at, waits_for FROM govopen_harvest_job j"
    "  WHERE j.source_id = s.id ORDER BY j.created_at DESC, j.id DESC LIMIT 1) l ON true"
)
# What a row `o` has become here.
_RECORD = (
    " LEFT JOIN govopen_data_resource d ON o.record_type = 'entry' AND d.entry_code = o.record_id"
    " LEFT JOIN package p ON o.record_type = 'package' AND p.id = o.record_id"
)
_TITLE = "coalesce(d.name, p.title) AS title"
_JOB = (
    "SELECT j.*, s.name AS source_name, s.title AS source_title, s.unit_id,"
    " s.created_by AS source_created_by, s.proposed_by AS source_proposed_by,"
    " s.settings_by AS source_settings_by,"
    " s.outcome AS source_outcome FROM govopen_harvest_job j"
    " JOIN govopen_harvest_source s ON s.id = j.source_id"
)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- sources -------------------------------------------------------------------------------------


def add_source(session: Session, row: Mapping[str, object]) -> str:
    """Adds a source; `settings` as a mapping."""
    values = {**row, "settings": _json(row["settings"])}
    names = ", ".join(values)
    places = ", ".join(f":{name}" for name in values)
    sql = f"INSERT INTO govopen_harvest_source ({names}) VALUES ({places}) RETURNING id"
    return str(session.execute(sa.text(sql), values).scalar_one())


def change_source(session: Session, source_id: str, **values: object) -> None:
    """Sets columns of a source; mappings go in as JSON."""
    plain = {k: _json(v) if isinstance(v, Mapping) else v for k, v in values.items()}
    places = ", ".join(f"{name} = :{name}" for name in plain)
    session.execute(
        sa.text(f"UPDATE govopen_harvest_source SET {places} WHERE id = :id"),
        {**plain, "id": source_id},
    )


def source(session: Session, reference: str) -> Row | None:
    """A source by id or name."""
    return _one(session, f"{_SOURCE} WHERE s.id = :ref OR s.name = :ref", ref=reference)


def source_of_dataset(session: Session, package_id: str) -> Row | None:
    """The source that has brought a dataset, and may read it: `{id, name, title, settings}`."""
    return _one(
        session,
        "SELECT s.id, s.name, s.title, s.settings FROM govopen_harvest_object o"
        " JOIN govopen_harvest_source s ON s.id = o.source_id AND s.state IN ('active', 'paused')"
        " WHERE o.record_type = 'package' AND o.record_id = :id AND o.state <> 'removed'",
        id=package_id,
    )


def sources(
    session: Session,
    unit_ids: Sequence[str] | None,
    after: str,
    limit: int,
    *,
    proposed: bool | None = None,
) -> Sequence[Row]:
    """Sources of some units by name; None for every one, also those of no single unit.

    Args:
        proposed: True for proposals that nobody has added, False for the others alone.
    """
    return _all(
        session,
        f"{_SOURCE} WHERE s.name > :after AND s.state <> 'removed'"
        " AND (CAST(:proposed AS boolean) IS NULL"
        "  OR (s.state IN ('proposed', 'declined')) = :proposed)"
        " AND (CAST(:units AS text[]) IS NULL OR s.unit_id = ANY (CAST(:units AS text[])))"
        " ORDER BY s.name LIMIT :limit",
        after=after,
        proposed=proposed,
        units=None if unit_ids is None else list(unit_ids),
        limit=limit,
    )


def due(session: Session, now: datetime, limit: int) -> Sequence[Row]:
    """Sources whose next run is due, the longest due first."""
    return _all(
        session,
        "SELECT s.id, s.schedule, s.next_run_at FROM govopen_harvest_source s"
        " WHERE s.state = 'active' AND s.approved_at IS NOT NULL AND s.next_run_at <= :now"
        " AND NOT coalesce(govopen_is_dissolved(s.unit_id), false) AND NOT EXISTS"
        f" (SELECT FROM govopen_harvest_job j WHERE j.source_id = s.id AND j.state IN {OPEN})"
        " ORDER BY s.next_run_at LIMIT :limit",
        now=now,
        limit=limit,
    )


def take_turn(session: Session, source: Row, next_run_at: datetime | None) -> bool:
    """Sets the next run of a source that was due; False where somebody else was first."""
    found = session.execute(
        sa.text(
            "UPDATE govopen_harvest_source SET next_run_at = :next WHERE id = :id"
            " AND next_run_at = :was AND state = 'active'"
        ),
        {"id": source["id"], "was": source["next_run_at"], "next": next_run_at},
    )
    return bool(found.rowcount)


def put_secret(session: Session, body: bytes, person: str) -> str:
    return str(
        session.execute(
            sa.text(
                "INSERT INTO govopen_secret (body, created_by) VALUES (:body, :person) RETURNING id"
            ),
            {"body": body, "person": person},
        ).scalar_one()
    )


def secret(session: Session, secret_id: str) -> bytes | None:
    found = session.execute(
        sa.text("SELECT body FROM govopen_secret WHERE id = :id"), {"id": secret_id}
    ).scalar_one_or_none()
    return None if found is None else bytes(found)


def forget_secret(session: Session, secret_id: str) -> None:
    session.execute(sa.text("DELETE FROM govopen_secret WHERE id = :id"), {"id": secret_id})


# --- jobs ----------------------------------------------------------------------------------------


def add_job(
    session: Session,
    source_id: str,
    kind: str,
    person: str,
    stage: str = "gather",
    waits_for: str | None = None,
) -> str | None:
    """Adds a run that waits; None where one of the source is open already."""
    return session.execute(
        sa.text(
            "INSERT INTO govopen_harvest_job (source_id, kind, created_by, stage, waits_for)"
            " VALUES (:source, :kind, :person, :stage, :waits)"
            f" ON CONFLICT (source_id) WHERE state IN {OPEN} DO NOTHING RETURNING id"
        ),
        {
            "source": source_id,
            "kind": kind,
            "person": person,
            "stage": stage,
            "waits": waits_for,
        },
    ).scalar_one_or_none()


def open_job(session: Session, source_id: str) -> str | None:
    return session.execute(
        sa.text(f"SELECT id FROM govopen_harvest_job WHERE source_id = :id AND state IN {OPEN}"),
        {"id": source_id},
    ).scalar_one_or_none()


def job(session: Session, job_id: str) -> Row | None:
    return _one(session, f"{_JOB} WHERE j.id = :id", id=job_id)


def jobs(
    session: Session, source_id: str | None, unit_ids: Sequence[str] | None, after: str, limit: int
) -> Sequence[Row]:
    """Runs, newest first."""
    return _all(
        session,
        f"{_JOB} WHERE (CAST(:source AS text) IS NULL OR j.source_id = :source)"
        " AND (CAST(:units AS text[]) IS NULL OR s.unit_id = ANY (CAST(:units AS text[])))"
        " AND (:after = '' OR j.id IN (SELECT id FROM govopen_harvest_job WHERE (created_at, id)"
        "  < (SELECT created_at, id FROM govopen_harvest_job WHERE id = :after)))"
        " ORDER BY j.created_at DESC, j.id DESC LIMIT :limit",
        source=source_id,
        units=None if unit_ids is None else list(unit_ids),
        after=after,
        limit=limit,
    )


def live_counts(session: Session, job_id: str) -> dict[str, int]:
    """How far an open run is: records by verdict, done or not; read from its stage."""
    found = _one(
        session,
        "SELECT count(*) AS gathered, count(*) FILTER (WHERE is_done) AS done,"
        " count(*) FILTER (WHERE is_checked) AS checked,"
        " count(*) FILTER (WHERE NOT is_checked AND NOT is_done) AS to_check,"
        " count(*) FILTER (WHERE verdict = 'unchanged') AS unchanged,"
        " count(*) FILTER (WHERE verdict = 'created' AND code IS NULL) AS created,"
        " count(*) FILTER (WHERE verdict = 'updated' AND code IS NULL) AS updated,"
        " count(*) FILTER (WHERE verdict = 'rejected'"
        "  OR (code IS NOT NULL AND verdict IN ('created', 'updated'))) AS rejected,"
        " count(*) FILTER (WHERE verdict = 'conflict') AS conflict"
        " FROM govopen_harvest_stage WHERE job_id = :id",
        id=job_id,
    )
    return {name: int(value) for name, value in (found or {}).items()}


def changes(
    session: Session, job_id: str, verdict: str | None, after: int | None, limit: int
) -> Sequence[Row]:
    """Lines of a run's report in the order of its records, those that vanished first."""
    return _all(
        session,
        f"SELECT o.*, {_TITLE} FROM govopen_harvest_change o{_RECORD} WHERE o.job_id = :job"
        " AND (CAST(:verdict AS text) IS NULL OR o.verdict = :verdict)"
        " AND (CAST(:after AS integer) IS NULL OR o.number > :after)"
        " ORDER BY o.number, o.verdict LIMIT :limit",
        job=job_id,
        verdict=verdict,
        after=after,
        limit=limit,
    )


def vanishing(session: Session, job_id: str, limit: int) -> Sequence[Row]:
    """Known records that an open run did not see: what its approval would take away."""
    return _all(
        session,
        f"SELECT o.guid, o.record_type, o.record_id, {_TITLE}"
        " FROM govopen_harvest_job j JOIN govopen_harvest_object o ON o.source_id = j.source_id"
        f" AND o.state = 'kept'{_RECORD}"
        " WHERE j.id = :job AND NOT EXISTS (SELECT FROM govopen_harvest_stage t"
        "  WHERE t.job_id = j.id AND t.guid = o.guid) ORDER BY o.guid LIMIT :limit",
        job=job_id,
        limit=limit,
    )


def refused(session: Session, job_id: str, limit: int) -> Sequence[Row]:
    """What an open run that waits would not take: lines as its report will have them."""
    return _all(
        session,
        "SELECT number, coalesce(guid, '#' || record_hash) AS guid, CASE verdict"
        "  WHEN 'conflict' THEN verdict ELSE 'rejected' END AS verdict, code, facts,"
        " CAST(NULL AS text) AS record_type, CAST(NULL AS text) AS record_id"
        " FROM govopen_harvest_stage WHERE job_id = :job AND code IS NOT NULL"
        " ORDER BY number LIMIT :limit",
        job=job_id,
        limit=limit,
    )


def changing(session: Session, job_id: str, limit: int) -> Sequence[Row]:
    """What an open run that waits would make new and change, as far as its check has kept it."""
    return _all(
        session,
        "SELECT t.number, t.guid, t.verdict, t.code, t.facts, o.record_type, o.record_id"
        " FROM govopen_harvest_stage t JOIN govopen_harvest_job j ON j.id = t.job_id"
        " LEFT JOIN govopen_harvest_object o ON t.verdict = 'updated'"
        "  AND o.source_id = j.source_id AND o.guid = t.guid"
        " WHERE t.job_id = :job AND t.code IS NULL AND jsonb_exists(t.facts, 'differences')"
        " ORDER BY t.verdict DESC, t.number LIMIT :limit",
        job=job_id,
        limit=limit,
    )


# --- records and dead letters --------------------------------------------------------------------


def objects(
    session: Session, source_id: str, state: str | None, after: str, limit: int
) -> Sequence[Row]:
    return _all(
        session,
        f"SELECT o.*, {_TITLE} FROM govopen_harvest_object o{_RECORD}"
        " WHERE o.source_id = :source AND o.guid > :after"
        " AND (CAST(:state AS text) IS NULL OR o.state = :state) ORDER BY o.guid LIMIT :limit",
        source=source_id,
        state=state,
        after=after,
        limit=limit,
    )


def object_(session: Session, source_id: str, guid: str) -> Row | None:
    """One record with what its source said of it."""
    return _one(
        session,
        "SELECT o.*, r.body AS raw FROM govopen_harvest_object o"
        " LEFT JOIN govopen_harvest_raw r ON r.sha256 = o.raw_sha"
        " WHERE o.source_id = :source AND o.guid = :guid",
        source=source_id,
        guid=guid,
    )


# Records that are public, or in force, and whose retirement nobody has handed in yet.
WITHDRAWALS = (
    f"SELECT o.*, s.name AS source_name, s.title AS source_title, {_TITLE}"
    f" FROM govopen_harvest_object o JOIN govopen_harvest_source s ON s.id = o.source_id{_RECORD}"
    " WHERE o.state = 'withdrawal_proposed' AND o.missing_since IS NOT NULL"
    " AND (p.state = 'active' AND NOT p.private OR d.status = 'active' AND NOT EXISTS"
    "  (SELECT FROM govopen_register_version_entry e JOIN govopen_review r"
    "   ON r.record_type = 'register_version' AND r.record_id = e.version_id"
    "   WHERE e.log_seq = d.working_seq AND r.state IN ('submitted', 'approved', 'embargoed')))"
)


def withdrawals(
    session: Session,
    source_id: str | None,
    unit_ids: Sequence[str] | None,
    after: Sequence[str],
    limit: int,
) -> Sequence[Row]:
    """Proposals for withdrawal that stand.

    Args:
        after: source and guid of the last one before; empty for the first.
    """
    return _all(
        session,
        f"{WITHDRAWALS} AND (o.source_id, o.guid) > (:source_after, :guid_after)"
        " AND (CAST(:source AS text) IS NULL OR o.source_id = :source)"
        " AND (CAST(:units AS text[]) IS NULL OR o.unit_id = ANY (CAST(:units AS text[])))"
        " ORDER BY o.source_id, o.guid LIMIT :limit",
        source_after=after[0] if after else "",
        guid_after=after[1] if after else "",
        source=source_id,
        units=None if unit_ids is None else list(unit_ids),
        limit=limit,
    )


def withdrawal(session: Session, source_id: str, guid: str) -> Row | None:
    """One proposal that stands."""
    sql = f"{WITHDRAWALS} AND o.source_id = :source AND o.guid = :guid"
    return _one(session, sql, source=source_id, guid=guid)


_DEAD = (
    "SELECT d.*, s.name AS source_name, s.title AS source_title, s.outcome, s.unit_id,"
    " r.body AS raw FROM govopen_harvest_dead d"
    " JOIN govopen_harvest_source s ON s.id = d.source_id"
    " LEFT JOIN govopen_harvest_raw r ON r.sha256 = d.raw_sha WHERE d.state = 'open'"
)


def dead_letter(session: Session, dead_id: str) -> Row | None:
    """One open dead letter."""
    return _one(session, f"{_DEAD} AND d.id = :id", id=dead_id)


def dead(
    session: Session, source_id: str | None, unit_ids: Sequence[str] | None, after: str, limit: int
) -> Sequence[Row]:
    """Open dead letters."""
    return _all(
        session,
        f"{_DEAD} AND d.id > :after"
        " AND (CAST(:source AS text) IS NULL OR d.source_id = :source)"
        " AND (CAST(:units AS text[]) IS NULL OR s.unit_id = ANY (CAST(:units AS text[])))"
        " ORDER BY d.id LIMIT :limit",
        source=source_id,
        units=None if unit_ids is None else list(unit_ids),
        after=after,
        limit=limit,
    )


def set_mended(session: Session, dead_id: str, values: Mapping[str, str]) -> None:
    """Keeps beside a dead letter what a person says in place of its source."""
    session.execute(
        sa.text(
            "UPDATE govopen_harvest_dead SET place = place - 'mended'"
            " || CASE WHEN :values = '{}' THEN '{}'::jsonb"
            " ELSE jsonb_build_object('mended', CAST(:values AS jsonb)) END WHERE id = :id"
        ),
        {"id": dead_id, "values": _json(dict(values))},
    )


def stage_dead(session: Session, job_id: str, source_id: str, dead_id: str | None) -> int:
    """Puts open dead letters of a source, or one of them, into the stage of a run that retries."""
    return session.execute(
        sa.text(
            "INSERT INTO govopen_harvest_stage (job_id, number, guid, record_hash, raw, place,"
            " verdict)"
            " SELECT :job, row_number() OVER (ORDER BY d.id), d.guid, d.record_hash, r.body,"
            " d.place, CASE WHEN o.guid IS NULL THEN 'created' ELSE 'updated' END"
            " FROM govopen_harvest_dead d JOIN govopen_harvest_raw r ON r.sha256 = d.raw_sha"
            " LEFT JOIN govopen_harvest_object o ON o.source_id = d.source_id"
            "  AND o.guid = d.guid AND o.state <> 'removed'"
            " WHERE d.source_id = :source AND d.state = 'open' AND left(d.guid, 1) <> '#'"
            " AND (CAST(:dead AS text) IS NULL OR d.id = :dead)"
        ),
        {"job": job_id, "source": source_id, "dead": dead_id},
    ).rowcount
