"""A withdrawal by command needs the database alone: with index and cache stopped it is done at once.

The stack of these tests is their own; its web part stands still while Redis does, so readers are
asked through CKAN's own actions.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stack import ports, supervisor
from stack.layout import DataFolder

ROOT = Path(__file__).resolve().parents[2]
KIT = ROOT / "tests" / "integration" / "logic" / "action"
# Published by two people through the real actions; what is printed last is JSON.
PUBLISH = """
import json
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app
import os
application = make_app(CKANConfigLoader(os.environ["CKAN_INI"]).get_config())._wsgi_app
from publishing_kit import office
with office(application) as one:
    made = [one.published() for _ in range(2)]
    print(json.dumps([each["id"] for each in made]))
"""
READ = """
import json, os, sys
from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app
application = make_app(CKANConfigLoader(os.environ["CKAN_INI"]).get_config())._wsgi_app
import ckan.model as model
import ckan.plugins.toolkit as tk
from ckanext.govopen.logic import purge
with application.test_request_context("/"):
    public = []
    for package_id in sys.argv[1:]:
        try:
            public.append(tk.get_action("package_show")({"user": ""}, {"id": package_id})["id"])
        except tk.ObjectNotFound:
            pass
    parts = purge.remaining(model.Session, sys.argv[1:])
    left = [part["part"] for found in parts.values() for part in found if not part["done_at"]]
    print(json.dumps({"public": public, "left": left}))
"""
WORKER_SECONDS = 150


def door(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "scripts" / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=1200,
    )


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """A running stack with an empty city, stamped as test."""
    parent = Path(tempfile.mkdtemp(prefix="govopen-withdrawal-"))
    parent.chmod(0o755)
    folder = parent / "data"
    port = ports.choose(str(folder), None, frozenset())
    try:
        options = ("--port", str(port), "--city", "empty", "--stamp", "test", "--detach")
        started = door("start", "--data", folder, *options)
        assert started.returncode == 0, started.stdout + started.stderr
        yield folder
    finally:
        door("stop", "--data", folder)
        shutil.rmtree(parent, ignore_errors=True)


def in_ckan(data: Path, program: str, *arguments: str) -> Any:
    """Runs a program inside CKAN on the stack's settings and reads the JSON that it prints last."""
    given = {"CKAN_INI": str(data / "ckan.ini"), "PYTHONPATH": str(KIT), "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | given,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def command(data: Path, *arguments: str) -> Any:
    done = door("ckan", "--data", data, "govopen", *arguments, "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout[done.stdout.index("\n{" if "\n{" in done.stdout else "{") :])


def test_with_index_and_cache_stopped_the_commands_hide_at_once_and_the_rest_follows(
    data: Path,
) -> None:
    withdrawn, hidden = in_ckan(data, PUBLISH)
    assert in_ckan(data, READ, withdrawn, hidden)["public"] == [withdrawn, hidden]
    folder = DataFolder(data)
    for part in ("worker", "solr", "redis"):
        supervisor.stop_part(folder, part)

    reason = ("--reason", "停机时撤回", "--user")
    answer = command(
        data, "publication", "withdraw", withdrawn, "--ground", "error", *reason, "sysadmin"
    )
    assert (answer["state"], answer["remaining"]) == ("withdrawn", ["index"])
    answer = command(data, "publication", "hide", hidden, *reason, "leader")
    assert (answer["state"], answer["remaining"]) == ("withdrawn", ["index"])
    assert in_ckan(data, READ, withdrawn, hidden) == {"public": [], "left": ["index", "index"]}
    listed = door("ckan", "--data", data, "govopen", "review", "list", "--all")
    assert listed.returncode == 0, listed.stderr
    assert "published" in listed.stdout

    for part in ("redis", "solr", "worker"):
        supervisor.start(folder, part)
    began = time.monotonic()
    while in_ckan(data, READ, withdrawn, hidden) != {"public": [], "left": []}:
        assert time.monotonic() - began < WORKER_SECONDS
        time.sleep(2)
