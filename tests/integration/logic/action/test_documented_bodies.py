"""The bodies of API calls in the documents do what stands beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from documents import all_bodies
from flask import Flask
from lists_kit import adjust, begin, change, hand_in, listed, power
from publishing_kit import Office
from publishing_kit import office as open_office

# The same body in both languages is sent once.
BODIES = {body.text: body for body in all_bodies()}


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.mark.parametrize("text", BODIES, ids=lambda text: str(BODIES[text]))
def test_a_documented_body_makes_an_adjustment_that_is_published(
    office: Office, text: str, request: pytest.FixtureRequest
) -> None:
    place = str(BODIES[text])
    names = [f"{place} 一", f"{place} 二"]
    added = (change("add", None, power(office, name)) for name in names)
    first = adjust(office, *added, effective_on="2025-03-03")
    by_name = {item["name"]: item["entry_code"] for item in first["items"]}
    draft = begin(office, basis="", reason="", effective_on=None)
    given = {"DRAFT": draft["id"], "CODE": by_name[names[0]], "OTHER": by_name[names[1]]}
    for word, value in given.items():
        text = text.replace(f'"{word}"', json.dumps(value))
    said = json.loads(text)
    written = office.act("officer", BODIES[request.node.callspec.params["text"]].action, **said)
    office.approve(hand_in(office, written)["case_id"])
    (kind,) = {one["kind"] for one in said["changes"]}
    published = listed(office, draft["register_id"]) | listed(
        office, draft["register_id"], status="cancelled"
    )
    assert published[by_name[names[0]]]["change"] == kind
    assert published[by_name[names[0]]]["reason"] == said["reason"]


def test_both_languages_give_the_same_bodies() -> None:
    by_language = {
        lang: [body.text for body in all_bodies() if lang in body.document.parts]
        for lang in ("zh", "en")
    }
    assert by_language["zh"] == by_language["en"] != []
