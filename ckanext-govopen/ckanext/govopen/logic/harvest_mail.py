"""One mail a person and day about the sources that they keep, when one has run or something waits.

A line names a source, its last run with its account, and a fault of the source in words: no record
and nothing that a record says. The data authority hears of every source, officers of those of
their units, and of any that has their records no longer how many of them it proposes for
withdrawal. Nothing is sent where no sender is set, and from a demo or test site only to a server on
this machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk
from ckan.lib.i18n import get_lang

from ckanext.govopen import clock
from ckanext.govopen.logic import mail
from ckanext.govopen.logic.harvest_sources import problem
from ckanext.govopen.logic.vocab import label
from ckanext.govopen.model import harvest_mail as store

SOURCES_SHOWN = 50
LOOKED_BACK = timedelta(days=1)
# Of a source that is not one's own: its runs are nobody's but its keepers'.
OF_OTHERS = {
    "ended_at": None, "waits_for": None, "dead": 0, "failed": 0, "next_run_at": None,
}  # fmt: skip
Row = Mapping[str, Any]


def send(session: Session) -> int:
    """Sends the mails of today that have not been sent; gives how many."""
    if not mail.may_send():
        return 0
    gone = store.withdrawals(session)
    rows = store.lines(session, clock.now() - LOOKED_BACK, list(gone))
    told = partial(_of_person, lines=[{**row, "gone": gone.get(row["id"], {})} for row in rows])
    return mail.once_a_day(session, store.people(session), told, store.claim, _words)


def _of_person(person: Row, lines: Sequence[Row]) -> list[Row]:
    """What concerns a person; proposals of sources wait for the data authority alone."""
    if person["is_authority"]:
        return [{**row, "withdrawals": sum(row["gone"].values())} for row in lines]
    own = set(person["units"])
    found = []
    for row in lines:
        gone = sum(count for unit_id, count in row["gone"].items() if unit_id in own)
        if row["unit_id"] in own and row["state"] != "proposed":
            found.append({**row, "withdrawals": gone})
        elif gone:
            found.append({**row, **OF_OTHERS, "withdrawals": gone})
    return found


def _words(concerned: Sequence[Row]) -> tuple[str, str]:
    failed = sum(bool(row["failed"]) for row in concerned)
    waiting = sum(_waits(row) for row in concerned)
    subject = tk._("Harvest: {sources} sources, {failed} failed, {waiting} wait").format(
        sources=len(concerned), failed=failed, waiting=waiting
    )
    return subject, _body(concerned)


def _waits(row: Row) -> bool:
    return bool(row["dead"] or row["waits_for"] or row["withdrawals"] or row["state"] == "proposed")


def _body(concerned: Sequence[Row]) -> str:
    parts = ["\n".join(_lines(row)) for row in concerned[:SOURCES_SHOWN]]
    if len(concerned) > SOURCES_SHOWN:
        parts.append(tk._("… and {n} more").format(n=len(concerned) - SOURCES_SHOWN))
    address = tk.url_for("govopen_harvest.sources", _external=True)
    return "\n\n".join([*parts, tk._("All sources: {url}").format(url=address)])


def _lines(row: Row) -> Iterator[str]:
    """What is told of one source."""
    yield f"{row['title']} · {row['unit_name']}" if row["unit_name"] else str(row["title"])
    if row["state"] == "proposed":
        yield tk._("proposed: it waits for the data authority")
        return
    if row["ended_at"] is not None:
        yield from _last_run(row)
    if row["waits_for"]:
        reason = _word("harvest_wait", row["waits_for"])
        yield tk._("a run waits for an approval: {reason}").format(reason=reason)
    if row["dead"]:
        yield tk._("dead letters that wait: {count}").format(count=row["dead"])
    if row["withdrawals"]:
        yield tk._("proposed for withdrawal, to be taken back or kept: {count}").format(
            count=row["withdrawals"]
        )
    if row["next_run_at"] is not None:
        yield tk._("next run: {time}").format(time=_minute(row["next_run_at"]))


def _last_run(row: Row) -> Iterator[str]:
    state = _word("harvest_state", row["last_state"])
    yield tk._("last run: {time}, {state}").format(time=_minute(row["ended_at"]), state=state)
    if row["last_state"] in ("finished", "partial"):
        names = ("seen", "unchanged", "created", "updated", "rejected", "conflict")
        yield tk._(
            "seen {seen} = unchanged {unchanged} + created {created} + updated {updated}"
            " + rejected {rejected} + conflict {conflict}"
        ).format(**{name: row[name] for name in names})
        yield tk._("missing {missing}, removed {removed}").format(
            missing=row["missing"], removed=row["removed"]
        )
    if row["error"]:
        yield problem(row["error"]["code"], row["error"]["facts"])["text"]
    if row["runs"] > 1:
        yield tk._("{runs} runs in a day, {failed} of them failed").format(
            runs=row["runs"], failed=row["failed"]
        )


def _word(list_: str, code: str) -> str:
    """A term in the language of the mail."""
    return label(list_, code, str(get_lang()))


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(clock.SITE_ZONE):%Y-%m-%d %H:%M}"
