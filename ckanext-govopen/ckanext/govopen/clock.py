"""The business clock at the edge: the same instant that the triggers see."""

from __future__ import annotations

from datetime import date, datetime, timezone
from zoneinfo import ZoneInfo

import sqlalchemy as sa

import ckan.model as model

SITE_ZONE = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """Now in UTC by the one clock (`govopen_now()`)."""
    moment: datetime = model.Session.execute(sa.text("SELECT govopen_now()")).scalar_one()
    return moment.astimezone(timezone.utc)


def today() -> date:
    """The date in Asia/Shanghai."""
    return now().astimezone(SITE_ZONE).date()


def set_to(moment: datetime | None) -> None:
    """Sets the clock of a demo or test database, or gives it back to real time with None.

    Raises:
        sqlalchemy.exc.IntegrityError: the database is stamped as production.
    """
    model.Session.execute(sa.text("UPDATE govopen_site SET clock_at = :at"), {"at": moment})


def is_set() -> bool:
    """True while somebody has turned the clock of a demo or test database."""
    at = model.Session.execute(sa.text("SELECT clock_at FROM govopen_site")).scalar_one()
    return at is not None


def settable_today() -> date | None:
    """The date in Asia/Shanghai on a database that is stamped as demo or test, else None."""
    found: date | None = model.Session.execute(
        sa.text("SELECT CASE WHEN stamp <> 'production' THEN govopen_today() END FROM govopen_site")
    ).scalar_one()
    return found


def is_settable() -> bool:
    """True on a database that is stamped as demo or test."""
    stamp = model.Session.execute(sa.text("SELECT stamp FROM govopen_site")).scalar_one()
    return bool(stamp != "production")
