"""Reading what a case changes, record by record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import audit_events, cases, datasets, differences
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, text
from ckanext.govopen.logic.paging import cursor_number, page
from ckanext.govopen.model import differences as store

__all__ = [
    "govopen_review_difference",
    "govopen_review_history",
    "govopen_review_record_list",
]

ACTS_SHOWN = 200


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
        the first rows of each kind; a revision has its `note`. Of a register version the entries
        are in `govopen_review_change_list`.
    """
    tk.check_access("govopen_review_show", context, data_dict)
    no_unknown(data_dict, "id", "record")
    row = cases.readable_record(context, text(data_dict, "id"), text(data_dict, "record"))
    shown: dict[str, Any] = {
        "record": {name: value for name, value in row.items() if name not in _BESIDE},
        **{name: row[name] for name in _BESIDE},
        "opens_files": cases.reads_files(context, row["unit_id"]),
    }
    if row["record_type"] == "package":
        shown |= differences.of_package(str(row["record_id"]), with_rows=shown["opens_files"])
    if row["record_type"] == "revision":
        shown |= differences.of_revision(str(row["record_id"]), with_rows=shown["opens_files"])
    if shown["opens_files"]:
        audit_events.read_record(shown["record"])
    return shown


_BESIDE = ("place", "records", "before", "after")


@tk.side_effect_free
def govopen_review_history(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What was said about a dataset in all its cases, newest first.

    Args:
        id: name or id of a dataset of a unit whose cases one reads.

    Returns:
        `{items, next_cursor}`; items are `{case_id, title, step, result, opinion, person_name,
        recorded_at, content_hash}`.
    """
    tk.check_access("govopen_review_show", context, data_dict)
    no_unknown(data_dict, "id")
    package = datasets.readable(context, data_dict.get("id"))
    scope = cases.scope_of(context)
    if scope is not None and str(package.owner_org) not in scope:
        absent()
    rows = store.past_cases(model.Session, package.id, ACTS_SHOWN)
    return {
        "items": [{**row, "recorded_at": row["recorded_at"].isoformat()} for row in rows],
        "next_cursor": None,
    }


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
    limit, skip = page_limit(data_dict), cursor_number(data_dict)
    rows = store.records_of_case(model.Session, str(case["id"]), skip, limit + 1)
    scope = cases.scope_of(context)
    return page(rows, limit, lambda _row: (skip + limit,), lambda row: _shown(row, scope))


def _shown(row: Mapping[str, Any], scope: frozenset[str] | None) -> dict[str, Any]:
    if scope is None or row["unit_id"] in scope:
        return dict(row)
    return {"record_type": row["record_type"], "record_id": row["record_id"], "state": row["state"]}
