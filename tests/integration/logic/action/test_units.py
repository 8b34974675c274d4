"""Units: versions in valid time, succession, and who may write them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.units import uscc_check_character
from ckanext.govopen.logic.errors import part_of

PASSWORD = "Units-0-Pages"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@contextmanager
def signed_in(office: Office, person: str) -> Iterator[FlaskClient]:
    """A browser of a person; forms are posted without the pages' marks against forgery."""
    with office.application.test_request_context("/"):
        model.User.get(office.name(person)).password = PASSWORD
        model.repo.commit()
    office.application.config["WTF_CSRF_ENABLED"] = False
    try:
        with office.application.test_client() as client:
            form = {"login": office.name(person), "password": PASSWORD}
            assert client.post("/user/login", data=form).status_code == 302
            yield client
    finally:
        office.application.config["WTF_CSRF_ENABLED"] = True


def make(office: Office, name: str, **facts: Any) -> dict[str, Any]:
    values = {
        "valid_from": "2020-01-01",
        "local_scheme": "test",
        "local_code": f"{name}{office.mark}",
        **facts,
    }
    return dict(
        office.act(
            "approver",
            "govopen_unit_create",
            name=f"{name}{office.mark}",
            basis="云编发〔2020〕1号",
            **values,
        )
    )


def number_of(office: Office) -> int:
    """A number of this run: codes are unique in a database that is kept."""
    return int.from_bytes(office.mark.encode(), "big") % 10**13


def shown(office: Office, unit_id: str) -> dict[str, Any]:
    with office.application.test_request_context("/"):
        return dict(tk.get_action("govopen_unit_show")({}, {"id": unit_id}))


def test_anybody_finds_a_unit_by_id_name_or_code(office: Office) -> None:
    unit = make(office, "甲局")
    for reference in (unit["id"], unit["name"], unit["local_code"], unit["slug"]):
        assert shown(office, reference)["id"] == unit["id"]


@pytest.mark.parametrize("person", ["officer", "stranger"])
def test_only_the_authorities_make_units(office: Office, person: str) -> None:
    with pytest.raises(tk.NotAuthorized):
        office.act(person, "govopen_unit_create", name=f"私设局{office.mark}")


def test_a_wrong_code_is_refused_with_the_right_one(office: Office) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        make(office, "错局", uscc="11990100001003182K")
    assert "11990100001003182J" in str(caught.value.error_dict)


@pytest.mark.parametrize(
    ("column", "bad"),
    [
        ("officers", "abc"),
        ("officers", ["张三"]),
        ("in_scope_opening", "2020"),
        ("kind", None),
        ("valid_from", "9999-12-31"),
        ("parent_id", "no-such-unit"),
        ("unit_id", "another"),
        ("slug", "elsewhere"),
    ],
)
def test_a_malformed_column_is_refused_and_the_lists_stand(
    office: Office, client: FlaskClient, column: str, bad: object
) -> None:
    unit = make(office, f"形局{column}{bad}"[:30])
    with pytest.raises(tk.ValidationError) as caught:
        office.act("approver", "govopen_unit_update", id=unit["id"], **{column: bad})
    assert column in caught.value.error_dict
    assert shown(office, unit["id"]) == unit
    assert client.get(f"/organization/{unit['slug']}").status_code == 200
    assert client.get("/api/3/action/govopen_unit_list?limit=1000").status_code == 200


def test_null_for_a_list_is_an_empty_one(office: Office) -> None:
    scope = [{"from": "2021-01-01", "to": None}]
    unit = make(office, "空列局", in_scope_opening=scope, doc_prefixes=None)
    assert unit["doc_prefixes"] == []
    changed = office.act("approver", "govopen_unit_update", id=unit["id"], in_scope_opening=None)
    assert changed["in_scope_opening"] == []


def test_a_code_belongs_to_one_unit_and_superiors_form_no_ring(office: Office) -> None:
    body = f"1199{number_of(office):013d}"
    code = body + uscc_check_character(body)
    above = make(office, "上级局", uscc=code)
    below = make(office, "下级局", parent_id=above["id"])
    for column, value, rule in (
        ("uscc", code, "units.E3"),
        ("local_code", above["local_code"], "units.E13"),
        ("parent_id", below["id"], "units.E10"),
    ):
        with pytest.raises(tk.ValidationError) as caught:
            office.act("approver", "govopen_unit_update", id=below["id"], **{column: value})
        assert part_of(caught.value)["code"] == rule
    with pytest.raises(tk.ValidationError) as caught:
        make(office, "重号局", uscc=code)
    assert part_of(caught.value)["code"] == "units.E3"
    with pytest.raises(tk.ValidationError) as caught:
        office.act("approver", "govopen_unit_update", id=above["id"], parent_id=below["id"])
    assert below["name"] in part_of(caught.value)["hint"]


def test_a_change_of_name_keeps_the_code_that_the_unit_has(office: Office) -> None:
    unit = make(office, "守号局")
    changed = office.act(
        "approver", "govopen_unit_update", id=unit["id"], local_code=unit["local_code"],
        name=f"守号新局{office.mark}",
    )  # fmt: skip
    assert changed["local_code"] == unit["local_code"]


def test_scope_alone_can_be_changed_on_a_unit_that_has_a_code(office: Office) -> None:
    unit = make(office, "乙局")
    changed = office.act(
        "approver",
        "govopen_unit_update",
        id=unit["id"],
        in_scope_opening=[{"from": "2021-01-01", "to": None}],
    )
    assert changed["in_scope_opening"] == [{"from": "2021-01-01", "to": None}]
    assert changed["local_code"] == unit["local_code"]


def test_a_planned_change_leaves_the_unit_as_it_is_until_its_day(office: Office) -> None:
    unit = make(office, "丙局")
    office.act(
        "approver", "govopen_unit_update", id=unit["id"], short_name="新名", from_on="2199-01-01"
    )
    assert shown(office, unit["id"])["short_name"] is None


def test_a_merger_names_its_successor_and_ends_the_unit(office: Office) -> None:
    old, new = make(office, "旧局"), make(office, "新局")
    with pytest.raises(tk.ValidationError):
        office.act(
            "approver",
            "govopen_unit_reform",
            unit=old["id"],
            kind="merge_into",
            date="2024-03-01",
            basis="b",
        )
    office.act(
        "approver",
        "govopen_unit_reform",
        unit=old["id"],
        kind="merge_into",
        other=new["id"],
        date="2024-03-01",
        basis="云编发〔2024〕2号",
    )
    assert shown(office, old["id"])["valid_to"] == "2024-03-01"
    assert shown(office, new["id"])["successions"][0]["unit_id"] == old["id"]


def test_officers_are_shown_only_where_they_are_public(office: Office) -> None:
    officers = [
        {"kind": "in_charge", "name": "公开者", "public": True},
        {"kind": "staff", "name": "不公开者", "public": False},
    ]
    unit = make(office, "丁局", officers=officers)
    assert [each["name"] for each in shown(office, unit["id"])["officers"]] == ["公开者"]


def test_unknown_parameters_are_refused(office: Office) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        office.act("approver", "govopen_unit_list", colour="red")
    assert "colour" in caught.value.error_dict


def test_a_unit_without_data_leaves_the_base_by_two_people_and_for_a_year(
    office: Office, client: FlaskClient
) -> None:
    scope = [{"from": "2020-01-01", "to": None}]
    unit = make(office, "无数据局", in_scope_opening=scope)
    about = {"unit": unit["id"]}
    with pytest.raises(tk.ValidationError):
        office.act("approver", "govopen_unit_update", id=unit["id"], no_data_declared=[])
    with pytest.raises(tk.NotAuthorized):
        office.act("stranger", "govopen_no_data_declare", **about, reason="无")
    with pytest.raises(tk.ValidationError) as caught:
        office.act("approver", "govopen_no_data_declare", **about, reason=" ")
    assert part_of(caught.value)["code"] == "rates.E6"
    office.act("approver", "govopen_no_data_declare", **about, reason="只办内部事务")
    assert bases(office, unit["id"]) == {"headline": 1, "strict": 1, "effective": 1}
    assert shown(office, unit["id"])["no_data_declared"] == []
    with pytest.raises(tk.NotAuthorized) as caught_own:
        office.act("approver", "govopen_no_data_decide", **about, decision="approve")
    assert part_of(caught_own.value)["code"] == "units.E18"
    office.hire("second", ("data_authority",))
    made = office.act("second", "govopen_no_data_decide", **about, decision="approve")
    [declared] = made["declarations"]
    assert bases(office, unit["id"]) == {"headline": 0, "strict": 1, "effective": 0}
    [row] = office.act("stranger", "govopen_rate_row_list", rate="open_unit_rate",
                       side="excluded", **about)["items"]  # fmt: skip
    assert (row["reason"], row["to"]) == ("no_data", declared["review_due"])
    [public] = shown(office, unit["id"])["no_data_declared"]
    assert public["approved_by"]
    assert "declared_by" not in public
    assert "只办内部事务" in client.get(f"/organization/{unit['slug']}").get_data(as_text=True)
    listed = office.act("second", "govopen_no_data_list")["items"]
    assert [one["state"] for one in listed if one["unit"] == unit["id"]] == ["running"]
    office.act("second", "govopen_no_data_decide", **about, decision="end")
    assert bases(office, unit["id"])["headline"] == 1


def test_of_two_who_decide_on_a_declaration_at_once_one_finds_it_decided(office: Office) -> None:
    about = {"unit": make(office, "同时局")["id"]}
    office.act("approver", "govopen_no_data_declare", **about, reason="只办内部事务")
    office.hire("fifth", ("data_authority",))
    office.hire("sixth", ("data_authority",))
    answers: list[str] = []
    start = threading.Barrier(2)

    def decide(person: str, decision: str) -> None:
        start.wait()
        try:
            office.act(person, "govopen_no_data_decide", **about, decision=decision)
            answers.append("decided")
        except tk.ValidationError as error:
            answers.append(part_of(error)["code"])
        finally:
            model.Session.remove()

    said = (("fifth", "approve"), ("sixth", "refuse"))
    people = [threading.Thread(target=decide, args=one) for one in said]
    for each in people:
        each.start()
    for each in people:
        each.join(60)
    assert sorted(answers) == ["decided", "units.E17"]


def test_a_dataset_names_who_answers_for_its_unit_and_the_unit_that_published_it(
    application: Flask, office: Office, client: FlaskClient
) -> None:
    heir = make(office, "承接局")
    with open_office(application) as ended:
        made = ended.published()
        before = client.get(f"/dataset/{made['name']}").get_data(as_text=True)
        assert heir["name"] not in before
        middle = make(office, "过渡局")
        for giver, receiver in ((ended.unit_id, middle["id"]), (middle["id"], heir["id"])):
            office.act("approver", "govopen_unit_reform", unit=giver, kind="merge_into",
                       other=receiver, date=office.days_ahead(0), basis="云编发3号")  # fmt: skip
        page = client.get(f"/dataset/{made['name']}").get_data(as_text=True)
        assert heir["name"] in page
        assert f"测试局{ended.mark}" in page
        assert middle["name"] not in page
        found = shown(office, ended.unit_id)
        assert (found["successor"]["id"], found["former_units"]) == (heir["id"], [])
        former = {one["id"] for one in shown(office, heir["id"])["former_units"]}
        assert former == {ended.unit_id, middle["id"]}
        unit = client.get(f"/organization/{found['slug']}").get_data(as_text=True)
        assert f"/organization/{heir['slug']}" in unit


def test_the_form_keeps_the_fields_that_a_unit_leads(office: Office) -> None:
    unit = make(office, "牵头局", oversees=["work_safety"])
    page = f"/workbench/units/{unit['id']}"
    form = {
        name: unit[name] or ""
        for name in ("name", "local_scheme", "local_code", "kind", "level", "region_code",
                     "valid_from")
    }  # fmt: skip
    with signed_in(office, "approver") as keeper:
        assert 'value="work_safety" checked' in keeper.get(page).get_data(as_text=True)
        chosen = {**form, "reason": "职责调整", "oversees": ["work_safety", "taxation"]}
        assert keeper.post(page, data=chosen).status_code == 302
    assert shown(office, unit["id"])["oversees"] == ["work_safety", "taxation"]


def test_the_page_of_a_unit_declares_and_says_who_decides(office: Office) -> None:
    unit = make(office, "声明局")
    page = f"/workbench/units/{unit['id']}"
    with signed_in(office, "approver") as keeper:
        late = {"empty-reason": "无", "empty-review_due": office.days_ahead(500)}
        answer = keeper.post(f"{page}/no-data", data=late)
        assert answer.status_code == 409
        assert office.days_ahead(500) in answer.get_data(as_text=True)
        due = {**late, "empty-review_due": office.days_ahead(300)}
        assert keeper.post(f"{page}/no-data", data=due).status_code == 302
        text = keeper.get(page).get_data(as_text=True)
        assert 'value="approve"' not in text
        assert office.days_ahead(300) in text
        assert unit["name"] in keeper.get("/workbench/units").get_data(as_text=True)
    office.hire("fourth", ("data_authority",))
    with signed_in(office, "fourth") as other:
        assert 'value="approve"' in other.get(page).get_data(as_text=True)
        assert other.post(f"{page}/no-data", data={"empty-decision": "approve"}).status_code == 302
    assert len(shown(office, unit["id"])["no_data_declared"]) == 1


def bases(office: Office, unit_id: str) -> dict[str, int]:
    figure = office.act("stranger", "govopen_rate_show", rate="open_unit_rate", unit=unit_id)
    return {name: one["denominator"] for name, one in figure["variants"].items()}
