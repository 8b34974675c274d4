"""Lists by cursor: opaque to the caller, never a deep offset."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.errors import page_limit


def cursor_of(data_dict: Mapping[str, Any], count: int = 1) -> list[str]:
    """The keys after which the page begins; empty for the first page.

    Args:
        count: how many keys the list pages by.

    Raises:
        tk.ValidationError: a text that no such list gave.
    """
    text = data_dict.get("cursor")
    if not text:
        return []
    try:
        keys = json.loads(base64.urlsafe_b64decode(str(text)))
    except ValueError:
        keys = None
    if not isinstance(keys, list) or len(keys) != count:
        raise tk.ValidationError({"cursor": [tk._("cursor is not one that this list gave")]})
    return [str(key) for key in keys]


def cursor_number(data_dict: Mapping[str, Any]) -> int:
    """The row number after which the page begins; 0 for the first page."""
    keys = cursor_of(data_dict)
    if keys and not (keys[0].isdecimal() and len(keys[0]) < 10):
        raise tk.ValidationError({"cursor": [tk._("cursor is not one that this list gave")]})
    return int(keys[0]) if keys else 0


def page(
    rows: Sequence[Mapping[str, Any]],
    limit: int,
    keys: Callable[[Mapping[str, Any]], Sequence[object]],
    show: Callable[[Mapping[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    """`{items, next_cursor}` of rows that were asked for with `limit + 1`."""
    shown = rows[:limit]
    cursor = None
    if len(rows) > limit:
        last = json.dumps([str(key) for key in keys(shown[-1])]).encode()
        cursor = base64.urlsafe_b64encode(last).decode()
    return {"items": [show(row) for row in shown], "next_cursor": cursor}


def part(
    rows: Sequence[Mapping[str, Any]],
    data_dict: Mapping[str, Any],
    show: Callable[[Mapping[str, Any]], dict[str, Any]] = dict,
) -> dict[str, Any]:
    """As `page`, of a list that is short or counted whole; all of it where no `limit` is given."""
    at = cursor_number(data_dict)
    limit = page_limit(data_dict) if data_dict.get("limit") else len(rows)
    return page(rows[at : at + limit + 1], limit, lambda _row: (at + limit,), show)
