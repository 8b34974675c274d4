"""Addresses, fields and ids that a client chooses lead nowhere and set nothing that is not its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from publishing_kit import CSV, Office, office, upload

ELSEWHERE = (
    "//elsewhere.example",
    "https://elsewhere.example/",
    "/\\elsewhere.example",
    "\\\\elsewhere.example",
    "https:elsewhere.example",
    "%2F%2Felsewhere.example",
    "/%09/elsewhere.example",
    "javascript:go()",
)


@pytest.fixture(scope="module")
def two(application: Any) -> Iterator[tuple[Office, Office]]:
    """Two units that know nothing of each other."""
    with office(application) as mine, office(application) as theirs:
        yield mine, theirs


@pytest.fixture(scope="module")
def secret(two: tuple[Office, Office]) -> dict[str, Any]:
    """The other unit's draft, with its resource and file."""
    _, theirs = two
    made = theirs.draft(data=CSV + "机密,1,2026-01-01,1\n".encode())
    shown = theirs.act("officer", "package_show", id=made["id"])
    return {"id": made["id"], "name": made["name"], "resource": shown["resources"][0]}


# --- redirects -----------------------------------------------------------------------------------


@pytest.mark.parametrize("parameter", ["came_from", "next"])
@pytest.mark.parametrize("target", ELSEWHERE)
def test_signing_in_and_out_leads_to_no_other_site(
    two: tuple[Office, Office], site_url: str, parameter: str, target: str
) -> None:
    mine, _ = two
    client = mine.application.test_client()
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = mine.user_id("officer"), True
    for path in ("/user/login", "/user/logged_in", "/user/_logout", "/en/user/login"):
        answer = client.get(f"{path}?{parameter}={quote(target)}", base_url=site_url)
        location = answer.headers.get("Location", "")
        assert urlsplit(location).hostname in (None, urlsplit(site_url).hostname), path
        assert not location.startswith(("\\", "/\\", "//", "javascript:")), path


# --- fields of the system ------------------------------------------------------------------------

OF_DATASET = {
    "private": False,
    "state": "deleted",
    "creator_user_id": "someone",
    "review": {"state": "published"},
    "review_state": "published",
    "approved_hash": "0" * 64,
    "stat": {"rows": 9},
    "permission_labels": ["public"],
    "name": "a-name-of-ones-own",
    "id": "11111111-1111-4111-8111-111111111111",
    "metadata_created": "2001-01-01T00:00:00",
    "plugin_data": {"x": {"y": "z"}},
    "version_hash": "0",
}
OF_RESOURCE = {
    "mimetype": "text/html",
    "hash": "0" * 64,
    "size": 1,
    "cache_url": "https://elsewhere.example/",
    "url_type": "upload",
    "datastore_active": True,
    "created": "2001-01-01T00:00:00",
}


@pytest.mark.parametrize("field", sorted(OF_DATASET))
def test_a_system_field_of_a_dataset_is_never_taken_from_a_client(
    two: tuple[Office, Office], field: str
) -> None:
    mine, _ = two
    values = {field: OF_DATASET[field]}
    made = mine.draft(**values)
    mine.act(
        "officer", "package_patch", id=made["id"], **{k: v for k, v in values.items() if k != "id"}
    )
    shown = mine.act("officer", "package_show", id=made["id"])
    assert shown["private"] is True
    assert shown["state"] == "active"
    assert shown["review"]["state"] == "draft"
    assert shown.get(field) != OF_DATASET[field]


@pytest.mark.parametrize("field", sorted(OF_RESOURCE))
def test_a_system_field_of_a_resource_is_never_taken_from_a_client(
    two: tuple[Office, Office], field: str
) -> None:
    mine, _ = two
    made = mine.draft()
    link = {"name": "链接", "url": "https://data.example/a.csv", "format": "CSV"}
    added = mine.act("officer", "resource_create", package_id=made["id"],
                     **{**link, field: OF_RESOURCE[field]})  # fmt: skip
    kept = mine.act("officer", "resource_show", id=added["id"])
    assert kept.get(field) != OF_RESOURCE[field]
    uploaded = mine.act("officer", "resource_create", package_id=made["id"], name="文件",
                        upload=upload(CSV, "x.csv"), **{field: OF_RESOURCE[field]})  # fmt: skip
    assert uploaded["mimetype"] == "text/csv"
    assert uploaded["size"] == len(CSV)
    assert len(uploaded["hash"]) == 64
    assert set(uploaded["hash"]) != {"0"}


def test_another_s_file_is_not_borrowed_by_naming_it(
    two: tuple[Office, Office], secret: dict[str, Any]
) -> None:
    mine, _ = two
    made = mine.draft()
    stolen = {"url": secret["resource"]["url"], "url_type": "upload", "hash": secret["resource"]["hash"],
              "id": secret["resource"]["id"], "name": "x", "format": "CSV"}  # fmt: skip
    with pytest.raises(Exception, match=r".") as refused:
        mine.act("officer", "resource_create", package_id=made["id"], **stolen)
    assert type(refused.value).__name__ in ("ValidationError", "NotAuthorized", "ObjectNotFound")
    assert "机密" not in str(refused.value)


# --- ids of others -------------------------------------------------------------------------------

BY_DATASET = ("package_show", "package_patch", "package_delete", "package_update",
              "govopen_publication_withdraw", "dataset_follower_list", "package_activity_list")  # fmt: skip
BY_RESOURCE = ("resource_show", "resource_patch", "resource_delete", "resource_view_list",
               "datastore_search", "datastore_info")  # fmt: skip


@pytest.mark.parametrize("action", [*BY_DATASET, *BY_RESOURCE])
def test_an_id_of_another_unit_answers_as_one_that_never_was(
    two: tuple[Office, Office], secret: dict[str, Any], action: str
) -> None:
    mine, _ = two
    client, header = mine.application.test_client(), {"Authorization": mine.token("officer")}
    real = secret["id"] if action in BY_DATASET else secret["resource"]["id"]
    never = "00000000-0000-4000-8000-000000000000"
    extra = {"ground": "error", "reason": "x"} if action.endswith("withdraw") else {}
    answers = [
        client.post(
            f"/api/3/action/{action}",
            json={"id": one, "resource_id": one, **extra}
            if "datastore" in action
            else {"id": one, **extra},
            headers=header,
        )
        for one in (real, never)
    ]
    there, absent = (
        (answer.status_code, answer.get_data(as_text=True).replace(one, "ID"))
        for answer, one in zip(answers, (real, never), strict=True)
    )
    assert there == absent
    assert there[0] in (400, 404)


def test_a_resource_is_found_under_its_own_dataset_alone(
    two: tuple[Office, Office], secret: dict[str, Any]
) -> None:
    mine, _ = two
    own = mine.published()
    client = mine.application.test_client()
    for path in ("", "/download/x.csv"):
        address = f"/dataset/{own['name']}/resource/{secret['resource']['id']}{path}"
        assert client.get(address).status_code == 404
