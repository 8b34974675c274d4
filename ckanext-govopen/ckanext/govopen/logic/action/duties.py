"""Actions of duties: who owes what by when and why, and what may be ordered for one.

Reading is public where the rule is. Events and evidence that raise and meet duties are
`logic/action/events.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.duties import State
from ckanext.govopen.domain.duty_clocks import midnight
from ckanext.govopen.domain.duty_levels import LEVELS
from ckanext.govopen.domain.rules import clauses
from ckanext.govopen.logic import (
    duties,
    duty_board,
    duty_nights,
    duty_orders,
    duty_terms,
    duty_view,
    rules,
)
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.duties import bindings
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, prose, refuse, text, whole
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.logic.roles import has_role, roles_of, user_of
from ckanext.govopen.model import duties as write_store
from ckanext.govopen.model import duty_pages as store
from ckanext.govopen.model import duty_settings

__all__ = [
    "govopen_duty_day_list",
    "govopen_duty_extend",
    "govopen_duty_hand_over",
    "govopen_duty_list",
    "govopen_duty_matrix",
    "govopen_duty_recompute",
    "govopen_duty_reset",
    "govopen_duty_resume",
    "govopen_duty_setting_list",
    "govopen_duty_setting_update",
    "govopen_duty_show",
    "govopen_duty_subject_update",
    "govopen_duty_suspend",
    "govopen_duty_waive",
]

FILTERS = ("unit", "state", "rule", "pack", "clause", "escalated", "as_of", "due_from", "due_to")
INSIDE_ROLES = frozenset({"info_officer", "reviewer", "secrecy_reviewer", "leader", "auditor"})


# --- reading --------------------------------------------------------------------------------------


@tk.side_effect_free
def govopen_duty_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Duties by due date: who owes what, by when, because of which clause.

    Args:
        unit, state, rule, pack: each by its id or code; `state` of the vocabulary `duty_state`.
        clause: number of a clause of `pack`; also what a stricter rule of another text asks.
        escalated: 1 or 2, those of which that level has been told: the unit's leader, the
            disclosure office.
        due_from, due_to: YYYY-MM-DD, both days included.
        as_of: YYYY-MM-DD; as they stood at the end of that day. Absent: now.
        limit, cursor, include_total: as in every list.

    Returns:
        `{as_of, items, next_cursor, total?, counts?}`; with the total `counts` by state, whichever
        `state` is asked for.
    """
    tk.check_access("govopen_duty_list", context, data_dict)
    no_unknown(data_dict, *FILTERS, "limit", "cursor", "include_total")
    moment, given = _moment(data_dict), _given(data_dict)
    inside, limit = _reads_all(context), page_limit(data_dict)
    rows = store.page(
        model.Session, moment, given, inside=inside, after=_after_day(data_dict), limit=limit + 1
    )
    found = page(
        rows,
        limit,
        lambda row: (row["due_on"].isoformat(), row["id"]),
        lambda row: duty_view.item(row, moment),
    )
    answer = {"as_of": moment.astimezone(clock.SITE_ZONE).isoformat(), **found}
    if tk.asbool(data_dict.get("include_total", False)):
        # Whoever looks at one state goes on seeing how many there are in the others.
        counts = dict(store.counts(model.Session, moment, {**given, "state": None}, inside=inside))
        total = counts.pop("total")
        if given.get("state"):
            total = store.counts(model.Session, moment, given, inside=inside)["total"]
        answer |= {"total": total, "counts": counts}
    return answer


def _moment(data_dict: Mapping[str, Any]) -> datetime:
    """The end of the day that is asked for; now, where that day is not over."""
    now, day = clock.now(), _day(data_dict, "as_of")
    if day is None:
        return now
    return min(now, midnight(day + timedelta(days=1)) - timedelta(microseconds=1))


def _day(data_dict: Mapping[str, Any], name: str) -> date | None:
    value = data_dict.get(name)
    if value in (None, ""):
        return None
    try:
        found = date.fromisoformat(str(value))
    except ValueError:
        refuse("date.E1", name, str(value))
    if not 2000 <= found.year <= 2200:
        refuse("date.E1", name, str(value))
    return found


def _required_day(data_dict: Mapping[str, Any], name: str) -> date:
    found = _day(data_dict, name)
    if found is None:
        refuse("duties.E1", name, "")
    return found


def _given(data_dict: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {
        name: text(data_dict, name) for name in ("rule", "pack") if data_dict.get(name)
    }
    if state := data_dict.get("state"):
        if state not in {one.value for one in State}:
            allowed = ", ".join(one.value for one in State)
            refuse("vocab.E1", "state", str(state), allowed=allowed)
        given["state"] = state
    if clause := data_dict.get("clause"):
        given["kept"] = _kept(text(data_dict, "pack"), str(clause))
        del given["pack"]  # a stricter rule may stand in another
    if level := data_dict.get("escalated"):
        if str(level) not in {str(one) for one in LEVELS}:
            refuse("vocab.E1", "escalated", str(level), allowed=", ".join(map(str, LEVELS)))
        given["escalated"] = int(level)
    if data_dict.get("unit"):
        given["unit"] = unit_id_of(data_dict["unit"])
    return {**given, "due_from": _day(data_dict, "due_from"), "due_to": _day(data_dict, "due_to")}


def _kept(pack_id: str, clause: str) -> list[str]:
    """The versions of the rules of a clause that duties keep; of no clause none."""
    pack = rules.loaded().pack(pack_id)
    asked = clauses(pack) if pack else ()
    ids = [rule.rule_id for one in asked if one.number == clause for rule in one.rules]
    return store.keys(model.Session, ids)


def _after_day(data_dict: Mapping[str, Any]) -> tuple[date, str] | None:
    keys = cursor_of(data_dict, 2)
    if not keys:
        return None
    try:
        day, duty_id = keys
        return date.fromisoformat(day), duty_id
    except ValueError:
        raise tk.ValidationError(
            {"cursor": [tk._("cursor is not one that this list gave")]}
        ) from None


def _reads_all(context: Any) -> bool:
    """Duties whose rule is not for the public: for the offices that watch over all of them."""
    roles = ("disclosure_office", "data_authority", "auditor")
    return any(has_role(context, role, None) for role in roles)


@tk.side_effect_free
def govopen_duty_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One duty: its clause, what started it, how its due date was counted, what met it, its moves.

    Args:
        id: of the duty.

    Returns:
        as an item of the list, with `explanation` (`{facts, text: {zh, en}, counted, skipped}`),
        `also` (clauses of other packs that ask the same), `event`, `proof`, `owners`, `moves`,
        `escalations` (who was told that it is overdue, at which level, and when).
        Records that are not public are named inside the unit alone.
    """
    tk.check_access("govopen_duty_show", context, data_dict)
    no_unknown(data_dict, "id")
    now = clock.now()
    row = store.one(model.Session, text(data_dict, "id"), now)
    inside = row is not None and _is_inside(context, str(row["unit_id"]))
    if row is None or not (row["is_public"] or inside):
        absent()
    return duty_view.details(model.Session, row, now, inside=inside)


def _is_inside(context: Any, unit_id: str) -> bool:
    if _reads_all(context):
        return True
    user = user_of(context)
    return user is not None and bool(roles_of(user.id, unit_id) & INSIDE_ROLES)


@tk.side_effect_free
def govopen_duty_matrix(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The board: for each unit and rule how many duties stand where, the most overdue units first.

    Args:
        unit, state, rule, pack, clause, escalated, due_from, due_to, as_of: as in
            `govopen_duty_list`.
        limit, cursor: of the units.

    Returns:
        `{as_of, counts, rules, items: [{unit, overdue, escalated_1, escalated_2, cells: {rule:
        {light, overdue, escalated_1, escalated_2, late_met, amber, running, met, other}}}],
        next_cursor}`; each of `rules` has its `counts`, like those of the whole over all units.
        `escalated_1` and `escalated_2` are overdue ones of which that level has been told.
    """
    tk.check_access("govopen_duty_matrix", context, data_dict)
    no_unknown(data_dict, *FILTERS, "limit", "cursor")
    moment, given, limit = _moment(data_dict), _given(data_dict), page_limit(data_dict)
    after = _after_unit(data_dict)
    found = duty_board.board(model.Session, moment, given, inside=_reads_all(context))
    rows = [unit for unit in found.units if after is None or unit.place > after][: limit + 1]
    shown = duty_board.named(model.Session, rows)
    return {
        "as_of": moment.astimezone(clock.SITE_ZONE).isoformat(),
        "counts": found.counts,
        "rules": duty_board.rules(model.Session, found),
        **page(shown, limit, lambda row: (row["overdue"], row["unit"]["id"]), dict),
    }


def _after_unit(data_dict: Mapping[str, Any]) -> tuple[int, str] | None:
    """The place of the last unit of the page before: most overdue first, then by id."""
    keys = cursor_of(data_dict, 2)
    if not keys:
        return None
    if not keys[0].isdecimal() or len(keys[0]) > 9:
        raise tk.ValidationError({"cursor": [tk._("cursor is not one that this list gave")]})
    return -int(keys[0]), keys[1]


@tk.side_effect_free
def govopen_duty_day_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """For each day of a span how many duties are due on it, and how many are overdue and met.

    Args:
        due_from, due_to: at most 400 days apart; both days included.
        unit, state, rule, pack, clause, escalated, as_of: as in `govopen_duty_list`.
    """
    tk.check_access("govopen_duty_day_list", context, data_dict)
    no_unknown(data_dict, *FILTERS)
    given = _given(data_dict)
    first, last = given["due_from"], given["due_to"]
    if first is None or last is None or not 0 <= (last - first).days <= 400:
        refuse("date.E1", "due_to", str(data_dict.get("due_to")))
    rows = store.days(model.Session, _moment(data_dict), given, inside=_reads_all(context))
    return {"items": [{**row, "due_on": row["due_on"].isoformat()} for row in rows]}


# --- orders ---------------------------------------------------------------------------------------


def govopen_duty_waive(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The disclosure office frees a unit from a duty, with its reason.

    Args:
        id: of the duty.
        reason: why.
    """
    no_unknown(data_dict, "id", "reason")
    asked = _asked(data_dict)
    tk.check_access("govopen_duty_waive", context, asked)
    row, order = _locked(context, data_dict, asked)
    user = user_of(context)
    held = roles_of(user.id, str(row["unit_id"])) if user else frozenset()
    # What is held for every unit is the office's; what is left is a role in the unit itself.
    own = held - (roles_of(user.id, None) if user else frozenset())
    duty_orders.waive(model.Session, row, order, is_own=bool(own))
    return _shown(context, row)


def govopen_duty_extend(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Makes a term longer, approved and notified before its original due date.

    Args:
        id: of the duty.
        amount: how much, in the unit of its bound.
        reason, approver: why, and who approved it.
    """
    no_unknown(data_dict, "id", "amount", "reason", "approver")
    asked = _asked(data_dict)
    tk.check_access("govopen_duty_extend", context, asked)
    row, order = _locked(context, data_dict, asked)
    try:
        amount = int(data_dict.get("amount", 0))
    except (TypeError, ValueError):
        amount = 0
    duty_orders.extend(model.Session, row, order, amount)
    return _shown(context, row)


def govopen_duty_suspend(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Lets a term stand still after a day, while a third party or another body is asked.

    Args:
        id: of the duty.
        from: the day on which the letter was sent, itself still counted.
        reason, approver: why, and who approved it.
    """
    no_unknown(data_dict, "id", "from", "reason", "approver")
    asked = _asked(data_dict)
    tk.check_access("govopen_duty_suspend", context, asked)
    row, order = _locked(context, data_dict, asked)
    duty_orders.suspend(model.Session, row, order, _required_day(data_dict, "from"))
    return _shown(context, row)


def govopen_duty_resume(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Lets a suspended term go on after a day.

    Args:
        id: of the duty.
        until: the day on which the opinion came, or its own term lapsed; itself not counted.
        reason: why.
    """
    no_unknown(data_dict, "id", "until", "reason")
    asked = _asked(data_dict)
    tk.check_access("govopen_duty_resume", context, asked)
    row, order = _locked(context, data_dict, asked)
    duty_orders.resume(model.Session, row, order, _required_day(data_dict, "until"))
    return _shown(context, row)


def govopen_duty_reset(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Begins a term anew: a corrected request came, or a fee was paid.

    Args:
        id: of the duty.
        on: the day from which it is counted, itself not counted.
        reason, approver: why, and who approved it.
    """
    no_unknown(data_dict, "id", "on", "reason", "approver")
    asked = _asked(data_dict)
    tk.check_access("govopen_duty_reset", context, asked)
    row, order = _locked(context, data_dict, asked)
    duty_orders.reset(model.Session, row, order, _required_day(data_dict, "on"))
    return _shown(context, row)


def govopen_duty_hand_over(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Gives an open duty to a unit that a reform links with its own, such as one split off.

    Args:
        id: of the duty.
        unit: id, name or USCC of the unit that owes it from then on.
        reason: why this one.
    """
    no_unknown(data_dict, "id", "unit", "reason")
    asked = _asked(data_dict)
    tk.check_access("govopen_duty_hand_over", context, asked)
    row, order = _locked(context, data_dict, asked)
    duty_orders.hand_over(model.Session, row, order, unit_id_of(data_dict.get("unit")))
    return _shown(context, row)


def _asked(data_dict: Mapping[str, Any]) -> dict[str, Any]:
    """What the authorisation looks at: the unit that owes the duty, None where there is none."""
    found = store.one(model.Session, str(data_dict.get("id") or ""), clock.now())
    return {"id": found["id"], "unit": found["unit_id"]} if found else {"id": "", "unit": None}


def _locked(
    context: Any, data_dict: Mapping[str, Any], asked: Mapping[str, Any]
) -> tuple[Mapping[str, Any], duty_orders.Order]:
    """The duty as it is now, until the transaction ends, and who orders what for it."""
    if asked["unit"] is None:
        absent()
    return write_store.lock(model.Session, str(asked["id"])), duty_orders.Order(
        str(context["user"]),
        prose(data_dict, "reason"),
        prose(data_dict, "approver"),
    )


def _shown(context: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    model.repo.commit()
    show: Callable[..., dict[str, Any]] = tk.get_action("govopen_duty_show")
    return show(dict(context), {"id": row["id"]})


def govopen_duty_recompute(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Does at once what the nights do: raises, counts provisional dates anew, settles every duty.

    What began since the last night is kept even when a later part is refused.

    Args:
        since: YYYY-MM-DD; also raises the duties of every period that began from that day on, for a
            site that takes over years of records.

    Returns:
        `{days, raised, moved, succeeded, settled, escalated}`: days that no night had looked at,
        and counts.
    """
    tk.check_access("govopen_duty_recompute", context, data_dict)
    no_unknown(data_dict, "since")
    since, session = _day(data_dict, "since"), model.Session
    days = duty_nights.catch_up(session, clock.today())
    raised = duty_nights.raise_since(session, since) if since else 0
    succeeded = duties.succeed(session, clock.today(), str(context["user"]))
    because = duty_terms.Because("due_moved", str(context["user"]), "recompute")
    moved = len(duty_terms.recount(session, because))
    settled = duties.settle_all(session)
    told = duty_nights.escalate(session)
    model.repo.commit()
    return {
        "days": days,
        "raised": raised,
        "moved": moved,
        "succeeded": succeeded,
        "settled": settled,
        "escalated": told,
    }


# --- settings -------------------------------------------------------------------------------------


@tk.side_effect_free
def govopen_duty_setting_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The numbers that the disclosure office has set, the words that have none, and named units.

    Returns:
        `{words: [{pack, name, word, amount, unit, units}], subjects: [{subject, unit, from_on,
        to_on}]}`; `units` are those that fit the rules of the word.
    """
    tk.check_access("govopen_duty_setting_list", context, data_dict)
    no_unknown(data_dict)
    words = [
        {
            "pack": pack.pack_id,
            "title": pack.title,
            "name": one.name,
            "word": one.word,
            "amount": one.amount,
            "unit": one.unit,
            "units": _fitting(pack.pack_id, one.name),
            "rules": [r.rule_id for r in pack.rules if r.bound and r.bound.parameter == one.name],
        }
        for pack in rules.loaded().packs
        for one in pack.parameters.values()
        if one.word
    ]
    named = duty_settings.subjects(model.Session, clock.today())
    return {
        "words": words,
        "subjects": [
            {
                "subject": row["subject"],
                "unit": {"id": row["unit_id"], "name": row["unit_name"]},
                "from_on": row["from_on"].isoformat(),
                "to_on": row["to_on"].isoformat() if row["to_on"] else None,
            }
            for row in named
        ],
    }


def _fitting(pack_id: str, name: str) -> list[str]:
    return [unit for unit in rules.words().kinds_of_unit if rules.accepts(pack_id, name, 1, unit)]


def govopen_duty_setting_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Sets the number behind a word of a pack (及时, 定期, 同步), or takes it back.

    Duties that are open keep the number with which they began.

    Args:
        pack, name: the parameter.
        amount, unit: the number and a unit that fits; absent amount: taken back.
        reason: why this number.
    """
    tk.check_access("govopen_duty_setting_update", context, data_dict)
    no_unknown(data_dict, "pack", "name", "amount", "unit", "reason")
    pack, name, reason = (text(data_dict, key) for key in ("pack", "name", "reason"))
    given, unit, amount = data_dict.get("amount"), data_dict.get("unit") or None, None
    if given not in (None, ""):
        amount = whole(given)
        if amount is None or not rules.accepts(pack, name, amount, str(unit)):
            refuse("rules.E11", "amount", f"{pack}.{name}={given}:{unit}"[:200])
    elif not any(one.pack_id == pack and name in one.parameters for one in rules.written_packs()):
        refuse("rules.E11", "name", f"{pack}.{name}")
    duty_settings.add_number(
        model.Session,
        {
            "pack": pack,
            "name": name,
            "amount": amount,
            "unit": unit if amount else None,
            "reason": reason,
            "actor": context["user"],
        },
    )
    model.repo.commit()
    return {"pack": pack, "name": name, "amount": amount, "unit": unit if amount else None}


def govopen_duty_subject_update(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Names a unit for a subject of rules (pilot units, universities, owners of sites), or ends it.

    Args:
        subject: code of the vocabulary `rule_subject`.
        unit: id, name or USCC.
        named: true to name it from today on, false to end it today.
    """
    tk.check_access("govopen_duty_subject_update", context, data_dict)
    no_unknown(data_dict, "subject", "unit", "named")
    subject = text(data_dict, "subject")
    if subject not in bindings():
        refuse("vocab.E1", "subject", subject, allowed=", ".join(bindings()))
    unit_id, today = unit_id_of(data_dict.get("unit")), clock.today()
    if tk.asbool(data_dict.get("named", True)):
        changed = duty_settings.name_subject(
            model.Session, subject, unit_id, today, str(context["user"])
        )
    else:
        changed = duty_settings.end_subject(model.Session, subject, unit_id, today)
    model.repo.commit()
    return {"subject": subject, "unit": unit_id, "changed": changed}
