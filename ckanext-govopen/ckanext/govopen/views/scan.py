"""Pages of the scan: findings of a dataset with masking, findings of a case with clearing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.masking import HOW
from ckanext.govopen.logic.errors import whole
from ckanext.govopen.views import desk

__all__ = ["scan_pages"]

scan_pages = desk.blueprint("govopen_scan_pages", __name__)

EDITABLE = ("draft", "returned", "withheld", "withdrawn")
PEOPLE_NEEDED = {"critical": 2, "high": 1}
# A masked copy is a table again; other files are changed by hand.
MASKED_FORMATS = ("CSV", "TSV", "TXT", "XLSX", "XLS", "ODS")


def how_label(how: str) -> str:
    return {
        "truncate": tk._("Shorten: 110**************X, 138****1234"),
        "replace": tk._("Replace by ***"),
        "hash": tk._("Pseudonym, the same for the same value"),
        "drop": tk._("Drop the column"),
    }[how]


@scan_pages.get("/review/<case_id>/scan")
def case_findings(case_id: str) -> str:
    """The findings in all records of a case, the gravest first."""
    return _case_page(case_id, {})


def _case_page(case_id: str, errors: desk.Errors) -> str:
    case = desk.call("govopen_review_show", {"id": case_id})
    found = desk.call("govopen_scan_show", {"case": case_id})
    titles = {one["record_id"]: one.get("title") for one in case["records"]}
    return desk.page(
        "workbench/scan/case.html",
        case=case,
        found=found,
        titles=titles,
        needed=PEOPLE_NEEDED,
        may_clear=case["state"] == "submitted" and desk.me().reviews,
        errors=errors,
    )


@scan_pages.post("/review/<case_id>/scan/clear")
def clear(case_id: str) -> Any:
    """Says that one finding is none, with its reason."""
    values = desk.form_values("hit", "reason")
    made, errors = desk.tried(lambda: desk.call("govopen_scan_clear", {"case": case_id, **values}))
    if errors:
        return _case_page(case_id, errors), desk.CONFLICT
    tk.h.flash_success(
        tk._("Confirmed as none.")
        if made["act"] == "confirmed"
        else tk._("Cleared, with your reason.")
    )
    return redirect(tk.url_for("govopen_scan_pages.case_findings", case_id=case_id))


@scan_pages.get("/datasets/<name>/scan")
def dataset_findings(name: str) -> str:
    """The findings in a dataset, and masks for the columns of its tables."""
    return _dataset_page(name, {})


def _dataset_page(name: str, errors: desk.Errors) -> str:
    shown = desk.call("package_show", {"id": name})
    found = desk.call("govopen_scan_show", {"id": name})
    drafting = desk.me().drafting_units
    keeps = drafting is None or shown["owner_org"] in drafting
    is_open = keeps and shown["review"]["state"] in EDITABLE
    return desk.page(
        "workbench/scan/dataset.html",
        pkg=shown,
        found=found,
        tables=_tables(shown, found["hits"]) if is_open else [],
        ways=[{"value": how, "text": how_label(how)} for how in HOW],
        errors=errors,
    )


def _tables(shown: Mapping[str, Any], hits: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Files of which columns can be masked, each with its columns that have grave findings."""
    found = []
    for resource in shown["resources"]:
        columns = {
            (hit["sheet"], hit["column_no"]): hit
            for hit in hits
            if hit["resource_id"] == resource["id"]
            and hit["column_no"] is not None
            and hit["severity"] != "info"
        }
        if columns and str(resource.get("format") or "").upper() in MASKED_FORMATS:
            found.append({"resource": resource, "columns": list(columns.values())})
    return found


@scan_pages.post("/datasets/<name>/scan/run")
def run(name: str) -> Any:
    """Scans what of a dataset is not scanned yet."""
    _, errors = desk.tried(lambda: desk.call("govopen_scan_run", {"id": name}))
    if errors:
        return _dataset_page(name, errors), desk.CONFLICT
    return redirect(tk.url_for("govopen_scan_pages.dataset_findings", name=name))


@scan_pages.post("/datasets/<name>/scan/mask")
def mask(name: str) -> Any:
    """Puts a masked copy in the place of one file."""
    columns = [
        {"column": column, "how": how, **({"sheet": sheet} if sheet else {})}
        for number, sheet, how in zip(
            request.form.getlist("column"),
            request.form.getlist("sheet"),
            request.form.getlist("how"),
            strict=False,
        )
        if how and (column := whole(number)) is not None
    ]
    parameters = {"resource": request.form.get("resource", ""), "columns": columns}
    made, errors = desk.tried(lambda: desk.call("govopen_file_mask", parameters))
    if errors:
        return _dataset_page(name, errors), desk.CONFLICT
    tk.h.flash_success(
        tk._("{filename}: {cells} cells are masked; it is a new version of the file.").format(
            **made
        )
    )
    return redirect(tk.url_for("govopen_scan_pages.dataset_findings", name=name))
