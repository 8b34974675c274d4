"""ckanext-xloader's `load_csv` on a CKAN as it is delivered, for the benchmark of loads.

A program of its own: `xloader_peer.py SETTINGS PACKAGES FILE WORD` prints, as a line of JSON, the
rows of the table, how many of them a search for the word finds, the seconds of `load_csv` and those
of the indexes that xloader makes after it, and the CPU seconds of both, here and in PostgreSQL.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "integration")]

import plain_ckan  # noqa: E402 its folder is no package
from tests.bench import measure  # noqa: E402

PACKAGES = ("ckanext-xloader==2.6.0",)


def main(settings: Path, packages: Path, file: Path, word: str) -> dict[str, float]:
    sys.path.append(str(packages))  # behind the platform's own: what both have is the platform's
    import ckanext

    ckanext.__path__.append(str(packages / "ckanext"))
    with (
        plain_ckan.settings_of(settings, "http://127.0.0.1:9", "datastore xloader") as ini,
        plain_ckan.database_of(settings) as url,
        _reader(url) as read_url,
    ):
        with ini.open("a", encoding="utf-8") as lines:
            lines.write(f"ckan.datastore.write_url = {url}\nckan.datastore.read_url = {read_url}\n")
        application = plain_ckan.application_of(ini)
        with application.test_request_context("/"):
            return _load(
                file, word, lambda: time.process_time() + measure.server_cpu(settings.parent)
            )


@contextmanager
def _reader(url: str) -> Iterator[str]:
    """The account that only reads, with the rights that CKAN's own command gives."""
    import psycopg2

    from ckanext.datastore.cli import permissions_sql

    server, name, password = urlsplit(url), f"reader_{uuid4().hex[:8]}", uuid4().hex
    said = permissions_sql("postgres", server.path[1:], "postgres", "postgres", name)
    kept = "\n".join(line for line in said.splitlines() if not line.startswith("\\"))
    connection = psycopg2.connect(url)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")
    try:
        cursor.execute(kept)
        yield f"postgresql://{name}:{password}@{server.hostname}:{server.port}{server.path}"
    finally:
        cursor.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
        connection.close()


def _load(file: Path, word: str, cpu: Callable[[], float]) -> dict[str, float]:
    import sqlalchemy as sa

    import ckan.model as model
    import ckan.plugins.toolkit as tk

    from ckanext.datastore.backend.postgres import get_write_engine
    from ckanext.xloader import loader

    site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]

    def act(action: str, **data: Any) -> Any:
        return tk.get_action(action)({"user": site, "ignore_auth": True}, data)

    unit = act("organization_create", name="unit")["id"]
    made = act(
        "package_create", name="table", owner_org=unit, resources=[{"url": "http://x.example/a"}]
    )
    resource = made["resources"][0]["id"]
    log = logging.getLogger("peer")
    spent, began = cpu(), time.perf_counter()
    fields = loader.load_csv(str(file), resource, mimetype="text/csv", logger=log)
    loaded = time.perf_counter()
    loader.create_column_indexes(fields, resource, log)
    indexed = time.perf_counter()
    spent = cpu() - spent
    with get_write_engine().connect() as connection:
        rows, found = connection.execute(
            sa.text(
                "SELECT count(*), count(*) FILTER (WHERE _full_text @@ plainto_tsquery(:word))"
                f' FROM "{resource}"'
            ),
            {"word": word},
        ).one()
    model.Session.remove()
    return {
        "rows": rows, "found": found, "seconds": loaded - began,
        "index_seconds": indexed - loaded, "cpu": spent,
    }  # fmt: skip


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr  # what CKAN prints is no answer
    found = main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
    answers.write(json.dumps(found) + "\n")
