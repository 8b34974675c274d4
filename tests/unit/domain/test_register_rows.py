"""A row of a file beside the entry that it speaks of."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ckanext.govopen.domain.register_rows import Current, Judged, judge, read_row
from ckanext.govopen.domain.register_values import Words
from ckanext.govopen.logic.register_types import register_type
from ckanext.govopen.logic.vocab import vocabularies

KIND = register_type("power_list")
WORDS = Words(vocabularies())
FIELDS = {
    "name": "城市道路占用许可",
    "power_type": "license",
    "exercising_body": "市住建局",
    "legal_basis": [{"title": "城市道路管理条例", "article": "第三十一条"}],
    "remarks": "旧",
}
ENTRY = Current("YZ-01", FIELDS)


def judged(
    texts: Mapping[str, str], current: Current | None = ENTRY, empty: tuple[str, ...] = ()
) -> Judged:
    return judge(KIND, read_row(KIND, texts, {*texts, *empty}, WORDS), current, WORDS)


def test_a_row_that_says_what_the_list_says_changes_nothing() -> None:
    said = judged({"entry_code": "YZ-01", "name": "城市道路占用许可", "power_type": "行政许可"})
    assert (said.verdict, said.change, said.changed) == ("unchanged", None, ())


def test_a_column_that_the_file_lacks_is_left_alone_and_an_empty_cell_takes_away() -> None:
    said = judged({"entry_code": "YZ-01", "name": "城市道路占用许可证"})
    assert (said.verdict, said.changed) == ("changed", ("name",))
    assert said.fields == {**FIELDS, "name": "城市道路占用许可证"}
    said = judged({"entry_code": "YZ-01", "name": "城市道路占用许可"}, empty=("remarks",))
    assert (said.change, said.changed) == ("change", ("remarks",))
    assert "remarks" not in said.fields


def test_a_row_that_nobody_knows_is_a_new_entry() -> None:
    said = judged({"entry_code": "YZ-02", "name": "新事项"}, None)
    assert (said.verdict, said.change, said.entry_code) == ("created", "add", "YZ-02")
    assert {finding.code for finding in said.findings} == {"registers.W10", "registers.W11"}
    assert judged({"name": "新事项"}, None).entry_code is None


@pytest.mark.parametrize(
    ("texts", "current", "code"),
    [
        ({"entry_code": "合计", "name": "甲"}, None, "registers.E36"),
        ({"entry_code": "YZ-01", "name": "甲", "power_type": "许可证"}, ENTRY, "vocab.E1"),
        ({"entry_code": "YZ-01"}, None, "registers.E30"),
        ({"entry_code": "YZ-01", "name": "甲"}, Current("YZ-01", FIELDS, "cancelled"),
         "registers.E3"),
        ({"entry_code": "YZ-01", "change": "合并"}, ENTRY, "registers.E41"),
        ({"entry_code": "YZ-01", "change": "看情况"}, ENTRY, "registers.E41"),
        ({"entry_code": "YZ-09", "change": "取消"}, None, "registers.E42"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_is_rejected_with_its_reason(
    texts: Mapping[str, str], current: Current | None, code: str
) -> None:
    said = judged(texts, current)
    assert (said.verdict, said.change) == ("rejected", None)
    assert code in {finding.code for finding in said.findings}


def test_only_a_row_that_says_so_cancels_an_entry_and_keeps_its_content() -> None:
    said = judged({"entry_code": "YZ-01", "change": "取消", "follow_up": "转为事后监管"})
    assert (said.verdict, said.change, said.fields) == ("changed", "cancel", FIELDS)
    reading = read_row(KIND, {"change": "取消", "follow_up": "转为事后监管"}, ["change"], WORDS)
    assert reading.extra == {"follow_up": "转为事后监管"}


@pytest.mark.parametrize("text", ["保留", "不变", "变更", "新增"])
def test_what_else_the_column_of_adjustments_says_is_seen_by_comparing(text: str) -> None:
    said = judged({"entry_code": "YZ-01", "name": "城市道路占用许可", "change": text})
    assert said.verdict == "unchanged"
