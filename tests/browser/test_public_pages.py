"""Every public page, in both languages, on a telephone and on a desk: what each must keep."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import something_public
from axe_playwright_python.sync_playwright import Axe

if TYPE_CHECKING:
    from collections.abc import Callable

    from cities import City
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request

PAGES = {
    "home": "/",
    "search": "/dataset/",
    "search-nothing": "/dataset/?q=zzzqqqxxx",
    "dataset": None,
    "resource": None,
    "units": "/organization/",
    "unit": None,
    "registers": "/registers",
    "register": None,
    "diff": None,
    "entry": None,
    "verify": None,
    "notices": None,
    "notice": None,
    "negative-list": "/negative-list",
    "negative-list-owed": "/negative-list/owed",
    "rates": "/rates",
    "duties": "/duties",
    "duty-list": "/duties/list?state=overdue",
    "duty-calendar": "/duties/calendar",
    "duty": None,
    "rules": "/rules",
    "rule-pack": "/rules/linyi-2016",
    "rule-clauses": "/rules/linyi-2016/clauses",
    "standards": "/standards",
    "standard-items": None,
    "standard-item": None,
    "standard-coverage": "/standards/coverage",
    "standard-columns": "/standards/columns",
    "standard-pilots": "/standards/pilots",
    "developers": "/developers",
    "about": "/about",
    "log-in": "/user/login",
    "reset": "/user/reset",
    "absent": "/no-such-page",
}
WIDTHS = (360, 1280)
LANGUAGES = ("zh_Hans_CN", "en")
FIRST_VISIT_BYTES = 450 * 1024
HAN = re.compile("[\u4e00-\u9fff]")
# English words that stay English on a Chinese page.
NAMES = re.compile(
    r"\b(?:English|API|OpenAPI|CSV|XLSX|JSON|XML|SHA-256|curl|Python|JavaScript|Excel|HTML|PDF)\b"
)


@pytest.fixture(scope="module")
def site_url(small_city: City) -> str:
    """Return the address of a city with years of history: its pages are as full as real ones."""
    return small_city.url


@pytest.fixture(scope="module")
def public(small_city: City) -> dict[str, str]:
    """Return the paths of something public of each kind, made there by a program of its own.

    CKAN holds one site in a process, and other tests hold the shared one in theirs.
    """
    made = subprocess.run(
        [sys.executable, something_public.__file__, str(small_city.data / "ckan.ini")],
        check=False,
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr[-4000:]
    paths: dict[str, str] = json.loads(made.stdout.splitlines()[-1])
    return paths


class Visit:
    """One page opened in a tab, with all that the browser had to say about it."""

    def __init__(self, tab: Page, url: str, width: int) -> None:
        self.page = tab
        self.said: list[str] = []
        self.hosts: set[str] = set()
        self.listeners: dict[str, Callable[[Any], None]] = {
            "console": self._console,
            "pageerror": lambda error: self.said.append(str(error)),
            "request": self._request,
        }
        for event, listener in self.listeners.items():
            tab.on(event, listener)  # type: ignore[call-overload]
        tab.set_viewport_size({"width": width, "height": 900})
        answer = tab.goto(url, wait_until="load")
        assert answer is not None
        self.status = answer.status
        self.headers = answer.all_headers()

    def _console(self, message: ConsoleMessage) -> None:
        is_own_status = "Failed to load resource" in message.text and "404" in message.text
        if message.type in ("error", "warning") and not is_own_status:
            self.said.append(message.text)

    def _request(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.hosts.add(urlsplit(request.url).netloc)

    def close(self) -> None:
        """Leave the tab to the next visit, without a page that could still say something."""
        self.page.goto("about:blank")
        for event, listener in self.listeners.items():
            self.page.remove_listener(event, listener)


class FirstVisit(Visit):
    """One page opened by somebody who was never here: nothing is kept, everything is counted."""

    def __init__(self, browser: Browser, url: str, width: int) -> None:
        self.context = browser.new_context()
        self.bytes = 0
        tab = self.context.new_page()
        tab.on("requestfinished", self._finished)
        super().__init__(tab, url, width)

    def _finished(self, request: Request) -> None:
        sizes = request.sizes()
        self.bytes += sizes["responseBodySize"] + sizes["responseHeadersSize"]

    def close(self) -> None:
        self.context.close()


def path_of(name: str, public: dict[str, str]) -> str:
    return PAGES[name] or public[name]


def serious(results: Any) -> list[str]:
    """Serious and critical findings of axe, each with its first place in the page."""
    return [
        f"{found['id']}: {found['help']} at {found['nodes'][0]['html'][:160]}"
        for found in results.response["violations"]
        if found["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_public_page_is_accessible_quiet_and_its_own_at_any_width(
    tab: Page, site_url: str, public: dict[str, str], name: str, language: str
) -> None:
    visit = Visit(tab, f"{site_url}/{language}{path_of(name, public)}", WIDTHS[0])
    try:
        assert visit.status == (404 if name == "absent" else 200)
        assert visit.page.locator("h1").count() == 1
        assert visit.page.locator("main").count() == 1
        assert visit.page.get_attribute("html", "lang") == (
            "en" if language == "en" else "zh-Hans-CN"
        )
        for width in WIDTHS:
            visit.page.set_viewport_size({"width": width, "height": 900})
            keep_picture(visit.page, f"{name}-{language}-{width}")
            assert_fits(visit.page, width)
            assert_readable(visit.page)
            assert serious(Axe().run(visit.page)) == [], width
            if language != "en":
                assert_chinese(visit.page)
        assert visit.said == [], "the console says something"
        assert visit.hosts == {urlsplit(site_url).netloc}, "another host was asked"
    finally:
        visit.close()


def assert_fits(page: Page, width: int) -> None:
    overflow = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert overflow <= 0, f"the page is {overflow} pixels wider than a screen of {width}"


# Cells whose words stand a few to a line: what is written there, by the lines that it takes.
SQUEEZED = """() => [...document.querySelectorAll('main table:not(.go-calendar) tbody :is(th, td)')].filter(cell => {
  const words = cell.innerText.replace(/\\s/g, '');
  if (words.length <= 8 || cell.clientWidth >= 120) { return false; }
  const range = document.createRange();
  range.selectNodeContents(cell);
  const lines = [...range.getClientRects()].filter(box => box.width > 2);
  const places = new Set(lines.map(box => Math.round(box.top / 8)));
  return places.size >= 4 && words.length / places.size < 5;
}).map(cell => `${cell.clientWidth} px: ${cell.innerText.slice(0, 40)}`)"""


def assert_readable(page: Page) -> None:
    """No table gives a name so little room that it is read a few characters at a time."""
    assert page.evaluate(SQUEEZED) == [], page.url


def keep_picture(page: Page, name: str) -> None:
    folder = os.environ.get("GOVOPEN_SHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def assert_chinese(page: Page) -> None:
    """No heading, link, button, label or column title is left in English."""
    texts = page.eval_on_selector_all(
        "h1, h2, h3, nav a, button, label, th[scope=col], dt, summary, .go-state, .go-exits > span",
        "found => found.filter(part => !part.closest('[lang=en], [translate=no], code, pre')"
        " && part.offsetParent !== null).map(part => part.textContent.trim())",
    )
    left = [text for text in texts if re.search("[A-Za-z]{3}", NAMES.sub("", text))]
    assert [text for text in left if not HAN.search(text)] == []


def test_an_anonymous_page_is_the_same_for_everybody(
    chromium: Browser, site_url: str, public: dict[str, str]
) -> None:
    for path in ("/", "/dataset/", public["dataset"], "/user/login"):
        visit = FirstVisit(chromium, site_url + path, 1280)
        try:
            html = visit.page.content()
            assert "csrf" not in html.lower(), f"{path} carries a token"
            inline = visit.page.locator("script:not([src])").count()
            assert inline == 0, f"{path} has an inline script"
            assert visit.context.cookies() == [], f"{path} sets a cookie"
            policy = visit.headers["content-security-policy"]
            for part in ("default-src 'self'", "object-src 'none'", "frame-ancestors 'none'"):
                assert part in policy
            assert "unsafe" not in policy
        finally:
            visit.close()


def test_a_first_visit_is_light(chromium: Browser, site_url: str, public: dict[str, str]) -> None:
    for path in ("/", "/dataset/", public["dataset"]):
        visit = FirstVisit(chromium, site_url + path, 1280)
        visit.page.wait_for_load_state("networkidle")
        try:
            assert visit.bytes <= FIRST_VISIT_BYTES, f"{path}: {visit.bytes} bytes"
        finally:
            visit.close()


def test_the_search_field_leads_to_the_dataset(
    chromium: Browser, site_url: str, public: dict[str, str]
) -> None:
    visit = FirstVisit(chromium, site_url + "/", 1280)
    try:
        visit.page.get_by_role("searchbox").first.fill("公共停车场基本信息")
        visit.page.get_by_role("searchbox").first.press("Enter")
        visit.page.locator(f".go-list a[href='{public['dataset']}']").first.click()
        assert urlsplit(visit.page.url).path == public["dataset"]
    finally:
        visit.close()


def test_a_page_can_be_walked_by_keyboard(chromium: Browser, site_url: str) -> None:
    visit = FirstVisit(chromium, site_url + "/", 1280)
    try:
        visit.page.keyboard.press("Tab")
        assert visit.page.evaluate("document.activeElement.className") == "go-skip"
        visit.page.keyboard.press("Enter")
        assert visit.page.evaluate("location.hash") == "#content"
    finally:
        visit.close()


def test_the_copy_button_copies_the_call(
    chromium: Browser, site_url: str, public: dict[str, str]
) -> None:
    visit = FirstVisit(chromium, site_url + public["dataset"], 1280)
    try:
        visit.context.grant_permissions(["clipboard-read", "clipboard-write"])
        visit.page.locator("[data-copy-from=go-api-curl]").click()
        visit.page.wait_for_function("document.querySelector('[data-copied]').textContent !== ''")
        copied = visit.page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("curl 'http")
        assert copied == visit.page.locator("#go-api-curl").text_content()
    finally:
        visit.close()
