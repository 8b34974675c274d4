"""An entry of a published list that is taken back: nobody reads it anywhere, and the list verifies."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import psycopg2
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from lists_kit import adjust, change, listed, power
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.cli import govopen
from ckanext.govopen.logic.errors import part_of
from ckanext.govopen.logic.register_chain import VERIFIER, chain_lines
from ckanext.govopen.model import audit as audit_store

WORD = f"机要{uuid4().hex[:8]}"
WHY = "条目里写了不该公开的内容"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture(scope="module")
def entry(office: Office) -> dict[str, str]:
    """A power that was published twice, each time with a word that is in nothing else."""
    draft = adjust(office, change("add", None, power(office, f"{WORD}甲")),
                   change("add", None, power(office, "无关事项")), effective_on=-20)  # fmt: skip
    code = next(one["entry_code"] for one in draft["items"] if WORD in one["name"])
    fields = power(office, f"{WORD}乙")
    adjust(office, change("change", code, fields), effective_on=-10)
    return {"register": str(draft["register_id"]), "entry_code": str(code)}


def pages(entry: dict[str, str]) -> dict[str, str]:
    """Every address where a visitor reads of an entry, by what it is."""
    register, code = entry["register"], entry["entry_code"]
    days = f"from={_day(-30)}&to={_day(0)}"
    now, api = clock.now().isoformat().replace("+", "%2B"), "/api/3/action/govopen_register"
    return {
        "list": f"/registers/{register}",
        "list as a file": f"/registers/{register}.csv",
        "workbook": f"/registers/{register}.xlsx",
        "before": f"/registers/{register}.json?as_of={_day(-15)}",
        "as known now": f"/registers/{register}.json?known_at={now}",
        "found by its name": f"/registers/{register}.json?q={WORD}",
        "entry": f"/registers/{register}/entries/{code}",
        "difference": f"/registers/{register}/diff?{days}",
        "difference as a file": f"/registers/{register}/diff.json?{days}",
        "notice": f"/registers/{register}/notices/1",
        "later notice": f"/registers/{register}/notices/2.json",
        "chain": f"/registers/{register}/chain.jsonl",
        "all lists of the type": f"/registers/types/power_list.json?q={WORD}",
        "entries": f"{api}_entry_list?id={register}&as_of={_day(-15)}",
        "history": f"{api}_entry_show?id={register}&entry_code={code}",
        "history without a list": f"{api}_entry_show?register_type=power_list&entry_code={code}",
        "notices": f"{api}_notice_show?register={register}&number=2",
        "differences": f"{api}_diff?id={register}&{days}",
    }


def _day(ahead: int) -> str:
    return (clock.today() + timedelta(days=ahead)).isoformat()


def told(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code in (200, 404), path
    if path.endswith(".xlsx"):
        return str([[cell.value for cell in row] for row in _sheet(answer.data)])
    text = answer.get_data(as_text=True)
    return json.dumps(answer.get_json(), ensure_ascii=False) if answer.is_json else text


def _sheet(body: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(body)).worksheets[0]


def telling(client: FlaskClient, entry: dict[str, str], application: Flask) -> set[str]:
    with application.test_request_context("/"):
        asked = pages(entry)
    return {name for name, path in asked.items() if WORD in told(client, path).replace(
        f"q={WORD}", "").replace(f'value="{WORD}"', "")}  # fmt: skip


def test_a_hidden_entry_is_read_nowhere_until_a_second_person_lifts_it(
    office: Office, entry: dict[str, str], client: FlaskClient, application: Flask
) -> None:
    with application.test_request_context("/"):
        everywhere = set(pages(entry))
    assert telling(client, entry, application) == everywhere, "each of them tells of it"
    count = _count(office, entry)
    with pytest.raises(tk.NotAuthorized):
        office.act_signed_in("officer", "govopen_entry_hide", **entry, reason=WHY)
    with pytest.raises(tk.NotAuthorized):  # with a token nobody decides
        office.act("approver", "govopen_entry_hide", **entry, reason=WHY)
    with pytest.raises(tk.ValidationError):
        office.act_signed_in("approver", "govopen_entry_hide", **entry, reason=" ")
    office.act_signed_in("approver", "govopen_entry_hide", **entry, reason=WHY)
    assert telling(client, entry, application) == set()
    assert _count(office, entry) == count - 1
    gone = client.get(f"/registers/{entry['register']}/entries/{entry['entry_code']}")
    absent = client.get(f"/registers/{entry['register']}/entries/990100-9999999")
    assert (gone.status_code, absent.status_code) == (404, 404)
    _refused(office, "approver", entry, "lifted", tk.NotAuthorized)
    with application.test_request_context("/"):
        waits = office.act_signed_in("second", "govopen_work_show")["hidings"]
    assert entry["entry_code"] in {one.get("entry_code") for one in waits}
    said = {**entry, "result": "lifted", "reason": "内容可以公开"}
    office.act_signed_in("second", "govopen_entry_hide_settle", **said)
    assert telling(client, entry, application) == everywhere
    _refused(office, "second", entry, "confirmed", tk.ValidationError)


def _count(office: Office, entry: dict[str, str]) -> int:
    with office.application.test_request_context("/"):
        shown = tk.get_action("govopen_register_show")({}, {"id": entry["register"]})
    return int(shown["entries"])


def _refused(
    office: Office, person: str, entry: dict[str, str], result: str, error: type[Exception]
) -> None:
    said = {**entry, "result": result, "reason": WHY}
    with pytest.raises(error):
        office.act_signed_in(person, "govopen_entry_hide_settle", **said)


@pytest.mark.parametrize("person", ["stranger", "approver"])
def test_the_page_of_an_entry_is_for_people_of_its_unit(
    office: Office, entry: dict[str, str], monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    monkeypatch.setitem(office.application.config, "WTF_CSRF_ENABLED", False)
    path = f"/workbench/registers/{entry['register']}/entries/{entry['entry_code']}/hiding"
    client = _signed_in(office, person)
    answer = client.get(path)
    assert answer.status_code == (404 if person == "stranger" else 200)
    public = client.get(f"/registers/{entry['register']}/entries/{entry['entry_code']}")
    assert (path in public.get_data(as_text=True)) is (person == "approver")
    if person == "approver":
        for what, form, state in (("hide", {}, 409), ("hide", {"reason": WHY}, 302)):
            assert client.post(f"{path}/{what}", data=form).status_code == state
        assert WHY in client.get(path).get_data(as_text=True)
        assert (
            client.post(f"{path}/settle", data={"settle": "lift", "reason": "x"}).status_code == 409
        )
        client = _signed_in(office, "second")
        for said, state in (({}, 400), ({"settle": "x"}, 400), ({"settle": "lift"}, 302)):
            answer = client.post(f"{path}/settle", data={**said, "reason": "x"})
            assert answer.status_code == state, said


def _signed_in(office: Office, person: str) -> FlaskClient:
    client = office.application.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = office.user_id(person), True
    return client


def test_what_is_withdrawn_stays_away_the_chain_holds_and_a_new_case_shows_what_it_says(
    office: Office, entry: dict[str, str], client: FlaskClient, application: Flask, tmp_path: Path
) -> None:
    for ground, reason in (("error", WHY), ("secrecy", "")):
        data = {**entry, "ground": ground, "reason": reason}
        with pytest.raises(tk.ValidationError):
            office.act("officer", "govopen_entry_withdraw", **data)
    name = f"{entry['register']}/{entry['entry_code']}"
    line = ["publication", "withdraw", name, "--reason", WHY, "--ground", "secrecy"]
    with application.test_request_context("/"):
        tried = CliRunner().invoke(govopen, [*line, "--user", office.name("officer"), "--dry-run"])
    assert (tried.exit_code, tried.stdout.strip()) == (0, f"{name}: withdrawn"), tried.output
    assert telling(client, entry, application)
    with application.test_request_context("/"):
        done = CliRunner().invoke(govopen, [*line, "--user", office.name("officer")])
    assert done.exit_code == 0, done.output
    assert telling(client, entry, application) == set()
    _verify(office, entry, tmp_path)
    with application.test_request_context("/"):
        rows = audit_store.listing(
            model.Session, {"object": f"register:{entry['register']}", "action": "entry"}, None, 9
        )
    assert [row["action"] for row in rows] == [
        "entry.withdrawn",
        *["entry.lifted", "entry.hidden"] * 2,
    ]
    adjust(office, change("change", entry["entry_code"], power(office, "改名后的事项")))
    assert (
        listed(office, entry["register"])[entry["entry_code"]]["fields"]["name"] == "改名后的事项"
    )
    assert telling(client, entry, application) == set(), "what was withdrawn stays away"
    _verify(office, entry, tmp_path)


def _verify(office: Office, entry: dict[str, str], folder: Path) -> None:
    """By the site, and by the program of a stranger that has the published chain alone."""
    file = folder / "chain.jsonl"
    with office.application.test_request_context("/"):
        found = tk.get_action("govopen_register_verify")({}, {"id": entry["register"]})
        file.write_text("".join(chain_lines(model.Session, entry["register"])), encoding="utf-8")
    assert found["holds"], found
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), str(file), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_to_lift_a_hiding_shows_nothing_that_had_been_withdrawn_before_it(
    office: Office, client: FlaskClient
) -> None:
    secret = f"已撤{uuid4().hex[:8]}"
    draft = adjust(office, change("add", None, power(office, secret)), effective_on=-20)
    code = next(one["entry_code"] for one in draft["items"] if one["name"] == secret)
    entry = {"register": str(draft["register_id"]), "entry_code": str(code)}
    office.act("officer", "govopen_entry_withdraw", **entry, ground="secrecy", reason=WHY)
    adjust(office, change("change", code, power(office, "撤后再公布的事项")))
    office.act_signed_in("approver", "govopen_entry_hide", **entry, reason=WHY)
    assert code not in listed(office, entry["register"])
    with pytest.raises(tk.ValidationError):  # there is nothing left to hide
        office.act_signed_in("approver", "govopen_entry_hide", **entry, reason=WHY)
    assert sorted(_at_once(office, entry, 2)) == ["lifted", "registers.E52"]
    assert listed(office, entry["register"])[code]["fields"]["name"] == "撤后再公布的事项"
    for path in (f"/registers/{entry['register']}/entries/{code}", *_lists(entry["register"])):
        assert secret not in told(client, path), path


def _lists(register: str) -> tuple[str, ...]:
    return f"/registers/{register}.json?as_of={_day(-2)}", f"/registers/{register}/chain.jsonl"


def _at_once(office: Office, entry: dict[str, str], times: int) -> list[str]:
    """What each gets to hear of as many who lift the hiding of this entry at the same moment."""
    answers: list[str] = []
    start = threading.Barrier(times)

    def lift() -> None:
        said = {**entry, "result": "lifted", "reason": "可以公开"}
        start.wait()
        try:
            done = office.act_signed_in("second", "govopen_entry_hide_settle", **said)
            answers.append(done["act"])
        except tk.ValidationError as error:
            answers.append(part_of(error)["code"])
        finally:
            model.Session.remove()

    people = [threading.Thread(target=lift) for _ in range(times)]
    for each in people:
        each.start()
    for each in people:
        each.join(60)
    return answers


def test_an_entry_of_the_inventory_leaves_lists_search_and_names_of_figures(
    office: Office, client: FlaskClient
) -> None:
    (code,) = office.add_entries(1, abstract=f"{WORD}" * 20)
    with office.application.test_request_context("/"):
        found = tk.get_action("govopen_data_resource_show")({"user": ""}, {"id": code})
        register = tk.get_action("govopen_register_list")(
            {}, {"unit": office.unit_id, "register_type": "data_inventory"}
        )["items"][0]["id"]
        owed = tk.get_action("govopen_owed_entry_list")({}, {"unit": office.unit_id})["items"]
    name = found["name"]
    assert name in {one["name"] for one in owed}
    asked = {
        "list": f"/api/3/action/govopen_data_resource_list?unit={office.unit_id}&limit=1000",
        "by name": f"/api/3/action/govopen_data_resource_list?q={name}",
        "owed": f"/api/3/action/govopen_owed_entry_list?unit={office.unit_id}",
        "register": f"/registers/{register}.json",
        "entry": f"/registers/{register}/entries/{code}",
    }
    telling = {what for what, path in asked.items() if name in _without(client, path, name)}
    assert telling == set(asked)
    entry = {"register": register, "entry_code": code}
    office.act_signed_in("approver", "govopen_entry_hide", **entry, reason=WHY)
    assert {what for what, path in asked.items() if name in _without(client, path, name)} == set()
    assert client.get(f"/api/3/action/govopen_data_resource_show?id={code}").status_code == 404
    seen = office.act("officer", "govopen_data_resource_show", id=code)
    assert seen["name"] == name, "its unit works on it"
    said = {**entry, "result": "lifted", "reason": "可以公开"}
    office.act_signed_in("second", "govopen_entry_hide_settle", **said)
    assert {what for what, path in asked.items() if name in _without(client, path, name)} == set(
        asked
    )


def _without(client: FlaskClient, path: str, name: str) -> str:
    """What an address tells, less the question that it may repeat."""
    return told(client, path).replace(f"q={name}", "")


def test_the_database_shows_nothing_again_by_the_word_of_one_person(office: Office) -> None:
    (code,) = office.add_entries(1)
    with office.application.test_request_context("/"):
        register = tk.get_action("govopen_register_list")(
            {}, {"unit": office.unit_id, "register_type": "data_inventory"}
        )["items"][0]["id"]
    entry = {"register": register, "entry_code": code}
    office.act_signed_in("approver", "govopen_entry_hide", **entry, reason=WHY)
    person = office.user_id("approver")
    lift = (
        "INSERT INTO govopen_register_hiding (register_id, entry_code, act, settles, reason, person,"
        " roles) SELECT register_id, entry_code, 'lifted', id, 'x', :person, '{}'"
        " FROM govopen_register_hiding WHERE entry_code = :code"
    )
    show = (
        "INSERT INTO govopen_register_mask (log_seq, act, ground, actor)"
        " SELECT log_seq, 'show', 'x', :person FROM govopen_hidden_row WHERE :code <> ''"
    )
    for sql, error in ((lift, sa.exc.IntegrityError), (show, sa.exc.ProgrammingError)):
        with pytest.raises(error) as caught, model.meta.engine.begin() as connection:
            connection.execute(sa.text(sql), {"person": person, "code": code})
        assert isinstance(caught.value.orig, psycopg2.Error)
