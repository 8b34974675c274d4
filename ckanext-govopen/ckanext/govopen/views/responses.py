"""What every response gets: our part of an API error, and headers that keep downloads inert."""

from __future__ import annotations

import json
import logging
from functools import partial
from typing import Any
from uuid import uuid4

from flask import Flask, Request, Response, g, jsonify, make_response, request
from flask.sessions import SessionMixin
from redis.exceptions import RedisError
from werkzeug.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    HTTPException,
    NotFound,
    ServiceUnavailable,
)

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan.lib.search.common import SearchError, SolrConnectionError

from ckanext.govopen.logic import audit_events, files
from ckanext.govopen.logic.errors import KEY
from ckanext.govopen.views import calls, texts

log = logging.getLogger(__name__)

GONE = 410
INTERNAL = 500
REFUSALS: dict[type[Exception], type[HTTPException]] = {
    tk.NotAuthorized: Forbidden,
    tk.ObjectNotFound: NotFound,
    tk.ValidationError: Conflict,  # what is asked of a table's download is what its search refuses
    SearchError: BadRequest,  # a query that the index refuses, whatever page made it
    SolrConnectionError: ServiceUnavailable,  # its traceback would hold the password of the index
}
LOST = "govopen.session_lost"
DOWNLOADS = ("resource.download", "dataset_resource.download")


def install(app: Flask) -> Flask:
    """Registers the hooks; called once for each application."""
    app.after_request(_finish)
    app.teardown_request(_give_back_session)
    for error, refusal in REFUSALS.items():
        app.register_error_handler(error, partial(_refuse, app, refusal))
    app.register_error_handler(OSError, partial(_without_room, app))
    _forget_nobody(app)
    calls.install(app)
    return texts.install(app)


def _refuse(app: Flask, refusal: type[HTTPException], error: Exception) -> Any:
    """Some of CKAN's pages let an action's refusal through, which would be an error of the site."""
    said = None
    if isinstance(error, tk.ValidationError):
        said = " ".join(str(text) for text in error.error_summary.values())
    return app.handle_http_exception(refusal(said))


def _without_room(app: Flask, error: OSError) -> Any:
    """What is sent is spooled to the disk before any action sees it."""
    if error.errno not in files.NO_ROOM:
        usual = app.error_handler_spec[None][None].get(Exception)
        if usual is None:
            raise error
        return usual(error)
    log.error("no room on the disk: %s", error.strerror)
    said = tk._("The site has no room for what you sent. Tell whoever runs it.")
    if request.path.startswith("/api/"):
        fault = {"__type": "Service Unavailable", "message": said}
        return make_response(jsonify(success=False, error=fault), ServiceUnavailable.code)
    return app.handle_http_exception(ServiceUnavailable(said))


def _forget_nobody(app: Flask) -> None:
    """An error page takes messages out of a session that no visitor had: Redis is not asked.

    While it is down, who has a session is a visitor: what is public can be read, and no more.
    """
    store = app.session_interface
    save, find = store.save_session, store.open_session

    def open_session(app: Flask, request: Request) -> SessionMixin | None:
        try:
            return find(app, request)
        except RedisError:  # whoever was signed in is a visitor until it is back
            request.environ[LOST] = True
            return store.session_class(sid=uuid4().hex, permanent=False)  # type: ignore[attr-defined,no-any-return]

    def save_session(app: Flask, session: SessionMixin, response: Response) -> None:
        if LOST in request.environ:
            response.headers["Cache-Control"] = "no-store"
        elif session or store.get_cookie_name(app) in request.cookies:
            save(app, session, response)
        elif session.accessed:
            response.vary.add("Cookie")

    store.open_session = open_session  # type: ignore[method-assign]
    store.save_session = save_session  # type: ignore[method-assign]


def _give_back_session(error: BaseException | None) -> None:
    """A request that broke off leaves no failed transaction to the next one of its thread."""
    if error is not None:
        model.Session.remove()


def _finish(response: Response) -> Response:
    error = g.get("govopen_error")
    if error and response.status_code in (403, 404, 409):
        _explain(response, error)
    is_short = g.get("govopen_index_down") or g.get("govopen_no_room")
    if is_short and response.status_code == INTERNAL:
        response.status_code = ServiceUnavailable.code
    if request.endpoint in DOWNLOADS and response.status_code == 200:
        _make_inert(response)
        audit_events.read_file(str((request.view_args or {}).get("resource_id")))
    return response


def _explain(response: Response, error: dict[str, Any]) -> None:
    """Adds `__govopen` to CKAN's error, and the status 410 that CKAN does not know."""
    if error["status"] == GONE and response.status_code == 404:
        response.status_code = GONE
    if not request.path.startswith("/api/") or not response.is_json:
        return
    body = response.get_json()
    if not isinstance(body, dict) or not isinstance(body.get("error"), dict):
        return
    part = {name: value for name, value in error.items() if name != "status"}
    body["error"][KEY] = {"ref": uuid4().hex[:12], **part}
    if error["status"] == GONE:
        body["error"]["__type"] = "Gone"
    response.set_data(json.dumps(body, ensure_ascii=False))


def _make_inert(response: Response) -> None:
    """A file never runs on our origin, whatever it holds."""
    filename = request.view_args.get("filename") if request.view_args else None
    response.headers.set("Content-Disposition", "attachment", filename=filename or "download")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
