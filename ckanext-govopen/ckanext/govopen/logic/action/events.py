"""Actions of events and evidence of records that have no form of their own yet.

A feature that has records of its own calls `logic.events` where they change; what is typed here
is noted as typed, with who did it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import uuid4

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.duty_periods import PERIOD_TRIGGERS
from ckanext.govopen.logic import audit, dates
from ckanext.govopen.logic import events as log
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, refuse, text
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.logic.roles import review_scope, user_of
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import duties as duty_store
from ckanext.govopen.model import duty_pages
from ckanext.govopen.model import events as store

__all__ = [
    "govopen_event_create",
    "govopen_event_list",
    "govopen_event_withdraw",
    "govopen_evidence_create",
]

TYPED = "typed"
LONGEST_NOTE = 2_000


def govopen_event_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Records what happened where no record of the platform says so, and raises its duties.

    Args:
        trigger: code of the vocabulary `rule_trigger`; periods begin by themselves.
        unit: whose event it is; absent: it concerns every unit that a rule names (the disclosure
            office alone).
        occurred: its day, or its instant with offset where hours count; never in the future.
        record: number or name of the document or case, which evidence answers.
        exemption: ground of the vocabulary `rule_exemption` that holds, if one does.
        note: in one's own words; read inside the unit.

    Returns:
        `{id, trigger, unit, occurred, record, duties}`.
    """
    no_unknown(data_dict, "trigger", "unit", "occurred", "record", "exemption", "note")
    unit_id = unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None
    tk.check_access("govopen_event_create", context, {**data_dict, "unit": unit_id})
    trigger, record = _trigger(data_dict), _record(data_dict)
    event_id = log.raise_event(
        model.Session,
        trigger,
        unit_id=unit_id,
        occurred=_occurred(data_dict),
        actor=str(context["user"]),
        record_type=TYPED,
        record_id=record,
        facts=_facts(data_dict),
    )
    raised = [str(row["id"]) for row in duty_store.of_event(model.Session, event_id)]
    facts = {"trigger": trigger, "unit": unit_id or "", "duties": len(raised)}
    audit.note(model.Session, "event.recorded", f"event:{event_id}", details=facts)
    model.repo.commit()
    said = {"trigger": trigger, "unit": unit_id, "occurred": str(data_dict["occurred"])}
    return {"id": event_id, **said, "record": record, "duties": raised}


def _record(data_dict: Mapping[str, Any]) -> str:
    """What it is called; what has no number gets a name that nothing else has."""
    return str(data_dict.get("record") or "").strip() or uuid4().hex


def _trigger(data_dict: Mapping[str, Any]) -> str:
    trigger = text(data_dict, "trigger")
    if trigger in PERIOD_TRIGGERS:
        refuse("system.E1", "trigger", trigger)
    return trigger


def _facts(data_dict: Mapping[str, Any]) -> dict[str, str]:
    """Note and exemption, where they are given."""
    exemption = str(data_dict.get("exemption") or "")
    if exemption and exemption not in vocabulary("rule_exemption"):
        allowed = ", ".join(vocabulary("rule_exemption").codes)
        refuse("vocab.E1", "exemption", exemption, allowed=allowed)
    facts = {"note": _note(data_dict), "exemption": exemption}
    return {name: value for name, value in facts.items() if value}


def _note(data_dict: Mapping[str, Any]) -> str:
    note = str(data_dict.get("note") or "").strip()
    if len(note) > LONGEST_NOTE or "\x00" in note:
        raise tk.ValidationError({"note": [tk._("At most {n} characters").format(n=LONGEST_NOTE)]})
    return note


def _occurred(data_dict: Mapping[str, Any]) -> date | datetime:
    """A day, or an instant with its offset."""
    value = str(data_dict.get("occurred") or "")
    if not value:
        refuse("duties.E1", "occurred", "")
    moment = dates.start_of(value)
    if moment is None:
        refuse("date.E1", "occurred", value)
    if len(value) == dates.DATE_LENGTH:
        return moment.astimezone(clock.SITE_ZONE).date()
    return moment


@tk.side_effect_free
def govopen_event_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Events of one's units, newest first, with how many duties each raised.

    Returns:
        `{items: [{id, trigger, unit, occurred, record, note, duties, withdrawn}], next_cursor}`.
    """
    tk.check_access("govopen_event_list", context, data_dict)
    no_unknown(data_dict, "limit", "cursor")
    user, keys, limit = user_of(context), cursor_of(data_dict, 2), page_limit(data_dict)
    if user is None:
        raise tk.NotAuthorized
    scope = None if user.sysadmin else review_scope(user.id)
    after = (keys[0], keys[1]) if keys else None
    rows = store.events_page(model.Session, scope, after, limit + 1)
    return page(rows, limit, lambda row: (row["key"], row["id"]), _shown)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "trigger": row["trigger"],
        "unit": {"id": row["unit_id"], "name": row["unit_name"]} if row["unit_id"] else None,
        "occurred": row["occurred_at"].astimezone(clock.SITE_ZONE).isoformat(),
        "record_type": row["record_type"],
        "record": row["record_id"],
        "note": row["facts"].get("note"),
        "duties": row["duties"],
        "withdrawn": row["withdrawn_reason"],
    }


def govopen_event_withdraw(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Says that an event never counted; its duties are void.

    Args:
        id: of the event.
        reason: why.

    Returns:
        `{id, duties}`: how many duties are void.
    """
    tk.check_access("govopen_event_withdraw", context, data_dict)
    no_unknown(data_dict, "id", "reason")
    event_id, reason = text(data_dict, "id"), text(data_dict, "reason")
    found = store.event(model.Session, event_id)
    if found is None:
        absent()
    actor = str(context["user"])
    duties = log.withdraw_event(model.Session, event_id, actor=actor, reason=reason)
    audit.note(
        model.Session,
        "event.withdrawn",
        f"event:{event_id}",
        reason=reason,
        details={"duties": duties},
    )
    model.repo.commit()
    return {"id": event_id, "duties": duties}


def govopen_evidence_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Records what was done for a duty where no record of the platform says so.

    The time is the clock's: none may be given (duties.E2).

    Args:
        duty: the duty that it is for; what is asked is known from it.
        record: number, name or address of what was published, held or filed.
        value: what it counts in a quota: class hours, per cent; 1 where absent.
        period: the period that it is for, where that is not the present one.
        ended: true where a window that may not be shorter has closed.
        is_public: false for what the public cannot see.
        note: in one's own words; read inside the unit.

    Returns:
        the duty as it stands after it.
    """
    if given := data_dict.get("at"):
        refuse("duties.E2", "at", str(given))
    known = ("duty", "record", "value", "period", "ended", "is_public", "note")
    no_unknown(data_dict, *known)
    row = duty_pages.one(model.Session, str(data_dict.get("duty") or ""), clock.now())
    unit_id = str(row["unit_id"]) if row else None
    tk.check_access("govopen_evidence_create", context, {**data_dict, "unit": unit_id})
    if row is None:
        absent()
    one = _evidence(row, data_dict)
    new = log.raise_evidence(model.Session, [one], str(context["user"]))
    audit.note(
        model.Session,
        "evidence.recorded",
        f"duty:{row['id']}",
        details={"record": one.record_id, "unit": one.unit_id, "new": new},
    )
    model.repo.commit()
    shown: dict[str, Any] = tk.get_action("govopen_duty_show")(dict(context), {"id": row["id"]})
    return shown


def _evidence(row: Mapping[str, Any], data_dict: Mapping[str, Any]) -> log.Evidence:
    """What was done for a duty: record and condition are those that its rule asks for."""
    record, is_public = text(data_dict, "record"), tk.asbool(data_dict.get("is_public", True))
    if row["condition"] == "public" and not is_public:
        refuse("duties.E4", "is_public", record)
    return log.Evidence(
        str(row["record"]),
        str(row["condition"]),
        str(row["unit_id"]),
        record,
        row["event_record"],
        str(data_dict.get("period") or "") or None,
        _value(data_dict),
        tk.asbool(data_dict.get("ended", False)),
        is_public,
        {"note": _note(data_dict)},
    )


def _value(data_dict: Mapping[str, Any]) -> Decimal:
    given = str(data_dict.get("value") or "1")
    try:
        value = Decimal(given)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or not 0 <= value < 1_000_000:
        raise tk.ValidationError({"value": [tk._("A number from 0 on, such as 1 or 2.5")]})
    return value
