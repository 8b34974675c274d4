"""Data items of an inventory entry: said in a cell or in a request, and what each must have."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain import inventory_items as items
from ckanext.govopen.logic.findings import render
from ckanext.govopen.logic.vocab import vocabularies

FULL: dict[str, Any] = {
    "name_zh": "证件号码",
    "name_en": "ID number",
    "code": "ZJHM",
    "data_type": "C",
    "length": 18,
    "unit": "位",
    "codelist": "GB 11643",
    "nullable": False,
    "key": True,
    "description": "居民身份证号码，见“填报说明”; 18 位",
    "sensitive": "personal",
    "share_type": "3",
    "open_type": "withheld",
    "mask_rule": "truncate",
}


def read(text: str) -> Any:
    found, finding = items.read_text(text, vocabularies())
    assert finding is None, render(finding)
    return found


def refused(text: str) -> Any:
    found, finding = items.read_text(text, vocabularies())
    assert found is None
    assert finding is not None
    return finding


def test_the_attributes_are_those_of_the_guide_and_have_words() -> None:
    assert list(items.RULES) == list(FULL) == list(vocabularies()["item_field"].codes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("名称:C(100)", [{"name_zh": "名称", "data_type": "C", "length": 100}]),
        ("名称：字符型（100）", [{"name_zh": "名称", "data_type": "C", "length": 100}]),
        ("金额:N(10,2)", [{"name_zh": "金额", "data_type": "N", "length": 10}]),
        ("填表说明：见附件", [{"name_zh": "填表说明：见附件"}]),
        ("地址(含楼层、门牌)、电话", [{"name_zh": "地址(含楼层、门牌)"}, {"name_zh": "电话"}]),
        (
            "姓名:C(20){敏感=个人信息，开放类型=不予开放};电话:C(11)",
            [
                {
                    "name_zh": "姓名",
                    "data_type": "C",
                    "length": 20,
                    "sensitive": "personal",
                    "open_type": "withheld",
                },
                {"name_zh": "电话", "data_type": "C", "length": 11},
            ],
        ),
        ('甲{说明="一;二,三""四"""}', [{"name_zh": "甲", "description": '一;二,三"四"'}]),
        (
            "手机:C(11)【个人信息】；面积[平方米]",
            [
                {"name_zh": "手机", "data_type": "C", "length": 11, "sensitive": "personal"},
                {"name_zh": "面积[平方米]"},
            ],
        ),
        ("坐标{经度}", [{"name_zh": "坐标{经度}"}]),
        ('管径5"、长度', [{"name_zh": '管径5"'}, {"name_zh": "长度"}]),
        ("；；", []),
    ],
)
def test_an_office_writing_becomes_items(text: str, expected: list[Any]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("名称:X", "名称:X"),
        ("名称{敏感=很}", "sensitive=很"),
        ("名称{颜色=红}", "颜色"),
        ("名称{主键=也许}", "key=也许"),
        ("名称:C(0)", "0"),
        (f"名称:C({1:020}{'9' * 3_000})", "C(000"),
    ],
)
def test_what_no_vocabulary_knows_is_said_with_what_it_allows(text: str, said: str) -> None:
    finding = refused(text)
    assert finding.code == "inventory.E12"
    assert finding.params["allowed"]
    assert "名称" in str(finding.value)


@pytest.mark.parametrize(
    "text",
    [
        "甲" + " " * 3_900 + "乙",
        "甲:" + " " * 3_900 + "C(",
        "甲" + " " * 1_900 + "[乙" + " " * 1_900,
        "甲{说明=" + " " * 1_900 + '"' + " " * 1_900 + "x}",
        "甲{" + " " * 3_900 + "=}",
        '{"甲' + '"a"' * 9_000,
        "，" * 6_000 + "甲",
        "甲" + '"' * 30_000,
        "{=" * 1_900,
    ],
    ids=range(9),
)
def test_the_time_of_a_text_grows_with_its_length_whatever_it_is_made_of(text: str) -> None:
    began = time.process_time()
    items.read_text(text, vocabularies())
    assert time.process_time() - began < 5  # without end where a text is read in several ways


@pytest.mark.parametrize(
    "text",
    [
        "证件号码:C(18){{敏感=个人信息}}",
        "证件号码:C(18){敏感=个人信息",
        '证件号码{敏感="个人信息',
        "证件号码:C(18)[个人信息",
        "手机[个人信息]号码",
        "手机[个人信息]{敏感=无}",
        "手机{敏感=个人信息,敏感=无}",
        "手机:C(11){长度=12}",
        "手机:号码{敏感=个人信息}",
        "手机" * items.MOST_PIECE + "{敏感=个人信息}",
    ],
    ids=range(10),
)
def test_a_mark_that_cannot_be_read_or_is_contradicted_is_not_lost_in_a_name(text: str) -> None:
    finding = refused(text)
    assert (finding.code, finding.field) == ("inventory.E23", "items")
    assert "手机" in render(finding) or "证件号码" in render(finding)


def test_more_text_than_an_entry_has_items_is_refused_and_not_repeated() -> None:
    finding = refused("甲；" * items.MOST_TEXT)
    assert finding.code == "inventory.E12"
    assert len(str(finding.value)) == items.MOST_SAID + 1


def test_every_attribute_survives_its_cell() -> None:
    assert read(items.text_of([FULL, {"name_zh": "甲;乙"}, {"name_en": "only"}])) == [
        FULL,
        {"name_zh": "甲;乙"},
        {"name_en": "only"},
    ]


_texts = st.text(
    st.sampled_from("甲乙 a1:：;；,，、()（）[]【】{}｛｝=＝\"'\\\n-"), min_size=1, max_size=12
).map(str.strip)
_values: dict[str, Any] = {
    rule.name: {
        "text": _texts,
        "int": st.integers(1, 10**6),
        "bool": st.booleans(),
        "code": st.sampled_from(vocabularies()[rule.vocabulary].codes if rule.vocabulary else "-"),
    }[rule.kind]
    for rule in items.ITEM_RULES
}


@given(st.lists(st.fixed_dictionaries({}, optional=_values), max_size=4))
def test_whatever_items_say_is_read_back_from_their_cell(some: list[dict[str, Any]]) -> None:
    kept = [{name: said for name, said in one.items() if said != ""} for one in some]
    kept = [{name: one[name] for name in items.RULES if name in one} for one in kept if one]
    assert read(items.text_of(kept)) == kept
    assert items.read_list(kept, vocabularies()) == (kept, None)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("名称", "1: 名称"),
        ({"name_zh": "名称", "colour": "red"}, "名称: colour"),
        ({"name_zh": "名称", "data_type": "Q"}, "名称: data_type=Q"),
        ({"name_zh": "名称", "length": True}, "名称: length=True"),
        ({"name_zh": "名称", "length": -1}, "名称: length=-1"),
        ({"name_zh": "名称", "nullable": 3}, "名称: nullable=3"),
        ({"name_zh": ["名称"]}, "name_zh"),
        ({"name_zh": "a\x00b"}, "name_zh"),
        ({"name_zh": "长" * 201}, "name_zh"),
    ],
)
def test_a_request_with_another_shape_is_refused_and_names_the_item(value: Any, said: str) -> None:
    found, finding = items.read_list([{"name_zh": "好"}, value][1:], vocabularies())
    assert found is None
    assert finding is not None
    assert (finding.code, finding.field) == ("inventory.E12", "items")
    assert said in str(finding.value)


@pytest.mark.parametrize(
    ("item", "lacking"),
    [
        ({"name_zh": "名称", "data_type": "C", "length": 100}, None),
        ({"name_zh": "日期", "data_type": "D"}, None),
        ({"name_zh": "名称"}, "data_type"),
        ({"name_zh": "名称", "data_type": "C"}, "length"),
        ({"name_zh": "数量", "data_type": "N"}, "length"),
        ({"name_en": "name", "data_type": "D"}, "name_zh"),
    ],
)
def test_an_item_has_a_name_and_a_type_and_characters_and_numbers_a_length(
    item: dict[str, Any], lacking: str | None
) -> None:
    found = items.findings([item])
    assert [one.params["attribute"] for one in found] == ([lacking] if lacking else [])
    assert {one.code for one in found} <= {"inventory.E22"}
    assert set(items.LONG_TYPES) == {
        term.code for term in vocabularies()["item_data_type"] if term.extra.get("needs_length")
    }


def test_what_items_lack_is_said_in_the_words_of_the_guide() -> None:
    (finding,) = items.findings([{"name_zh": "甲"}, {"name_zh": "乙"}])
    assert "“甲、乙”没有“数据类型”" in render(finding, "zh_Hans_CN")
    assert "“甲、乙” lacks “Type”" in render(finding, "en")


def test_items_without_a_type_take_the_one_of_the_mapping() -> None:
    some = [{"name_zh": "甲"}, {"name_zh": "乙", "data_type": "D"}]
    found, _ = items.with_default_type(some, "C(100)", vocabularies())
    assert found == [{"name_zh": "甲", "data_type": "C", "length": 100}, some[1]]
    for wrong in ("Q", "M{unit=x}", "M;D", "名"):
        assert items.with_default_type(some, wrong, vocabularies())[0] is None
