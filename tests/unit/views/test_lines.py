"""Lines of `name: value` are read as they stand, and nothing that a form says fills the memory."""

from __future__ import annotations

from typing import Any

import pytest

from ckanext.govopen.views.lines import read, spelled


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no: 甲", {"no": "甲"}),
        ("on: off", {"on": "off"}),
        ("01: daily", {"01": "daily"}),
        ("a: 01", {"a": "01"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 2026-01-05", {"a": "2026-01-05"}),
        ("目录名称: name\n资源标题:", {"目录名称": "name", "资源标题": None}),
        ("values: {update_cycle: {1: daily, 02: weekly}}",
         {"values": {"update_cycle": {"1": "daily", "02": "weekly"}}}),
        ("a: true\nb: 7\nc: -0.5\nd: null", {"a": True, "b": 7, "c": -0.5, "d": None}),
        ("a: [1, x]", {"a": [1, "x"]}),
    ],
)  # fmt: skip
def test_names_are_texts_and_values_what_json_has(text: str, value: dict[str, Any]) -> None:
    assert read(text) == value
    assert read(spelled(value)) == value


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40))


@pytest.mark.parametrize(
    "text",
    [BOMB, "a: &a {b: *a}", "甲", "- a", "", "a: b: c", "? [a]\n: b", "[" * 5000, "a: !!python/x {}"],
    ids=["bomb", "circle", "text", "list", "nothing", "two", "a list names", "deep", "an object"],
)  # fmt: skip
def test_what_is_no_such_lines_is_none(text: str) -> None:
    assert read(text) is None
