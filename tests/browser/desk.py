"""People at the workbench: each in a browser context of their own."""

from __future__ import annotations

import gettext
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page

WIDTH = 1280
_CATALOGUE = (
    Path(__file__).parents[2]
    / "ckanext-govopen/ckanext/govopen/i18n/zh_Hans_CN/LC_MESSAGES/ckanext-govopen.mo"
)


def words(message: str, **facts: object) -> str:
    """Return what a Chinese page says for a message of the catalogue."""
    with _CATALOGUE.open("rb") as file:
        said = gettext.GNUTranslations(file).gettext(message)
    assert said != message, f"{message!r} has no Chinese"
    return said.format(**facts) if facts else said


def accounts() -> dict[str, dict[str, Any]]:
    """Return the accounts of the throw-away stack by name."""
    file = Path(os.environ["GOVOPEN_TEST_DATA"]) / "accounts.json"
    return {entry["name"]: entry for entry in json.loads(file.read_text(encoding="utf-8"))}


@dataclass
class Person:
    """A signed-in person with one page, and what its console said."""

    page: Page
    site: str
    said: list[str] = field(default_factory=list)

    def go(self, path: str) -> Page:
        answer = self.page.goto(self.site + path)
        assert answer is not None
        assert answer.status == 200, f"{path}: {answer.status}"
        return self.page

    def press(self, name: str, **facts: object) -> None:
        """Press the button of this message in the page and wait for what comes."""
        with self.page.expect_navigation():
            button = self.page.locator("main").get_by_role("button", name=words(name, **facts))
            button.first.click()

    def text(self) -> str:
        return self.page.locator("main").inner_text()

    def keep_picture(self, name: str) -> None:
        folder = os.environ.get("GOVOPEN_SHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"desk-{name}.png"), full_page=True)

    def close(self) -> None:
        self.page.context.close()


def sign_in(browser: Browser, site: str, name: str, password: str | None = None) -> Person:
    """Open a fresh browser context and sign somebody in through the page."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": 900}, locale="zh-CN", accept_downloads=True
    )
    person = Person(context.new_page(), site)
    person.page.on("console", lambda message: _note(person, message))
    person.page.on("pageerror", lambda error: person.said.append(str(error)))
    person.page.goto(f"{site}/user/login")
    person.page.fill("main input[name=login]", name)
    person.page.fill("main input[name=password]", password or accounts()[name]["password"])
    with person.page.expect_navigation():
        person.page.press("main input[name=password]", "Enter")
    return person


def _note(person: Person, message: ConsoleMessage) -> None:
    # A refused form answers 409 with the page itself; the browser logs that as an error.
    if message.type == "error" and "409" not in message.text:
        person.said.append(message.text)
