"""The workbench's page of suspected splits, of lines counted as one, and of orphans."""

from __future__ import annotations

from typing import Any

from flask import redirect, request

import ckan.plugins.toolkit as tk

from ckanext.govopen.views import desk

__all__ = ["suspect_pages"]

suspect_pages = desk.blueprint("govopen_suspects", __name__)


@suspect_pages.get("/suspects")
def index() -> str:
    """Families of lines that look like one, what is counted as one, and what nobody answers for."""
    return _page({})


def _page(errors: desk.Errors) -> str:
    if not desk.me().keeps_units:
        raise tk.ObjectNotFound
    return desk.page(
        "workbench/suspects.html",
        place="/workbench/units",
        found=desk.call("govopen_suspect_list"),
        orphans=desk.call("govopen_orphan_list")["items"],
        errors=errors,
        typed={"reason": request.form.get("reason", ""), "into": request.form.get("into", "")},
    )


@suspect_pages.post("/suspects/group")
def group() -> Any:
    """Counts the chosen lines of a family as one."""
    given = {"entries": request.form.getlist("entry"), **desk.form_values("into", "reason")}
    made, errors = desk.tried(lambda: desk.call("govopen_line_group", given))
    if errors:
        return _page(errors), desk.CONFLICT
    tk.h.flash_success(tk._("{count} lines are counted under {into}.").format(
        count=len(made["grouped"]), into=made["into"]))  # fmt: skip
    return redirect(tk.url_for("govopen_suspects.index"))


@suspect_pages.post("/suspects/undo")
def undo() -> Any:
    """Gives a line back that was counted under another one."""
    given = {"entries": request.form.getlist("entry"), **desk.form_values("reason")}
    _, errors = desk.tried(lambda: desk.call("govopen_line_ungroup", given))
    if errors:
        return _page(errors), desk.CONFLICT
    tk.h.flash_success(tk._("The line is counted by itself again."))
    return redirect(tk.url_for("govopen_suspects.index"))
