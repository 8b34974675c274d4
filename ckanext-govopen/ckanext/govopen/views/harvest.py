"""Pages of the harvest: sources with their health, runs as they go, what could not be taken."""

from __future__ import annotations

from typing import Any

import yaml
from flask import make_response, redirect, request
from werkzeug.wrappers import Response

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.harvest import OPEN
from ckanext.govopen.logic import harvest_connectors
from ckanext.govopen.views import desk

__all__ = ["harvest_pages"]

harvest_pages = desk.blueprint("govopen_harvest", __name__)

REFRESH_SECONDS = 3
REPORT_ROWS = 100
FIRST_KIND = "table"
LISTED, NESTED = "list", "mapping"


@harvest_pages.get("/harvest")
def sources() -> str:
    """Sources with their health, and the runs that wait for somebody."""
    found = desk.call(
        "govopen_harvest_source_list",
        {"limit": desk.PAGE_ROWS, "cursor": request.args.get("cursor", "")},
    )
    return desk.page(
        "workbench/harvest/index.html",
        found=found,
        kinds=_kinds(),
        is_keeper=_is_keeper(),
    )


def _kinds() -> dict[str, str]:
    language = "zh" if tk.h.lang().startswith("zh") else "en"
    return {
        kind: connector.label[language] for kind, connector in harvest_connectors.kinds().items()
    }


# --- a source ------------------------------------------------------------------------------------


@harvest_pages.get("/harvest/sources/<name>")
def source(name: str) -> str:
    """One source: what it is, its runs, what of it could not be taken."""
    return _source_page(name, {})


def _source_page(name: str, errors: desk.Errors) -> str:
    shown = desk.call("govopen_harvest_source_show", {"id": name})
    return desk.page(
        "workbench/harvest/source.html",
        source=shown,
        kinds=_kinds(),
        jobs=desk.call("govopen_harvest_job_list", {"source": name, "limit": 20})["items"],
        dead=desk.call("govopen_harvest_dead_list", {"source": name, "limit": REPORT_ROWS}),
        proposed=desk.call(
            "govopen_harvest_object_list",
            {"source": name, "state": "withdrawal_proposed", "limit": REPORT_ROWS},
        )["items"],
        is_keeper=_is_keeper(),
        errors=errors,
    )


@harvest_pages.post("/harvest/sources/<name>/run")
def run(name: str) -> Any:
    """Starts a run, or one that writes nothing, or one over what was kept."""
    asked = {option: bool(request.form.get(option)) for option in ("dry_run", "kept")}
    wanted = {"source": name, **asked}
    return _to_job(name, "govopen_harvest_job_create", wanted)


@harvest_pages.post("/harvest/sources/<name>/retry")
def retry(name: str) -> Any:
    """Tries what could not be taken again."""
    wanted = {"source": name, "id": request.form.get("id", "")}
    return _to_job(name, "govopen_harvest_dead_retry", wanted)


def _to_job(name: str, action: str, wanted: dict[str, Any]) -> Any:
    made, errors = desk.tried(lambda: desk.call(action, wanted))
    if errors:
        return _source_page(name, errors), desk.CONFLICT
    return redirect(tk.url_for("govopen_harvest.job", job_id=made["id"]))


@harvest_pages.post("/harvest/sources/<name>/state")
def set_state(name: str) -> Any:
    """Pauses a source, or lets it run again."""
    wanted = {"id": name, "state": request.form.get("state", "")}
    _, errors = desk.tried(lambda: desk.call("govopen_harvest_source_update", wanted))
    if errors:
        return _source_page(name, errors), desk.CONFLICT
    return redirect(tk.url_for("govopen_harvest.source", name=name))


# --- adding one ----------------------------------------------------------------------------------


@harvest_pages.get("/harvest/new")
def new() -> str:
    """The form for a source of one kind; other kinds ask for other things."""
    _require_keeper()
    return _form({}, {})


def _is_keeper() -> bool:
    return desk.me().is_authority or desk.me().is_sysadmin


def _require_keeper() -> None:
    if not _is_keeper():
        raise tk.ObjectNotFound


def _form(values: dict[str, Any], errors: desk.Errors) -> str:
    kinds = _kinds()
    asked = request.values.get("kind", FIRST_KIND)
    kind = asked if asked in kinds else FIRST_KIND
    return desk.page(
        "workbench/harvest/new.html",
        kind=kind,
        kinds=[{"value": code, "text": words} for code, words in kinds.items()],
        options=[_option(one) for one in harvest_connectors.of_kind(kind).options],
        units=desk.unit_choices(),
        schedules=desk.choices("harvest_schedule"),
        outcome=harvest_connectors.of_kind(kind).outcome,
        values=values,
        errors=errors,
    )


def _option(one: Any) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "label": one.zh if tk.h.lang().startswith("zh") else one.en,
        "is_required": one.is_required,
    }


@harvest_pages.post("/harvest/new")
def create() -> Any:
    """Adds the source; nothing is read from it before somebody starts a run."""
    _require_keeper()
    kind = request.form.get("kind", FIRST_KIND)
    typed = {name: text for name, text in request.form.items() if not name.startswith("_")}
    wanted = desk.form_values("name", "title", "unit", "schedule", "outcome")
    options = {one.name: one for one in harvest_connectors.of_kind(kind).options}
    said = {name: value for name in options if (value := typed.get(f"o-{name}", "").strip())}
    secrets = {name: value for name, value in said.items() if options[name].kind == "secret"}
    settings = {
        name: _read(options[name].kind, value)
        for name, value in said.items()
        if name not in secrets
    }
    wanted |= {"kind": kind, "settings": settings, "secrets": secrets}
    made, errors = desk.tried(lambda: desk.call("govopen_harvest_source_create", wanted))
    if errors:
        kept = {name: text for name, text in typed.items() if name[2:] not in secrets}
        return _form(kept, errors), desk.CONFLICT
    tk.h.flash_success(tk._("{name} was added.").format(name=made["title"]))
    return redirect(tk.url_for("govopen_harvest.source", name=made["name"]))


def _read(kind: str, said: str) -> Any:
    """A field of the form as its option wants it; what cannot be read is refused as text."""
    if kind == LISTED:
        return [line.strip() for line in said.splitlines() if line.strip()]
    if kind == "yes_no":
        return True
    if kind == "number":
        return int(said) if said.isdecimal() else said
    if kind != NESTED:
        return said
    try:
        found = yaml.safe_load(said)
    except yaml.YAMLError:
        return said
    return {str(name): value for name, value in found.items()} if isinstance(found, dict) else said


# --- runs ----------------------------------------------------------------------------------------


@harvest_pages.get("/harvest/jobs/<job_id>")
def job(job_id: str) -> Response:
    """One run: its stages and counts while it goes, its account and report when it has ended."""
    return _job_page(job_id, {})


def _job_page(job_id: str, errors: desk.Errors) -> Response:
    verdict = request.args.get("verdict", "")
    shown = desk.call(
        "govopen_harvest_job_show",
        {
            "id": job_id,
            "verdict": verdict,
            "limit": REPORT_ROWS,
            "cursor": request.args.get("cursor", ""),
        },
    )
    source_shown = desk.call("govopen_harvest_source_show", {"id": shown["source"]})
    is_approver = desk.me().is_authority and source_shown["created_by"] != desk.me().id
    response = make_response(
        desk.page(
            "workbench/harvest/job.html",
            job=shown,
            verdict=verdict,
            is_open=shown["state"] in [state.value for state in OPEN],
            is_approver=is_approver,
            is_keeper=_is_keeper(),
            errors=errors,
        )
    )
    if shown["state"] in ("queued", "running"):  # may be left: the run goes on by itself
        response.headers["Refresh"] = str(REFRESH_SECONDS)
    return response


@harvest_pages.post("/harvest/jobs/<job_id>/approve")
def approve(job_id: str) -> Any:
    """Lets a run go on, or ends it."""
    wanted = {"id": job_id, "refuse": bool(request.form.get("refuse"))}
    _, errors = desk.tried(lambda: desk.call("govopen_harvest_approve", wanted))
    if errors:
        return _job_page(job_id, errors), desk.CONFLICT
    return redirect(tk.url_for("govopen_harvest.job", job_id=job_id))
