"""Changes of public datasets at the workbench: revisions, refresh rules, the digest of a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask import redirect, request, send_file

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import revisions
from ckanext.govopen.views import desk

__all__ = ["revision_pages"]

revision_pages = desk.blueprint("govopen_revisions", __name__)

FIELDS = ("title", "notes", "update_cycle", "open_condition", "contact_phone")
# Of each file; an input is named by the field and the id of the resource.
FILE_FIELDS = ("name", "description", "full_text")
FILE_FIELD, REMOVE_FIELD = "file-", "remove-"
# What an empty field stands for: a table has the full text of its rows unless it says no.
UNSAID = {"full_text": "yes"}
WAITING = ("draft", "returned", "withheld")
RULE_DAYS = 364  # the last day that a form suggests


def labels() -> dict[str, str]:
    return {
        "note": tk._("What changes and why"),
        "title": tk._("Title"),
        "notes": tk._("Summary"),
        "update_cycle": tk._("Update cycle"),
        "open_condition": tk._("Condition of opening"),
        "contact_phone": tk._("Contact phone"),
        "resources": tk._("Files"),
        "upload": tk._("A new file besides"),
        "name": tk._("Name of the file for readers"),
        "description": tk._("Description"),
        "full_text": tk._("Full text of the rows"),
        "row_change_bound": tk._("Largest share of rows that may change"),
        "expires_on": tk._("Last day"),
        "system": tk._("System that the data come from"),
        "reason": tk._("Reason"),
        "message": "",
    }


@revision_pages.get("/datasets/<name>/changes")
def changes(name: str) -> str:
    """What is public, what is in review, what waits; and how to change it."""
    return _changes_page(name, {}, {})


def _changes_page(name: str, values: Mapping[str, Any], errors: desk.Errors) -> str:
    pkg = desk.call("package_show", {"id": name})
    drafting = desk.me().drafting_units
    rules = desk.call("govopen_refresh_rule_list", {"id": name})
    return desk.page(
        "workbench/datasets/changes.html",
        pkg=pkg,
        keeps=drafting is None or pkg["owner_org"] in drafting,
        pending=desk.call("govopen_pending_revision_list", {"id": name})["items"],
        rules=rules["items"],
        harvested_from=rules["harvested_from"],
        versions=desk.call("govopen_published_version_list", {"id": name})["items"],
        values=values,
        errors=errors,
        labels=labels(),
        cycles=desk.choices("update_cycle"),
        answers=desk.choices("yes_no"),
        last_day=(clock.today() + timedelta(days=RULE_DAYS)).isoformat(),
        waiting=WAITING,
    )


@revision_pages.post("/datasets/<name>/changes")
def propose(name: str) -> Any:
    """Proposes a revision; the dataset stays public as it is."""
    pkg = desk.call("package_show", {"id": name})
    values = _typed()
    made, errors = desk.tried(
        lambda: desk.call(
            "govopen_pending_revision_create",
            {"id": name, "note": values.get("note", ""), **_wanted(pkg, values)},
        )
    )
    if errors:
        return _changes_page(name, values, errors), desk.CONFLICT
    tk.h.flash_success(
        tk._("The revision is kept; readers see nothing of it. Look at it, then hand it in.")
    )
    return redirect(tk.url_for("govopen_revisions.revision_show", revision_id=made["id"]))


def _typed() -> dict[str, str]:
    """What the form says of the dataset and of each of its files."""
    return desk.form_values("note", *FIELDS, *(name for name in request.form if _is_of_file(name)))


def _is_of_file(name: str) -> bool:
    return name.partition("-")[0] in FILE_FIELDS


def _wanted(dataset: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the form that differ, and the files if any of them came or goes."""
    wanted: dict[str, Any] = {
        field: values[field]
        for field in FIELDS
        if field in values and _differs(values[field], dataset.get(field))
    }
    uploads = {name: upload for name, upload in request.files.items() if upload.filename}
    removed = [name for name in request.form if name.startswith(REMOVE_FIELD)]
    said = {each["id"]: _said_of(each, values) for each in dataset["resources"]}
    if not (uploads or removed or any(said.values())):
        return wanted
    wanted["resources"] = [
        {"id": each["id"], **said[each["id"]], **_bytes(uploads.get(FILE_FIELD + each["id"]))}
        for each in dataset["resources"]
        if REMOVE_FIELD + each["id"] not in removed
    ]
    if added := uploads.get("upload"):
        facts = {field: values[field] for field in FILE_FIELDS if field in values}
        wanted["resources"].append(
            {"name": added.filename, "url": added.filename, **facts, **_bytes(added)}
        )
    return wanted


def _said_of(resource: Mapping[str, Any], values: Mapping[str, str]) -> dict[str, str]:
    """The fields of a file in which the form differs from what the file has."""
    inputs = {field: f"{field}-{resource['id']}" for field in FILE_FIELDS}
    return {
        field: values.get(name, "")
        for field, name in inputs.items()
        if name in request.form
        and _differs(values.get(name, ""), resource.get(field) or UNSAID.get(field))
    }


def _differs(typed: str, stored: Any) -> bool:
    """Browsers end lines in their own way."""
    return typed.splitlines() != str(stored or "").splitlines()


def _bytes(upload: Any) -> dict[str, Any]:
    return {"upload": upload} if upload else {}


@revision_pages.get("/revisions/<revision_id>")
def revision_show(revision_id: str) -> str:
    """A revision as it would be, and what differs from what is public."""
    return _revision_page(revision_id, {}, {})


def _revision_page(revision_id: str, values: Mapping[str, Any], errors: desk.Errors) -> str:
    shown = desk.call("govopen_pending_revision_show", {"id": revision_id})
    drafting = desk.me().drafting_units
    is_open = shown["state"] in WAITING
    keeps = drafting is None or shown["dataset"].get("owner_org") in drafting
    return desk.page(
        "workbench/datasets/revision.html",
        revision=shown,
        dataset=shown["dataset"],
        is_open=keeps and is_open,
        values=values,
        errors=errors,
        labels=labels(),
        cycles=desk.choices("update_cycle"),
        answers=desk.choices("yes_no"),
    )


@revision_pages.post("/revisions/<revision_id>")
def revision_change(revision_id: str) -> Any:
    """Works on a revision that waits, from what is public now."""
    shown = desk.call("govopen_pending_revision_show", {"id": revision_id})
    values = _typed()
    _, errors = desk.tried(
        lambda: desk.call(
            "govopen_pending_revision_update",
            {
                "id": revision_id,
                "note": values.get("note", ""),
                **_wanted(shown["dataset"], values),
            },
        )
    )
    if errors:
        return _revision_page(revision_id, values, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The revision was saved."))
    return redirect(tk.url_for("govopen_revisions.revision_show", revision_id=revision_id))


@revision_pages.post("/revisions/<revision_id>/submit")
def revision_submit(revision_id: str) -> Any:
    """Hands a revision in for review."""
    made, errors = desk.tried(
        lambda: desk.call(
            "govopen_review_submit", {"revisions": [revision_id], **desk.form_values("reason")}
        )
    )
    if errors:
        return _revision_page(revision_id, {}, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The revision was handed in; the present version stays public."))
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=made["id"]))


@revision_pages.get("/revisions/<revision_id>/files/<resource_id>")
def revision_file(revision_id: str, resource_id: str) -> Any:
    """The bytes that a revision brings, for those who may read it and open files."""
    found = revisions.file({"user": tk.current_user.name}, revision_id, resource_id)
    return send_file(
        found.path, mimetype=found.media_type, as_attachment=True, download_name=found.name
    )


@revision_pages.post("/datasets/<name>/rules")
def rule_propose(name: str) -> Any:
    """Proposes a refresh rule for the files that the dataset has now."""
    values = desk.form_values("row_change_bound", "expires_on", "system", "harvested")
    made, errors = desk.tried(
        lambda: desk.call("govopen_refresh_rule_create", {"id": name, **_as_share(values)})
    )
    if errors:
        return _changes_page(name, values, errors), desk.CONFLICT
    tk.h.flash_success(
        tk._("The rule is proposed; it goes into review with the dataset or its next revision.")
    )
    return redirect(tk.url_for("govopen_revisions.changes", name=name) + f"#rule-{made['id']}")


def _as_share(values: Mapping[str, str]) -> dict[str, Any]:
    """People write percent."""
    try:
        share: Any = float(values.get("row_change_bound", "")) / 100
    except ValueError:
        share = values.get("row_change_bound", "")
    return {**values, "row_change_bound": share}


@revision_pages.post("/datasets/<name>/rules/<rule_id>/submit")
def rule_submit(name: str, rule_id: str) -> Any:
    """Hands a rule in for review by itself."""
    made, errors = desk.tried(lambda: desk.call("govopen_review_submit", {"rules": [rule_id]}))
    if errors:
        return _changes_page(name, {}, errors), desk.CONFLICT
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=made["id"]))


@revision_pages.post("/datasets/<name>/rules/<rule_id>/revoke")
def rule_revoke(name: str, rule_id: str) -> Any:
    """Ends a rule at once."""
    values = desk.form_values("reason")
    _, errors = desk.tried(
        lambda: desk.call("govopen_refresh_rule_revoke", {"id": rule_id, **values})
    )
    if errors:
        return _changes_page(name, values, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The rule has ended; what is public stays."))
    return redirect(tk.url_for("govopen_revisions.changes", name=name))


@revision_pages.get("/refreshes")
def digest() -> str:
    """What the system approved on a day, for the people who signed its rules."""
    wanted = request.args.get("date", "")
    found = desk.call("govopen_refresh_digest_show", {"date": wanted} if wanted else {})
    day = date.fromisoformat(found["date"])
    return desk.page(
        "workbench/refreshes.html",
        found=found,
        before=(day - timedelta(days=1)).isoformat(),
        after=(day + timedelta(days=1)).isoformat() if day < clock.today() else None,
    )
