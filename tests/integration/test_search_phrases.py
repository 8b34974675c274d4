"""Labelled phrases on the small city: what is meant stands among the first, the rest stays away."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from cities import City

# What is typed, often in Traditional characters, and a title that has to be among the first three.
LABELLED = {
    "全市空氣質量監測數據": "全市空气质量监测数据",
    "空氣質量監測站點即時資訊": "全市空气质量监测数据",
    "地表水水質監測結果公告": "全市地表水水质监测数据",
    "房屋租賃備案登記資料": "房屋租赁备案专题数据",
    "城市公交線路查詢": "城市公交线路综合信息",
    "房地產開發企業名單": "全市房地产开发企业数据",
    "建築業企業資質證書": "云泽市建筑业企业资质信息",
    "事業單位登記管理": "事业单位登记数据集",
    "殘疾人康復機構在哪裡": "康复机构专题数据",
    "停車收費標準": "停车收费数据集",
    "道路停車泊位分佈": "道路停车泊位数据集",
    "公路養護工程": "云泽市公路养护工程信息",
    "重大行政決策事項目錄": "云泽市重大行政决策信息",
    "政務服務熱線": "全市政务服务热线事项数据",
}
FIRST = 3
LARGEST_SHARE = 1 / 3


def search(city: City, text: str, rows: int = FIRST) -> dict[str, Any]:
    query = urllib.parse.urlencode({"q": text, "rows": rows})
    address = f"{city.url}/api/3/action/package_search?{query}"
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - loopback
        found: dict[str, Any] = json.loads(answer.read())["result"]
    return found


@pytest.mark.parametrize(("typed", "title"), LABELLED.items())
def test_a_phrase_finds_what_is_meant_and_not_everything(
    small_city: City, typed: str, title: str
) -> None:
    everything = search(small_city, "")["count"]
    found = search(small_city, typed)
    assert title in [one["title"] for one in found["results"]]
    assert found["count"] <= everything * LARGEST_SHARE, found["count"]


def test_two_words_are_both_asked_for(small_city: City) -> None:
    assert search(small_city, "停车 收费")["count"] < search(small_city, "停车")["count"]


def test_a_phrase_that_nothing_has_finds_nothing(small_city: City) -> None:
    assert search(small_city, "恐龙化石发掘现场")["count"] == 0


def test_a_query_with_its_own_fields_or_match_stays_as_it_is(small_city: City) -> None:
    assert search(small_city, "title:停车收费数据集")["results"][0]["title"] == "停车收费数据集"
    assert search(small_city, '"停车收费"')["count"] == 1
