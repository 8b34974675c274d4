"""Doors before every request: who comes, what a token may do, and that what is hidden is absent."""

from __future__ import annotations

from flask import Flask, Response, jsonify, make_response, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import audit, tokens
from ckanext.govopen.logic.datasets import may_open

# These pages answer alike by themselves: they ask `package_show` first.
ANSWER_ALIKE = ("read", "download")
BLUEPRINTS = ("dataset", "resource", "dataset_resource")
OTHERS = ("datastore.dictionary", "activity.package_activity", "activity.package_history")


def install(app: Flask) -> Flask:
    """Registers the doors; called once for each application."""
    app.before_request(audit.meet)
    app.before_request(_limit_token)
    app.before_request(_refuse_hidden)
    return app


def _limit_token() -> Response | None:
    """A token does only what its scope allows, before any code of the action runs."""
    arguments, is_api = request.view_args or {}, request.endpoint == "api.action"
    action = str(arguments.get("logic_function")) if is_api else None
    if tokens.may_call(request.method, action):
        return None
    return make_response(jsonify(tokens.refusal()), 403)


def _refuse_hidden() -> None:
    arguments, endpoint = request.view_args or {}, request.endpoint or ""
    blueprint, _, page = endpoint.partition(".")
    is_about_dataset = endpoint in OTHERS or (blueprint in BLUEPRINTS and page not in ANSWER_ALIKE)
    if not is_about_dataset or "id" not in arguments:
        return
    if not may_open(arguments["id"], arguments.get("resource_id")):
        tk.abort(404, tk._("Dataset not found"))
