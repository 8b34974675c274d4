"""How integration tests reach CKAN: its own application on the throw-away stack's settings.

`./scripts/test integration` starts the stack and names it by GOVOPEN_TEST_DATA and
GOVOPEN_TEST_URL; against a stack of your own, set both before you run pytest.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from mail_server import MailServer


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Return the data folder of the running stack."""
    given = os.environ.get("GOVOPEN_TEST_DATA")
    if not given:
        pytest.fail("GOVOPEN_TEST_DATA is not set: run these tests by ./scripts/test integration")
    return Path(given)


@pytest.fixture(scope="session")
def site_url() -> str:
    """Return the address of the running stack's web part."""
    given = os.environ.get("GOVOPEN_TEST_URL")
    if not given:
        pytest.fail("GOVOPEN_TEST_URL is not set: run these tests by ./scripts/test integration")
    return given


@pytest.fixture(scope="session")
def application(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Return CKAN's Flask application, made once, with the stack's settings."""
    from passlib.hash import pbkdf2_sha512

    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    # Hundreds of accounts are made and few of them sign in: then CKAN takes its usual rounds again.
    pbkdf2_sha512.default_rounds = 1000
    if os.geteuid() == 0:
        os.umask(0)  # the stack's own user goes on to write into folders that a test makes
    settings = CKANConfigLoader(str(data_folder / "ckan.ini")).get_config()
    # A bundle that the tests' user built could not be read by the stack's own.
    settings["ckan.webassets.path"] = str(tmp_path_factory.mktemp("webassets"))
    return make_app(settings)._wsgi_app


@pytest.fixture
def mailbox(
    application: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[MailServer]:
    """Return a mail server on this machine to which the application sends during the test."""
    from mail_server import mail_server

    import ckan.plugins.toolkit as tk

    with mail_server(tmp_path) as server:
        monkeypatch.setitem(tk.config, "smtp.server", f"127.0.0.1:{server.port}")
        monkeypatch.setitem(tk.config, "smtp.mail_from", "site@yz.example")
        yield server


@pytest.fixture
def app(application: Flask) -> Iterator[Flask]:
    """Run the test inside a request context, with a clean session before and after."""
    from ckan import model

    with application.test_request_context("/"):
        model.Session.remove()
        yield application
        model.Session.rollback()
        model.Session.remove()


@pytest.fixture
def client(application: Flask) -> FlaskClient:
    """Return a test client: requests through the whole application, without a socket."""
    return application.test_client()
