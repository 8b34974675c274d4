"""The workbench's duties: what one owes, typed events and evidence, orders, and the settings."""

from __future__ import annotations

from typing import Any

from flask import redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.duty_periods import PERIOD_TRIGGERS
from ckanext.govopen.views import desk

__all__ = ["duty_desk"]

duty_desk = desk.blueprint("govopen_duty_desk", __name__)

EVENT_FIELDS = ("trigger", "unit", "occurred", "record", "exemption", "note")
# What can be ordered for a duty: its action and the fields of its form.
ORDERS = {
    "evidence": ("govopen_evidence_create", ("record", "value", "period", "note")),
    "extend": ("govopen_duty_extend", ("amount", "reason", "approver")),
    "suspend": ("govopen_duty_suspend", ("from", "reason", "approver")),
    "resume": ("govopen_duty_resume", ("until", "reason")),
    "reset": ("govopen_duty_reset", ("on", "reason", "approver")),
    "waive": ("govopen_duty_waive", ("reason",)),
    "hand_over": ("govopen_duty_hand_over", ("unit", "reason")),
}
SHOWN = 30


def _labels() -> dict[str, str]:
    return {
        "trigger": tk._("What happened"),
        "unit": tk._("Unit"),
        "occurred": tk._("When"),
        "record": tk._("Number or name of the record"),
        "exemption": tk._("Exemption"),
        "note": tk._("Note"),
        "value": tk._("Counts as"),
        "period": tk._("Period"),
        "amount": tk._("How much longer"),
        "reason": tk._("Reason"),
        "approver": tk._("Approved by"),
        "from": tk._("Letter sent on"),
        "until": tk._("Answer received on"),
        "on": tk._("Begins anew after"),
        "ended": tk._("A window has closed"),
        "is_public": tk._("Public"),
        "subject": tk._("Subject of rules"),
        "name": tk._("Word"),
        "rule": tk._("Asked by"),
    }


def _is_office() -> bool:
    return None in desk.me().roles.get("disclosure_office", ())


@duty_desk.get("/duties")
def overview() -> Any:
    return _overview({}, {})


def _overview(values: dict[str, Any], errors: desk.Errors) -> Any:
    is_office = _is_office()
    units = (
        [{"value": one["id"], "text": one["name"]} for one in _all_units()]
        if is_office
        else desk.unit_choices()
    )
    owed = desk.call("govopen_work_show")["duties"]
    shown = desk.page(
        "workbench/duties/index.html",
        owed=owed["items"],
        totals=owed,
        events=desk.call("govopen_event_list", {"limit": SHOWN})["items"],
        settings=desk.call("govopen_duty_setting_list") if is_office else None,
        is_office=is_office,
        units=units,
        triggers=desk.choices("rule_trigger", sorted(PERIOD_TRIGGERS)),
        exemptions=desk.choices("rule_exemption"),
        subjects=desk.choices("rule_subject"),
        values={"occurred": clock.today().isoformat(), **values},
        errors=errors,
        labels=_labels(),
    )
    return (shown, desk.CONFLICT) if errors else shown


def _all_units() -> Any:
    return desk.all_pages("govopen_unit_list", {})


@duty_desk.post("/duties/events")
def event_create() -> Any:
    """Records what happened where no record of the platform says so."""
    values = desk.form_values(*EVENT_FIELDS)
    made, errors = desk.tried(lambda: desk.call("govopen_event_create", values))
    if errors:
        return _overview(values, errors)
    count = len(made["duties"])
    tk.h.flash_success(tk._("The event is on record; {count} duties began.").format(count=count))
    return redirect(tk.url_for("govopen_duty_desk.event_show", event_id=made["id"]))


@duty_desk.get("/duties/events/<event_id>")
def event_show(event_id: str) -> Any:
    """The duties of an event, and what the rules ask for without a date."""
    return _event_page(event_id, {}, {})


def _event_page(event_id: str, values: dict[str, Any], errors: desk.Errors) -> Any:
    event = desk.call("govopen_event_show", {"id": event_id})
    shown = desk.page(
        "workbench/duties/event.html", event=event, values=values, errors=errors, labels=_labels()
    )
    return (shown, desk.CONFLICT) if errors else shown


@duty_desk.post("/duties/events/<event_id>/evidence")
def event_evidence(event_id: str) -> Any:
    """Records what was done for a rule that asks without a date."""
    values = desk.form_values("rule", "unit", "record", "note")
    asked = {"event": event_id, "is_public": "is_public" in request.form, **values}
    _, errors = desk.tried(lambda: desk.call("govopen_evidence_create", asked))
    if errors:
        return _event_page(event_id, values, errors)
    tk.h.flash_success(tk._("It is on record, with who did it and when."))
    return redirect(tk.url_for("govopen_duty_desk.event_show", event_id=event_id))


@duty_desk.post("/duties/events/<event_id>/withdraw")
def event_withdraw(event_id: str) -> Any:
    """Says that an event never counted."""
    asked = {"id": event_id, **desk.form_values("reason")}
    done, errors = desk.tried(lambda: desk.call("govopen_event_withdraw", asked))
    if errors:
        return _overview({}, errors)
    tk.h.flash_success(tk._("{count} duties are void.").format(count=done["duties"]))
    return redirect(tk.url_for("govopen_duty_desk.overview"))


@duty_desk.post("/duties/settings")
def setting_update() -> Any:
    """Sets the number behind a word of a pack."""
    typed = desk.form_values("word", "amount", "unit", "reason")
    pack, _, name = typed.pop("word", "").partition("/")
    asked = {"pack": pack, "name": name, **typed}
    _, errors = desk.tried(lambda: desk.call("govopen_duty_setting_update", asked))
    if errors:
        return _overview({}, errors)
    tk.h.flash_success(
        tk._("The number is set; duties that are open keep the one they began with.")
    )
    return redirect(tk.url_for("govopen_duty_desk.overview") + "#settings")


@duty_desk.post("/duties/subjects")
def subject_update() -> Any:
    """Names a unit for a subject of rules, or ends it."""
    asked = desk.form_values("subject", "unit", "named")
    _, errors = desk.tried(lambda: desk.call("govopen_duty_subject_update", asked))
    if errors:
        return _overview({}, errors)
    tk.h.flash_success(tk._("The unit is bound as its subject says from today on."))
    return redirect(tk.url_for("govopen_duty_desk.overview") + "#settings")


@duty_desk.post("/duties/calendar")
def notice_import() -> Any:
    """Records the yearly notice of working days and shows which open duties it moved."""
    asked: dict[str, Any] = desk.form_values("year", "source")
    asked |= {"upload": request.files.get("upload"), "correct": "correct" in request.form}
    done, errors = desk.tried(lambda: desk.call("govopen_calendar_import", asked))
    if errors:
        return _overview({}, errors)
    return desk.page("workbench/duties/notice.html", done=done)


@duty_desk.get("/duties/<duty_id>")
def duty_show(duty_id: str) -> Any:
    return _duty_page(duty_id, {}, {})


def _linked(unit_id: str) -> list[dict[str, Any]]:
    """Units that a reform links with one and that have not ended: its duties may go to them."""
    steps = desk.call("govopen_unit_show", {"id": unit_id})["successions"]
    today = clock.today().isoformat()
    ids = {
        one[name] for one in steps if one["on_date"] <= today for name in ("unit_id", "other_id")
    }
    found = (desk.call("govopen_unit_show", {"id": one}) for one in ids - {unit_id, None})
    return sorted((unit for unit in found if desk.exists(unit)), key=lambda unit: str(unit["name"]))


def _duty_page(duty_id: str, values: dict[str, Any], errors: desk.Errors) -> Any:
    duty = desk.call("govopen_duty_show", {"id": duty_id})
    shown = desk.page(
        "workbench/duties/duty.html",
        duty=duty,
        values={"from": clock.today().isoformat(), "until": clock.today().isoformat(), **values},
        errors=errors,
        labels=_labels(),
        is_office=_is_office(),
        units=_linked(duty["unit"]["id"]) if _is_office() else (),
    )
    return (shown, desk.CONFLICT) if errors else shown


@duty_desk.post(
    "/duties/<duty_id>/<any(evidence,extend,suspend,resume,reset,waive,hand_over):order>"
)
def duty_order(duty_id: str, order: str) -> Any:
    """Records evidence, or does what is ordered."""
    action, fields = ORDERS[order]
    values = desk.form_values(*fields)
    asked: dict[str, Any] = {"duty" if order == "evidence" else "id": duty_id, **values}
    if order == "evidence":
        asked |= {name: name in request.form for name in ("ended", "is_public")}
    _, errors = desk.tried(lambda: desk.call(action, asked))
    if errors:
        return _duty_page(duty_id, values, errors)
    tk.h.flash_success(tk._("It is on record, with who did it and when."))
    return redirect(tk.url_for("govopen_duty_desk.duty_show", duty_id=duty_id))
