"""Actions of adjustments: write a draft, look at it, hand it in. What is public is `registers`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain import register_checks
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.registers import changed_fields
from ckanext.govopen.domain.review import AUTHORITY_STEPS
from ckanext.govopen.logic import adjustments, audit, dates, findings, notices
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.auth.adjustments import keeps_lists
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, refuse, refuse_all
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.logic.roles import is_sysadmin, units_by_role, user_of
from ckanext.govopen.logic.transactions import all_or_nothing
from ckanext.govopen.model import adjustments as store
from ckanext.govopen.model import registers as log

__all__ = [
    "govopen_register_draft_create",
    "govopen_register_draft_drop",
    "govopen_register_draft_list",
    "govopen_register_draft_notice_show",
    "govopen_register_draft_show",
    "govopen_register_draft_submit",
    "govopen_register_draft_update",
    "govopen_register_look_create",
]

DATES = ("requested_on", "approved_on", "effective_on")
LONGEST = {"basis": 1_000, "basis_doc": 1_000, "reason": 2_000, "prose": 20_000}
# The table of a notice is computed: whoever sends one is told so.
COMPUTED = ("rows", "table", "notice", "counts")
MOST_CHANGES = 10_000
WRITERS = ("info_officer", "auditor", *AUTHORITY_STEPS)
STATES = ("editing", "submitted", "published", "dropped")


def govopen_register_draft_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Begins an adjustment of a unit's list; the list is made when it is the first.

    Args:
        register_type: code of the type.
        unit: whose list.
        basis, basis_doc, reason, requested_on, approved_on, effective_on, prose: of the
            adjustment; all may follow later.

    Returns:
        the draft, as `govopen_register_draft_show`.
    """
    tk.check_access("govopen_register_draft_create", context, data_dict)
    no_unknown(data_dict, "register_type", "unit", *store.FACTS)
    register_type = str(data_dict.get("register_type") or "")
    if refused := register_checks.check_type(register_type):
        refuse_all(refused)
    if register_type not in register_types():
        refuse("registers.E22", "register_type", register_type)
    unit_id, actor = unit_id_of(data_dict.get("unit")), user_of(context).id
    facts = facts_of(data_dict)
    draft_id = adjustments.begin(model.Session, register_type, unit_id, actor, facts)
    model.repo.commit()
    return _show(_found(draft_id), {})


def _note(action: str, draft_id: str, actor: str, **details: object) -> None:
    adjustments.note(model.Session, action, draft_id, actor, **details)


def facts_of(data_dict: Mapping[str, Any]) -> dict[str, Any]:
    """The facts that a request gives, each read and bounded."""
    for name in COMPUTED:
        if name in data_dict:
            refuse("registers.E4", name)
    found: dict[str, Any] = {}
    for name in store.FACTS:
        if name in data_dict:
            found[name] = dates.day(data_dict, name) if name in DATES else _said(name, data_dict)
    return found


def _said(name: str, data_dict: Mapping[str, Any]) -> str | None:
    value = data_dict[name]
    if value is not None and (
        not isinstance(value, str) or "\x00" in value or len(value) > LONGEST[name]
    ):
        hint = tk._("One text of at most {0} characters").format(LONGEST[name])
        raise tk.ValidationError({name: [hint]})
    text = (value or "").strip()
    return text if text or name in ("basis", "reason") else None


def _found(draft_id: object) -> Mapping[str, Any]:
    draft = store.show(model.Session, str(draft_id or ""))
    if draft is None:
        absent()
    return draft


def _readable(context: Any, action: str, data_dict: dict[str, Any]) -> Mapping[str, Any]:
    """A draft that one may read, else as if there were none; then whether one may do this."""
    try:
        tk.check_access("govopen_register_draft_show", context, data_dict)
    except tk.NotAuthorized:
        absent()
    tk.check_access(action, context, data_dict)
    return _found(data_dict.get("id"))


def govopen_register_draft_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Writes facts and entries of a draft; what somebody else wrote of the same entry stays.

    Args:
        id: of the draft; revision: the one that you saw.
        changes: list of `{entry_code, kind, fields, extra}`; without a code a new one is given.
        remove: codes of entries that the draft no longer changes.
        rebase: true to stand on what has been published since.
        basis, basis_doc, reason, requested_on, approved_on, effective_on, prose: facts to set.

    Returns:
        the draft, as `govopen_register_draft_show`.
    """
    draft = _readable(context, "govopen_register_draft_update", data_dict)
    no_unknown(data_dict, "id", "revision", "changes", "remove", "rebase", *store.FACTS, *COMPUTED)
    actor, facts = user_of(context).id, facts_of(data_dict)
    edits, gone = list(_edits(data_dict.get("changes"))), _codes(data_dict.get("remove"))
    with all_or_nothing():
        adjustments.put(
            model.Session,
            str(draft["id"]),
            edits,
            actor,
            revision=_revision(data_dict),
            take_out=gone,
            facts=facts,
        )
        if tk.asbool(data_dict.get("rebase", False)):
            store.rebase(model.Session, str(draft["id"]), actor)
    model.repo.commit()
    return _show(_found(draft["id"]), {})


def _revision(data_dict: Mapping[str, Any]) -> int:
    value = str(data_dict.get("revision") or "")
    if not value.isdecimal() or len(value) > 9:
        raise tk.ValidationError({"revision": [tk._("The revision of the draft that you saw")]})
    return int(value)


def _edits(value: object) -> Iterator[adjustments.Edit]:
    hint = tk._("A list of changes, each with kind, and entry_code, fields and extra as it needs")
    if value in (None, ""):
        return
    if not isinstance(value, list) or len(value) > MOST_CHANGES:
        raise tk.ValidationError({"changes": [hint]})
    for one in value:
        if not isinstance(one, Mapping) or set(one) - {"entry_code", "kind", "fields", "extra"}:
            raise tk.ValidationError({"changes": [hint]})
        fields, extra = one.get("fields") or {}, one.get("extra") or {}
        if not isinstance(fields, Mapping) or not isinstance(extra, Mapping):
            raise tk.ValidationError({"changes": [hint]})
        _refuse_unwritable([fields, extra])
        code = str(one.get("entry_code") or "").strip() or None
        yield adjustments.Edit(code, str(one.get("kind") or ""), fields, extra)


def _refuse_unwritable(value: object) -> None:
    """No number with a fraction and no NUL: neither has one form in canonical bytes."""
    for one in _leaves(value):
        if isinstance(one, float) or (
            isinstance(one, str) and ("\x00" in one or not _is_text(one))
        ):
            refuse("registers.E32", "fields", str(one)[:40].encode("ascii", "replace").decode())


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield key if str(key).isascii() else 0.5
            yield from _leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _codes(value: object) -> list[str]:
    if isinstance(value, str):
        value = value.split()
    if value is not None and not isinstance(value, list):
        raise tk.ValidationError({"remove": [tk._("A list of entry codes")]})
    return [str(one) for one in value or []]


@tk.side_effect_free
def govopen_register_draft_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """A draft with its entries, what the checks say, and whether entries have moved since.

    Args:
        id: of the draft; entry_code: of a single entry; limit, cursor: of its entries.
    """
    draft = _readable(context, "govopen_register_draft_show", data_dict)
    no_unknown(data_dict, "id", "entry_code", "limit", "cursor")
    return _show(draft, data_dict)


def _show(draft: Mapping[str, Any], data_dict: Mapping[str, Any]) -> dict[str, Any]:
    limit, after = page_limit(data_dict), cursor_of(data_dict)
    only = str(data_dict.get("entry_code") or "") or None
    rows = store.changes(
        model.Session, draft["id"], after[0] if after else "", limit + 1, only=only
    )
    shown = page(rows, limit, lambda row: (row["entry_code"],), _change_view)
    said = []
    if draft["state"] == "editing" and only is None:
        said = adjustments.findings_of(model.Session, draft)
    return {**_draft_view(draft), **shown, "findings": [_finding_view(one) for one in said]}


def _draft_view(draft: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "id", "register_id", "register_type", "unit_id", "unit_name", "revision", "base_number",
        "state", "case_id", "entries", "import_id", "updated_by_name",
    )  # fmt: skip
    view = {name: draft[name] for name in names}
    view |= {name: draft[name] for name in store.FACTS if name not in DATES}
    view |= {name: draft[name].isoformat() if draft[name] else None for name in DATES}
    begins = draft["approved_on"] or draft["effective_on"]
    is_open = draft["state"] in ("editing", "submitted")
    return {
        **view,
        "term": notices.term_view({"published_at": None, **draft}) if begins and is_open else None,
        "created_at": draft["created_at"].isoformat(),
        "updated_at": draft["updated_at"].isoformat(),
    }


def _change_view(row: Mapping[str, Any]) -> dict[str, Any]:
    is_moved = row["kind"] != "correct" and row["base_seq"] != row["log_seq"]
    return {
        "entry_code": row["entry_code"],
        "kind": row["kind"],
        "name": (row["fields"] or {}).get("name") or row["name"],
        "fields": row["fields"],
        "extra": row["extra"],
        "before": row["present"],
        "status_before": row["status"],
        "version_before": row["number"],
        "is_moved": is_moved,
        "differences": _differences(row),
        "revision": row["revision"],
        "updated_by": row["updated_by_name"],
        "updated_at": row["updated_at"].isoformat(),
    }


def _differences(row: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Field, old and new value of what a change changes; none where it says no content."""
    old, new = row["present"] or {}, row["fields"] or {}
    if not new or row["kind"] == "convert":
        return []
    return [(name, old.get(name), new.get(name)) for name in changed_fields(old, new)]


@tk.side_effect_free
def govopen_register_draft_notice_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The notice of a draft and its rows of the public list, as they would be.

    Args:
        id: of the draft.

    Returns:
        facts, `counts`, `items` and `corrected` as in a notice, and `entries_after`.
    """
    draft = _readable(context, "govopen_register_draft_notice_show", data_dict)
    no_unknown(data_dict, "id")
    found = adjustments.preview(model.Session, draft)
    kind = register_types()[draft["register_type"]]
    told = notices.preview(kind, found.rows, found.present)
    shown = {name: value for name, value in _draft_view(draft).items() if name != "entries"}
    return {**shown, **told}


def _finding_view(finding: Finding) -> dict[str, Any]:
    return {
        **findings.describe(finding),
        "field": finding.field,
        "register_id": finding.params.get("register"),
        "entry_code": finding.params.get("entry"),
        "linked": finding.params.get("linked"),
        "is_refusal": finding.is_refusal or finding.code in adjustments.INCOMPLETE,
    }


@tk.side_effect_free
def govopen_register_draft_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Adjustments of the units whose lists you keep or approve, newest change first.

    Args:
        unit, register, state: filters; limit, cursor: of the page.
    """
    tk.check_access("govopen_register_draft_list", context, data_dict)
    no_unknown(data_dict, "unit", "register", "state", "limit", "cursor")
    state = data_dict.get("state") or None
    if state is not None and state not in STATES:
        refuse("vocab.E1", "state", str(state), allowed=", ".join(STATES))
    filters = {
        "unit": unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None,
        "register": data_dict.get("register") or None,
        "state": state,
    }
    limit, after = page_limit(data_dict), cursor_of(data_dict, 2)
    rows = store.page(model.Session, _scope(context), filters, after, limit + 1)
    return page(rows, limit, lambda row: (row["updated_at"].isoformat(), row["id"]), _draft_view)


def _scope(context: Any) -> Sequence[str] | None:
    """Units whose drafts one may read whatever their state; None for every unit."""
    if is_sysadmin(context):
        return None
    held = units_by_role(user_of(context).id)
    found = set().union(*(held.get(role, set()) for role in WRITERS))
    return None if None in found else sorted(unit for unit in found if unit is not None)


def govopen_register_draft_drop(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Gives up a draft in editing; it stays on record as dropped."""
    draft = _readable(context, "govopen_register_draft_drop", data_dict)
    no_unknown(data_dict, "id")
    held = store.lock(model.Session, str(draft["id"]))
    if held is None or held["state"] != "editing":
        model.Session.rollback()
        refuse("registers.E23", "state", str(draft["state"]))
    store.set_state(model.Session, str(draft["id"]), "dropped")
    _note("register_draft.dropped", str(draft["id"]), user_of(context).id)
    model.repo.commit()
    return {"id": draft["id"], "state": "dropped"}


def govopen_register_draft_submit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Hands a draft in: one case with a version of each list that it touches.

    Args:
        id: of the draft; revision: the one that you saw, so that nothing unseen goes in.
        also: ids of drafts of other lists that the same document adjusts, into the same case.

    Returns:
        `{id, case_id, state, warnings}`, the warnings of all of them.
    """
    draft = _readable(context, "govopen_register_draft_submit", data_dict)
    no_unknown(data_dict, "id", "revision", "also")
    others = _others(context, data_dict.get("also"))
    actor = user_of(context).id
    with all_or_nothing():
        held = store.lock(model.Session, str(draft["id"]))
        if data_dict.get("revision") and held and held["revision"] != _revision(data_dict):
            refuse(
                "registers.E19",
                "revision",
                person=draft["updated_by_name"],
                since=f"{held['updated_at'].astimezone(clock.SITE_ZONE):%Y-%m-%d %H:%M:%S}",
                entries="–",
            )
        handed = adjustments.submit_all(model.Session, [str(draft["id"]), *others], actor)
    for draft_id in (str(draft["id"]), *others):
        _note("register_draft.submitted", draft_id, actor, case=handed[0].case_id)
    model.repo.commit()
    return {
        "id": draft["id"],
        "case_id": handed[0].case_id,
        "state": "submitted",
        "warnings": [_finding_view(one) for each in handed for one in each.warnings],
    }


def _others(context: Any, value: object) -> list[str]:
    """Drafts that are handed in with another one; each must be one's own to hand in."""
    if isinstance(value, str):
        value = value.split()
    if value is not None and not isinstance(value, list):
        raise tk.ValidationError({"also": [tk._("A list of drafts")]})
    ids = list(dict.fromkeys(str(one) for one in value or []))
    units = store.units_of(model.Session, ids)
    if len(units) != len(ids) or (ids and not keeps_lists(context, sorted(set(units.values())))):
        absent()
    return ids


def govopen_register_look_create(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Records that a list was looked through and nothing is to be adjusted (零报告).

    Args:
        id: of the register; note: what was looked at; on: the day (today).
    """
    register = log.find(model.Session, str(data_dict.get("id") or ""))
    if register is None:
        absent()
    tk.check_access("govopen_register_look_create", context, data_dict)
    no_unknown(data_dict, "id", "note", "on")
    note, on = _said("prose", {"prose": data_dict.get("note")}), dates.day(data_dict, "on")
    day = on or clock.today()
    if not note:
        refuse("registers.E1", "reason")
    if day > clock.today():
        refuse("date.E1", "on", day.isoformat())
    actor = user_of(context).id
    look = store.add_review(
        model.Session, str(register["id"]), {"on": day, "actor": actor, "note": note}
    )
    audit.note(
        model.Session,
        "register.looked_at",
        f"register:{register['id']}",
        actor=actor,
        details={"on": day.isoformat()},
    )
    model.repo.commit()
    return {"id": look, "register": register["id"], "reviewed_on": day.isoformat()}
