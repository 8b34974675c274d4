"""Changes that contradict themselves or are said in another form are named, never carried out."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from ckanext.govopen.domain.adjustments import Change, Present, malformed
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.register_checks import (
    Facts,
    Receiver,
    World,
    check,
    check_covered,
    check_facts,
)
from ckanext.govopen.logic.register_types import register_type

DAY = date(2026, 3, 2)
FACTS = Facts("云政发〔2026〕6号", "职能调整", DAY, DAY)


def present(code: str) -> Present:
    return Present(code, "in_force", {"name": code}, 1, 1, date(2020, 1, 2))


def findings(changes: list[Change], **world: object) -> list[Finding]:
    known = {code: present(code) for code in "ABC"}
    given = World(present=known, parents={*known}, **world)  # type: ignore[arg-type]
    return check(register_type("power_list"), FACTS, changes, given)


def codes(changes: list[Change], **world: object) -> list[str]:
    return [one.code for one in findings(changes, **world)]


@pytest.mark.parametrize(
    "extra",
    [
        {"corrects": True},
        {"corrects": 10**30},
        {"corrects": "-1"},
        {"merged_codes": {"a": 1}},
        {"merged_codes": ["A", 1]},
        {"receiving": {"x": [1]}},
        {"parts": "x"},
        {"parts": [1, None]},
        {"parts": [{"entry_code": "A-1", "fields": {}}]},
        {"to_unit": ["x"]},
        {"new_type": {"a": 1}},
        {"period": 5},
    ],
)
def test_what_is_said_in_another_form_is_named(extra: dict[str, object]) -> None:
    assert malformed(extra) == [*extra]


def test_what_forms_and_interfaces_send_is_read() -> None:
    part = {"entry_code": None, "fields": {"name": "甲"}}
    said = {"corrects": "3", "merged_codes": "A B", "parts": [part], "stays_in_force": True}
    assert malformed({**said, "receiving": ["安澜县"], "period": "2026年", "stays": ""}) == []


NEIGHBOUR = Receiver("邻局", date(2020, 1, 2))
DISSOLVED = Receiver("旧局", date(2020, 1, 2), DAY)
PLANNED = Receiver("新局", date(2026, 3, 3))
PART = {"entry_code": "N", "fields": {"name": "甲一"}}


@pytest.mark.parametrize(
    ("kind", "entry", "extra", "said"),
    [
        ("transfer", "A", {"to_unit": "nowhere"}, "registers.E45 to_unit nowhere"),
        ("transfer", "A", {"to_unit": "own"}, "registers.E46 to_unit 本局"),
        ("transfer", "A", {"to_unit": "dissolved"}, "units.E1 to_unit 2026-03-02"),
        ("transfer", "A", {"to_unit": "planned"}, "units.E1 to_unit 2026-03-02"),
        ("transfer", "X", {"to_unit": "neighbour"}, "registers.E47 entry_code X"),
        ("transfer", "F", {"to_unit": "neighbour"}, "registers.E48 entry_code F"),
        ("merge", "A", {"merged_codes": ["A"]}, "registers.E46 merged_codes A"),
        ("merge", "A", {"merged_codes": ["B", "X"]}, "registers.E47 merged_codes X"),
        ("merge", "A", {"merged_codes": ["B", "F"]}, "registers.E48 merged_codes F"),
        ("merge", "A", {"merged_codes": ["B", "B"]}, "registers.E24 entry_code B"),
        ("split", "X", {"parts": [PART]}, "registers.E47 entry_code X"),
        ("split", "F", {"parts": [PART]}, "registers.E48 entry_code F"),
        ("split", "A", {"parts": [PART, PART]}, "registers.E24 entry_code N"),
        ("split", "A", {"parts": [PART | {"entry_code": "U"}]}, "registers.E3 entry_code U"),
        ("split", "A", {"parts": [PART | {"entry_code": "A"}]}, "registers.E46 parts A"),
        ("convert", "A", {"new_type": "power_list"}, "registers.E46 new_type power_list"),
        ("convert", "A", {"new_type": "no_list"}, "registers.E22 new_type no_list"),
        (
            "convert",
            "A",
            {"new_type": "internal_rule_list", "new_code": "U"},
            "registers.E3 new_code U",
        ),
        ("cancel", "F", {"follow_up": "监管"}, "registers.E48 entry_code F"),
    ],
)
def test_where_an_entry_goes_is_there_another_one_and_able_to_take_it(
    kind: str, entry: str, extra: dict[str, object], said: str
) -> None:
    found = findings(
        [Change(entry, kind, {"name": f"{entry}-1"}, extra, 1)],
        taken={"U"},
        taken_there={("internal_rule_list", "U")},
        elsewhere={"F": "邻局"},
        unit="own",
        register_type="power_list",
        types={"power_list", "internal_rule_list"},
        units={
            "own": Receiver("本局", date(2020, 1, 2)),
            "neighbour": NEIGHBOUR,
            "dissolved": DISSOLVED,
            "planned": PLANNED,
        },
    )
    assert said in [f"{one.code} {one.field} {one.value}" for one in found]
    assert all(one.params.get("entry") for one in found)


def test_an_entry_goes_to_another_unit_that_exists_on_the_day() -> None:
    change = Change("A", "transfer", {}, {"to_unit": "neighbour"}, 1)
    assert findings([change], unit="own", units={"neighbour": NEIGHBOUR}) == []
    day_before = Facts("依据", "理由", DAY - timedelta(days=1))
    leaving = Change("A", "transfer", {}, {"to_unit": "dissolved"}, 1)
    world = World(present={"A": present("A")}, unit="own", units={"dissolved": DISSOLVED})
    assert check(register_type("power_list"), day_before, [leaving], world) == []


@pytest.mark.parametrize(
    ("parents", "above"),
    [
        ({"A": "A"}, {}),
        ({"A": "B", "B": "A"}, {}),
        ({"A": "B"}, {"B": "C", "C": "A"}),
    ],
)
def test_no_entry_stands_under_itself(parents: dict[str, str], above: dict[str, str]) -> None:
    changes = [
        Change(code, "change", {"name": f"{code}-1", "parent_code": parent}, {}, 1)
        for code, parent in parents.items()
    ]
    assert codes(changes, above=above).count("registers.E28") == len(parents)


@pytest.mark.parametrize(("today", "is_refused"), [(DAY, False), (date(2026, 3, 1), True)])
def test_an_approval_is_not_in_the_future(today: date, is_refused: bool) -> None:
    facts = Facts("云政发〔2026〕6号", "职能调整", DAY, DAY, None, today)
    assert ("registers.E29" in [one.code for one in check_facts(facts)]) is is_refused


def test_a_chain_of_parents_is_no_circle() -> None:
    changes = [Change("A", "change", {"name": "A-1", "parent_code": "B"}, {}, 1)]
    assert "registers.E28" not in codes(changes, above={"B": "C"})


def test_a_negative_list_covers_what_its_own_unit_has() -> None:
    targets = [
        {"type": "data_inventory", "code": "990100-0000001"},
        {"type": "data_inventory", "code": "990100-0000002"},
        {"type": "disclosure_standard", "code": "990100-0000001"},
    ]
    own = {("data_inventory", "990100-0000001")}
    found = check_covered(register_type("disclosure_negative_list"), {"targets": targets}, own)
    assert [(one.code, one.field, one.value) for one in found] == [
        ("registers.E44", "targets", "990100-0000002"),
        ("registers.E44", "targets", "990100-0000001"),
    ]


def test_other_lists_refer_to_entries_of_other_units() -> None:
    fields = {"source_entry": [{"type": "power_list", "code": "990100-0000002"}]}
    assert check_covered(register_type("disclosure_standard"), fields, set()) == []
