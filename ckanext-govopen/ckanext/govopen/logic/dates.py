"""Moments that clients send: an instant says its offset, a date begins in the site's zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from dateutil.parser import isoparse

from ckanext.govopen import clock
from ckanext.govopen.logic.errors import refuse

# An instant before year 1 in UTC can be stored but never read again.
FIRST_YEAR, LAST_YEAR = 1949, 2200
DATE_LENGTH = len("2027-01-01")


def instant(data_dict: Mapping[str, Any], name: str) -> Any:
    """A parameter that is an instant with its offset, or None.

    Raises:
        tk.ValidationError: `date.E1`.
    """
    value = data_dict.get(name)
    if not value:
        return None
    moment = _parsed(str(value))
    if moment is None or not _is_usable(moment):
        refuse("date.E1", name, str(value))
    return moment


def day(data_dict: Mapping[str, Any], name: str) -> date | None:
    """A parameter that is a day, or None.

    Raises:
        tk.ValidationError: `date.E1`, also for a year that no calendar here counts in.
    """
    value = data_dict.get(name)
    if value in (None, ""):
        return None
    try:
        found = date.fromisoformat(str(value))
    except ValueError:
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        refuse("date.E1", name, str(value)[:40])
    return found


def start_of(value: object) -> datetime | None:
    """A date's first moment in the site's zone, or an instant with its offset; None: neither."""
    moment = _parsed(str(value))
    if moment is not None and len(str(value)) == DATE_LENGTH:
        moment = moment.replace(tzinfo=clock.SITE_ZONE)
    return moment if moment is not None and _is_usable(moment) else None


def _parsed(text: str) -> datetime | None:
    try:
        return isoparse(text)
    except ValueError:
        return None


def _is_usable(moment: datetime) -> bool:
    return moment.tzinfo is not None and FIRST_YEAR <= moment.year <= LAST_YEAR
