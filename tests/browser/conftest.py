"""What browser tests share: the running stack, something public in it, and a browser.

`./scripts/test browser` starts the stack and names it by GOVOPEN_TEST_DATA and GOVOPEN_TEST_URL;
against a stack of your own, set both before you run pytest. GOVOPEN_SHOTS names a folder that gets
a picture of every page.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# the shell is the same engine without windows, which takes a third less time
CHROMIUM = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def _given(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.fail(f"{name} is not set: run these tests by ./scripts/test browser")
    return value


@pytest.fixture(scope="session")
def site_url() -> str:
    """Return the address of the running stack's web part."""
    return _given("GOVOPEN_TEST_URL").rstrip("/")


@pytest.fixture(scope="session")
def public(site_url: str) -> dict[str, str]:
    """Return the paths of something public of each kind, made through the review."""
    import something_public

    return something_public.make(Path(_given("GOVOPEN_TEST_DATA")) / "ckan.ini")


@pytest.fixture(scope="session")
def person(site_url: str) -> tuple[str, str]:
    """Return name and password of somebody who may open every form."""
    import something_public

    return something_public.person(Path(_given("GOVOPEN_TEST_DATA")) / "ckan.ini")


@pytest.fixture(scope="session")
def source_port(site_url: str) -> int:
    """Return the port at which the stack may read a source on this machine."""
    settings = ConfigParser(interpolation=None)
    settings.read(Path(_given("GOVOPEN_TEST_DATA")) / "local.ini", encoding="utf-8")
    allowed = settings.get("app:main", "ckanext.govopen.inside_hosts", fallback="")
    host, _, port = allowed.partition(":")
    if host != "127.0.0.1" or not port.isdigit():
        pytest.fail("local.ini of the stack lacks ckanext.govopen.inside_hosts = 127.0.0.1:PORT")
    return int(port)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium, which reaches this machine alone."""
    from playwright.sync_api import sync_playwright

    program = next(filter(os.path.exists, CHROMIUM), None)
    if program is None:
        pytest.fail("no browser: apt-get install chromium-headless-shell fonts-noto-cjk")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tab(chromium: Browser) -> Iterator[Page]:
    """Return a tab of a visitor, who opens page after page in it."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()
