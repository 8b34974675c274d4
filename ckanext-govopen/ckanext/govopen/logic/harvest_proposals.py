"""Sources that officers propose for their units: kept with a reason; nothing is read from them.

No request goes out for a proposal, whatever address it names: a run of one is refused, and no
worker would take it up. The data authority adds it, which makes the source theirs, or declines it
with a reason. Who proposed or added a source never approves its first run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain import harvest as rules
from ckanext.govopen.logic import audit, mail
from ckanext.govopen.logic import harvest_sources as keeping
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.model import harvest as store
from ckanext.govopen.model import harvest_mail as readers
from ckanext.govopen.model import jobs

TELL = "harvest.tell"
LONGEST_WORDS = 1_000
Row = Mapping[str, Any]


def propose(session: Session, given: Mapping[str, Any], unit_id: str, person: str) -> str:
    """Keeps a proposal in the caller's transaction; one of the unit's own by this name is replaced.

    Raises:
        tk.ValidationError: `harvest.E20` … `harvest.E28`, `harvest.E65` without a reason.
    """
    row = {
        **keeping.described(given, unit_id, is_whole=False),
        "state": "proposed",
        "reason": _words(given, "reason"),
        "answer": None,
        "created_by": person,
        "proposed_by": person,
    }
    earlier = store.source(session, row["name"])
    if _is_own_proposal(earlier, unit_id):
        source_id = str(earlier["id"])  # type: ignore[index]
        store.change_source(session, source_id, **row)
    else:
        source_id = keeping.put(session, row)
    _decided(session, "proposed", source_id, person, row)
    return source_id


def _is_own_proposal(earlier: Row | None, unit_id: str) -> bool:
    return (
        earlier is not None
        and earlier["state"] in rules.PROPOSALS
        and earlier["unit_id"] == unit_id
    )


def _words(given: Mapping[str, Any], name: str) -> str:
    words = str(given.get(name) or "").strip()
    if not words or len(words) > LONGEST_WORDS:
        refuse("harvest.E65", name, most=LONGEST_WORDS)
    return words


def adopt(session: Session, source: Row, given: Mapping[str, Any], person: str) -> None:
    """Makes a proposal a source of whoever adds it, completed by what is given.

    Raises:
        tk.ValidationError: `harvest.E64` it is no proposal, `harvest.E60` its unit is no more,
            `harvest.E21` … `harvest.E23` for what is still missing.
    """
    if source["state"] not in rules.PROPOSALS:
        refuse("harvest.E64", value=str(source["name"]))
    if source["is_dissolved"]:
        refuse("harvest.E60", value=str(source["name"]), unit=str(source["unit_name"]))
    whole = {"settings": dict(source["settings"]), **given}
    added = {"state": "active", "created_by": person, "answer": None}
    keeping.change(session, {**source, **added}, whole, person, beside=added)
    _decided(session, "adopted", source["id"], person, {**source, "reason": None})


def decline(session: Session, source: Row, given: Mapping[str, Any], person: str) -> None:
    """Says no to a proposal, also to one that was added and has brought nothing yet.

    Raises:
        tk.ValidationError: `harvest.E64` it is none, `harvest.E65` without a reason.
    """
    if not keeping.may_be_declined(source):
        refuse("harvest.E64", value=str(source["name"]))
    words = _words(given, "reason")
    keeping.end_open_run(session, source["id"])
    store.change_source(session, source["id"], state="declined", answer=words, secret_id=None,
                        next_run_at=None)  # fmt: skip
    if source["secret_id"]:
        store.forget_secret(session, source["secret_id"])
    _decided(session, "declined", source["id"], person, {**source, "reason": words})


# --- who is told --------------------------------------------------------------------------------


def _decided(session: Session, what: str, source_id: str, person: str, row: Row) -> None:
    """Records what was decided, and leaves the mail about it to a worker."""
    facts = {name: str(row[name]) for name in ("name", "kind", "unit_id", "proposed_by")}
    audit.note(session, f"harvest.source_{what}", f"harvest_source:{source_id}", actor=person,
               reason=row["reason"], details=facts)  # fmt: skip
    jobs.enqueue(session, TELL, {"source": source_id}, f"{TELL}.{source_id}")


def tell(session: Session, source_id: str) -> int:
    """Mails who has to know how a proposal stands now: where it is, and nothing of what it says.

    Returns:
        mails that the server took; the pages say the same whether it does or not.
    """
    source = store.source(session, source_id)
    if source is None or source["state"] == "removed":
        return 0
    where = tk.url_for("govopen_harvest.source", name=source["name"], _external=True)
    people, subject = _concerned(session, source)
    mail.put(session, people, subject, f"{subject}\n{where}")
    session.commit()
    return mail.send_waiting(session)


def _concerned(session: Session, source: Row) -> tuple[Sequence[str], str]:
    proposer = [str(source["proposed_by"])]
    if source["state"] == "proposed":
        return readers.authorities(session), tk._("A harvest source was proposed")
    if source["state"] == "declined":
        return proposer, tk._("Your proposal of a harvest source was declined")
    return proposer, tk._("Your proposal of a harvest source was added")
