"""The work calendar over the API."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import accounts


def ask(client: FlaskClient, **parameters: Any) -> Any:
    return client.get("/api/3/action/govopen_due_date_show", query_string=parameters)


def test_a_due_date_names_every_day_that_was_skipped(client: FlaskClient) -> None:
    found = ask(client, start="2026-09-28", days=10).json["result"]
    assert (found["due"], found["provisional"]) == ("2026-10-16", False)
    assert len(found["counted"]) == 10
    skipped = {each["date"]: each for each in found["skipped"]}
    assert skipped["2026-10-01"]["reason"] == "holiday"
    assert skipped["2026-10-01"]["name"] == "国庆节"
    assert "2026-10-10" not in skipped


@pytest.mark.parametrize(
    "parameters",
    [
        {"start": "2026-02-30", "days": 3},
        {"start": "2026-01-01", "days": 0},
        {"start": "x", "days": 1},
        {"start": "2026-01-01", "days": "many"},
        {"start": "2026-01-01", "days": 3, "zone": "UTC"},
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    client: FlaskClient, parameters: dict[str, Any]
) -> None:
    answer = ask(client, **parameters)
    assert answer.status_code == 409
    assert answer.json["success"] is False


# --- importing the yearly notice -----------------------------------------------------------------


@pytest.fixture
def keeper(app: Flask) -> dict[str, Any]:
    """The context of a person of the data authority."""
    name = f"keeper-{uuid4().hex[:8]}"
    accounts.make(accounts.NewAccount(name, name, ("data_authority",), True, False), None, "test")
    model.repo.commit()
    return {"user": name, "auth_user_obj": model.User.get(name)}


@pytest.fixture
def region() -> str:
    """A region of this test's own: a notice stays once it is recorded."""
    return f"T{uuid4().hex[:8].upper()}"


def imported(context: dict[str, Any], content: str, name: str, **options: Any) -> dict[str, Any]:
    upload = FileStorage(io.BytesIO(content.encode()), name)
    wanted = {"upload": upload, **options}
    return dict(tk.get_action("govopen_calendar_import")(dict(context), wanted))


def local(region: str, **days: dict[str, str]) -> str:
    notice = {"region": region, "year": 2027, "source": "令第1号", "holidays": {}, "workdays": {}}
    return json.dumps({**notice, **days})


def due(region: str) -> str:
    asked = {"start": "2027-03-08", "days": 2, "region": region}
    return str(tk.get_action("govopen_due_date_show")({"ignore_auth": True}, asked)["due"])


def code_of(error: Any) -> str:
    return str(error.value.govopen["code"])


def test_an_imported_notice_moves_due_days(keeper: dict[str, Any], region: str) -> None:
    assert due(region) == "2027-03-10"
    notice = local(region, holidays={"2027-03-10": "开斋节"})
    assert imported(keeper, notice, "n.json")["outcome"] == "created"
    assert due(region) == "2027-03-11"
    assert imported(keeper, notice, "n.json")["outcome"] == "unchanged"


def test_another_notice_of_the_year_is_refused_unless_it_is_a_correction(
    keeper: dict[str, Any], region: str
) -> None:
    imported(keeper, local(region, holidays={"2027-03-10": "开斋节"}), "n.json")
    moved = local(region, holidays={"2027-03-09": "开斋节"})
    with pytest.raises(tk.ValidationError) as refused:
        imported(keeper, moved, "n.json")
    assert code_of(refused) == "calendar.E9"
    assert "2027-03-09, 2027-03-10" in str(refused.value)
    assert due(region) == "2027-03-11"
    assert imported(keeper, moved, "n.json", correct=True)["outcome"] == "corrected"
    assert due(region) == "2027-03-11"
    days = tk.get_action("govopen_due_date_show")(
        {"ignore_auth": True}, {"start": "2027-03-08", "days": 1, "region": region}
    )
    assert days["due"] == "2027-03-10"


def test_a_table_is_read_like_a_file_of_days(keeper: dict[str, Any], region: str) -> None:
    table = "日期,安排,节日\n2027年3月10日,放假,开斋节\n2027/3/13,调休上班,开斋节\n"
    facts = {"region": region, "year": 2027, "source": "令第1号"}
    found = imported(keeper, table, "放假.csv", **facts)
    assert found["holidays"] == {"2027-03-10": "开斋节"}
    assert found["workdays"] == {"2027-03-13": "开斋节"}


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        ("no json", "n.json", "intake.E13"),
        ("[]", "n.json", "intake.E13"),
        ("日期,安排,节日\n2027-03-10,或许,开斋节\n", "n.csv", "vocab.E1"),
        ("日期,安排,节日\n2027-03-10,上班,开斋节\n", "n.csv", "calendar.E8"),
    ],
)
def test_what_is_no_notice_is_refused(
    keeper: dict[str, Any], region: str, content: str, name: str, code: str
) -> None:
    facts = {"region": region, "year": 2027, "source": "令第1号"}
    with pytest.raises(tk.ValidationError) as refused:
        imported(keeper, content, name, **facts)
    assert code_of(refused) == code


def test_a_region_names_no_path(keeper: dict[str, Any]) -> None:
    with pytest.raises(tk.ValidationError):
        imported(keeper, local("../../secrets", holidays={"2027-03-10": "x"}), "n.json")


def test_an_officer_may_not_import_a_notice(app: Flask, region: str) -> None:
    name = f"reader-{uuid4().hex[:8]}"
    accounts.make(accounts.NewAccount(name, name, (), True, False), None, "test")
    model.repo.commit()
    context = {"user": name, "auth_user_obj": model.User.get(name)}
    with pytest.raises(tk.NotAuthorized):
        imported(context, local(region, holidays={"2027-03-10": "x"}), "n.json")
