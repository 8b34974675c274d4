"""Fifty planted gaps among 5,000 powers are found, and nothing beside them, for many seeds."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from gap_planter import KINDS, LONG_AGO, City, plant

from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.standard_gaps import Gap, Item, Source, Upstream, World, gaps

ON = date(2026, 11, 2)
CALENDAR = WorkCalendar([], range(2020, 2030))
PERIODS = {"daily": "P1D", "weekly": "P7D", "monthly": "P1M", "quarterly": "P3M", "yearly": "P12M"}


def world(city: City) -> World:
    return World(
        ON,
        [Source("power_list", one.code, str(one.unit), one.name, not one.closed) for one in city.powers],
        [item(one) for one in city.items if not one.retired],
        lambda start, days: CALENDAR.due(start, days).due,
        [Upstream(one["code"], one["domain"], one["item_l1"], one["name"]) for one in city.upstream],
        {str(city.ended): ON - timedelta(days=3)},
    )  # fmt: skip


def item(one) -> Item:
    published = {"old": ON - timedelta(days=LONG_AGO), None: None}.get(one.evidence, ON)
    return Item(
        one.code, str(one.unit), one.domain, "行政权力", one.name,
        ON - timedelta(days=one.since), "信息形成或者变更之日起20个工作日内",
        tuple(("power_list", code) for code in one.powers),
        published_on=published,
        period=PERIODS.get(one.frequency or ""),
        not_occurred_to=ON if one.not_occurred else None,
        is_active_mode=one.mode == "active",
    )  # fmt: skip


def found(city: City) -> set[tuple[str, int | None, str, str]]:
    return {named(gap) for gap in gaps(world(city))}


def named(gap: Gap) -> tuple[str, int | None, str, str]:
    unit = int(gap.unit_id) if gap.unit_id else None
    return gap.kind, unit, gap.item_code, gap.source_code


@pytest.mark.parametrize("seed", range(12))
def test_fifty_planted_gaps_are_found_and_no_other(seed: int) -> None:
    city = plant(seed, "t")
    assert len(city.gaps) == 50
    assert {kind for kind, *_ in city.gaps} == set(KINDS)
    assert len(city.powers) == 5000
    assert found(city) == city.gaps


def test_a_city_without_faults_has_no_gap() -> None:
    city = plant(1, "t")
    wrong = {code for _, _, code, _ in city.gaps} | {code for *_, code in city.gaps}
    city.powers = [one for one in city.powers if one.code not in wrong]
    city.items = [one for one in city.items if one.code not in wrong]
    city.upstream = [one for one in city.upstream if one["code"] not in wrong]
    orphans = {code for one in city.items for code in one.powers}
    city.powers = [one for one in city.powers if one.code in orphans]
    assert found(city) == set()
