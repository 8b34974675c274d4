"""What happens to duties by itself: periods begin, terms end, owners change, calendars move.

A cursor keeps the last day that was looked at. Nothing hangs on the hour at which this runs: a
missed night is caught up day by day, and a second run of one day finds nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config
from ckanext.govopen.domain.duty_levels import LEVELS, reached
from ckanext.govopen.domain.duty_periods import BEGINNINGS, Period, begun_on, period_of
from ckanext.govopen.logic import duties, duty_terms
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.logic.events import PERIOD, Event, raise_events
from ckanext.govopen.model import duties as store
from ckanext.govopen.model import duty_levels


def night(session: Session) -> dict[str, int]:
    """Catches up from the last day that was looked at to today, and commits.

    Returns:
        `{days, moved, succeeded, settled, escalated}`: days whose beginnings were raised, due
        dates that a new notice moved, duties that went to a successor, duties whose state changed,
        notes of who was told of overdue ones.
    """
    days = catch_up(session, clock.today())
    succeeded = duties.succeed(session, clock.today())
    moved = _recount(session)
    settled = duties.close_over(session)
    told = escalate(session)
    session.commit()
    return {
        "days": days,
        "moved": moved,
        "succeeded": succeeded,
        "settled": settled,
        "escalated": told,
    }


def escalate(session: Session) -> int:
    """Notes who is told of what is overdue: once for each level, however many nights were missed.

    They find it at the workbench, and in the mail of the day.
    """
    calendar = work_calendar(config.region_code())
    ends = reached(calendar, clock.today(), config.duty_escalation_workdays())
    return duty_levels.tell(session, LEVELS, ends)


def catch_up(session: Session, today: date) -> int:
    """Raises what began since; each day is a transaction of its own, so that none comes twice."""
    done = 0
    while True:
        cursor = store.cursor(session)
        if cursor is not None and cursor["day"] >= today:
            return done
        day = today if cursor is None else cursor["day"] + timedelta(days=1)
        begun = _in_progress(day) if cursor is None else begun_on(day)
        events = [_event(trigger, period, day) for trigger, period in begun]
        raise_events(session, events, duties.SYSTEM)
        store.set_cursor(session, day, cursor["calendar_seq"] if cursor else 0)
        session.commit()
        done += 1


def _in_progress(day: date) -> Iterator[tuple[str, Period]]:
    """On the first night: the periods that have begun and run."""
    for trigger, unit in BEGINNINGS.items():
        yield trigger, period_of(unit, day)


def raise_since(session: Session, first: date) -> int:
    """Raises every beginning from a day on, for a site that takes over years of records.

    Returns:
        events that were new.
    """
    day, new = first, 0
    while day <= clock.today():
        found = [_event(trigger, period, day) for trigger, period in begun_on(day)]
        new += len(raise_events(session, found, duties.SYSTEM))
        day += timedelta(days=1)
    return new


def _event(trigger: str, period: Period, day: date) -> Event:
    is_beginning = trigger in BEGINNINGS
    on = period.first if is_beginning else day
    return Event(trigger, None, on, PERIOD, period.code)


def _recount(session: Session) -> int:
    """Counts provisional terms anew, once for each notice that was imported."""
    cursor = store.cursor(session)
    newest = store.calendar_seq(session)
    if cursor is None or cursor["calendar_seq"] == newest:
        return 0
    because = duty_terms.Because("due_moved", duties.SYSTEM, "calendar")
    moved = len(duty_terms.recount(session, because))
    store.set_cursor(session, cursor["day"], newest)
    return moved
