"""Headers are found below titles, on several rows, and under the names that offices use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.intake import (
    Merge,
    cell_name,
    classify_row,
    column_index,
    column_letter,
    script_of,
)
from ckanext.govopen.domain.intake_header import Aliases, assign_columns, find_header, fold
from ckanext.govopen.logic.intake import INVENTORY, _headings


@pytest.fixture(scope="module")
def aliases() -> Aliases:
    said = _headings(INVENTORY)
    return Aliases(said.aliases, said.exact_only)


@pytest.mark.parametrize(
    ("heading", "field", "confidence"),
    [
        ("信息资源名称", "name", 1.0),
        ("資料名稱", "name", 1.0),
        ("信息资源名称(必填)*", "name", 0.9),
        ("信息资源 名称", "name", 0.9),
        ("DATASET_NAME", "name", 0.9),
        ("本市信息资源名称", "name", 0.7),
        ("更新頻率", "update_cycle", 1.0),
        ("資料集提供機關聯絡人電子郵件", "contact_email", 1.0),
        ("收錄期間(起)", "temporal_start", 1.0),
        ("收錄期間(迄)", "temporal_end", 1.0),
        ("No.", "ordinal", 1.0),
        ("所属业务系统名称", "system", 0.7),
        ("天气", None, 0.0),
        ("編碼格式", None, 0.0),
        ("計費說明網址", None, 0.0),
        ("", None, 0.0),
        ("|", None, 0.0),
    ],
)
def test_a_heading_is_recognised_with_its_confidence(
    aliases: Aliases, heading: str, field: str | None, confidence: float
) -> None:
    found = aliases.match((heading,) if heading else ())
    assert (found.field, found.confidence) == (field, confidence)


def test_the_longest_writing_inside_a_heading_wins(aliases: Aliases) -> None:
    assert aliases.match(("本市数据提供单位代码",)).field == "provider_code"


@given(
    writings=st.lists(st.text("甲乙丙ab", min_size=2, max_size=6), max_size=12, unique=True),
    heading=st.text("甲乙丙ab", max_size=12),
)
def test_no_writing_inside_a_heading_is_overlooked(writings: list[str], heading: str) -> None:
    known = Aliases({f"field {number}": [one] for number, one in enumerate(writings)})
    inside = [one for one in writings if one in heading and len(one) >= (5 if one.isascii() else 2)]
    match = known.match((heading,))
    if heading in writings:
        assert match.field == f"field {writings.index(heading)}"
    elif not inside:
        assert match.field is None
    else:
        longest = max(map(len, inside))
        assert match.field in {
            f"field {writings.index(one)}" for one in inside if len(one) == longest
        }


def test_the_parent_tells_what_a_leaf_means(aliases: Aliases) -> None:
    assert aliases.match(("开放属性", "类型")).field == "open_type"
    assert aliases.match(("共享属性", "条件")).field == "share_condition"
    assert aliases.match(("基本信息", "更新周期")).field == "update_cycle"
    assert aliases.match(("提供方", "代码")).field == "provider_code"


def test_the_callers_mapping_wins_and_takes_its_field_from_other_columns() -> None:
    said = _headings(INVENTORY)
    mapped = Aliases(said.aliases, said.exact_only, mapping={"主题": "name", "C": None})
    assert mapped.match(("主题",)).field == "name"
    assert mapped.match(("信息资源名称",)).field is None
    assert mapped.match(("更新周期",), "C").field is None


def test_title_and_note_rows_above_the_header_are_passed_over(aliases: Aliases) -> None:
    rows = [
        ["云泽市数据资源目录", "", ""],
        ["填报单位：市教育局", "", "日期：2026-01-01"],
        ["序号", "信息资源名称", "提供单位"],
        ["1", "学校名录", "市教育局"],
    ]
    header = find_header(rows, [Merge(0, 0, 0, 2)], aliases)
    assert header is not None
    assert (header.first, header.last) == (2, 2)
    assert header.fields == {"ordinal", "name", "provider"}


def test_a_header_of_two_rows_repeats_its_merged_parent(aliases: Aliases) -> None:
    rows = [
        ["信息资源名称", "提供单位", "开放属性", ""],
        ["", "", "类型", "条件"],
        ["学校名录", "市教育局", "有条件开放", "签订协议"],
    ]
    merges = [Merge(0, 0, 1, 0), Merge(0, 1, 1, 1), Merge(0, 2, 0, 3)]
    for known in (merges, []):
        header = find_header(rows, known, aliases)
        assert header is not None
        assert header.last == 1
        assert header.headings == ("信息资源名称", "提供单位", "开放属性/类型", "开放属性/条件")
        assert header.fields == {"name", "provider", "open_type", "open_condition"}


def test_a_row_of_data_is_never_taken_into_the_header(aliases: Aliases) -> None:
    rows = [["信息资源名称", "提供单位"], ["单位名称清单", "机构编制部门"], ["学校名录", "教育局"]]
    header = find_header(rows, [], aliases)
    assert header is not None
    assert header.last == 0


def test_text_without_headings_has_no_header(aliases: Aliases) -> None:
    rows = [["今天", "天气"], ["很好", "下雨"], ["", ""]]
    assert find_header(rows, [], aliases) is None


def test_the_surer_column_wins_and_equals_are_rivals(aliases: Aliases) -> None:
    headings = ("資料來源", "資料集提供機關", "本市信息资源名称", "信息资源名称")
    assigned = assign_columns([aliases.match((heading,)) for heading in headings])
    assert assigned.columns == ("provider", None, None, "name")
    assert assigned.rivals == {"provider": (0, 1)}


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["", " ", "\u3000"], "empty"),
        (["合计", "", "12"], "total"),
        (["", "总 计：", "12"], "total"),
        (["Total", "", ""], "total"),
        (["合計", "5", ""], "total"),
        (["合计:共2项", "", ""], "total"),
        (["总计 2 项", "", ""], "total"),
        (["合计：见附表", "学校名录", "教育局"], "data"),
        (["合计生育率统计", "", ""], "data"),
        (["说明：本表由各单位填写", "", ""], "note"),
        (["填报单位：教育局", "", "2026"], "note"),
        (["备注：以上", "学校名录", "x"], "data"),
        (["序号", "名称", "单位"], "repeat"),
        (["必填", "必填", "选填"], "note"),
        (["1", "学校名录", "教育局"], "data"),
        (["说明书登记", "学校名录", ""], "data"),
    ],
)
def test_rows_below_the_header_are_told_apart(texts: list[str], kind: str) -> None:
    assert classify_row(texts, [["序号", "名称", "单位"]], 1) == kind


def test_the_script_of_a_table_is_seen_by_its_characters() -> None:
    assert script_of(["資料名稱", "更新頻率"]) == "traditional"
    assert script_of(["数据名称", "更新频率"]) == "simplified"
    assert script_of(["name", "provider"]) == "simplified"


def test_cells_are_named_as_in_a_spreadsheet() -> None:
    assert cell_name(6, 2) == "C7"
    assert [column_letter(n) for n in (0, 25, 26, 701, 702, 16383)] == [
        "A", "Z", "AA", "ZZ", "AAA", "XFD",
    ]  # fmt: skip
    assert all(column_index(column_letter(n)) == n for n in range(2000))


def test_folding_leaves_only_what_a_heading_says() -> None:
    assert fold("　Ｎａｍｅ ：(必填)*\n") == "name必填"
