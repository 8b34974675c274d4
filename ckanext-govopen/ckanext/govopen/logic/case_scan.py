"""Where the scan stands in a case: it waits at `auto_scan`, is held by a critical hit, or goes on.

Nothing is read under the lock of a case: records are scanned first, by their bytes, and the case
is moved afterwards by what is scanned then. So it may run again, late, or beside another process.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.review import State
from ckanext.govopen.domain.review_checks import Hit, uncleared
from ckanext.govopen.logic import dataset_checks, scans
from ckanext.govopen.model import review as store

log = logging.getLogger(__name__)

SCANNED_TYPES = frozenset({"package", "revision"})
SYSTEM = "system"
FOUND = frozenset({"med", "high", "critical"})  # what is only recorded is no finding


def ids_of(records: Sequence[tuple[str, str]]) -> list[str]:
    """Those of the records that hold bytes or texts from outside the registers."""
    return [record_id for kind, record_id in records if kind in SCANNED_TYPES]


@dataclass(frozen=True)
class Look:
    """What scan and checks say of some records, as the rules of the review ask for it.

    Args:
        records: those that were looked at.
        hits: what the scan found.
        is_scanned: it has read everything.
    """

    records: tuple[scans.Record, ...] = ()
    hits: tuple[Hit, ...] = ()
    is_scanned: bool = True


def look(session: Session, records: Sequence[scans.Record]) -> Look:
    """Looks at records by what was noted of them."""
    found = scans.hits_in(session, records)
    known = tuple(Hit(hit.severity, hit.cleared_by) for hit in found if hit.id is not None)
    return Look(tuple(records), known, len(known) == len(found))


def look_at_case(
    session: Session, record_ids: Sequence[tuple[str, str]]
) -> tuple[Look, tuple[Finding, ...]]:
    """As `look`, at those records of a case that are scanned, with what stands in their way."""
    ids = ids_of(record_ids)
    if not ids:
        return Look(), ()
    seen = look(session, scans.records_of(session, ids))
    return seen, dataset_checks.refusals(session, seen.records)


def begin(session: Session, case_id: str) -> None:
    """Scans a submitted case after its commit, small records at once; then lets it go on."""
    records = scans.scan(session, ids_of(store.record_ids(session, case_id)))
    session.commit()
    proceed(session, case_id, records)
    session.commit()


def proceed(session: Session, case_id: str, records: Sequence[scans.Record] | None = None) -> None:
    """Moves a case that waits for the scan: on to its first step, or into the hold.

    Args:
        records: of the case, where they are read already: what is submitted stays as it is.
    """
    case = store.lock_case(session, case_id)
    row = store.standing(session, case_id)
    if case is None or row is None or row["step"] not in (rules.SCAN, rules.HOLD):
        return
    if records is None:
        records = scans.records_of(session, ids_of(store.record_ids(session, case_id)))
    seen = look(session, records)
    if not seen.is_scanned:
        return
    store.set_findings(session, case_id, sum(hit.severity in FOUND for hit in seen.hits))
    if row["step"] == rules.SCAN:
        dataset_checks.keep(session, case_id, records)
    submitters = frozenset(store.submitters(session, case_id))
    if uncleared(seen.hits, "critical", submitters):
        if row["step"] == rules.SCAN:
            store.add_opinions(
                session, case_id, person=SYSTEM, roles=[], step=rules.HOLD, result="held"
            )
            store.set_state(session, case_id, State.SUBMITTED.value, rules.HOLD)
        return
    store.set_state(session, case_id, State.SUBMITTED.value, case["steps"][0])


def proceed_all(session: Session) -> None:
    """Moves every case of which the scan has ended, each in a transaction of its own."""
    for case_id in store.cases_at(session, (rules.SCAN, rules.HOLD)):
        try:
            proceed(session, case_id)
        except Exception:  # whatever one case lacks, the others wait no longer for it
            session.rollback()
            log.exception("case %s is tried again", case_id)
        session.commit()
