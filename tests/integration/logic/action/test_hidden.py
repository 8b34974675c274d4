"""What is not public cannot be told from what never was: pages, actions, lists, a stale index."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import datastore, review, search
from ckanext.govopen.logic.roles import actor_of

NEVER, NEVER_ID = "never-there", "3f0e0c3a-0000-4000-8000-000000000000"
# The reference number of an error, and the form token of a signed-in person.
PASSING = re.compile(
    rb'\b[0-9a-f]{12}\b|(?<=name="_csrf_token" content=")[^"]*|(?<=name="_csrf_token" value=")[^"]*'
)
ROUTES = [
    "/dataset/{p}",
    "/dataset/{p}/resource/{r}",
    "/dataset/{p}/resource/{r}/download/data.csv",
    "/dataset/{p}/resource/{r}/edit",
    "/dataset/{p}/resource/{r}/views",
    "/dataset/{p}/resource/new",
    "/dataset/{p}/dictionary/{r}",
    "/dataset/edit/{p}",
    "/dataset/delete/{p}",
    "/dataset/resources/{p}",
    "/dataset/followers/{p}",
    "/dataset/activity/{p}",
    "/dataset/groups/{p}",
    "/dataset/{p}.jsonld",
    "/datastore/dump/{r}",
    "/api/3/action/package_show?id={p}",
    "/api/3/action/resource_show?id={r}",
    "/api/3/action/datastore_search?resource_id={r}",
    "/api/3/action/datastore_info?id={r}",
    "/api/3/action/resource_view_list?id={r}",
    "/api/3/action/package_activity_list?id={p}",
    "/api/3/action/dataset_follower_count?id={p}",
    "/api/3/action/dataset_follower_list?id={p}",
    "/api/3/action/am_following_dataset?id={p}",
    "/api/3/action/package_relationships_list?id={p}",
    "/api/3/action/package_collaborator_list?id={p}",
    "/api/3/action/task_status_show?entity_id={r}&task_type=x&key=y",
]
LISTS = [
    "package_list",
    "package_search?rows=1000",
    "current_package_list_with_resources?limit=1000",
    "resource_search?query=name:zlkanarie",
    "tag_list",
    "tag_list?query=zlkanarie",
    "tag_search?query=zlkanarie",
    "tag_autocomplete?query=zlkanarie",
    "tag_show?id=zlkanarie&include_datasets=true",
    "format_autocomplete?q=zlkanarie",
    "package_autocomplete?q=zlkanarie",
    "member_list?id={u}",
    "organization_show?id={u}&include_datasets=true",
    "recently_changed_packages_activity_list",
    "organization_activity_list?id={u}",
]
CANARY = "zlkanarie"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture(scope="module", params=["draft", "submitted", "withdrawn for secrecy"])
def hidden(office: Office, request: pytest.FixtureRequest) -> tuple[str, str, str]:
    """Name, id and resource id of a dataset that a visitor may not read."""
    title = f"{CANARY}标题{request.param_index}"
    made = office.draft(title=title, notes=CANARY * 5, tags=[{"name": CANARY}])
    office.act(
        "officer",
        "resource_create",
        package_id=made["id"],
        name=CANARY,
        format=CANARY,
        url=f"https://data.example.cn/{CANARY}.csv",
    )
    if request.param != "draft":
        case_id = office.submit(made["id"])
    if request.param.startswith("withdrawn"):
        office.approve(case_id)
        office.act(
            "officer", "govopen_publication_withdraw", id=made["id"], ground="secrecy", reason="x"
        )
    shown = office.act("officer", "package_show", id=made["id"])
    return made["name"], made["id"], shown["resources"][0]["id"]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("person", ["visitor", "stranger"])
def test_hidden_answers_like_absent(
    office: Office, client: FlaskClient, hidden: tuple[str, str, str], route: str, person: str
) -> None:
    name, package_id, resource_id = hidden
    headers = {} if person == "visitor" else {"Authorization": office.token("stranger")}
    none = client.get(route.format(p=NEVER, r=NEVER_ID), headers=headers)
    expected = none.data.replace(NEVER.encode(), b"P").replace(NEVER_ID.encode(), b"R")
    for wanted in (name, package_id):
        real = client.get(route.format(p=wanted, r=resource_id), headers=headers)
        body = real.data.replace(wanted.encode(), b"P").replace(resource_id.encode(), b"R")
        assert real.status_code == none.status_code
        assert real.status_code in (403, 404)
        assert PASSING.sub(b"", body) == PASSING.sub(b"", expected)
        assert CANARY not in real.get_data(as_text=True)


@pytest.mark.parametrize("call", LISTS)
def test_no_list_names_what_is_hidden(
    office: Office, client: FlaskClient, hidden: tuple[str, str, str], call: str
) -> None:
    answer = client.get("/api/3/action/" + call.format(u=office.unit_id))
    text = answer.get_data(as_text=True).replace(f"id={CANARY}", "").replace(f"={CANARY}", "")
    for trace in (*hidden, f"{CANARY}标题", f'"{CANARY}"', f"/{CANARY}.csv"):
        assert trace not in text
    assert answer.status_code in (200, 403, 404)


def test_a_stale_index_shows_nothing_and_its_count_does_not_tell(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    query = f"/api/3/action/package_search?fq=id:{made['id']}&facet.field=[%22tags%22]"
    assert client.get(query).get_json()["result"]["count"] == 1
    with office.application.test_request_context("/"):
        actor = actor_of(office.context("officer"), [office.unit_id])
        review.withdraw(model.Session, made["id"], actor=actor, ground="secrecy", reason="x")
        model.repo.commit()  # the index still has it as public
    found = client.get(query).get_json()["result"]
    assert (found["count"], found["results"]) == (0, [])
    with office.application.test_request_context("/"):
        search.drain_all()


def test_the_table_of_a_hidden_dataset_is_out_of_the_readers_reach(office: Office) -> None:
    made = office.published()
    resource_id = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    reader = psycopg2.connect(tk.config["ckan.datastore.read_url"])
    try:
        cursor = reader.cursor()
        cursor.execute(f'SELECT count(*) FROM public."{resource_id}"')
        assert cursor.fetchone() == (2,)
        reader.rollback()
        office.act(
            "officer", "govopen_publication_withdraw", id=made["id"], ground="error", reason="x"
        )
        for schema in ("public", "hidden"):
            with pytest.raises(psycopg2.Error):
                cursor.execute(f'SELECT count(*) FROM {schema}."{resource_id}"')
            reader.rollback()
    finally:
        reader.close()


def test_settling_again_changes_nothing(office: Office, client: FlaskClient) -> None:
    made = office.published()
    resource_id = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    with office.application.test_request_context("/"):
        for _ in range(2):
            datastore.settle(model.Session, [made["id"]])
    answer = client.get(f"/api/3/action/datastore_search?resource_id={resource_id}")
    assert answer.get_json()["result"]["total"] == 2
