"""The doors run for real: faults are told in a sentence, killed parts come back, nothing stays."""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener
from uuid import uuid4

import psycopg2
import pytest
from doors import HEALTHY_SECONDS, ROOT, Stack, door, free_port

from stack import identity, ports, processes, supervisor
from stack.layout import DataFolder


def test_it_serves_from_a_path_with_spaces_quotes_and_chinese(stack: Stack) -> None:
    assert stack.status()["healthy"] is True
    assert stack.answers()


def test_nothing_of_it_runs_as_root(stack: Stack) -> None:
    owners = {Path(f"/proc/{p.pid}").stat().st_uid for p in processes.of_folder(stack.data)}
    assert owners
    assert 0 not in owners


def test_all_processes_together_take_less_memory_than_the_bound(stack: Stack) -> None:
    assert 0 < stack.status()["memory_bytes"] < 1_800_000_000


def test_what_the_folder_holds_is_for_its_owner_alone(stack: Stack) -> None:
    assert stack.data.stat().st_mode & 0o777 == 0o700
    for name in ("secrets.json", "ckan.ini", "stack.json"):
        assert (stack.data / name).stat().st_mode & 0o077 == 0, name


@pytest.mark.parametrize("part", ["postgresql", "redis", "solr", "web", "worker"])
def test_a_part_that_was_killed_is_back_and_healthy_in_time(stack: Stack, part: str) -> None:
    before = stack.pid(part)
    os.kill(before, signal.SIGKILL)
    assert processes.wait_gone([before], 5)
    stack.healthy_again()
    assert stack.pid(part) != before
    if part in ("postgresql", "worker"):  # a worker that loses its database begins anew
        wait_for_a_worker_that_begins_after(stack, datetime.now(timezone.utc))


@pytest.mark.long
@pytest.mark.parametrize("part", ["postgresql", "redis", "solr", "web", "worker"])
def test_a_part_that_was_killed_is_back_within_half_a_minute(stack: Stack, part: str) -> None:
    """What a machine of its own keeps; the machine of every other test is shared."""
    stack.healthy_again()
    before = stack.pid(part)
    os.kill(before, signal.SIGKILL)
    assert processes.wait_gone([before], 5)
    assert stack.healthy_again() < 30
    assert stack.pid(part) != before


def wait_for_a_worker_that_begins_after(stack: Stack, moment: datetime) -> None:
    """Until a worker has been heard of: what waits is done again, and what is periodic goes on."""
    ini = configparser.RawConfigParser()
    ini.read(stack.data / "ckan.ini", encoding="utf-8")
    until = time.monotonic() + HEALTHY_SECONDS
    while True:
        with closing(psycopg2.connect(ini["app:main"]["sqlalchemy.url"])) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT max(last_heartbeat) FROM procrastinate_workers")
            (heard,) = cursor.fetchone()
        if heard is not None and heard > moment:
            return
        assert time.monotonic() < until, heard
        time.sleep(0.5)


def sign_in(stack: Stack) -> tuple[int, str]:
    """Status and page that somebody with the right password gets."""
    accounts = json.loads((stack.data / "accounts.json").read_text(encoding="utf-8"))
    given = next(one for one in accounts if one["name"] == "data-authority")
    form = urlencode({"login": given["name"], "password": given["password"]}).encode()
    opener = build_opener(HTTPCookieProcessor())
    try:
        with opener.open(f"http://127.0.0.1:{stack.port}/user/login", data=form) as page:
            return page.status, page.read().decode()
    except HTTPError as refused:
        return refused.code, refused.read().decode()


def test_without_redis_nobody_signs_in_and_what_is_public_is_read(stack: Stack) -> None:
    folder = DataFolder(stack.data)
    supervisor.stop_part(folder, "redis")
    try:
        status, page = sign_in(stack)
        assert (status, "暂时不能登录" in page) == (503, True)
        assert stack.answers()
    finally:
        supervisor.start(folder, "redis")
    stack.healthy_again()
    status, page = sign_in(stack)
    assert (status, "退出登录" in page) == (200, True)


def test_a_second_start_of_a_running_stack_finds_it_running(stack: Stack) -> None:
    before = stack.pid("web")
    again = stack.start()
    assert again.returncode == 0, again.stderr
    assert stack.pid("web") == before


def test_a_running_stack_does_not_move_to_another_port(stack: Stack) -> None:
    moved = door("start", "--data", stack.data, "--port", free_port(), "--detach")
    assert moved.returncode == 1
    assert f"已在端口 {stack.port} 运行" in moved.stderr


def test_the_city_of_a_folder_is_fixed(stack: Stack) -> None:
    other = door("start", "--data", stack.data, "--city", "small", "--detach")
    assert other.returncode == 1
    assert "--city empty" in other.stderr


def test_a_start_after_a_killed_supervisor_ends_what_it_left_and_works(stack: Stack) -> None:
    parent = stack.status()["supervisor_pid"]
    os.kill(parent, signal.SIGKILL)
    assert processes.wait_gone([parent], 5)
    assert "orphaned" in {p["state"] for p in stack.status()["parts"]}
    again = stack.start()
    assert again.returncode == 0, again.stderr
    assert "postgres" in again.stdout
    stack.healthy_again()


def test_lock_files_that_name_a_foreign_process_do_not_stop_a_start(stack: Stack) -> None:
    assert stack.stop().returncode == 0
    assert stack.left() == []
    lock = stack.data / "postgresql" / "postmaster.pid"
    # a living process, which is no PostgreSQL: our own
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n0\n", encoding="utf-8")
    shutil.chown(lock, stack.data.stat().st_uid)
    (stack.data / "run" / "supervisor.sock").touch()
    (stack.data / "run" / "redis.sock").touch()
    began = time.monotonic()
    again = stack.start()
    assert again.returncode == 0, again.stderr
    assert time.monotonic() - began < HEALTHY_SECONDS
    assert stack.answers()


def test_a_backup_is_restored_into_a_new_folder_and_a_damaged_one_is_refused(
    stack: Stack, parent: Path
) -> None:
    (stack.data / "files" / "凭证").write_bytes(b"stored once")
    archive = parent / "备份.tar.gz"
    assert door("backup", "--data", stack.data, archive).returncode == 0
    assert archive.stat().st_mode & 0o077 == 0

    restored = parent / "恢复 的"
    done = door("restore", archive, "--data", restored)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (restored / "files" / "凭证").read_bytes() == b"stored once"
    assert [p.name for p in processes.of_folder(restored)] == []

    damaged = parent / "坏.tar.gz"
    damaged.write_bytes(archive.read_bytes()[:-2000])
    refused = door("restore", damaged, "--data", parent / "空")
    assert refused.returncode == 1
    assert "不是完好的备份文件" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.fixture
def witness(stack: Stack) -> str:
    """Return the name of somebody who has an account before the backup is made."""
    facts = ("email=w@example.org", "password=witness-password-1")
    made = stack.ckan("user", "add", "backup-witness", *facts)
    assert made.returncode == 0, made.stderr
    return "backup-witness"


def test_what_was_restored_stays_closed_until_it_passes_its_checks_and_then_has_all(
    stack: Stack, parent: Path, witness: str
) -> None:
    content = b"bytes that a backup has lost"
    digest = hashlib.sha256(content).hexdigest()
    settings = (stack.data / "ckan.ini").read_text(encoding="utf-8")
    database = re.search(r"^sqlalchemy.url = (.+)$", settings, re.MULTILINE)
    assert database is not None
    row = (str(uuid4()), digest, len(content), "a.csv", "text/csv", "test")
    with closing(psycopg2.connect(database[1])) as connection, connection:
        connection.cursor().execute(
            "INSERT INTO govopen_file (resource_id, sha256, size, filename, media_type, actor)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            row,
        )
    archive = parent / "缺.tar"
    restored = Stack(parent / "关闭", free_port())
    try:
        assert door("backup", "--data", stack.data, archive).returncode == 0
        refused = door("restore", archive, "--data", restored.data, "--port", restored.port)
        assert refused.returncode == 1
        assert "reconcile" in refused.stderr
        assert "files_missing" in refused.stderr
        assert restored.left() == []
        still = restored.start()
        assert still.returncode == 1
        assert "保持关闭" in still.stderr
        assert ports.is_free(restored.port)

        place = restored.data / "files" / digest[:2] / digest[2:4] / digest
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
        for made in (*place.parents[:2], place):
            shutil.chown(made, restored.data.stat().st_uid)
        opened = restored.start()
        assert opened.returncode == 0, opened.stdout + opened.stderr
        assert restored.answers()
        assert "w@example.org" in restored.ckan("user", "show", witness).stdout
    finally:
        restored.stop()
        with closing(psycopg2.connect(database[1])) as connection, connection:
            connection.cursor().execute("DELETE FROM govopen_file WHERE resource_id = %s", row[:1])


def test_a_taken_port_is_told_with_what_to_do(parent: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(1)
        port = held.getsockname()[1]
        done = door("start", "--data", parent / "p", "--port", port, "--city", "empty", "--detach")
    assert done.returncode == 1
    assert f"端口 {port} 已被占用" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_demo_data_is_not_offered_to_other_machines(parent: Path) -> None:
    done = door("start", "--data", parent / "h", "--host", "0.0.0.0", "--detach")  # noqa: S104
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root meets a folder that the parts cannot reach"
)
def test_a_folder_that_the_parts_cannot_reach_is_told_with_the_way_out(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    done = door("start", "--data", closed / "data", "--port", free_port(), "--detach")
    assert done.returncode == 1
    blocked = identity.blocked_at(identity.run_user(closed / "data"), closed)
    assert f"chmod o+x {blocked}" in done.stderr


def test_a_folder_without_a_stack_is_told(tmp_path: Path) -> None:
    for name in ("stop", "status", "logs"):
        done = door(name, "--data", tmp_path / "none")
        assert done.returncode == 1
        assert "./scripts/start" in done.stderr


def test_ctrl_c_at_the_foreground_stops_everything(stack: Stack) -> None:
    assert stack.stop().returncode == 0
    process = subprocess.Popen(
        [str(ROOT / "scripts" / "start"), "--data", str(stack.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # a shell that runs these tests in the background has them ignore the interrupt
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    try:
        assert any("Ctrl-C" in line for line in process.stdout)
        assert stack.answers()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(180) == 0
        assert stack.left() == []
        assert ports.is_free(stack.port)
    finally:
        stack.start()
    stack.healthy_again()
