"""Units: codes and how a cell names them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as oracle

from ckanext.govopen.domain.unit_columns import check_columns, check_parent
from ckanext.govopen.domain.units import (
    USCC_ALPHABET,
    KnownUnit,
    UnitFinder,
    check_exists,
    check_succession,
    check_unit,
    is_uscc,
    names_a_unit,
    read_unit_text,
    uscc_check_character,
)
from ckanext.govopen.logic.vocab import vocabularies

SAMPLES = ["11990100001003182J", "11990100001004257U", "91990100MA0X00015Q"]


@pytest.mark.parametrize("code", SAMPLES)
def test_codes_of_the_standard_hold(code: str) -> None:
    assert is_uscc(code)


@given(st.text(USCC_ALPHABET, min_size=17, max_size=17))
def test_the_check_character_agrees_with_another_implementation(body: str) -> None:
    assert oracle.calc_check_digit(body) == uscc_check_character(body)


@pytest.mark.parametrize(
    "code", ["11990100001003182K", "1199010000100318", "1199010000100318iJ", ""]
)
def test_a_wrong_code_is_told(code: str) -> None:
    assert not is_uscc(code)


@pytest.mark.parametrize(
    ("text", "code", "name"),
    [
        ("380120000J 【社會局】", "380120000J", "社會局"),
        ("社会局（11990100001003182J）", "11990100001003182J", "社会局"),
        ("云泽市交通运输局", None, "云泽市交通运输局"),
        ("  市住建局 ", None, "市住建局"),
        ("380120000J", "380120000J", None),
        ("３８０１２００００Ｊ【社會局】", "380120000J", "社會局"),
        ("0301-市水务局", None, "市水务局"),
        ("0301｜市水务局", None, "市水务局"),
        ("12345-20-热线办", None, "12345-20-热线办"),
        ("110指挥中心", None, "110指挥中心"),
    ],
)
def test_code_and_name_are_taken_out_of_a_cell(
    text: str, code: str | None, name: str | None
) -> None:
    assert read_unit_text(text) == read_unit_text(text).__class__(code, name)


@pytest.mark.parametrize("text", ["A012", "0301", "ORG-7", "", "7"])
def test_a_code_of_somebodys_own_names_no_unit(text: str) -> None:
    assert not names_a_unit(text)
    assert names_a_unit("社会局")
    assert names_a_unit("380120000J 【社會局】")
    assert names_a_unit("Parks Bureau")


def test_a_unit_is_found_by_code_before_name() -> None:
    finder = UnitFinder(
        [
            KnownUnit("a", "社会局", local_code="380120000J"),
            KnownUnit("b", "社會局"),
        ]
    )
    assert finder.find("380120000J 【社會局】") == "a"
    assert finder.find("社 會 局") == "b"
    assert finder.find("卫生局") is None


def codes(unit: dict[str, object]) -> set[str]:
    return {finding.code for finding in check_unit(unit)}


def test_a_unit_in_scope_without_any_code_is_refused() -> None:
    assert "units.E5" in codes({"in_scope_opening": [{"from": "2020-01-01"}]})
    assert "units.E5" not in codes(
        {"in_scope_opening": [{"from": "2020-01-01"}], "local_code": "X1"}
    )


def test_a_wrong_check_character_names_the_right_code() -> None:
    finding = next(
        each for each in check_unit({"uscc": "11990100001003182K"}) if each.code == "units.E2"
    )
    assert finding.params["right"] == "11990100001003182J"


def test_a_unit_without_a_public_leader_or_code_is_only_warned_about() -> None:
    found = codes({"officers": [{"kind": "in_charge", "public": False}], "confirmed": False})
    assert found == {"units.W1", "units.W2", "units.W3"}


@pytest.mark.parametrize(
    ("kind", "other", "day", "refused"),
    [
        ("merge_into", "b", date(2024, 1, 1), False),
        ("merge_into", None, date(2024, 1, 1), True),
        ("abolish", None, None, True),
        ("abolish", None, date(2024, 1, 1), False),
        ("rename", None, date(2024, 1, 1), False),
        ("merge_into", "unit", date(2024, 1, 1), True),
        ("split_from", "unit", date(2024, 1, 1), True),
        ("rename", "unit", date(2024, 1, 1), False),
    ],
)
def test_a_succession_names_its_date_and_successor(
    kind: str, other: str | None, day: date | None, refused: bool
) -> None:
    assert bool(check_succession(kind, "unit", other, day)) is refused


@pytest.mark.parametrize(
    ("day", "until_its_end", "is_there"),
    [
        (date(2019, 12, 31), False, False),
        (date(2020, 1, 1), False, True),
        (date(2024, 3, 1), False, False),
        (date(2024, 3, 1), True, True),
        (date(2024, 3, 2), True, False),
    ],
)
def test_the_other_unit_of_a_reform_exists_on_its_day(
    day: date, until_its_end: bool, is_there: bool
) -> None:
    unit = {"name": "旧局", "valid_from": date(2020, 1, 1), "valid_to": date(2024, 3, 1)}
    found = check_exists(unit, day, until_its_end=until_its_end)
    assert [one.code for one in found] == ([] if is_there else ["units.E1"])


@pytest.mark.parametrize(
    ("column", "bad", "code"),
    [
        ("officers", "abc", "units.E12"),
        ("officers", ["张三"], "units.E12"),
        ("officers", [{"kind": "in_charge", "public": True}], "units.E12"),
        ("officers", [{"kind": "in_charge", "name": "张三", "public": "yes"}], "units.E12"),
        ("officers", [{"kind": "in_charge", "name": "张三", "salary": 1}], "units.E12"),
        ("officers", [{"kind": "boss", "name": "张三"}], "vocab.E1"),
        ("officers", [{"kind": "staff", "name": "张三", "from": "2024-13-01"}], "date.E1"),
        ("in_scope_opening", "2020", "units.E12"),
        ("in_scope_opening", ["2020-01-01"], "units.E12"),
        ("in_scope_opening", [{"to": "2020-01-01"}], "units.E12"),
        ("in_scope_opening", [{"from": "20200101"}], "date.E1"),
        ("in_scope_opening", [{"from": "2020-01-02", "to": "2020-01-02"}], "date.E1"),
        ("in_scope_opening", [{"from": "2020-01-01"}, {"from": "2021-01-01"}], "units.E12"),
        ("doc_prefixes", "云政办发", "units.E12"),
        ("doc_prefixes", [1], "units.E12"),
        ("oversees", {"urban_planning": 1}, "units.E12"),
        ("oversees", ["fishing"], "vocab.E1"),
        ("confirmed", "true", "units.E12"),
        ("region_code", "云泽", "units.E12"),
        ("name", ["市局"], "units.E12"),
        ("kind", ["gov_organ"], "vocab.E1"),
        ("level", "planet", "vocab.E1"),
    ],
)
def test_a_column_of_another_form_is_refused(column: str, bad: object, code: str) -> None:
    found = check_columns({column: bad}, vocabularies())
    assert {(each.code, each.field) for each in found} == {(code, column)}


def test_columns_as_the_form_and_the_sources_write_them_pass() -> None:
    scope = [{"from": "2018-01-01", "to": "2020-01-01"}, {"from": "2020-01-01", "to": None}]
    officers = [
        {"kind": "in_charge", "name": "张三", "title": "副局长", "from": "2020-01-01", "to": None},
        {"kind": "staff", "name": "李四", "public": False},
    ]
    facts = {
        "name": "市局", "short_name": None, "kind": "gov_organ", "level": "city",
        "region_code": "990100101", "confirmed": True, "in_scope_opening": scope,
        "officers": officers, "doc_prefixes": ["云政办发"], "oversees": ["urban_planning"],
    }  # fmt: skip
    assert check_columns(facts, vocabularies()) == []


@pytest.mark.parametrize(
    ("unit_id", "parent_id", "code"),
    [("", "b", None), ("a", "d", None), ("", "x", "units.E9"), ("a", "a", "units.E10"),
     ("a", "c", "units.E10"), ("d", "c", None)],
)  # fmt: skip
def test_a_superior_unit_is_there_and_not_below_its_own(
    unit_id: str, parent_id: str, code: str | None
) -> None:
    parents = {"a": None, "b": "a", "c": "b", "d": None}
    assert [each.code for each in check_parent(unit_id, parent_id, parents)] == [code][: bool(code)]
