"""The pages of lists: an officer adjusts, an approver approves, a visitor reads and compares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lists_kit import adjust, begin, change, edit, power
from publishing_kit import Office
from publishing_kit import office as open_office
from test_change_pages import read, signed_in

BASIS = "《城市道路管理条例》第三十一条"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    """One office, whose forms are sent without a token; the other tests' check it again."""
    application.config["WTF_CSRF_ENABLED"] = False
    try:
        with open_office(application) as one:
            yield one
    finally:
        application.config["WTF_CSRF_ENABLED"] = True


def revision_of(page: str) -> str:
    return page.split('name="revision" value="', 1)[1].split('"', 1)[0]


def send(client: FlaskClient, path: str, **data: Any) -> str:
    """Posts a form and gives the address that it leads to."""
    answer = client.post(path, data=data)
    assert answer.status_code == 302, answer.get_data(as_text=True)[-6000:]
    return urlsplit(answer.headers["Location"]).path


def typed(office: Office, name: str) -> dict[str, str]:
    return {
        "field-name": name,
        "field-power_type": "行政许可",
        "field-exercising_body": f"测试局{office.mark}",
        "field-legal_basis": BASIS,
    }


def test_an_adjustment_goes_from_the_form_to_the_public_notice(office: Office) -> None:
    with signed_in(office, "officer") as client:
        assert "开始一次调整" in read(client, "/workbench/registers")
        draft = send(
            client, "/workbench/registers", unit=office.unit_id, register_type="power_list"
        )
        page = read(client, draft)
        assert "没有任何条目" in page
        send(
            client,
            draft,
            revision=revision_of(page),
            basis="云政发〔2026〕12 号",
            reason="新增许可",
            effective_on=office.days_ahead(-3),
            approved_on=office.days_ahead(-2),
            prose="依条例新增。",
        )
        form = read(client, f"{draft}/entry?kind=add")
        assert "行使主体" in form
        assert "权力类型" in form
        saved = typed(office, "道路占用许可")
        send(client, f"{draft}/entry", revision=revision_of(form), kind="add", **saved)
        page = read(client, draft)
        assert "道路占用许可" in page
        assert "个工作日" in page
        preview = read(client, f"{draft}/preview")
        assert "依条例新增。" in preview
        assert "道路占用许可" in preview
        case = send(client, f"{draft}/submit", revision=revision_of(page))
    with signed_in(office, "approver") as client:
        desk = read(client, case)
    assert "权力类型" in desk
    assert "行政许可" in desk
    office.approve(case.rpartition("/")[2])
    visitor = office.application.test_client()
    index = read(visitor, "/registers?register_type=power_list")
    register = index.split(f"测试局{office.mark}", 1)[1].split('href="', 1)[1].split('"', 1)[0]
    shown = read(visitor, register)
    assert "道路占用许可" in shown
    assert "按期" in shown
    notice = read(visitor, f"{register}/notices/1")
    assert "依条例新增。" in notice
    assert "云政发〔2026〕12 号" in notice


def test_the_parts_of_a_split_are_written_one_by_one_on_the_form(office: Office) -> None:
    whole = adjust(office, change("add", None, power(office, "占用城市道路")), effective_on=-20)
    code = whole["items"][0]["entry_code"]
    draft_id = begin(office)["id"]
    form = f"/workbench/registers/{draft_id}/entry"
    asked = {"kind": "split", "entry_code": code, **typed(office, "占用城市道路")}
    with signed_in(office, "officer") as client:
        page = read(client, f"{form}?kind=split&entry_code={code}")
        asked["revision"] = revision_of(page)
        named = {**asked, "extra-parts": "占用人行道\n占用车行道", "show_fields": "1"}
        page = client.post(form, data=named).get_data(as_text=True)
        assert 'name="part-0-field-name" value="占用人行道"' in page
        assert 'name="part-1-field-exercising_body"' in page
        parts = {}
        for number, name in enumerate(("占用人行道", "占用车行道", "占用桥面")):
            parts |= {f"part-{number}-{key}": value for key, value in typed(office, name).items()}
            parts[f"part-{number}-code"] = ""
        parts |= {"part-1-field-legal_basis": "《公路法》第四十四条", "part-2-drop": "true"}
        wrong = client.post(form, data={**asked, **parts, "part-0-field-power_type": "许可证"})
        assert wrong.status_code == 409
        assert 'id="e-part-0-field-power_type"' in wrong.get_data(as_text=True)
        send(client, form, **asked, **parts)
        page = read(client, f"{form}?entry_code={code}")
        assert 'name="part-1-field-name" value="占用车行道"' in page
        assert "part-2-" not in page
    shown = office.act("officer", "govopen_register_draft_show", id=draft_id)
    first, second = shown["items"][0]["extra"]["parts"]
    assert second["fields"]["legal_basis"] == [{"title": "公路法", "article": "第四十四条"}]
    assert first["entry_code"] != second["entry_code"]
    assert [one["code"] for one in shown["findings"] if one["is_refusal"]] == []


@pytest.fixture(scope="module")
def list_of(office: Office) -> tuple[str, str]:
    """A published list with an entry that was changed since; its address and the entry's code."""
    draft = adjust(office, change("add", None, power(office, "比较事项")), effective_on=-20)
    code = draft["items"][0]["entry_code"]
    adjust(office, change("change", code, power(office, "比较事项（新）")), effective_on=-5)
    return f"/registers/{draft['register_id']}", code


def test_two_dates_are_compared_cell_by_cell_in_both_languages(
    office: Office, list_of: tuple[str, str]
) -> None:
    register, code = list_of
    visitor = office.application.test_client()
    days = f"from={office.days_ahead(-10)}&to={office.days_ahead(0)}"
    for prefix, word in (("", "权力名称"), ("/en", "Power")):
        page = read(visitor, f"{prefix}{register}/diff?{days}")
        assert '<del class="go-old">比较事项</del>' in page
        assert '<ins class="go-new">比较事项（新）</ins>' in page
        assert word in page
    rows = read(visitor, f"{register}/diff.csv?{days}")
    assert f"{code},比较事项（新）,changed,权力名称,比较事项,比较事项（新）" in rows


def test_every_page_of_a_list_has_its_files(office: Office, list_of: tuple[str, str]) -> None:
    register, code = list_of
    visitor = office.application.test_client()
    for page in ("", "/notices", "/notices/2", "/diff"):
        for kind in ("csv", "xlsx", "json"):
            assert visitor.get(f"{register}{page}.{kind}").status_code == 200, (page, kind)
    assert "比较事项（新）" in read(visitor, f"{register}.csv")
    assert "比较事项（新）" in read(visitor, f"{register}/entries/{code}")
    assert "所用工作日" in read(visitor, f"{register}/notices")
    assert "记录链完整" in read(visitor, f"{register}/verify")
    assert visitor.get(f"{register}/notices/99").status_code == 404
    assert visitor.get(f"{register}/notices/x").status_code == 404


def test_as_known_before_the_change_the_old_name_stands(
    office: Office, list_of: tuple[str, str]
) -> None:
    register, _ = list_of
    visitor = office.application.test_client()
    old = read(visitor, f"{register}?as_of={office.days_ahead(-10)}")
    assert "比较事项（新）" not in old.split("清单调整公告")[0]


def test_who_saves_second_sees_what_the_first_wrote_and_loses_nothing(office: Office) -> None:
    draft = begin(office)
    code = f"P-{office.mark}"
    page = f"/workbench/registers/{draft['id']}"
    with signed_in(office, "officer") as client:
        form = read(client, f"{page}/entry?kind=add&entry_code={code}")
        edit(office, draft, change("add", code, power(office, "先写的")))
        answer = client.post(
            f"{page}/entry",
            data={
                "revision": revision_of(form),
                "kind": "add",
                "entry_code": code,
                **typed(office, "后写的"),
            },
        )
        text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "对方填写的内容" in text
    assert "先写的" in text
    assert 'value="后写的"' in text


def test_bad_input_is_answered_at_its_field_and_kept(office: Office) -> None:
    draft = begin(office)
    page = f"/workbench/registers/{draft['id']}"
    with signed_in(office, "officer") as client:
        wrong = {**typed(office, "坏输入"), "field-power_type": "不存在的类型"}
        answer = client.post(
            f"{page}/entry", data={"revision": draft["revision"], "kind": "add", **wrong}
        )
        text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "不存在的类型" in text
    assert 'value="坏输入"' in text


@pytest.mark.parametrize("kind", ["cancel", "merge", "split", "transfer", "convert", "correct"])
def test_the_form_of_each_kind_asks_for_what_it_needs(
    office: Office, list_of: tuple[str, str], kind: str
) -> None:
    _, code = list_of
    draft = begin(office)
    with signed_in(office, "officer") as client:
        page = f"/workbench/registers/{draft['id']}"
        form = read(client, f"{page}/entry?kind={kind}&entry_code={code}")
        found = read(client, f"{page}?q=比较")
    assert 'name="extra-' in form
    assert f"kind={kind}" in found
