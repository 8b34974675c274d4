"""A run as its worker writes it: each step one transaction that the newest epoch alone may make.

Workers and people lock in one order, so that none of them waits for the other in turn: the run's
row first, then what its records become, then what sources said (`raw`), records, dead letters, the
report, the stage, and the source last. A source has one open run, and whoever writes its rows holds
the row of that run; contents, which sources share, are put in the order of their hashes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.bulk import copy_rows

Row = Mapping[str, Any]
STAGE_COLUMNS = ("job_id", "number", "guid", "record_hash", "raw", "place", "verdict", "code")


def _run(session: Session, sql: str, **values: object) -> Any:
    return session.execute(sa.text(sql), values)


def claim(session: Session, job_id: str, now: datetime) -> Row | None:
    """Takes a run up with a new epoch: whoever had it before cannot write any more.

    One that nobody has handed on is taken from a worker that died, which is counted.
    """
    return (
        _run(
            session,
            "UPDATE govopen_harvest_job j SET run_epoch = run_epoch + 1, state = 'running',"
            " deaths = deaths + CASE j.state WHEN 'running' THEN 1 ELSE 0 END,"
            " started_at = coalesce(started_at, :now), progressed_at = :now"
            " FROM govopen_harvest_source s WHERE j.id = :id AND s.id = j.source_id"
            " AND s.state NOT IN ('proposed', 'declined')"
            " AND j.state IN ('queued', 'running') RETURNING j.*, s.kind AS source_kind,"
            " s.settings, s.secret_id, s.watermark AS source_watermark, s.outcome, s.unit_id,"
            " s.state AS source_state, s.approved_at AS source_approved_at, s.breaker_least,"
            " s.breaker_share, s.grace_days, s.created_by AS source_created_by",
            id=job_id,
            now=now,
        )
        .mappings()
        .one_or_none()
    )


def hand_back(session: Session, job_id: str, epoch: int) -> bool:
    """Leaves a run to whoever takes it up next; nobody has died of it.

    Returns:
        False when this epoch's worker has the run no longer.
    """
    found = _run(
        session,
        "UPDATE govopen_harvest_job SET state = 'queued' WHERE id = :id AND state = 'running'"
        " AND run_epoch = :epoch",
        id=job_id,
        epoch=epoch,
    )
    return bool(found.rowcount)


# The transaction of a worker that stands still ends by itself, or nobody could take its run up.
# With the version of the server that knows it.
ENDS_BY_ITSELF = {"transaction_timeout": (17,), "idle_in_transaction_session_timeout": (9, 6)}


def fence(
    session: Session, job_id: str, epoch: int, *, seconds: float, retries: int = 0
) -> Row | None:
    """Begins a transaction of a run: its row is locked, and its progress noted, by one statement.

    Args:
        seconds: after so long the server ends the transaction, wherever its worker stands.

    Returns:
        None when this epoch's worker has the run no longer.
    """
    version = session.connection().dialect.server_version_info or ()  # type: ignore[attr-defined]
    names = [name for name, since in ENDS_BY_ITSELF.items() if version >= since]
    ends = ", ".join(f"set_config('{name}', :limit, true)" for name in names)
    return (
        _run(
            session,
            "UPDATE govopen_harvest_job j SET progressed_at = govopen_now(),"
            " retries = retries + :retries FROM govopen_harvest_source s WHERE j.id = :id"
            " AND s.id = j.source_id AND j.run_epoch = :epoch AND j.state = 'running'"
            f" RETURNING {ends}, s.state AS source_state, j.seen > 0 AND j.stage <> 'gather'"
            "  AND NOT EXISTS (SELECT FROM govopen_harvest_stage t WHERE t.job_id = j.id)"
            "  AS is_stage_lost",
            limit=f"{max(1, round(seconds * 1000))}ms",
            id=job_id,
            epoch=epoch,
            retries=retries,
        )
        .mappings()
        .one_or_none()
    )


# A clock that is set back does not make a run end before it began.
_PLACES = {"ended_at": "greatest(started_at, :ended_at)"}
# What a run had done before its stage is not that stage's pace.
_BEGUN = (
    ", stage_at = govopen_now(), stage_done = (SELECT count(*) FROM govopen_harvest_stage t"
    " WHERE t.job_id = govopen_harvest_job.id AND t.is_done)"
)


def update(session: Session, job_id: str, **values: object) -> None:
    """Sets columns of a run; mappings go in as JSON."""
    _set(session, "id = :id", values, id=job_id)


def move(session: Session, job_id: str, states: Sequence[str], **values: object) -> bool:
    """The same where the run is in one of some states; False where it has left them meanwhile."""
    where = "id = :id AND state = ANY (CAST(:states AS text[]))"
    return bool(_set(session, where, values, id=job_id, states=list(states)).rowcount)


def _set(session: Session, where: str, values: Mapping[str, object], **named: object) -> Any:
    plain = {
        name: json.dumps(value, ensure_ascii=False, default=str)
        if isinstance(value, Mapping)
        else value
        for name, value in values.items()
    }
    places = ", ".join(f"{name} = {_PLACES.get(name, f':{name}')}" for name in plain)
    if "stage" in plain:
        places += _BEGUN
    moved = "" if "progressed_at" in plain else ", progressed_at = govopen_now()"
    sql = f"UPDATE govopen_harvest_job SET {places}{moved} WHERE {where}"
    return _run(session, sql, **plain, **named)


# --- gather and diff -----------------------------------------------------------------------------


def clear_stage(session: Session, job_id: str) -> None:
    _run(session, "DELETE FROM govopen_harvest_stage WHERE job_id = :id", id=job_id)
    _run(session, "DELETE FROM govopen_harvest_met WHERE job_id = :id", id=job_id)


def add_met(session: Session, job_id: str, names: Sequence[str]) -> None:
    """Keeps what a connector has to know again when it goes on, beside what it has met before."""
    if names:
        sql = "INSERT INTO govopen_harvest_met (job_id, names) VALUES (:id, :names)"
        _run(session, sql, id=job_id, names=list(names))


def met(session: Session, job_id: str) -> frozenset[str]:
    sql = "SELECT unnest(names) FROM govopen_harvest_met WHERE job_id = :id"
    return frozenset(_run(session, sql, id=job_id).scalars())


def known_hashes(session: Session, source_id: str, guids: Sequence[str]) -> dict[str, str]:
    """The hash that each of these records had the last time, where it is kept."""
    rows = _run(
        session,
        "SELECT guid, record_hash FROM govopen_harvest_object WHERE source_id = :source"
        " AND guid = ANY (CAST(:guids AS text[])) AND state <> 'removed'",
        source=source_id,
        guids=list(guids),
    )
    return {str(guid): str(mark) for guid, mark in rows}


def mended(session: Session, source_id: str, guids: Sequence[str]) -> dict[str, Row]:
    """What people said of some records in place of the source, beside what it had said."""
    rows = _run(
        session,
        "SELECT o.guid, o.mended, r.body FROM govopen_harvest_object o"
        " JOIN govopen_harvest_raw r ON r.sha256 = o.raw_sha WHERE o.source_id = :source"
        " AND o.guid = ANY (CAST(:guids AS text[])) AND o.mended IS NOT NULL"
        " AND o.state <> 'removed' UNION ALL"
        " SELECT d.guid, d.place -> 'mended', r.body FROM govopen_harvest_dead d"
        " JOIN govopen_harvest_raw r ON r.sha256 = d.raw_sha WHERE d.source_id = :source"
        " AND d.guid = ANY (CAST(:guids AS text[])) AND d.place -> 'mended' IS NOT NULL"
        " AND d.state = 'open'",
        source=source_id,
        guids=list(guids),
    ).mappings()
    return {str(row["guid"]): row for row in rows}


def kept(session: Session, source_id: str, after: str, size: int) -> Sequence[Row]:
    """What the source said of the records that are kept, some at a time, by guid."""
    return (
        _run(
            session,
            "SELECT o.guid, r.body FROM govopen_harvest_object o"
            " JOIN govopen_harvest_raw r ON r.sha256 = o.raw_sha WHERE o.source_id = :source"
            " AND o.state = 'kept' AND o.guid > :after ORDER BY o.guid LIMIT :size",
            source=source_id,
            after=after,
            size=size,
        )
        .mappings()
        .all()
    )


def stage(session: Session, rows: Iterable[Sequence[object]]) -> int:
    """Adds gathered records (values in the order of STAGE_COLUMNS)."""
    return copy_rows(session, "govopen_harvest_stage", STAGE_COLUMNS, rows)


def staged(session: Session, job_id: str) -> int:
    sql = "SELECT count(*) FROM govopen_harvest_stage WHERE job_id = :id"
    return int(_run(session, sql, id=job_id).scalar_one())


_JUDGE = (
    # Of two records with one name the first counts.
    "UPDATE govopen_harvest_stage t SET verdict = 'conflict', code = 'harvest.E3', is_done = true,"
    " facts = jsonb_build_object('other', x.first) FROM (SELECT number, min(number) OVER"
    " (PARTITION BY guid) AS first FROM govopen_harvest_stage WHERE job_id = :job"
    " AND guid IS NOT NULL) x WHERE t.job_id = :job AND t.number = x.number AND x.first < x.number",
    # What this very run had written before the database lost its stage is done.
    "UPDATE govopen_harvest_stage t SET verdict = c.verdict, is_done = true"
    " FROM govopen_harvest_change c, govopen_harvest_object o WHERE t.job_id = :job"
    " AND t.verdict IS NULL AND c.job_id = :job AND c.guid = t.guid"
    " AND c.verdict IN ('created', 'updated') AND o.source_id = :source AND o.guid = t.guid"
    " AND o.state <> 'removed' AND o.record_hash = t.record_hash",
    # What could not be taken the last time and has not changed cannot be taken now either.
    "UPDATE govopen_harvest_stage t SET verdict = 'rejected', code = d.code, is_done = true"
    " FROM govopen_harvest_dead d WHERE t.job_id = :job AND t.verdict IS NULL"
    " AND d.source_id = :source AND d.state = 'open' AND d.record_hash = t.record_hash"
    " AND d.guid = coalesce(t.guid, '#' || t.record_hash)",
    "UPDATE govopen_harvest_stage t SET is_done = true FROM govopen_harvest_dead d"
    " WHERE t.job_id = :job AND t.verdict = 'rejected' AND NOT t.is_done AND d.source_id = :source"
    " AND d.state = 'open' AND d.record_hash = t.record_hash"
    " AND d.guid = coalesce(t.guid, '#' || t.record_hash)",
    "UPDATE govopen_harvest_stage t SET verdict = CASE WHEN o.record_hash = t.record_hash"
    " THEN 'unchanged' ELSE 'updated' END, is_done = o.record_hash = t.record_hash"
    " FROM govopen_harvest_object o WHERE t.job_id = :job AND t.verdict IS NULL"
    " AND o.source_id = :source AND o.guid = t.guid AND o.state <> 'removed'",
    "UPDATE govopen_harvest_stage SET verdict = 'created' WHERE job_id = :job AND verdict IS NULL",
)


@contextmanager
def _without_loops(session: Session) -> Iterator[None]:
    """Set operations over a stage: its rows are new to the planner, which takes them for a handful.

    The application's role may not analyse the table, so nested loops are ruled out meanwhile.
    """
    _run(session, "SET LOCAL enable_nestloop = off")
    yield
    _run(session, "SET LOCAL enable_nestloop = on")


def judge(session: Session, job_id: str, source_id: str) -> None:
    """Says of each gathered record what it is, by set operations."""
    with _without_loops(session):
        for statement in _JUDGE:
            _run(session, statement, job=job_id, source=source_id)


def columns_before(session: Session, source_id: str) -> list[str]:
    """The columns that the last whole run of a source has read, where it reads a table."""
    found = _run(
        session,
        "SELECT evidence -> 'columns' FROM govopen_harvest_job WHERE source_id = :id"
        " AND kind = 'run' AND state = 'finished' ORDER BY created_at DESC LIMIT 1",
        id=source_id,
    ).scalar_one_or_none()
    return [str(name) for name in found or ()]


def known(session: Session, source_id: str) -> int:
    """How many records of a source are kept."""
    sql = "SELECT count(*) FROM govopen_harvest_object WHERE source_id = :id AND state <> 'removed'"
    return int(_run(session, sql, id=source_id).scalar_one())


_ABSENT = (
    " FROM govopen_harvest_object o WHERE o.source_id = :source AND o.state = 'kept' AND NOT EXISTS"
    " (SELECT FROM govopen_harvest_stage t WHERE t.job_id = :job AND t.guid = o.guid)"
)


def absent(session: Session, job_id: str, source_id: str) -> int:
    """How many kept records the run did not see."""
    sql = f"SELECT count(*){_ABSENT}"
    with _without_loops(session):
        return int(_run(session, sql, job=job_id, source=source_id).scalar_one())


# --- map, check, load ----------------------------------------------------------------------------


def batch(session: Session, job_id: str, after: int, size: int, *, to_check: bool) -> Sequence[Row]:
    """Records after some number that are still to be checked, or to be written, in their order."""
    still = "NOT is_checked" if to_check else "NOT is_done"
    return (
        _run(
            session,
            "SELECT number, guid, record_hash, raw, place, verdict, code FROM govopen_harvest_stage"
            f" WHERE job_id = :job AND {still} AND verdict <> 'conflict'"
            " AND NOT is_done AND number > :after ORDER BY number LIMIT :size",
            job=job_id,
            after=after,
            size=size,
        )
        .mappings()
        .all()
    )


def begin_batch(session: Session, job_id: str, last: int, trying: int | None) -> int:
    """Notes which records are begun, so that it is known later on which of them a worker died.

    Args:
        last: of the batch; trying: a record that is taken alone, since its batch was begun before.

    Returns:
        how often that record was begun, this time among them.
    """
    return int(
        _run(
            session,
            "UPDATE govopen_harvest_job SET careful_to = :last, trying = :trying,"
            " tries = CASE WHEN CAST(:trying AS integer) IS NULL THEN 0"
            "  WHEN trying = :trying THEN tries + 1 ELSE 2 END, progressed_at = govopen_now()"
            " WHERE id = :id RETURNING tries",
            id=job_id,
            last=last,
            trying=trying,
        ).scalar_one()
    )


def mark_checked(
    session: Session, job_id: str, found: Mapping[int, tuple[str, str | None, str]]
) -> None:
    """Notes what loading would say of each record: its verdict, a code, and the facts as JSON.

    One that is in conflict is done with: the next run looks at it again. One that is said otherwise
    and comes to the same changes nothing, and is still to be noted with its new hash.
    """
    _run(
        session,
        "UPDATE govopen_harvest_stage t SET is_checked = true, code = coalesce(x.code, t.code),"
        " facts = CAST(x.facts AS jsonb), verdict = CASE WHEN x.verdict IN ('conflict',"
        "  'unchanged') OR x.code = 'harvest.E37' THEN x.verdict ELSE t.verdict END,"
        " is_done = x.verdict = 'conflict'"
        " FROM unnest(CAST(:numbers AS integer[]), CAST(:verdicts AS text[]),"
        " CAST(:codes AS text[]), CAST(:facts AS text[])) AS x(number, verdict, code, facts)"
        " WHERE t.job_id = :job AND t.number = x.number",
        job=job_id,
        numbers=list(found),
        verdicts=[verdict for verdict, _, _ in found.values()],
        codes=[code for _, code, _ in found.values()],
        facts=[facts for _, _, facts in found.values()],
    )


def mark_done(
    session: Session, job_id: str, verdicts: Mapping[int, tuple[str, str | None]]
) -> None:
    """Notes what became of each record."""
    _run(
        session,
        "UPDATE govopen_harvest_stage t SET is_done = true, verdict = x.verdict, code = x.code"
        " FROM unnest(CAST(:numbers AS integer[]), CAST(:verdicts AS text[]),"
        " CAST(:codes AS text[])) AS x(number, verdict, code)"
        " WHERE t.job_id = :job AND t.number = x.number",
        job=job_id,
        numbers=list(verdicts),
        verdicts=[verdict for verdict, _ in verdicts.values()],
        codes=[code for _, code in verdicts.values()],
    )


def objects(session: Session, source_id: str, guids: Sequence[str]) -> dict[str, Row]:
    """What these records became here before, also those that were removed."""
    rows = _run(
        session,
        "SELECT * FROM govopen_harvest_object WHERE source_id = :source"
        " AND guid = ANY (CAST(:guids AS text[]))",
        source=source_id,
        guids=list(guids),
    ).mappings()
    return {str(row["guid"]): row for row in rows}


def put_raw(session: Session, bodies: Mapping[str, bytes]) -> None:
    """Keeps what sources said, once for each content."""
    if bodies:
        named = sorted(bodies)
        _run(
            session,
            "INSERT INTO govopen_harvest_raw (sha256, body) SELECT * FROM"
            " unnest(CAST(:named AS text[]), CAST(:bodies AS bytea[])) ON CONFLICT DO NOTHING",
            named=named,
            bodies=[bodies[sha256] for sha256 in named],
        )


def put_objects(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """What records of a source are here now."""
    if rows:
        session.execute(
            sa.text(
                "INSERT INTO govopen_harvest_object AS o (source_id, guid, record_type, record_id,"
                " unit_id, record_hash, said_hash, raw_sha, mended, first_job, last_job)"
                " VALUES (:source_id, :guid, :record_type, :record_id, :unit_id, :record_hash,"
                " :said_hash, :raw_sha, CAST(:mended AS jsonb), :job, :job)"
                " ON CONFLICT (source_id, guid) DO UPDATE SET"
                " record_type = excluded.record_type, record_id = excluded.record_id,"
                " unit_id = excluded.unit_id, record_hash = excluded.record_hash,"
                " said_hash = excluded.said_hash, raw_sha = excluded.raw_sha,"
                " mended = excluded.mended, state = 'kept', missing_since = NULL,"
                " last_job = excluded.last_job, updated_at = govopen_now()"
            ),
            [
                {**row, "mended": json.dumps(row["mended"]) if row["mended"] else None}
                for row in rows
            ],
        )


def put_dead(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Records that could not be taken; one that could not before has been tried once more."""
    for row in rows:
        values = {**row, "facts": json.dumps(row["facts"], ensure_ascii=False, default=str)}
        values["place"] = json.dumps(row["place"], ensure_ascii=False, default=str)
        session.execute(
            sa.text(
                "INSERT INTO govopen_harvest_dead AS d (source_id, job_id, guid, code, facts,"
                " place, record_hash, raw_sha) VALUES (:source_id, :job, :guid, :code,"
                " CAST(:facts AS jsonb), CAST(:place AS jsonb), :record_hash, :raw_sha)"
                " ON CONFLICT (source_id, guid) WHERE state = 'open' DO UPDATE SET"
                " job_id = excluded.job_id, code = excluded.code, facts = excluded.facts,"
                " place = excluded.place, record_hash = excluded.record_hash,"
                " raw_sha = excluded.raw_sha, attempts = d.attempts + 1, last_at = govopen_now()"
            ),
            values,
        )


def mend(session: Session, source_id: str, guids: Sequence[str]) -> None:
    """Closes the dead letters of records that have been taken."""
    _run(
        session,
        "UPDATE govopen_harvest_dead SET state = 'mended', last_at = govopen_now()"
        " WHERE source_id = :source AND state = 'open' AND guid = ANY (CAST(:guids AS text[]))",
        source=source_id,
        guids=list(guids),
    )


def put_changes(session: Session, job_id: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Lines of the run's report."""
    if rows:
        session.execute(
            sa.text(
                "INSERT INTO govopen_harvest_change (job_id, number, guid, verdict, record_type,"
                " record_id, code, facts) VALUES (:job, :number, :guid, :verdict, :record_type,"
                " :record_id, :code, CAST(:facts AS jsonb)) ON CONFLICT DO NOTHING"
            ),
            [
                {**row, "job": job_id, "facts": json.dumps(row.get("facts") or {}, default=str)}
                for row in rows
            ],
        )


def keys_elsewhere(
    session: Session, source_id: str, named: Sequence[tuple[str, str, str]]
) -> dict[tuple[str, str], str]:
    """Entries that another source, or a file, has brought under the same unit and key.

    Args:
        named: unit, key and name of each record; a plain number counts with the name alone, since
            sources number their records alike.
    """
    rows = _run(
        session,
        "SELECT d.unit_id, d.source_key, d.entry_code FROM govopen_data_resource d"
        " JOIN unnest(CAST(:units AS text[]), CAST(:keys AS text[]), CAST(:names AS text[]))"
        " AS x(unit_id, key, name) ON x.unit_id = d.unit_id AND x.key = d.source_key"
        " AND (x.key !~ '^[0-9]+$' OR x.name = d.name)"
        " WHERE d.source_id <> :source AND d.status <> 'retired'",
        source=source_id,
        units=[unit for unit, _, _ in named],
        keys=[key for _, key, _ in named],
        names=[name for _, _, name in named],
    )
    return {(str(unit), str(key)): str(code) for unit, key, code in rows}


def entries(session: Session, codes: Sequence[str]) -> dict[str, Row]:
    """Entries by their codes, with what decides whether they may be changed."""
    rows = _run(
        session,
        "SELECT d.entry_code, d.register_id, d.unit_id, d.status, d.active_seq, d.res_code,"
        " d.fields, d.fields_hash, d.source_id, d.source_key, d.active_fields,"
        " (SELECT l.change FROM govopen_register_log l WHERE l.seq = d.working_seq) AS change"
        " FROM govopen_data_resource d"
        " WHERE d.entry_code = ANY (CAST(:codes AS text[]))",
        codes=list(codes),
    ).mappings()
    return {str(row["entry_code"]): row for row in rows}


def used_codes(session: Session, res_codes: Sequence[str]) -> set[str]:
    """Resource codes among these that some entry has."""
    rows = _run(
        session,
        "SELECT res_code FROM govopen_data_resource WHERE status <> 'retired'"
        " AND res_code = ANY (CAST(:codes AS text[]))",
        codes=list(res_codes),
    )
    return {str(code) for (code,) in rows}


# --- remove and close ----------------------------------------------------------------------------


_SEEN_AGAIN = (
    " o.source_id = :source AND o.missing_since IS NOT NULL"
    " AND o.state IN ('missing', 'withdrawal_proposed', 'kept_here') AND EXISTS"
    " (SELECT FROM govopen_harvest_stage t WHERE t.job_id = :job AND t.guid = o.guid)"
)


def entries_found_again(session: Session, job_id: str, source_id: str) -> list[str]:
    """Entries that were proposed for withdrawal, and that the run has seen."""
    with _without_loops(session):
        rows = _run(
            session,
            f"SELECT o.record_id FROM govopen_harvest_object o WHERE {_SEEN_AGAIN}"
            " AND o.state = 'withdrawal_proposed' AND o.record_type = 'entry' ORDER BY o.record_id",
            job=job_id,
            source=source_id,
        )
        return [str(code) for (code,) in rows]


def found_again(session: Session, job_id: str, source_id: str) -> None:
    """What was missing and is there again is kept as before."""
    with _without_loops(session):
        _run(
            session,
            "UPDATE govopen_harvest_object o SET state = 'kept', missing_since = NULL"
            f" WHERE {_SEEN_AGAIN}",
            job=job_id,
            source=source_id,
        )


def hold_open_run(session: Session, source_id: str) -> None:
    """Locks the row of a source's open run: who writes its records holds it."""
    _run(
        session,
        "SELECT FROM govopen_harvest_job WHERE source_id = :id AND state IN"
        " ('queued', 'running', 'paused', 'needs_approval') FOR UPDATE",
        id=source_id,
    )


def keep_here(session: Session, source_id: str, guid: str) -> bool:
    """Settles a proposal for withdrawal: the record stays. False where none stands any more."""
    found = _run(
        session,
        "UPDATE govopen_harvest_object SET state = 'kept_here', updated_at = govopen_now()"
        " WHERE source_id = :source AND guid = :guid AND state = 'withdrawal_proposed'",
        source=source_id,
        guid=guid,
    )
    return bool(found.rowcount)


def note_missing(session: Session, job_id: str, source_id: str, now: datetime) -> int:
    """First phase: what was not seen is missing since now; it stays where it is."""
    with _without_loops(session):
        return _note_missing(session, job_id, source_id, now)


def _note_missing(session: Session, job_id: str, source_id: str, now: datetime) -> int:
    return int(
        _run(
            session,
            "WITH gone AS (UPDATE govopen_harvest_object o SET state = 'missing',"
            " missing_since = :now, last_job = :job WHERE o.source_id = :source"
            " AND o.state = 'kept' AND NOT EXISTS (SELECT FROM govopen_harvest_stage t"
            "  WHERE t.job_id = :job AND t.guid = o.guid) RETURNING o.guid, o.record_type,"
            "  o.record_id)"
            " INSERT INTO govopen_harvest_change (job_id, number, guid, verdict, record_type,"
            " record_id) SELECT :job, -row_number() OVER (ORDER BY guid), guid, 'missing',"
            " record_type, record_id FROM gone ON CONFLICT DO NOTHING",
            job=job_id,
            source=source_id,
            now=now,
        ).rowcount
    )


def removable(session: Session, source_id: str, before: datetime, size: int) -> Sequence[Row]:
    """Second phase: records that have been missing since before some moment."""
    return (
        _run(
            session,
            "SELECT * FROM govopen_harvest_object WHERE source_id = :source AND state = 'missing'"
            " AND missing_since <= :before ORDER BY guid LIMIT :size",
            source=source_id,
            before=before,
            size=size,
        )
        .mappings()
        .all()
    )


def set_state(session: Session, source_id: str, guid: str, state: str, job_id: str) -> None:
    _run(
        session,
        "UPDATE govopen_harvest_object SET state = :state, last_job = :job,"
        " updated_at = govopen_now() WHERE source_id = :source AND guid = :guid",
        source=source_id,
        guid=guid,
        state=state,
        job=job_id,
    )


def _of_report(session: Session, job_id: str, verdicts: Sequence[str]) -> int:
    return int(
        _run(
            session,
            "SELECT count(*) FROM govopen_harvest_change WHERE job_id = :id"
            " AND verdict = ANY (CAST(:verdicts AS text[]))",
            id=job_id,
            verdicts=list(verdicts),
        ).scalar_one()
    )


def missing_by(session: Session, job_id: str) -> int:
    """How many records the run has noted as missing."""
    return _of_report(session, job_id, ["missing"])


def created_by(session: Session, job_id: str) -> int:
    """How many records the run has created so far."""
    return _of_report(session, job_id, ["created"])


def removed_by(session: Session, job_id: str) -> int:
    """How many records the run has removed."""
    return _of_report(session, job_id, ["removed"])


def taken_by(session: Session, job_id: str) -> int:
    """How many records the run has removed, or proposed for withdrawal."""
    return _of_report(session, job_id, ["removed", "withdrawal_proposed"])


def totals(session: Session, job_id: str) -> dict[str, int]:
    """The gathered records by what became of them."""
    rows = _run(
        session,
        "SELECT verdict, count(*) FROM govopen_harvest_stage WHERE job_id = :id GROUP BY verdict",
        id=job_id,
    )
    return {str(verdict): int(count) for verdict, count in rows}


def told(session: Session, job_id: str) -> dict[str, int]:
    """Of how many records of each verdict a check has said what they would change."""
    rows = _run(
        session,
        "SELECT verdict, count(*) FROM govopen_harvest_stage WHERE job_id = :id AND is_checked"
        " AND jsonb_exists(facts, 'differences') GROUP BY verdict",
        id=job_id,
    )
    return {str(verdict): int(count) for verdict, count in rows}


def report_checked(session: Session, job_id: str, most: int) -> None:
    """Lines of a run that ends before it loads anything: what it would refuse, change and miss.

    Args:
        most: lines about what the source no longer has.
    """
    _run(
        session,
        "INSERT INTO govopen_harvest_change (job_id, number, guid, verdict, record_type, record_id,"
        " code, facts) SELECT t.job_id, t.number, coalesce(t.guid, '#' || t.record_hash),"
        "  CASE WHEN t.code IS NULL OR t.verdict = 'conflict' THEN t.verdict ELSE 'rejected' END,"
        "  o.record_type, o.record_id, t.code, t.facts FROM govopen_harvest_stage t"
        " JOIN govopen_harvest_job j ON j.id = t.job_id"
        " LEFT JOIN govopen_harvest_object o ON t.verdict = 'updated' AND t.code IS NULL"
        "  AND o.source_id = j.source_id AND o.guid = t.guid"
        " WHERE t.job_id = :id AND (t.code IS NOT NULL OR jsonb_exists(t.facts, 'differences'))"
        " ON CONFLICT DO NOTHING",
        id=job_id,
    )
    _run(
        session,
        "INSERT INTO govopen_harvest_change (job_id, number, guid, verdict, record_type, record_id)"
        " SELECT j.id, -row_number() OVER (ORDER BY o.guid), o.guid, 'missing', o.record_type,"
        "  o.record_id FROM govopen_harvest_job j JOIN govopen_harvest_object o"
        "  ON o.source_id = j.source_id AND o.state = 'kept' WHERE j.id = :id AND j.missing > 0"
        "  AND NOT EXISTS (SELECT FROM govopen_harvest_stage t WHERE t.job_id = j.id"
        "   AND t.guid = o.guid) ORDER BY o.guid LIMIT :most ON CONFLICT DO NOTHING",
        id=job_id,
        most=most,
    )


def report_conflicts(session: Session, job_id: str) -> None:
    """Lines for records that were one too many: listed, not kept."""
    _run(
        session,
        "INSERT INTO govopen_harvest_change (job_id, number, guid, verdict, code, facts)"
        " SELECT job_id, number, guid, 'conflict', code, facts FROM govopen_harvest_stage"
        " WHERE job_id = :id AND verdict = 'conflict' ON CONFLICT DO NOTHING",
        id=job_id,
    )
