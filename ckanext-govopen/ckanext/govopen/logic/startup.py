"""What a site must be like before it answers anybody: settings that hide, a role that is bound.

A site of one's own making starts by hand-written settings; CKAN's defaults show more than may be
shown. With `debug` on, for development, nothing is refused.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk
from ckan.exceptions import CkanConfigurationException

from ckanext.govopen.domain.rates import read_targets
from ckanext.govopen.model import startup as store

SHORTEST_SECRET = 32
SECRETS = ("SECRET_KEY", "WTF_CSRF_SECRET_KEY", "api_token.jwt.encode.secret")
# Options that must be off, or empty: each shows or lets in what the review has not seen.
OFF = (
    "ckan.auth.allow_dataset_collaborators",
    "ckan.auth.anon_create_dataset",
    "ckan.auth.create_dataset_if_not_in_organization",
    "ckan.auth.create_default_api_keys",
    "ckan.auth.create_unowned_dataset",
    "ckan.auth.create_user_via_api",
    "ckan.auth.create_user_via_web",
    "ckan.auth.public_activity_stream_detail",
    "ckan.auth.public_user_details",
    "ckan.auth.reveal_private_datasets",
    "ckan.auth.user_create_groups",
    "ckan.auth.user_create_organizations",
    "ckan.auth.user_delete_groups",
    "ckan.auth.user_delete_organizations",
    "ckan.cors.origin_allow_all",
    "ckan.datastore.sqlsearch.enabled",
    "ckan.files.authenticated_uploads.allow",
)
ON = ("ckan.hide_version",)
EMPTY = (
    "ckan.auth.roles_that_cascade_to_sub_groups",
    "ckan.datastore.public_table_search",
    "ckan.search.solr_allowed_query_parsers",
)
IMAGES = frozenset({"image/png", "image/jpeg"})
IMAGE_OPTIONS = ("ckan.upload.user.mimetypes", "ckan.upload.group.mimetypes")
LONGEST_SESSION = 28800
# Plugins that show past the review or run on it.
NOT_TO_USE = (
    "resource_proxy",
    "stats",
    "tracking",
    "webpage_view",
    "harvest",
    "ckan_harvester",
    "dcat_rdf_harvester",
    "dcat_json_harvester",
)
NEEDED = ("expire_api_token",)
TARGETS = "ckanext.govopen.rate_targets"


def loaded() -> None:
    """The application is there: what it is made of stays, and is not looked through for garbage.

    Programs that load it have the collector rest meanwhile, which saves a seventh of their start;
    the processes that a web part forks go on sharing that memory.
    """
    gc.freeze()
    gc.enable()


def problems(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with the settings, one sentence each; empty when a site may start."""
    return [
        *_secrets(settings),
        *_switches(settings),
        *_sessions(settings),
        *_plugins(settings),
        *_targets(settings),
    ]


def _secrets(settings: Mapping[str, Any]) -> list[str]:
    found = {name: str(settings.get(name) or "").removeprefix("string:") for name in SECRETS}
    short = [name for name, value in found.items() if len(value) < SHORTEST_SECRET]
    said = [f"{name} must have at least {SHORTEST_SECRET} characters" for name in short]
    if len(set(found.values())) < len(found):
        said.append(f"{', '.join(found)} must differ from each other")
    return said


def _switches(settings: Mapping[str, Any]) -> list[str]:
    said = [f"{name} must be false" for name in OFF if tk.asbool(settings.get(name, False))]
    said += [f"{name} must be true" for name in ON if not tk.asbool(settings.get(name, False))]
    said += [f"{name} must be empty" for name in EMPTY if settings.get(name)]
    return said + [
        f"{name} must name no more than {', '.join(sorted(IMAGES))}"
        for name in IMAGE_OPTIONS
        if not set(tk.aslist(settings.get(name))) <= IMAGES
    ]


def _sessions(settings: Mapping[str, Any]) -> list[str]:
    said = []
    if settings.get("SESSION_TYPE") != "redis":
        said.append("SESSION_TYPE must be redis: a cookie can be read and not be revoked")
    if int(_seconds(settings.get("PERMANENT_SESSION_LIFETIME"))) > LONGEST_SESSION:
        said.append(f"PERMANENT_SESSION_LIFETIME must be at most {LONGEST_SESSION}")
    if not str(settings.get("ckan.site_url")).startswith("https://"):
        return said
    return said + [
        f"{name} must be true on a site with https"
        for name in ("SESSION_COOKIE_SECURE", "REMEMBER_COOKIE_SECURE")
        if not tk.asbool(settings.get(name, False))
    ]


def _seconds(value: Any) -> float:
    return value.total_seconds() if hasattr(value, "total_seconds") else float(value or 31536000)


def _plugins(settings: Mapping[str, Any]) -> list[str]:
    loaded = tk.aslist(settings.get("ckan.plugins"))
    said = [f"the plugin {name} must not be loaded" for name in NOT_TO_USE if name in loaded]
    return said + [f"the plugin {name} must be loaded" for name in NEEDED if name not in loaded]


def _targets(settings: Mapping[str, Any]) -> list[str]:
    try:
        read_targets(tk.aslist(settings.get(TARGETS)))
    except ValueError as wrong:
        return [f"{TARGETS} names each target as RATE.VARIANT=YEAR:PERCENT, not {wrong}"]
    return []


def role_problems(session: Session) -> list[str]:
    """What the role of the web part could do to the database that it must not be able to do."""
    row = store.rights(session)
    said = {
        "is_superuser": "it is a superuser",
        "owns_tables": "it owns tables",
        "may_create": "it may create in the schema public",
        "may_rewrite": "it may change opinions or rows of the audit log",
    }
    return [f"the role of sqlalchemy.url: {text}" for name, text in said.items() if row[name]]


def require_settings(settings: Mapping[str, Any]) -> None:
    """Refuses to start with settings that show more than may be shown."""
    _refuse(settings, problems(settings))


def require_role(settings: Mapping[str, Any], session: Session) -> None:
    """Refuses to serve with a role that could get round the guard; commands may be the owner's."""
    try:
        found = role_problems(session)
    except sa.exc.ProgrammingError:  # the tables are not there yet
        session.rollback()
        found = []
    _refuse(settings, found)


def _refuse(settings: Mapping[str, Any], found: Sequence[str]) -> None:
    if found and not tk.asbool(settings.get("debug", False)):
        raise CkanConfigurationException("GovOpen does not start: " + "; ".join(found))
