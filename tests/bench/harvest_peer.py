"""ckanext-harvest and ckanext-dcat on a CKAN as it is delivered, for the benchmark of harvests.

A program of its own: `harvest_peer.py SETTINGS PACKAGES` answers each line of its input, an object
that says what to do, by a line of JSON. A run goes the way of an installation, through the queues
of Redis and one consumer of each, but waits for nobody: the consumers take what is there.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "integration")]

import plain_ckan  # noqa: E402 its folder is no package
from tests.bench.written import Written  # noqa: E402

PACKAGES = ("ckanext-harvest==1.6.3", "pika")
PLUGINS = "activity harvest ckan_harvester dcat dcat_rdf_harvester dcat_json_harvester"
# Its best: Solr commits by itself every second, and not once for each dataset.
SETTINGS = "ckan.search.solr_commit = false\n"


def main(settings: Path, packages: Path, answers: Any) -> None:
    with plain_ckan.settings_of(settings, "http://127.0.0.1:9", PLUGINS) as ini:
        with ini.open("a", encoding="utf-8") as lines:
            lines.write(SETTINGS)
        application = plain_ckan.application_of(ini)
        ckan = str(Path(sys.executable).parent / "ckan")
        environ = {**os.environ, "PYTHONPATH": str(packages)}
        for plugin in ("activity", "harvest"):
            subprocess.run([ckan, "-c", str(ini), "db", "upgrade", "-p", plugin],
                           check=True, stdout=sys.stderr, env=environ)  # fmt: skip
        _with_a_pool()
        with application.test_request_context("/"):
            peer = Peer()
            for line in sys.stdin:
                told = json.loads(line)
                answers.write(json.dumps(getattr(peer, told.pop("do"))(**told)) + "\n")
                answers.flush()


def _with_a_pool() -> None:
    """Connections are kept, as in a consumer that was started: making the tables has ended that."""
    import sqlalchemy as sa

    import ckan.model as model
    import ckan.plugins.toolkit as tk

    model.init_model(sa.engine_from_config(tk.config))


def _act(action: str, **data: Any) -> Any:
    import ckan.plugins.toolkit as tk

    site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    return tk.get_action(action)({"user": site, "ignore_auth": True}, data)


class Peer:
    """What it is told."""

    def __init__(self) -> None:
        self.unit = _act("organization_create", name="harvested")["id"]
        _act("user_create", name="keeper", email="k@x.example", password=uuid4().hex, sysadmin=True)

    def source(self, kind: str, url: str, config: dict[str, Any]) -> dict[str, Any]:
        made = _act(
            "harvest_source_create", name=f"s-{uuid4().hex[:8]}", title=kind, url=url,
            source_type=kind, owner_org=self.unit, config=json.dumps(config),
        )  # fmt: skip
        return {"id": made["id"]}

    def configure(self, source: str, config: dict[str, Any]) -> dict[str, Any]:
        from ckanext.harvest.model import HarvestSource

        found = HarvestSource.get(source)
        found.config = json.dumps(config)
        found.save()
        return {}

    def run(self, source: str) -> dict[str, Any]:
        import psycopg2

        import ckan.model as model
        import ckan.plugins.toolkit as tk

        connection = psycopg2.connect(tk.config["sqlalchemy.url"])
        written, cpu, began = Written(connection), _cpu(), time.perf_counter()
        job = _act("harvest_job_create", source_id=source)["id"]
        crashes = _consume()
        _act("harvest_jobs_run", source_id=source)
        seconds, spent = time.perf_counter() - began, _cpu() - cpu
        shown = _act("harvest_job_show", id=job)
        model.Session.remove()
        model.meta.engine.dispose()  # what a connection has written is known once it has ended
        time.sleep(0.5)
        rows = written.rows()
        connection.close()
        return {
            "seconds": seconds, "cpu": spent, "state": shown["status"], "counts": {**shown["stats"], "crashes_of_consumers": crashes}, "rows": rows, "peak_mb": _peak(),
        }  # fmt: skip

    def held(self, source: str) -> dict[str, Any]:
        """Titles and links by what the source calls each dataset."""
        import ckan.model as model

        from ckanext.harvest.model import HarvestObject

        rows = (
            model.Session.query(HarvestObject.guid, model.Package)
            .join(model.Package, model.Package.id == HarvestObject.package_id)
            .filter(HarvestObject.harvest_source_id == source, HarvestObject.current.is_(True))
            .filter(model.Package.state == "active")
        )
        found = {
            guid.rpartition("/")[2]: [one.title, sorted(each.url for each in one.resources)]
            for guid, one in rows
        }
        model.Session.remove()
        return found


def _consume() -> int:
    """What the two consumers do with what waits for them; one that crashes is started again.

    Returns:
        how often one crashed.
    """
    from ckanext.harvest import queue

    crashes = 0
    for consumer, callback in (
        (queue.get_gather_consumer(), queue.gather_callback),
        (queue.get_fetch_consumer(), queue.fetch_callback),
    ):
        while (message := consumer.basic_get(queue=None))[2] is not None:
            crashes += _crashes(callback, *message)
    return crashes


def _crashes(callback: Any, method: Any, consumer: Any, body: str) -> bool:
    import ckan.model as model

    try:
        callback(consumer, method, consumer, body)
    except Exception:  # noqa: BLE001 whatever it is, the consumer's process would have ended
        model.Session.rollback()
        model.Session.remove()
        return True
    return False


def _cpu() -> float:
    return time.process_time()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr  # what CKAN prints is no answer
    packages = Path(sys.argv[2])
    sys.path.append(str(packages))  # behind the platform's own: what both have is the platform's
    import ckanext

    ckanext.__path__.append(str(packages / "ckanext"))
    main(Path(sys.argv[1]), packages, answers)
