"""Whether the parts of the installation answer; facts for `/healthz`, without a secret in them."""

from __future__ import annotations

from collections.abc import Callable

import requests
import sqlalchemy as sa

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan.lib.redis import connect_to_redis

from ckanext.govopen import clock
from ckanext.govopen.logic import verification
from ckanext.govopen.model import jobs

WORKER_SILENT_SECONDS = 60
SOLR_SECONDS = 5
# Without these no page can be answered; a silent worker delays work and nothing else.
NEEDED = ("postgresql", "redis", "solr")


def parts() -> dict[str, str]:
    """State of each part: `up`, `down`; for the worker also `absent` before its first start."""
    return {
        "postgresql": _up(clock.now),
        "redis": _up(_ask_redis),
        "solr": _up(_ask_solr),
        "worker": _worker(),
    }


def is_healthy(states: dict[str, str]) -> bool:
    """True when every part that pages need is up."""
    return all(states[part] == "up" for part in NEEDED)


def approvals() -> str:
    """The last check of what is public: `passed`, `failed`, `late`, `never` or `unknown`."""
    try:
        return verification.state(model.Session)
    except sa.exc.SQLAlchemyError:
        model.Session.rollback()
        return "unknown"


def _up(ask: Callable[[], object]) -> str:
    try:
        ask()
    except Exception:  # noqa: BLE001 - whatever keeps a part from answering, it is down
        model.Session.rollback()
        return "down"
    return "up"


def _ask_redis() -> None:
    connect_to_redis().ping()


def _ask_solr() -> None:
    user, password = tk.config["solr_user"], tk.config["solr_password"]
    answer = requests.get(
        tk.config["solr_url"].rstrip("/") + "/admin/ping",
        params={"wt": "json"},
        auth=(user, password) if user else None,
        timeout=SOLR_SECONDS,
    )
    answer.raise_for_status()


def _worker() -> str:
    try:
        age = jobs.last_heartbeat_age(model.Session)
    except sa.exc.SQLAlchemyError:
        model.Session.rollback()
        return "down"
    if age is None:
        return "absent"
    return "up" if age < WORKER_SILENT_SECONDS else "down"
