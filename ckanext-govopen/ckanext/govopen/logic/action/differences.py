"""Reading what a case changes, record by record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import cases, differences
from ckanext.govopen.logic.errors import no_unknown, page_limit, text
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.model import differences as store

__all__ = ["govopen_review_difference", "govopen_review_record_list"]


@tk.side_effect_free
def govopen_review_difference(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What one record of a case changes against what is public now.

    Args:
        id: the case.
        record: id of the record (dataset, revision or register version).

    Returns:
        `{record, base, is_first, is_empty, is_reordered, fields, resources, place, records,
        before, after}`. `base` says what it is compared with: `public`, `none`, `withdrawn`.
        Fields are `{name, label, old, new, added, removed, looks_same}`; resources name their
        `change`, files with SHA-256 and size, and the `rows` that differ, with exact counts and
        the first rows of each kind. Of a register version the entries are in
        `govopen_review_change_list`.
    """
    tk.check_access("govopen_review_show", context, data_dict)
    no_unknown(data_dict, "id", "record")
    row = cases.readable_record(context, text(data_dict, "id"), text(data_dict, "record"))
    with_rows = cases.reads_files(context, cases.unit_of(row))
    record_id = str(row["record_id"])
    shown = {
        "record": {
            "record_type": row["record_type"],
            "record_id": record_id,
            "state": row["state"],
        },
        **{name: row[name] for name in ("place", "records", "before", "after")},
    }
    if row["record_type"] == "package":
        shown |= differences.of_package(record_id, with_rows=with_rows)
    if row["record_type"] == "revision":
        shown |= differences.of_revision(record_id, with_rows=with_rows)
    return shown


@tk.side_effect_free
def govopen_review_record_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The records of a case in their order: title, unit, files, bytes and rows of each.

    Args:
        id: the case; limit, cursor: page the records.

    Returns:
        `{items, next_cursor}`; a record of a unit that the reader does not read has type and
        id alone.
    """
    tk.check_access("govopen_review_show", context, data_dict)
    no_unknown(data_dict, "id", "limit", "cursor")
    case = cases.readable(context, text(data_dict, "id"))
    limit = page_limit(data_dict)
    rows = store.records_of_case(model.Session, str(case["id"]), cursor_of(data_dict), limit + 1)
    scope = cases.scope_of(context)
    return page(
        rows,
        limit,
        lambda row: (row["record_type"], row["record_id"]),
        lambda row: _shown(row, scope),
    )


def _shown(row: Mapping[str, Any], scope: frozenset[str] | None) -> dict[str, Any]:
    if scope is None or row["unit_id"] in scope:
        return dict(row)
    return {"record_type": row["record_type"], "record_id": row["record_id"], "state": row["state"]}
