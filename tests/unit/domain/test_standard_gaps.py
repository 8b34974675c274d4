"""Three levels compared: each kind of gap is found where it is, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.standard_gaps import (
    OWED,
    Gap,
    Item,
    Source,
    Upstream,
    World,
    after_period,
    coverage,
    gaps,
    stages,
    standing,
    workdays_of,
)
from ckanext.govopen.domain.standard_topics import Cell, by_topic

ON = date(2026, 11, 2)
CALENDAR = WorkCalendar([], range(2020, 2030))


def due(start: date, days: int) -> date:
    return CALENDAR.due(start, days).due


POWER = Source("power_list", "YZ-01-0117-000", "traffic", "城市道路占用许可")
ITEM = Item(
    "municipal_services-01-01", "traffic", "municipal_services", "行政许可", "城市道路占用许可结果",
    date(2026, 1, 5), "信息形成或者变更之日起20个工作日内",
    sources=(("power_list", "YZ-01-0117-000"),), published_on=date(2026, 1, 20),
)  # fmt: skip


def world(**changes: object) -> World:
    return replace(World(ON, (POWER,), (ITEM,), due), **changes)  # type: ignore[arg-type]


def kinds(**changes: object) -> list[str]:
    return [gap.kind for gap in gaps(world(**changes))]


def test_a_world_in_order_has_no_gap() -> None:
    assert kinds() == []


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"items": ()}, "source_without_item"),
        ({"sources": (POWER, replace(POWER, code="YZ-01-0118-000"))}, "source_without_item"),
        ({"sources": (), "items": (replace(ITEM, sources=()),)}, "item_without_source"),
        ({"sources": ()}, "source_unknown"),
        ({"sources": (replace(POWER, is_in_force=False),)}, "source_closed"),
        ({"sources": (replace(POWER, unit_id="housing"),)}, "body_differs"),
        ({"ended": {"traffic": ON}}, "body_abolished"),
        ({"upstream": (Upstream("u-1", "municipal_services", "行政许可", "供水许可结果"),)}, "missing_upstream"),
        ({"items": (replace(ITEM, published_on=None),)}, "never_published"),
        ({"items": (replace(ITEM, period="P90D"),)}, "overdue"),
    ],
)  # fmt: skip
def test_each_fault_is_one_gap_of_its_kind(changes: dict[str, object], kind: str) -> None:
    assert kinds(**changes) == [kind]


@pytest.mark.parametrize(
    "changes",
    [
        {"ended": {"traffic": date(2026, 11, 3)}},
        {"upstream": (Upstream("x", "municipal_services", "行政 许可", "城市道路占用许可结果"),)},
        {"upstream": (Upstream("u-1", "health", "甲", "乙"),), "items": (replace(ITEM, template="u-1"),)},
        {"sources": (POWER, replace(POWER, code="old", is_in_force=False))},
        # given away by one unit and received by the item's own
        {"sources": (replace(POWER, unit_id="housing", is_in_force=False), POWER)},
        {"items": (replace(ITEM, published_on=None, is_active_mode=False),)},
        {"items": (replace(ITEM, published_on=None, not_occurred_to=ON),)},
        {"items": (replace(ITEM, published_on=None, valid_from=date(2026, 10, 20)),)},
        {"items": (replace(ITEM, published_on=date(2026, 10, 1), period="P30D"),)},
    ],
)  # fmt: skip
def test_what_only_looks_like_a_fault_is_none(changes: dict[str, object]) -> None:
    assert kinds(**changes) == []


class TestStanding:
    @pytest.mark.parametrize(
        ("on", "state", "is_owed"),
        [
            (date(2026, 1, 5), "never_published", False),
            (date(2026, 2, 2), "never_published", False),
            (date(2026, 2, 3), "never_published", True),
        ],
    )
    def test_the_first_publication_is_due_after_the_limit(
        self, on: date, state: str, is_owed: bool
    ) -> None:
        found = standing(replace(ITEM, published_on=None), world(on=on))
        assert (found.state, found.due_on, found.is_owed(on)) == (state, date(2026, 2, 2), is_owed)

    def test_a_recurring_one_is_due_after_each_period(self) -> None:
        item = replace(ITEM, published_on=date(2026, 7, 1), period="P90D")
        assert standing(item, world()).due_on == due(date(2026, 9, 29), 20)

    @pytest.mark.parametrize(
        ("period", "after"),
        [
            ("P1M", date(2024, 2, 29)),
            ("P3M", date(2024, 4, 30)),
            ("P12M", date(2025, 1, 31)),
            ("P7D", date(2024, 2, 7)),
            ("PT1H", date(2024, 2, 1)),
        ],
    )
    def test_periods_of_months_end_on_the_last_day(self, period: str, after: date) -> None:
        assert after_period(date(2024, 1, 31), period) == after

    @pytest.mark.parametrize(
        ("limit", "days"),
        [
            ("信息形成或者变更之日起10个工作日内", 10),
            ("实时公开", 1),
            ("及时公开", 20),
            ("长期公开", 20),
            ("", 20),
        ],
    )
    def test_words_without_a_number_take_the_offices_number(self, limit: str, days: int) -> None:
        assert workdays_of(limit) == days

    def test_the_office_can_set_its_number(self) -> None:
        assert workdays_of("及时公开", 5) == 5


def test_coverage_counts_items_by_unit_field_and_state() -> None:
    items = (
        ITEM,
        replace(ITEM, code="b", published_on=None),
        replace(ITEM, code="c", domain="health"),
        replace(ITEM, code="d", is_active_mode=False),
        replace(ITEM, code="e", published_on=None, is_held_back=True),
    )
    found = {
        (one.unit_id, one.domain): (one.numerator, one.denominator)
        for one in coverage(world(items=items))
    }
    assert found == {("traffic", "municipal_services"): (1, 2), ("traffic", "health"): (1, 1)}


def test_what_a_negative_list_holds_back_is_no_gap() -> None:
    items = (replace(ITEM, published_on=None), replace(ITEM, published_on=None, is_held_back=True))
    assert [bool(_published_gaps(one)) for one in items] == [True, False]


def _published_gaps(one: Item) -> list[str]:
    kinds = [gap.kind for gap in gaps(world(items=[one]))]
    return [kind for kind in kinds if kind in OWED]


def test_stages_are_counted_for_each_unit() -> None:
    found = stages(
        [("a", ["decision", "result"]), ("a", ["result"]), ("b", [])], ["decision", "result"]
    )
    assert found == {"a": {"decision": 1, "result": 2}, "b": {"decision": 0, "result": 0}}


@given(st.permutations(range(6)))
def test_the_order_of_rows_changes_nothing(order: list[int]) -> None:
    sources = [replace(POWER, code=f"c{number}", is_in_force=number != 2) for number in range(6)]
    items = [
        replace(ITEM, code=f"i{number}", sources=(("power_list", f"c{number}"),), published_on=None)
        for number in range(4)
    ]
    straight = gaps(world(sources=sources, items=items))
    shuffled = gaps(
        world(sources=[sources[at] for at in order], items=[items[at] for at in order if at < 4])
    )
    assert straight == shuffled
    assert (
        Gap("source_closed", "traffic", "municipal_services", "i2", "power_list", "c2") in straight
    )


def test_a_topic_counts_its_fields_by_phase_and_a_cell_without_items_is_a_gap() -> None:
    late = replace(ITEM, code="municipal_services-01-02", published_on=None)
    asked = replace(late, code="municipal_services-01-03", is_active_mode=False)
    other = replace(ITEM, code="health-01-01", domain="health")
    kept = replace(late, code="municipal_services-01-04", is_held_back=True)
    alone = replace(kept, code="sport-01-01", domain="sport")
    carried = {ITEM.code: ("decision", "result"), alone.code: ("decision",)}
    found = by_topic(
        world(items=(ITEM, late, asked, other, kept, alone)),
        lambda one: carried.get(one.code, ("result",)),
        {"town": ("municipal_services",), "culture": ("public_culture", "sport")},
        {"before": ("decision",), "after": ("result", "service")},
    )
    assert found == {
        ("town", "before"): Cell(1, 1, 0),
        ("town", "after"): Cell(2, 1, 1, held_back=1),
        ("culture", "before"): Cell(held_back=1),
        ("culture", "after"): Cell(),
    }
    assert [place for place, cell in found.items() if cell.is_gap] == [("culture", "after")]
