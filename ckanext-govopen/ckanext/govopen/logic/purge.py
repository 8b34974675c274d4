"""What follows a withdrawal: figures, DataStore, index and activities, each part by itself.

The withdrawal is complete for readers at its commit, whatever these still hold. Every part asks the
database what is public now and brings its copy in line with that, so it may run late, again, or
after the record is public once more. Files stay: the unit and its reviewers may read them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

import ckan.model as model

from ckanext.govopen.logic import datastore, labels, rates, search
from ckanext.govopen.model import datasets as datasets_store
from ckanext.govopen.model import purge as store
from ckanext.govopen.model import review as review_store

log = logging.getLogger(__name__)

BATCH = 200


def drain(package_id: str | None = None, *, limit: int = BATCH) -> int:
    """Does what remains, each part in a transaction of its own; a part that fails waits.

    Args:
        package_id: of one record only; None for all, the least often tried first.

    Returns:
        parts done.
    """
    session = model.Session
    if search.is_held():
        return 0
    rows = store.waiting(session, limit, package_id)
    session.rollback()
    return sum(_one(session, int(row["seq"])) for row in rows)


def _one(session: Session, seq: int) -> bool:
    row = store.take(session, seq)
    if row is None:
        session.rollback()
        return False
    part, package_id = str(row["part"]), str(row["package_id"])
    try:
        PARTS[part](session, package_id)
        store.done(session, seq)
        session.commit()
    except Exception as error:  # noqa: BLE001 whatever it is, the others do not wait for it
        session.rollback()
        log.warning("purge of %s for %s waits: %s", part, package_id, type(error).__name__)
        store.failed(session, seq, type(error).__name__)
        session.commit()
        return False
    return True


def _rates(session: Session, package_id: str) -> None:
    owner = datasets_store.owners(session, [package_id]).get(package_id)
    if owner is not None:
        rates.refresh(session, unit_ids=[str(owner["owner_org"])])


def _datastore(session: Session, package_id: str) -> None:
    review_store.share_package(session, package_id)
    datastore.settle(session, [package_id])


def _index(session: Session, package_id: str) -> None:
    search.index_now(session, package_id)


def _activity(session: Session, package_id: str) -> None:
    review_store.share_package(session, package_id)
    package = session.get(model.Package, package_id)
    if package is None or not review_store.public_ids(session, [package_id]):
        shown_to = [] if package is None else labels.of_dataset(package)
        store.redact_activities(session, package_id, shown_to)


PARTS: Mapping[str, Callable[[Session, str], None]] = {
    "rates": _rates,
    "datastore": _datastore,
    "index": _index,
    "activity": _activity,
}


def remaining(session: Session, package_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """For each withdrawn package its parts: `{part, done_at, attempts, last_error}`."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in store.of_packages(session, package_ids):
        shown = {name: row[name] for name in ("part", "attempts", "last_error")}
        shown["done_at"] = row["done_at"].isoformat() if row["done_at"] else None
        found.setdefault(str(row["package_id"]), []).append(shown)
    return found
