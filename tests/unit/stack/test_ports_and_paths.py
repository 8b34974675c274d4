"""Ports and paths: free ones are found, remembered ones kept, socket paths stay short."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import layout, ports


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as held:
        held.bind((ports.LOOPBACK, 0))
        held.listen(1)
        yield held.getsockname()[1]


def test_a_port_that_somebody_listens_on_is_not_free(taken_port: int) -> None:
    assert not ports.is_free(taken_port)


def test_the_holder_of_a_taken_port_is_named_with_its_pid(taken_port: int) -> None:
    assert f"({os.getpid()})" in (ports.holder(taken_port) or "")


def test_a_remembered_port_is_kept_while_it_is_free_and_left_when_taken(taken_port: int) -> None:
    free = ports.choose("somewhere", None, frozenset())
    assert free is not None
    assert ports.choose("elsewhere", free, frozenset()) == free
    assert ports.choose("somewhere", taken_port, frozenset()) not in (None, taken_port)


def test_two_parts_of_one_folder_never_get_the_same_port() -> None:
    first = ports.choose("here", None, frozenset())
    assert first is not None
    assert ports.choose("here", first, frozenset({first})) != first


def test_candidates_visit_every_port_once() -> None:
    seen = list(ports.candidates("x"))
    assert sorted(seen) == list(range(ports.FIRST, ports.LAST + 1))


def test_a_short_data_path_keeps_its_sockets_inside() -> None:
    folder = layout.DataFolder(Path("/srv/govopen"))
    assert folder.sockets == folder.run


@pytest.mark.parametrize("root", ["/srv/" + "很长的目录名" * 6, "/srv/" + "long name " * 10])
def test_a_long_data_path_gets_a_socket_folder_that_is_short_and_its_own(root: str) -> None:
    folder = layout.DataFolder(Path(root))
    assert len(bytes(folder.sockets)) + layout.LONGEST_SOCKET_NAME <= layout.SOCKET_LIMIT
    assert folder.sockets != layout.DataFolder(Path(root + "x")).sockets


def test_the_default_data_folder_is_var_in_the_checkout_and_a_given_one_becomes_absolute() -> None:
    checkout = layout.Checkout(Path("/opt/govopen"))
    assert layout.data_folder(None, checkout).root == Path("/opt/govopen/var")
    assert layout.data_folder("some where", checkout).root == Path.cwd() / "some where"
