"""What a type asks of its entries, by examples."""

from __future__ import annotations

from typing import Any

import pytest

from ckanext.govopen.domain.register_types import (
    Link,
    check_code,
    check_fields,
    clean_text,
    identity_of,
    links_of,
    missing_fields,
    split_private,
    tidy_fields,
)
from ckanext.govopen.logic.register_types import register_type
from ckanext.govopen.logic.vocab import vocabularies

POWER: dict[str, Any] = {
    "name": "城市道路占用许可",
    "power_type": "license",
    "exercising_body": "云泽市住房和城乡建设局",
    "level": ["city"],
    "legal_basis": [{"title": "城市道路管理条例", "article": "第三十一条"}],
    "supervise_phone": "0990-12345678",
}
SERVICE: dict[str, Any] = {
    "name": "公租房租金减免办理",
    "accepting_unit": "市住房保障中心",
    "process": ["申请", "受理", "核查", "公示", "决定"],
    "materials": [{"name": "申请表", "form": "electronic", "count": 1, "source": "applicant"}],
    "fee_standard": "不收费",
    "legal_days": 20,
    "promised_days": 7,
    "consult_phone": "0990-12345670",
    "legal_basis": [{"title": "云建规〔2025〕2号"}],
}


def codes_of(kind: str, fields: dict[str, Any]) -> list[tuple[str, str | None]]:
    found = check_fields(register_type(kind), fields, vocabularies())
    return [(finding.code, finding.field) for finding in found]


def lacks(kind: str, fields: dict[str, Any]) -> list[tuple[str, str | None]]:
    found = missing_fields(register_type(kind), fields)
    return [(finding.code, finding.field) for finding in found]


@pytest.mark.parametrize(
    ("kind", "fields"), [("power_list", POWER), ("public_service_list", SERVICE)]
)
def test_a_complete_entry_is_stored_and_may_be_handed_in(kind: str, fields: dict[str, Any]) -> None:
    assert codes_of(kind, fields) == []
    assert lacks(kind, fields) == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("name", "", "registers.E30"),
        ("colour", "green", "registers.E31"),
        ("name", 7, "registers.E32"),
        ("name", "名" * 301, "registers.E33"),
        ("name", "#REF!", "registers.E38"),
        ("power_type", "licence", "vocab.E1"),
        ("power_type", ["license"], "vocab.E1"),
        ("level", "city", "registers.E32"),
        ("level", ["city", "planet"], "vocab.E1"),
        ("flowchart_url", "www.example.cn/a", "registers.E34"),
        ("flowchart_url", "javascript:alert(1)", "registers.E34"),
        ("supervise_phone", "办公室", "registers.E35"),
        ("legal_basis", ["城市道路管理条例"], "registers.E32"),
        ("legal_basis", [{"article": "第一条"}], "registers.E32"),
        ("legal_basis", [{"title": "条例", "year": "1996"}], "registers.E32"),
        ("legal_basis", [{"title": "条例", "issued_on": "1996-13-01"}], "date.E1"),
    ],
)
def test_a_value_of_the_wrong_form_keeps_the_entry_out(field: str, value: Any, code: str) -> None:
    assert (code, field) in codes_of("power_list", {**POWER, field: value})


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("legal_days", "20", "registers.E32"),
        ("legal_days", True, "registers.E32"),
        ("materials", "申请表", "registers.E32"),
        ("materials", [{"name": "申请表", "colour": "red"}], "registers.E37"),
        ("materials", [{"count": 1}], "registers.E30"),
        ("materials", [{"name": "申请表", "count": "一"}], "registers.E32"),
        ("materials", [{"name": "申请表", "form": "paper"}], "vocab.E1"),
        ("process", [1], "registers.E32"),
        ("process", ["步"] * 501, "registers.E32"),
        ("process", ["步" * 400] * 90, "registers.E33"),
    ],
)
def test_lists_and_nested_tables_are_checked_to_the_cell(field: str, value: Any, code: str) -> None:
    assert code in [
        found for found, _ in codes_of("public_service_list", {**SERVICE, field: value})
    ]


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("power_list", {"power_type": None}, ("registers.W10", "power_type")),
        ("power_list", {"legal_basis": []}, ("registers.E6", "legal_basis")),
        ("public_service_list", {"promised_days": None}, ("registers.W3", "promised_days")),
        ("public_service_list", {"promised_days": 21}, ("registers.E39", "promised_days")),
        ("disclosure_negative_list", {"circumstance": None}, ("registers.E5", "circumstance")),
        ("fee_list", {"for_enterprise": True}, ("registers.E12", "standard")),
        ("blackwhite_list", {"is_person": True}, ("registers.E40", "is_person")),
    ],
)
def test_what_an_entry_lacks_for_its_review_is_named(
    kind: str, change: dict[str, Any], expected: tuple[str, str]
) -> None:
    base = SERVICE if kind == "public_service_list" else POWER
    assert expected in lacks(kind, {**base, **change})


def test_a_fee_that_no_enterprise_pays_needs_no_rate() -> None:
    assert "registers.E12" not in dict(lacks("fee_list", {**POWER, "for_enterprise": False}))


@pytest.mark.parametrize("code", ["YZ-01-0117-000", "000123", "A/1(2)", "1"])
def test_entry_codes_as_offices_write_them(code: str) -> None:
    assert check_code(register_type("power_list"), code) == []


@pytest.mark.parametrize("code", ["", "-1", "合计", "a b", "=1", "x" * 65, "A\n", "total12"])
def test_what_is_no_entry_code(code: str) -> None:
    assert [one.code for one in check_code(register_type("power_list"), code)] == ["registers.E36"]


def test_tidying_leaves_out_what_is_empty_and_does_nothing_twice() -> None:
    kind = register_type("public_service_list")
    fields = {
        "name": "　 受\r\n理\x0b ",
        "remarks": " \u200b",
        "process": ["", " 申请 "],
        "materials": [{"name": "申请表", "sample_url": ""}, {}],
        "legal_days": 0,
        "faq": [],
    }
    tidy = tidy_fields(kind, fields)
    assert tidy == {
        "name": "受\n理",
        "process": ["申请"],
        "materials": [{"name": "申请表"}],
        "legal_days": 0,
    }
    assert tidy_fields(kind, tidy) == tidy


def test_a_text_holds_nothing_that_a_workbook_cannot() -> None:
    assert clean_text("a\ud800b\ufffec\x00d\te\u0301") == "abcd\té"


def test_a_private_field_and_one_that_nobody_knows_stay_inside() -> None:
    kind = register_type("blackwhite_list")
    public, private = split_private(
        kind, {"name": "某公司", "responsible_person": "张三", "x": "1"}
    )
    assert public == {"name": "某公司"}
    assert private == {"responsible_person": "张三", "x": "1"}


def test_references_are_links_with_their_type() -> None:
    inspection = {"name": "抽查", "power_ref": "YZ-06-0001"}
    assert links_of(register_type("inspection_list"), inspection) == [
        Link("power_ref", "power_list", "YZ-06-0001")
    ]
    negative = {
        "name": "测算数据",
        "targets": [
            {"type": "data_inventory", "code": "990100-0000001"},
            {"type": "disclosure_standard", "code": "urban_planning-01-01"},
        ],
    }
    assert links_of(register_type("disclosure_negative_list"), negative) == [
        Link("targets", "data_inventory", "990100-0000001"),
        Link("targets", "disclosure_standard", "urban_planning-01-01"),
    ]
    assert codes_of("disclosure_negative_list", {**negative, "targets": ["990100-1"]}) == [
        ("registers.E32", "targets")
    ]


def test_two_entries_are_the_same_by_name_body_and_kind() -> None:
    kind = register_type("power_list")
    assert identity_of(kind, POWER) == identity_of(kind, {**POWER, "name": "城市道路 占用许可"})
    for change in ({"name": "其他"}, {"power_type": "penalty"}, {"exercising_body": "市城管局"}):
        assert identity_of(kind, POWER) != identity_of(kind, {**POWER, **change})
