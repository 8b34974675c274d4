"""An import that is cut off writes nothing, says so, and can be applied again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent))
import sqlalchemy as sa
from doors import door
from publishing_kit import Office
from publishing_kit import office as open_office
from test_inventory import HEADER, line

import ckan.model as model

ROWS = 6000
PATIENCE_SECONDS = 90
ACTION = "/api/3/action/govopen_inventory_import"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture
def large_file(office: Office, tmp_path: Path) -> Path:
    path = tmp_path / "large.csv"
    unit = f"测试局{office.mark}"
    rows = [
        line(f"大{tmp_path.name}{n}", unit, f"https://x.cn/{tmp_path.name}/{n}")
        for n in range(ROWS)
    ]
    path.write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    return path


def command(office: Office, data_folder: Path, file: Path) -> list[str]:
    ckan = Path(sys.executable).parent / "ckan"
    user = office.name("officer")
    settings = ["-c", str(data_folder / "ckan.ini")]
    return [
        str(ckan),
        *settings,
        "govopen",
        "inventory",
        "import",
        str(file),
        "--user",
        user,
        "--json",
    ]


def value(office: Office, sql: str, **parameters: Any) -> Any:
    with office.application.test_request_context("/"):
        model.Session.rollback()
        return model.Session.execute(sa.text(sql), parameters).scalar()


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < until, "it did not come so far"
        time.sleep(0.01)


def import_in_state(office: Office, state: str) -> str | None:
    sql = "SELECT id FROM govopen_import WHERE state = :state AND actor = :actor ORDER BY created_at DESC LIMIT 1"
    found: str | None = value(office, sql, state=state, actor=office.user_id("officer"))
    return found


def test_a_killed_import_leaves_nothing_behind_and_is_applied_again(
    office: Office, data_folder: Path, large_file: Path
) -> None:
    before = value(office, "SELECT count(*) FROM govopen_register_log")
    running = subprocess.Popen(command(office, data_folder, large_file), stdout=subprocess.DEVNULL)
    wait_for(lambda: import_in_state(office, "applying") is not None)
    running.send_signal(signal.SIGKILL)
    running.wait()
    import_id = import_in_state(office, "applying")
    wait_for(
        lambda: office.act("officer", "govopen_inventory_import_show", id=import_id)[
            "is_interrupted"
        ]
    )
    assert value(office, "SELECT count(*) FROM govopen_register_log") == before
    again = office.act("officer", "govopen_inventory_import", id=import_id)
    assert (again["state"], again["created"]) == ("applied", ROWS)
    assert value(office, "SELECT count(*) FROM govopen_register_log") == before + ROWS


def test_of_two_imports_for_one_unit_at_once_one_is_told_who_the_other_is(
    office: Office, data_folder: Path, large_file: Path, tmp_path: Path
) -> None:
    second = tmp_path / "second.csv"
    second.write_text(
        large_file.read_text(encoding="utf-8").replace("//x.cn/", "//y.cn/"), encoding="utf-8"
    )
    runs = [
        subprocess.Popen(
            command(office, data_folder, path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for path in (large_file, second)
    ]
    said = [run.communicate(timeout=PATIENCE_SECONDS * 2) for run in runs]
    codes = sorted(run.returncode for run in runs)
    stored = value(
        office,
        "SELECT count(*) FROM govopen_data_resource WHERE name LIKE :name",
        name=f"大{tmp_path.name}%",
    )
    if codes == [0, 0]:  # the machine ran one after the other
        assert all(json.loads(out)["state"] == "applied" for out, _ in said)
    else:
        assert codes == [0, 1]
        refused = next(err for (_, err), run in zip(said, runs, strict=True) if run.returncode)
        assert "officer" in refused
    assert stored == ROWS * codes.count(0)


@pytest.mark.long
@pytest.mark.parametrize("part", ["worker", "postgresql", "web"])
def test_a_part_of_the_site_killed_in_the_middle_of_an_import_leaves_all_of_it_or_nothing(
    office: Office, data_folder: Path, site_url: str, large_file: Path, part: str
) -> None:
    """Whoever does the import dies or loses the database; it is applied once in the end."""
    before = value(office, "SELECT count(*) FROM govopen_register_log")
    sending = threading.Thread(
        target=_send, args=(f"{site_url}{ACTION}", office.token("officer"), large_file, part)
    )
    sending.start()
    wait_for(lambda: import_in_state(office, "applying") is not None)
    import_id = import_in_state(office, "applying")
    for process in processes_of(data_folder, part):
        os.kill(process, signal.SIGKILL)
    sending.join()
    wait_for(lambda: _is_over(office, str(import_id)))
    shown = office.act("officer", "govopen_inventory_import_show", id=import_id)
    stored = value(office, "SELECT count(*) FROM govopen_register_log")
    assert (shown["state"], stored - before) in (("applied", ROWS), ("applying", 0), ("checked", 0))
    if shown["state"] != "applied":
        shown = office.act("officer", "govopen_inventory_import", id=import_id)
    assert (shown["state"], shown["created"]) == ("applied", ROWS)
    assert value(office, "SELECT count(*) FROM govopen_register_log") == before + ROWS
    wait_for(lambda: bool(status_of(data_folder)["healthy"]))


def _send(url: str, token: str, file: Path, part: str) -> None:
    """As a program would: the web part does the work itself, or leaves it to the worker."""
    background = {} if part == "web" else {"background": "true"}
    with file.open("rb") as stream, suppress(requests.RequestException):
        requests.post(
            url, background, files={"upload": stream}, headers={"Authorization": token}, timeout=300
        )


def processes_of(data_folder: Path, part: str) -> list[int]:
    """The part of the stack with what it has begun: a worker of gunicorn does the request."""
    (first,) = (p["pid"] for p in status_of(data_folder)["parts"] if p["name"] == part)
    children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii").split()
    return [first, *(int(child) for child in children if part == "web")]


def status_of(data_folder: Path) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(door("status", "--data", data_folder, "--json").stdout)
    return shown


def _is_over(office: Office, import_id: str) -> bool:
    """Applied, or known to be broken off; asked again while the database comes back."""
    try:
        shown = office.act("officer", "govopen_inventory_import_show", id=import_id)
    except sa.exc.DBAPIError:
        model.Session.remove()
        return False
    return shown["state"] != "applying" or bool(shown["is_interrupted"])
