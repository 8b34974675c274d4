"""The table of data items in the form of an inventory entry: a row an item, empty rows to add some.

It works without script: a ticked box takes an item away, a button gives more empty rows. The same
items stand as text below the table, to be pasted from elsewhere; what was changed counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain import inventory_items as rules
from ckanext.govopen.logic.errors import whole
from ckanext.govopen.views import desk

EMPTY_ROWS = 3
MORE_ROWS = 10
MOST_ROWS = 2_000
# In the row itself; the other attributes of an item are behind its “More”.
SHOWN = ("name_zh", "data_type", "length", "sensitive", "open_type")

Texts = dict[str, str]


def texts_of(item: Mapping[str, object]) -> Texts:
    """The attributes of an item as they stand in the inputs of its row."""
    return {name: rules.as_text(item[name]) for name in rules.RULES if item.get(name) is not None}


def posted(form: MultiDict[str, str]) -> list[Texts] | None:
    """The rows of a posted table without empty and removed ones; None where there is no table."""
    count = whole(form.get("item-rows", ""))
    return None if count is None else list(_rows(form, min(count, MOST_ROWS)))


def _rows(form: MultiDict[str, str], count: int) -> Iterator[Texts]:
    for number in range(count):
        said = {name: form.get(f"item-{number}-{name}", "").strip() for name in rules.RULES}
        row = {name: text for name, text in said.items() if text}
        if row and not form.get(f"item-{number}-remove"):
            yield row


def changed(
    form: MultiDict[str, str], stored: Sequence[Mapping[str, object]]
) -> tuple[str | list[Texts] | None, str | None]:
    """What the form says of the items where it says something new, and what is wrong with that.

    Returns:
        the text, or the rows of the table; None for items as they are stored.
    """
    rows, text = posted(form), form.get("items")
    is_text = text is not None and _same_line(text) != _same_line(rules.text_of(stored))
    is_table = rows is not None and rows != [texts_of(item) for item in stored]
    if is_text and is_table:
        return None, tk._("The items were changed in the table and in the text: change one of them")
    if is_text:
        return text or "", None
    return (rows if is_table else None), None


def _same_line(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def view(rows: Sequence[Texts], text: str, more: int = 0) -> dict[str, Any]:
    """What the template of the table shows: rows, empty ones after them, and its columns."""
    return {
        "rows": [*rows, *({} for _ in range(EMPTY_ROWS + more))],
        "text": text,
        "shown": [_column(name) for name in SHOWN],
        "more": [_column(name) for name in rules.RULES if name not in SHOWN],
    }


def _column(name: str) -> dict[str, Any]:
    rule = rules.RULES[name]
    options = None
    if rule.kind == "code":
        options = desk.choices(rule.vocabulary)
    elif rule.kind == "bool":
        options = [{"value": "true", "text": tk._("yes")}, {"value": "false", "text": tk._("no")}]
    return {
        "name": name,
        "label": tk.h.govopen_term("item_field", name),
        "options": options,
        "limit": None if rule.kind == "int" else rule.limit,
    }
