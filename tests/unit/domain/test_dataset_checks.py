"""The checks of a dataset's data at their edges: what is told, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ckanext.govopen.domain.dataset_checks import Data, File, Item, check
from ckanext.govopen.domain.scan_facts import Table

TODAY = date(2026, 11, 30)
NAME = Item(("名称", "name"))
PERSON = Item(("姓名",), "personal")


def file(*columns: str, masked: tuple[str, ...] = (), **facts: object) -> File:
    table = Table(None, columns, 10, masked, dict(facts.pop("newest", {})))  # type: ignore[call-overload]
    return replace(File("r1", "数据", "aa", (table,), 10), **facts)  # type: ignore[arg-type]


def data(*files: File, items: tuple[Item, ...] = (), **facts: object) -> Data:
    whole = Data("停车场", "yz-odl-1.0", items, (), files)
    return replace(whole, **facts)  # type: ignore[arg-type]


def codes(one: Data) -> list[str]:
    return [found.code.removeprefix("inventory.") for found in check(one, TODAY)]


@pytest.mark.parametrize(
    ("column", "is_told"),
    [
        ("姓名", True),
        ("姓 名（必填）", True),
        ("申请人.姓名", True),
        ("xm", True),
        ("XM", True),
        ("联系人姓名", False),
        ("名称", False),
    ],
)
def test_a_column_of_a_marked_item_is_refused_under_each_of_its_names(
    column: str, is_told: bool
) -> None:
    items = (NAME, Item(("姓名", "XM")))
    told = codes(data(file("名称", column), items=items, marked=(PERSON,)))
    assert ("E3" in told) is is_told


@pytest.mark.parametrize(
    ("sensitive", "is_told"),
    [("personal", True), ("secret_suspect", True), ("business", False), ("none", False)],
)
def test_the_mark_of_the_dataset_itself_counts_too(sensitive: str, is_told: bool) -> None:
    items = (NAME, Item(("姓名",), sensitive))
    assert codes(data(file("名称", "姓名"), items=items)) == (["E3"] if is_told else [])


def test_a_marked_item_that_is_masked_or_not_there_is_none() -> None:
    assert codes(data(file("名称", "姓名", masked=("姓名",)), marked=(PERSON,))) == []
    assert codes(data(file("名称"), items=(NAME, PERSON))) == []


def test_a_refusal_names_column_file_and_mark() -> None:
    (found,) = check(data(file("姓名"), marked=(PERSON,)), TODAY)
    assert (found.is_refusal, found.field, found.value) == (True, "resources", "姓名")
    assert found.params == {"file": "数据", "resource": "r1", "sensitive": "personal"}


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (("名称", "泊位"), None),
        (("NAME", "泊位(个)"), None),
        (("data.name", "data.spaces"), None),
        (("名称",), {"missing": ["泊位"]}),
        (("名称", "泊位", "电话"), {"extra": ["电话"]}),
        (("名称", "电话"), {"missing": ["泊位"], "extra": ["电话"]}),
        (("科室", "人数"), None),
        ((), None),
    ],
)
def test_items_that_are_missing_and_columns_that_nobody_declared_are_told(
    columns: tuple[str, ...], told: dict[str, list[str]] | None
) -> None:
    items = (NAME, Item(("泊位", "spaces")), Item(("地址",), is_withheld=True))
    found = [one.params for one in check(data(file(*columns), items=items), TODAY)]
    assert found == ([told] if told else [])


def test_an_item_may_stand_in_any_file_of_the_dataset() -> None:
    items = (NAME, Item(("泊位",)), PERSON)
    two = (file("名称"), file("名称", "泊位", sha256="bb"))
    assert codes(data(*two, items=items)) == []
    assert codes(data(file("名称"))) == []


def test_the_same_content_is_told_once_for_each_other_place() -> None:
    twins = data(file("名称"), file("名称", resource_id="r2", label="又"))
    assert [one.params for one in check(twins, TODAY)] == [
        {"file": "又", "resource": "r2", "other": "own_file"}
    ]
    (found,) = check(data(file("名称", others=("d9",))), TODAY)
    assert (found.code, found.params["dataset"]) == ("inventory.W2", "d9")


@pytest.mark.parametrize(("count", "further"), [(3, []), (4, ["further_datasets"])])
def test_of_many_places_with_the_same_content_the_first_are_told(
    count: int, further: list[str]
) -> None:
    others = tuple(f"d{number}" for number in range(count))
    found = [one.params for one in check(data(file("名称", others=others)), TODAY)]
    assert [one["dataset"] for one in found if "dataset" in one] == ["d0", "d1", "d2"]
    assert [one["other"] for one in found if "other" in one] == further


@pytest.mark.parametrize(
    ("before", "now", "percent"),
    [
        (100, 70, None),
        (100, 69, "31.0"),
        (10, 7, None),
        (10_000, 6_999, "30.0"),
        (100, 0, "100.0"),
        (0, 0, None),
        (None, 5, None),
        (100, None, None),
        (50, 100, None),
    ],
)
def test_a_drop_of_more_than_thirty_percent_is_told_and_not_one_of_thirty(
    before: int | None, now: int | None, percent: str | None
) -> None:
    found = check(data(file("名称", rows=now, earlier_rows=before)), TODAY)
    assert [one.params["percent"] for one in found] == ([percent] if percent else [])


@pytest.mark.parametrize(
    ("column", "newest", "is_told"),
    [
        ("日期", "2026-11-30", False),
        ("日期", "2026-12-01", True),
        ("检查日期", "2062-01-01", True),
        ("有效期至", "2062-01-01", False),
        ("计划完成日期", "2062-01-01", False),
        ("valid_until", "2062-01-01", False),
        ("Expiry date", "2062-01-01", False),
        ("calendar_date", "2062-01-01", True),
    ],
)
def test_today_is_no_future_and_a_term_may_lie_ahead(
    column: str, newest: str, is_told: bool
) -> None:
    assert codes(data(file(column, newest={column: newest}))) == (["W4"] if is_told else [])


@pytest.mark.parametrize(
    ("title", "is_told"),
    [
        ("停车场测试", True),
        ("體質測試", True),
        ("test", True),
        ("Test2", True),
        ("数据test数据", True),
        ("my_TEST_1", True),
        ("New Testament", False),
        ("latest contest", False),
        ("检测试剂目录", False),
        ("环境监测试点", False),
        ("试点", False),
    ],
)
def test_a_title_that_speaks_of_a_test_is_told(title: str, is_told: bool) -> None:
    assert codes(data(title=title)) == (["W5"] if is_told else [])


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("gb18030", "GB18030"), ("big5", "BIG5"), ("utf-8", None), ("utf-8-sig", None), (None, None)],
)
def test_a_text_that_is_not_utf_8_is_told(encoding: str | None, shown: str | None) -> None:
    found = check(data(file("名称", encoding=encoding)), TODAY)
    assert [one.value for one in found] == ([shown] if shown else [])


@pytest.mark.parametrize(
    ("license_id", "told"), [("notspecified", ["W7"]), ("cc0-1.0", []), (None, [])]
)
def test_a_licence_that_is_not_specified_is_told(license_id: str | None, told: list[str]) -> None:
    assert codes(data(license_id=license_id)) == told


def test_uneven_rows_are_told_of_a_table_and_of_a_text_that_is_called_one() -> None:
    lines = Table(None, (), 6, uneven=(3,), uneven_rows=3)
    for label, columns, told in (
        ("泊位.csv", (), ["W14"]), ("泊位.TSV", (), ["W14"]), ("说明.txt", (), []),
        ("说明.txt", ("名称",), ["W14"]),
    ):  # fmt: skip
        one = File("r1", label, "aa", (replace(lines, columns=columns),), 6)
        assert codes(data(one)) == told
