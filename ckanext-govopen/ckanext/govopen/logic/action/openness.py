"""Actions of the negative list: what it holds back, and what is owed to the public beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.rules import Rule, RulePack
from ckanext.govopen.logic import owed_lists
from ckanext.govopen.logic.errors import no_unknown, page_limit
from ckanext.govopen.logic.paging import cursor_of, page, part
from ckanext.govopen.model import duty_pages, units
from ckanext.govopen.model import openness as store

__all__ = ["govopen_negative_item_list", "govopen_owed_entry_list", "govopen_owed_register_list"]

SHOWN = ("category", "name", "circumstance", "grounds", "legal_basis", "review_due")


def _unit(data_dict: Mapping[str, Any]) -> str | None:
    """The id of the unit that is asked for; None for all.

    Raises:
        tk.ObjectNotFound: there is no such unit.
    """
    given = data_dict.get("unit")
    if not given:
        return None
    found = units.find(model.Session, str(given))
    if found is None:
        raise tk.ObjectNotFound
    return found


@tk.side_effect_free
def govopen_negative_item_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Entries of the published negative lists that hold today, each with what it holds back.

    Args:
        unit: id, name or code of a unit; optional.
        limit, cursor: of the page; without `limit` all of them.

    Returns:
        `{items, next_cursor}`; an item has its fields, `held_back` (entries of the inventory that
        it covers) and `still_public` (those of them that a dataset opened before).
    """
    tk.check_access("govopen_negative_item_list", context, data_dict)
    no_unknown(data_dict, "unit", "limit", "cursor")
    return part(store.negative(model.Session, _unit(data_dict)), data_dict, _item)


def _item(row: Mapping[str, Any]) -> dict[str, Any]:
    fields = row["fields"] or {}
    return {
        "register_id": row["register_id"],
        "entry_code": row["entry_code"],
        "unit_id": row["unit_id"],
        "unit_name": row["unit_name"],
        "valid_from": row["valid_from"].isoformat(),
        **{name: fields.get(name) for name in SHOWN},
        "held_back": int(row["held_back"]),
        "still_public": int(row["still_public"]),
    }


@tk.side_effect_free
def govopen_owed_entry_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Entries that are open in principle and that no public dataset opens yet, unit by unit.

    What is on no negative list is open or owed. Only published things are counted: a draft pays
    nothing, and an entry that is shown as an opaque reference has no name here either.

    Args:
        unit: id, name or code of a unit; optional.
        limit, cursor: page the entries.

    Returns:
        `{items, units, next_cursor}`; `units` has the number that each unit owes. What a unit owed
        that has ended its successor owes, `former_unit` names the one before.
    """
    tk.check_access("govopen_owed_entry_list", context, data_dict)
    no_unknown(data_dict, "unit", "limit", "cursor")
    unit_id, limit = _unit(data_dict), page_limit(data_dict)
    rows = store.owed(model.Session, unit_id, "".join(cursor_of(data_dict)), limit + 1)
    counted = store.owed_by_unit(model.Session, unit_id)
    found = page(rows, limit, lambda row: (row["entry_code"],), _owed)
    return {**found, "units": [{**row, "owed": int(row["owed"])} for row in counted]}


@tk.side_effect_free
def govopen_owed_register_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Lists that a text asks of a unit and that it has not published; no text gives them a day.

    Args:
        unit: id, name or code of a unit; optional.
        limit, cursor: of the page; without `limit` all of them.

    Returns:
        `{items, total, next_cursor}`; an item has its `unit`, `register_type` and `rules`: the
        clauses that ask for the list.
    """
    tk.check_access("govopen_owed_register_list", context, data_dict)
    no_unknown(data_dict, "unit", "limit", "cursor")
    found = owed_lists.lacking(model.Session, _unit(data_dict))
    names = duty_pages.units(model.Session, [one.unit_id for one in found])
    rows = [
        {
            "unit": {"id": one.unit_id, **_named(names.get(one.unit_id, {}))},
            "register_type": one.register_type,
            "rules": [_clause(pack, rule) for pack, rule in one.asked],
        }
        for one in found
    ]
    return {"total": len(rows), **part(rows, data_dict)}


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in ("name", "slug")}


def _clause(pack: RulePack, rule: Rule) -> dict[str, Any]:
    said = {"id": pack.pack_id, "title": pack.title}
    return {"id": rule.rule_id, "clause": rule.clause, "quote": rule.quote, "pack": said}


def _owed(row: Mapping[str, Any]) -> dict[str, Any]:
    published = row["published_on"]
    return {**row, "published_on": published.isoformat() if published else None}
