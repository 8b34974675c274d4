"""A real CKAN site is harvested by its API and by its DCAT catalogue: all that is public, no more.

The site is CKAN as it is delivered, with ckanext-dcat, in a database and a core of its own.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from plain_ckan import Site, running

sys.path.insert(0, str(Path(__file__).parent))
from harvest_kit import Field, counts

import ckan.plugins.toolkit as tk

RESULT = Path(__file__).parents[3] / "results" / "harvest-of-stock-ckan.json"
FEW, MANY = 28, 3_000


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _source(one: Field, site: Site, kind: str) -> dict[str, Any]:
    url = site.url if kind == "ckan" else f"{site.url}/catalog.ttl"
    return one.approved(kind=kind, unit=one.office.unit_id, settings={"url": url})


def _titles(one: Field, source: dict[str, Any]) -> dict[str, str]:
    """Titles of the drafts by the id that their record has at the site."""
    rows = one.sql(
        "SELECT o.guid, p.title, p.private, p.owner_org FROM govopen_harvest_object o"
        " JOIN package p ON p.id = o.record_id AND p.state = 'active' WHERE o.source_id = :id",
        id=source["id"],
    )
    assert all(row.private and row.owner_org == one.office.unit_id for row in rows)
    return {row.guid.rpartition("/")[2]: row.title for row in rows}


def _harvested(one: Field, site: Site, kind: str) -> dict[str, Any]:
    """Harvests twice, then once more after the site has changed; gives what the runs took."""
    source, public = _source(one, site, kind), dict(site.truth["public"])
    began = time.monotonic()
    job = one.run(source)
    first = time.monotonic() - began
    assert (job["state"], job["balanced"]) == ("finished", True), job["error"]
    assert counts(job) == {"seen": len(public), "created": len(public)}
    assert _titles(one, source) == public
    began = time.monotonic()
    again = one.run(source)
    second = time.monotonic() - began
    assert counts(again) == {"seen": len(public), "unchanged": len(public)}
    _change(site)
    changed = one.run(source)
    assert counts(changed) == {
        "seen": len(public) - 2,
        "unchanged": len(public) - 5,
        "created": 1,
        "updated": 2,
        "missing": 3,
        "removed": 3,
    }
    assert _titles(one, source) == site.truth["public"]
    return {"datasets": len(public), "first_s": round(first, 1), "unchanged_s": round(second, 1)}


def _change(site: Site) -> None:
    """Two are deleted, one becomes private, two get another title, one is new."""
    public = site.truth["public"]
    ids = list(public)
    for package_id in ids[3:5]:
        site.act("package_delete", id=package_id)
        site.truth["deleted"][package_id] = public.pop(package_id)
    site.act("package_patch", id=ids[7], private=True)
    site.truth["private"][ids[7]] = public.pop(ids[7])
    for package_id in (ids[0], ids[-1]):
        title = f"新题目停车场{len(ids)}"
        public[package_id] = site.act("package_patch", id=package_id, title=title)["title"]
    unit = site.act("package_show", id=ids[0])["owner_org"]
    made = site.act("package_create", name=f"new-{len(ids)}", title="新增停车场", owner_org=unit)
    public[made["id"]] = made["title"]


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> int:
    port = _free_port()
    monkeypatch.setitem(tk.config, "ckanext.govopen.inside_hosts", [f"127.0.0.1:{port}"])
    return port


def test_all_that_a_ckan_site_shows_is_taken_and_nothing_else(
    one: Field, data_folder: Path, trusted: int
) -> None:
    with running(data_folder / "ckan.ini", trusted, FEW) as site:
        assert all(site.truth.values())
        for kind in ("ckan", "dcat"):
            _harvested(one, site, kind)


@pytest.mark.long
def test_three_thousand_datasets_of_a_ckan_site_are_accounted_for(
    one: Field, data_folder: Path, trusted: int
) -> None:
    with running(data_folder / "ckan.ini", trusted, MANY) as site:
        hidden = {kind: len(site.truth[kind]) for kind in ("private", "deleted", "showcase")}
        found = {kind: _harvested(one, site, kind) for kind in ("ckan", "dcat")}
    RESULT.write_text(json.dumps({"held": MANY, "hidden": hidden, **found}, indent=1) + "\n")
