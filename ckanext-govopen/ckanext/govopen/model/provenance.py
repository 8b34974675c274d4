"""Where a public dataset comes from: its entries in public lists, its refresh rule, its harvest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.model.reading import rows as _rows

Row = Mapping[str, Any]


def entry_versions(session: Session, entry_codes: Sequence[str]) -> list[Row]:
    """The newest public version of a list in which each entry was written, where it is shown.

    What a reform moves is closed in one list and then opened in another, both at one moment: the
    log has one order over all lists, the numbers of versions have one each.
    """
    return _rows(
        session,
        "SELECT DISTINCT ON (entry_code) entry_code, register_id, number, published_at, public"
        " FROM govopen_public_entry WHERE entry_code = ANY(:codes)"
        " ORDER BY entry_code, log_seq DESC",
        codes=list(entry_codes),
    )


def rule_in_force(session: Session, package_id: str) -> Row | None:
    """The newest rule by which the system may approve a new edition of a dataset today."""
    found = _rows(
        session,
        "SELECT x.row_change_bound, x.expires_on, x.source ->> 'kind' AS source,"
        " x.masking <> '{}' AS is_masked, r.published_at FROM govopen_refresh_rule x"
        " JOIN govopen_review r ON r.record_type = 'refresh_rule' AND r.record_id = x.id"
        " JOIN govopen_public p ON p.id = x.package_id"
        " WHERE x.package_id = :id AND r.state = 'published' AND x.expires_on >= govopen_today()"
        " AND govopen_approved('refresh_rule', x.id) AND NOT EXISTS"
        "  (SELECT FROM govopen_refresh_revocation v WHERE v.rule_id = x.id)"
        " ORDER BY x.created_at DESC, x.id LIMIT 1",
        id=package_id,
    )
    return found[0] if found else None


def harvest_kind(session: Session, package_id: str) -> str | None:
    """The kind of the harvest source that has brought a dataset; None for any other dataset."""
    return session.execute(
        sa.text(
            "SELECT s.kind FROM govopen_harvest_object o"
            " JOIN govopen_harvest_source s ON s.id = o.source_id"
            " WHERE o.record_type = 'package' AND o.record_id = :id AND o.state <> 'removed'"
            " ORDER BY o.source_id LIMIT 1"
        ),
        {"id": package_id},
    ).scalar_one_or_none()
