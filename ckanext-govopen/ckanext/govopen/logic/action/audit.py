"""The audit log as actions: read by filters, newest first, and verified."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain import audit as rules
from ckanext.govopen.logic import audit_proof
from ckanext.govopen.logic.errors import no_unknown, page_limit, refuse
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.model import audit as store

__all__ = ["govopen_audit_list", "govopen_audit_verify"]


@tk.side_effect_free
def govopen_audit_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Rows of the audit log, newest first.

    Args:
        action: code of the vocabulary `audit_action`, or the part before its dot.
        actor: name or id of an account.
        name: what somebody typed at the sign-in, right or wrong.
        object: such as `package:<id>`.
        ip: address.
        since, until: dates, both included.
        limit, cursor, include_total: as in every list.
    """
    tk.check_access("govopen_audit_list", context, data_dict)
    no_unknown(
        data_dict,
        *("action", "actor", "name", "object", "ip", "since", "until"),
        *("limit", "cursor", "include_total"),
    )
    filters, limit = _filters(data_dict), page_limit(data_dict)
    rows = store.listing(model.Session, filters, _before(data_dict), limit + 1)
    found = page(rows, limit, lambda row: (row["seq"],), _view)
    if tk.asbool(data_dict.get("include_total", False)):
        found["total"] = store.count(model.Session, filters)
    return found


def _before(data_dict: Mapping[str, Any]) -> int | None:
    keys = cursor_of(data_dict)
    if not keys:
        return None
    if not keys[0].isdecimal() or len(keys[0]) > 18:
        raise tk.ValidationError({"cursor": [tk._("cursor is not one that this list gave")]})
    return int(keys[0])


def _filters(data_dict: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: str(data_dict.get(name) or "").strip() for name in data_dict}
    if any("\x00" in value for value in given.values()):
        raise tk.ValidationError({"message": [tk._("Missing value, or not one string")]})
    filters: dict[str, Any] = {name: given.get(name) or None for name in ("action", "object", "ip")}
    if given.get("name"):
        filters["object"] = "name:" + rules.name_digest(config.audit_key(), given["name"])
    if given.get("actor"):
        user = model.User.get(given["actor"])
        filters["actor"] = str(user.id) if user else given["actor"]
    filters["since"] = _midnight(given, "since", 0)
    filters["until"] = _midnight(given, "until", 1)
    return filters


def _midnight(given: Mapping[str, str], name: str, days: int) -> datetime | None:
    """The first moment of a day in the city's time, or of a day after it."""
    if not given.get(name):
        return None
    try:
        day = date.fromisoformat(given[name]) + timedelta(days=days)
    except (ValueError, OverflowError):
        refuse("date.E1", name, given[name])
    return datetime.combine(day, time(), clock.SITE_ZONE)


def _view(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "recorded_at": row["recorded_at"].isoformat()}


@tk.side_effect_free
def govopen_audit_verify(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Recomputes the chain of the audit log and compares it with the heads kept outside.

    Returns:
        `{rows, holds, first_broken, problem, heads}`.
    """
    tk.check_access("govopen_audit_verify", context, data_dict)
    no_unknown(data_dict)
    return audit_proof.verify(model.Session)
