"""A regression test for each published weakness of CKAN whose code is loaded here.

The advisory on secrets that many sites shared is in tests/unit/logic/test_startup.py, the one on
the CSRF check in tests/integration/test_requests.py, those on stored scripts also in
test_script_injection.py.
"""

from __future__ import annotations

import io
import logging
import resource
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from mail_server import mail_server
from markupsafe import escape
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan.lib import mailer

PASSWORD = uuid4().hex
SCRIPTS = (
    "<script>go()</script>",
    "<img src=x onerror=go()>",
    "[x](javascript:go())",
    "<svg/onload=go()>",
    "<a href='java&#10;script:go()'>x</a>",
    "<<b>script>go()</script>",
    "<math><mi xlink:href='javascript:go()'>x</mi></math>",
    "`<img src=x onerror=go()>`",
    "<iframe srcdoc='<script>go()</script>'></iframe>",
)
PARSERS = (
    '{!join from=id to=id v="permission_labels:*"}',
    '_query_:"{!lucene}permission_labels:*"',
    'x AND _query_:"{!edismax qf=data_dict}x"',
    "{!xmlparser v='<!DOCTYPE a SYSTEM \"http://127.0.0.1:9/\"><a></a>'}",
)


class Tags(HTMLParser):
    """Names and attributes of all tags."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def _as(office: Office, person: str, client: FlaskClient, action: str, **data: object):  # type: ignore[no-untyped-def]
    headers = {"Authorization": office.token(person)}
    return client.post(f"/api/3/action/{action}", json=data, headers=headers)


class TestAccounts:
    @pytest.mark.parametrize("person", ["stranger", "root"])
    def test_an_id_that_a_client_names_selects_no_account(
        self, office: Office, client: FlaskClient, person: str
    ) -> None:
        """CVE-2022-43685: `user_create` with the id of an account took it over."""
        victim = office.user_id("officer")
        answer = _as(
            office, person, client, "user_create",
            id=victim, name=f"new-{uuid4().hex[:6]}", email="new@yz.example", password=PASSWORD,
        )  # fmt: skip
        assert answer.status_code in (200, 403, 409)  # an administrator makes another account
        if answer.status_code == 200:
            assert answer.get_json()["result"]["id"] != victim
        with office.application.test_request_context("/"):
            assert model.User.get(victim).name == office.name("officer")

    def test_a_session_is_a_new_one_after_signing_in(self, office: Office) -> None:
        """CVE-2025-64100, GHSA-6499-jgj4-2wpf: a session id from before goes on after sign-in."""
        with office.application.test_request_context("/"):
            user = office.user("stranger")
            user.password = PASSWORD
            model.repo.commit()
        name = tk.config["SESSION_COOKIE_NAME"]
        client = office.application.test_client()
        client.set_cookie(name, "planted-by-somebody")
        answer = client.post(
            "/user/login", data={"login": office.name("stranger"), "password": PASSWORD}
        )
        assert answer.status_code == 302
        cookie = client.get_cookie(name)
        assert cookie is not None
        assert "planted" not in cookie.value

    def test_a_line_of_the_log_is_not_forged(
        self, client: FlaskClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        """CVE-2024-27097: line feeds in the name at a password reset."""
        for logger in ("ckan", "ckanext"):
            logging.getLogger(logger).addHandler(caplog.handler)
        try:
            with caplog.at_level(logging.INFO):
                client.post("/user/reset", data={"user": "x\r\nforged: line\x1b[31m"})
        finally:
            for logger in ("ckan", "ckanext"):
                logging.getLogger(logger).removeHandler(caplog.handler)
        assert not any(
            line.startswith("forged") or "\x1b" in line
            for record in caplog.records
            for line in record.getMessage().splitlines()
        )

    @pytest.mark.parametrize("name", ["face.png", "face.svg", "face.html", "face.png.html"])
    def test_a_picture_is_one_by_its_content(self, office: Office, name: str) -> None:
        """CVE-2025-24372: a script uploaded as the picture of an account."""
        with office.application.test_request_context("/"):
            email = office.user("stranger").email
        svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>go()</script></svg>"
        answer = office.application.test_client().post(
            f"/user/edit/{office.name('stranger')}",
            data={
                "name": office.name("stranger"),
                "email": email,
                "old_password": "",
                "password1": "",
                "password2": "",
                "save": "",
                "image_upload": (io.BytesIO(svg), name),
            },
            headers={"Authorization": office.token("stranger")},
        )
        assert answer.status_code < 500
        with office.application.test_request_context("/"):
            image = model.User.get(office.name("stranger")).image_url
        assert not image

    def test_what_one_follows_is_told_only_while_one_may_read_it(
        self, office: Office, client: FlaskClient
    ) -> None:
        """GHSA-jgwg-vp4m-5xw5: lists of what is followed tell what has been hidden since."""
        made = office.published()
        assert _as(office, "stranger", client, "follow_dataset", id=made["id"]).status_code == 200
        office.act(
            "officer", "govopen_publication_withdraw", id=made["id"], ground="secrecy", reason="x"
        )
        for action in ("dataset_followee_list", "followee_list"):
            answer = _as(office, "stranger", client, action, id=office.name("stranger"))
            assert made["id"] not in answer.text
            assert made["name"] not in answer.text


class TestInputs:
    @pytest.mark.parametrize("crafted", ["../../../../etc/passwd", "..", "a/b", "a" * 300, "."])
    def test_an_id_of_a_resource_is_no_path(
        self, office: Office, client: FlaskClient, crafted: str
    ) -> None:
        """CVE-2023-32321: the id of a resource became part of a path."""
        draft = office.draft()
        answer = _as(
            office, "officer", client, "resource_create",
            package_id=draft["id"], id=crafted, url="https://x.example/",
        )  # fmt: skip
        assert answer.status_code == 409

    @pytest.mark.parametrize(
        "field", ["resources__999999999__url", "extras__4000000000__key", "a" + "__0" * 3000]
    )
    def test_a_crafted_form_field_costs_neither_memory_nor_time(
        self, office: Office, field: str
    ) -> None:
        """CVE-2023-50248: the number in a field's name was the length of a list."""
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        answer = office.application.test_client().post(
            "/dataset/new",
            data={field: "x", "title": "x", "owner_org": office.unit_id},
            headers={"Authorization": office.token("officer")},
        )
        assert answer.status_code < 500
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB
        assert time.process_time() - began < 10

    @pytest.mark.parametrize("query", PARSERS)
    @pytest.mark.parametrize("parameter", ["q", "fq", "fq_list", "sort", "facet.query"])
    def test_no_other_parser_of_solr_is_reached(
        self, client: FlaskClient, parameter: str, query: str
    ) -> None:
        """GHSA-5r6j-4c43-7mx6: a parser inside another one got past the list of allowed ones."""
        value = [query] if parameter == "fq_list" else query
        answer = client.post("/api/3/action/package_search", json={parameter: value, "rows": 1})
        assert answer.status_code in (400, 409)

    @pytest.mark.parametrize("query", ["title:[", "a:b:c:(", '"', "fl=permission_labels"])
    def test_an_error_of_the_search_says_nothing_of_its_server(
        self, client: FlaskClient, query: str
    ) -> None:
        """CVE-2024-41674: the address and password of Solr in the text of an error."""
        answer = client.post("/api/3/action/package_search", json={"q": query, "fq": query})
        assert answer.status_code < 500
        server = urlsplit(str(tk.config["solr_url"])).netloc.rpartition("@")[2]
        for secret in (server, str(tk.config["solr_password"])):
            assert secret not in answer.text

    @pytest.mark.parametrize("text", SCRIPTS)
    def test_markdown_never_becomes_a_script(self, application: Flask, text: str) -> None:
        """CVE-2025-54384, GHSA-3g5q-3wf6-p8rc: `markdown_extract` let scripts through."""
        with application.test_request_context("/"):
            made = [
                tk.h.markdown_extract(text),
                tk.h.markdown_extract(text, extract_length=0),
                tk.h.render_markdown(text),
            ]
        found = Tags()
        for html in made:
            found.feed(str(escape(html)))  # as a template does with what is not marked as safe
        assert not found.names & {"script", "svg", "iframe", "math", "object", "embed"}
        assert not [name for name, _ in found.attributes if name.startswith("on")]
        assert not [value for _, value in found.attributes if "script:" in str(value)]


class TestTables:
    @pytest.mark.parametrize("person", ["stranger", "officer", "root"])
    def test_no_statement_of_a_client_reaches_the_tables(
        self, office: Office, client: FlaskClient, person: str
    ) -> None:
        """CVE-2026-42031, CVE-2026-42032, GHSA-8hw7-23gj-5599: `datastore_search_sql`."""
        answer = _as(office, person, client, "datastore_search_sql", sql="SELECT 1")
        assert answer.status_code in (400, 404)
        assert '"success": true' not in answer.text.lower()

    @pytest.mark.parametrize("person", ["stranger", "officer", "root"])
    def test_no_client_makes_a_table(
        self, office: Office, client: FlaskClient, person: str
    ) -> None:
        """GHSA-73fv-x47v-f4j5: statements in names of columns and types of `datastore_create`."""
        fields = [{"id": 'a" int); DROP TABLE x; --', "type": "text"}]
        answer = _as(office, person, client, "datastore_create", fields=fields, force=True)
        assert answer.status_code == 409

    def test_views_with_known_weaknesses_are_not_loaded(self) -> None:
        """CVE-2024-41675, GHSA-p5rh-49m9-56vx, GHSA-8frv-ccr7-4m2p, CVE-2024-43371."""
        loaded = set(tk.aslist(tk.config["ckan.plugins"]))
        assert not loaded & {
            "datatables_view", "text_view", "webpage_view", "image_view", "resource_proxy",
            "datapusher", "xloader", "archiver", "validation",
        }  # fmt: skip


class TestMail:
    """CVE-2026-41132: any certificate of the mail server was taken; 2.12.0 still lacks the fix."""

    @pytest.fixture
    def settings(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        monkeypatch.setitem(tk.config, "smtp.starttls", True)
        monkeypatch.setitem(tk.config, "smtp.user", None)
        monkeypatch.setitem(tk.config, "smtp.mail_from", "site@yz.example")
        return monkeypatch

    def _send(self) -> None:
        mailer.mail_recipient("x", "x@yz.example", "a subject", "a secret link")

    def test_a_server_that_proves_nothing_hears_nothing(
        self, app: Flask, settings: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        with mail_server(tmp_path) as server:
            settings.setitem(tk.config, "smtp.server", f"localhost:{server.port}")
            with pytest.raises(mailer.MailerException):
                self._send()
            assert "STARTTLS" in server.heard
            assert not any("secret" in line or "RCPT" in line.upper() for line in server.heard)

    def test_a_server_that_the_system_trusts_gets_the_mail(
        self, app: Flask, settings: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        with mail_server(tmp_path) as server:
            settings.setitem(tk.config, "smtp.server", f"localhost:{server.port}")
            settings.setenv("SSL_CERT_FILE", str(server.certificate))
            self._send()
            assert any(line.upper().startswith("RCPT") for line in server.heard)
