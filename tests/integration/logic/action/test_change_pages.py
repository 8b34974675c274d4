"""The workbench's pages for changing what is public, by one signed-in person after another."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import CSV, Office
from publishing_kit import office as open_office

import ckan.model as model

from ckanext.govopen.domain.inventory_items import text_of

PASSWORD = "correct-horse-battery-7"
NEWER = CSV.replace(b"12", b"13", 1)


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    """One office, whose forms are sent without a token; the other tests' check it again."""
    application.config["WTF_CSRF_ENABLED"] = False
    try:
        with open_office(application) as one:
            yield one
    finally:
        application.config["WTF_CSRF_ENABLED"] = True


@contextmanager
def signed_in(office: Office, person: str) -> Iterator[FlaskClient]:
    with office.application.test_request_context("/"):
        user = model.User.get(office.name(person))
        user.password = PASSWORD
        model.repo.commit()
    with office.application.test_client() as client:
        form = {"login": office.name(person), "password": PASSWORD}
        assert client.post("/user/login", data=form).status_code == 302
        yield client


def read(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


def test_an_officer_proposes_a_revision_and_an_approver_reads_it(office: Office) -> None:
    made = office.published(title="停车场")
    page = f"/workbench/datasets/{made['name']}/changes"
    with signed_in(office, "officer") as client:
        assert page in read(client, f"/workbench/datasets/{made['name']}")
        public = read(client, f"/dataset/{made['name']}")
        assert page in public
        assert "/dataset/edit/" not in public, "what is public is not edited"
        assert "提出修订" in read(client, page)
        resource = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
        answer = client.post(
            page,
            data={
                "note": "改了一行",
                "title": "泊位名录",
                f"description-{resource}": "每月更新\r\n含泊位数",
                f"full_text-{resource}": "no",
                f"file-{resource}": (BytesIO(NEWER), "data.csv"),
            },
        )
        assert answer.status_code == 302, answer.get_data(as_text=True)[:2000]
        revision = urlsplit(answer.headers["Location"]).path
        shown = read(client, revision)
        assert "改了一行" in shown
        assert "1 个文件" in shown
        proposed = office.act(
            "officer", "govopen_pending_revision_show", id=revision.rsplit("/", 1)[1]
        )["dataset"]["resources"][0]
        assert proposed["full_text"] == "no"
        assert proposed["description"].splitlines() == ["每月更新", "含泊位数"]
        file = client.get(f"{revision}/files/{resource}")
        assert file.data == NEWER
        assert file.headers["Content-Disposition"].startswith("attachment")
        assert "改了一行" in read(client, page)
        answer = client.post(f"{revision}/submit", data={})
        assert answer.status_code == 302
        case = urlsplit(answer.headers["Location"]).path
    with signed_in(office, "approver") as client:
        shown = read(client, case)
        assert "泊位名录" in shown
        assert "改了一行" in shown, "why it changes is not told where it is decided"
        assert f"{revision}/files/{resource}" in shown, "the new file cannot be opened"
        assert client.get(f"{revision}/files/{resource}").data == NEWER
        assert "提出修订" not in read(client, page)
    for path in (page, revision, f"{revision}/files/{resource}", "/workbench/refreshes"):
        assert office.application.test_client().get(path).status_code == 302  # to the sign-in
    with signed_in(office, "stranger") as client:
        for path in (revision, f"{revision}/files/{resource}"):
            assert client.get(path).status_code in (403, 404)


def test_a_rule_is_proposed_signed_shown_and_revoked(office: Office) -> None:
    made = office.published()
    page = f"/workbench/datasets/{made['name']}/changes"
    last = office.days_ahead(100)
    with signed_in(office, "officer") as client:
        facts = {"row_change_bound": "60", "expires_on": last, "system": ""}
        answer = client.post(f"/workbench/datasets/{made['name']}/rules", data=facts)
        assert answer.status_code == 302, answer.get_data(as_text=True)[:2000]
        rule = office.act("officer", "govopen_refresh_rule_list", id=made["id"])["items"][0]
        assert rule["row_change_bound"] == 0.6
        answer = client.post(f"/workbench/datasets/{made['name']}/rules/{rule['id']}/submit")
        case = urlsplit(answer.headers["Location"]).path
    with signed_in(office, "approver") as client:
        assert "数据更新规则" in read(client, case)
    office.approve(case.rsplit("/", 1)[1])
    resource = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    from publishing_kit import upload

    done = office.act(
        "officer", "govopen_pending_revision_create", id=made["id"], note="更新",
        rule=rule["id"], resource=resource, upload=upload(NEWER, "x.csv"),
    )  # fmt: skip
    assert done["state"] == "published"
    with signed_in(office, "approver") as client:
        assert f"/{made['name']}/changes" in read(client, "/workbench/refreshes")
        assert "/workbench/refreshes" in read(client, "/workbench")
        assert "停用系统" not in read(client, page)
        answer = client.post(
            f"/workbench/datasets/{made['name']}/rules/{rule['id']}/revoke",
            data={"reason": "停用系统"},
        )
        assert answer.status_code == 302
        assert "停用系统" in read(client, page)


def test_what_is_refused_is_said_on_the_page(office: Office) -> None:
    made = office.published()
    with signed_in(office, "officer") as client:
        answer = client.post(
            f"/workbench/datasets/{made['name']}/changes", data={"note": "什么也没有改"}
        )
        assert answer.status_code == 409
        assert "完全相同" in answer.get_data(as_text=True)
        answer = client.post(
            f"/workbench/datasets/{made['name']}/rules",
            data={"row_change_bound": "x", "expires_on": "2020-01-01"},
        )
        assert answer.status_code == 409


def test_the_form_of_a_new_entry_is_empty(office: Office) -> None:
    with signed_in(office, "officer") as client:
        shown = read(client, "/workbench/inventory/new")
        assert 'name="items"' in shown
        assert "built-in" not in shown


ROW = {"name_zh": "姓名", "data_type": "C", "length": "20", "sensitive": "personal"}
HIDDEN = {"description": "法定代表人；姓名", "mask_rule": "truncate", "nullable": "false"}


def rows(*items: dict[str, str], **more: str) -> dict[str, str]:
    """The inputs of a table of items."""
    said = {
        f"item-{number}-{name}": value
        for number, item in enumerate(items)
        for name, value in item.items()
    }
    return {"item-rows": str(len(items)), **said, **more}


def test_items_of_an_entry_are_kept_in_a_table_that_drops_nothing(office: Office) -> None:
    def stored() -> list[dict[str, Any]]:
        shown = office.act("officer", "govopen_data_resource_show", id=code)
        return list(shown["fields"].get("items") or [])

    with signed_in(office, "officer") as client:
        basic = {"unit": office.unit_id, "name": "表格条目", "rows": "12"}
        one, two = {**ROW, **HIDDEN}, {"name_zh": "泊位", "data_type": "I"}
        more = client.post(
            "/workbench/inventory/new", data={**basic, **rows(one), "more_items": "x"}
        )
        text = more.get_data(as_text=True)
        assert (more.status_code, text.count('name="item-13-name_zh"')) == (200, 1)
        assert "法定代表人；姓名" in text

        data = {**basic, **rows(one, {}, two)}
        made = client.post("/workbench/inventory/new", data=data)
        assert made.status_code == 302
        page = urlsplit(made.headers["Location"]).path
        code = page.rsplit("/", 1)[1]
        full = {**ROW, "length": 20, **HIDDEN, "nullable": False}
        assert stored() == [full, two]

        same = {**basic, "items": text_of(stored())}
        assert client.post(page, data={**same, **rows(one, two)}).status_code == 302
        office_view = read(client, page)
        assert 'value="truncate"' in office_view
        assert stored() == [full, two]

        removed = rows(one, {**two, "remove": "true"}, {"name_zh": "日期", "data_type": "D"})
        assert client.post(page, data={**same, **removed}).status_code == 302
        assert stored() == [full, {"name_zh": "日期", "data_type": "D"}]

        now = {**basic, "items": text_of(stored()) + "；费用:Y"}
        both = client.post(page, data={**now, **rows(one)})
        assert (both.status_code, len(stored())) == (409, 2)
        kept = rows(one, {"name_zh": "日期", "data_type": "D"})
        assert client.post(page, data={**now, **kept}).status_code == 302
        assert [item["name_zh"] for item in stored()] == ["姓名", "日期", "费用"]
        assert stored()[0] == full
        wrong = client.post(page, data={**basic, **rows({**one, "length": "很长"})})
        assert wrong.status_code == 409
        assert 'value="很长"' in wrong.get_data(as_text=True)
