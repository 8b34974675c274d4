"""A source is proposed, added, probed, approved by another, watched and mended: in the browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import something_public
from axe_playwright_python.sync_playwright import Axe
from desk import Person, sign_in, words
from test_public_pages import LANGUAGES, WIDTHS, assert_chinese, assert_fits, serious

if TYPE_CHECKING:
    from harvest_kit import Portal
    from playwright.sync_api import Browser

REASON = "停车场目录每月更新，替代人工填报"
PASSWORD = f"Yunze-{uuid4().hex}"
PATIENCE_MS = 60_000


@pytest.fixture(scope="module")
def people(chromium: Browser, site_url: str) -> Iterator[dict[str, Person]]:
    """Sign in the officer of a unit of its own, who adds sources, and who approves."""
    from publishing_kit import Office

    import ckan.model as model

    ini = Path(os.environ["GOVOPEN_TEST_DATA"]) / "ckan.ini"
    office = Office(something_public._application(ini))
    with office.application.test_request_context("/"):
        office.open_unit()
    for name, role in (("officer", "info_officer"), ("second", "data_authority")):
        office.hire(name, (role,))
        with office.application.test_request_context("/"):
            office.user(name).password = PASSWORD
            model.repo.commit()
    made = {"authority": sign_in(chromium, site_url, "data-authority")}
    for name in ("officer", "second"):
        made[name] = sign_in(chromium, site_url, office.name(name), PASSWORD)
    yield made
    for person in made.values():
        assert person.said == []
        person.close()


@pytest.fixture(scope="module")
def site(source_port: int) -> Iterator[Portal]:
    from harvest_kit import portal

    with portal(source_port) as server:
        yield server


class Story:
    """One telling of it: its language, its source, and the pages as they are looked at."""

    def __init__(self, language: str, site: Portal) -> None:
        self.language, self.site = language, site
        self.mark = uuid4().hex[:6]
        self.name, self.title = f"story-{self.mark}", f"停车场目录{self.mark}"
        self.page_of_source = f"/{language}/workbench/harvest/sources/{self.name}"

    def say(self, message: str, **facts: object) -> str:
        """What a page says for a message of the catalogue."""
        if self.language == "en":
            return message.format(**facts)
        return words(message, **facts)

    def go(self, person: Person, path: str) -> None:
        person.go(path if path.startswith(f"/{self.language}/") else f"/{self.language}{path}")

    def press(self, person: Person, message: str) -> None:
        with person.page.expect_navigation():
            button = person.page.locator("main").get_by_role("button", name=self.say(message))
            button.first.click()

    def follow(self, person: Person, name: str) -> None:
        with person.page.expect_navigation():
            person.page.locator("main").get_by_role("link", name=name, exact=True).first.click()

    def look(self, person: Person, picture: str) -> None:
        """Accessible, no wider than the screen, in its language: on a telephone and on a desk."""
        for width in WIDTHS:
            person.page.set_viewport_size({"width": width, "height": 900})
            assert_fits(person.page, width)
            assert serious(Axe().run(person.page)) == [], person.page.url
            person.keep_picture(f"harvest-{picture}-{self.language}-{width}")
        if self.language != "en":
            assert_chinese(person.page)

    def ended(self, person: Person, **counts: int) -> None:
        """Wait on the page of a run until its account says this."""
        names = ("seen", "unchanged", "created", "updated", "rejected", "conflict")
        account = self.say(
            "seen {seen} = unchanged {unchanged} + created {created} + updated {updated}"
            " + rejected {rejected} + conflict {conflict}",
            **{name: counts.get(name, 0) for name in names},
        )
        person.page.locator("main").get_by_text(account).wait_for(timeout=PATIENCE_MS)
        assert person.page.locator("main p[role=status]").count() == 0


def record(number: int, title: str) -> dict[str, Any]:
    return {"identifier": f"d{number}", "title": title, "accrualPeriodicity": "每月"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_source_from_its_proposal_to_its_last_dead_letter(
    people: dict[str, Person], site: Portal, language: str
) -> None:
    story = Story(language, site)
    site.catalogue(
        record(1, f"停车场{story.mark}"), record(2, f"充电桩{story.mark}"), record(3, "")
    )
    site.seen.clear()
    propose(story, people["officer"])
    assert site.seen == [], "a proposal was read"
    decline_another(story, people["authority"], people["officer"])
    run = add_probe_and_run(story, people["authority"])
    approve(story, people["second"], run)
    mend(story, people["officer"], run)


def propose(story: Story, officer: Person) -> None:
    story.go(officer, "/workbench/harvest")
    story.follow(officer, story.say("Propose a source"))
    page = officer.page
    for name, title in ((story.name, story.title), (f"{story.name}-2", f"{story.title}二")):
        story.go(officer, "/workbench/harvest/propose?kind=data_json")
        if name == story.name:
            story.look(officer, "propose")
        page.fill("[name=title]", title)
        page.fill("[name=name]", name)
        page.fill("[name=o-url]", f"http://{story.site.host}/data.json")
        story.press(officer, "Propose the source")
        assert page.input_value("[name=title]") == title, "what was typed is lost"
        page.fill("[name=reason]", REASON)
        page.select_option("[name=schedule]", "daily")
        story.press(officer, "Propose the source")
        assert page.url.endswith(f"/sources/{name}"), officer.text()[:800]
    assert REASON in officer.text()
    assert page.get_by_role("button", name=story.say("Run now")).count() == 0


def decline_another(story: Story, authority: Person, officer: Person) -> None:
    story.go(authority, "/workbench/harvest")
    assert REASON in authority.text()
    story.look(authority, "list")
    story.follow(authority, f"{story.title}二")
    story.look(authority, "proposal")
    authority.page.locator("summary", has_text=story.say("Decline the proposal")).click()
    authority.page.fill("[name=reason]", "与另一来源重复")
    story.press(authority, "Decline")
    story.go(officer, f"{story.page_of_source}-2")
    assert "与另一来源重复" in officer.text()
    assert officer.page.get_by_role("link", name=story.say("Change the proposal")).count() == 1


def add_probe_and_run(story: Story, authority: Person) -> str:
    """Complete the proposal, add it, probe it, run it dry, run it; return the page of the run."""
    story.go(authority, story.page_of_source)
    story.follow(authority, story.say("Complete and add it"))
    story.look(authority, "complete")
    authority.page.fill("[name=o-constants]", "open_type: 无条件开放")
    story.press(authority, "Add the source")
    story.look(authority, "source")
    assert story.site.seen == [], "it was read before anybody asked"
    for button, said in (
        ("Probe: read the first page", "{pages} pages were read; nothing was written."),
        ("Dry run: write nothing", "{pages} pages were read; nothing was written."),
    ):
        story.go(authority, story.page_of_source)
        story.press(authority, button)
        story.ended(authority, seen=3, created=2, rejected=1)
        assert story.say(said, pages=1) in authority.text()
        assert "harvest.E8" in authority.text(), "which record, and why, is not said"
    story.look(authority, "dry-run")
    story.go(authority, story.page_of_source)
    story.press(authority, "Run now")
    never = story.say(
        "The data authority approves, and never a person who proposed or added the source,"
        " or last changed its settings."
    )
    authority.page.get_by_text(never).wait_for(timeout=PATIENCE_MS)
    assert authority.page.get_by_role("button", name=story.say("Approve the run")).count() == 0
    return re.sub(r"^https?://[^/]+", "", authority.page.url)


def approve(story: Story, second: Person, run: str) -> None:
    story.go(second, run)
    story.look(second, "first-run")
    assert "harvest.E8" in second.text()
    story.press(second, "Approve the run")
    second.page.get_by_text(story.say("It adds up"), exact=True).wait_for(timeout=PATIENCE_MS)
    assert "harvest.E8" in second.text()


def mend(story: Story, officer: Person, run: str) -> None:
    story.go(officer, run)
    assert story.say("It adds up") in officer.text()
    story.go(officer, story.page_of_source)
    story.look(officer, "dead-letters")
    story.follow(officer, "d3")
    story.look(officer, "mend")
    assert "每月" in officer.text(), "what the source says cannot be read"
    officer.page.fill("[name=v-title]", f"路侧泊位{story.mark}")
    story.press(officer, "Keep it and try again")
    story.ended(officer, seen=1, created=1)
    assert "harvest.W3" in officer.text()
    story.go(officer, story.page_of_source)
    assert story.say("None: every record was taken.") in officer.text()
