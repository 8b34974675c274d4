"""What a run remembers of the names of its source, and what it proposes."""

from __future__ import annotations

import pytest

from ckanext.govopen.domain.harvest import How, Mapped, Meaning
from ckanext.govopen.logic.harvest_names import Names, names_view, unread_view


def seen(
    name: str, *values: str, field: str | None = None, how: How = How.UNKNOWN
) -> dict[str, str]:
    """What is proposed for a name whose column holds these values, by field."""
    names = Names()
    for value in values:
        meanings = [Meaning(name, field, 0.9 if field else 0, how)]
        names.note(Mapped({}, meanings=meanings, examples={name: value}))
    shown = names_view(names.evidence({}))[0]
    return {one["field"]: one["confidence"] for one in shown["proposed"]}


@pytest.mark.parametrize(
    ("name", "values", "field", "confidence"),
    [
        ("供数单位", ("市水务局", "市林业局"), "provider", "0.6"),
        ("xxzytgf", ("市水务局",), "provider", "0.5"),
        ("供数单位", ("",), "provider", "0.4"),
        ("kflx", ("无条件开放", "不予开放"), "open_type", "0.5"),
        ("updateFreq", ("每日", "每月"), "update_cycle", "0.6"),
        ("RES_TITLE", ("水", "土"), "name", "0.4"),
        ("FILE_EXT", ("XLS/CSV", "JSON"), "formats", "0.5"),
    ],
)
def test_a_name_nobody_has_met_is_proposed_by_its_words_and_its_values(
    name: str, values: tuple[str, ...], field: str, confidence: str
) -> None:
    proposed = seen(name, *values)
    assert next(iter(proposed.items())) == (field, confidence)


@pytest.mark.parametrize(("name", "values"), [("gxzq", ("01", "02")), ("怪列", ("甲", "乙"))])
def test_codes_and_words_of_a_portals_own_say_nothing(name: str, values: tuple[str, ...]) -> None:
    assert seen(name, *values) == {}


def test_values_that_speak_against_a_sure_name_are_said() -> None:
    against = seen("openCondition", "无条件开放", field="open_condition", how=How.SURE)
    assert against == {"open_type": "0.6"}
    assert seen("开放类型", "无条件开放", field="open_type", how=How.SURE) == {}
    assert seen("开放条件", "签订协议", field="open_condition", how=How.TOLD) == {}


def test_a_dataset_is_proposed_its_own_fields() -> None:
    names = Names("dataset")
    meanings = [
        Meaning("供数单位", None, 0),
        Meaning("数据条数", None, 0),
        Meaning("题名", None, 0),
    ]
    names.note(Mapped({}, meanings=meanings, examples={"供数单位": "市水务局"}))
    shown = {one["name"]: one["proposed"] for one in names_view(names.evidence({}))}
    assert shown == {
        "供数单位": [{"field": "publisher", "confidence": "0.6"}],
        "数据条数": [],
        "题名": [{"field": "title", "confidence": "0.4"}],
    }


def test_what_a_later_record_throws_into_doubt_is_in_doubt() -> None:
    names = Names()
    for how in (How.SURE, How.RIVAL, How.SURE):
        names.note(Mapped({}, meanings=[Meaning("目录名称", "name", 1.0, how)]))
    assert names_view(names.evidence({}))[0]["how"] == "rival"


def test_of_a_line_that_may_be_secret_and_of_contacts_no_example_is_kept() -> None:
    names = Names()
    meanings = [
        Meaning("摘要", "abstract", 1.0, How.SURE),
        Meaning("密级", "secrecy", 1.0, How.SURE),
    ]
    said = {"摘要": "不可外传", "密级": "机密"}
    names.note(Mapped({"secrecy": "机密", "update_cycle": "密"}, meanings=meanings, examples=said))
    phone = [Meaning("电话", "contact_phone", 1.0, How.SURE)]
    names.note(Mapped({}, meanings=phone, examples={"电话": "010"}))
    kept = names.evidence({})
    assert "不可外传" not in str(kept)
    assert "010" not in str(kept)
    assert unread_view(kept) == []


def test_values_that_nobody_understands_are_listed_once_for_each_field() -> None:
    names = Names()
    meanings = [Meaning("gxzq", "update_cycle", 1.0, How.TOLD)]
    for value in ("7", "每年", "7", "8"):
        names.note(Mapped({"update_cycle": value}, meanings=meanings))
    assert unread_view(names.evidence({})) == [{"field": "update_cycle", "values": ["7", "8"]}]


def test_what_the_check_has_noted_stays_when_the_records_are_loaded() -> None:
    names = Names()
    names.note(Mapped({}, meanings=[Meaning("甲", None, 0)], examples={"甲": "一"}))
    before = {"pages": 1, **names.evidence({})}
    later = Names()
    later.note(Mapped({}, meanings=[Meaning("甲", None, 0), Meaning("乙", None, 0)]))
    found = {one["name"]: one["examples"] for one in names_view(later.evidence(before))}
    assert found == {"甲": ["一"], "乙": []}
    assert names_view({"names": {"旧": ["name", 0.7]}})[0]["how"] == "sure"
