"""People, a unit and an active inventory entry, for tests that publish through the real actions."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from flask import Flask
from flask_login import login_user
from werkzeug.datastructures import FileStorage

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.logic import accounts, checklist, registers, review, units
from ckanext.govopen.model import registers as log

CSV = "名称,泊位,日期,金额\n甲,12,2026-01-02,1.5\n乙,30,2026-02-03,2\n".encode()
APPROVERS = accounts.APPROVER_ROLES
TAGS = ("停车", "泊位", "收费")


@dataclass
class Office:
    """One unit with an officer and two approvers, each a fresh account."""

    application: Flask
    # a letter first: eight digits behind the name of a unit are read as its code
    mark: str = field(default_factory=lambda: f"a{uuid4().hex[:7]}")
    unit_id: str = ""
    entry_codes: list[str] = field(default_factory=list)

    def name(self, person: str) -> str:
        return f"{person}-{self.mark}"

    def user(self, person: str) -> model.User:
        user = model.User.get(self.name(person))
        assert user is not None
        return user

    def user_id(self, person: str) -> str:
        with self.application.test_request_context("/"):
            return str(self.user(person).id)

    def context(self, person: str) -> dict[str, Any]:
        user = self.user(person)
        return {"user": user.name, "auth_user_obj": user}

    def act(self, person: str, action: str, /, **data: Any) -> Any:
        """An action as a token or a process would call it: without a browser session."""
        with self.application.test_request_context("/"):
            return tk.get_action(action)(self.context(person), data)

    def act_signed_in(self, person: str, action: str, /, **data: Any) -> Any:
        """An action inside a browser session of a person."""
        with self.application.test_request_context("/"):
            login_user(self.user(person))
            return tk.get_action(action)(self.context(person), data)

    def hire(self, person: str, roles: tuple[str, ...], *, is_sysadmin: bool = False) -> None:
        everywhere = "info_officer" not in roles
        account = accounts.NewAccount(self.name(person), person, roles, everywhere, is_sysadmin)
        with self.application.test_request_context("/"):
            accounts.make(account, self.unit_id, "test")

    def token(self, person: str, scope: str = "submit") -> str:
        with self.application.test_request_context("/"):
            made = tk.get_action("api_token_create")(
                {"ignore_auth": True, "user": self.name(person)},
                {
                    "user": self.name(person),
                    "name": uuid4().hex,
                    "scope": scope,
                    "expires_in": 1,
                    "unit": 86400,
                },
            )
        return str(made["token"])

    def days_ahead(self, days: int) -> str:
        """A day of the business clock, written."""
        with self.application.test_request_context("/"):
            return (clock.today() + timedelta(days=days)).isoformat()

    def open_unit(self, parent_id: str | None = None) -> None:
        facts = {
            "name": f"测试局{self.mark}",
            "kind": "gov_organ",
            "level": "city",
            "region_code": config.region_code(),
            "valid_from": date(2020, 1, 1),
            "local_scheme": "test",
            "local_code": self.mark,
            "parent_id": parent_id,
        }
        self.unit_id = units.create(
            model.Session, facts, actor="test", at=clock.now(), basis="test"
        )
        model.repo.commit()

    def add_entries(self, count: int, **fields: Any) -> list[str]:
        """Active entries of the inventory, published through a case of their own."""
        content = {
            "abstract": "全市公共停车场的名称、地址、泊位数和收费标准，每月更新一次。",
            "open_type": "unconditional",
            "update_cycle": "monthly",
            "sensitivity": "L1",
            "items": [
                {"name_zh": "名称", "data_type": "C", "length": 100},
                {"name_zh": "泊位", "data_type": "I"},
            ],
            **fields,
        }
        with self.application.test_request_context("/"):
            officer = self.user("officer").id
            region = config.region_code()
            register = log.ensure(model.Session, registers.INVENTORY, [self.unit_id], region)
            register_id = register[self.unit_id]
            codes = log.next_entry_codes(model.Session, region, count)
            act = registers.Act(officer, clock.now(), "test", "test")
            changes = [
                registers.EntryChange(code, "add", {"name": f"停车场{code}", **content})
                for code in codes
            ]
            registers.write(model.Session, register_id, changes, act)
            version = registers.stage_version(model.Session, register_id, codes, act, clock.today())
            case_id = review.open_case(
                model.Session,
                kind="inventory",
                title="test",
                unit_ids=[self.unit_id],
                records=[("register_version", version)],
                actor=officer,
                reason=None,
            )
            review.submit_case(model.Session, case_id, officer)
            model.repo.commit()
        self.approve(case_id)
        self.entry_codes += codes
        return list(codes)

    def draft(
        self, *, data: bytes = CSV, filename: str = "data.csv", **values: Any
    ) -> dict[str, Any]:
        """A draft dataset with one uploaded file, under a title of its own."""
        usual = {"title": f"停车场 {uuid4().hex[:8]}", "tags": [{"name": tag} for tag in TAGS]}
        made = self.act(
            "officer",
            "govopen_inventory_datasets",
            entries=[self.entry_codes[0]],
            values={**usual, **values},
            files={self.entry_codes[0]: [{"name": "数据", "upload": upload(data, filename)}]},
        )
        return dict(made["items"][0])

    def submit(self, *ids: str) -> str:
        return str(self.act("officer", "govopen_review_submit", datasets=list(ids))["id"])

    def approve(self, case_id: str, person: str = "approver") -> dict[str, Any]:
        """An approval in a browser, with every question of the form answered with no."""
        decision = {"id": case_id, "decision": "approve", "checklist": checklist.all_no()}
        return dict(self.act_signed_in(person, "govopen_review_decide", **decision))

    def published(self, **values: Any) -> dict[str, Any]:
        made = self.draft(**values)
        self.approve(self.submit(made["id"]))
        return made


def upload(data: bytes, filename: str) -> FileStorage:
    return FileStorage(io.BytesIO(data), filename)


@contextmanager
def office(application: Flask) -> Iterator[Office]:
    """An office ready to publish, with one active entry."""
    one = Office(application)
    with application.test_request_context("/"):
        one.open_unit()
    one.hire("officer", ("info_officer",))
    one.hire("approver", APPROVERS)
    one.hire("second", APPROVERS)
    one.hire("stranger", ())
    one.hire("root", ("sysadmin",), is_sysadmin=True)
    one.add_entries(1)
    yield one
