"""Actions of declarations that a unit has no public data (无公共数据资源声明)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain import declarations as rules
from ckanext.govopen.logic import dates, declarations
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import no_unknown, prose
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.model import units as store

__all__ = ["govopen_no_data_decide", "govopen_no_data_declare", "govopen_no_data_list"]


def govopen_no_data_declare(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Declares that a unit has no public data; it counts once another person has approved it.

    Args:
        unit: id, name or USCC.
        reason: why it has none; published with the figures.
        review_due: day on which the declaration lapses; by default, and at the latest, in a year.
    """
    tk.check_access("govopen_no_data_declare", context, data_dict)
    no_unknown(data_dict, "unit", "reason", "review_due")
    unit_id = unit_id_of(data_dict.get("unit"))
    reason, due = prose(data_dict, "reason"), dates.day(data_dict, "review_due")
    declarations.declare(model.Session, unit_id, reason, due, user_of(context))
    model.repo.commit()
    return {"unit": unit_id, "declarations": declarations.of_unit(model.Session, unit_id)}


def govopen_no_data_decide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Approves or refuses the declaration that waits, or ends the one that holds.

    Args:
        unit: id, name or USCC.
        decision: approve, refuse or end.
        note: why, optional.
    """
    tk.check_access("govopen_no_data_decide", context, data_dict)
    no_unknown(data_dict, "unit", "decision", "note")
    decision = str(data_dict.get("decision") or "")
    if decision not in rules.DECISIONS:
        codes = ", ".join(rules.DECISIONS)
        raise tk.ValidationError({"decision": [tk._("One of: {codes}").format(codes=codes)]})
    unit_id, note = unit_id_of(data_dict.get("unit")), prose(data_dict, "note")
    declarations.decide(model.Session, unit_id, decision, user_of(context), note)
    model.repo.commit()
    return {"unit": unit_id, "declarations": declarations.of_unit(model.Session, unit_id)}


@tk.side_effect_free
def govopen_no_data_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Units whose declaration waits for a decision or holds, those that wait first."""
    tk.check_access("govopen_no_data_list", context, data_dict)
    no_unknown(data_dict)
    items = [one for row in store.declaring(model.Session) for one in _shown(row)]
    items.sort(key=lambda one: (one["state"] != "waiting", one["review_due"], one["name"]))
    return {"items": items, "next_cursor": None}


def _shown(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    declared = row["no_data_declared"]
    found = {
        "waiting": rules.waiting(declared),
        "running": rules.running(declared, clock.today()),
    }
    about = {"unit": row["unit_id"], "slug": row["slug"], "name": row["name"]}
    return [{**about, "state": state, **one} for state, one in found.items() if one]
