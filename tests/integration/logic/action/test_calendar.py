"""The work calendar over the API."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient


def ask(client: FlaskClient, **parameters: Any) -> Any:
    return client.get("/api/3/action/govopen_due_date_show", query_string=parameters)


def test_a_due_date_names_every_day_that_was_skipped(client: FlaskClient) -> None:
    found = ask(client, start="2026-09-28", days=10).json["result"]
    assert (found["due"], found["provisional"]) == ("2026-10-16", False)
    assert len(found["counted"]) == 10
    skipped = {each["date"]: each for each in found["skipped"]}
    assert skipped["2026-10-01"]["reason"] == "holiday"
    assert skipped["2026-10-01"]["name"] == "国庆节"
    assert "2026-10-10" not in skipped


@pytest.mark.parametrize(
    "parameters",
    [
        {"start": "2026-02-30", "days": 3},
        {"start": "2026-01-01", "days": 0},
        {"start": "x", "days": 1},
        {"start": "2026-01-01", "days": "many"},
        {"start": "2026-01-01", "days": 3, "zone": "UTC"},
    ],
)
def test_a_question_that_cannot_be_answered_is_refused(
    client: FlaskClient, parameters: dict[str, Any]
) -> None:
    answer = ask(client, **parameters)
    assert answer.status_code == 409
    assert answer.json["success"] is False
