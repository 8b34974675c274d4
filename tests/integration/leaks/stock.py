"""CKAN as it is delivered, asked with the lines of the matrix: what they find there.

A program of its own, since CKAN is loaded once in a process: `stock.py SETTINGS RESULT` reads the
settings of a running stack, makes a database beside the others, and takes it away again.
"""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2

KEPT = ("solr_url", "solr_user", "solr_password", "ckan.redis.url", "SECRET_KEY", "ckan.site_url")
DATABASE = "stock_ckan"


def main(settings: Path, result: Path) -> None:
    """Fills RESULT with {surface: what a visitor learned}."""
    parser = configparser.RawConfigParser()
    parser.read(settings, encoding="utf-8")
    given = parser["app:main"]
    keys = json.loads((settings.parent / "secrets.json").read_text(encoding="utf-8"))
    server = urlsplit(given["sqlalchemy.url"])
    address = f"{server.hostname}:{server.port}"
    url = f"postgresql://postgres:{keys['postgres']}@{address}"
    with psycopg2.connect(f"{url}/postgres") as connection:
        connection.autocommit = True
    cursor = connection.cursor()
    connection.autocommit = True
    cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    cursor.execute(f"CREATE DATABASE {DATABASE}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            ini = _settings(Path(folder), given, f"{url}/{DATABASE}")
            ckan = [str(Path(sys.executable).parent / "ckan"), "-c", str(ini), "db"]
            subprocess.run([*ckan, "init"], check=True)
            subprocess.run([*ckan, "upgrade", "-p", "activity"], check=True)
            found = _ask(ini)
    finally:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.close()
    result.write_text(json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True) + "\n")


def _settings(folder: Path, given: Any, url: str) -> Path:
    lines = ["[DEFAULT]", "debug = false", "[app:main]", "use = egg:ckan"]
    lines += [f"{name} = {given[name]}" for name in KEPT]
    lines += [
        f"sqlalchemy.url = {url}",
        f"ckan.storage_path = {folder}",
        "ckan.site_id = stock",
        "ckan.plugins = activity",
    ]
    ini = folder / "stock.ini"
    ini.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ini


def _ask(ini: Path) -> dict[str, list[str]]:
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    application = make_app(CKANConfigLoader(str(ini)).get_config())._wsgi_app
    import test_matrix
    from surfaces import actions, rules

    one = _world(application)
    one.methods = rules(application)
    there = {**actions(application), **one.methods}
    found: dict[str, list[str]] = {}
    for surface in [*test_matrix.ABOUT, *test_matrix.REST]:
        if surface.name not in there:
            continue
        # an error of the site tells nothing, a difference of statements takes a clock to see
        problems = [
            problem
            for problem in _problems(test_matrix, one, surface)
            if not problem.startswith("answers") and "queries" not in problem
        ]
        if problems:
            found[surface.name] = problems[:3]
    return found


def _problems(test_matrix: Any, one: Any, surface: Any) -> Any:
    for state, dataset in one.datasets.items():
        nothing = test_matrix._asked(one, surface, "visitor", None)
        asked = test_matrix._asked(one, surface, "visitor", dataset)
        for this, none in zip(asked, nothing, strict=True):
            if surface in test_matrix.ABOUT:
                yield from test_matrix._wrong(one, "visitor", state, this, none)
            else:
                yield from test_matrix._wrong_about_nothing(one, surface, "visitor", this)


def _world(application: Any) -> Any:
    """A private dataset, and one that was public before it became private."""
    from world import World, _mark

    import ckan.model as model
    import ckan.plugins.toolkit as tk

    with application.test_request_context("/"):
        site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
        context = {"user": site, "ignore_auth": True}

        def act(action: str, **data: Any) -> Any:
            return tk.get_action(action)(dict(context), data)

        person = f"officer-{uuid4().hex[:8]}"
        mark = _mark()
        act(
            "user_create", name=person, email=f"{person}@yz.example", password=uuid4().hex,
            fullname=f"{mark}personofficer", about=f"{mark}personabout",
        )  # fmt: skip
        unit = act(
            "organization_create",
            name=f"unit-{mark}",
            users=[{"name": person, "capacity": "admin"}],
        )
        group = act("group_create", name=f"group-{mark}")
        office = SimpleNamespace(unit_id=unit["id"], name=lambda _who: person)
        one = World(application, office, office, office, mark)  # type: ignore[arg-type]
        one.group, one.headers = group["name"], {"visitor": {}}
        for state in ("draft", "silenced"):
            one.datasets[state] = _dataset(one, act, state, model)
        model.Session.remove()
    return one


def _dataset(one: Any, act: Any, state: str, model: Any) -> Any:
    from world import Dataset

    from ckanext.activity.model import Activity

    def word(where: str) -> str:
        return str(one.word(state, where))

    made = act(
        "package_create",
        name=word("name"), title=word("title"), notes=word("notes"), owner_org=one.a.unit_id,
        private=state == "draft", author=word("author"), tags=[{"name": word("tag")}],
        resources=[{"name": word("resource"), "format": word("format"), "url": "https://x.example/"}],
    )  # fmt: skip
    if state == "silenced":
        act("package_patch", id=made["id"], private=True)
    resource = made["resources"][0]["id"]
    act(
        "task_status_update",
        entity_id=resource, entity_type="resource", task_type="load", key="table",
        value=word("error"), error=word("error"), state="error",
    )  # fmt: skip
    first = model.Session.query(Activity).filter_by(object_id=made["id"]).first()
    activity = first.id if first else str(uuid4())
    return Dataset(
        state, made["id"], made["name"], resource, str(uuid4()), word("tag"), "", activity
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
