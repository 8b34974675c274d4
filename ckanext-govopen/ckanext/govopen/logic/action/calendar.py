"""Actions of the work calendar."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.logic.errors import no_unknown, refuse

__all__ = ["govopen_due_date_show"]

MOST_DAYS = 1000
LAST_YEAR = 9990
REGION = re.compile(r"[A-Z0-9-]{2,16}")


@tk.side_effect_free
def govopen_due_date_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The N-th working day after a date, with each day that was counted or skipped and why.

    Args:
        start: YYYY-MM-DD, itself not counted (民法典 Art 201).
        days: working days, 1 to 1000.
        region: CN, or a region with local holidays.
    """
    tk.check_access("govopen_due_date_show", context, data_dict)
    no_unknown(data_dict, "start", "days", "region")
    try:
        start, days = date.fromisoformat(str(data_dict.get("start"))), int(data_dict.get("days", 0))
    except (TypeError, ValueError):
        refuse("date.E1", "start", str(data_dict.get("start")))
    if not 1 <= days <= MOST_DAYS:
        raise tk.ValidationError({"days": [tk._("days must be 1…{0}").format(MOST_DAYS)]})
    region = str(data_dict.get("region") or "CN")
    if not REGION.fullmatch(region):  # it names a file of ours, and nothing else
        raise tk.ValidationError({"region": [tk._("CN, or the code of a region")]})
    if start.year >= LAST_YEAR:
        refuse("date.E1", "start", start.isoformat())
    due = work_calendar(region).due(start, days)
    return {
        "due": due.due.isoformat(),
        "provisional": due.provisional,
        "counted": [day.isoformat() for day in due.counted],
        "skipped": [
            {"date": each.day.isoformat(), "reason": each.reason, "name": each.name}
            for each in due.skipped
        ],
        "text": tk._("{days} working days after {start}: {due}").format(
            days=days, start=start.isoformat(), due=due.due.isoformat()
        ),
    }
