"""The index follows the database: what is in a document, and what a bad one does not stop."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from ckan.lib.search.common import make_connection

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office, upload
from publishing_kit import office as open_office

import ckan.model as model

from ckanext.govopen.logic import search
from ckanext.govopen.model import datasets as store


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def _count(client: FlaskClient, **query: str) -> int:
    answer = client.get("/api/3/action/package_search", query_string=query).get_json()
    return int(answer["result"]["count"])


def test_a_title_is_found_by_pinyin_and_a_dataset_by_its_columns(
    office: Office, client: FlaskClient
) -> None:
    items = [{"name_zh": f"第{n}列饕餮", "data_type": "C"} for n in range(3)]
    made = office.published(title="公共停车场名录", items=items)
    here = f"id:{made['id']}"
    assert _count(client, fq=f"{here} AND title_pyi:tcc*") == 1
    assert _count(client, fq=f"{here} AND title_py:tingche*") == 1
    assert _count(client, fq=f"{here} AND extras_items:饕餮") == 1


def test_hundreds_of_columns_and_a_long_condition_do_not_keep_a_dataset_out_of_the_index(
    office: Office, client: FlaskClient
) -> None:
    items = [{"name_zh": f"列{n}", "description": "说明" * 40} for n in range(400)]
    made = office.published(items=items, open_type="conditional", open_condition="条件" * 20_000)
    assert _count(client, fq=f"id:{made['id']}") == 1
    assert len(office.act("officer", "package_show", id=made["id"])["items"]) == 400


def test_a_document_that_solr_refuses_holds_up_no_other(
    office: Office, client: FlaskClient
) -> None:
    made = office.published()
    with office.application.test_request_context("/"):
        connection = make_connection()
        good = connection.search("*:*", fq=[f"+id:{made['id']}"], fl="index_id,id,site_id,name")
        documents = [
            {**good.docs[0], "index_id": f"{office.mark}-{n}", "id": f"{office.mark}-{n}"}
            for n in range(4)
        ]
        documents[2]["metadata_created"] = "no date"
        search._send(connection, documents)
        connection.commit(softCommit=True)
        kept = connection.search("*:*", fq=[f"+index_id:{office.mark}-*"], fl="index_id")
        connection.delete(q=f"index_id:{office.mark}-*", commit=True)
    assert {doc["index_id"] for doc in kept.docs} == {f"{office.mark}-{n}" for n in (0, 1, 3)}


def test_a_dataset_that_ckan_cannot_show_holds_up_no_other(
    office: Office, client: FlaskClient
) -> None:
    """As they came in before links were looked at."""
    one, broken, other = office.published(), office.draft(), office.published()

    def put(url: str, kind: str) -> None:
        model.Session.execute(
            sa.text("UPDATE resource SET url = :url, url_type = :kind WHERE package_id = :id"),
            {"url": url, "kind": kind, "id": broken["id"]},
        )
        store.enqueue(model.Session, [each["id"] for each in (one, broken, other)])
        model.Session.commit()

    with office.application.test_request_context("/"):
        put("http://[x", "")
        assert search.drain() >= 3
        assert not search.waiting()
        put("data.csv", "upload")
        assert search.drain() >= 3
    assert _count(client, fq=f"id:({one['id']} OR {other['id']})") == 2


def test_a_deleted_draft_leaves_the_index(office: Office) -> None:
    made = office.draft()
    office.act("officer", "package_delete", id=made["id"])
    with office.application.test_request_context("/"):
        search.drain_all()
        found = make_connection().search("*:*", fq=[f"+id:{made['id']}"])
    assert found.hits == 0


def test_a_file_comes_in_over_the_api_as_a_form(office: Office, client: FlaskClient) -> None:
    made = office.draft()
    answer = client.post(
        "/api/3/action/resource_create",
        data={
            "package_id": made["id"],
            "name": "第二个",
            "upload": (upload(b"a,b\n1,2\n", "second.csv").stream, "second.csv"),
            "hash": "f" * 64,
        },
        headers={"Authorization": office.token("officer")},
        content_type="multipart/form-data",
    )
    resource = answer.get_json()["result"]
    assert resource["format"] == "CSV"
    assert resource["size"] == 8
    assert resource["hash"] not in ("f" * 64, "")
    office.approve(office.submit(made["id"]))
    rows = client.get(f"/api/3/action/datastore_search?resource_id={resource['id']}").get_json()
    assert rows["result"]["records"] == [{"_id": 1, "a": 1, "b": 2}]


def test_a_new_file_of_a_draft_replaces_the_old_bytes(office: Office, client: FlaskClient) -> None:
    made = office.draft()
    resource = office.act("officer", "package_show", id=made["id"])["resources"][0]
    changed = office.act(
        "officer", "resource_patch", id=resource["id"], upload=upload(b"x\n9\n", "new.csv")
    )
    assert changed["hash"] != resource["hash"]
    office.approve(office.submit(made["id"]))
    assert client.get(changed["url"]).data == b"x\n9\n"


def test_the_outbox_is_empty_when_all_is_done(office: Office) -> None:
    office.published()
    with office.application.test_request_context("/"):
        search.drain_all()
        assert search.waiting() == 0
        model.Session.rollback()
