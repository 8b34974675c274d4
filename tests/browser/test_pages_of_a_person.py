"""CKAN's own pages for people with an account: they work under a policy without inline script."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

PAGES = (
    "/",
    "/dataset/",
    "/dataset/new",
    "/user/{name}",
    "/user/edit/{name}",
    "/user/{name}/api-tokens",
    "/organization/",
    "/organization/new",
)


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, site_url: str, person: tuple[str, str]) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{site_url}/user/login")
    page.fill("#field-login", person[0])
    page.fill("#field-password", person[1])
    page.locator("main button[type=submit]").click()
    page.wait_for_load_state()
    yield page
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_a_person_is_quiet_and_asks_no_other_host(
    signed_in: Page, site_url: str, person: tuple[str, str], path: str
) -> None:
    said: list[str] = []
    hosts: set[str] = set()
    signed_in.on(
        "console", lambda message: said.append(message.text) if message.type == "error" else None
    )
    signed_in.on("pageerror", lambda error: said.append(str(error)))
    signed_in.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    answer = signed_in.goto(site_url + path.format(name=person[0]), wait_until="networkidle")
    assert answer is not None
    assert answer.status == 200
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"].split("style-src")[0]
    assert said == []
    assert hosts - {""} == {urlsplit(site_url).netloc}
    assert signed_in.get_by_role("button", name="退出登录").count() == 1


def test_signing_out_ends_the_session(
    chromium: Browser, site_url: str, person: tuple[str, str]
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{site_url}/user/login")
    page.fill("#field-login", person[0])
    page.fill("#field-password", person[1])
    page.locator("main button[type=submit]").click()
    page.wait_for_load_state()
    page.get_by_role("button", name="退出登录").click()
    page.wait_for_load_state()
    page.goto(f"{site_url}/workbench")
    assert urlsplit(page.url).path != "/workbench" or page.get_by_text("登录").count() > 0
    assert page.get_by_role("button", name="退出登录").count() == 0
    context.close()
