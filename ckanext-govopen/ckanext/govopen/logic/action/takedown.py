"""Taking back entries of published lists: hiding, withdrawing, and the second person's word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import takedown as hiding
from ckanext.govopen.logic.errors import absent, no_unknown, prose, text
from ckanext.govopen.logic.roles import actor_of, has_role, is_local_process, is_sysadmin
from ckanext.govopen.logic.transactions import committed
from ckanext.govopen.model import takedown as store

__all__ = [
    "govopen_entry_hide",
    "govopen_entry_hide_settle",
    "govopen_entry_withdraw",
    "govopen_takedown_show",
]

RESULTS = ("confirmed", "lifted")
ACT_SHOWN = ("act", "ground", "reason", "person", "person_name", "deputy_for")


def govopen_entry_hide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Emergency hiding by one secrecy reviewer or leader: in a browser, or by a command.

    Args:
        register, entry_code: of the published entry.
        reason: for the record; required.

    Returns:
        `{register_id, entry_code, act}`; a second person confirms or lifts it within 24 hours.
    """
    no_unknown(data_dict, "register", "entry_code", "reason")
    tk.check_access("govopen_entry_hide", context, data_dict)
    entry = _entry(context, data_dict)
    actor = actor_of(context, [str(entry["unit_id"])])
    if is_local_process():
        actor = replace(actor, has_session=True)
    reason = prose(data_dict, "reason")
    return committed(lambda: hiding.hide(model.Session, entry, actor=actor, reason=reason))


def govopen_entry_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Takes an entry back for good, with everything that was ever published of it.

    Args:
        register, entry_code: of the published entry.
        ground: secrecy, personal_info or legal_order; what is merely wrong is corrected.
        reason: for the record; required.

    Returns:
        `{register_id, entry_code, act}`.
    """
    no_unknown(data_dict, "register", "entry_code", "ground", "reason")
    entry = _entry(context, data_dict)
    tk.check_access("govopen_entry_withdraw", dict(context), {"unit_id": entry["unit_id"]})
    actor = actor_of(context, [str(entry["unit_id"])])
    ground, reason = str(data_dict.get("ground") or ""), prose(data_dict, "reason")
    return committed(
        lambda: hiding.withdraw(model.Session, entry, actor=actor, ground=ground, reason=reason)
    )


def govopen_entry_hide_settle(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A second person confirms an emergency hiding of an entry, or lifts it.

    Args:
        register, entry_code: of the hidden entry.
        result: confirmed or lifted; lifted shows it again as it was.
        reason: the opinion; required.

    Returns:
        `{register_id, entry_code, act}`.
    """
    no_unknown(data_dict, "register", "entry_code", "result", "reason")
    tk.check_access("govopen_entry_hide_settle", context, data_dict)
    entry = _entry(context, data_dict)
    result = text(data_dict, "result")
    if result not in RESULTS:
        raise tk.ValidationError({"result": [tk._("One of: {0}").format(", ".join(RESULTS))]})
    actor = actor_of(context, [str(entry["unit_id"])])
    return committed(
        lambda: hiding.settle(
            model.Session,
            entry,
            actor=actor,
            confirms=result == "confirmed",
            reason=prose(data_dict, "reason"),
        )
    )


@tk.side_effect_free
def govopen_takedown_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Whether readers see an entry, and what was said of taking it back; for people of its unit.

    Args:
        register, entry_code: of the entry.

    Returns:
        `{register_id, register_type, entry_code, name, unit_id, unit_name, versions, shown, acts,
        hidings}`: `shown` of its published `versions` are seen by readers; `hidings` wait for a
        second person.
    """
    tk.check_access("govopen_takedown_show", context, data_dict)
    no_unknown(data_dict, "register", "entry_code")
    entry = _entry(context, data_dict)
    acts = store.acts(model.Session, entry["register_id"], entry["entry_code"])
    said = [
        {**{name: act[name] for name in ACT_SHOWN}, "recorded_at": act["recorded_at"].isoformat()}
        for act in acts
    ]
    place = (entry["register_id"], entry["entry_code"])
    hidings = [
        one
        for one in hiding.waiting(model.Session, [str(entry["unit_id"])])
        if (one["register_id"], one["entry_code"]) == place
    ]
    return {**entry, "acts": said, "hidings": hidings}


def _entry(context: Mapping[str, Any], data_dict: Mapping[str, Any]) -> dict[str, Any]:
    """The entry, for people of its unit; for anybody else it is absent, shown or hidden or none."""
    code = str(data_dict.get("entry_code") or "")
    found = store.entry(model.Session, str(data_dict.get("register") or ""), code)
    if found is None or not _sees(context, str(found["unit_id"])):
        absent()
    return {**found, "entry_code": code}


def _sees(context: Mapping[str, Any], unit_id: str) -> bool:
    roles = sorted(hiding.SEEING_ROLES)
    return is_sysadmin(context) or any(has_role(context, role, unit_id) for role in roles)
