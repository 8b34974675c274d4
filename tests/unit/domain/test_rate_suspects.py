"""What the names of lines of one table have in common."""

from __future__ import annotations

import pytest

from ckanext.govopen.domain.rate_suspects import table_in


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("公共停车场信息(2021年)", "公共停车场信息（2022年）"),
        ("公共停车场信息2021年度", "公共停车场信息 2022 年度"),
        ("行政许可第一批", "行政许可第十二批"),
        ("空气质量_01", "空气质量-02"),
    ],
)
def test_years_numbers_and_remarks_make_no_other_table(one: str, other: str) -> None:
    assert table_in(one) == table_in(other) != ""


@pytest.mark.parametrize(
    ("one", "other"), [("三公经费", "公经费"), ("停车场", "充电桩"), ("一体化平台", "平台")]
)
def test_other_words_do(one: str, other: str) -> None:
    assert table_in(one) != table_in(other)
