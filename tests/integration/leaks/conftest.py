"""One world for every test of this folder, its mail read, and what was asked counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import asking
import pytest
from flask import Flask
from mail_server import mail_server
from world import World
from world import world as make_world

import ckan.model as model
import ckan.plugins.toolkit as tk

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


@pytest.fixture(scope="package")
def world(application: Flask) -> Iterator[World]:
    with make_world(application) as one:
        yield one


@pytest.fixture(scope="package", autouse=True)
def mail(application: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever the application mails in these tests is read with the answer that it came with."""
    with (
        mail_server(tmp_path_factory.mktemp("mail")) as server,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setitem(tk.config, "smtp.server", f"127.0.0.1:{server.port}")
        patch.setitem(tk.config, "smtp.mail_from", "site@yz.example")
        patch.setattr(asking, "MAILBOX", server)
        yield


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a write does by chance is undone: the datasets of this folder's world stay as they are."""
    monkeypatch.setattr(model.Session, "commit", model.Session.flush)
    yield
    model.Session.remove()


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Says how much of the matrix was asked: the default run asks in turns."""
    for part, counted in asking.COUNTED.items():
        asked, cells = counted["asked"], counted["cells"]
        terminalreporter.write_line(
            f"leak matrix, {part}: {asked} of {cells} cells (surface, state, role) asked"
        )
