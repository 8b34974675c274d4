"""The doors run for real: faults are told in a sentence, killed parts come back, nothing stays.

The stack of these tests is their own, in a folder whose name has spaces and Chinese characters.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest

from stack import identity, ports, processes

ROOT = Path(__file__).resolve().parents[2]
HEALTHY_SECONDS = 180  # 30 on a machine of its own; tests share theirs


def door(name: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    given = {"LANG": "zh_CN.UTF-8", "LC_ALL": "zh_CN.UTF-8"} | options.pop("env", {})
    return subprocess.run(
        [str(ROOT / "scripts" / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=os.environ | given,
        timeout=1200,
        **options,
    )


@dataclass(frozen=True)
class Stack:
    data: Path
    port: int

    def start(self, *more: str) -> subprocess.CompletedProcess[str]:
        return door(
            "start", "--data", self.data, "--port", self.port, "--city", "empty", "--detach", *more
        )

    def status(self) -> dict[str, Any]:
        return json.loads(door("status", "--data", self.data, "--json").stdout)

    def pid(self, part: str) -> int:
        return next(p["pid"] for p in self.status()["parts"] if p["name"] == part)

    def answers(self) -> bool:
        url = f"http://127.0.0.1:{self.port}/api/3/action/package_search?q=%E6%B0%B4"
        try:
            with urllib.request.urlopen(url, timeout=10) as got:
                return json.load(got)["success"] is True
        except OSError:
            return False

    def healthy_again(self) -> float:
        began = time.monotonic()
        while not (self.status()["healthy"] and self.answers()):
            assert time.monotonic() - began < HEALTHY_SECONDS, self.status()
            time.sleep(0.3)
        return time.monotonic() - began

    def left(self) -> list[str]:
        return [process.name for process in processes.of_folder(self.data)]


def free_port() -> int:
    port = ports.choose(tempfile.mktemp(), None, frozenset())  # noqa: S306  (a seed, no file)
    assert port is not None
    return port


@pytest.fixture(scope="module")
def parent() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="govopen-故障 "))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def stack(parent: Path) -> Iterator[Stack]:
    made = Stack(parent / "数据 目录 it's", free_port())
    try:
        started = made.start()
        assert started.returncode == 0, started.stdout + started.stderr
        assert f"http://127.0.0.1:{made.port}" in started.stdout
        yield made
    finally:
        door("stop", "--data", made.data)
    assert made.left() == []


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


@pytest.mark.parametrize("part", ["postgresql", "redis", "solr", "web"])
def test_a_part_that_was_killed_is_back_and_healthy_in_time(stack: Stack, part: str) -> None:
    before = stack.pid(part)
    os.kill(before, signal.SIGKILL)
    assert processes.wait_gone([before], 5)
    stack.healthy_again()
    assert stack.pid(part) != before


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
    supervisor = stack.status()["supervisor_pid"]
    os.kill(supervisor, signal.SIGKILL)
    assert processes.wait_gone([supervisor], 5)
    assert "orphaned" in {p["state"] for p in stack.status()["parts"]}
    again = stack.start()
    assert again.returncode == 0, again.stderr
    assert "postgres" in again.stdout
    stack.healthy_again()


def test_lock_files_that_name_a_foreign_process_do_not_stop_a_start(stack: Stack) -> None:
    assert door("stop", "--data", stack.data).returncode == 0
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
    made = door(
        "ckan",
        "--data",
        stack.data,
        "user",
        "add",
        "backup-witness",
        "email=w@example.org",
        "password=witness-password-1",
    )
    assert made.returncode == 0, made.stderr
    (stack.data / "files" / "凭证").write_bytes(b"stored once")
    archive = parent / "备份.tar.gz"
    assert door("backup", "--data", stack.data, archive).returncode == 0
    assert archive.stat().st_mode & 0o077 == 0

    restored = parent / "恢复 的"
    done = door("restore", archive, "--data", restored)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (restored / "files" / "凭证").read_bytes() == b"stored once"
    assert [p.name for p in processes.of_folder(restored)] == []
    again = Stack(restored, free_port())
    try:
        assert again.start().returncode == 0
        shown = door("ckan", "--data", restored, "user", "show", "backup-witness")
        assert "w@example.org" in shown.stdout
    finally:
        door("stop", "--data", restored)

    damaged = parent / "坏.tar.gz"
    damaged.write_bytes(archive.read_bytes()[:-2000])
    refused = door("restore", damaged, "--data", parent / "空")
    assert refused.returncode == 1
    assert "不是完好的备份文件" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_was_restored_stays_closed_until_it_passes_its_checks(
    stack: Stack, parent: Path
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
    finally:
        door("stop", "--data", restored.data)
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


def test_ctrl_c_at_the_foreground_stops_everything(parent: Path) -> None:
    data, port = parent / "前台", free_port()
    process = subprocess.Popen(
        [
            str(ROOT / "scripts" / "start"),
            "--data",
            str(data),
            "--port",
            str(port),
            "--city",
            "empty",
        ],
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
        assert Stack(data, port).answers()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(180) == 0
    finally:
        door("stop", "--data", data)
    assert [p.name for p in processes.of_folder(data)] == []
    assert ports.is_free(port)
