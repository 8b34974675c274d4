"""Deputies (代理人): the holder of a review role names one for it, with dates from and to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain.review import DEPUTY_ROLES
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.model import accounts as store

LONGEST = timedelta(days=366)  # a year; longer, the holder hands the role itself over


def name(
    session: Session,
    *,
    holder: str,
    deputy: Mapping[str, Any],
    role: str,
    unit_id: str | None,
    from_at: datetime | None,
    to_at: datetime,
) -> str:
    """A person acts in the holder's place for one role; gives the id of the assignment.

    Args:
        deputy: `{id, name, sysadmin}` of who acts.
        unit_id: None for every unit for which the holder has the role.

    Raises:
        tk.ValidationError: `review.E20`, `review.E21` for longer than a year.
    """
    if role not in DEPUTY_ROLES or not _holds(session, holder, role, unit_id):
        refuse("review.E20", "role", role)
    if deputy["id"] == holder or deputy["sysadmin"]:
        refuse("review.E20", "user", str(deputy["name"]))
    from_at = max(from_at or clock.now(), clock.now())  # nobody was a deputy before being named
    if to_at <= from_at:
        refuse("review.E20", "to", to_at.isoformat())
    if to_at > from_at + LONGEST:
        refuse("review.E21", "to", to_at.isoformat(), days=LONGEST.days)
    return store.grant(
        session,
        user_id=deputy["id"],
        role=role,
        unit_id=unit_id,
        from_at=from_at,
        to_at=to_at,
        deputy_for=holder,
        granted_by=holder,
    )


def _holds(session: Session, holder: str, role: str, unit_id: str | None) -> bool:
    """In one's own right: a deputy names no further one."""
    return any(
        held == role and unit in (None, unit_id) and deputy_for is None
        for held, unit, deputy_for in store.held(session, holder)
    )
