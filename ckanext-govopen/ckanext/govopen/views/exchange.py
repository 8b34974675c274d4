"""Registers as files: the chain for everyone, and in the workbench the import of a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import (
    Blueprint,
    Response,
    jsonify,
    redirect,
    request,
    send_file,
    stream_with_context,
)

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.register_display import show_value
from ckanext.govopen.domain.register_types import RegisterType
from ckanext.govopen.domain.register_values import Words
from ckanext.govopen.logic import import_report, register_files
from ckanext.govopen.logic.register_chain import VERIFIER, chain_lines
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.views import desk
from ckanext.govopen.views.import_steps import (
    BACKGROUND_ROWS,
    ROWS_SHOWN,
    VERDICTS,
    first_verdict,
    import_state_label,
    is_busy,
    is_large,
    seconds_of,
    stage_of,
    verdict_label,
)

__all__ = ["exchange", "list_files"]

exchange = Blueprint("govopen_exchange", __name__)
list_files = desk.blueprint("govopen_list_files", __name__)


@exchange.get("/registers/verify_register.py")
def verifier() -> Response:
    """The program that verifies a register's chain without this platform."""
    return send_file(VERIFIER, mimetype="text/x-python", as_attachment=True)


@exchange.get("/registers/<register_id>/chain.jsonl")
def chain(register_id: str) -> Response:
    """The log of a register line by line, with the hashes that chain it."""
    try:
        context = {"user": tk.current_user.name, "auth_user_obj": tk.current_user}
        tk.get_action("govopen_register_show")(context, {"id": register_id})
    except tk.ObjectNotFound:
        tk.abort(404)
    lines = stream_with_context(chain_lines(model.Session, register_id))
    answer = Response(lines, mimetype="application/jsonl")
    name = f"register-{register_id}-chain.jsonl"
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


# --- the workbench: a file that becomes a draft adjustment ---------------------------------------

FACTS = ("basis", "basis_doc", "reason", "approved_on", "effective_on")


@list_files.get("/registers/import")
def import_form() -> str:
    """Choose a list and a file; recent imports below."""
    return _form(dict(request.args.items()), {})


def _form(values: Mapping[str, Any], errors: desk.Errors) -> str:
    return desk.page(
        "workbench/registers/import_form.html",
        values=values,
        errors=errors,
        types=_types(),
        units=desk.unit_choices(),
        imports=desk.call("govopen_register_import_list", {"limit": 20})["items"],
        state_label=import_state_label,
        apply_words=tk._("Make the draft adjustment"),
    )


def _types() -> list[dict[str, str]]:
    return [
        {"value": one.code, "text": one.label(tk.h.lang())} for one in register_types().values()
    ]


@list_files.post("/registers/import")
def import_receive() -> Any:
    """Takes the file, compares it (large ones behind the page), and goes on to its report."""
    values, upload = desk.form_values("register_type", "unit"), request.files.get("upload")
    parameters: dict[str, Any] = {**values, "upload": upload, "dry_run": True}
    if upload is not None and is_large(upload):
        parameters["background"] = True
    made, errors = desk.tried(lambda: desk.call("govopen_register_import", parameters))
    if errors:
        return _form(values, errors), desk.CONFLICT
    return _to(made["id"])


def _to(import_id: str) -> Any:
    return redirect(tk.url_for("govopen_list_files.import_show", import_id=import_id))


def _writing() -> str:
    return tk._("Writing the rows into the draft adjustment")


@list_files.get("/registers/import/<import_id>/state")
def import_state(import_id: str) -> Response:
    """What a progress page asks again and again."""
    shown = desk.call("govopen_register_import_show", {"id": import_id})
    done = not is_busy(shown)
    return jsonify(done=done, stage=stage_of(shown, _writing()), seconds=seconds_of(shown))


@list_files.get("/registers/import/<import_id>")
def import_show(import_id: str) -> Any:
    """The import where it stands: progress, refusal, report, or the draft that it became."""
    return _page(import_id, {}, {})


def _page(import_id: str, values: Mapping[str, Any], errors: desk.Errors, status: int = 200) -> Any:
    shown = desk.call("govopen_register_import_show", {"id": import_id})
    kind = register_types()[shown["register_type"]]
    common = {
        "shown": shown,
        "errors": errors,
        "kind": kind.label(tk.h.lang()),
        "unit": desk.call("govopen_unit_show", {"id": shown["unit_id"]})["name"],
        "apply_words": tk._("Make the draft adjustment"),
        "show_url": tk.url_for("govopen_list_files.import_show", import_id=import_id),
        "state_url": tk.url_for("govopen_list_files.import_state", import_id=import_id),
    }
    if is_busy(shown):
        facts = {"stage": stage_of(shown, _writing()), "seconds": seconds_of(shown)}
        return desk.page("workbench/inventory/import_progress.html", **common, **facts), status
    verdict = request.args.get("verdict") or first_verdict(shown)
    return desk.page(
        "workbench/registers/import_report.html",
        **common,
        **_rows(import_id, kind, verdict),
        verdict=verdict,
        verdicts=VERDICTS,
        verdict_label=verdict_label,
        counts={**shown, "draft": shown.get("drafts", 0)},
        writes=shown.get("created", 0) + shown.get("changed", 0),
        values={"effective_on": clock.today().isoformat(), **values},
        columns=shown.get("mapping", ()),
        fields=_fields(kind),
    ), status


def _fields(kind: RegisterType) -> dict[str, str]:
    return {one.name: one.label(tk.h.lang()) for one in kind.fields.values()}


def _rows(import_id: str, kind: RegisterType, verdict: str) -> dict[str, Any]:
    asked = {"id": import_id, "verdict": verdict, "limit": ROWS_SHOWN,
             "cursor": request.args.get("cursor", "")}  # fmt: skip
    found = desk.call("govopen_register_import_row_list", asked)
    words = Words(vocabularies(), tk.h.lang())
    for row in found["items"]:
        row["changes"] = [
            (
                kind.fields[name].label(tk.h.lang()),
                *(show_value(kind.fields[name], value, words) for value in pair),
            )
            for name, pair in row["difference"].items()
            if name in kind.fields
        ]
    return {"rows": found}


@list_files.post("/registers/import/<import_id>/check")
def import_check(import_id: str) -> Any:
    """Reads the file again with the sheet, the encoding and the columns of the form."""
    headers = request.form.getlist("header")
    columns = {
        header: request.form.get(f"field-{number}") or None for number, header in enumerate(headers)
    }
    plain = desk.form_values("sheet", "encoding")
    asked = {"id": import_id, **plain, "columns": columns, "dry_run": True}
    _, errors = desk.tried(lambda: desk.call("govopen_register_import", asked))
    if errors:
        return _page(import_id, {}, errors, desk.CONFLICT)
    return _to(import_id)


@list_files.post("/registers/import/<import_id>/apply")
def import_apply(import_id: str) -> Any:
    """Makes the draft adjustment of the accepted rows."""
    values = desk.form_values(*FACTS)
    is_partly = request.form.get("accepted_only") is not None
    before = desk.call("govopen_register_import_show", {"id": import_id})
    if before.get("rejected") and not is_partly:
        text = tk._(
            "Some rows are rejected: correct them, or choose to apply the accepted rows only"
        )
        return _page(import_id, values, {"accepted_only": [text]}, desk.CONFLICT)
    asked: dict[str, Any] = {"id": import_id, **values, "accepted_only": is_partly}
    if before.get("rows", 0) > BACKGROUND_ROWS:
        asked["background"] = True
    done, errors = desk.tried(lambda: desk.call("govopen_register_import", asked))
    if errors:
        return _page(import_id, values, errors, desk.CONFLICT)
    if done["draft_id"]:
        tk.h.flash_success(tk._("The draft adjustment was made: look it over and hand it in."))
    return _to(import_id)


@list_files.get("/registers/import/<import_id>/report.xlsx")
def import_download(import_id: str) -> Response:
    """The file with a column of findings, to correct and upload again."""
    shown = desk.call("govopen_register_import_show", {"id": import_id})

    def read_page(cursor: str | None) -> dict[str, Any]:
        asked = {"id": import_id, "limit": 1000, "cursor": cursor or ""}
        found: dict[str, Any] = desk.call("govopen_register_import_row_list", asked)
        return found

    name = shown["file"].rpartition(".")[0] or shown["file"]
    book = import_report.workbook(shown.get("sheet") or "list", read_page, verdict_label)
    return desk.file_response(book, f"{name}-report.xlsx")


@list_files.get("/registers/template/<register_type>.xlsx")
def template(register_type: str) -> Response:
    """An empty workbook of a type whose headings the import recognises."""
    kind = register_types().get(register_type)
    if kind is None:
        raise tk.ObjectNotFound
    return desk.file_response(
        register_files.template(kind, tk.h.lang()), f"{register_type}-template.xlsx"
    )
