"""Notices against an independent account of random histories, and the term on its exact day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from histories import Said, Version, history, replayed

from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.notices import Said as NoticeSaid
from ckanext.govopen.domain.notices import table, term
from ckanext.govopen.domain.registers import EntryVersion, changed_fields, entries_at

SEEDS = range(60)


def as_versions(versions: Sequence[Version]) -> list[EntryVersion]:
    return [
        EntryVersion(
            code, one.number, said.effective_on, one.published_at, said.fields, said.status
        )
        for one in versions
        for code, said in one.entries.items()
    ]


def told_of(versions: Sequence[Version], day: date) -> dict[str, Said]:
    return replayed(versions).on(day)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_notice_says_what_its_version_changed_on_its_day_and_nothing_else(seed: int) -> None:
    versions = history(seed)
    for place, version in enumerate(versions):
        said = []
        for code, one in sorted(version.entries.items()):
            flat = as_versions(versions[:place])
            now = as_versions(versions[: place + 1])
            before = entries_at(flat, one.effective_on).get(code)
            after = entries_at(now, one.effective_on).get(code)
            said.append(
                NoticeSaid(
                    code,
                    one.change,
                    before.content if before else None,
                    after.content if after else None,
                )
            )
        found = table(said)
        for row in (*found.rows, *found.corrections):
            day = version.entries[row.entry_code].effective_on
            old = told_of(versions[:place], day).get(row.entry_code)
            new = told_of(versions[: place + 1], day).get(row.entry_code)
            names = changed_fields(old.fields, new.fields) if old and new else ()
            assert set(row.changed) == set(names)
        corrected = {code for code, one in version.entries.items() if one.change == "correct"}
        assert {row.entry_code for row in found.corrections} == corrected
        assert sum(found.counts.values()) == len(version.entries) - len(corrected)


def test_an_adjustment_is_late_from_the_day_after_its_tenth_working_day_on() -> None:
    calendar = WorkCalendar([], range(2000, 2100))
    for approved in (date(2025, 3, 3) + timedelta(days=number) for number in range(14)):
        counted, day = 0, approved
        while counted < 10:
            day += timedelta(days=1)
            counted += day.weekday() < 5
        for shift in range(-12, 13):
            published = day + timedelta(days=shift)
            if published < approved:
                continue
            found = term(
                calendar,
                10,
                approved_on=approved,
                effective_on=approved + timedelta(days=3),
                published_on=published,
                today=published,
            )
            assert found.due_on == day
            assert found.is_late == (shift > 0)
            used = sum(
                (approved + timedelta(days=step)).weekday() < 5
                for step in range(1, (published - approved).days + 1)
            )
            assert found.used == used


def test_without_an_approval_the_term_runs_from_the_day_on_which_it_takes_effect() -> None:
    calendar = WorkCalendar([], range(2000, 2100))
    found = term(
        calendar,
        10,
        approved_on=None,
        effective_on=date(2025, 3, 3),
        published_on=None,
        today=date(2025, 3, 5),
    )
    assert (found.from_on, found.due_on, found.used) == (date(2025, 3, 3), date(2025, 3, 17), 2)
