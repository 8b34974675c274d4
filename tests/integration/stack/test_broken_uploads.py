"""Uploads that break off: the disk is full, or whoever sends goes away. Nothing is half kept."""

from __future__ import annotations

import resource as limits
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen
from uuid import uuid4

import pytest
from flask import Flask

sys.path.insert(0, str(Path(__file__).parents[1] / "logic" / "action"))
from publishing_kit import Office
from publishing_kit import office as open_office

from ckanext.govopen.logic import files

ROOM = 1 << 18
ACTION = "/api/3/action/resource_create"


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@contextmanager
def no_room() -> Iterator[None]:
    """The system lets this process write no file longer than that, as a full disk would."""
    before = limits.getrlimit(limits.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits.setrlimit(limits.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(
    "size", [3 * ROOM // 2, 4 * ROOM]
)  # held in memory, and spooled to the disk
def test_without_room_an_upload_is_refused_as_a_fault_of_the_site_and_nothing_is_kept(
    office: Office, application: Flask, size: int
) -> None:
    made, token, edge = office.draft(), office.token("officer"), uuid4().hex
    before = _state(office, made["id"])
    body = _head(edge, made["id"]) + b"a,b\r\n" * (size // 5) + f"\r\n--{edge}--\r\n".encode()
    given = {"Authorization": token, "Content-Type": f"multipart/form-data; boundary={edge}"}
    client = application.test_client()
    with no_room():
        answer = client.post(ACTION, data=body, headers=given)
    assert (answer.status_code, answer.get_json()["success"]) == (503, False)
    assert str(files.folder()) not in answer.get_data(as_text=True)
    assert _state(office, made["id"]) == before
    assert client.post(ACTION, data=body, headers=given).status_code == 200, "with room it is taken"


def _head(edge: str, package_id: str) -> bytes:
    named = f"--{edge}\r\nContent-Disposition: form-data; name="
    return (
        f'{named}"package_id"\r\n\r\n{package_id}\r\n{named}"upload"; filename="a.csv"\r\n\r\n'
    ).encode()


def test_an_upload_that_is_cut_in_the_middle_leaves_nothing_and_the_site_goes_on(
    office: Office, site_url: str
) -> None:
    made, token = office.draft(), office.token("officer")
    before, where = _state(office, made["id"]), urlsplit(site_url)
    edge = uuid4().hex
    request = (
        f"POST {ACTION} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: {token}\r\n"
        f"Content-Type: multipart/form-data; boundary={edge}\r\nContent-Length: {4 * ROOM}\r\n\r\n"
    ).encode()
    with socket.create_connection((where.hostname, where.port), timeout=60) as sender:
        sender.sendall(request + _head(edge, made["id"]) + b"a,b\r\n" * (ROOM // 8))
        sender.shutdown(socket.SHUT_WR)
        told = b"".join(iter(lambda: sender.recv(1 << 16), b""))  # until the other end has ended
    assert b" 200 " not in told.partition(b"\r\n")[0]
    assert b"Traceback" not in told
    assert _state(office, made["id"]) == before
    with urlopen(f"{site_url}/api/3/action/package_list", timeout=60) as answer:  # noqa: S310
        assert answer.status == 200


def _state(office: Office, package_id: str) -> tuple[list[str], set[str]]:
    """Files of the dataset, and what lies half written in the folder of files."""
    shown = office.act("officer", "package_show", id=package_id)
    half = {path.name for path in files.folder().glob("incoming-*")}
    return [one["id"] for one in shown["resources"]], half
