"""What a source may be told: settings that JSON can keep, each of its kind."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.harvest_connectors import DEEPEST, LARGEST, require_settings

URL = {"url": "https://x.example"}


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("parameters", {"since": date(2026, 1, 5)}),
        ("parameters", {"a": float("nan")}),
        ("parameters", {"a": b"x"}),
        ("parameters", {date(2026, 1, 5): "x"}),
        ("parameters", nested(DEEPEST + 1)),
        ("parameters", nested(900)),
        ("volatile", [date(2026, 1, 5)]),
        ("volatile", "x"),
        ("rows", LARGEST),
        ("rows", -1),
        ("rows", True),
        ("files", 1),
    ],
)
def test_what_no_setting_can_be_is_refused_by_its_name(name: str, value: Any) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        require_settings("json_api", {**URL, name: value})
    assert (caught.value.govopen["code"], caught.value.govopen["fields"]) == ("harvest.E22", [name])  # type: ignore[attr-defined]


def test_what_is_of_its_kind_is_kept() -> None:
    said = {**URL, "rows": 0, "files": False, "parameters": {"page": {"size": 5, "all": True}},
            "volatile": ["time"], "fields": {"目录名称": ""}}  # fmt: skip
    assert require_settings("json_api", said) == said
