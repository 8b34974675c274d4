"""Actions of a superior's template: import by year, re-mapping of a unit's items, alignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain import standard_mapping
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.standard_mapping import Entry, Pair, Remapping
from ckanext.govopen.domain.standards import CodeBook
from ckanext.govopen.logic import audit, standards
from ckanext.govopen.logic.action import catalogues
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.adjustments import Edit
from ckanext.govopen.logic.errors import absent, no_unknown, refuse, refuse_all, text
from ckanext.govopen.logic.paging import part
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.model import remapping as store

__all__ = [
    "govopen_disclosure_alignment_show",
    "govopen_disclosure_mapping_apply",
    "govopen_disclosure_mapping_update",
    "govopen_disclosure_template_create",
    "govopen_disclosure_template_list",
    "govopen_disclosure_template_show",
]

Row = Mapping[str, Any]


def govopen_disclosure_template_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Keeps a superior's catalogue of a year as the template that units map their items to.

    Args:
        title, issuer, year: of the template.
        upload: the file in the uniform form; domain, sheet, encoding: as for an import.

    Returns:
        `{id, title, issuer, year, items, skipped}`.
    """
    tk.check_access("govopen_disclosure_template_create", context, data_dict)
    no_unknown(data_dict, "title", "issuer", "year", "upload", "domain", "sheet", "encoding")
    issuer = text(data_dict, "issuer")
    catalogue, name, digest = catalogues.read_upload(data_dict, issuer)
    refused = [one for row in catalogue.rows for one in row.findings if one.is_refusal]
    if refused or not catalogue.rows:
        refuse_all(refused or [Finding("standards.E11", "upload", name, {"reason": "0"})])
    book = CodeBook({row.item_code for row in catalogue.rows if row.item_code})
    items = [
        {"code": row.item_code or book.give(row.fields), "fields": dict(row.fields)}
        for row in catalogue.rows
    ]
    facts = {
        "title": text(data_dict, "title"),
        "issuer": issuer,
        "year": _year(data_dict.get("year")),
        "file_name": name,
        "sha256": digest,
        "actor": user_of(context).id,
    }
    template_id = store.add(model.Session, facts, items)
    details = {"year": facts["year"], "items": len(items)}
    audit.note(model.Session, "standard_template.created", f"standard_template:{template_id}",
               actor=facts["actor"], details=details)  # fmt: skip
    model.repo.commit()
    shown = {name: facts[name] for name in ("title", "issuer", "year")}
    return {"id": template_id, **shown, "items": len(items), "skipped": list(catalogue.skipped)}


def _year(value: object) -> int:
    words = str(value or "")
    if not (words.isdecimal() and len(words) == 4 and 1990 <= int(words) <= 2100):
        refuse("date.E1", "year", words[:40])
    return int(words)


@tk.side_effect_free
def govopen_disclosure_template_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Templates by year, the newest first; the newest is the one that gaps are counted against.

    Args:
        limit, cursor: of the page; without `limit` all of them.
    """
    tk.check_access("govopen_disclosure_template_list", context, data_dict)
    no_unknown(data_dict, "limit", "cursor")
    return part(store.every(model.Session), data_dict, _head)


def _head(row: Row) -> dict[str, Any]:
    names = ("id", "title", "issuer", "year", "file_name", "sha256")
    return {
        **{name: row[name] for name in names},
        "items": row["n"],
        "recorded_at": row["recorded_at"].isoformat(),
    }


@tk.side_effect_free
def govopen_disclosure_template_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A template against a unit's items: where each goes, what found no place, what is new.

    Args:
        id: of the template; unit: whose items.

    Returns:
        `{…, pairs: [{old, old_name, new, new_name, how, likeness}], homeless, undecided, new_only,
        places, revision}`; `how`: name, code, like (only proposed), given, none.
    """
    tk.check_access("govopen_disclosure_template_show", context, data_dict)
    no_unknown(data_dict, "id", "unit")
    return _shown(_template(data_dict), unit_id_of(data_dict.get("unit")))


def _shown(row: Row, unit_id: str) -> dict[str, Any]:
    old, new, found = _mapped(row, unit_id)
    names = {one.code: one for one in (*old, *new)}
    decided = store.mapping(model.Session, row["id"], unit_id)
    return {
        **_head(row),
        "pairs": [_pair(pair, old, new) for pair in found.pairs],
        "homeless": list(found.homeless),
        "undecided": list(found.undecided),
        "new_only": [_named(names[code]) for code in found.new_only],
        "places": [_named(one) for one in new],
        "revision": decided["revision"] if decided else 0,
    }


def _template(data_dict: Mapping[str, Any]) -> Row:
    row = store.one(model.Session, str(data_dict.get("id") or ""))
    if row is None:
        absent()
    return row


def _mapped(row: Row, unit_id: str) -> tuple[list[Entry], list[Entry], Remapping]:
    old = [
        Entry(code, fields) for code, fields in standards.own_items(model.Session, unit_id).items()
    ]
    new = [Entry(one["code"], one["fields"]) for one in row["items"]]
    decided = store.mapping(model.Session, row["id"], unit_id)
    given = dict(decided["given"]) if decided else {}
    for one in old:
        if one.fields.get("template_code"):
            given.setdefault(one.code, one.fields["template_code"])
    known = {one.code for one in new}
    given = {code: place for code, place in given.items() if place is None or place in known}
    return old, new, standard_mapping.propose(old, new, given)


def _pair(pair: Pair, old: Sequence[Entry], new: Sequence[Entry]) -> dict[str, Any]:
    left = next(one for one in old if one.code == pair.old)
    right = next((one for one in new if one.code == pair.new), None)
    return {
        "old": pair.old,
        "old_name": _words(left),
        "new": pair.new,
        "new_name": _words(right) if right else None,
        "how": pair.how,
        "likeness": f"{pair.likeness:.2f}",
    }


def _named(one: Entry) -> dict[str, Any]:
    return {"code": one.code, "name": _words(one), "domain": one.fields.get("domain")}


def _words(one: Entry) -> str:
    return f"{one.fields.get('item_l1') or ''} / {one.fields.get('name') or ''}"


def govopen_disclosure_mapping_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Decides where items of a unit go in a template; what is not named stays as it was.

    Args:
        id: of the template; unit: whose items.
        given: `{item code: code of the template, or null for no place}`.

    Returns:
        as `govopen_disclosure_template_show`.
    """
    tk.check_access("govopen_disclosure_mapping_update", context, data_dict)
    no_unknown(data_dict, "id", "unit", "given")
    row, unit_id = _template(data_dict), unit_id_of(data_dict.get("unit"))
    given = data_dict.get("given")
    if not isinstance(given, Mapping):
        raise tk.ValidationError({"given": [tk._("An object of item codes")]})
    old = standards.own_items(model.Session, unit_id)
    new = {one["code"] for one in row["items"]}
    places = [place for place in given.values() if place]
    if not set(given) <= set(old) or not set(places) <= new or len(set(places)) < len(places):
        refuse("standards.E18", "given", str(row["year"]))
    store.decide(model.Session, row["id"], unit_id, given, user_of(context).id)
    model.repo.commit()
    return _shown(row, unit_id)


def govopen_disclosure_mapping_apply(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Makes a draft in which the unit's items stand in their new places.

    Args:
        id: of the template; unit: whose items.
        with_new: also add what the template has and nothing old goes to.
        retire: codes of items without a place that end; the others stay as they are.
        basis, basis_doc, reason, requested_on, approved_on, effective_on: of the adjustment.

    Returns:
        `{draft_id, moved, added, retired, homeless}`; `homeless` are items that found no new place
        and stay.
    """
    tk.check_access("govopen_disclosure_mapping_apply", context, data_dict)
    facts_known = (*catalogues.FACTS, *catalogues.DATES)
    no_unknown(data_dict, "id", "unit", "with_new", "retire", *facts_known)
    row, unit_id = _template(data_dict), unit_id_of(data_dict.get("unit"))
    old, new, found = _mapped(row, unit_id)
    basis = f"{row['title']} {row['year']}"
    facts = catalogues.facts_of(data_dict, basis)
    retire = [str(code) for code in data_dict.get("retire") or []]
    if not set(retire) <= set(found.homeless):
        refuse("standards.E18", "retire", str(row["year"]))
    moved = _moves(old, new, found)
    added = _additions(unit_id, new, found) if tk.asbool(data_dict.get("with_new", False)) else []
    ended = [Edit(code, "cancel", {}, {"follow_up": basis}) for code in retire]
    edits = [*moved, *added, *ended]
    if not edits:
        refuse("standards.E17", "id")
    draft_id = catalogues.begin(unit_id, facts, edits, user_of(context).id, "template")
    return {
        "draft_id": draft_id,
        "moved": len(moved),
        "added": len(added),
        "retired": len(ended),
        "homeless": [code for code in found.homeless if code not in retire],
    }


def _moves(old: Sequence[Entry], new: Sequence[Entry], found: Remapping) -> list[Edit]:
    places = {one.code: one for one in new}
    by_code = {one.code: one for one in old}
    edits = []
    for pair in found.pairs:
        if pair.new is None:
            continue
        one = by_code[pair.old]
        fields = standard_mapping.moved(one, places[pair.new])
        if fields != dict(one.fields):
            edits.append(Edit(pair.old, "change", fields, {}))
    return edits


def _additions(unit_id: str, new: Sequence[Entry], found: Remapping) -> list[Edit]:
    """Items of the template that nothing old goes to, as the unit's own."""
    book = standards.code_book(model.Session, unit_id)
    name = standards.unit_name(model.Session, unit_id)
    places = {one.code: one for one in new}
    edits = []
    for code in found.new_only:
        fields = {**places[code].fields, "template_code": code}
        fields |= {"bodies": [name], "bodies_raw": name}
        edits.append(Edit(book.give(fields), "add", fields, {}))
    return edits


@tk.side_effect_free
def govopen_disclosure_alignment_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A department's catalogue against that of a district or pilot unit.

    Args:
        unit: the department; other: whose catalogue is compared with it.

    Returns:
        `{missing, extra, differing: [{left, right, name, fields: {f: [department, other]}}],
        equal}`.
    """
    tk.check_access("govopen_disclosure_alignment_show", context, data_dict)
    no_unknown(data_dict, "unit", "other")
    left, right = (
        [
            Entry(code, fields)
            for code, fields in standards.own_items(
                model.Session, unit_id_of(data_dict.get(name))
            ).items()
        ]
        for name in ("unit", "other")
    )
    found = standard_mapping.align(left, right)
    mine, theirs = ({one.code: one for one in side} for side in (left, right))
    return {
        "missing": [_named(mine[code]) for code in found.missing],
        "extra": [_named(theirs[code]) for code in found.extra],
        "differing": [
            {
                "left": one.left,
                "right": one.right,
                "name": _words(mine[one.left]),
                "fields": {name: list(pair) for name, pair in one.fields.items()},
            }
            for one in found.differing
        ],
        "equal": found.equal,
    }
