"""Pages of the harvest: sources and proposals, runs as they go, what could not be taken."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import make_response, redirect, request
from werkzeug.wrappers import Response

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.harvest import OPEN, PROPOSALS
from ckanext.govopen.logic import harvest_connectors
from ckanext.govopen.logic.harvest_names import FIELD_WORDS
from ckanext.govopen.views import desk
from ckanext.govopen.views import harvest_form as form
from ckanext.govopen.views import harvest_mapping as mapping

__all__ = ["harvest_pages"]

harvest_pages = desk.blueprint("govopen_harvest", __name__)

REFRESH_SECONDS = 3
REPORT_ROWS = 100
BOUNDS = ("breaker_least", "breaker_share", "grace_days")


@harvest_pages.get("/harvest")
def sources() -> str:
    """Sources with their health, what officers propose, and what sources have no longer."""
    return _sources_page({})


def _sources_page(errors: desk.Errors) -> str:
    wanted = {"limit": desk.PAGE_ROWS, "cursor": request.args.get("cursor", "")}
    return desk.page(
        "workbench/harvest/index.html",
        found=desk.call("govopen_harvest_source_list", {**wanted, "proposed": False}),
        proposals=list(desk.all_pages("govopen_harvest_source_list", {"proposed": True})),
        withdrawals=desk.call("govopen_harvest_withdrawal_list", {"limit": REPORT_ROWS}),
        kinds=form.kinds(),
        is_keeper=_is_keeper(),
        errors=errors,
    )


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
        kinds=form.kinds(),
        labels=_labels(shown["kind"]),
        breaker=_percent(shown["breaker_share"]),
        is_proposal=shown["state"] in PROPOSALS,
        jobs=desk.call("govopen_harvest_job_list", {"source": name, "limit": 20})["items"],
        dead=desk.call("govopen_harvest_dead_list", {"source": name, "limit": REPORT_ROWS}),
        withdrawals=desk.call(
            "govopen_harvest_withdrawal_list", {"source": name, "limit": REPORT_ROWS}
        ),
        is_keeper=_is_keeper(),
        errors=errors,
    )


def _labels(kind: str) -> dict[str, str]:
    """What the options of a kind are called; one whose connector is gone keeps its raw names."""
    is_known = kind in harvest_connectors.kinds()
    return {one["name"]: one["label"] for one in form.options_of(kind)} if is_known else {}


def _percent(share: str) -> str:
    """0.100 is 10 %, 0.125 is 12.5 %."""
    return f"{(Decimal(share) * 100).normalize():f}\u00a0%"


@harvest_pages.post("/harvest/sources/<name>/run")
def run(name: str) -> Any:
    """Starts a run, or one that writes nothing, or one over what was kept."""
    asked = {option: bool(request.form.get(option)) for option in ("dry_run", "probe", "kept")}
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


@harvest_pages.post("/harvest/sources/<name>/withdrawal")
def withdrawal(name: str) -> Any:
    """Takes back what the source has no longer, or keeps it."""
    wanted = {key: request.form.get(key, "") for key in ("guid", "decision", "reason")}
    settled = lambda: desk.call("govopen_harvest_withdrawal_decide", {**wanted, "source": name})  # noqa: E731
    _, errors = desk.tried(settled)
    if errors:
        return _sources_page(errors), desk.CONFLICT
    tk.h.flash_success(
        tk._("Taken back, or handed in for it.")
        if wanted["decision"] == "accept"
        else tk._("It stays, also without its source.")
    )
    return redirect(tk.url_for("govopen_harvest.sources"))


# --- adding one ----------------------------------------------------------------------------------


@harvest_pages.get("/harvest/new")
def new() -> str:
    """The form for a source of one kind; other kinds ask for other things."""
    _require_keeper()
    return _form("new", form.chosen_kind(), {}, {})


@harvest_pages.post("/harvest/new")
def create() -> Any:
    """Adds the source; nothing is read from it before somebody starts a run."""
    _require_keeper()
    kind = form.chosen_kind()
    wanted = form.wanted(kind, "name", "title", "unit", "schedule", "outcome") | {"kind": kind}
    made, errors = desk.tried(lambda: desk.call("govopen_harvest_source_create", wanted))
    if errors:
        return _form("new", kind, form.typed(kind), errors), desk.CONFLICT
    tk.h.flash_success(tk._("{name} was added.").format(name=made["title"]))
    return redirect(tk.url_for("govopen_harvest.source", name=made["name"]))


def _is_keeper() -> bool:
    return desk.me().is_authority or desk.me().is_sysadmin


def _require_keeper() -> None:
    if not _is_keeper():
        raise tk.ObjectNotFound


def _form(mode: str, kind: str, values: dict[str, Any], errors: desk.Errors, **more: Any) -> str:
    """The form in one of its uses.

    Args:
        mode: new, propose, or edit of a source that there is.
    """
    units = desk.unit_choices()
    options = form.options_of(kind, with_secrets=mode != "propose")
    if mode == "propose" and len(units) == 1:
        values = {"unit": units[0]["value"], **values}
    return desk.page(
        "workbench/harvest/form.html",
        mode=mode,
        kind=kind,
        kinds=[{"value": code, "text": words} for code, words in form.kinds().items()],
        options=options,
        option_labels={f"o-{one['name']}": one["label"] for one in options},
        units=units,
        schedules=desk.choices("harvest_schedule"),
        outcome=harvest_connectors.of_kind(kind).outcome,
        values=values,
        errors=form.placed(kind, errors),
        **more,
    )


# --- proposing, completing, declining ------------------------------------------------------------


@harvest_pages.get("/harvest/propose")
def propose_form() -> str:
    """The form with which an officer proposes a source; `again` is a proposal to be changed."""
    _require_proposer()
    if not request.args.get("again"):
        return _form("propose", form.chosen_kind(), {}, {})
    earlier = desk.call("govopen_harvest_source_show", {"id": request.args["again"]})
    return _form("propose", earlier["kind"], form.values_of(earlier), {})


@harvest_pages.post("/harvest/propose")
def propose() -> Any:
    """Keeps the proposal; nothing is read from it."""
    _require_proposer()
    kind = form.chosen_kind()
    names = ("name", "title", "unit", "schedule", "outcome", "reason")
    wanted = {**form.wanted(kind, *names), "kind": kind}
    wanted.pop("secrets")
    made, errors = desk.tried(lambda: desk.call("govopen_harvest_source_propose", wanted))
    if errors:
        return _form("propose", kind, form.typed(kind), errors), desk.CONFLICT
    said = tk._("{name} was proposed to the data authority.").format(name=made["title"])
    tk.h.flash_success(said)
    return redirect(tk.url_for("govopen_harvest.source", name=made["name"]))


def _require_proposer() -> None:
    if not desk.me().enters:
        raise tk.ObjectNotFound


@harvest_pages.get("/harvest/sources/<name>/edit")
def edit_form(name: str) -> str:
    """The form over a source as it is: to change it, or to complete a proposal."""
    _require_keeper()
    shown = desk.call("govopen_harvest_source_show", {"id": name})
    return _form("edit", shown["kind"], form.values_of(shown), {}, source=shown)


@harvest_pages.post("/harvest/sources/<name>/edit")
def edit(name: str) -> Any:
    """Changes a source; a proposal is added with that."""
    _require_keeper()
    shown = desk.call("govopen_harvest_source_show", {"id": name})
    is_proposal = shown["state"] in PROPOSALS
    action = "adopt" if is_proposal else "update"
    wanted = {"id": name, **form.wanted(shown["kind"], "title", "schedule", *BOUNDS)}
    made, errors = desk.tried(lambda: desk.call(f"govopen_harvest_source_{action}", wanted))
    if errors:
        kept = form.typed(shown["kind"])
        return _form("edit", shown["kind"], kept, errors, source=shown), desk.CONFLICT
    if is_proposal:
        tk.h.flash_success(tk._("{name} was added.").format(name=made["title"]))
    return redirect(tk.url_for("govopen_harvest.source", name=name))


@harvest_pages.post("/harvest/sources/<name>/decline")
def decline(name: str) -> Any:
    """Says no to a proposal, with the reason."""
    wanted = {"id": name, "refuse": True, "reason": request.form.get("reason", "")}
    _, errors = desk.tried(lambda: desk.call("govopen_harvest_source_adopt", wanted))
    if errors:
        return _source_page(name, errors), desk.CONFLICT
    return redirect(tk.url_for("govopen_harvest.source", name=name))


# --- what could not be taken ---------------------------------------------------------------------


@harvest_pages.get("/harvest/dead/<dead_id>")
def dead(dead_id: str) -> str:
    """A dead letter: why, what the source said, and what can be said in its place."""
    return _dead_page(dead_id, {})


def _dead_page(dead_id: str, errors: desk.Errors, values: dict[str, str] | None = None) -> str:
    shown = desk.call("govopen_harvest_dead_show", {"id": dead_id})
    said = shown["mended"] if values is None else values
    named = shown["problem"].get("facts", {}).get("field")
    first = [name for name in shown["fields"] if name == named or name in said]
    return desk.page(
        "workbench/harvest/dead.html",
        dead=shown,
        vocabulary=FIELD_WORDS[shown["outcome"]],
        first=first,
        others=[name for name in shown["fields"] if name not in first],
        values=said,
        errors=errors,
    )


@harvest_pages.post("/harvest/dead/<dead_id>")
def mend(dead_id: str) -> Any:
    """Keeps what was said in place of the source, and tries the record again."""
    shown = desk.call("govopen_harvest_dead_show", {"id": dead_id})
    typed = {name: request.form.get(f"v-{name}", "").strip() for name in shown["fields"]}
    values = {name: text for name, text in typed.items() if text or name in shown["mended"]}
    wanted = {"source": shown["source"], "id": dead_id, "values": values}
    made, errors = desk.tried(lambda: desk.call("govopen_harvest_dead_retry", wanted))
    if errors:
        return _dead_page(dead_id, errors, values), desk.CONFLICT
    return redirect(tk.url_for("govopen_harvest.job", job_id=made["id"]))


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
    brought_by = [source_shown[name] for name in ("created_by", "proposed_by", "settings_by")]
    is_approver = desk.me().is_authority and desk.me().id not in brought_by
    response = make_response(
        desk.page(
            "workbench/harvest/job.html",
            job=shown,
            verdict=verdict,
            is_open=shown["state"] in [state.value for state in OPEN],
            is_approver=is_approver,
            is_keeper=_is_keeper(),
            **mapping.choices(source_shown["outcome"], shown["unread"]),
            errors=errors,
        )
    )
    if shown["state"] in ("queued", "running"):  # may be left: the run goes on by itself
        response.headers["Refresh"] = str(REFRESH_SECONDS)
    return response


@harvest_pages.post("/harvest/jobs/<job_id>/mapping")
def confirm_mapping(job_id: str) -> Any:
    """Puts what a person says of names and values into the source's settings."""
    shown = desk.call("govopen_harvest_job_show", {"id": job_id})
    found = desk.call("govopen_harvest_source_show", {"id": shown["source"]})

    def save() -> Any:
        wanted = {"id": found["id"], "settings": mapping.confirmed(found, shown["names"])}
        return desk.call("govopen_harvest_source_update", wanted)

    _, errors = desk.tried(save)
    if errors:
        return _job_page(job_id, errors), desk.CONFLICT
    tk.h.flash_success(tk._("The mapping is saved. A dry run shows what comes of it."))
    return redirect(tk.url_for("govopen_harvest.source", name=found["name"]))


@harvest_pages.post("/harvest/jobs/<job_id>/approve")
def approve(job_id: str) -> Any:
    """Lets a run go on, or ends it."""
    wanted = {"id": job_id, "refuse": bool(request.form.get("refuse"))}
    _, errors = desk.tried(lambda: desk.call("govopen_harvest_approve", wanted))
    if errors:
        return _job_page(job_id, errors), desk.CONFLICT
    return redirect(tk.url_for("govopen_harvest.job", job_id=job_id))
