"""What one record of a case changes, on a page of its own beside its neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.differences import Piece, marked, pieces
from ckanext.govopen.logic.differences import label_of
from ckanext.govopen.views import desk

__all__ = ["difference_pages"]

difference_pages = desk.blueprint("govopen_difference_pages", __name__)

# Fields whose values are codes, with the vocabulary that names them.
CODED = {
    "open_type": "open_type",
    "update_cycle": "update_cycle",
    "data_domain": "data_domain",
    "license_id": "licence",
}
# Longer texts are folded: their beginning is the handle that opens the whole.
FOLDED_FROM = 400
HANDLE = 120
_TAGS = {
    "same": Markup("{0}"),
    "old": Markup('<del class="go-old">{0}</del>'),
    "new": Markup('<ins class="go-new">{0}</ins>'),
}
_ARROW = Markup(' <span aria-hidden="true">→</span> ')
_MARK = Markup('<span class="go-mark" title="{0}">{1}[{0}]</span>')


@difference_pages.get("/review/<case_id>/records/<record_id>")
def record_show(case_id: str, record_id: str) -> str:
    """One record: what changes against what is public, and the way to the next one."""
    found = desk.call("govopen_review_difference", {"id": case_id, "record": record_id})
    package_id = found["record"]["package_id"]
    if package_id:
        found["history"] = desk.call("govopen_review_history", {"id": package_id})["items"]
        found["versions"] = _versions(package_id)
    return desk.page(
        "workbench/review/record.html", case_id=case_id, found=found, **template_parts()
    )


def _versions(package_id: str) -> dict[str, Any]:
    """Which version of a dataset is public, which are under review, which one waits."""
    published = desk.call("govopen_published_version_list", {"id": package_id})["items"]
    for version in published:
        if version["changes"]:
            names = version["changes"]["fields"]
            version["changes"]["labels"] = [tk.h.govopen_label(label_of(name)) for name in names]
    pending = desk.call("govopen_pending_revision_list", {"id": package_id})["items"]
    return {"published": published, "pending": pending}


SAMPLES = 3


def samples_of(case_id: str, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The differences of a few records, spread evenly: all of them when they are few.

    Args:
        records: datasets of the case; those that the reader does not read are left out.
    """
    step = max(1, (len(records) - 1) / (SAMPLES - 1)) if len(records) > SAMPLES else 1
    places = sorted({round(number * step) for number in range(min(SAMPLES, len(records)))})
    found = []
    for place in places:
        record = records[place]["record_id"]
        try:
            found.append(desk.call("govopen_review_difference", {"id": case_id, "record": record}))
        except tk.ObjectNotFound:
            continue
    return found


def template_parts() -> dict[str, Any]:
    """What the templates of a difference need beside the difference itself."""
    return {
        "visible": visible,
        "between": between,
        "value": value_text,
        "folded": folded,
        "coded": CODED,
        "kind_names": {
            "integer": tk._("whole numbers"),
            "number": tk._("numbers"),
            "date": tk._("dates"),
            "text": tk._("text"),
        },
    }


def visible(text: object) -> Markup:
    """A text with characters that would not be seen marked by their code points."""
    return _joined(pieces(str(text)))


def between(old: object, new: object) -> Markup:
    """Two texts as one, with what is gone and what is new marked."""
    found = marked(str(old), str(new))
    if any(piece.side == "same" for piece in found):
        return _joined(found)
    return (
        _joined(p for p in found if p.side == "old")
        + _ARROW
        + _joined(p for p in found if p.side == "new")
    )


def _joined(found: Iterable[Piece]) -> Markup:
    return Markup("").join(_piece(one) for one in found)


def _piece(piece: Piece) -> Markup:
    text = escape(piece.text)
    if piece.mark:
        seen = piece.text if piece.text.isprintable() and not piece.text.isspace() else ""
        text = _MARK.format(piece.mark, seen)
    return _TAGS[piece.side].format(text)


def value_text(name: str, value: Any, parts: Mapping[str, Any] | None = None) -> str:
    """One value of a field in words: codes by their vocabulary, parts of an item by their names."""
    if value is True or value is False:
        return tk._("yes") if value else tk._("no")
    if isinstance(value, Mapping):
        return _parts_text(value, parts or {})
    if isinstance(value, (list, tuple)):
        return tk._("; ").join(value_text(name, one, parts) for one in value)
    if name in CODED:
        return str(tk.h.govopen_term(CODED[name], value))
    return str(value)


def _parts_text(value: Mapping[str, Any], labels: Mapping[str, Any]) -> str:
    """`label: value` of each part that is filled, in the order of the form."""
    order = [*(name for name in labels if name in value), *(n for n in value if n not in labels)]
    return tk._("; ").join(
        "{}: {}".format(tk.h.govopen_label(labels.get(name)) or name, value_text("", value[name]))
        for name in order
        if value[name] not in (None, "")
    )


def folded(text: str) -> tuple[str, bool]:
    """The beginning of a text, and whether the whole is to be unfolded from it."""
    return (text[:HANDLE], True) if len(text) > FOLDED_FROM else (text, False)
