"""What is withheld becomes public on no path: every way to withhold against every way to publish.

The other direction is tried beside it: the same path publishes an entry that is open, so that no
path is refused for another reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from flask import Flask
from guard_kit import application_url
from publishing_kit import CSV, Office, office, upload

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import registers, review
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
    """Publishes a version of the inventory in which the office's entry is withheld."""
    if fields is None:
        return
    code = one.entry_codes[0]
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


def _content(code: str) -> dict[str, Any]:
    row = projection.show(model.Session, code)
    assert row is not None
    return dict(row["fields"])


# --- ways to publish: each takes the office and withholds at its own moment ----------------------

Withhold = Callable[[], None]


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


def by_bulk(one: Office, then: Withhold, _: Any) -> None:
    made = one.draft()
    then()
    one.act("root", "bulk_update_public", datasets=[made["id"]], org_id=one.unit_id)


def by_flipping_in_the_database(one: Office, then: Withhold, connection: Any) -> None:
    """All opinions stand: withdrawn opinions are not the reason for the refusal."""
    made = one.draft()
    one.submit(made["id"])
    then()
    cursor = connection.cursor()
    cursor.execute(
        "INSERT INTO govopen_opinion (case_id, record_type, record_id, content_hash, person, roles,"
        " step, result) SELECT case_id, record_type, record_id, content_hash, %s, '{}', 's',"
        " 'approved' FROM govopen_opinion WHERE record_id = %s AND result = 'submitted'",
        [one.user_id("second"), made["id"]],
    )
    cursor.execute(
        "UPDATE govopen_review SET state = 'published' WHERE record_id = %s", [made["id"]]
    )
    cursor.execute("UPDATE package SET private = false WHERE id = %s", [made["id"]])
    connection.commit()


PATHS = [value for name, value in list(globals().items()) if name.startswith("by_")]
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


@pytest.mark.parametrize("how", sorted(WITHHELD))
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
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


def test_who_approves_is_told_which_entry_is_withheld(one: Office) -> None:
    case = one.submit(one.draft()["id"])
    withhold(one, WITHHELD["withheld"])
    with pytest.raises(tk.ValidationError) as refused:
        one.approve(case)
    assert one.entry_codes[0] in str(refused.value)


def test_a_dataset_that_calls_itself_withheld_is_not_submitted(one: Office) -> None:
    with pytest.raises(tk.ValidationError):
        one.submit(one.draft(open_type="withheld")["id"])
