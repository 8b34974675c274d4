"""CKAN with ckanext-harvest as both are delivered, harvesting from an address that it is given.

A program of its own: `stock_harvester.py SETTINGS ADDRESS` answers each line of its input by
harvesting once, with a line of JSON: what it holds now, and what went wrong.
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

PLUGINS = "harvest ckan_harvester"
NAME = "beside"


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

    def run(self) -> dict[str, Any]:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write("run\n")
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
            source = _source(address)
            for _ in sys.stdin:
                answers.write(json.dumps(_harvest(source), ensure_ascii=False) + "\n")
                answers.flush()


def _act(action: str, **data: Any) -> Any:
    import ckan.plugins.toolkit as tk

    site = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    return tk.get_action(action)({"user": site, "ignore_auth": True}, data)


def _source(address: str) -> str:
    unit = _act("organization_create", name="harvested")["id"]
    _act("user_create", name="keeper", email="k@x.example", password=uuid4().hex, sysadmin=True)
    made = _act(
        "harvest_source_create",
        name=NAME, title=NAME, url=address, source_type="ckan", owner_org=unit,
    )  # fmt: skip
    return str(made["id"])


def _harvest(source: str) -> dict[str, Any]:
    import ckan.model as model

    from ckanext.harvest import queue
    from ckanext.harvest.model import HarvestJob, HarvestObject

    job = HarvestJob.get(_act("harvest_job_create", source_id=source)["id"])
    job.status = "Running"
    job.save()
    harvester = queue.get_harvester("ckan")
    for object_id in queue.gather_stage(harvester, job) or []:
        queue.fetch_and_import_stages(harvester, HarvestObject.get(object_id))
    _act("harvest_jobs_run")
    held = {
        one.id: {"title": one.title, "resources": sorted(each.url for each in one.resources)}
        for one in model.Session.query(model.Package).filter_by(state="active", type="dataset")
    }
    objects = model.Session.query(HarvestObject).filter_by(harvest_job_id=job.id).all()
    errors = [each.message for each in job.gather_errors]
    errors += [each.message for one in objects for each in one.errors]
    return {"held": held, "errors": errors}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
