"""Each of the four layers holds on its own account: without it the matrix turns red.

A layer is taken away inside this process, the surfaces that rest on it are asked as a visitor, and
something hidden must be found. With all four in place the same questions find nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from asking import Asked, call, difference, filled, leaks, things
from sqlalchemy.engine import make_url
from surfaces import lines
from world import World

import ckan.lib.plugins as lib_plugins
import ckan.logic
import ckan.logic.action.get as core_reads
import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.datastore.logic import action as datastore_reads
from ckanext.govopen.logic import datastore, labels, search
from ckanext.govopen.model import datasets as store

ASKED = ("package_search", "resource_search", "tag_list", "format_autocomplete", "package_list")
STATE = "submitted"


def _found(one: World) -> list[str]:
    """What a visitor learns of what is hidden, by lists and by one dataset's own surfaces."""
    dataset = one.datasets[STATE]
    found = []
    for name in ASKED:
        given = things(one, dataset)
        answer = call(one, "visitor", name, filled(lines("actions")[name].call, given))
        found += leaks(one, "visitor", answer)
    for name in ("package_show", "resource_show", "dataset_follower_count", "datastore_search"):
        asked = []
        for given in (things(one, dataset), things(one, None)):
            answer = call(one, "visitor", name, filled(lines("actions")[name].call, given))
            asked.append(Asked(name, given, answer))
        found += leaks(one, "visitor", asked[0].answer, asked[0].given)
        found += [told] if (told := difference(*asked)) else []
    return found


def test_with_all_layers_nothing_is_found(world: World) -> None:
    assert _found(world) == []


@contextmanager
def _stale_index(one: World) -> Iterator[None]:
    """The index shows a hidden dataset as public, as after a crash between commit and indexing."""
    with one.application.test_request_context("/"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(labels, "of_dataset", lambda _package: ["public"])
        _index_again(one)
    try:
        yield
    finally:
        with one.application.test_request_context("/"):
            _index_again(one)


def _index_again(one: World) -> None:
    store.enqueue(model.Session, [one.datasets[STATE].id])
    model.Session.commit()
    search.drain_all()
    model.Session.remove()


def test_without_labels_it_is_red(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labels, "of_standing", lambda _standing: ["public"])
    assert any("title" in found for found in _found(world))


def test_without_the_chained_actions_it_is_red(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CKAN's own actions under our labels: tags, formats, and whether something is there."""
    core = {name: _of_ckan(name) for name in (*ASKED, "dataset_follower_count", "package_show")}
    monkeypatch.setattr(ckan.logic, "_actions", {**ckan.logic._actions, **core})
    found = _found(world)
    assert f"{STATE}: tag" in found
    assert f"{STATE}: format" in found
    assert any("absent" in told for told in found)


def _of_ckan(name: str) -> Any:
    """An action as CKAN has it, without ours around it."""
    return _with_context(getattr(core_reads, name))


def _with_context(action: Any) -> Any:
    def plain(context: Any = None, data_dict: Any = None) -> Any:
        return action(ckan.logic._prepopulate_context(context), data_dict or {})

    return plain


def test_without_the_post_filter_a_stale_index_is_red(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _stale_index(world):
        assert _found(world) == []
        monkeypatch.setattr(search, "unreadable_hits", lambda _context, _found: [])
        assert any("title" in found for found in _found(world))


def test_without_the_hidden_schema_rows_are_red(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without labels and without our actions, a table that readers cannot see is still absent."""
    dataset = world.datasets["approved"]
    monkeypatch.setattr(labels, "of_standing", lambda _standing: ["public"])
    core = {"datastore_search": _with_context(datastore_reads.datastore_search)}
    monkeypatch.setattr(ckan.logic, "_actions", {**ckan.logic._actions, **core})

    def found() -> list[str]:
        asked = call(world, "visitor", "datastore_search", {"resource_id": dataset.resource})
        return leaks(world, "visitor", asked, things(world, dataset))

    with world.application.test_request_context("/"):
        datastore.load_hidden(model.Session, [dataset.id])  # as its approval does
        model.Session.rollback()
    assert found() == []
    with _table_shown(dataset.resource):
        assert "approved: cell" in found()
    assert found() == []


@contextmanager
def _table_shown(resource_id: str) -> Iterator[None]:
    """A table that waits for its publication lies where the read role looks."""
    url = make_url(tk.config["ckan.datastore.write_url"]).set(drivername="postgresql")
    loader = psycopg2.connect(url.render_as_string(hide_password=False))
    loader.autocommit = True
    with loader.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'hidden'::regnamespace"
            " AND relkind = 'r' AND relname LIKE %s", [f"{resource_id}:%"],
        )  # fmt: skip
        ((hidden,),) = cursor.fetchall()
        cursor.execute(
            f'ALTER TABLE hidden."{hidden}" SET SCHEMA public;'
            f'ALTER TABLE "{hidden}" RENAME TO "{resource_id}";'
            f'GRANT SELECT ON "{resource_id}" TO govopen_reader'
        )
        try:
            yield
        finally:
            cursor.execute(
                f'REVOKE SELECT ON "{resource_id}" FROM govopen_reader;'
                f'ALTER TABLE "{resource_id}" RENAME TO "{hidden}";'
                f'ALTER TABLE "{hidden}" SET SCHEMA hidden'
            )
    loader.close()


def test_without_the_guard_what_nobody_approved_becomes_public(
    world: World, data_folder: Path
) -> None:
    """The database alone stands between one wrong statement and the public."""
    dataset = world.datasets["draft"]
    flip = "UPDATE package SET private = %s WHERE id = %s"
    owner = _owner(data_folder)
    with owner.cursor() as cursor:
        with pytest.raises(psycopg2.errors.CheckViolation):
            cursor.execute(flip, (False, dataset.id))
        cursor.execute("ALTER TABLE package DISABLE TRIGGER govopen_guard")
        try:
            cursor.execute(flip, (False, dataset.id))
            assert dataset.name in call(world, "visitor", "package_list", {}).text
        finally:
            cursor.execute(flip, (True, dataset.id))
            cursor.execute("ALTER TABLE package ENABLE TRIGGER govopen_guard")
    owner.close()
    assert dataset.name not in call(world, "visitor", "package_list", {}).text


def _owner(data_folder: Path) -> Any:
    """A connection as the role that owns the tables: the application's cannot do this."""
    keys = json.loads((data_folder / "secrets.json").read_text(encoding="utf-8"))
    url = urlsplit(tk.config["sqlalchemy.url"])
    connection = psycopg2.connect(
        host=url.hostname,
        port=url.port,
        user="govopen_owner",
        password=keys["govopen_owner"],
        dbname=url.path.strip("/"),
    )
    connection.autocommit = True
    return connection


def test_the_only_labels_are_ours() -> None:
    assert type(lib_plugins.get_permission_labels()).__name__ == "GovopenReviewPlugin"
