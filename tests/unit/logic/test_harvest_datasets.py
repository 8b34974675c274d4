"""What a record says in our words: days as offices and programs write them."""

from __future__ import annotations

import pytest

from ckanext.govopen.domain.harvest import Mapped
from ckanext.govopen.logic.harvest_datasets import not_read, stated


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2026-01-01", "2026-01-01"),
        ("2025-12-31T16:00:00Z", "2026-01-01"),
        ("2025-12-31T15:59:59Z", "2025-12-31"),
        ("2026-01-01/2026-12-31", "2026-01-01"),
        ("20230708", "2023-07-08"),
        ("2023年7月8日", "2023-07-08"),
        ("1499616000000", "2017-07-10"),
        ("0000-00-00", None),
        ("2024-13-40", None),
        ("03/04/2017", None),
    ],
)
def test_a_day_is_one_of_asia_shanghai_or_said_not_to_be_read(said: str, day: str | None) -> None:
    mapped = Mapped({"title": "停车场", "temporal_start": said})
    assert stated("id", mapped).get("temporal_start") == day
    assert not_read(mapped) == ([] if day else ["temporal_start"])
