"""Tables of the pages: each stands in a box that scrolls sideways and that the keyboard reaches."""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATES = Path(__file__).parents[2] / "ckanext-govopen/ckanext/govopen/templates"
BOX = re.compile(r'<div class="go-scroll"([^>]*)>')
BOX_OR_TABLE = re.compile(r'<div class="go-scroll"|</?table\b')


def texts() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(TEMPLATES)), path.read_text(encoding="utf-8"))
        for path in sorted(TEMPLATES.rglob("*.html"))
    ]


def test_every_table_stands_in_a_box_of_its_own() -> None:
    for name, text in texts():
        parts = BOX_OR_TABLE.findall(text)
        assert parts == ['<div class="go-scroll"', "<table", "</table"] * (len(parts) // 3), name


def test_every_box_has_a_name_and_the_focus() -> None:
    for name, text in texts():
        for attributes in BOX.findall(text):
            for needed in ('tabindex="0"', 'role="region"', 'aria-label="'):
                assert needed in attributes, (name, attributes)
