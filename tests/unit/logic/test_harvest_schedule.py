"""When a source is asked next."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ckanext.govopen.logic.harvest_schedule import after

HERE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 2, 15, 30, tzinfo=HERE)


def test_a_source_that_a_person_starts_is_never_due() -> None:
    assert after("manual", NOW, "a") is None


@pytest.mark.parametrize(("schedule", "days"), [("daily", 1), ("weekly", 7), ("monthly", 30)])
def test_others_are_due_at_night_between_one_and_five(schedule: str, days: int) -> None:
    for source in ("a", "b", "c", "d"):
        due = after(schedule, NOW, source)
        assert due is not None
        assert due.astimezone(HERE).date() == NOW.date() + timedelta(days=days)
        assert 1 <= due.astimezone(HERE).hour < 5


def test_sources_do_not_meet() -> None:
    assert len({after("daily", NOW, f"source-{number}") for number in range(20)}) > 15


def test_the_minute_of_a_source_stays() -> None:
    assert after("daily", NOW, "a") == after("daily", NOW + timedelta(hours=3), "a")
