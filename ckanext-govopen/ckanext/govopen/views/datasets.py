"""The workbench's datasets: drafts, under review, public; submit, withdraw, hide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, request
from werkzeug.datastructures import FileStorage

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.review import HIDING_ROLES
from ckanext.govopen.views import desk

__all__ = ["dataset_pages"]

dataset_pages = desk.blueprint("govopen_datasets", __name__)

FILE_FIELD = "file-"
SERIES_ROWS = 200
EDITABLE = ("draft", "returned", "withheld", "withdrawn")


@dataset_pages.get("/datasets")
def dataset_list() -> str:
    """Datasets of the units that one keeps, with their state."""
    return _list_page({})


def _rows_asked() -> int:
    """As many as a page has, or as many as a series that is handed in as one case."""
    return SERIES_ROWS if request.args.get("rows") == str(SERIES_ROWS) else desk.PAGE_ROWS


def _list_page(errors: desk.Errors) -> str:
    filters = {
        name: text
        for name in ("unit", "state", "q")
        if (text := request.args.get(name, "").strip())
    }
    found = desk.call(
        "govopen_dataset_list",
        {**filters, "limit": _rows_asked(), "cursor": request.args.get("cursor", "")},
    )
    return desk.page(
        "workbench/datasets/list.html",
        rows_of_a_series=SERIES_ROWS,
        found=found,
        filters=filters,
        errors=errors,
        labels=_labels(),
        units=desk.unit_choices(),
        states=desk.choices("review_state", without=("deleted", "embargoed", "approved")),
        editable=EDITABLE,
    )


@dataset_pages.post("/datasets/submit")
def dataset_submit() -> Any:
    """Hands the chosen drafts in for review as one case."""
    chosen = request.form.getlist("dataset")
    if not chosen:
        return _list_page({"message": [tk._("Choose at least one draft first")]}), desk.CONFLICT
    values = desk.form_values("title", "reason")
    made, errors = desk.tried(
        lambda: desk.call("govopen_review_submit", {"datasets": chosen, **values})
    )
    if errors:
        return _list_page(errors), desk.CONFLICT
    tk.h.flash_success(
        tk._("{count} datasets were handed in for review as one case.").format(
            count=made["records"]
        )
    )
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=made["id"]))


@dataset_pages.get("/datasets/files")
def files_form() -> str:
    """One file for each of many drafts, chosen together."""
    return _files_page({}, 0)


def _files_page(errors: desk.Errors, added: int) -> str:
    filters = {name: text for name in ("unit", "q") if (text := request.args.get(name, "").strip())}
    chosen = request.args.get("state", "")
    filters["state"] = chosen if chosen in EDITABLE else "draft"
    found = desk.call(
        "govopen_dataset_list",
        {**filters, "limit": desk.PAGE_ROWS, "cursor": request.args.get("cursor", "")},
    )
    found["items"] = [item for item in found["items"] if item["is_kept"]]
    return desk.page(
        "workbench/datasets/files.html",
        found=found,
        filters=filters,
        errors=errors,
        added=added,
    )


@dataset_pages.post("/datasets/files")
def files_add() -> Any:
    """Adds each file to its draft; one that is refused keeps no other from being taken."""
    uploads = {
        field.removeprefix(FILE_FIELD): upload
        for field, upload in request.files.items()
        if field.startswith(FILE_FIELD) and upload.filename
    }
    if not uploads:
        return _files_page({"message": [tk._("Choose at least one file first")]}, 0), desk.CONFLICT
    errors = {
        name: [text for texts in refused.values() for text in texts]
        for name, upload in uploads.items()
        if (refused := _add_file(name, upload))
    }
    added = len(uploads) - len(errors)
    if errors:
        return _files_page(errors, added), desk.CONFLICT
    tk.h.flash_success(tk._("{count} files were added.").format(count=added))
    return redirect(tk.url_for("govopen_datasets.dataset_list", state="draft"))


def _add_file(name: str, upload: FileStorage) -> desk.Errors:
    """Adds a file to a draft; gives what was refused."""
    shown = desk.call("package_show", {"id": name})
    parameters = {
        "package_id": shown["id"],
        "name": upload.filename,
        "url": upload.filename,
        "upload": upload,
    }
    _, errors = desk.tried(lambda: desk.call("resource_create", parameters))
    return errors


@dataset_pages.get("/datasets/<name>")
def dataset_show(name: str) -> str:
    """One dataset at the desk: what is there, its files, and the next step."""
    return _dataset_page(name, {}, {})


def _dataset_page(name: str, values: Mapping[str, Any], errors: desk.Errors) -> str:
    shown = desk.call("package_show", {"id": name})
    drafting = desk.me().drafting_units
    keeps = drafting is None or shown["owner_org"] in drafting
    is_open = keeps and shown["review"]["state"] in EDITABLE
    return desk.page(
        "workbench/datasets/show.html",
        pkg=shown,
        state=shown["review"]["state"],
        is_open=is_open,
        told=desk.call("govopen_scan_show", {"id": shown["id"]}) if is_open else {},
        values=values,
        errors=errors,
        labels=_labels(),
        may_hide=_may_hide(),
    )


def _may_hide() -> bool:
    return bool(HIDING_ROLES & set(desk.me().roles))


def _labels() -> dict[str, str]:
    return {
        "upload": tk._("File"),
        "url": tk._("Address of the file"),
        "name": tk._("Name"),
        "resources": tk._("Files"),
        "open_type": tk._("Open type"),
        "open_condition": tk._("Condition of opening"),
        "license_id": tk._("Licence"),
        "entry_codes": tk._("Inventory entries"),
        "format": tk._("Format"),
        "message": "",
    }


@dataset_pages.post("/datasets/<name>/files")
def file_add(name: str) -> Any:
    """Adds an uploaded file or a link to a draft."""
    upload = request.files.get("upload")
    values: dict[str, Any] = desk.form_values("url", "name", "description", "format")
    has_file = upload is not None and bool(upload.filename)
    if not has_file and "url" not in values:
        errors = {"upload": [tk._("Choose a file, or give its address")]}
        return _dataset_page(name, values, errors), desk.CONFLICT
    shown = desk.call("package_show", {"id": name})
    parameters = {**values, "package_id": shown["id"]}
    if upload is not None and has_file:
        parameters |= {"upload": upload, "url": upload.filename}
        parameters.setdefault("name", upload.filename)
    _, errors = desk.tried(lambda: desk.call("resource_create", parameters))
    if errors:
        return _dataset_page(name, values, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The file was added."))
    return redirect(tk.url_for("govopen_datasets.dataset_show", name=name))


@dataset_pages.post("/datasets/<name>/files/<resource_id>/remove")
def file_remove(name: str, resource_id: str) -> Any:
    """Takes a file away from a draft."""
    _, errors = desk.tried(lambda: desk.call("resource_delete", {"id": resource_id}))
    if errors:
        return _dataset_page(name, {}, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The file was removed."))
    return redirect(tk.url_for("govopen_datasets.dataset_show", name=name))


@dataset_pages.post("/datasets/<name>/submit")
def dataset_submit_one(name: str) -> Any:
    """Hands one draft in for review."""
    made, errors = desk.tried(
        lambda: desk.call(
            "govopen_review_submit",
            {"datasets": [name], **desk.form_values("reason", "publish_at")},
        )
    )
    if errors:
        return _dataset_page(name, desk.form_values("publish_at"), errors), desk.CONFLICT
    tk.h.flash_success(
        tk._("{count} datasets were handed in for review as one case.").format(
            count=made["records"]
        )
    )
    return redirect(tk.url_for("govopen_review_pages.case_show", case_id=made["id"]))


@dataset_pages.get("/datasets/<name>/withdraw")
def withdraw_form(name: str) -> str:
    """Reason and ground of a withdrawal, and what readers will see."""
    return _withdraw_page(name, {}, {})


def _withdraw_page(name: str, values: Mapping[str, Any], errors: desk.Errors) -> str:
    shown = desk.call("package_show", {"id": name})
    may_withdraw = desk.me().withdraws(shown["owner_org"])
    if not (may_withdraw or _may_hide()):
        raise tk.NotAuthorized
    return desk.page(
        "workbench/datasets/withdraw.html",
        pkg=shown,
        values=values,
        errors=errors,
        grounds=desk.choices("withdrawal_ground"),
        may_withdraw=may_withdraw,
        may_hide=_may_hide(),
    )


@dataset_pages.post("/datasets/<name>/withdraw")
def withdraw(name: str) -> Any:
    """Takes a public dataset back: gone for readers at once."""
    values = desk.form_values("ground", "reason")
    _, errors = desk.tried(
        lambda: desk.call("govopen_publication_withdraw", {"id": name, **values})
    )
    if errors:
        return _withdraw_page(name, values, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The dataset was withdrawn; readers cannot see it any more."))
    return redirect(tk.url_for("govopen_datasets.withdrawal_show", name=name))


@dataset_pages.get("/datasets/<name>/withdrawal")
def withdrawal_show(name: str) -> str:
    """What is left of a withdrawn dataset, and who has to say what about it."""
    shown = desk.call("package_show", {"id": name})
    case_id = shown["review"]["case_id"]
    if case_id is None:
        raise tk.ObjectNotFound
    case = desk.call("govopen_review_show", {"id": case_id})
    return desk.page(
        "workbench/datasets/withdrawal.html",
        pkg=shown,
        parts=case["remaining"].get(shown["id"], []),
        hidings=[one for one in case["hidings"] if one["package_id"] == shown["id"]],
    )


@dataset_pages.post("/datasets/<name>/settle")
def settle_hiding(name: str) -> Any:
    """The second person's word about an emergency hiding."""
    verb = request.form.get("settle", "")
    if verb not in ("confirm", "lift"):  # neither is said by saying nothing
        tk.abort(400, tk._("Choose whether the hiding is confirmed or lifted"))
    values = {"id": name, "reason": request.form.get("reason", "")}
    _, errors = desk.tried(lambda: desk.call(f"govopen_publication_hide_{verb}", values))
    for text in [each for texts in errors.values() for each in texts]:
        tk.h.flash_error(text)
    if not errors:
        tk.h.flash_success(tk._("Your word about the hiding is on record."))
    return redirect(tk.url_for("govopen_datasets.withdrawal_show", name=name))


@dataset_pages.post("/datasets/<name>/hide")
def hide(name: str) -> Any:
    """Emergency hiding by one person; a second one confirms."""
    values = desk.form_values("reason")
    _, errors = desk.tried(lambda: desk.call("govopen_publication_hide", {"id": name, **values}))
    if errors:
        return _withdraw_page(name, values, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The dataset is hidden; nothing is said about it in public."))
    return redirect(tk.url_for("govopen_datasets.withdrawal_show", name=name))
