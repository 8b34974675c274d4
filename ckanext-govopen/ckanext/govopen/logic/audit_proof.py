"""The proof of the audit log: its chain recomputed, and its heads kept outside the database.

Every hour the last number and hash are appended to a file of the data folder and to the log of the
process. A log that was cut at its end still is a chain; only those heads tell.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config
from ckanext.govopen.domain import audit as rules
from ckanext.govopen.logic import audit
from ckanext.govopen.model import audit as store

log = logging.getLogger(__name__)

HEADS = "audit-heads.jsonl"
OWNER_ONLY = 0o600


def heads_file() -> Path:
    return config.data_path() / HEADS


def heads() -> list[rules.Head]:
    """The heads that were kept, oldest first; a line that was cut off in writing is left out."""
    try:
        lines = heads_file().read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [head for line in lines if (head := _head_of(line))]


def _head_of(line: str) -> rules.Head | None:
    try:
        kept = json.loads(line)
        return rules.Head(int(kept["seq"]), str(kept["hash"]))
    except (ValueError, KeyError, TypeError):
        return None


def verify(session: Session) -> dict[str, Any]:
    """Recomputes the whole chain and compares it with the heads that were kept.

    Returns:
        `{rows, holds, first_broken, problem, heads}`; problem: `row` (a row is changed, missing or
        forged), `tail` (rows after the last one there are gone), `head` (a row is another one than
        the head kept of it), or None.
    """
    kept = heads()
    counted = _Counted(audit.entry_of(row) for row in store.rows(session))
    broken = rules.first_broken(config.audit_key(), counted)
    answer = {"rows": counted.number, "heads": len(kept)}
    if broken is not None:
        return {**answer, "holds": False, "first_broken": broken, "problem": "row"}
    last, problem = counted.number, _against(session, kept, counted.number)
    if problem is None:
        return {**answer, "holds": True, "first_broken": None, "problem": None}
    return {
        **answer,
        "holds": False,
        "first_broken": min(problem, last + 1),
        "problem": "tail" if problem > last else "head",
    }


class _Counted:
    """Rows as they pass, counted."""

    def __init__(self, rows: Iterator[rules.Row]) -> None:
        self.number = 0
        self._rows = rows

    def __iter__(self) -> Iterator[rules.Row]:
        for row in self._rows:
            self.number += 1
            yield row


def _against(session: Session, kept: list[rules.Head], last: int) -> int | None:
    """The lowest number at which a kept head contradicts the log."""
    there = store.hashes(session, [head.seq for head in kept if head.seq <= last])
    return min((head.seq for head in kept if there.get(head.seq) != head.hash), default=None)


def keep_head(session: Session) -> rules.Head | None:
    """Appends the present head outside the database, after checking what came since the last one.

    Returns:
        the head that was written; None when nothing is new, or when the chain is broken: then the
        log of the process says where, and every later verification finds it.
    """
    known = heads()
    before = known[-1] if known else None
    head = store.head(session)
    if before and (
        head is None or store.hashes(session, [before.seq]) != {before.seq: before.hash}
    ):
        log.error("the audit log contradicts its kept head %s", before.seq)
        return None
    if head is None or (before and head[0] == before.seq):
        return None
    added = (audit.entry_of(row) for row in store.rows(session, before.seq if before else 0))
    broken = rules.first_broken(config.audit_key(), added, before)
    if broken is not None:
        log.error("the audit log is broken at %s", broken)
        return None
    return _write(rules.Head(*head))


def _write(head: rules.Head) -> rules.Head:
    line = json.dumps({"at": clock.now().isoformat(), **asdict(head)})
    handle = os.open(heads_file(), os.O_RDWR | os.O_APPEND | os.O_CREAT, OWNER_ONLY)
    try:
        size = os.fstat(handle).st_size
        is_whole = not size or os.pread(handle, 1, size - 1) == b"\n"
        os.write(handle, f"{'' if is_whole else chr(10)}{line}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    log.info("audit head %s %s", head.seq, head.hash)
    return head


def exported(session: Session, *, is_public: bool) -> Iterator[dict[str, Any]]:
    """Every row in order; for the public only its number, moment, commitment and hash."""
    key = config.audit_key()
    for stored in store.rows(session):
        row = audit.entry_of(stored)
        moment = row.entry.recorded_at.isoformat()
        if is_public:
            _, commitment = rules.commitment(key, row)
            yield {
                "seq": row.seq,
                "recorded_at": moment,
                "commitment": commitment,
                "hash": row.hash,
            }
        else:
            yield {**stored, "recorded_at": moment}


def opened(session: Session, seq: int) -> Mapping[str, Any] | None:
    """What proves the commitment of one row: its salt and the text that it binds."""
    stored = next(store.rows(session, seq - 1), None)
    if stored is None or stored["seq"] != seq:
        return None
    row = audit.entry_of(stored)
    salt, commitment = rules.commitment(config.audit_key(), row)
    text = rules.content(seq, row.entry).decode()
    return {"seq": seq, "salt": salt, "commitment": commitment, "content": text}
