"""The public portal: home, developers, and whether the installation is well."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from ckanext.govopen.logic import health

__all__ = ["portal"]

portal = Blueprint("govopen_portal", __name__)


@portal.get("/healthz")
def healthz() -> tuple[Response, int]:
    """Parts and their state: 200 when pages can be answered, else 503."""
    states = health.parts()
    healthy = health.is_healthy(states)
    answer = jsonify({"status": "ok" if healthy else "failing", "parts": states})
    answer.headers["Cache-Control"] = "no-store"
    return answer, 200 if healthy else 503
