"""Actions of the work calendar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.calendar import CalendarError, Notice
from ckanext.govopen.logic import calendar as notices
from ckanext.govopen.logic import duty_terms, duty_view
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.logic.errors import no_unknown, refuse, refuse_all
from ckanext.govopen.logic.intake import IntakeRefused

__all__ = ["govopen_calendar_import", "govopen_due_date_show"]

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


def govopen_calendar_import(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Records the yearly notice of working days; a contradictory one is refused.

    Args:
        upload: JSON as in `data/calendar`, or a table with day, kind and name of the holiday.
        year, source, region: of the notice, where the file does not say; region CN by default.
        correct: the notice corrects the one that is known.

    Returns:
        `{region, year, source, outcome, holidays, workdays, moved}`; `outcome` is `created`,
        `corrected` or `unchanged`; `moved` are the open duties whose provisional due date is
        another one now: `[{duty_id, unit, rule, from, to, provisional, reason}]`.
    """
    tk.check_access("govopen_calendar_import", context, data_dict)
    no_unknown(data_dict, "upload", "year", "source", "region", "correct")
    try:
        notice = _read_notice(data_dict)
        outcome = notices.record(
            notice, corrects=tk.asbool(data_dict.get("correct", False)), actor=context["user"]
        )
    except CalendarError as error:
        model.Session.rollback()
        refuse_all([error.finding])
    except IntakeRefused as refusal:
        refuse_all(refusal.findings)
    notices.forget()
    moved = [] if outcome == "unchanged" else _recount(notice, context["user"])
    model.repo.commit()
    notices.forget()
    return {
        "region": notice.region,
        "year": notice.year,
        "source": notice.source,
        "outcome": outcome,
        "holidays": notice.days(is_workday=False),
        "workdays": notice.days(is_workday=True),
        "moved": moved,
    }


def _recount(notice: Notice, actor: str) -> list[dict[str, Any]]:
    """Open duties that were counted without the notice are counted with it."""
    reason = f"{notice.source} ({notice.region} {notice.year})"
    moves = duty_terms.recount(model.Session, duty_terms.Because("due_moved", actor, reason))
    return duty_view.moved(model.Session, moves)


def _read_notice(data_dict: Mapping[str, Any]) -> Notice:
    upload = data_dict.get("upload")
    if upload is None or not getattr(upload, "filename", ""):
        raise tk.ValidationError({"upload": [tk._("Choose a file")]})
    facts = {name: data_dict[name] for name in ("year", "source", "region") if data_dict.get(name)}
    with TemporaryDirectory() as folder:
        path = Path(folder) / (Path(upload.filename).name or "file")
        upload.save(path)
        notice = notices.read_file(path, facts)
    if not REGION.fullmatch(notice.region):  # it names a file of ours, and nothing else
        raise tk.ValidationError({"region": [tk._("CN, or the code of a region")]})
    return notice
