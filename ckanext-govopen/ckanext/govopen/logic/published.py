"""What publishing tells the duties: a list was adjusted, its notice is public, a dataset is open.

Called by the review in the transaction that publishes; no case waits for it, and a batch is told
at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.logic.events import Event, Evidence, raise_events, raise_evidence
from ckanext.govopen.model import events as store

VERSION = "register_version"
# A register whose adjustment is an event of its own name; every other one is a list.
_TRIGGERS = {"disclosure_standard": "standard_adjusted"}
# What one publishing of a version makes public, as the rules call it.
_RECORDS = ("change_notice", "register", "register_entry")


def lists_approved(session: Session, version_ids: Sequence[str], day: date, actor: str) -> None:
    """The register authority has approved: from that day a list's term runs.

    The source is 京人社办发〔2016〕179号 一.12.
    """
    versions = store.versions(session, version_ids)
    _adjusted(session, [one for one in versions if not one["is_known"]], actor, approved_on=day)


def lists_published(session: Session, version_ids: Sequence[str], actor: str) -> None:
    """Versions are public, and their notices with them."""
    versions = store.versions(session, version_ids)
    _adjusted(session, [one for one in versions if not one["is_known"]], actor)
    raise_evidence(
        session,
        [
            Evidence(record, "public", one["unit_id"], one["id"], one["id"])
            for one in versions
            for record in _records(one)
        ],
        actor,
    )


def _records(version: Mapping[str, Any]) -> Sequence[str]:
    is_standard = version["register_type"] in _TRIGGERS
    return (*_RECORDS, "disclosure_standard") if is_standard else _RECORDS


def _adjusted(
    session: Session,
    versions: Sequence[Mapping[str, Any]],
    actor: str,
    approved_on: date | None = None,
) -> None:
    today = clock.today()
    found = [
        Event(
            _TRIGGERS.get(one["register_type"], "list_adjusted"),
            one["unit_id"],
            min(approved_on or one["approved_on"] or one["effective_on"], today),
            VERSION,
            one["id"],
            {"register_type": one["register_type"]},
        )
        for one in versions
    ]
    raise_events(session, found, actor)


def datasets_published(session: Session, owners: Mapping[str, str], actor: str) -> None:
    """Datasets are open: `owners` has the unit of each."""
    today = clock.today()
    raise_events(
        session,
        [
            Event("dataset_published", unit_id, today, "package", package_id)
            for package_id, unit_id in owners.items()
        ],
        actor,
    )
    raise_evidence(
        session,
        [
            Evidence("open_dataset", "public", unit_id, package_id, package_id)
            for package_id, unit_id in owners.items()
        ],
        actor,
    )
