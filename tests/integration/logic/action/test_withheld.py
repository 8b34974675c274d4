"""What is withheld becomes public on no path: every way to withhold against every way to publish.

An entry is withheld by the inventory itself, or covered by an approved negative list.

The other direction is tried beside it: the same path publishes an entry that is open, so that no
path is refused for another reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa
from flask import Flask
from guard_kit import application_url
from lists_kit import adjust, change, value
from publishing_kit import CSV, Office, office, upload
from withheld_kit import BROUGHT, RENEWED, Withhold

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import checklist, registers, review
from ckanext.govopen.model import inventory as projection
from ckanext.govopen.model import registers as log

REFUSED = (tk.ValidationError, tk.NotAuthorized, tk.ObjectNotFound, psycopg2.Error)
# How an entry is withheld: what is published about it in the inventory.
WITHHELD = {
    "withheld": {"open_type": "withheld"},
    "withheld and named": {"open_type": "withheld", "catalog_visible": True},
    "withheld and hidden": {
        "open_type": "withheld", "catalog_visible": False, "hidden_ground": "g15_privacy",
    },
    "on the negative list": {"target": "entry"},
    "on the negative list by its code": {"target": "resource"},
}  # fmt: skip
BASIS = {"withheld_basis": "政府信息公开条例第十五条", "withheld_ground": "g15_privacy"}


@pytest.fixture
def one(application: Flask) -> Iterator[Office]:
    with office(application) as found:
        yield found


@pytest.fixture
def connection(data_folder: Path) -> Iterator[Any]:
    """Direct SQL as the application's own role."""
    made = psycopg2.connect(application_url(data_folder))
    yield made
    made.close()


def withhold(one: Office, fields: dict[str, Any] | None) -> None:
    """Publishes a version of the inventory, or a negative list, that holds the office's entry back."""
    if fields is None:
        return
    code = one.entry_codes[0]
    if "target" in fields:
        cover(one, res_code_of(one, code) if fields["target"] == "resource" else code)
        return
    with one.application.test_request_context("/"):
        officer = one.user("officer").id
        register_id = log.ensure(model.Session, registers.INVENTORY, [one.unit_id], "990100")
        content = {**_content(code), **fields, **BASIS}
        act = registers.Act(officer, clock.now(), "test", "test")
        registers.write(model.Session, register_id[one.unit_id],
                        [registers.EntryChange(code, "change", content)], act)  # fmt: skip
        version = registers.stage_version(
            model.Session, register_id[one.unit_id], [code], act, clock.today()
        )
        case = review.open_case(
            model.Session, kind="inventory", title="test", unit_ids=[one.unit_id],
            records=[("register_version", version)], actor=officer, reason=None,
        )  # fmt: skip
        review.submit_case(model.Session, case, officer)
        model.repo.commit()
    one.approve(case)


def cover(one: Office, code: str, **facts: Any) -> str:
    """Publishes a negative list with one entry that covers a code; gives the entry's own code."""
    fields = {
        "name": "涉及个人隐私的停车记录",
        "circumstance": "停车记录可识别到个人",
        "grounds": ["g15_privacy"],
        "legal_basis": [{"title": "政府信息公开条例", "article": "第十五条"}],
        "targets": [{"type": "data_inventory", "code": code}],
    }
    adjust(one, change("add", None, fields), kind="disclosure_negative_list", **facts)
    sql = "SELECT entry_code FROM govopen_negative_target WHERE to_code = :code"
    return str(value(one, sql, code=code))


def res_code_of(one: Office, code: str) -> str:
    """The code of the resource, which an import gives to an entry (信息资源代码)."""
    res_code = f"310099{one.mark}/000001"
    with one.application.test_request_context("/"):
        model.Session.execute(
            sa.text(
                "UPDATE govopen_data_resource SET res_code = :res_code WHERE entry_code = :code"
            ),
            {"res_code": res_code, "code": code},
        )
        model.Session.commit()
    return res_code


def _content(code: str) -> dict[str, Any]:
    row = projection.show(model.Session, code)
    assert row is not None
    return dict(row["fields"])


# --- ways to publish: each takes the office and withholds at its own moment ----------------------


def by_drafts_from_the_inventory(one: Office, then: Withhold, _: Any) -> None:
    then()
    one.approve(one.submit(one.draft()["id"]))


def by_ckan_s_own_action(one: Office, then: Withhold, _: Any) -> None:
    then()
    made = one.act("officer", "package_create", title="停车场", notes="停车场的名称和泊位数" * 4,
                   owner_org=one.unit_id, entry_codes=[one.entry_codes[0]], type="dataset",
                   open_type="unconditional", update_cycle="monthly", license_id="yz-odl-1.0",
                   data_domain="other",
                   resources=[{"name": "数据", "upload": upload(CSV, "a.csv")}])  # fmt: skip
    one.approve(one.submit(made["id"]))


def by_a_draft_of_before(one: Office, then: Withhold, _: Any) -> None:
    made = one.draft()
    then()
    one.approve(one.submit(made["id"]))


def by_an_approval_of_before(one: Office, then: Withhold, _: Any) -> None:
    made = one.draft()
    case = one.submit(made["id"])
    then()
    one.approve(case)


def by_publishing_again(one: Office, then: Withhold, _: Any) -> None:
    made = one.published()
    one.act_signed_in("approver", "govopen_publication_withdraw", id=made["id"], ground="error",
                      reason="x")  # fmt: skip
    then()
    one.approve(one.submit(made["id"]))


def by_a_batch_beside_an_open_one(one: Office, then: Withhold, _: Any) -> None:
    one.add_entries(1)
    made = one.draft()
    other = one.act("officer", "govopen_inventory_datasets", entries=[one.entry_codes[1]],
                    files={one.entry_codes[1]: [{"name": "b", "upload": upload(CSV, "b.csv")}]})  # fmt: skip
    then()
    one.approve(one.submit(made["id"], other["items"][0]["id"]))


def by_a_form(one: Office, then: Withhold, _: Any) -> None:
    """The pages of the workbench, as a browser sends them."""
    made = one.draft()
    then()
    _send(one, "officer", f"/workbench/datasets/{made['name']}/submit", {})
    case = one.act("officer", "package_show", id=made["id"])["review"]["case_id"]
    answers = {f"check-{code}": "no" for code in checklist.all_no()}
    _send(one, "approver", f"/workbench/review/{case}/decide", {"decision": "approve", **answers})


def _send(one: Office, person: str, path: str, fields: dict[str, str]) -> None:
    client = one.application.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = one.user_id(person), True
    one.application.config["WTF_CSRF_ENABLED"] = False
    try:
        assert client.post(path, data=fields).status_code in (302, 404, 409)
    finally:
        one.application.config["WTF_CSRF_ENABLED"] = True


def by_a_revision(one: Office, then: Withhold, _: Any) -> None:
    """Another dataset is public; a revision of it takes the entry in."""
    one.add_entries(1)
    made = one.act("officer", "govopen_inventory_datasets", entries=[one.entry_codes[1]],
                   files={one.entry_codes[1]: [{"name": "b", "upload": upload(CSV, "b.csv")}]})  # fmt: skip
    package_id = made["items"][0]["id"]
    one.approve(one.submit(package_id))
    then()
    revision = one.act("officer", "govopen_pending_revision_create", id=package_id, note="n",
                       entry_codes=[one.entry_codes[1], one.entry_codes[0]])  # fmt: skip
    case = one.act("officer", "govopen_review_submit", revisions=[revision["id"]])
    one.approve(case["id"])


def by_an_embargo_that_ends(one: Office, then: Withhold, _: Any) -> None:
    day = one.days_ahead(2)
    made = one.draft()
    case = one.act("officer", "govopen_review_submit", datasets=[made["id"]], publish_at=day)
    one.approve(case["id"])
    then()
    with one.application.test_request_context("/"):
        try:
            clock.set_to(datetime.combine(date.fromisoformat(day), time(1), clock.SITE_ZONE))
            review.publish_due(model.Session)
        finally:
            clock.set_to(None)
            model.repo.commit()


def by_bulk(one: Office, then: Withhold, _: Any) -> None:
    made = one.draft()
    then()
    one.act("root", "bulk_update_public", datasets=[made["id"]], org_id=one.unit_id)


def by_flipping_in_the_database(one: Office, then: Withhold, connection: Any) -> None:
    """All opinions stand: withdrawn opinions are not the reason for the refusal."""
    made = one.draft()
    one.submit(made["id"])
    then()
    _approve_and_flip(one, made["id"], connection)


def by_putting_back_what_was_public(one: Office, then: Withhold, connection: Any) -> None:
    """A version of before is written back by SQL, as a restored copy would be, with new voices."""
    made = one.published()
    one.act_signed_in("approver", "govopen_publication_withdraw", id=made["id"], ground="error",
                      reason="x")  # fmt: skip
    then()
    cursor = connection.cursor()
    cursor.execute(
        "SELECT govopen_put_content(package_id, content) FROM govopen_published_version"
        " WHERE package_id = %s ORDER BY number LIMIT 1",
        [made["id"]],
    )
    cursor.execute(
        "INSERT INTO govopen_opinion (case_id, record_type, record_id, content_hash, person, roles,"
        " step, result) SELECT case_id, 'package', record_id, govopen_content_hash(record_id, 1), %s,"
        " '{}', 's', 'submitted' FROM govopen_review WHERE record_id = %s",
        [one.user_id("officer"), made["id"]],
    )
    _approve_and_flip(one, made["id"], connection)


def _approve_and_flip(one: Office, package_id: str, connection: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(
        "INSERT INTO govopen_opinion (case_id, record_type, record_id, content_hash, person, roles,"
        " step, result) SELECT case_id, record_type, record_id, content_hash, %s, '{}', 's',"
        " 'approved' FROM govopen_opinion WHERE record_id = %s AND result = 'submitted'",
        [one.user_id("second"), package_id],
    )
    cursor.execute(
        "UPDATE govopen_review SET state = 'published' WHERE record_id = %s", [package_id]
    )
    cursor.execute("UPDATE package SET private = false WHERE id = %s", [package_id])
    connection.commit()


def renewed_by_a_refresh_rule(one: Office, then: Withhold) -> None:
    """What two people have signed beforehand: no person looks at the refresh itself."""
    made = one.draft()
    rule = one.act("officer", "govopen_refresh_rule_create", id=made["id"], row_change_bound=0.5,
                   expires_on=one.days_ahead(90))  # fmt: skip
    one.approve(one.submit(made["id"]))
    resource = one.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    then()
    one.act("officer", "govopen_pending_revision_create", id=made["id"], rule=rule["id"], note="n",
            resource=resource, upload=upload(CSV.replace(b"30", b"31"), "a.csv"))  # fmt: skip


PATHS = [*BROUGHT, *(value for name, value in list(globals().items()) if name.startswith("by_"))]
RENEWALS = [renewed_by_a_refresh_rule, *RENEWED]
TWO_WAYS = ("on the negative list", "withheld")  # of a road that takes whole runs of a harvest
PAIRS = [(path, how) for path in PATHS for how in (TWO_WAYS if path in BROUGHT else WITHHELD)]
NEVER = {by_bulk}  # open or not: bulk publishing is refused to everybody


def public_of(one: Office, connection: Any) -> int:
    """Datasets of the unit's first entry that the public may read."""
    connection.rollback()
    cursor = connection.cursor()
    cursor.execute(
        "SELECT count(*) FROM govopen_public v JOIN package p ON p.id = v.id"
        " WHERE p.owner_org = %s AND p.extras ->> 'entry_codes' LIKE %s",
        [one.unit_id, f"%{one.entry_codes[0]}%"],
    )
    return int(cursor.fetchone()[0])


def attempt(one: Office, path: Any, fields: dict[str, Any] | None, connection: Any) -> None:
    try:
        path(one, lambda: withhold(one, fields), connection)
    except REFUSED:
        connection.rollback()


@pytest.mark.parametrize(("path", "how"), PAIRS, ids=lambda one: getattr(one, "__name__", one))
def test_a_withheld_entry_becomes_public_on_no_path(
    one: Office, connection: Any, path: Any, how: str
) -> None:
    attempt(one, path, WITHHELD[how], connection)
    assert public_of(one, connection) == 0


@pytest.mark.parametrize("path", [p for p in PATHS if p not in NEVER], ids=lambda p: p.__name__)
def test_the_same_path_publishes_an_entry_that_is_open(
    one: Office, connection: Any, path: Any
) -> None:
    path(one, lambda: None, connection)
    assert public_of(one, connection) == 1


@pytest.mark.parametrize("days", [1, 30])
def test_a_list_holds_back_from_its_day_on(one: Office, connection: Any, days: int) -> None:
    cover(one, one.entry_codes[0], effective_on=days)
    one.approve(one.submit(one.draft()["id"]))
    assert public_of(one, connection) == 1


def test_what_is_taken_off_the_list_opens_again(one: Office, connection: Any) -> None:
    code = cover(one, one.entry_codes[0])
    assert one.entry_codes[0] in str(refused(lambda: one.draft()))
    adjust(
        one,
        change("cancel", code, follow_up="按一般事项公开"),
        kind="disclosure_negative_list",
        effective_on=0,
    )
    one.approve(one.submit(one.draft()["id"]))
    assert public_of(one, connection) == 1


def test_what_is_public_when_a_list_comes_is_shown_until_it_is_withdrawn(
    one: Office, connection: Any
) -> None:
    made = one.published()
    cover(one, one.entry_codes[0])
    assert public_of(one, connection) == 1
    one.act_signed_in("approver", "govopen_publication_withdraw", id=made["id"], ground="error",
                      reason="x")  # fmt: skip
    assert one.entry_codes[0] in str(refused(lambda: one.submit(made["id"])))


@pytest.mark.parametrize("how", ["", *TWO_WAYS])
@pytest.mark.parametrize("renewed", RENEWALS, ids=lambda path: path.__name__)
def test_what_is_public_when_its_entry_is_withheld_gets_no_other_version(
    one: Office, connection: Any, renewed: Any, how: str
) -> None:
    """Shown until it is withdrawn, as it is; of an entry that is open the same way brings one."""
    try:
        renewed(one, lambda: withhold(one, WITHHELD.get(how)))
    except REFUSED:
        assert how
    assert (public_of(one, connection), versions_of(one, connection)) == (1, 1 if how else 2)


def versions_of(one: Office, connection: Any) -> int:
    """How often something of the unit has become public."""
    cursor = connection.cursor()
    cursor.execute(
        "SELECT count(*) FROM govopen_published_version v JOIN package p ON p.id = v.package_id"
        " WHERE p.owner_org = %s",
        [one.unit_id],
    )
    return int(cursor.fetchone()[0])


def refused(call: Callable[[], Any]) -> tk.ValidationError:
    with pytest.raises(tk.ValidationError) as caught:
        call()
    return caught.value


def test_who_approves_is_told_which_entry_is_withheld(one: Office) -> None:
    case = one.submit(one.draft()["id"])
    withhold(one, WITHHELD["withheld"])
    with pytest.raises(tk.ValidationError) as refused:
        one.approve(case)
    assert one.entry_codes[0] in str(refused.value)


def test_a_dataset_that_calls_itself_withheld_is_not_submitted(one: Office) -> None:
    with pytest.raises(tk.ValidationError):
        one.submit(one.draft(open_type="withheld")["id"])
