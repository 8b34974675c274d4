"""Ways to publish through a harvest, for tests of what is withheld.

Each takes the office, and withholds at its own moment; the dataset is a source's from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harvest_kit import Field, Portal, portal
from publishing_kit import CSV, Office

import ckan.plugins.toolkit as tk

Withhold = Callable[[], None]
GUID = "d1"


@dataclass
class Harvested:
    """A catalogue with one record, and the dataset that it has become."""

    office: Office
    field: Field
    site: Portal
    source: Mapping[str, Any]
    package_id: str = ""

    def say(self, **values: Any) -> None:
        """Has the source say something of its record, and takes it in."""
        record = {
            "identifier": GUID,
            "title": "公共停车场",
            "description": "全市公共停车场的名称、地址、泊位数和收费标准，每月更新一次，供市民查询。",
            "accrualPeriodicity": "每月",
            "distribution": [{"downloadURL": f"http://{self.site.host}/a.csv", "format": "CSV"}],
        }
        self.site.catalogue({**record, **values})
        assert self.field.run(dict(self.source))["state"] == "finished"
        self.package_id = self.field.package_of(dict(self.source), GUID)

    def belongs_to(self, entry_code: str) -> None:
        self.office.act("officer", "package_patch", id=self.package_id, license_id="cc-by-4.0",
                        entry_codes=[entry_code])  # fmt: skip

    def fetch(self, body: bytes) -> None:
        """Has the source offer a file, and fetches it."""
        self.site.files = {"/a.csv": body}
        assert self.field.fetch(dict(self.source)) == 1

    def publish(self, entry_code: str) -> None:
        self.belongs_to(entry_code)
        self.office.approve(self.office.submit(self.package_id))

    def hand_in(self, **changes: Any) -> None:
        """An officer hands in the revision that the source has brought; somebody approves it."""
        found = self.office.act("officer", "govopen_pending_revision_list", id=self.package_id)
        waiting = found["items"][0]["id"]
        if changes:
            self.office.act("officer", "govopen_pending_revision_update", id=waiting, **changes)
        case = self.office.act("officer", "govopen_review_submit", revisions=[waiting])
        self.office.approve(case["id"])


@contextmanager
def harvested(office: Office) -> Iterator[Harvested]:
    office.hire("adder", ("data_authority",))
    field = Field(office, Path())
    with portal() as site, pytest.MonkeyPatch.context() as patch:
        patch.setitem(tk.config, "ckanext.govopen.inside_hosts", [site.host])
        settings = {"url": f"http://{site.host}/data.json"}
        source = field.approved(kind="data_json", unit=office.unit_id, settings=settings)
        found = Harvested(office, field, site, source)
        found.say()
        yield found


# --- a withheld entry gets a dataset -------------------------------------------------------------


def by_a_harvested_draft(one: Office, then: Withhold, _: Any) -> None:
    with harvested(one) as brought:
        then()
        brought.publish(one.entry_codes[0])


def by_a_harvested_revision(one: Office, then: Withhold, _: Any) -> None:
    """Another dataset is public; what its source says anew takes the entry in."""
    one.add_entries(1)
    with harvested(one) as brought:
        brought.publish(one.entry_codes[1])
        then()
        brought.say(title="公共停车场（新）")
        brought.hand_in(entry_codes=[one.entry_codes[1], one.entry_codes[0]])


def by_a_harvested_file(one: Office, then: Withhold, _: Any) -> None:
    with harvested(one) as brought:
        brought.belongs_to(one.entry_codes[0])
        then()
        brought.fetch(CSV)
        one.approve(one.submit(brought.package_id))


# --- a dataset that is public already gets another version ---------------------------------------


def renewed_by_a_harvested_record(one: Office, then: Withhold) -> None:
    with harvested(one) as brought:
        brought.publish(one.entry_codes[0])
        then()
        brought.say(title="公共停车场（新）")
        brought.hand_in()


def renewed_by_a_harvested_file(one: Office, then: Withhold) -> None:
    with harvested(one) as brought:
        brought.fetch(CSV)
        brought.publish(one.entry_codes[0])
        then()
        brought.fetch(CSV + "丙,5,2026-03-01,1\n".encode())
        brought.hand_in()


def renewed_by_a_harvest_inside_a_refresh_rule(one: Office, then: Withhold) -> None:
    """What two people have signed beforehand for this source: no person looks at the file."""
    with harvested(one) as brought:
        brought.fetch(CSV)
        brought.belongs_to(one.entry_codes[0])
        one.act("officer", "govopen_refresh_rule_create", id=brought.package_id, harvested=True,
                row_change_bound=0.5, expires_on=one.days_ahead(90))  # fmt: skip
        one.approve(one.submit(brought.package_id))
        then()
        brought.site.files = {"/a.csv": CSV.replace(b"30", b"31")}
        brought.field.fetch(dict(brought.source))


BROUGHT = (by_a_harvested_draft, by_a_harvested_revision, by_a_harvested_file)
RENEWED = (
    renewed_by_a_harvested_record,
    renewed_by_a_harvested_file,
    renewed_by_a_harvest_inside_a_refresh_rule,
)
