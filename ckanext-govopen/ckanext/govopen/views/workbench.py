"""My work: what waits for me, what came back and why, my drafts and imports."""

from __future__ import annotations

from ckanext.govopen.views import desk
from ckanext.govopen.views.inventory import import_state_label

__all__ = ["workbench"]

workbench = desk.blueprint("govopen_workbench", __name__)


@workbench.get("")
def my_work() -> str:
    """The first page after signing in."""
    return desk.page(
        "workbench/index.html",
        work=desk.call("govopen_work_show"),
        state_label=import_state_label,
    )
