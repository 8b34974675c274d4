"""A quarter of the city's work on its duties: nights, what was done in time, late or not at all.

What happens in records of the platform (lists, datasets) raises its duties by itself while the
timeline is loaded; here is what the city does outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random

import ckan.model as model

from ckanext.govopen import clock
from ckanext.govopen.logic import duty_nights, events
from ckanext.govopen.logic.events import Evidence

ACTOR = "city"
WEEKS = 13
SITE_OWNERS = 8
OFFICE = "szfbgs"
NUMBERS = {"document_published": "云政办发", "opinion_event_found": "云舆情"}
# How likely a unit does in a month what it should.
SUPERVISES, CONFERS, MEETS, REFRESHES, INTERPRETS = 0.9, 0.5, 0.3, 0.97, 0.85


def fill(
    unit_ids: Mapping[str, str],
    today: date,
    seed: int,
    *,
    turn: Callable[[date], None],
    name: Callable[[str, str], object],
) -> None:
    """Lives through the last quarter, week by week.

    Args:
        unit_ids: units of the city by short name, of those that exist today.
        turn: sets the clock to the morning of a day and commits.
        name: names a unit for a subject of rules, as the disclosure office.
    """
    chance = Random(seed)  # noqa: S311 - a plan, no secret
    units = sorted(unit_ids.values())
    monday = today - timedelta(days=today.weekday(), weeks=WEEKS)
    turn(monday)
    for unit in units[:SITE_OWNERS]:
        name("site_owner", unit)
    if OFFICE in unit_ids:
        name("disclosure_office", unit_ids[OFFICE])
    for week in range(WEEKS + 1):
        day = monday + timedelta(weeks=week)
        turn(day)
        duty_nights.night(model.Session)
        _happen(units, day, chance)
        done = list(_of_week(units, day, chance))
        events.raise_evidence(model.Session, done, ACTOR)
        model.Session.commit()
    turn(today)
    duty_nights.night(model.Session)


def _happen(units: Sequence[str], day: date, chance: Random) -> None:
    """Each week a document and an incident, of which most are dealt with before the night."""
    for trigger, record, condition in (
        ("document_published", "interpretation", "public"),
        ("opinion_event_found", "opinion_event", "answered"),
    ):
        unit = chance.choice(units)
        number = f"{NUMBERS[trigger]}〔{day.year}〕{day.timetuple().tm_yday}号"
        happened = clock.now() - timedelta(hours=1)
        about = {"record_type": "typed", "record_id": number}
        events.raise_event(
            model.Session, trigger, unit_id=unit, occurred=happened, actor=ACTOR, **about
        )
        if chance.random() < INTERPRETS:
            answer = Evidence(record, condition, unit, f"{number}-1", number)
            events.raise_evidence(model.Session, [answer], ACTOR)


def _of_week(units: Sequence[str], day: date, chance: Random) -> Iterator[Evidence]:
    """What units do in a week; monthly things in the second week of a month."""
    for unit in units[:SITE_OWNERS]:
        if chance.random() < REFRESHES:
            yield Evidence("site_column", "refreshed", unit, f"column-{unit}")
    if not 8 <= day.day <= 14:
        return
    for unit in units:
        month = f"{day:%Y-%m}"
        if chance.random() < SUPERVISES:
            yield Evidence("supervision_result", "public", unit, f"result-{month}")
        if chance.random() < CONFERS:
            yield Evidence("press_conference", "held", unit, f"conference-{month}")
        if chance.random() < MEETS:
            yield Evidence("governance_record", "recorded", unit, f"meeting-{month}")
