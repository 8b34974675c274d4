"""CKAN as it is delivered, with a catalogue of its own, to be harvested from.

A program of its own, since CKAN is loaded once in a process: `plain_ckan.py SETTINGS PORT COUNT OUT`
makes a database and a core beside those of a running stack, fills the catalogue, writes to OUT what
is in it, and serves it until its standard input ends; then it takes both away again.
"""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import requests

KEPT = ("solr_user", "solr_password", "ckan.redis.url", "SECRET_KEY")
PRIVATE_EVERY, DELETED_EVERY, SHOWCASE_EVERY = 10, 14, 25
READY_SECONDS = 900


@dataclass
class Site:
    """A running site: its address, what it holds, and a token of its administrator.

    Args:
        truth: titles by id, under public, private, deleted and showcase.
    """

    url: str
    truth: dict[str, dict[str, str]]
    token: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def act(self, action: str, **data: Any) -> Any:
        """An action of its API, as its administrator."""
        url, headers = f"{self.url}/api/3/action/{action}", {"Authorization": self.token}
        answer = requests.post(url, json=data, headers=headers, timeout=60)
        answer.raise_for_status()
        return answer.json()["result"]


@contextmanager
def running(settings: Path, port: int, count: int) -> Iterator[Site]:
    """The site while the block runs."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "truth.json"
        errors = (Path(folder) / "errors").open("w+", encoding="utf-8")
        program = subprocess.Popen(
            [sys.executable, __file__, str(settings), str(port), str(count), str(out)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        alarm = threading.Timer(READY_SECONDS, program.kill)
        alarm.start()
        try:
            assert program.stdout is not None
            said = program.stdout.readline()
            alarm.cancel()
            if said.strip() != "ready":
                errors.seek(0)
                raise RuntimeError(errors.read()[-3000:])
            found = json.loads(out.read_text(encoding="utf-8"))
            yield Site(f"http://127.0.0.1:{port}", found["truth"], found["token"])
        finally:
            alarm.cancel()
            program.communicate(timeout=60)
            errors.close()


# --- the program ---------------------------------------------------------------------------------


def main(settings: Path, port: int, count: int, out: Path) -> None:
    with settings_of(settings, f"http://127.0.0.1:{port}", "dcat") as ini:
        application = application_of(ini)
        found = _fill(application, count)
        out.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        _serve(application, port)


@contextmanager
def settings_of(settings: Path, site_url: str, plugins: str) -> Iterator[Path]:
    """Settings of a CKAN beside a running stack, with a database and a core while the block runs."""
    parser = configparser.RawConfigParser()
    parser.read(settings, encoding="utf-8")
    given = parser["app:main"]
    name = f"plain_{uuid4().hex[:8]}"
    with (
        tempfile.TemporaryDirectory() as folder,
        _database(settings, given, name) as url,
        _core(settings.parent, given, name) as solr,
    ):
        lines = ["[DEFAULT]", "debug = false", "[app:main]", "use = egg:ckan"]
        lines += [f"{key} = {given[key]}" for key in KEPT]
        lines += [
            f"ckan.site_url = {site_url}",
            f"sqlalchemy.url = {url}",
            f"solr_url = {solr}",
            f"ckan.storage_path = {folder}",
            f"ckan.site_id = {name}",
            f"ckan.plugins = {plugins}",
        ]
        ini = Path(folder) / "plain.ini"
        ini.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield ini


@contextmanager
def database_of(settings: Path) -> Iterator[str]:
    """One more database beside those of a running stack."""
    parser = configparser.RawConfigParser()
    parser.read(settings, encoding="utf-8")
    with _database(settings, parser["app:main"], f"plain_{uuid4().hex[:8]}") as url:
        yield url


@contextmanager
def _database(settings: Path, given: Any, name: str) -> Iterator[str]:
    import psycopg2

    keys = json.loads((settings.parent / "secrets.json").read_text(encoding="utf-8"))
    server = urlsplit(given["sqlalchemy.url"])
    root = f"postgresql://postgres:{keys['postgres']}@{server.hostname}:{server.port}"
    connection = psycopg2.connect(f"{root}/postgres")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"CREATE DATABASE {name}")
    try:
        yield f"{root}/{name}"
    finally:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.close()


@contextmanager
def _core(data: Path, given: Any, name: str) -> Iterator[str]:
    """A core with CKAN's own schema, in the Solr that runs."""
    import ckan

    home = data / "solr" / "home"
    folder = home / name
    shutil.copytree(home / "ckan" / "conf", folder / "conf")
    shutil.copyfile(
        Path(ckan.__file__).parent / "config/solr/schema.xml", folder / "conf/schema.xml"
    )
    owner = home.stat()
    for path in (folder, *folder.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, owner.st_uid, owner.st_gid)
    root = given["solr_url"].rpartition("/")[0]
    _solr(root, given, f"action=CREATE&name={name}&instanceDir={folder}")
    try:
        yield f"{root}/{name}"
    finally:
        _solr(root, given, f"action=UNLOAD&core={name}&deleteInstanceDir=true")
        shutil.rmtree(folder, ignore_errors=True)


def _solr(root: str, given: Any, query: str) -> None:
    account = (given["solr_user"], given["solr_password"])
    answer = requests.get(f"{root}/admin/cores?{query}", auth=account, timeout=60)
    if answer.status_code != 200:
        raise RuntimeError(answer.text[:500])


def application_of(ini: Path) -> Any:
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    application = make_app(CKANConfigLoader(str(ini)).get_config())._wsgi_app
    with application.app_context():
        import ckan.model as model

        model.repo.init_db()
    return application


def _fill(application: Any, count: int) -> dict[str, Any]:
    import ckan.model as model
    import ckan.plugins.toolkit as tk

    truth: dict[str, dict[str, str]] = {
        name: {} for name in ("public", "private", "deleted", "showcase")
    }
    with application.test_request_context("/"):
        site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]

        def act(action: str, **data: Any) -> Any:
            context = {
                "user": site,
                "ignore_auth": True,
                "defer_commit": action == "package_create",
            }
            return tk.get_action(action)(context, data)

        unit = act("organization_create", name="traffic", title="示例市交通局")["id"]
        person = act(
            "user_create", name="keeper", email="k@x.example", password=uuid4().hex, sysadmin=True
        )
        token = act("api_token_create", user=person["name"], name="harvest")["token"]
        for number in range(count):
            kind = _kind(number)
            made = act("package_create", **_dataset(number, unit, kind))
            truth[kind][made["id"]] = made["title"]
        model.repo.commit()
        for package_id in truth["deleted"]:
            model.Package.get(package_id).state = "deleted"
        model.repo.commit()
        from ckan.lib.search import rebuild

        rebuild(quiet=True, force=True)
        model.Session.remove()
    return {"truth": truth, "token": token}


def _kind(number: int) -> str:
    for every, kind in (
        (PRIVATE_EVERY, "private"),
        (DELETED_EVERY, "deleted"),
        (SHOWCASE_EVERY, "showcase"),
    ):
        if number % every == every - 1:
            return kind
    return "public"


def _dataset(number: int, unit: str, kind: str) -> dict[str, Any]:
    return {
        "name": f"d-{number:05d}",
        "title": f"公共停车场第{number}批" if number % 3 else f"Car parks, part {number}",
        "notes": "全市公共停车场的名称、地址、泊位数和收费标准，每月更新一次。\n\n* 泊位\n* 收费",
        "owner_org": unit,
        "private": kind == "private",
        "type": "showcase" if kind == "showcase" else "dataset",
        "license_id": "cc-by",
        "tags": [{"name": "停车"}, {"name": f"tag {number % 40}"}],
        "extras": [{"key": "frequency", "value": "每月"}, {"key": "系统", "value": f"系统{number % 7}"}],
        "resources": [
            {"name": f"文件{part}", "url": f"https://data.x.example/{number}/{part}.csv", "format": "CSV"}
            for part in range(1 + number % 3)
        ],
    }  # fmt: skip


def _serve(application: Any, port: int) -> None:
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", port, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    with suppress(KeyboardInterrupt):
        sys.stdin.read()
    server.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
