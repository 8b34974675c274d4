"""The review desk: what waits, what a case changes field by field, and the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.review import ROLE_OF_STEP
from ckanext.govopen.logic.findings import render
from ckanext.govopen.views import desk, differences
from ckanext.govopen.views.inventory import VOCABULARIES

__all__ = ["review_pages"]

review_pages = desk.blueprint("govopen_review_pages", __name__)

CHECKS = ("state_secret", "work_secret", "trade_secret", "personal", "security", "others", "whole")


def check_label(name: str) -> str:
    """One point of the form of the secrecy review (保密审查表)."""
    return {
        "state_secret": tk._("no state secret"),
        "work_secret": tk._("no work secret"),
        "trade_secret": tk._("no trade secret of a third party"),
        "personal": tk._("no personal information beyond what the law lets be public"),
        "security": tk._("no danger to security or stability"),
        "others": tk._("nothing of another body without its written consent"),
        "whole": tk._("nothing secret when put together with what is public already"),
    }[name]


def kind_label(kind: str) -> str:
    return {
        "dataset": tk._("Dataset"),
        "inventory": tk._("Inventory"),
        "batch": tk._("Several datasets"),
        "reform": tk._("Reform of units"),
    }[kind]


@review_pages.get("/review")
def queue() -> str:
    """Cases by age; those that wait for the reader first."""
    closed = bool(request.args.get("closed"))
    unit = request.args.get("unit", "")
    found = desk.call("govopen_review_queue", {"unit": unit, "closed": closed})["items"]
    listed = sorted(found, key=lambda case: not case["mine"]) if not closed else found
    known = {
        unit_id: name
        for case in found
        for unit_id, name in zip(case["unit_ids"], case["unit_names"], strict=False)
    }
    units = desk.unit_choices() if desk.me().kept_units is None else []
    return desk.page(
        "workbench/review/queue.html",
        cases=listed,
        closed=closed,
        unit=unit,
        units=units or [{"value": key, "text": text} for key, text in known.items()],
        kind_label=kind_label,
        days=_days,
    )


def _days(moment: str | None) -> int:
    """Whole days since a moment."""
    if not moment:
        return 0
    return max(timedelta(), clock.now() - datetime.fromisoformat(moment)).days


@review_pages.get("/review/<case_id>")
def case_show(case_id: str) -> str:
    """A case with its whole difference, and the decision for those who may take it."""
    return _case_page(case_id, {}, {})


def _case_page(case_id: str, values: Mapping[str, Any], errors: desk.Errors) -> str:
    found = desk.call(
        "govopen_review_change_list", {"id": case_id, "cursor": request.args.get("cursor", "")}
    )
    case = found["case"]
    covered = _covered(case)
    listed = desk.call(
        "govopen_review_record_list",
        {"id": case_id, "limit": desk.PAGE_ROWS, "cursor": request.args.get("records", "")},
    )
    datasets = [one for one in listed["items"] if one["record_type"] != "register_version"]
    return desk.page(
        "workbench/review/case.html",
        listed=listed,
        datasets=datasets,
        samples=differences.samples_of(case_id, datasets),
        **differences.template_parts(),
        case=case,
        found=found,
        values=values,
        errors=errors,
        kind_label=kind_label,
        checks=[(name, check_label(name)) for name in CHECKS],
        grounds=desk.choices("hidden_ground"),
        vocabularies=VOCABULARIES,
        covered=covered,
        role_of_step=ROLE_OF_STEP,
        publishes=bool(covered) and covered[-1] == case["steps"][-1],
        why=_why_not(case),
        may_submit=case["state"] == "draft" and _keeps(case),
        may_recall=_may_recall(case),
        added=sum(version["added"] for version in found["versions"]),
        changed=sum(version["changed"] for version in found["versions"]),
        cancelled=sum(version["cancelled"] for version in found["versions"]),
    )


def _covered(case: Mapping[str, Any]) -> Sequence[str]:
    """The steps that an approval of the reader's would cover."""
    if not case["can"]["decide"] or not case["step"]:
        return ()
    ahead = case["steps"][case["steps"].index(case["step"]) :]
    if case["profile"] == "strict":
        return tuple(ahead[:1])
    covered: list[str] = []
    for step in ahead:
        if ROLE_OF_STEP[step] not in case["can"]["roles"]:
            break
        covered.append(step)
    return tuple(covered)


def _why_not(case: Mapping[str, Any]) -> list[str]:
    """The refusals that a decision of the reader's would meet, in words."""
    if case["state"] != "submitted":
        return []
    step = case["step"] or ""
    facts = {
        "profile": tk._("two people") if case["profile"] == "two_person" else tk._("strict"),
        "step": tk.h.govopen_term("review_step", step),
        "role": tk.h.govopen_term("role", ROLE_OF_STEP.get(step, "")),
    }
    return [render(Finding(code, params=facts)) for code in case["can"]["why"]]


def _may_recall(case: Mapping[str, Any]) -> bool:
    """The submitter's unit takes back what nobody has decided."""
    said = [one for one in case["opinions"] if one["result"] == "pass"]
    is_submitter = desk.me().id == case["created_by"] or "info_officer" in desk.me().roles
    return case["state"] == "submitted" and _keeps(case) and is_submitter and not said


def _keeps(case: Mapping[str, Any]) -> bool:
    """Whether the reader enters the records of every unit of the case."""
    kept = desk.me().kept_units
    return kept is None or set(case["unit_ids"]) <= set(kept)


@review_pages.post("/review/<case_id>/decide")
def decide(case_id: str) -> Any:
    """Approves, returns or withholds the whole case."""
    values = desk.form_values("decision", "reason", "ground")
    ticked = [name for name in CHECKS if request.form.get(f"check-{name}")]
    kept = {**values, **{f"check-{name}": True for name in ticked}}
    if values.get("decision") == "approve":
        if len(ticked) < len(CHECKS):
            texts = {
                "checks": [tk._("Approve only what you have checked: every point must be ticked")]
            }
            return _case_page(case_id, kept, texts), desk.CONFLICT
        checked = tk._("Checked: {points}").format(points=tk._("; ").join(map(check_label, ticked)))
        values["reason"] = f"{values.get('reason', '')}\n{checked}".strip()
    made, errors = desk.tried(lambda: desk.call("govopen_review_decide", {"id": case_id, **values}))
    if errors:
        return _case_page(case_id, kept, errors), desk.CONFLICT
    tk.h.flash_success(_done(made))
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=case_id))


def _done(made: Mapping[str, Any]) -> str:
    return {
        "published": tk._("Approved and published."),
        "returned": tk._("Returned to the unit with your reason."),
        "withheld": tk._("Decided not to publish, with its ground."),
    }.get(made["state"], tk._("Your approval is on record; the next step waits for a colleague."))


@review_pages.post("/review/<case_id>/submit")
def submit(case_id: str) -> Any:
    """Hands in a case that an import or its undoing has prepared."""
    _, errors = desk.tried(lambda: desk.call("govopen_review_submit", {"case": case_id}))
    if errors:
        return _case_page(case_id, {}, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The case was handed in; you can follow it here and under Review."))
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=case_id))


@review_pages.post("/review/<case_id>/recall")
def recall(case_id: str) -> Any:
    """Takes a submission back before anybody has decided."""
    _, errors = desk.tried(lambda: desk.call("govopen_review_recall", {"id": case_id}))
    if errors:
        return _case_page(case_id, {}, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The case was taken back; its records can be changed again."))
    return redirect(tk.url_for("govopen_workbench.my_work"))
