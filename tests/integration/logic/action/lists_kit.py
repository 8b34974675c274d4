"""Lists of one office, adjusted through the real actions, for tests of the register engine."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from publishing_kit import Office

import ckan.model as model
import ckan.plugins.toolkit as tk

BASIS = {"basis": "云政发〔2026〕12 号", "reason": "机构职能调整"}


def power(office: Office, name: str, **more: Any) -> dict[str, Any]:
    """The content of an entry of the list of powers that can be handed in."""
    return {
        "name": name,
        "power_type": "license",
        "exercising_body": f"测试局{office.mark}",
        "legal_basis": [{"title": "城市道路管理条例", "article": "第三十一条"}],
        **more,
    }


def begin(office: Office, kind: str = "power_list", **facts: Any) -> dict[str, Any]:
    """A draft in force ten days ago; facts named `…_on` may be given as days from today."""
    said = {**BASIS, "effective_on": -10, **facts}
    said = {
        name: office.days_ahead(told) if isinstance(told, int) else told
        for name, told in said.items()
    }
    return dict(
        office.act(
            "officer",
            "govopen_register_draft_create",
            register_type=kind,
            unit=office.unit_id,
            **said,
        )
    )


def edit(
    office: Office, draft: dict[str, Any], *changes: dict[str, Any], **more: Any
) -> dict[str, Any]:
    """The draft after these changes, on the revision that it has."""
    return dict(
        office.act(
            "officer",
            "govopen_register_draft_update",
            id=draft["id"],
            revision=draft["revision"],
            changes=list(changes),
            **more,
        )
    )


def change(kind: str, code: str | None = None, fields: Any = None, **extra: Any) -> dict[str, Any]:
    return {"kind": kind, "entry_code": code, "fields": fields or {}, "extra": extra}


def hand_in(office: Office, draft: dict[str, Any]) -> dict[str, Any]:
    return dict(office.act("officer", "govopen_register_draft_submit", id=draft["id"]))


def adjust(office: Office, *changes: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A draft with these changes, handed in, approved and published; its state before the end."""
    draft = edit(office, begin(office, **facts), *changes)
    case = hand_in(office, draft)["case_id"]
    office.approve(case)
    return draft


def listed(office: Office, register: str, **asked: Any) -> dict[str, dict[str, Any]]:
    """The list as visitors read it, by code."""
    with office.application.test_request_context("/"):
        found = tk.get_action("govopen_register_entry_list")(
            {}, {"id": register, "limit": 1000, **asked}
        )
    return {item["entry_code"]: item for item in found["items"]}


def refusal(office: Office, action: str, person: str = "officer", /, **data: Any) -> dict[str, Any]:
    """The errors with which an action refuses, by field."""
    with pytest.raises(tk.ValidationError) as caught:
        office.act(person, action, **data)
    return dict(caught.value.error_dict)


def value(office: Office, sql: str, **params: Any) -> Any:
    with office.application.test_request_context("/"):
        return model.Session.execute(sa.text(sql), params).scalar_one()
