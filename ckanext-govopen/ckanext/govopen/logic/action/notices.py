"""Actions of notices: what each published adjustment of a list said, and whether it was in time."""

from __future__ import annotations

from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import dates, notices
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit
from ckanext.govopen.logic.paging import cursor_number, cursor_of, page
from ckanext.govopen.model import notices as store

__all__ = ["govopen_register_notice_list", "govopen_register_notice_show"]


@tk.side_effect_free
def govopen_register_notice_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Notices of published adjustments, newest first, with counts and working days used.

    Args:
        register: of one list; or register_type, unit: of several.
        limit, cursor: of the page.
    """
    tk.check_access("govopen_register_notice_list", context, data_dict)
    no_unknown(data_dict, "register", "register_type", "unit", "limit", "cursor")
    limit = page_limit(data_dict)
    if data_dict.get("register"):
        before = cursor_number(data_dict) or None
        rows = store.of_register(model.Session, str(data_dict["register"]), before, limit + 1)
        found = page(rows, limit, lambda row: (row["number"],), dict)
    else:
        filters = {
            "type": data_dict.get("register_type") or None,
            "unit": unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None,
        }
        after = cursor_of(data_dict, 2)
        if after and dates.start_of(after[0]) is None:
            raise tk.ValidationError({"cursor": [tk._("cursor is not one that this list gave")]})
        rows = store.newest(model.Session, filters, after, limit + 1)
        found = page(rows, limit, lambda row: (row["published_at"].isoformat(), row["id"]), dict)
    return {**found, "items": notices.summaries(model.Session, found["items"])}


@tk.side_effect_free
def govopen_register_notice_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One notice: facts, term, and the table of what each entry was and is.

    Args:
        register: id of the list; number: of the version; limit, cursor: of the table.

    Returns:
        the summary as in the list, with `items` (adjustments), `corrected` and `next_cursor`.
    """
    tk.check_access("govopen_register_notice_show", context, data_dict)
    no_unknown(data_dict, "register", "number", "limit", "cursor")
    number = str(data_dict.get("number") or "")
    version = None
    if number.isdecimal() and len(number) < 10:
        version = store.version(model.Session, str(data_dict.get("register") or ""), int(number))
    if version is None:
        absent()
    limit, after = page_limit(data_dict, 1000), cursor_of(data_dict)
    rows = store.said(model.Session, version["id"], after[0] if after else "", limit + 1)
    shown = page(rows, limit, lambda row: (row["entry_code"],), dict)
    table = notices.table(shown["items"])
    return {
        **notices.summaries(model.Session, [version])[0],
        "items": [notices.row_view(row) for row in table.rows],
        "corrected": [notices.row_view(row) for row in table.corrections],
        "next_cursor": shown["next_cursor"],
    }
