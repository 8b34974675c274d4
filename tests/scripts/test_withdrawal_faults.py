"""A withdrawal by command needs the database alone: with index and cache stopped it is done at once.

The web part stands still while Redis does, so readers are asked through CKAN's own actions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from doors import ROOT, Stack

from stack import supervisor
from stack.layout import DataFolder

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


def command(stack: Stack, *arguments: str) -> Any:
    done = stack.ckan("govopen", *arguments, "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout[done.stdout.index("\n{" if "\n{" in done.stdout else "{") :])


def test_with_index_and_cache_stopped_the_commands_hide_at_once_and_the_rest_follows(
    stack: Stack,
) -> None:
    data = stack.data
    withdrawn, hidden = in_ckan(data, PUBLISH)
    assert in_ckan(data, READ, withdrawn, hidden)["public"] == [withdrawn, hidden]
    folder = DataFolder(data)
    for part in ("worker", "solr", "redis"):
        supervisor.stop_part(folder, part)

    reason = ("--reason", "停机时撤回", "--user")
    answer = command(
        stack, "publication", "withdraw", withdrawn, "--ground", "error", *reason, "sysadmin"
    )
    assert (answer["state"], answer["remaining"]) == ("withdrawn", ["index"])
    answer = command(stack, "publication", "hide", hidden, *reason, "leader")
    assert (answer["state"], answer["remaining"]) == ("withdrawn", ["index"])
    assert in_ckan(data, READ, withdrawn, hidden) == {"public": [], "left": ["index", "index"]}
    listed = stack.ckan("govopen", "review", "list", "--all")
    assert listed.returncode == 0, listed.stderr
    assert "published" in listed.stdout

    for part in ("redis", "solr", "worker"):
        supervisor.start(folder, part)
    began = time.monotonic()
    while in_ckan(data, READ, withdrawn, hidden) != {"public": [], "left": []}:
        assert time.monotonic() - began < WORKER_SECONDS
        time.sleep(2)
