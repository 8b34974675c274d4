"""The pages of the opening rates on a city with years of history: charts drawn, both widths."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from test_public_pages import (
    LANGUAGES,
    WIDTHS,
    Visit,
    assert_chinese,
    assert_fits,
    keep_picture,
    serious,
)

if TYPE_CHECKING:
    from cities import City
    from playwright.sync_api import Page

BEFORE_TARGETS = "2018-06-30"
PAGES = {
    "rates": "/rates",
    "rates-known-at": "/rates?as_of=2021-12-31&known_at=2022-03-01",
    "rates-before-targets": f"/rates?as_of={BEFORE_TARGETS}",
    "rates-before-everything": "/rates?as_of=2001-01-01",
    "rates-unit": "/rates/units/{unit}",
    "rows-numerator": "/rates/rows?rate=data_open_rate&side=numerator",
    "rows-denominator": "/rates/rows?rate=open_unit_rate&side=denominator",
    "rows-excluded": "/rates/rows?rate=data_open_rate&side=excluded",
    "rows-none": "/rates/rows?rate=open_unit_rate&side=numerator&as_of=2016-06-01",
}
WITH_CHARTS = {"rates": 2, "rates-known-at": 2, "rates-before-targets": 2, "rates-unit": 1}
REFUSED = ("rates-before-everything",)


@pytest.fixture(scope="module")
def unit(small_city: City) -> str:
    """Return the short name of the unit with the most open lines."""
    address = f"{small_city.url}/api/3/action/govopen_rate_unit_list"
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - loopback
        units = json.loads(answer.read())["result"]["items"]
    return str(max(units, key=lambda one: one["open"])["slug"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_rates_is_accessible_quiet_and_drawn(
    tab: Page, small_city: City, unit: str, name: str, width: int, language: str
) -> None:
    path = PAGES[name].format(unit=unit)
    visit = Visit(tab, f"{small_city.url}/{language}{path}", width)
    try:
        assert visit.status == (400 if name in REFUSED else 200)
        _wait_for_charts(visit.page, WITH_CHARTS.get(name, 0))
        keep_picture(visit.page, f"city-{name}-{language}-{width}")
        assert [text for text in visit.said if "400" not in text] == []
        assert visit.hosts == {urlsplit(small_city.url).netloc}
        assert serious(Axe().run(visit.page)) == []
        assert_fits(visit.page, width)
        assert visit.page.locator("h1").count() == 1
        assert "None" not in visit.page.locator("main").inner_text()
        if language != "en":
            assert_chinese(visit.page)
    finally:
        visit.close()


def _wait_for_charts(page: Page, count: int) -> None:
    charts = page.locator(".go-chart:visible :is(svg, canvas)")
    for number in range(count):
        charts.nth(number).wait_for(timeout=10_000)
    assert charts.count() == count


def test_a_year_without_target_says_so(tab: Page, small_city: City) -> None:
    visit = Visit(tab, f"{small_city.url}/zh_Hans_CN/rates?as_of={BEFORE_TARGETS}", 1280)
    try:
        assert visit.page.locator(".go-rate .go-state").all_inner_texts() == ["该年度没有目标"] * 2
    finally:
        visit.close()
