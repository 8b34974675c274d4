"""Text that somebody typed is text on every page, whoever reads it, in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from flask.testing import FlaskClient
from publishing_kit import Office, office

SCHEMA = Path(__file__).parents[3] / "ckanext-govopen/ckanext/govopen/schemas/dataset.yaml"
MARK = "x-planted"
HOSTILE = f"""停车"><{MARK} onclick=go()>'/><script>go()</script><img src=x onerror=go()>\
<svg onload=go()></svg><a href="javascript:go()">甲</a>[乙](javascript:go()) {{{{7*7}}}} ${{7*7}}"""
# A table that looks like one for its first 4,096 bytes; the planted cells come after.
ROWS = (
    f"名称,泊位,说明<{MARK} onclick=go()>\n"
    + "甲,12,路边\n" * 300
    + '"{0}",13,"{0}"\n'.format(HOSTILE.replace('"', '""'))
)
# Fields with a choice of their own, or said by the inventory entry alone.
FIXED = {"name", "owner_org", "entry_codes", "data_domain", "open_type", "update_cycle",
         "temporal_start", "temporal_end", "tag_string", "items", "license_id", "contact_email"}  # fmt: skip


class Page(HTMLParser):
    """Notes everything on a page that would run, or that only a planted text can have made."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == MARK or (tag == "script" and not said.get("src")):
            self.found.append(f"<{tag}> {said}")
        for name, value in attrs:
            runs = name.startswith("on") or (value or "").strip().lower().startswith(
                ("javascript:", "vbscript:", "data:text")
            )
            if runs:
                self.found.append(f"<{tag} {name}={value}>")


def planted_fields() -> dict[str, Any]:
    """Every free text of the dataset form, so that a new field is tried from its first day."""
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    texts = [field["field_name"] for field in schema["dataset_fields"]]
    items = next(f for f in schema["dataset_fields"] if f["field_name"] == "items")
    return {
        **{name: f"{name} {HOSTILE}" for name in texts if name not in FIXED},
        "items": [
            {
                one["field_name"]: HOSTILE
                for one in items["repeating_subfields"]
                if "choices_helper" not in one
            }
        ],
    }


@pytest.fixture(scope="module")
def planted(application: Any) -> Iterator[tuple[Office, dict[str, Any]]]:
    """A published dataset, a withdrawn one, and a case that was returned, all hostile."""
    with office(application) as one:
        one.add_entries(1, name=HOSTILE, abstract=HOSTILE * 2)
        made = one.draft(data=ROWS.encode(), filename='a"><img src=x onerror=go()>.csv',
                         **planted_fields())  # fmt: skip
        resource = one.act("officer", "package_show", id=made["id"])["resources"][0]
        one.act("officer", "resource_patch", id=resource["id"], name=HOSTILE, description=HOSTILE)
        case = one.submit(made["id"])
        one.act_signed_in("approver", "govopen_review_decide", id=case, decision="return",
                          reason=HOSTILE)  # fmt: skip
        one.approve(one.submit(made["id"]))
        draft = one.draft(**planted_fields())
        yield one, {"case": case, "resource": resource, "draft": draft["name"], **made}


def pages_of(one: Office, made: dict[str, Any]) -> dict[str, list[str]]:
    public = [
        "/", "/dataset/", "/dataset/?q=停车", f"/dataset/{made['name']}", "/organization/",
        f"/dataset/{made['name']}/resource/{made['resource']['id']}", f"/organization/{one.unit_id}",
        "/rates", f"/rates/units/{one.unit_id}", "/registers",
        f"/dataset/?q={HOSTILE[:80]}", f"/dataset/?organization={HOSTILE[:60]}",
    ]  # fmt: skip
    desk = [
        "/workbench", "/workbench/inventory", "/workbench/review", f"/workbench/review/{made['case']}",
        f"/dataset/{made['name']}", f"/workbench/datasets/{made['draft']}",
    ]  # fmt: skip
    return {"stranger": public, "officer": desk, "approver": [*desk, *public]}


def sign_in(one: Office, person: str) -> FlaskClient:
    client = one.application.test_client()
    if person != "stranger":
        with client.session_transaction() as session:
            session["_user_id"] = one.user_id(person)
            session["_fresh"] = True
    return client


@pytest.mark.parametrize("language", ["", "/en"])
@pytest.mark.parametrize("person", ["stranger", "officer", "approver"])
def test_no_planted_text_becomes_markup(
    planted: tuple[Office, dict[str, Any]], site_url: str, person: str, language: str
) -> None:
    one, made = planted
    client = sign_in(one, person)
    seen = 0
    for path in pages_of(one, made)[person]:
        answer = client.get(f"{language}{path}", base_url=site_url, follow_redirects=True)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200, path
        assert Page(text).found == [], f"{person} {language}{path}"
        seen += text.count(MARK)
    assert seen > 10, "the planted texts are not on these pages: the test looks at the wrong ones"


@pytest.mark.parametrize("path", ["/feeds/dataset.atom", "/catalog.xml", "/dataset/{name}.xml"])
def test_a_planted_text_breaks_no_xml(planted: tuple[Office, dict[str, Any]], path: str) -> None:
    one, made = planted
    answer = one.application.test_client().get(path.format(**made))
    assert answer.status_code == 200
    root = ET.fromstring(answer.get_data())  # noqa: S314 - our own answer
    assert not [each for each in root.iter() if MARK in str(each.tag)]
    assert MARK in answer.get_data(as_text=True)


def test_an_api_answer_is_json_whatever_stands_in_it(
    planted: tuple[Office, dict[str, Any]],
) -> None:
    one, made = planted
    answer = one.application.test_client().get(f"/api/3/action/package_show?id={made['name']}")
    assert answer.mimetype == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert MARK in json.loads(answer.get_data())["result"]["title"]


def test_a_file_is_never_shown_inside_the_site(planted: tuple[Office, dict[str, Any]]) -> None:
    one, made = planted
    answer = one.application.test_client().get(
        f"/dataset/{made['name']}/resource/{made['resource']['id']}/download/x.csv"
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
