"""One mail a person and day: what is due in their units and what is overdue. Never a flood.

With it come entries of their negative lists whose day to be looked at again has come. A line names
the rule or the code, the date and the unit, which public pages show as well: no title,
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
from ckanext.govopen.model import openness

LINES_SHOWN, REVIEWS_READ = 20, 10_000
REVIEW = "review"


def send(session: Session) -> int:
    """Sends the mails of today that have not been sent; gives how many."""
    if not mail.may_send():
        return 0
    lines: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in store.lines(session, clock.today()):
        lines[str(row["unit_id"])].append(row)
    for row in openness.reviews_due(session, None, REVIEWS_READ):
        lines[str(row["unit_id"])].append(_review(row))
    told = partial(_of_person, lines=lines)
    return mail.once_a_day(session, store.people(session), told, store.claim, _words)


def _review(row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of a negative list as a line beside the duties."""
    return {**row, "id": row["entry_code"], "due_on": row["review_due"], "state_now": REVIEW}


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
    reviews = sum(row["state_now"] == REVIEW for row in concerned)
    subject = tk._("Disclosure duties: {overdue} overdue, {due} due soon").format(
        overdue=overdue, due=len(concerned) - overdue - reviews
    )
    if reviews:
        subject += tk._("; {n} entries of the negative list to look at again").format(n=reviews)
    return subject, _body(concerned)


def _body(concerned: Sequence[Mapping[str, Any]]) -> str:
    lines = [_line(row) for row in concerned[:LINES_SHOWN]]
    if len(concerned) > LINES_SHOWN:
        lines.append(tk._("… and {n} more").format(n=len(concerned) - LINES_SHOWN))
    address = tk.url_for("govopen_duties.board", _external=True)
    lines += ["", tk._("All of them, with how each date was counted: {url}").format(url=address)]
    return "\n".join(lines)


def _line(row: Mapping[str, Any]) -> str:
    if row["state_now"] == REVIEW:
        said = tk._("{day} negative list, to look at again").format(day=row["due_on"])
        return f"{said} · {row['unit_name']} · {row['entry_code']}"
    state = tk._("overdue") if row["state_now"] == "overdue" else tk._("due")
    due = str(row["due_on"])
    if row["bound_unit"] == "hours":
        due = f"{row['due_at'].astimezone(clock.SITE_ZONE):%Y-%m-%d %H:%M}"
    return f"{due} {state} · {row['unit_name']} · {row['clause']} {row['quote']}"
