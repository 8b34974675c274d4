"""An import that is cut off writes nothing, says so, and can be applied again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent))
import sqlalchemy as sa
from publishing_kit import Office
from publishing_kit import office as open_office
from test_inventory import HEADER, line

import ckan.model as model

ROWS = 6000
PATIENCE_SECONDS = 90


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
