"""The daily mail of duties: one a person, nothing that is not public, to a server that is believed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from mail_server import MailServer, mail_server

sys.path.insert(0, str(Path(__file__).parents[1] / "logic" / "action"))
from lists_kit import adjust, change
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import duty_mail, duty_nights

CANARY = "绝密画布"
HELD_BACK = {
    "name": CANARY,
    "circumstance": "可识别到个人",
    "grounds": ["g15_privacy"],
    "legal_basis": [{"title": "政府信息公开条例", "article": "第十五条"}],
    "review_due": "2026-01-31",
}


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        one.act(
            "officer",
            "govopen_event_create",
            trigger="request_received",
            unit=one.unit_id,
            occurred="2026-03-02",
            record=f"{CANARY}{uuid4().hex}",
            note=CANARY,
        )
        adjust(one, change("add", None, HELD_BACK), kind="disclosure_negative_list")
        yield one


@pytest.fixture
def server(app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MailServer]:
    """A mail server on this machine that the site believes."""
    with mail_server(tmp_path) as one:
        settings = {
            "smtp.starttls": True,
            "smtp.user": None,
            "smtp.mail_from": "site@yz.example",
            "smtp.server": f"localhost:{one.port}",
        }
        for name, value in settings.items():
            monkeypatch.setitem(tk.config, name, value)
        monkeypatch.setenv("SSL_CERT_FILE", str(one.certificate))
        yield one


def addressed(office: Office, person: str) -> str:
    user = office.user(person)
    user.email = f"{user.name}@yz.example"
    model.repo.commit()
    return str(user.email)


def to(server: MailServer, address: str) -> list[Any]:
    return [mail for mail in server.mails if address in str(mail["To"])]


def test_an_officer_gets_one_mail_a_day_with_what_the_unit_owes(
    office: Office, server: MailServer
) -> None:
    address = addressed(office, "officer")
    duty_mail.send(model.Session)
    duty_mail.send(model.Session)
    (mail,) = to(server, address)
    body = mail.get_content()
    assert "逾期" in str(mail["Subject"])
    assert "2026-03-30" in body
    assert "应当自收到申请之日起20个工作日内予以答复" in body
    assert "/duties" in body
    assert "2026-01-31" in body, "an entry of the negative list is to be looked at again"


def test_nothing_that_is_not_public_leaves_the_site(office: Office, server: MailServer) -> None:
    office.hire("clerk", ("info_officer",))
    office.hire("chief", ("leader",))
    addresses = [addressed(office, person) for person in ("clerk", "chief")]
    duty_mail.send(model.Session)
    assert all(to(server, address) for address in addresses)
    assert not any(CANARY in mail.get_content() for mail in server.mails)
    assert not any(CANARY in str(mail["Subject"]) for mail in server.mails)


def test_the_office_hears_of_what_has_been_escalated_to_it(
    office: Office, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duty_mail, "LINES_SHOWN", 100_000)
    unit = str(office.act("officer", "govopen_unit_show", id=office.unit_id)["name"])
    heard = []
    for person in ("early", "late"):
        office.hire(person, ("disclosure_office",))
        address = addressed(office, person)
        duty_mail.send(model.Session)
        heard.append([unit in mail.get_content() for mail in to(server, address)])
        duty_nights.escalate(model.Session)
        model.repo.commit()
    assert True not in heard[0]
    assert heard[1] == [True]


def test_who_has_no_part_in_a_unit_hears_nothing(office: Office, server: MailServer) -> None:
    address = addressed(office, "stranger")
    duty_mail.send(model.Session)
    assert to(server, address) == []


@pytest.mark.parametrize("host", ["mail.yz.example:25", "192.0.2.1", "[2001:db8::1]:25"])
def test_a_test_site_speaks_to_this_machine_alone(
    office: Office, server: MailServer, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setitem(tk.config, "smtp.server", host)
    assert duty_mail.send(model.Session) == 0


def test_without_a_sender_nothing_is_sent(
    office: Office, server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tk.config, "smtp.mail_from", None)
    assert duty_mail.send(model.Session) == 0
    assert server.mails == []
