"""CKAN with ckanext-harvest and ckanext-dcat as all are delivered, harvesting from an address.

A program of its own: `stock_harvester.py SETTINGS ADDRESS` answers each line of its input, the kind
of a harvester, by harvesting once, with a line of JSON: what it holds now, and what went wrong.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import plain_ckan

PLUGINS = "harvest ckan_harvester dcat dcat_rdf_harvester"
# What each harvester is told to read.
PATHS = {"ckan": "", "dcat_rdf": "/catalog.ttl"}


@contextmanager
def running(settings: Path, address: str, packages: Path) -> Iterator[Harvester]:
    """The program while the block runs; `packages` is where ckanext-harvest is installed."""
    import os

    here = str(Path(__file__).parent)
    program = subprocess.Popen(
        [sys.executable, __file__, str(settings), address],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([here, str(packages)])},
    )  # fmt: skip
    try:
        yield Harvester(program)
    finally:
        program.communicate(timeout=60)


class Harvester:
    """The program, as a test asks it."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def run(self, kind: str) -> dict[str, Any]:
        """Harvests with the harvester of a kind: `{held, errors}`, held by what it calls each."""
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(f"{kind}\n")
        self._program.stdin.flush()
        line = self._program.stdout.readline()
        assert line, "the program has ended"
        return dict(json.loads(line))


# --- the program ---------------------------------------------------------------------------------


def main(settings: Path, address: str) -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what CKAN prints is no answer
    with plain_ckan.settings_of(settings, "http://127.0.0.1:9", PLUGINS) as ini:
        application = plain_ckan.application_of(ini)
        ckan = str(Path(sys.executable).parent / "ckan")
        subprocess.run(
            [ckan, "-c", str(ini), "db", "upgrade", "-p", "harvest"], check=True, stdout=sys.stderr
        )
        with application.test_request_context("/"):
            sources = _sources(address)
            for line in sys.stdin:
                kind = line.strip()
                found = _harvest(kind, sources[kind])
                answers.write(json.dumps(found, ensure_ascii=False) + "\n")
                answers.flush()


def _act(action: str, **data: Any) -> Any:
    import ckan.plugins.toolkit as tk

    site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    return tk.get_action(action)({"user": site, "ignore_auth": True}, data)


def _sources(address: str) -> dict[str, str]:
    unit = _act("organization_create", name="harvested")["id"]
    _act("user_create", name="keeper", email="k@x.example", password=uuid4().hex, sysadmin=True)
    return {
        kind: str(
            _act(
                "harvest_source_create",
                name=f"by-{kind.replace('_', '-')}", title=kind, url=address + path,
                source_type=kind, owner_org=unit,
            )["id"]
        )
        for kind, path in PATHS.items()
    }  # fmt: skip


def _harvest(kind: str, source: str) -> dict[str, Any]:
    from ckanext.harvest import queue
    from ckanext.harvest.model import HarvestJob, HarvestObject

    job = HarvestJob.get(_act("harvest_job_create", source_id=source)["id"])
    job.status = "Running"
    job.save()
    harvester = queue.get_harvester(kind)
    for object_id in queue.gather_stage(harvester, job) or []:
        queue.fetch_and_import_stages(harvester, HarvestObject.get(object_id))
    _act("harvest_jobs_run")
    objects = _session().query(HarvestObject).filter_by(harvest_job_id=job.id).all()
    errors = [each.message for each in job.gather_errors]
    errors += [each.message for one in objects for each in one.errors]
    return {"held": _held(source), "errors": errors}


def _held(source: str) -> dict[str, Any]:
    """Titles and links by what the source calls each dataset."""
    import ckan.model as model

    from ckanext.harvest.model import HarvestObject

    rows = (
        _session()
        .query(HarvestObject.guid, model.Package)
        .join(model.Package, model.Package.id == HarvestObject.package_id)
        .filter(HarvestObject.harvest_source_id == source, HarvestObject.current.is_(True))
        .filter(model.Package.state == "active")
    )
    return {
        guid.rpartition("/")[2]: {
            "title": one.title,
            "resources": sorted(each.url for each in one.resources),
        }
        for guid, one in rows
    }


def _session() -> Any:
    import ckan.model as model

    return model.Session


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
