"""The review desk: what waits, what a case changes field by field, and the decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import AUTHORITIES, REVIEW_ROLES, ROLE_OF_STEP
from ckanext.govopen.views import desk, differences
from ckanext.govopen.views.inventory import VOCABULARIES
from ckanext.govopen.views.scan import PEOPLE_NEEDED

__all__ = ["review_pages"]

review_pages = desk.blueprint("govopen_review_pages", __name__)

WITH_CONTENT = ("package", "revision")


def kind_label(kind: str) -> str:
    return {
        "dataset": tk._("Dataset"),
        "inventory": tk._("Inventory"),
        "batch": tk._("Several datasets"),
        "register": tk._("Adjustment of a list"),
        "reform": tk._("Reform of units"),
    }[kind]


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
    return desk.page(
        "workbench/review/case.html",
        **_records(case),
        **differences.template_parts(),
        case=case,
        found=found,
        values=values,
        errors=errors,
        kind_label=kind_label,
        questions=desk.choices("review_checklist"),
        reasons=desk.choices("return_reason"),
        grounds=desk.choices("hidden_ground"),
        vocabularies=VOCABULARIES,
        covered=covered,
        role_of_step=ROLE_OF_STEP,
        authority_steps=AUTHORITIES,
        said=_results(),
        ground_label=_ground_label,
        approved_on=_approved_on(found["versions"]),
        publishes=bool(covered) and covered[-1] == case["steps"][-1],
        why=_why_not(case),
        may_submit=case["state"] == "draft" and _keeps(case),
        may_recall=_may_recall(case),
        **_totals(found["versions"]),
    )


def _records(case: Mapping[str, Any]) -> dict[str, Any]:
    """A page of what a case holds beside its lists: what changes, what the scan says of it."""
    listed = desk.call(
        "govopen_review_record_list",
        {"id": case["id"], "limit": desk.PAGE_ROWS, "cursor": request.args.get("records", "")},
    )
    datasets = [one for one in listed["items"] if one["record_type"] in WITH_CONTENT]
    rules = [one for one in listed["items"] if one["record_type"] == "refresh_rule"]
    return {
        "listed": listed,
        "datasets": datasets,
        "rules": [
            desk.call("govopen_refresh_rule_show", {"id": one["record_id"]}) for one in rules
        ],
        "samples": differences.samples_of(case["id"], datasets),
        **_scanned(case, is_scanned=bool(datasets)),
    }


def _covered(case: Mapping[str, Any]) -> list[str]:
    """The steps that a decision of the reader would cover now."""
    can = case["can"]
    may_decide = case["state"] == "submitted" and (can["decide"] or can["return"])
    return list(can.get("covers", [])) if may_decide else []


def _totals(versions: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What all lists of a case change together."""
    names = ("added", "changed", "cancelled")
    return {name: sum(version[name] for version in versions) for name in names}


def _scanned(case: Mapping[str, Any], *, is_scanned: bool) -> dict[str, Any]:
    """What the scan says of the records of a case, by their titles where there are several."""
    found = desk.call("govopen_scan_show", {"case": case["id"]})
    records = [one for one in case["records"] if one["record_type"] in WITH_CONTENT]
    titles = {one["record_id"]: one.get("title") for one in records} if len(records) > 1 else {}
    return {
        "hits": [
            {**hit, "title": titles.get(hit["record_id"]), "may_clear": _may_clear(hit, case)}
            for hit in found["hits"]
        ],
        "scan_is_complete": found["is_complete"] and is_scanned,
        "refusals": found["refusals"],
        "warnings": found["warnings"],
        "titles": titles,
    }


def _approved_on(versions: Sequence[Mapping[str, Any]]) -> str | None:
    """The day that the drafts of a case give; none where they differ: one day is set for all."""
    days = {version["approved_on"] for version in versions}
    return days.pop() if len(days) == 1 else None


def _results() -> dict[str, str]:
    """Results of opinions that are no state of a record, in words."""
    return {
        "hidden": tk._("hidden"),
        "confirmed": tk._("hiding confirmed"),
        "lifted": tk._("hiding lifted"),
        "held": tk._("held"),
        "consulted": tk._("asked a body"),
        "escalated": tk._("asked the higher body"),
        "answered": tk._("answer recorded"),
    }


def _ground_label(opinion: Mapping[str, Any]) -> str:
    """A ground is statutory where something is withheld, else a class of reason."""
    vocabulary = "hidden_ground" if opinion["result"] == "withheld" else "withdrawal_ground"
    return str(tk.h.govopen_term(vocabulary, opinion["ground"]))


def _may_clear(hit: Mapping[str, Any], case: Mapping[str, Any]) -> bool:
    """True when the reader may say now that a finding is none."""
    roles = {"secrecy_reviewer"} if not hit["cleared_by"] else set(REVIEW_ROLES)
    is_open = len(hit["cleared_by"]) < PEOPLE_NEEDED.get(hit["severity"], 0)
    return (
        is_open
        and hit["id"] is not None
        and case["state"] == "submitted"
        and "review.E2" not in case["can"]["why"]
        and desk.me().id not in (*hit["cleared_by"], case["created_by"])
        and bool(roles & set(case["can"].get("roles", ())))
    )


def _why_not(case: Mapping[str, Any]) -> list[str]:
    """The refusals that an approval of the reader's would meet, in words."""
    return list(case["can"]["hints"]) if case["state"] == "submitted" else []


def _may_recall(case: Mapping[str, Any]) -> bool:
    """The submitter's unit takes back what nobody has decided, or what waits for its time."""
    said = [one for one in case["opinions"] if one["result"] == "pass"]
    is_submitter = desk.me().id == case["created_by"] or "info_officer" in desk.me().roles
    is_open = case["state"] == "embargoed" or (case["state"] == "submitted" and not said)
    return is_open and _keeps(case) and is_submitter


def _keeps(case: Mapping[str, Any]) -> bool:
    """Whether the reader enters the records of every unit of the case."""
    kept = desk.me().kept_units
    return kept is None or set(case["unit_ids"]) <= set(kept)


@review_pages.post("/review/<case_id>/decide")
def decide(case_id: str) -> Any:
    """Approves, returns or withholds the whole case."""
    values: dict[str, Any] = desk.form_values(
        "decision", "reason", "ground", "approved_on", "submission"
    )
    values["checklist"] = {
        question["value"]: answer
        for question in desk.choices("review_checklist")
        if (answer := request.form.get(f"check-{question['value']}"))
    }
    values["reason"] = _with_template(values.get("reason", ""))
    made, errors = desk.tried(lambda: desk.call("govopen_review_decide", {"id": case_id, **values}))
    if errors:
        return _case_page(case_id, values, errors), desk.CONFLICT
    tk.h.flash_success(_done(made))
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=case_id))


def _with_template(reason: str) -> str:
    """The typed reason after a usual one that was chosen; a script puts it there earlier."""
    chosen = request.form.get("template", "")
    usual = [one["text"] for one in desk.choices("return_reason") if one["value"] == chosen]
    return "\n".join(part for part in (*usual, reason) if part)


def _done(made: Mapping[str, Any]) -> str:
    return {
        "published": tk._("Approved and published."),
        "embargoed": tk._("Approved; it is published by itself at its time."),
        "returned": tk._("Returned to the unit with your reason."),
        "withheld": tk._("Decided not to publish, with its ground."),
    }.get(made["state"], tk._("Your approval is on record; the next step waits for a colleague."))


@review_pages.post("/review/<case_id>/ask")
def ask(case_id: str) -> Any:
    """Asks another body, or the higher one; the case waits for its written answer."""
    values = desk.form_values("body", "question")
    action = "govopen_review_escalate" if request.form.get("higher") else "govopen_review_consult"
    _, errors = desk.tried(lambda: desk.call(action, {"id": case_id, **values}))
    if errors:
        return _case_page(case_id, values, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The case waits for the answer of the body that was asked."))
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=case_id))


@review_pages.post("/review/<case_id>/answer")
def answer(case_id: str) -> Any:
    """Records the written answer of a body that was asked."""
    values = desk.form_values("consultation", "consents", "answer")
    _, errors = desk.tried(lambda: desk.call("govopen_review_answer", {"id": case_id, **values}))
    if errors:
        return _case_page(case_id, values, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The answer is on record."))
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=case_id))


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
