"""How a duty is shown: its rule with the quote, its light, and how its due date was counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain.duties import State, light
from ckanext.govopen.domain.duty_clocks import Term, term
from ckanext.govopen.domain.duty_levels import LEVELS
from ckanext.govopen.domain.duty_periods import read_period
from ckanext.govopen.domain.duty_words import Counted, Fact, explain, plain
from ckanext.govopen.domain.rules import Bound
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.logic.duty_terms import arguments
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import duty_levels
from ckanext.govopen.model import duty_pages as store

Row = Mapping[str, Any]
LANGUAGES = ("zh", "en")
# Moves whose reason is a public document; what people type about others is read inside.
PUBLIC_MOVES = frozenset({"due_moved", "owner_moved"})


def item(row: Row, moment: datetime) -> dict[str, Any]:
    """A row of a list as everybody may read it."""
    state = State(row["state_at"])
    return {
        "id": row["id"],
        **_heading(row),
        "trigger": row["trigger"],
        "triggered_at": _instant(row["trigger_at"]),
        "period": row["period"],
        "evidence": {"record": row["record"], "condition": row["condition"]},
        "asked": str(row["amount"].normalize()) if row["period"] else None,
        "counted": str(row["counted"].normalize()) if row["period"] else None,
        "due_on": row["due_on"].isoformat(),
        "due_at": _instant(row["due_at"]),
        "in_hours": row["bound_unit"] == "hours",
        "provisional": row["due_provisional"],
        "state": state.value,
        "light": light(state, row["amber_at"], moment).value,
        "met_at": _instant(row["met_at"]),
        "exemption": row["exemption"],
    }


def _instant(moment: datetime | None) -> str | None:
    return moment.astimezone(clock.SITE_ZONE).isoformat() if moment else None


def rule(content: Mapping[str, Any]) -> dict[str, Any]:
    """The rule that started a duty, as it was then."""
    names = ("clause", "quote", "quote_verified", "kind", "subject", "bound", "responsible")
    pack = content["pack"]
    return {
        "id": content["rule_id"],
        **{name: content[name] for name in names},
        "pack": {name: pack[name] for name in ("id", "version", "title", "doc_no", "source")},
    }


def moved(session: Session, moves: Sequence[Row]) -> list[dict[str, Any]]:
    """Moves of many duties as they are listed, each with the unit and the rule that are meant."""
    headings = store.headings(session, [str(move["duty_id"]) for move in moves])
    return [{**move, **_heading(headings[str(move["duty_id"])])} for move in moves]


def _heading(row: Row) -> dict[str, Any]:
    return {
        "unit": {"id": row["unit_id"], "name": row["unit_name"], "slug": row["unit_slug"]},
        "rule": rule(row["rule_content"]),
    }


def details(session: Session, row: Row, moment: datetime, *, inside: bool) -> dict[str, Any]:
    """A duty with its explanation, the other quotes, its evidence and its moves.

    Args:
        inside: the reader may know records and people that the public may not.
    """
    others = store.kept_rules(session, row["also"])
    record = row["event_record"]
    names_record = record and (
        inside or store.is_public_record(session, row["record_type"], record)
    )
    owners = store.units(session, row["owners"])
    return {
        **item(row, moment),
        "explanation": explanation(row),
        "also": [rule(other["content"]) for other in others],
        "event": {
            "id": row["event_id"] if inside else None,
            "on": row["occurred_on"].isoformat(),
            "at": _instant(row["occurred_at"]),
            "record_type": row["record_type"] if names_record else None,
            "record": record if names_record else None,
        },
        "proof": _proof(row, inside=inside),
        "owners": [
            {"id": unit, "name": owners[unit]["name"] if unit in owners else unit}
            for unit in row["owners"]
        ],
        "moves": [_move(one, inside=inside) for one in store.moves(session, row["id"])],
        "escalations": [
            _escalation(one, inside=inside) for one in duty_levels.of_duty(session, row["id"])
        ],
    }


def _proof(row: Row, *, inside: bool) -> dict[str, Any] | None:
    if row["evidence_at"] is None:
        return None
    value = row["evidence_value"].normalize()
    shown = {"at": _instant(row["evidence_at"]), "value": f"{value:f}"}
    return {**shown, "record": row["evidence_record"] if inside else None}


def _move(one: Row, *, inside: bool) -> dict[str, Any]:
    return {
        "kind": one["kind"],
        "at": _instant(one["at"]),
        "reason": one["reason"] if inside or one["kind"] in PUBLIC_MOVES else None,
        "from": one["details"].get("from"),
        "to": one["details"].get("to"),
        "actor": (one["actor_name"] or one["actor"]) if inside else None,
        "approver": one["approver"] if inside else None,
    }


def _escalation(one: Row, *, inside: bool) -> dict[str, Any]:
    """Which level was told and when; which people, is read inside."""
    return {
        "level": one["level"],
        "role": LEVELS[one["level"]],
        "at": _instant(one["recorded_at"]),
        "due_at": _instant(one["due_at"]),
        "unit": {"id": one["unit_id"], "name": one["unit_name"]},
        "people": list(one["people"]) if inside else None,
        "is_told": bool(one["people"]),
    }


def explanation(row: Row) -> dict[str, Any]:
    """`{facts, text: {zh, en}, counted, skipped}`: how the due date came out."""
    counted = _counted(row)
    facts = explain(counted)
    return {
        "facts": [{"code": one.code, **_plain(one)} for one in facts],
        "text": {
            lang: ("" if lang == "zh" else " ").join(sentence(one, lang) for one in facts)
            for lang in LANGUAGES
        },
        "counted": [day.isoformat() for day in counted.due.counted],
        "skipped": [
            {"date": one.day.isoformat(), "reason": one.reason, "name": one.name}
            for one in counted.due.skipped
        ],
    }


def _plain(fact: Fact) -> dict[str, object]:
    return {name: plain(value) for name, value in fact.facts.items()}


def sentence(fact: Fact, lang: str) -> str:
    """A fact in words."""
    said = vocabulary("duty_sentence")[fact.code]
    words = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in _plain(_local(fact)).items()
    }
    return (said.en if lang == "en" else said.zh).format(**words)


def _local(fact: Fact) -> Fact:
    """Instants as they are read in the site's zone."""
    facts = {
        name: value.astimezone(clock.SITE_ZONE) if isinstance(value, datetime) else value
        for name, value in fact.facts.items()
    }
    return Fact(fact.code, facts)


def _counted(row: Row) -> Counted:
    bound, start, reset, pauses = arguments(row)
    calendar = work_calendar(str(row["region"]))
    due = term(bound, start, calendar, pauses=pauses, extension=int(row["extension"]), reset=reset)
    stands = Term(row["due_on"], row["due_at"], row["due_provisional"])
    period = read_period(row["period"]) if row["period"] else None
    amount = f"{row['amount'].normalize():f}" if period else row["bound_amount"]
    if period and row["bound_unit"] == "percent":
        amount += "%"
    still = [date.fromisoformat(first) for first, until in row["suspensions"] if until is None]
    said = Bound(amount, str(row["bound_unit"]), least=bool(row["least"]))
    return Counted(
        said,
        start,
        due or stands,
        stands,
        pauses,
        still[0] if still else None,
        int(row["extension"]),
        reset,
        period,
    )


def owed(session: Session, unit_ids: list[str] | None, limit: int) -> dict[str, Any]:
    """What units owe, soonest first: `{items, overdue, amber, open}`; None for every unit."""
    now = clock.now()
    today = now.astimezone(clock.SITE_ZONE).date()
    rows = [] if unit_ids == [] else store.owed(session, now, unit_ids, limit)
    items = [{**item(row, now), "workdays_left": _workdays_left(row, today)} for row in rows]
    counts = store.owed_counts(session, now, unit_ids)
    return {"items": items, **{name: int(count) for name, count in counts.items()}}


def _workdays_left(row: Row, today: date) -> int:
    """Working days until the due date; below 0 for how many have gone since."""
    calendar, due = work_calendar(str(row["region"])), row["due_on"]
    if due >= today:
        return calendar.workdays_between(today, due)
    return -calendar.workdays_between(due, today)
