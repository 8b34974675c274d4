"""Files of a register for everyone: its chain, and the program that verifies it."""

from __future__ import annotations

from flask import Blueprint, Response, send_file, stream_with_context

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.register_chain import VERIFIER, chain_lines

__all__ = ["exchange"]

exchange = Blueprint("govopen_exchange", __name__)


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
