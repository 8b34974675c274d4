"""What the scan has found, at a draft and in its case, as people read it in the browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import something_public
from desk import Person, sign_in, words
from test_workbench import examine

from ckanext.govopen.domain.scan_patterns import id_check_character

if TYPE_CHECKING:
    from playwright.sync_api import Browser
    from publishing_kit import Office

PASSWORD = f"Yunze-{uuid4().hex}"
STEM = "33010219800101001"
ID_NUMBER = STEM + id_check_character(STEM)
PEOPLE = f"姓名,身份证号\n张一,{ID_NUMBER}\n张二,{ID_NUMBER}\n".encode()
NUMBERS = "科室,人数\n一科,3\n".encode()  # none of its headings is a declared data item


@pytest.fixture(scope="module")
def desk(chromium: Browser, site_url: str) -> Iterator[tuple[Office, dict[str, Person]]]:
    from publishing_kit import office

    import ckan.model as model

    ini = Path(os.environ["GOVOPEN_TEST_DATA"]) / "ckan.ini"
    with office(something_public._application(ini)) as one:
        people = {}
        for name in ("officer", "approver"):
            with one.application.test_request_context("/"):
                one.user(name).password = PASSWORD
                model.repo.commit()
            people[name] = sign_in(chromium, site_url, one.name(name), PASSWORD)
        yield one, people
        for person in people.values():
            person.close()


def test_findings_are_read_cleared_and_kept_out_of_sight_in_both_languages(
    desk: tuple[Office, dict[str, Person]],
) -> None:
    one, people = desk
    officer, approver = people["officer"], people["approver"]
    grave, odd, alone = (
        one.draft(data=data, title=title)
        for data, title in ((PEOPLE, "人员"), (NUMBERS, "科室人数"), (NUMBERS, "各科室人数"))
    )
    page = f"/workbench/datasets/{grave['name']}/scan"
    officer.go(page)
    officer.press("Scan now")
    assert words("Mask columns of {name}", name="数据") in officer.text()
    case, warned = (_case(one, *ids) for ids in ((grave["id"], odd["id"]), (alone["id"],)))
    for person, path, english in (
        (officer, page, "First places, masked"),
        (approver, case, "Why it is none"),
    ):
        examine(person, path, "zh_Hans_CN")
        assert ID_NUMBER not in person.page.content()
        assert english in person.go(f"/en{path}").inner_text("main")
    for told in (case, case.removesuffix("/scan")):
        approver.go(told)
        assert "科室人数 · " in approver.text(), "whose file is not what was declared"
    approver.go(case)
    approver.page.locator("main input[name=reason]").first.fill("示例号码")
    approver.press("Clear")
    assert words("Cleared, with your reason.") in approver.text()
    approver.go(warned)
    assert "review.W1" in approver.text()
    assert words("Nothing was found.") not in approver.text()


def _case(one: Office, *ids: str) -> str:
    """The page of the findings of a new case, with everything scanned here and now."""
    case_id = one.submit(*ids)
    assert one.act("approver", "govopen_scan_run", case=case_id)["is_complete"]
    return f"/workbench/review/{case_id}/scan"
