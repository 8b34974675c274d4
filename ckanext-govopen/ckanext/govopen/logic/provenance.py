"""Where a public dataset comes from, in what everybody may know.

Of a refresh rule that is what it allows, never the system or the columns that it names; of a
harvest source its kind, never its title or address: those are the keepers' and were not reviewed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen.logic import harvest_connectors
from ckanext.govopen.model import provenance as store

Row = Mapping[str, Any]


def of_dataset(session: Session, package_id: str, entry_codes: Sequence[str]) -> dict[str, Any]:
    """`{entries, refresh_rule, harvest}` of a dataset."""
    rows = store.entry_versions(session, entry_codes) if entry_codes else []
    rule = store.rule_in_force(session, package_id)
    kind = store.harvest_kind(session, package_id)
    return {
        "entries": [_entry(row) for row in rows if row["public"] is not None],
        "refresh_rule": None if rule is None else _rule(rule),
        "harvest": None if kind is None else {"kind": kind, "label": _label(kind)},
    }


def _entry(row: Row) -> dict[str, Any]:
    return {
        "entry_code": row["entry_code"],
        "register_id": row["register_id"],
        "version": row["number"],
        "published_at": row["published_at"].isoformat(),
    }


def _rule(row: Row) -> dict[str, Any]:
    return {
        "row_change_bound": float(row["row_change_bound"]),
        "expires_on": row["expires_on"].isoformat(),
        "source": row["source"],
        "is_masked": row["is_masked"],
        "approved_at": row["published_at"].isoformat() if row["published_at"] else None,
    }


def _label(kind: str) -> Mapping[str, str]:
    """What a kind is called; one whose connector is gone keeps its code."""
    found = harvest_connectors.kinds().get(kind)
    return dict(found.label) if found else {"zh": kind, "en": kind}
