"""Duties over the actions: what publishing raises and meets, who may read and who may move."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def rows(office: Office, sql: str, **params: Any) -> list[Any]:
    with office.application.test_request_context("/"):
        return list(model.Session.execute(sa.text(sql), params).mappings())


class TestPublishing:
    def test_a_published_list_raised_its_term_and_met_it(self, office: Office) -> None:
        (duty,) = rows(
            office,
            "SELECT * FROM govopen_duty WHERE unit_id = :unit AND rule_id = 'beijing-2016.C4'",
            unit=office.unit_id,
        )
        assert (duty["state"], duty["trigger"]) == ("met", "list_adjusted")
        assert duty["met_at"] is not None
        (event,) = rows(office, "SELECT * FROM govopen_event WHERE id = :id", id=duty["event_id"])
        assert event["facts"] == {"register_type": "data_inventory"}
        (proof,) = rows(
            office, "SELECT * FROM govopen_evidence WHERE id = :id", id=duty["evidence_id"]
        )
        assert (proof["record"], proof["record_id"]) == ("change_notice", duty["event_record"])

    def test_a_published_dataset_is_an_event_and_an_act(self, office: Office) -> None:
        package = office.published()["id"]
        events = rows(office, "SELECT * FROM govopen_event WHERE record_id = :id", id=package)
        assert [(one["trigger"], one["unit_id"]) for one in events] == [
            ("dataset_published", office.unit_id)
        ]
        proofs = rows(office, "SELECT * FROM govopen_evidence WHERE record_id = :id", id=package)
        assert [(one["record"], one["condition"]) for one in proofs] == [("open_dataset", "public")]
