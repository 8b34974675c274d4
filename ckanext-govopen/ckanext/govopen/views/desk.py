"""What every page of the workbench shares: who comes in, how pages and errors are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    redirect,
    request,
    send_file,
    stream_with_context,
)
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import audit_events, export
from ckanext.govopen.logic.errors import part_of
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.logic.workbench import Person, person_of

Errors = dict[str, list[str]]
PAGE_ROWS = 50
CONFLICT = 409
XLSX = export.XLSX


def blueprint(name: str, import_name: str) -> Blueprint:
    """A blueprint below /workbench that answers signed-in people only."""
    made = Blueprint(name, import_name, url_prefix="/workbench")
    made.before_request(_require_sign_in)
    made.after_request(_note_export)
    made.register_error_handler(tk.ObjectNotFound, _absent)
    made.register_error_handler(tk.NotAuthorized, _refused)
    return made


def _require_sign_in() -> AnyResponse | None:
    if tk.current_user.is_authenticated:
        return None
    return redirect(tk.url_for("user.login", came_from=request.full_path.rstrip("?")))


def _note_export(answer: Response) -> Response:
    """That rows leave as a file is recorded before their first byte does; a blank form has none."""
    is_file = "attachment" in answer.headers.get("Content-Disposition", "")
    is_taken = answer.status_code == 200 and (is_file or request.path.endswith(".json"))
    if is_taken and not str(request.endpoint).endswith("template"):
        audit_events.exported(str(request.endpoint))
    return answer


def _absent(_error: tk.ObjectNotFound) -> Any:
    """The page of a name that never existed."""
    return current_app.handle_user_exception(NotFound())


def _refused(error: tk.NotAuthorized) -> tuple[str, int]:
    """Readable but not allowed: what it takes, in words."""
    return page("workbench/refused.html", hint=part_of(error).get("hint") or str(error)), 403


def me() -> Person:
    """The signed-in person; asked once for each request."""
    if "govopen_person" not in g:
        g.govopen_person = person_of({"user": tk.current_user.name})
    person: Person | None = g.govopen_person
    if person is None:
        raise tk.NotAuthorized
    return person


def call(action: str, parameters: Mapping[str, Any] | None = None) -> Any:
    """Calls an action as the signed-in person."""
    return tk.get_action(action)({}, dict(parameters or {}))


def page(template: str, **values: Any) -> str:
    """A page of the workbench with what all of them need.

    Args:
        place: address of the navigation under which it stands, if not its own.
    """
    values.setdefault("errors", {})
    places = _places(values.pop("place", request.path))
    return tk.render(template, {"me": me(), "places": places, **values})


def _places(here: str) -> list[dict[str, Any]]:
    """The entries of the workbench's navigation that this person can use."""
    person = me()
    entries = [
        (True, "/workbench", tk._("My work")),
        (person.enters, "/workbench/inventory", tk._("Inventory")),
        (person.enters or person.adjusts, "/workbench/registers", tk._("Lists")),
        (person.enters or person.reviews, "/workbench/datasets", tk._("Datasets")),
        (person.enters or person.reviews, "/workbench/standards", tk._("Standard catalogue")),
        (person.reviews or person.is_sysadmin, "/workbench/review", tk._("Review")),
        (
            person.enters or person.reviews or person.keeps_units,
            "/workbench/duties",
            tk._("Duties"),
        ),
        (person.enters, "/workbench/harvest", tk._("Harvest")),
        (person.keeps_units, "/workbench/units", tk._("Units")),
        (person.keeps_accounts, "/workbench/admin", tk._("Accounts")),
        (person.audits, "/workbench/audit", tk._("Audit log")),
    ]
    return [
        {
            "url": tk.url_for(url),
            "name": name,
            "is_current": here == url or (url != "/workbench" and here.startswith(url)),
        }
        for shown, url, name in entries
        if shown
    ]


def errors_of(error: tk.ValidationError) -> Errors:
    """Texts by field out of a refusal; what belongs to no field stands under `message`."""
    found: Errors = {}
    for name, texts in error.error_dict.items():
        listed = texts if isinstance(texts, (list, tuple)) else [texts]
        found[name] = [text if isinstance(text, str) else str(text) for text in listed]
    return found


def form_values(*names: str) -> dict[str, str]:
    """The filled fields of the posted form, without space around them."""
    return {name: text for name in names if (text := request.form.get(name, "").strip())}


def choices(vocabulary: str, without: Sequence[str] = ()) -> list[dict[str, str]]:
    """The terms of a vocabulary as options of a select."""
    is_chinese = tk.h.lang().startswith("zh")
    return [
        {"value": term.code, "text": term.zh if is_chinese else term.en}
        for term in vocabularies()[vocabulary]
        if term.code not in without
    ]


def unit_choices() -> list[dict[str, str]]:
    """The units whose records one enters, as options of a select."""
    kept = me().kept_units
    return [
        {"value": unit["id"], "text": unit["name"]}
        for unit in all_pages("govopen_unit_list", {})
        if kept is None or unit["id"] in kept
    ]


def exists(unit: Mapping[str, Any]) -> bool:
    """Whether a unit has not ended: only such a one can receive anything."""
    return not unit["valid_to"] or unit["valid_to"] > clock.today().isoformat()


def all_pages(action: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every item of a list, page by page."""
    cursor = ""
    while True:
        found = call(action, {**parameters, "limit": 1000, "cursor": cursor})
        yield from found["items"]
        cursor = found["next_cursor"]
        if not cursor:
            return


def csv_response(name: str, heading: Sequence[str], rows: Iterator[Sequence[object]]) -> Response:
    lines = stream_with_context(export.csv_lines(heading, rows))
    response = Response(lines, mimetype="text/csv; charset=utf-8")
    response.headers.set("Content-Disposition", "attachment", filename=f"{name}.csv")
    return response


def xlsx_response(name: str, heading: Sequence[str], rows: Iterator[Sequence[object]]) -> Response:
    return file_response(export.xlsx(name, heading, rows), f"{name}.xlsx")


def file_response(file: Any, name: str) -> Response:
    """An open XLSX file as a download; it is closed with the response."""
    response: Response = send_file(file, mimetype=XLSX, as_attachment=True, download_name=name)
    return response


def tried(work: Callable[[], Any]) -> tuple[Any, Errors]:
    """What an action gave, or the texts with which it refused.

    What it had begun to write is taken back: the page that says so shows what there is.
    """
    try:
        return work(), {}
    except tk.ValidationError as error:
        errors = errors_of(error)
    except tk.NotAuthorized as error:
        words = part_of(error).get("hint") or str(error) or tk._("You may not do this")
        errors = {"message": [words]}
    model.Session.rollback()
    return None, errors
