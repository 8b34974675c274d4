"""An officer proposes a source: nothing is asked of it, the authority decides, a letter is mended."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from mail_server import MailServer

sys.path.insert(0, str(Path(__file__).parent))
from harvest_kit import Field, Portal, counts
from publishing_kit import Office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import harvest_proposals

from govopen_harvesters.connectors import data_json

REASON = "停车场目录每月更新，替代人工填报"


@pytest.fixture
def site(site: Portal) -> Portal:
    site.catalogue(*({"identifier": f"d{n}", "title": f"停车场{n}"} for n in range(3)))
    return site


def proposed(one: Field, site: Portal, person: str = "officer", **more: Any) -> dict[str, Any]:
    given = {
        "name": f"p{uuid4().hex[:10]}",
        "title": "停车场目录",
        "kind": "data_json",
        "unit": one.office.unit_id,
        "settings": {"url": f"http://{site.host}/data.json"},
        "reason": REASON,
        **more,
    }
    return dict(one.act(person, "govopen_harvest_source_propose", **given))


def refused(one: Field, person: str, action: str, /, **data: Any) -> str:
    """The code with which an action refuses, or the name of the error."""
    with pytest.raises((tk.ValidationError, tk.NotAuthorized, tk.ObjectNotFound)) as caught:
        one.act(person, action, **data)
    return str(getattr(caught.value, "govopen", {}).get("code") or type(caught.value).__name__)


def mails_of(one: Field, server: MailServer, source: dict[str, Any], person: str) -> list[str]:
    """The subjects of what a person is told of a source now."""
    with one.application.test_request_context("/"):
        for name in {"adder", "authority", person}:
            one.office.user(name).email = f"{one.office.name(name)}@yz.example"
        model.repo.commit()
        del server.mails[:]
        harvest_proposals.tell(model.Session, source["id"])
    address = f"{one.office.name(person)}@yz.example"
    assert all(REASON not in mail.get_content() for mail in server.mails)
    return [str(mail["Subject"]) for mail in server.mails if address in str(mail["To"])]


def test_nothing_goes_out_for_a_proposal_whoever_asks(
    one: Field, site: Portal, mailbox: MailServer
) -> None:
    source = proposed(one, site)
    assert (source["state"], source["health"], source["reason"]) == ("proposed",) * 2 + (REASON,)
    for person in ("officer", "authority", "root"):
        for asked in ({}, {"dry_run": True}, {"probe": True}, {"kept": True}):
            wanted = {"source": source["id"], **asked}
            assert refused(one, person, "govopen_harvest_job_create", **wanted) == "harvest.E63"
    retry = refused(one, "officer", "govopen_harvest_dead_retry", source=source["id"])
    change = {"id": source["id"], "state": "active"}
    assert retry == "harvest.E63"
    assert refused(one, "authority", "govopen_harvest_source_update", **change) == "harvest.E63"
    forged = one.sql(
        "INSERT INTO govopen_harvest_job (source_id, kind, created_by) VALUES (:id, 'run', 'x')"
        " RETURNING id",
        id=source["id"],
    )[0][0]
    assert one.work(forged)["state"] == "queued"
    assert site.seen == []
    assert mails_of(one, mailbox, source, "authority") == ["有人建议了归集来源"]
    assert mails_of(one, mailbox, source, "officer") == []


def test_an_officer_proposes_for_their_own_unit_without_secrets_and_with_a_reason(
    one: Field, site: Portal
) -> None:
    propose = "govopen_harvest_source_propose"
    given = {"name": f"q{one.mark}", "kind": "data_json", "unit": one.office.unit_id, "reason": "x"}
    other = Office(one.application)
    with one.application.test_request_context("/"):
        other.open_unit()
    assert refused(one, "officer", propose, **{**given, "unit": other.unit_id}) == "NotFound"
    assert refused(one, "stranger", propose, **given) == "NotAuthorized"
    assert refused(one, "officer", propose, **given, secrets={"api_key": "k"}) == "ValidationError"
    hidden = {**given, "settings": {"api_key": "k"}}
    assert refused(one, "officer", propose, **hidden) == "harvest.E23"
    assert refused(one, "officer", propose, **{**given, "reason": " "}) == "harvest.E65"
    source = one.act("officer", propose, **given)
    assert source["settings"] == {}  # the address is still to be said
    assert refused(one, "officer", "govopen_harvest_source_adopt", id=source["id"]) == (
        "NotAuthorized"
    )
    assert refused(one, "adder", "govopen_harvest_source_adopt", id=source["id"]) == "harvest.E21"


def test_a_proposal_is_declined_changed_added_probed_and_approved_by_somebody_else(
    one: Field, site: Portal, mailbox: MailServer
) -> None:
    one.office.hire("clerk", ("info_officer",))
    source = proposed(one, site, "clerk", title="")
    adopt = "govopen_harvest_source_adopt"
    assert refused(one, "adder", adopt, id=source["id"], refuse=True) == "harvest.E65"
    said = one.act("adder", adopt, id=source["id"], refuse=True, reason="请写明标题")
    assert (said["state"], said["answer"]) == ("declined", "请写明标题")
    assert mails_of(one, mailbox, source, "clerk") == ["您建议的归集来源未被采纳"]
    again = proposed(one, site, "clerk", name=source["name"], title="停车场目录")
    assert (again["id"], again["state"], again["answer"]) == (source["id"], "proposed", None)
    listed = {"limit": 1000, "proposed": True}
    shown = one.act("officer", "govopen_harvest_source_list", **listed)["items"]
    assert [each["name"] for each in shown if each["id"] == source["id"]] == [source["name"]]
    added = one.act("adder", adopt, id=source["id"], schedule="daily")
    assert (added["state"], added["created_by"]) == ("active", one.office.user_id("adder"))
    assert (added["schedule"], added["reason"], site.seen) == ("daily", REASON, [])
    assert mails_of(one, mailbox, source, "clerk") == ["您建议的归集来源已添加"]
    probe = one.run(added, probe=True)
    assert (probe["state"], probe["kind"], counts(probe)) == (
        "finished", "probe", {"seen": 3, "created": 3})  # fmt: skip
    assert len(site.seen) == 1
    waits = one.run(added)
    assert (waits["state"], waits["waits_for"]) == ("needs_approval", "first_run")
    _promote(one, "clerk")
    for person in ("adder", "officer", "clerk"):
        approve = refused(one, person, "govopen_harvest_approve", id=waits["id"])
        assert approve == ("NotAuthorized" if person == "officer" else "harvest.E32"), person
    done = one.approve(waits["id"])
    assert (done["state"], counts(done)) == ("finished", {"seen": 3, "created": 3})
    late = {"id": source["id"], "refuse": True, "reason": "太晚"}
    assert refused(one, "adder", adopt, **late) == "harvest.E64"


def _promote(one: Field, person: str) -> None:
    """Makes the proposer a data authority too, which does not make them a second person."""
    one.sql(
        "INSERT INTO govopen_role_assignment (user_id, role, from_at, granted_by)"
        " VALUES (:id, 'data_authority', govopen_now(), 'test')",
        id=one.office.user_id(person),
    )


def test_a_source_that_a_probe_shows_to_be_wrong_is_still_declined(
    one: Field, site: Portal
) -> None:
    source = proposed(one, site)
    adopt = {"id": source["id"], "settings": {"url": f"http://{site.host}/data.json"}}
    one.act("adder", "govopen_harvest_source_adopt", **adopt)
    waits = one.run(source)
    assert waits["state"] == "needs_approval"
    declined = one.act("adder", "govopen_harvest_source_adopt", id=source["id"], refuse=True,
                       reason="来源不是本单位的")  # fmt: skip
    assert (declined["state"], one.show(waits["id"])["state"]) == ("declined", "cancelled")
    noted = one.sql(
        "SELECT action FROM govopen_audit_note WHERE object = :object"
        " UNION SELECT action FROM govopen_audit WHERE object = :object",
        object=f"harvest_source:{source['id']}",
    )
    kept = {f"harvest.source_{what}" for what in ("proposed", "adopted", "declined")}
    assert kept <= {row[0] for row in noted}


# --- dead letters -------------------------------------------------------------------------------


def titles(one: Field, source: dict[str, Any]) -> dict[str, str]:
    found = one.act("officer", "govopen_harvest_object_list", source=source["id"])["items"]
    return {each["guid"]: each["title"] for each in found}


def test_an_officer_mends_a_dead_letter_and_the_source_keeps_its_word(one: Field) -> None:
    rows = one.rows(3)
    rows[1] = (rows[1][0], "", *rows[1][2:])
    one.put("a.csv", rows)
    source = one.approved(unit=one.office.unit_id)
    assert counts(one.run(source)) == {"seen": 3, "created": 2, "rejected": 1}
    letter = one.act("officer", "govopen_harvest_dead_list", source=source["id"])["items"][0]
    shown = one.act("officer", "govopen_harvest_dead_show", id=letter["id"])
    assert (shown["problem"]["facts"]["field"], "name" in shown["fields"]) == ("name", True)
    retry = {"source": source["id"], "id": letter["id"]}
    action = "govopen_harvest_dead_retry"
    assert refused(one, "stranger", action, **retry, values={"name": "x"}) == "NotAuthorized"
    assert refused(one, "officer", action, **retry, values={"ordinal": "1"}) == "harvest.E67"
    made = one.act("officer", action, **retry, values={"name": "补写的名称"})
    done = one.work(made["id"])
    assert (done["state"], counts(done)) == ("finished", {"seen": 1, "created": 1})
    assert done["report"]["items"][0]["problem"]["code"] == "harvest.W3"
    taken = one.act("officer", "govopen_harvest_object_show", source=source["id"], guid=rows[1][0])
    assert titles(one, source)[rows[1][0]] == "补写的名称"
    assert taken["raw"]["source"]["信息资源名称"] == ""
    assert counts(one.run(source)) == {"seen": 3, "unchanged": 3}
    rows[1] = (rows[1][0], "来源自己改了", *rows[1][2:])
    one.put("a.csv", rows)
    assert counts(one.run(source)) == {"seen": 3, "unchanged": 2, "updated": 1}
    assert titles(one, source)[rows[1][0]] == "来源自己改了"


def test_what_is_said_here_holds_however_a_record_is_mapped_until_its_source_changes_it(
    one: Field, site: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.catalogue({"identifier": "d1", "title": ""}, {"identifier": "d2", "title": "好的"})
    settings = {"url": f"http://{site.host}/data.json"}
    source = one.approved(kind="data_json", unit=one.office.unit_id, settings=settings)
    one.run(source)
    letter = one.act("officer", "govopen_harvest_dead_list", source=source["id"])["items"][0]
    retry = {"source": source["id"], "id": letter["id"]}
    once = one.act("officer", "govopen_harvest_dead_retry", **retry, values={"notes": "说明"})
    assert counts(one.work(once["id"])) == {"seen": 1, "rejected": 1}
    monkeypatch.setattr(data_json.connector, "version", 98)
    assert counts(one.run(source)) == {"seen": 2, "unchanged": 1, "rejected": 1}
    shown = one.act("officer", "govopen_harvest_dead_show", id=letter["id"])
    assert (shown["mended"], shown["attempts"]) == ({"notes": "说明"}, 3)
    twice = one.act("officer", "govopen_harvest_dead_retry", **retry, values={"title": "题目"})
    assert counts(one.work(twice["id"])) == {"seen": 1, "created": 1}
    monkeypatch.setattr(data_json.connector, "version", 99)
    assert counts(one.run(source)) == {"seen": 2, "unchanged": 2}
    monkeypatch.setattr(data_json.connector, "version", 100)
    kept = one.work(one.start(source, kept=True))
    assert counts(kept) == {"seen": 2, "unchanged": 2}
    made = one.act("officer", "govopen_harvest_object_show", source=source["id"], guid="d1")
    assert (made["mended"], made["raw"]["title"]) == ({"title": "题目", "notes": "说明"}, "")
    dataset = one.act("officer", "package_show", id=made["record_id"])
    assert (dataset["title"], dataset["notes"], dataset["private"]) == ("题目", "说明", True)
    site.catalogue({"identifier": "d1", "title": "来源改的"}, {"identifier": "d2", "title": "好的"})
    assert counts(one.run(source)) == {"seen": 2, "unchanged": 1, "updated": 1}
    dataset = one.act("officer", "package_show", id=made["record_id"])
    assert (dataset["title"], dataset["notes"]) == ("来源改的", "来源改的")
