"""Writing to a register: entry versions go to the log, the projection follows at once."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from hashlib import sha256

from sqlalchemy.orm import Session

import ckan.model as model

from ckanext.govopen.clock import SITE_ZONE
from ckanext.govopen.domain import registers as rules
from ckanext.govopen.domain.inventory import split_visibility
from ckanext.govopen.domain.register_types import RegisterType, links_of, split_private
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.logic.register_types import register_type as register_type_of
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import adjustments as drafts
from ckanext.govopen.model import inventory as projection
from ckanext.govopen.model import register_proof as proof
from ckanext.govopen.model import registers as store
from ckanext.govopen.model import spans

INVENTORY = "data_inventory"
SALT_BYTES = 16


@dataclass(frozen=True)
class Act:
    """Who changes a register, when, on what basis and why: no list change without them."""

    actor: str
    at: datetime
    basis: str
    reason: str
    import_id: str | None = None


@dataclass(frozen=True)
class EntryChange:
    """The new content of one entry.

    Args:
        change: a code of the vocabulary `register_change`, less `publish`.
        fields: values by field name; no floats, ASCII names.
        ordinal: running number in its file, shown and never compared.
        warnings: findings to show beside the row, `blocks` true where they keep it a draft.
        status, effective_on, extra, corrects: what an adjustment says of an entry of the other
            types; an entry of the inventory says the first three where it moves to another unit.
    """

    entry_code: str
    change: str
    fields: Mapping[str, object]
    res_code: str | None = None
    source_id: str = "file"
    source_key: str | None = None
    ordinal: str | None = None
    warnings: Sequence[Mapping[str, object]] = field(default_factory=tuple)
    status: str = "in_force"
    effective_on: date | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
    corrects: int | None = None


def fields_hash(fields: Mapping[str, object]) -> str:
    """SHA-256 of the canonical bytes of an entry's fields: equal means unchanged."""
    return sha256(rules.canonical(fields)).hexdigest()


def write(
    session: Session,
    register_id: str,
    changes: Iterable[EntryChange],
    act: Act,
    register_type: str = INVENTORY,
    *,
    moves: bool = False,
) -> int:
    """Appends entry versions to a register that the caller has locked, and projects them.

    What an adjustment of another type than the inventory says is projected when it is public, and
    so is an entry of the inventory that `moves` to another unit.

    Returns:
        how many log rows were written.
    """
    head = store.heads(session, [register_id])[register_id]
    if register_type != INVENTORY:
        shape = partial(_typed, register_type_of(register_type))
        return store.append(session, _log_rows(register_id, head, changes, act, shape))
    if moves:
        return store.append(session, _log_rows(register_id, head, changes, act, _of_inventory))
    after = projection.last_seq(session)
    written = store.append(session, _log_rows(register_id, head, changes, act, _of_inventory))
    projection.project(session, [register_id], after)
    return written


_Parts = tuple[dict[str, object], dict[str, object]]


def _of_inventory(change: EntryChange) -> _Parts:
    """Public and private part of an entry of the inventory."""
    shown, hidden = split_visibility(change.fields)
    moved = _said_of(change) if change.change == "transfer" else {}
    return {"fields": shown, **moved}, {
        "fields": hidden,
        "fields_hash": fields_hash(change.fields),
        "ordinal": change.ordinal,
        "res_code": change.res_code,
        "source_id": change.source_id,
        "source_key": change.source_key,
        "warnings": list(change.warnings),
    }


def _said_of(change: EntryChange) -> dict[str, object]:
    """What an adjustment says of an entry beside its content."""
    said: dict[str, object] = {
        "status": change.status,
        "effective_on": str(change.effective_on),
    }
    return {**said, "extra": dict(change.extra)} if change.extra else said


def _typed(kind: RegisterType, change: EntryChange) -> _Parts:
    """Public and private part of an entry whose type is a file."""
    shown, hidden = split_private(kind, change.fields)
    links = links_of(kind, shown)
    said: dict[str, object] = {"fields": shown, **_said_of(change)}
    if change.corrects is not None:
        said["corrects"] = change.corrects
    if links:
        said["links"] = [[link.field, link.to_type, link.to_code] for link in links]
    return said, {"fields": hidden}


def _log_rows(
    register_id: str,
    head: tuple[int, str],
    changes: Iterable[EntryChange],
    act: Act,
    shape: Callable[[EntryChange], _Parts],
) -> Iterator[tuple[object, ...]]:
    position, prev_hash = head
    for change in changes:
        position += 1
        said, kept = shape(change)
        public = {
            **_facts(register_id, position, act),
            "change": change.change,
            "entry": change.entry_code,
            "kind": "entry",
            **said,
        }
        row = _chained(position, prev_hash, public, {"actor": act.actor, **kept})
        prev_hash = row.link.hash
        yield _columns(register_id, "entry", change.entry_code, change.change, act, row)


@dataclass(frozen=True)
class _Chained:
    link: rules.Link
    public: bytes
    salt: bytes
    private: bytes


def _chained(
    position: int, prev_hash: str, public: Mapping[str, object], private: Mapping[str, object]
) -> _Chained:
    public_bytes, private_bytes = rules.canonical(public), rules.canonical(private)
    salt = secrets.token_bytes(SALT_BYTES)
    link = rules.link(position, prev_hash, public_bytes, salt, private_bytes)
    return _Chained(link, public_bytes, salt, private_bytes)


def _facts(register_id: str, position: int, act: Act) -> dict[str, object]:
    return {
        "at": act.at.isoformat(),
        "basis": act.basis,
        "position": position,
        "reason": act.reason,
        "register": register_id,
    }


def _columns(
    register_id: str,
    kind: str,
    entry_code: str | None,
    change: str,
    act: Act,
    row: _Chained,
    version_id: str | None = None,
) -> tuple[object, ...]:
    """Values in the order of `model.registers.LOG_COLUMNS`."""
    return (
        register_id,
        row.link.position,
        kind,
        entry_code,
        change,
        act.import_id,
        act.at,
        act.actor,
        act.basis,
        act.reason,
        version_id,
        row.public,
        row.salt,
        row.private,
        row.link.private_hash,
        row.link.prev_hash,
        row.link.hash,
    )


@dataclass(frozen=True)
class NoticeFacts:
    """What the notice of a version says beside basis, reason and entries."""

    basis_doc: str | None = None
    requested_on: date | None = None
    approved_on: date | None = None
    prose: str | None = None


def stage_version(
    session: Session,
    register_id: str,
    entry_codes: Sequence[str],
    act: Act,
    effective_on: date,
    notice: NoticeFacts | None = None,
) -> str:
    """Puts the newest content of these entries into a new version that waits for its review."""
    said = notice or NoticeFacts()
    version_id = store.add_version(
        session,
        {
            "register_id": register_id,
            "import_id": act.import_id,
            "basis": act.basis,
            "reason": act.reason,
            "effective_on": effective_on,
            "actor": act.actor,
            "basis_doc": said.basis_doc,
            "requested_on": said.requested_on,
            "approved_on": said.approved_on,
            "prose": said.prose,
        },
    )
    store.fill_version(session, version_id, entry_codes)
    return version_id


def published_types(session: Session) -> list[str]:
    """Types of which some unit has published a list, in the order of their vocabulary."""
    return store.published_types(session, vocabulary("register_type").codes)


def authorities(session: Session, version_ids: Sequence[str]) -> set[str]:
    """The roles that approve the lists of these versions."""
    return {authority_of(kind) for kind in store.types_of(session, version_ids)}


def authority_of(register_type: str) -> str:
    """The role that approves a list of a type."""
    if register_type == INVENTORY:
        return "data_authority"
    return register_type_of(register_type).authority_role


def submit_version(session: Session, version_id: str) -> None:
    """Called when the version's case is submitted: its drafts are in review."""
    projection.set_status(session, version_id, "draft", "in_review")


def set_approved_on(session: Session, version_ids: Sequence[str], day: date) -> None:
    """The day on which the register authority approved, as typed at its step of the review."""
    store.set_approved_on(session, version_ids, day)


def return_version(session: Session, version_id: str) -> None:
    """Called when the version's case comes back: its entries are drafts again."""
    projection.set_status(session, version_id, "in_review", "draft")
    drafts.follow_version(session, version_id, "editing")


def publish_version(
    session: Session, version_id: str, actor: str, at: datetime
) -> Mapping[str, object]:
    """Numbers an approved version, records the publishing in the chain, projects it.

    The caller sets the review row to published afterwards, in the same transaction.

    Returns:
        the version with its unit and type, and the codes of its entries.
    """
    version = store.version(session, version_id)
    register_id = str(version["register_id"])
    store.lock(session, [register_id])
    _refuse_moved(session, version_id, str(version["register_type"]))
    number = store.number_version(session, version_id, register_id)
    notice_no = store.next_notice(session, version_id, str(version["unit_id"]), at)
    act = Act(actor, at, str(version["basis"]), str(version["reason"]))
    _chain_publishing(session, version, act, number, notice_no)
    if version["register_type"] == INVENTORY:
        projection.take_over(session, version_id)
        projection.activate(session, version_id, at.astimezone(SITE_ZONE).date())
    drafts.follow_version(session, version_id, "published")
    codes = store.version_codes(session, version_id)
    return {
        "unit_id": version["unit_id"],
        "register_type": version["register_type"],
        "number": number,
        "entry_codes": codes,
    }


def _chain_publishing(
    session: Session, version: Mapping[str, object], act: Act, number: int, notice_no: str
) -> None:
    """The row of the log by which a version is public."""
    register_id, version_id = str(version["register_id"]), str(version["id"])
    position, prev_hash = store.heads(session, [register_id])[register_id]
    approved_on = version["approved_on"]
    public = {
        **_facts(register_id, position + 1, act),
        "approved_on": None if approved_on is None else str(approved_on),
        "content": store.version_hash(session, version_id),
        "effective_on": str(version["effective_on"]),
        "kind": "publish",
        "notice_no": notice_no,
        "number": number,
        "version": version_id,
    }
    row = _chained(position + 1, prev_hash, public, {"actor": act.actor})
    columns = _columns(register_id, "publish", None, "publish", act, row, version_id)
    store.append(session, [columns])


def _refuse_moved(session: Session, version_id: str, register_type: str) -> None:
    """What somebody else wrote or published of the same entries since is not overwritten.

    Raises:
        tk.ValidationError: E18 that is so, E50 as `refuse_keys_taken` says.
    """
    is_inventory = register_type == INVENTORY
    moved = (projection.changed_since if is_inventory else drafts.moved_since)(session, version_id)
    if moved:
        refuse("registers.E18", "entries", entries=moved)
    if is_inventory:
        refuse_keys_taken(session, version_id)


def refuse_keys_taken(session: Session, version_id: str) -> None:
    """An inventory has one entry for each key of a source, also when entries come to it.

    Raises:
        tk.ValidationError: E50 the one that is received has the key of one that is there.
    """
    if taken := projection.keys_taken(session, version_id):
        refuse("registers.E50", "entries", entries=list(taken), others=list(taken.values()))


@dataclass(frozen=True)
class Verified:
    """Whether a list is what was recorded and published.

    Args:
        position: the first row of the log whose bytes or place are not; None where the log holds.
        entry_code: its entry, or the first of which the list says otherwise than the log.
    """

    holds: bool
    position: int | None = None
    entry_code: str | None = None


def verify(session: Session, register_id: str) -> Verified:
    """Hashes every stored row again, then compares what the list shows with the rows."""
    broken = store.first_broken(session, register_id)
    if broken is not None:
        return Verified(False, *broken)
    differing = proof.first_differing(session, register_id)
    return Verified(differing is None, entry_code=differing)


def rebuild() -> Mapping[str, int]:
    """Projects the newest content of every entry anew from the log and compares.

    Returns:
        how many entries of the inventory and registers of any type there are, and how many of
        them the log says otherwise than the tables did.
    """
    session = model.Session
    before = projection.fingerprints(session)
    projection.project(session, store.all_registers(session, INVENTORY), 0)
    after = projection.fingerprints(session)
    session.commit()
    differing = sum(1 for code, mark in after.items() if before.get(code) not in (None, mark))
    registers = store.all_registers(session)
    moved = sum(_respan(session, register_id) for register_id in registers)
    return {
        "entries": len(after),
        "differing": differing,
        "registers": len(registers),
        "registers_differing": moved,
    }


def _respan(session: Session, register_id: str) -> bool:
    """Whether what one register said when was not what its log says; each in its transaction."""
    before = spans.mark(session, register_id)
    spans.rebuild(session, register_id)
    is_moved = before != spans.mark(session, register_id)
    session.commit()
    return is_moved
