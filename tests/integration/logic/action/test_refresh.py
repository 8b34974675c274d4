"""Data-refresh rules: what two people sign beforehand, the system applies to the letter."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator, Sequence
from configparser import RawConfigParser
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import Workbook

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office, upload
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import scans, verification
from ckanext.govopen.model import refresh as store

HEADER = "站点,日期,浓度\n"
ROWS = 200


def table(day: int, header: str = HEADER, rows: int = ROWS) -> bytes:
    """A table in which each day one more row has the value of the day."""
    lines = [
        f"站点{n},2026-01-0{1 + n % 9},{30 + day if n <= day else 30}.5\n"
        for n in range(1, rows + 1)
    ]
    return (header + "".join(lines)).encode()


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@contextmanager
def set_clock(office: Office, day: date) -> Iterator[None]:
    def at(moment: datetime | None) -> None:
        with office.application.test_request_context("/"):
            clock.set_to(moment)
            model.Session.commit()

    at(datetime.combine(day, time(9, 30), clock.SITE_ZONE))
    try:
        yield
    finally:
        at(None)


def today(office: Office) -> date:
    with office.application.test_request_context("/"):
        return clock.today()


def shown(client: FlaskClient, made: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(f"/api/3/action/package_show?id={made['id']}")
    assert answer.status_code == 200
    return dict(answer.get_json()["result"])


def propose(office: Office, made: dict[str, Any], **values: Any) -> dict[str, Any]:
    facts = {
        "row_change_bound": 0.2,
        "expires_on": (today(office) + timedelta(days=90)).isoformat(),
        **values,
    }
    return dict(office.act("officer", "govopen_refresh_rule_create", id=made["id"], **facts))


def ruled(office: Office, **values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A published dataset with a rule that was approved by the same case."""
    made = office.draft(data=table(0), update_cycle="daily")
    rule = propose(office, made, **values)
    office.approve(office.submit(made["id"]))
    return made, dict(office.act("officer", "govopen_refresh_rule_show", id=rule["id"]))


def bring(
    office: Office, made: dict[str, Any], rule: dict[str, Any], data: bytes, **values: Any
) -> dict[str, Any]:
    shown = office.act("officer", "package_show", id=made["id"])
    return dict(
        office.act(
            "officer",
            "govopen_pending_revision_create",
            id=made["id"],
            note="每日更新",
            rule=rule["id"],
            resource=shown["resources"][0]["id"],
            upload=upload(data, "new.csv"),
            **values,
        )
    )


def is_sound(office: Office) -> bool:
    with office.application.test_request_context("/"):
        report = verification.verify(model.Session)
    return not (report["records"] or report["versions"] or report["changed_files"])


def case_of(office: Office, revision: dict[str, Any]) -> dict[str, Any]:
    return dict(office.act("approver", "govopen_review_show", id=revision["case_id"]))


def test_a_rule_is_signed_with_its_dataset_and_in_force_from_then_on(office: Office) -> None:
    made = office.draft(data=table(0))
    rule = propose(office, made)
    assert rule["in_force"] is False
    columns = next(iter(rule["schema"].values()))["columns"]
    assert columns == [["站点", "text"], ["日期", "date"], ["浓度", "numeric"]]
    case_id = office.submit(made["id"])
    records = office.act("approver", "govopen_review_show", id=case_id)["records"]
    assert {each["record_type"] for each in records} == {"package", "refresh_rule"}
    office.approve(case_id)
    assert office.act("officer", "govopen_refresh_rule_show", id=rule["id"])["in_force"] is True


def _with_another_column(office: Office, made: dict[str, Any]) -> str:
    """A revision whose file has one more column; the id of the revision."""
    resource = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    data = (
        table(0)
        .replace(HEADER.encode(), "站点,日期,浓度,等级\n".encode())
        .replace(b".5\n", b".5,1\n")
    )
    revision = office.act(
        "officer", "govopen_pending_revision_create", id=made["id"], note="增加一列",
        resource=resource, upload=upload(data, "new.csv"),
    )  # fmt: skip
    return str(revision["id"])


def _is_refused_as_outdated(office: Office, case_id: str) -> bool:
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(case_id)
    part: dict[str, Any] = caught.value.govopen
    assert "站点, 日期, 浓度" in part["hint"]
    return bool(part["code"] == "refresh.E8")


def test_a_rule_for_the_columns_of_before_is_refused_when_it_is_approved(office: Office) -> None:
    made = office.published(data=table(0))
    rule = propose(office, made)
    case_id = office.act("officer", "govopen_review_submit", rules=[rule["id"]])["id"]
    changed = office.act(
        "officer", "govopen_review_submit", revisions=[_with_another_column(office, made)]
    )
    office.approve(changed["id"])
    assert _is_refused_as_outdated(office, case_id)
    office.act_signed_in(
        "approver", "govopen_review_decide", id=case_id, decision="return", reason="列已变更"
    )
    assert office.act("officer", "govopen_refresh_rule_show", id=rule["id"])["in_force"] is False


def test_a_rule_beside_a_revision_is_for_the_columns_of_the_revision(office: Office) -> None:
    made = office.published(data=table(0))
    rule = propose(office, made)
    case = office.act(
        "officer", "govopen_review_submit", revisions=[_with_another_column(office, made)]
    )
    assert case["records"] == 2
    assert _is_refused_as_outdated(office, case["id"])
    assert office.act("officer", "govopen_refresh_rule_show", id=rule["id"])["in_force"] is False


def read_page(client: FlaskClient, made: dict[str, Any]) -> str:
    """The page of a dataset as visitors read it."""
    return client.get(f"/dataset/{made['name']}").get_data(as_text=True)


def test_a_daily_dataset_is_refreshed_thirty_days_running_without_a_person(
    office: Office, client: FlaskClient
) -> None:
    start = today(office) + timedelta(days=1)
    made, rule = ruled(office)
    approvals = 0
    for day in range(1, 31):
        with set_clock(office, start + timedelta(days=day)):
            revision = bring(office, made, rule, table(day))
            assert revision["state"] == "published", (day, case_of(office, revision)["reason"])
            said = case_of(office, revision)["opinions"]
            approved = [each["person"] for each in said if each["result"] == "approved"]
            assert approved == ["system"]
            approvals += len(approved)
            digest = office.act("approver", "govopen_refresh_digest_show")
            ours = [each for each in digest["items"] if each["package_id"] == made["id"]]
            assert [each["content_hash"] for each in ours] == [revision["content_hash"]]
            assert ours[0]["rule_id"] == rule["id"]
    assert approvals == 30
    with set_clock(office, start + timedelta(days=31)):
        after = shown(client, made)
        listed = client.get(f"/api/3/action/govopen_published_version_list?id={made['id']}")
        items = listed.get_json()["result"]["items"]
        found = client.get(
            f"/api/3/action/datastore_search?resource_id={after['resources'][0]['id']}&limit=40"
        ).get_json()["result"]
        assert is_sound(office)
        page = read_page(client, made)
        english = client.get(f"/en/dataset/{made['name']}").get_data(as_text=True)
        office.act("officer", "govopen_refresh_rule_revoke", id=rule["id"], reason="来源更换")
        later = read_page(client, made)
    assert page.count("数据更新，按数据更新规则批准") == 10
    assert "更早的 21 版" in page
    assert all(each["content_hash"] in page for each in items[:10])
    assert items[10]["content_hash"] not in page
    assert "变动的行不超过" in page
    assert "the scan is clean" in english
    assert "变动的行不超过" not in later
    assert [each["by_rule"] for each in items] == [True] * 30 + [False]
    assert after["stat"]["last_data_date"] == (start + timedelta(days=30)).isoformat()
    assert found["total"] == ROWS
    assert [row["浓度"] for row in found["records"]].count(60.5) == 30


OUTSIDE = {
    "one column more": (table(1, HEADER.replace("\n", ",备注\n")), "refresh.W3", "列"),
    "another type": (table(1).replace(b"30.5", b"n.a.", 1), "refresh.W3", "浓度"),
    "a jump of rows": (table(1, rows=ROWS * 2), "refresh.W4", "上限"),
    "a phone number": (
        table(1).replace("站点7,".encode(), "站点13800138000,".encode()),
        "refresh.W6",
        "扫描",
    ),
    "no rows at all": (HEADER.encode(), "refresh.W7", "没有数据行"),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_what_is_outside_its_rule_is_a_case_and_the_old_version_stays_public(
    office: Office, client: FlaskClient, what: str
) -> None:
    data, _, word = OUTSIDE[what]
    made, rule = ruled(office)
    before = shown(client, made)
    revision = bring(office, made, rule, data)
    assert revision["state"] == "submitted"
    case = case_of(office, revision)
    assert word in case["reason"]
    assert not [
        each
        for each in case["opinions"]
        if each["person"] == "system" and each["result"] == "approved"
    ]
    assert shown(client, made) == before
    assert is_sound(office)


def with_a_cell_too_many(day: int) -> bytes:
    return table(day).replace(b".5\n", b".5,nobody looked at this\n", 1)


def workbook(day: int, *, sheets: int) -> bytes:
    book = Workbook()
    for row in csv.reader(table(day).decode().splitlines()):
        book.active.append(row)
    for number in range(1, sheets):
        book.create_sheet(f"s{number}").append(["nobody looked at this"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def listed(day: int, **beside: str) -> bytes:
    rows = list(csv.DictReader(table(day).decode().splitlines()))
    return json.dumps({"rows": rows, **beside}, ensure_ascii=False).encode()


BESIDE = {
    "a cell without a heading": ("t.csv", table(0), with_a_cell_too_many(1)),
    "another sheet": ("t.xlsx", workbook(0, sheets=1), workbook(1, sheets=2)),
    "a remark beside the rows": ("t.json", listed(0), listed(1, note="nobody looked at this")),
}


@pytest.mark.parametrize("what", BESIDE)
def test_what_stands_beside_the_table_is_never_published_by_a_rule(
    office: Office, client: FlaskClient, what: str
) -> None:
    filename, first, second = BESIDE[what]
    made = office.draft(data=first, filename=filename)
    rule = propose(office, made, row_change_bound=1)
    office.approve(office.submit(made["id"]))
    before = shown(client, made)
    revision = bring(office, made, rule, second)
    assert revision["state"] == "submitted"
    assert "表格以外" in case_of(office, revision)["reason"]
    assert shown(client, made) == before


@pytest.mark.parametrize("filename", ["t.xlsx", "t.json"])
def test_a_table_alone_is_refreshed_in_other_formats_too(office: Office, filename: str) -> None:
    made = office.draft(
        data=workbook(0, sheets=1) if filename == "t.xlsx" else listed(0), filename=filename
    )
    rule = propose(office, made)
    office.approve(office.submit(made["id"]))
    data = workbook(1, sheets=1) if filename == "t.xlsx" else listed(1)
    assert bring(office, made, rule, data)["state"] == "published"


def test_after_a_large_change_that_people_approved_the_rule_goes_on_from_there(
    office: Office,
) -> None:
    made, rule = ruled(office)
    assert bring(office, made, rule, table(1))["state"] == "published"
    large = bring(office, made, rule, table(1, rows=ROWS * 2))
    assert large["state"] == "submitted"
    office.approve(str(large["case_id"]))
    assert bring(office, made, rule, table(2, rows=ROWS * 2))["state"] == "published"


def test_another_field_another_source_a_revoked_or_an_expired_rule_is_outside(
    office: Office,
) -> None:
    made, rule = ruled(office, system="泊位系统")
    revision = bring(office, made, rule, table(1), system="别的系统")
    assert "来源" in case_of(office, revision)["reason"]

    made, rule = ruled(office)
    revision = bring(office, made, rule, table(1), title="换了标题")
    assert "除文件" in case_of(office, revision)["reason"]

    made, rule = ruled(office)
    office.act("second", "govopen_refresh_rule_revoke", id=rule["id"], reason="系统更换")
    revision = bring(office, made, rule, table(1))
    assert "撤销" in case_of(office, revision)["reason"]

    made, rule = ruled(office)
    with set_clock(office, today(office) + timedelta(days=91)):
        revision = bring(office, made, rule, table(1))
    assert "有效期" in case_of(office, revision)["reason"]


def test_a_rule_that_is_revoked_at_the_last_moment_publishes_nothing(
    office: Office, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    made, rule = ruled(office)
    before = shown(client, made)
    real = scans.scan

    def revoked_beside(session: Any, ids: Sequence[str]) -> None:
        real(session, ids)
        settings = RawConfigParser()
        settings.read(data_folder / "ckan.ini", encoding="utf-8")
        engine = sa.create_engine(settings["app:main"]["sqlalchemy.url"])
        with engine.begin() as connection:
            store.revoke(connection, [rule["id"]], "somebody", "x")
        engine.dispose()

    monkeypatch.setattr(scans, "scan", revoked_beside)
    with pytest.raises(tk.ValidationError) as caught:
        bring(office, made, rule, table(1))
    assert str(getattr(caught.value, "govopen", {}).get("code")) == "refresh.E6"
    assert shown(client, made) == before


def test_small_steps_do_not_add_up_to_anything(office: Office) -> None:
    made, rule = ruled(office, row_change_bound=0.1)
    assert bring(office, made, rule, table(15))["state"] == "published"
    assert bring(office, made, rule, table(21))["state"] == "submitted"  # 10 % against the first


def test_what_is_public_by_a_rule_stays_when_the_rule_ends(
    office: Office, client: FlaskClient
) -> None:
    made, rule = ruled(office)
    bring(office, made, rule, table(1))
    office.act("officer", "govopen_refresh_rule_revoke", id=rule["id"], reason="停用")
    assert shown(client, made)["review"]["state"] == "published"
    assert is_sound(office)


def test_a_withdrawal_ends_the_rules_of_its_dataset(office: Office) -> None:
    made, rule = ruled(office)
    office.act("officer", "govopen_publication_withdraw", id=made["id"], ground="error", reason="x")
    ended = office.act("officer", "govopen_refresh_rule_show", id=rule["id"])
    assert (ended["in_force"], ended["revoked_reason"]) == (False, "x")


def test_while_a_revision_is_under_review_a_refresh_waits_and_follows_the_decision(
    office: Office, client: FlaskClient
) -> None:
    made, rule = ruled(office)
    revision = office.act(
        "officer", "govopen_pending_revision_create", id=made["id"], note="x", title="新标题"
    )
    case_id = office.act("officer", "govopen_review_submit", revisions=[revision["id"]])["id"]
    waiting = bring(office, made, rule, table(1))
    assert waiting["state"] == "draft"
    office.approve(case_id)
    after = shown(client, made)
    assert after["title"] == "新标题"
    again = office.act("officer", "govopen_pending_revision_show", id=waiting["id"])
    assert again["state"] == "published"
    assert after["resources"][0]["size"] == len(table(1))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"row_change_bound": 1.5}, "refresh.E2"),
        ({"row_change_bound": "many"}, "refresh.E2"),
        ({"row_change_bound": "1e-99999"}, "refresh.E2"),
        ({"row_change_bound": "0." + "1" * 20_000}, "refresh.E2"),
        ({"masking": {"没有的列": "mask"}}, "refresh.E7"),
        ({"expires_on": "2020-01-01"}, "refresh.E3"),
        ({"expires_on": "2199-01-01"}, "refresh.E3"),
    ],
)
def test_a_rule_that_promises_too_much_is_refused(
    office: Office, values: dict[str, Any], code: str
) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        propose(office, office.draft(data=table(0)), **values)
    assert str(getattr(caught.value, "govopen", {}).get("code")) == code


def test_a_rule_of_another_dataset_is_refused(office: Office) -> None:
    made, _ = ruled(office)
    _, rule = ruled(office)
    with pytest.raises(tk.ValidationError) as caught:
        bring(office, made, rule, table(1))
    assert str(getattr(caught.value, "govopen", {}).get("code")) == "refresh.E1"
