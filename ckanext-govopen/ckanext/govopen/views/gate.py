"""Doors before every request: who comes, what a token may do, and that what is hidden is absent."""

from __future__ import annotations

from flask import Flask, Response, jsonify, make_response, request

import ckan.plugins.toolkit as tk

from ckanext.dcat.utils import CONTENT_TYPES
from ckanext.govopen.logic import audit, tokens
from ckanext.govopen.logic.datasets import may_have_file, require_page
from ckanext.govopen.views import sign_in
from ckanext.govopen.views.responses import DOWNLOADS

# Pages about one dataset: their part `id` or `_id` names it, `resource_id` a part of it.
BLUEPRINTS = ("dataset", "resource", "dataset_resource")
OTHERS = (
    "activity.package_activity",
    "activity.package_history",
    "activity.resource_history",
    "datastore.dictionary",
    "dcat.read_dataset",
    "govopen_portal.dataset",
)
# Pages of CKAN's that the platform has no use for: trial pages of its makers, its own file store,
# comparisons of past states, which quote what a draft said, names of administrators, buttons to
# follow, publication in bulk, previews, for which no plugin is loaded. Nobody finds anything there.
UNUSED = (
    "activity.dashboard_testing",
    "activity.group_changes",
    "activity.group_changes_multiple",
    "activity.organization_changes",
    "activity.organization_changes_multiple",
    "activity.package_changes",
    "activity.package_changes_multiple",
    "dataset.follow",
    "dataset.unfollow",
    "dataset_resource.view",
    "dcat.read_dataset_series",
    "file.download",
    "file.public_download",
    "file.trusted_download",
    "group.admins",
    "group.bulk_process",
    "group.follow",
    "group.unfollow",
    "organization.admins",
    "organization.bulk_process",
    "organization.follow",
    "organization.unfollow",
    "user.follow",
    "user.unfollow",
    "util.custom_form_fields",
    "util.primer",
)
# Catalogues and datasets are written as one of these; CKAN's plugin fails at any other word.
FORMAT = "jsonld"


def install(app: Flask) -> Flask:
    """Registers the doors; called once for each application."""
    app.before_request(audit.meet)
    app.before_request(_limit_token)
    app.before_request(_refuse_hidden)
    app.before_request(_keep_files)
    app.before_request(sign_in.dead_link)
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
    if endpoint in UNUSED or arguments.get("_format", FORMAT) not in CONTENT_TYPES:
        tk.abort(404)
    name = arguments.get("id") or arguments.get("_id")
    if name is None or not (endpoint in OTHERS or endpoint.partition(".")[0] in BLUEPRINTS):
        return
    try:
        require_page(name, arguments.get("resource_id"))
    except tk.ObjectNotFound:
        tk.abort(404, tk._("Dataset not found"))


def _keep_files() -> None:
    """An auditor reads what is said of a dataset, not its files."""
    name = (request.view_args or {}).get("id")
    if request.endpoint in DOWNLOADS and name and not may_have_file(name):
        tk.abort(403, tk._("An auditor reads no files"))
