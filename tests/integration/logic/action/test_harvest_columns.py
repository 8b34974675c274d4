"""A column of a web site on a real stack: from its pages to private drafts, and the next night."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from pages_kit import COLUMN, SITE

sys.path.insert(0, str(Path(__file__).parent))
from harvest_kit import Field, Portal, counts, killed_at

from govopen_harvesters import columns

SETTINGS = {"items": "ul.list li", "body": "#zoom", "key": "index_number", "pause": 0}
WHOLE = {"sweep_every": 1}
FIRST, LAST = "/zwgk/tzgg/index.html", "/zwgk/tzgg/index_2.html"


@pytest.fixture
def site(site: Portal) -> Portal:
    here = f"http://{site.host}"
    for url, page in COLUMN.items():
        site.files[url.removeprefix(SITE)] = page.replace(SITE, here).encode("gb18030")
    return site


def column(one: Field, site: Portal, **more: Any) -> dict[str, Any]:
    settings = {"url": f"http://{site.host}{FIRST}", **SETTINGS, **WHOLE, **more}
    return one.approved(kind="web_column", unit=one.office.unit_id, settings=settings)


def test_documents_become_private_drafts_and_the_same_column_again_writes_nothing(
    one: Field, site: Portal
) -> None:
    source = column(one, site)
    job = one.run(source)
    assert (job["state"], counts(job)) == ("finished", {"seen": 5, "created": 5})
    found = one.sql("SELECT record_id FROM govopen_harvest_object WHERE source_id = :id"
                    " AND guid = '11370100MB28441234/2026-00001'", id=source["id"])  # fmt: skip
    made = one.office.act("officer", "package_show", id=found[0][0])
    assert (made["title"], made["private"], made["review"]["state"]) == (
        "关于公布2026年度公共停车场名录的通知",
        True,
        "draft",
    )
    assert "名录予以公布" in made["notes"]
    assert [each["format"] for each in made["resources"]] == ["XLSX", "PDF"]
    assert counts(one.run(source)) == {"seen": 5, "unchanged": 5}


def test_a_column_that_breaks_off_removes_nothing_and_one_that_shrank_removes_one(
    one: Field, site: Portal
) -> None:
    source = column(one, site)
    one.run(source)
    last = site.files.pop(LAST)
    cut = one.run(source)
    assert (cut["state"], cut["missing"], cut["known_after"]) == ("partial", 0, 5)
    assert cut["error"]["code"] == "harvest.E10"
    site.files[LAST] = last.replace(b"t5.html", b"t4.html")
    shrunk = one.run(source)
    assert (shrunk["state"], counts(shrunk)) == (
        "finished",
        {"seen": 4, "unchanged": 4, "missing": 1, "removed": 1},
    )


def test_a_document_that_becomes_an_error_page_stays_and_is_a_dead_letter(
    one: Field, site: Portal
) -> None:
    source = column(one, site)
    one.run(source)
    address = "/zwgk/tzgg/202601/t3.html"
    kept, site.files[address] = site.files[address], "<html>系统维护</html>".encode("gb18030")
    job = one.run(source)
    assert counts(job) == {"seen": 5, "unchanged": 4, "rejected": 1}
    dead = one.act("adder", "govopen_harvest_dead_list", source=source["id"])["items"]
    assert [(each["problem"]["code"], each["is_retryable"]) for each in dead] == [
        ("harvest.E46", False)
    ]
    site.files[address] = kept
    assert counts(one.run(source)) == {"seen": 5, "unchanged": 5}


def test_the_night_after_a_whole_reading_asks_for_one_page_and_removes_nothing(
    one: Field, site: Portal
) -> None:
    source = column(one, site, sweep_every=7)
    one.run(source)
    site.seen.clear()
    job = one.run(source)
    assert (job["state"], job["seen"], job["known_after"]) == ("finished", 0, 5)
    assert [path for path, _ in site.seen] == ["/robots.txt", FIRST]


def test_a_column_that_its_site_closes_to_programs_says_so_in_a_dry_run_and_removes_nothing(
    one: Field, site: Portal
) -> None:
    source = column(one, site)
    one.run(source)
    site.files["/robots.txt"] = "User-agent: *\r\nDisallow: /zwgk/\r\n".encode("utf-8-sig")
    for kind in ({"dry_run": True}, {}):
        job = one.run(source, **kind)
        assert (job["state"], job["error"]["code"]) == ("failed", "harvest.E47")
        assert "robots.txt" in job["error"]["text"]
    kept = one.sql(
        "SELECT state FROM govopen_harvest_object WHERE source_id = :id", id=source["id"]
    )
    assert [tuple(row) for row in kept] == [("kept",)] * 5


def test_a_column_is_read_on_behind_the_documents_that_were_read_before_its_worker_died(
    one: Field, site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "TOGETHER", 1)
    source = column(one, site)
    job_id, saved = one.start(source), 0

    def last_document(_: int, text: str) -> bool:
        nonlocal saved
        saved += "gather_cursor = " in text
        return saved == 6  # the first one begins

    assert killed_at(last_document, one, job_id)
    asked = [path for path, _ in site.seen]
    site.seen.clear()
    job = one.work(job_id)
    assert (job["state"], counts(job)) == ("finished", {"seen": 5, "created": 5})
    again = {path for path, _ in site.seen} & set(asked)
    assert again == {"/robots.txt", LAST, "/zwgk/tzgg/202601/t5.html"}


def test_documents_may_become_entries_of_the_inventory(one: Field, site: Portal) -> None:
    fields = {"title": "name", "body": "abstract", "address": "link"}
    source = one.approved(
        kind="web_column",
        outcome="inventory",
        unit=one.office.unit_id,
        settings={"url": f"http://{site.host}{FIRST}", **SETTINGS, "fields": fields},
    )
    assert counts(one.run(source)) == {"seen": 5, "created": 5}
    names = one.sql("SELECT name FROM govopen_data_resource WHERE source_id = :id ORDER BY 1",
                    id=source["id"])  # fmt: skip
    assert "关于公布2026年度公共停车场名录的通知" in {row[0] for row in names}
