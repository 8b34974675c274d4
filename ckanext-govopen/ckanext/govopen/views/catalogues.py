"""The workbench's standard catalogue: a file, source lists, a package, a template, what is owed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.views import desk, helpers, tables

__all__ = ["standard_desk", "standard_files"]

standard_desk = desk.blueprint("govopen_standard_desk", __name__)
standard_files = desk.blueprint("govopen_standard_files", __name__)

KIND = "<any(csv,xlsx,json):kind>"
FACTS = ("basis", "basis_doc", "reason", "requested_on", "approved_on", "effective_on")
GAP_COLUMNS = (
    "level", "kind", "unit_name", "domain", "item_code", "source_type", "source_code", "name",
    "due_on",
)  # fmt: skip
GAP_ROWS = 200
DRAFT_ROWS = 200
MOST_GAPS = 10_000
PLACE = "place:"
STANDARD = "disclosure_standard"


def _unit() -> str:
    """The unit of the page: the one asked for, else the first that one keeps."""
    wanted = request.values.get("unit", "").strip()
    if wanted:
        return wanted
    units = desk.unit_choices()
    return units[0]["value"] if units else ""


def _page(template: str, **values: Any) -> str:
    return desk.page(
        f"workbench/standards/{template}.html",
        units=desk.unit_choices(),
        domains=desk.choices("disclosure_domain"),
        **values,
    )


def _draft_url(draft_id: str) -> str:
    return str(tk.url_for("govopen_standard_desk.draft_show", draft_id=draft_id))


@standard_desk.get("/standards")
def index() -> str:
    """What one can do with the catalogue of a unit, and its drafts."""
    return _page("index", unit=_unit(), values={}, report=None, drafts=_drafts())


def _drafts() -> list[dict[str, Any]]:
    """Drafts of catalogues that are being written, the newest change first."""
    found = desk.call("govopen_register_draft_list", {"state": "editing", "limit": 1000})["items"]
    return [one for one in found if one["register_type"] == STANDARD]


@standard_desk.post("/standards/import")
def receive() -> Any:
    """A file in the uniform form: first what it would do, then a draft."""
    values = desk.form_values("unit", "domain", "sheet", "encoding", "accepted_only", *FACTS)
    wanted = {**values, "upload": request.files.get("upload")}
    wanted["dry_run"] = not request.form.get("make")
    report, errors = desk.tried(lambda: desk.call("govopen_disclosure_import", wanted))
    if report and report["draft_id"]:
        return redirect(_draft_url(report["draft_id"]))
    return _page("index", unit=_unit(), values=values, report=report, errors=errors)


@standard_desk.post("/standards/package")
def receive_package() -> Any:
    """The package of another district becomes a draft."""
    values = desk.form_values("unit", *FACTS)
    wanted = {**values, "upload": request.files.get("package")}
    wanted["dry_run"] = not request.form.get("make")
    report, errors = desk.tried(lambda: desk.call("govopen_disclosure_package_import", wanted))
    if report and report["draft_id"]:
        return redirect(_draft_url(report["draft_id"]))
    return _page("index", unit=_unit(), values=values, report=None, package=report, errors=errors)


@standard_desk.get("/standards/drafts/<draft_id>")
def draft_show(draft_id: str) -> str:
    """A draft of the catalogue: its items, what the checks say, its facts."""
    return _draft(draft_id, {})


def _draft(draft_id: str, errors: Mapping[str, Any]) -> str:
    wanted = {"id": draft_id, "limit": DRAFT_ROWS, "cursor": request.args.get("cursor", "")}
    draft = desk.call("govopen_register_draft_show", wanted)
    values = {name: request.form.get(name, draft[name]) for name in FACTS}
    return _page("draft", draft=draft, values=values, errors=errors)


@standard_desk.post("/standards/drafts/<draft_id>")
def draft_act(draft_id: str) -> Any:
    """Keeps the facts and the items taken out, then hands the draft in or drops it."""
    move = request.form.get("move", "")
    if move == "drop":
        _, errors = desk.tried(lambda: desk.call("govopen_register_draft_drop", {"id": draft_id}))
        return _draft(draft_id, errors) if errors else redirect(_home())
    facts: dict[str, Any] = {name: request.form.get(name, "").strip() for name in FACTS}
    facts |= {"id": draft_id, "revision": request.form.get("revision", "")}
    facts["remove"] = request.form.getlist("remove")
    _, errors = desk.tried(lambda: desk.call("govopen_register_draft_update", facts))
    if not errors and move == "submit":
        made, errors = desk.tried(
            lambda: desk.call("govopen_register_draft_submit", {"id": draft_id})
        )
        if made:
            return redirect(tk.url_for(f"/workbench/review/{made['case_id']}"))
    return _draft(draft_id, errors) if errors else redirect(_draft_url(draft_id))


def _home() -> str:
    return str(tk.url_for("govopen_standard_desk.index"))


@standard_desk.get("/standards/derivation")
def derivation() -> str:
    """Entries of source lists without an item, and what each could become."""
    unit, domain = _unit(), request.args.get("domain", "")
    wanted = {"unit": unit, "domain": domain, "cursor": request.args.get("cursor", "")}
    found, errors = ({"items": [], "next_cursor": None, "total": 0}, {})
    if unit:
        answer, errors = desk.tried(lambda: desk.call("govopen_disclosure_derivation_list", wanted))
        found = answer or found
    return _page("derivation", unit=unit, domain=domain, found=found, errors=errors)


@standard_desk.post("/standards/derivation")
def derive() -> Any:
    """Makes a draft of the chosen entries' items."""
    values = desk.form_values("unit", "domain", *FACTS)
    chosen = [one.partition(":") for one in request.form.getlist("source")]
    sources = [{"type": kind, "code": code} for kind, _sign, code in chosen]
    wanted = {**values, "sources": sources}
    made, errors = desk.tried(lambda: desk.call("govopen_disclosure_derivation_create", wanted))
    if made:
        return redirect(_draft_url(made["draft_id"]))
    found = desk.call(
        "govopen_disclosure_derivation_list",
        {"unit": values.get("unit", ""), "domain": values.get("domain", "")},
    )
    return _page(
        "derivation", unit=_unit(), domain=values.get("domain", ""), found=found, errors=errors
    )


@standard_desk.get("/standards/gaps")
def gaps() -> str:
    """What is owed between the lists, the catalogue and publication."""
    wanted = {**_gap_filters(), "limit": GAP_ROWS, "cursor": request.args.get("cursor", "")}
    found, errors = desk.tried(lambda: desk.call("govopen_disclosure_gap_list", wanted))
    return _page(
        "gaps",
        filters=_gap_filters(),
        kinds=desk.choices("standard_gap"),
        found=found or {"items": [], "counts": {}, "next_cursor": None},
        errors=errors,
    )


def _gap_filters() -> dict[str, str]:
    """A keeper of one unit sees the gaps of that unit."""
    found = {n: request.args[n] for n in ("unit", "kind") if request.args.get(n)}
    person = desk.me()
    if "unit" not in found and person.kept_units and not person.is_sysadmin:
        found["unit"] = sorted(person.kept_units)[0]
    return found


@standard_files.get(f"/standards/gaps.{KIND}")
def gaps_file(kind: str) -> Response:
    """The gaps as a file."""
    wanted = {**_gap_filters(), "limit": MOST_GAPS}
    rows = desk.call("govopen_disclosure_gap_list", wanted)["items"]
    if kind != "json":
        rows = [_gap_words(row) for row in rows]
    columns = [(name, name) for name in GAP_COLUMNS]
    api = f"/api/3/action/govopen_disclosure_gap_list?{urlencode(_gap_filters())}"
    return tables.respond(kind, "standard-gaps", columns, rows, api)


def _gap_words(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "kind": helpers.term("standard_gap", row["kind"]),
        "domain": helpers.term("disclosure_domain", row["domain"]),
        "source_type": helpers.term("register_type", row["source_type"]),
    }


@standard_desk.get("/standards/templates")
def template_list() -> str:
    """Catalogues of the superior by year."""
    return _page(
        "templates",
        unit=_unit(),
        items=desk.call("govopen_disclosure_template_list")["items"],
        values={},
    )


@standard_desk.post("/standards/templates")
def template_receive() -> Any:
    """A superior's catalogue of a year is kept as a template."""
    values = desk.form_values("title", "issuer", "year", "domain", "sheet", "encoding")
    wanted = {**values, "upload": request.files.get("upload")}
    made, errors = desk.tried(lambda: desk.call("govopen_disclosure_template_create", wanted))
    if made:
        return redirect(tk.url_for("govopen_standard_desk.template_show", template_id=made["id"]))
    items = desk.call("govopen_disclosure_template_list")["items"]
    return _page("templates", unit=_unit(), items=items, values=values, errors=errors)


@standard_desk.get("/standards/templates/<template_id>")
def template_show(template_id: str) -> str:
    """Where the items of a unit go in a template."""
    return _mapping(template_id, {})


def _mapping(template_id: str, errors: Mapping[str, Any]) -> str:
    unit = _unit()
    found, refused = desk.tried(
        lambda: desk.call("govopen_disclosure_template_show", {"id": template_id, "unit": unit})
    )
    if found is None:
        tk.abort(404)
    return _page("mapping", unit=unit, found=found, errors={**refused, **errors})


@standard_desk.post("/standards/templates/<template_id>")
def template_decide(template_id: str) -> Any:
    """Keeps what was decided about items, or makes the draft."""
    unit = _unit()
    given = {
        name.removeprefix(PLACE): value or None
        for name, value in request.form.items()
        if name.startswith(PLACE)
    }
    wanted = {"id": template_id, "unit": unit, "given": given}
    _, errors = desk.tried(lambda: desk.call("govopen_disclosure_mapping_update", wanted))
    if not errors and request.form.get("make"):
        facts = desk.form_values("with_new", *FACTS)
        apply = {**facts, "id": template_id, "unit": unit, "retire": request.form.getlist("retire")}
        made, errors = desk.tried(lambda: desk.call("govopen_disclosure_mapping_apply", apply))
        if made:
            return redirect(_draft_url(made["draft_id"]))
    if errors:
        return _mapping(template_id, errors)
    return redirect(
        tk.url_for("govopen_standard_desk.template_show", template_id=template_id, unit=unit)
    )


@standard_desk.get("/standards/alignment")
def alignment() -> str:
    """A department's catalogue beside that of a district or pilot unit."""
    unit, other = request.args.get("unit", ""), request.args.get("other", "")
    found, errors = None, {}
    if unit and other:
        wanted = {"unit": unit, "other": other}
        found, errors = desk.tried(lambda: desk.call("govopen_disclosure_alignment_show", wanted))
    choices = {
        one["unit_id"]: one["unit_name"]
        for domain in desk.call("govopen_disclosure_domain_list")["items"]
        for one in domain["units"]
    }
    catalogues = [{"value": key, "text": name} for key, name in sorted(choices.items())]
    return _page(
        "alignment", unit=unit, other=other, found=found, catalogues=catalogues, errors=errors,
        labels={term.code: helpers.term("standard_field", term.code)
                for term in vocabulary("standard_field")},
    )  # fmt: skip
