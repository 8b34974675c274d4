"""A unit that a reform has dissolved makes nothing public, whenever its case was handed in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from publishing_kit import APPROVERS, Office, office, upload

import ckan.plugins.toolkit as tk


@pytest.fixture
def one(application: Flask) -> Iterator[Office]:
    with office(application) as found:
        found.hire("authority", (*APPROVERS, "data_authority"))
        yield found


def dissolve(one: Office) -> None:
    one.act(
        "authority", "govopen_unit_reform", unit=one.unit_id, kind="abolish",
        date=one.days_ahead(0), basis="云编发〔2026〕1号",
    )  # fmt: skip


def refusal(call: Any) -> str:
    with pytest.raises(tk.ValidationError) as caught:
        call()
    part: dict[str, Any] = caught.value.govopen
    return str(part["code"])


def state(one: Office, package_id: str) -> tuple[str, bool]:
    shown = one.act("officer", "package_show", id=package_id)
    return shown["review"]["state"], shown["private"]


def test_its_drafts_are_not_handed_in(one: Office) -> None:
    made = one.draft()
    dissolve(one)
    assert refusal(lambda: one.submit(made["id"])) == "inventory.E2"
    assert state(one, made["id"]) == ("draft", True)


def test_what_was_handed_in_before_is_not_approved(one: Office) -> None:
    made = one.draft()
    case_id = one.submit(made["id"])
    dissolve(one)
    assert refusal(lambda: one.approve(case_id)) == "inventory.E2"
    assert state(one, made["id"]) == ("submitted", True)


def test_what_is_public_is_kept_up_to_date_but_not_shown_again_once_withdrawn(
    one: Office,
) -> None:
    made = one.published()
    dissolve(one)
    assert state(one, made["id"]) == ("published", False)
    resource = one.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    revision = one.act(
        "officer", "govopen_pending_revision_create", id=made["id"], note="n",
        resource=resource, upload=upload("名称,泊位\n丙,1\n".encode(), "new.csv"),
    )  # fmt: skip
    one.approve(one.act("officer", "govopen_review_submit", revisions=[revision["id"]])["id"])
    assert state(one, made["id"]) == ("published", False)
    one.act("officer", "govopen_publication_withdraw", id=made["id"], ground="error", reason="x")
    assert refusal(lambda: one.submit(made["id"])) == "inventory.E2"
    assert state(one, made["id"])[1] is True
