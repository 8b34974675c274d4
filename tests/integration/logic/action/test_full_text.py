"""A provider may switch the full text of a file's rows off: words are then refused, never missed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model

from ckanext.govopen.logic import datastore, verification

SEARCH = "/api/3/action/datastore_search"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def asked(client: FlaskClient, resource_id: str, lang: str = "", **parameters: Any) -> Any:
    return client.get(lang + SEARCH, query_string={"resource_id": resource_id, **parameters})


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.data
    return [row["名称"] for row in answer.get_json()["result"]["records"]]


def is_settled(office: Office, resource_id: str) -> bool:
    """No table of the file waits any more, and what is public is what was approved."""
    with office.application.test_request_context("/"):
        _, waiting = datastore.tables()
        report = verification.verify(model.Session)
    return not any(name.startswith(resource_id) for name in waiting) and not (
        report["records"] or report["versions"] or report["changed_files"]
    )


def test_words_are_refused_until_a_revision_brings_the_full_text(
    office: Office, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datastore, "COMMITTED_TOGETHER", 1)
    made = office.draft()
    resource = office.act("officer", "package_show", id=made["id"])["resources"][0]
    found = resource["id"]
    office.act("officer", "resource_patch", id=found, full_text="no")
    case_id = office.submit(made["id"])
    hidden, absent = (asked(client, name, q="甲") for name in (found, "0" * 36))
    assert (hidden.status_code, absent.status_code) == (404, 404)
    office.approve(case_id)

    shown = client.get(f"/dataset/{made['id']}/resource/{found}").get_data(as_text=True)
    assert "按列筛选（filters），不按词查找（q）" in shown
    assert names(asked(client, found)) == ["甲", "乙"]
    assert names(asked(client, found, filters=json.dumps({"名称": "乙"}))) == ["乙"]
    for lang, words in (("", "没有全文检索"), ("/en", "has no full text")):
        for given in ({"q": "甲"}, {"q": json.dumps({"名称": "甲"})}, {"full_text": "甲"}):
            refused = asked(client, found, lang, **given)
            assert refused.status_code == 409
            assert words in "".join(refused.get_json()["error"][next(iter(given))])
    assert client.get(f"/datastore/dump/{found}?format=csv").status_code == 200
    refused = client.get(f"/datastore/dump/{found}?q=甲")
    assert refused.status_code == 409
    assert "没有全文检索" in refused.get_data(as_text=True)
    assert is_settled(office, found)

    revision = office.act(
        "officer",
        "govopen_pending_revision_create",
        id=made["id"],
        note="全文检索",
        resources=[{"id": found, "full_text": "yes"}],
    )
    case = office.act("officer", "govopen_review_submit", revisions=[revision["id"]])
    assert asked(client, found, q="甲").status_code == 409
    office.approve(str(case["id"]))
    assert names(asked(client, found, q="甲")) == ["甲"]
    assert is_settled(office, found)
