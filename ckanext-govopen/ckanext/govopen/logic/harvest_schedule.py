"""When a source is asked next: at night, each at a minute of its own, so that they do not meet."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256

from ckanext.govopen.clock import SITE_ZONE

FIRST_HOUR, HOURS = 1, 4  # between one and five in the morning
DAYS = {"daily": 1, "weekly": 7, "monthly": 30}


def after(schedule: str, now: datetime, source_id: str) -> datetime | None:
    """The next run of a source after a moment; None for one that a person starts."""
    if schedule == "manual":
        return None
    minute = int(sha256(source_id.encode()).hexdigest()[:8], 16) % (HOURS * 60)
    if schedule == "hourly":
        return now + timedelta(hours=1)
    local = now.astimezone(SITE_ZONE)
    day = local.replace(hour=FIRST_HOUR, minute=0, second=0, microsecond=0)
    return day + timedelta(days=DAYS[schedule], minutes=minute)
