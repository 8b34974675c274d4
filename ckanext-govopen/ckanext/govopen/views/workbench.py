"""My work: what waits for me, what came back and why, my drafts and imports."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from ckan.views.api import i18n_js_translations

from ckanext.govopen.views import desk
from ckanext.govopen.views.inventory import import_state_label

__all__ = ["script_words", "workbench"]

workbench = desk.blueprint("govopen_workbench", __name__)
script_words = Blueprint("govopen_script_words", __name__)


@workbench.get("")
def my_work() -> str:
    """The first page after signing in."""
    return desk.page(
        "workbench/index.html",
        work=desk.call("govopen_work_show"),
        state_label=import_state_label,
        refreshed=_refreshed_today(),
    )


def _refreshed_today() -> int:
    """How much the system approved in one's units; nothing for who has no part in reviews."""
    if not (desk.me().reviews or desk.me().is_sysadmin):
        return 0
    return len(desk.call("govopen_refresh_digest_show")["items"])


@script_words.get("/api/i18n/zh-Hans-CN")
def chinese() -> Any:
    """Words of CKAN's own scripts: they ask by the page's language tag, CKAN knows its locale."""
    return i18n_js_translations("zh_Hans_CN")
