"""Commands as a person calls them: a dry run leaves no trace, exports hold what is public."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from click.testing import CliRunner, Result
from flask import Flask

from ckan.lib.search.common import make_connection

sys.path.insert(0, str(Path(__file__).parent / "logic" / "action"))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.cli import govopen
from ckanext.govopen.logic import accounts
from ckanext.govopen.model import audit as audit_store


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def call(office: Office, *arguments: str) -> Result:
    with office.application.test_request_context("/"):
        return CliRunner().invoke(govopen, arguments)


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_withdrawal_that_is_tried_says_what_it_would_do_and_the_dataset_stays_public(
    office: Office,
) -> None:
    made = office.published()
    tried = ("publication", "withdraw", made["id"], "--reason", "试", "--user",
             office.name("approver"), "--json")  # fmt: skip
    assert answer(call(office, *tried, "--dry-run")) == {
        "id": made["id"], "state": "withdrawn", "ground": "error", "dry_run": True,
        "remaining": ["rates", "datastore", "index", "activity"],
    }  # fmt: skip
    with office.application.test_request_context("/"):
        shown = tk.get_action("package_show")({"user": ""}, {"id": made["id"]})
        indexed = make_connection().search(
            "*:*", fq=[f"+id:{made['id']}", "+permission_labels:public"]
        )
    assert shown["id"] == made["id"]
    assert indexed.hits == 1
    assert answer(call(office, *tried))["state"] == "withdrawn"
    with office.application.test_request_context("/"), pytest.raises(tk.ObjectNotFound):
        tk.get_action("package_show")({"user": ""}, {"id": made["id"]})


def test_a_reform_that_is_tried_is_refused_or_told_and_nothing_is_recorded(
    office: Office,
) -> None:
    keeper = f"keeper-{uuid4().hex[:8]}"
    with office.application.test_request_context("/"):
        account = accounts.NewAccount(keeper, keeper, ("data_authority",), True, False)
        accounts.make(account, None, "test")
        model.repo.commit()
    reform = ("unit", "reform", office.unit_id, "--kind", "rename", "--name", f"新{office.mark}局",
              "--date", "2026-01-01", "--basis", "文", "--user", keeper, "--json")  # fmt: skip
    told = answer(call(office, *reform, "--dry-run"))
    assert (told["name"], told["dry_run"]) == (f"新{office.mark}局", True)
    assert answer(call(office, "unit", "show", office.unit_id, "--json"))["successions"] == []
    stranger = call(office, *reform[:-2], office.name("stranger"), "--dry-run")
    assert stranger.exit_code == 1


def test_after_a_dry_run_the_same_process_writes_again(office: Office) -> None:
    invited = f"guest-{uuid4().hex[:8]}"
    command = ("account", "invite", invited, "--email", f"{invited}@example.org", "--user",
               office.name("root"), "--json")  # fmt: skip
    if (tried := call(office, *command, "--dry-run")).exit_code:
        pytest.fail(tried.output)
    with office.application.test_request_context("/"):
        assert model.User.get(invited) is None
    assert answer(call(office, *command))["name"] == invited
    with office.application.test_request_context("/"):
        model.Session.remove()
        assert model.User.get(invited) is not None


def test_a_register_is_exported_in_three_forms_with_the_same_entries(
    office: Office, tmp_path: Path
) -> None:
    listed = answer(call(office, "register", "list", "--json"))
    register = next(row["id"] for row in listed if row["unit_name"] == f"测试局{office.mark}"
                    or row.get("unit_id") == office.unit_id)  # fmt: skip
    files = {kind: tmp_path / f"r.{kind}" for kind in ("csv", "xlsx", "json")}
    for file in files.values():
        assert answer(call(office, "register", "export", register, str(file), "--json"))["entries"]
    items = json.loads(files["json"].read_text(encoding="utf-8"))["items"]
    codes = [item["entry_code"] for item in items]
    assert set(office.entry_codes) <= set(codes)
    with files["csv"].open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["entry_code"] for row in rows] == codes
    assert rows[0]["name"] == items[0]["fields"]["name"]
    sheet = openpyxl.load_workbook(files["xlsx"]).worksheets[0]
    assert [cell.value for cell in sheet["A"][1:]] == codes
    assert call(office, "inventory", "export", "--unit", office.unit_id).exit_code == 0
    with office.application.test_request_context("/"):
        filters = {"object": f"register:{register}", "action": "register.exported"}
        assert len(audit_store.listing(model.Session, filters, None, 10)) == 3
        [noted] = audit_store.listing(model.Session, {"action": "inventory.exported"}, None, 1)
        assert noted["details"]["filters"] == {"unit": office.unit_id}
        assert noted["details"]["via"] == "command:inventory.export"
    refused = call(office, "register", "export", register, str(tmp_path / "r.pdf"))
    assert refused.exit_code == 1
    assert ".csv, .xlsx, .json" in refused.output
