"""Each way in which index, files, tables and public state can part from the database is found."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
import sqlalchemy as sa
from flask import Flask
from psycopg2 import sql

from ckan.lib.search.common import make_connection

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import blobs, datastore, files, reconcile

COPIED = ("site_id", "name", "entity_type", "state")


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture
def published(office: Office) -> Iterator[dict[str, Any]]:
    made = office.published(title=f"对账 {uuid4().hex[:6]}")
    with office.application.test_request_context("/"):
        reconcile.run()
        yield office.act("officer", "package_show", id=made["id"])
        model.Session.rollback()


def kinds_of(*ids: str) -> set[str]:
    """The kinds of difference in which one of these ids stands."""
    found = reconcile.differences(model.Session)
    return {kind for kind, named in found.items() if set(ids) & set(named)}


def mended(*ids: str) -> set[str]:
    reconcile.run(fix=True)
    return kinds_of(*ids)


@contextmanager
def loader() -> Iterator[Any]:
    """A cursor of the role that owns the tables of the DataStore."""
    with closing(psycopg2.connect(tk.config["ckan.datastore.write_url"])) as connection, connection:
        yield connection.cursor()


def move_table(name: str, source: str, target: str) -> None:
    with loader() as cursor:
        cursor.execute(
            sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(
                sql.Identifier(source, name), sql.Identifier(target)
            )
        )


def test_a_published_dataset_differs_nowhere(published: dict[str, Any]) -> None:
    resource = published["resources"][0]
    digest = resource["hash"]
    assert kinds_of(published["id"], resource["id"], digest) == set()


def test_what_the_index_lost_is_found_and_indexed_again(published: dict[str, Any]) -> None:
    make_connection().delete(q=f'id:"{published["id"]}"', commit=True)
    assert kinds_of(published["id"]) == {"index_missing"}
    assert mended(published["id"]) == set()


def test_what_only_the_index_has_is_found_and_taken_out(published: dict[str, Any]) -> None:
    stranger, connection = str(uuid4()), make_connection()
    known = connection.search("*:*", fq=[f"+id:{published['id']}"], fl="*").docs[0]
    copied = {name: known[name] for name in COPIED}
    connection.add([{**copied, "id": stranger, "index_id": stranger}], commit=True)
    assert kinds_of(stranger) == {"index_surplus"}
    assert mended(stranger) == set()


def test_an_index_that_would_show_a_draft_or_hide_what_is_public_is_found(
    office: Office, published: dict[str, Any]
) -> None:
    draft = office.draft()
    reconcile.run()
    for package_id, label in ((draft["id"], "public"), (published["id"], "nobody")):
        connection = make_connection()
        known = connection.search("*:*", fq=[f"+id:{package_id}"], fl="*").docs[0]
        copied = {name: known[name] for name in ("index_id", "id", *COPIED)}
        connection.add([{**copied, "permission_labels": [label]}], commit=True)
    assert "index_shows_hidden" in kinds_of(draft["id"])
    assert "index_hides_public" in kinds_of(published["id"])
    assert mended(draft["id"], published["id"]) == set()


def test_missing_and_damaged_bytes_are_found_and_never_made_up(published: dict[str, Any]) -> None:
    resource = published["resources"][0]
    path = blobs.path_of(files.folder(), resource["hash"])
    whole = path.read_bytes()
    path.unlink()
    try:
        assert kinds_of(resource["hash"]) == {"files_missing"}
        path.write_bytes(whole[:-1])
        assert mended(resource["hash"]) == {"files_missing"}
    finally:
        path.unlink(missing_ok=True)
        path.write_bytes(whole)
        path.chmod(0o444)
    assert kinds_of(resource["hash"]) == set()


def test_bytes_that_nothing_names_go_only_when_asked_and_only_when_old(app: Flask) -> None:
    content = uuid4().bytes
    digest = sha256(content).hexdigest()
    path = blobs.path_of(files.folder(), digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    assert mended(digest) == set()
    assert path.exists(), "an upload may be on its way"
    old = time.time() - reconcile.ORPHAN_AFTER_SECONDS - 60
    os.utime(path, (old, old))
    report = reconcile.run()
    assert report["balanced"] is False
    assert report["counts"]["files_orphan"] >= 1
    assert path.exists()
    assert mended(digest) == set()
    assert not path.exists()


def test_a_table_in_the_wrong_place_is_found_and_mended(
    office: Office, published: dict[str, Any]
) -> None:
    resource = published["resources"][0]
    name = resource["id"]
    move_table(name, "public", "hidden")
    assert kinds_of(name, f"hidden.{name}") == {"tables_missing", "tables_orphan"}
    assert mended(name, f"hidden.{name}") == set()
    office.act("approver", "govopen_publication_withdraw", id=published["id"], ground="error",
               reason="试")  # fmt: skip
    reconcile.run()
    assert name not in datastore.tables()[0]
    with loader() as cursor:
        cursor.execute(sql.SQL("CREATE TABLE {} (a int)").format(sql.Identifier("public", name)))
    assert kinds_of(name) == {"tables_shown"}
    assert mended(name) == set()


def test_a_table_of_other_bytes_is_found_and_replaced(published: dict[str, Any]) -> None:
    name = published["resources"][0]["id"]
    with loader() as cursor:
        cursor.execute(
            sql.SQL("COMMENT ON TABLE {} IS {}").format(sql.Identifier(name), sql.Literal("0" * 64))
        )
    assert kinds_of(name) == {"tables_missing"}
    assert mended(name) == set()


def test_a_table_that_was_lost_is_loaded_from_its_file_again(published: dict[str, Any]) -> None:
    resource_id = published["resources"][0]["id"]
    datastore.drop([f"public.{resource_id}"])
    assert kinds_of(resource_id) == {"tables_missing"}
    assert mended(resource_id) == set()
    found = tk.get_action("datastore_search")({"ignore_auth": True}, {"resource_id": resource_id})
    assert found["total"] == 2


def test_a_table_of_no_resource_is_found_and_dropped(app: Flask) -> None:
    stranger = str(uuid4())
    with loader() as cursor:
        cursor.execute(
            sql.SQL("CREATE TABLE {} (a int)").format(sql.Identifier("hidden", stranger))
        )
    assert kinds_of(f"hidden.{stranger}") == {"tables_orphan"}
    assert mended(f"hidden.{stranger}") == set()
    assert stranger not in datastore.tables()[1]


def test_a_period_without_publication_is_found(published: dict[str, Any]) -> None:
    model.Session.execute(
        sa.text(
            "UPDATE govopen_publication_period SET to_at = govopen_now() WHERE package_id = :id"
        ),
        {"id": published["id"]},
    )
    model.Session.commit()
    try:
        assert kinds_of(published["id"]) == {"publication_without_period"}
    finally:
        model.Session.execute(
            sa.text("UPDATE govopen_publication_period SET to_at = NULL WHERE package_id = :id"),
            {"id": published["id"]},
        )
        model.Session.commit()
