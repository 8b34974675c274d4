"""Spreadsheets of units: dry run, verdicts, all or nothing, template, who may."""

from __future__ import annotations

import io
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.datastructures import FileStorage

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import accounts, export

HEADING = "单位名称,本地机构代码,单位类型,上级单位,成立日期,纳入开放统计"


@pytest.fixture
def keeper(app: Flask) -> dict[str, Any]:
    """The context of a person of the data authority."""
    name = f"keeper-{uuid4().hex[:8]}"
    accounts.make(accounts.NewAccount(name, name, ("data_authority",), True, False), "", "test")
    model.repo.commit()
    return {"user": name, "auth_user_obj": model.User.get(name)}


@pytest.fixture
def mark() -> str:
    return uuid4().hex[:6].upper()


def file_of(*rows: str, name: str = "单位.csv") -> FileStorage:
    return FileStorage(io.BytesIO("\n".join([HEADING, *rows]).encode()), name)


def imported(context: dict[str, Any], *rows: str, **options: Any) -> dict[str, Any]:
    wanted = {"upload": file_of(*rows), **options}
    return tk.get_action("govopen_unit_import")(dict(context), wanted)


def unit(name: str) -> dict[str, Any]:
    return tk.get_action("govopen_unit_show")({"ignore_auth": True}, {"id": name})


def verdicts(report: dict[str, Any]) -> list[str]:
    return [row["verdict"] for row in report["items"]]


def test_a_dry_run_says_everything_and_writes_nothing(keeper: dict[str, Any], mark: str) -> None:
    report = imported(keeper, f"甲局{mark},A{mark}001,行政机关,,2010-01-01,是", dry_run=True)
    assert (report["state"], report["created"], report["rows"]) == ("checked", 1, 1)
    with pytest.raises(tk.ObjectNotFound):
        unit(f"甲局{mark}")


def test_units_are_created_with_superiors_of_the_same_file(
    keeper: dict[str, Any], mark: str
) -> None:
    report = imported(
        keeper,
        f"乙中心{mark},B{mark}002,事业单位,甲局{mark},2015-05-01,否",
        f"甲局{mark},A{mark}001,行政机关,,2010年1月1日,是",
    )
    assert report["state"] == "applied"
    assert verdicts(report) == ["created", "created"]
    above, below = unit(f"甲局{mark}"), unit(f"乙中心{mark}")
    assert below["parent_id"] == above["id"]
    assert (above["valid_from"], below["kind"]) == ("2010-01-01", "public_institution")
    assert above["in_scope_opening"] == [{"from": "2010-01-01", "to": None}]
    assert below["in_scope_opening"] == []


def test_the_same_file_again_changes_nothing_and_a_new_fact_makes_a_version(
    keeper: dict[str, Any], mark: str
) -> None:
    row = f"甲局{mark},A{mark}001,行政机关,,2010-01-01,是"
    imported(keeper, row)
    assert verdicts(imported(keeper, row)) == ["unchanged"]
    changed = imported(keeper, row.replace("行政机关", "事业单位"))
    assert changed["items"][0]["changed"] == ["kind"]
    found = unit(f"甲局{mark}")
    versions = model.Session.execute(
        sa.text("SELECT count(*) FROM govopen_org_unit WHERE unit_id = :id"), {"id": found["id"]}
    ).scalar_one()
    assert (found["kind"], versions > 1) == ("public_institution", True)


def test_one_rejected_row_keeps_all_out_unless_the_accepted_are_asked_for(
    keeper: dict[str, Any], mark: str
) -> None:
    rows = (f"甲局{mark},A{mark}001,行政机关,,2010-01-01,是", f"乙局{mark},,公司,没有的局{mark},,")
    report = imported(keeper, *rows)
    assert (report["state"], verdicts(report)) == ("checked", ["created", "rejected"])
    assert {f["code"] for f in report["items"][1]["findings"]} >= {"vocab.E1", "units.E9"}
    assert all(f["message"] for f in report["items"][1]["findings"])
    with pytest.raises(tk.ObjectNotFound):
        unit(f"甲局{mark}")
    assert imported(keeper, *rows, accepted_only=True)["state"] == "applied"
    assert unit(f"甲局{mark}")["local_code"] == f"A{mark}001"


def test_superiors_in_a_ring_are_refused_whole(keeper: dict[str, Any], mark: str) -> None:
    rows = (f"甲局{mark},,,乙局{mark},,", f"乙局{mark},,,甲局{mark},,")
    with pytest.raises(tk.ValidationError) as refused:
        imported(keeper, *rows)
    assert "units.E10" in str(refused.value.govopen["code"])
    model.Session.rollback()
    with pytest.raises(tk.ObjectNotFound):
        unit(f"甲局{mark}")


def test_a_ring_of_units_that_are_there_already_is_told_at_its_row(
    keeper: dict[str, Any], mark: str
) -> None:
    imported(keeper, f"甲局{mark},,,,,", f"乙局{mark},,,甲局{mark},,")
    report = imported(keeper, f"甲局{mark},,,乙局{mark},,")
    assert verdicts(report) == ["rejected"]
    [told] = [each for each in report["items"][0]["findings"] if each["code"] == "units.E10"]
    assert f"甲局{mark}" in told["message"]
    assert f"乙局{mark}" in told["message"]


def test_the_template_is_recognised_whole(keeper: dict[str, Any], mark: str) -> None:
    book = openpyxl.load_workbook(export.unit_template())
    sheet = book.worksheets[0]
    sheet["A2"] = f"表局{mark}"
    filled = io.BytesIO()
    book.save(filled)
    filled.seek(0)
    report = tk.get_action("govopen_unit_import")(
        dict(keeper), {"upload": FileStorage(filled, "单位.xlsx"), "dry_run": True}
    )
    assert [column["field"] for column in report["mapping"]].count(None) == 0
    assert verdicts(report) == ["created"]


def test_who_does_not_keep_units_may_not_import_them(app: Flask, mark: str) -> None:
    name = f"reader-{uuid4().hex[:8]}"
    accounts.make(accounts.NewAccount(name, name, (), True, False), "", "test")
    model.repo.commit()
    context = {"user": name, "auth_user_obj": model.User.get(name)}
    with pytest.raises(tk.NotAuthorized):
        imported(context, f"甲局{mark},,,,,")


def test_a_file_that_is_no_table_is_refused_in_words(keeper: dict[str, Any]) -> None:
    upload = FileStorage(io.BytesIO(b"%PDF-1.7 nothing"), "单位.xlsx")
    with pytest.raises(tk.ValidationError) as refused:
        tk.get_action("govopen_unit_import")(dict(keeper), {"upload": upload})
    assert refused.value.govopen["code"].startswith("intake.")
