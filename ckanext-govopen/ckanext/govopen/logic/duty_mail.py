"""One mail a person and day: what is due in their units and what is overdue. Never a flood.

A line names the rule, the due date and the unit, which the public board shows as well: no title,
no record, nothing that somebody may not see. Who reads it signs in for the rest. Nothing is sent
where no sender is set, and from a demo or test site only to a server on this machine.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import mail
from ckanext.govopen.model import duty_mail as store

LINES_SHOWN = 20


def send(session: Session) -> int:
    """Sends the mails of today that have not been sent; gives how many."""
    if not mail.may_send():
        return 0
    lines: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in store.lines(session, clock.today()):
        lines[str(row["unit_id"])].append(row)
    told = partial(_of_person, lines=lines)
    return mail.once_a_day(session, store.people(session), told, store.claim, _words)


def _of_person(
    person: Mapping[str, Any], lines: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[Mapping[str, Any]]:
    """Officers hear of what is due and overdue in their units; who leads units, of what is overdue.

    The disclosure office hears of what has been escalated to it, in every unit.
    """
    own, answered = set(person["officer_units"]), set(person["leader_units"])
    found = []
    for unit_id, rows in lines.items():
        if unit_id in own:
            found += rows
            continue
        leads = person["leads_all"] or unit_id in answered
        late = (row for row in rows if row["state_now"] == "overdue")
        found += [row for row in late if leads or (person["is_office"] and row["to_office"])]
    return sorted(found, key=lambda row: (row["due_on"], row["id"]))


def _words(concerned: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    overdue = sum(row["state_now"] == "overdue" for row in concerned)
    subject = tk._("Disclosure duties: {overdue} overdue, {due} due soon").format(
        overdue=overdue, due=len(concerned) - overdue
    )
    return subject, _body(concerned)


def _body(concerned: Sequence[Mapping[str, Any]]) -> str:
    lines = [_line(row) for row in concerned[:LINES_SHOWN]]
    if len(concerned) > LINES_SHOWN:
        lines.append(tk._("… and {n} more").format(n=len(concerned) - LINES_SHOWN))
    address = tk.url_for("govopen_duties.board", _external=True)
    lines += ["", tk._("All of them, with how each date was counted: {url}").format(url=address)]
    return "\n".join(lines)


def _line(row: Mapping[str, Any]) -> str:
    state = tk._("overdue") if row["state_now"] == "overdue" else tk._("due")
    due = str(row["due_on"])
    if row["bound_unit"] == "hours":
        due = f"{row['due_at'].astimezone(clock.SITE_ZONE):%Y-%m-%d %H:%M}"
    return f"{due} {state} · {row['unit_name']} · {row['clause']} {row['quote']}"
