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
from ckanext.govopen.logic import audit, dates, duty_view, requirements
from ckanext.govopen.logic import events as log
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, prose, refuse, text
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.logic.roles import review_scope, user_of
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import duties as duty_store
from ckanext.govopen.model import duty_pages
from ckanext.govopen.model import events as store

__all__ = [
    "govopen_event_create",
    "govopen_event_list",
    "govopen_event_show",
    "govopen_event_withdraw",
    "govopen_evidence_create",
]

TYPED = "typed"


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
    facts = {"note": prose(data_dict, "note"), "exemption": exemption}
    return {name: value for name, value in facts.items() if value}


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
    keys, limit = cursor_of(data_dict, 2), page_limit(data_dict)
    after = (keys[0], keys[1]) if keys else None
    rows = store.events_page(model.Session, _scope(context), after, limit + 1)
    return page(rows, limit, lambda row: (row["key"], row["id"]), _shown)


def _scope(context: Any) -> list[str] | None:
    """The units whose events one reads; None: all of them."""
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    return None if user.sysadmin else review_scope(user.id)


@tk.side_effect_free
def govopen_event_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """An event with the duties that it raised and with what the rules ask for without a date.

    Args:
        id: of the event.

    Returns:
        what `govopen_event_list` says of it, with `raised`, its duties as in `govopen_duty_list`,
        and `asked`: `[{rule, evidence, elements, exempt, met: [{id, name, record, at}],
        open: [{id, name}]}]`, the units that have done it and those that have not.
    """
    tk.check_access("govopen_event_show", context, data_dict)
    no_unknown(data_dict, "id")
    session, now = model.Session, clock.now()
    row = store.one_event(session, text(data_dict, "id"), _scope(context))
    if row is None:
        absent()
    return {
        **_shown(row),
        "raised": [
            duty_view.item(one, now) for one in duty_pages.of_event(session, row["id"], now)
        ],
        "asked": requirements.shown(session, requirements.of_event(session, row)),
    }


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
        event, rule: instead of a duty, the event and the id of the rule that asks without a date.
        unit: with an event of every unit, whose act it is.
        record: number, name or address of what was published, held or filed.
        value: what it counts in a quota: class hours, per cent; 1 where absent.
        period: the period that it is for, where that is not the present one.
        ended: true where a window that may not be shorter has closed.
        is_public: false for what the public cannot see.
        note: in one's own words; read inside the unit.

    Returns:
        the duty, or the event, as it stands after it.
    """
    if given := data_dict.get("at"):
        refuse("duties.E2", "at", str(given))
    no_unknown(
        data_dict, "duty", "event", "rule", "unit", "record", "value", "period", "ended",
        "is_public", "note",
    )  # fmt: skip
    of = "event" if data_dict.get("event") else "duty"
    asking = _asking_event if of == "event" else _asking_duty
    row = asking(context, data_dict)
    one = _evidence(row, data_dict)
    new = log.raise_evidence(model.Session, [one], str(context["user"]))
    audit.note(
        model.Session,
        "evidence.recorded",
        f"{of}:{row['id']}",
        details={"record": one.record_id, "unit": one.unit_id, "new": new},
    )
    model.repo.commit()
    shown: dict[str, Any] = tk.get_action(f"govopen_{of}_show")(dict(context), {"id": row["id"]})
    return shown


def _asking_duty(context: Any, data_dict: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a duty asks for: `{id, record, condition, unit_id, event_record}`."""
    row = duty_pages.one(model.Session, str(data_dict.get("duty") or ""), clock.now())
    unit_id = str(row["unit_id"]) if row else None
    tk.check_access("govopen_evidence_create", context, {**data_dict, "unit": unit_id})
    if row is None:
        absent()
    return row


def _asking_event(context: Any, data_dict: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a rule without a date asks of a unit because of an event, as `_asking_duty`."""
    event = store.one_event(model.Session, text(data_dict, "event"), _scope(context))
    if event is None:
        absent()
    unit_id = event["unit_id"] or unit_id_of(text(data_dict, "unit"))
    tk.check_access("govopen_evidence_create", context, {**data_dict, "unit": unit_id})
    rule_id = text(data_dict, "rule")
    asked = requirements.of_event(model.Session, event)
    found = [one for one in asked if one.source.rule.rule_id == rule_id and unit_id in one.units]
    if not found:
        refuse("duties.E10", "rule", rule_id)
    evidence = found[0].source.rule.evidence
    return {
        "id": event["id"],
        "record": evidence.record,
        "condition": evidence.condition,
        "unit_id": unit_id,
        "event_record": event["record_id"],
    }


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
        {"note": prose(data_dict, "note")},
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
