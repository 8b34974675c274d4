"""The scan of records: their files and their texts, each looked at once, and what people say of it.

A file is scanned once by its SHA-256, the texts of a record once by theirs, whoever shows them.
Small ones are read at once, larger ones by the job `scan.run` while their case waits. Everything
works inside the caller's transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import config
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.review import Actor
from ckanext.govopen.domain.scan import LISTED, VERSION
from ckanext.govopen.domain.scan_find import matches
from ckanext.govopen.domain.scan_patterns import PATTERNS
from ckanext.govopen.domain.scan_text import fold
from ckanext.govopen.logic import audit, blobs, files, scan_process, scan_reader
from ckanext.govopen.logic.errors import absent, refuse
from ckanext.govopen.model import jobs
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import scan as store

TASK = "scan.run"
AT_ONCE_BYTES = 8 << 20  # of all files of one call; a second or less on a small machine
UNSCANNED = "unscanned"
_KEY_PURPOSE = b"govopen scan"


@dataclass(frozen=True)
class Subject:
    """Something to scan: bytes on disk, or the texts of a record.

    Args:
        name: what the scan is kept under.
        label: what a person calls it: the file's name; empty for the texts.
        size: of a file, in bytes.
        texts: of a record, by the name of the field.
    """

    name: str
    label: str = ""
    size: int = 0
    texts: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Hit:
    """One finding in one record, as the rules of the review ask for it.

    Args:
        id: of the finding, None for what is not scanned yet.
        cleared_by: people who said, with a reason, that it is none; in their order.
        is_allowed: all its values are on the unit's list of lawful ones.
    """

    id: int | None
    record_id: str
    subject: str
    label: str
    pattern: str
    severity: str
    sheet: str | None = None
    column_no: int | None = None
    column_name: str | None = None
    hits: int = 0
    rows: int = 0
    cells: tuple[Mapping[str, Any], ...] = ()
    cleared_by: tuple[str, ...] = ()
    is_allowed: bool = False


def key() -> bytes:
    """The key under which values are named without telling them."""
    return hmac.new(config.secret_key(), _KEY_PURPOSE, hashlib.sha256).digest()


# --- what a record consists of --------------------------------------------------------------------


def subjects_of(session: Session, record_ids: Sequence[str]) -> dict[str, list[Subject]]:
    """The files and texts of records, by record; a record of another kind has none."""
    found: dict[str, list[Subject]] = {}
    for row in store.packages(session, record_ids):
        found[str(row["id"])] = [_texts_of(row), *_files_of(row)]
    return found


def _files_of(row: Mapping[str, Any]) -> Iterator[Subject]:
    for resource in row["resources"] or []:
        if resource["sha256"]:
            label = str(resource["name"] or resource["filename"])
            yield Subject(str(resource["sha256"]), label, int(resource["size"]))


def _texts_of(row: Mapping[str, Any]) -> Subject:
    texts = dict(_flat("", {name: value for name, value in row.items() if name not in _NO_TEXT}))
    body = json.dumps(texts, ensure_ascii=False, sort_keys=True)
    return Subject(f"meta:{hashlib.sha256(body.encode()).hexdigest()}", texts=texts)


_NO_TEXT = frozenset({"id", "owner_org", "sha256", "size", "entry_codes"})


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Texts by the path of their names; JSON kept as text is taken apart as well."""
    if isinstance(value, str):
        parsed = _parsed(value)
        if parsed is None:
            if value.strip():
                yield name, value
            return
        value = parsed
    if isinstance(value, Mapping):
        for key_, inner in value.items():
            if key_ not in _NO_TEXT:
                yield from _flat(f"{name}.{key_}" if name else str(key_), inner)
    elif isinstance(value, (list, tuple)):
        for number, inner in enumerate(value, 1):
            yield from _flat(f"{name}.{number}", inner)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield name, str(value)


def _parsed(value: str) -> Any:
    if value[:1] not in "[{":
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


# --- scanning -------------------------------------------------------------------------------------


def scan(session: Session, record_ids: Sequence[str]) -> None:
    """Scans what no scan has seen yet: texts and small files now, the rest by a job."""
    later = _scan(session, record_ids, AT_ONCE_BYTES)
    if later:
        jobs.enqueue(session, TASK, {"records": later}, f"{TASK}:{later[0]}:{len(later)}")


def run(session: Session, record_ids: Sequence[str]) -> None:
    """Scans everything of these records, however large it is: the work of the job."""
    _scan(session, record_ids, None)


def _scan(session: Session, record_ids: Sequence[str], most_bytes: int | None) -> list[str]:
    """Returns the records of which files are left."""
    of_record = subjects_of(session, record_ids)
    every = {one.name: one for found in of_record.values() for one in found}
    seen = store.known(session, list(every), VERSION)
    key_, left, spent = key(), set(), 0
    for subject in sorted(every.values(), key=lambda one: one.size):
        if subject.name in seen:
            continue
        spent += subject.size
        if most_bytes is not None and spent > most_bytes:
            left.add(subject.name)
            continue
        store.add(session, subject.name, VERSION, _answer(subject, key_))
    return [
        record_id
        for record_id, found in of_record.items()
        if any(one.name in left for one in found)
    ]


def _answer(subject: Subject, key_: bytes) -> Mapping[str, Any]:
    if subject.texts is not None:
        return scan_reader.metadata_answer(subject.texts, key_)
    return scan_process.read(blobs.path_of(files.folder(), subject.name), key_)


# --- what was found -------------------------------------------------------------------------------


def hits_of(session: Session, case_id: str) -> list[Hit]:
    """The findings of a case; what is not scanned yet counts as a critical one."""
    records = review_store.records(session, case_id)
    return hits_of_records(session, [str(row["record_id"]) for row in records])


def hits_of_records(session: Session, record_ids: Sequence[str]) -> list[Hit]:
    """The findings of records, the gravest first."""
    of_record = subjects_of(session, record_ids)
    names = sorted({one.name for found in of_record.values() for one in found})
    seen = store.known(session, names, VERSION)
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in store.hits(session, names, VERSION):
        rows.setdefault(str(row["subject"]), []).append(row)
    cleared = _cleared(session, record_ids)
    lawful = _lawful(session, record_ids, rows)
    found: list[Hit] = []
    for record_id, subjects in of_record.items():
        for subject in subjects:
            if subject.name not in seen:
                found.append(_unscanned(record_id, subject))
            found += [
                _hit(
                    record_id,
                    subject,
                    row,
                    cleared.get((record_id, *_place(row)), ()),
                    is_allowed=_is_lawful(row, lawful.get(record_id, frozenset())),
                )
                for row in rows.get(subject.name, ())
            ]
    return sorted(found, key=lambda one: _GRAVEST_FIRST.index(one.severity))


_GRAVEST_FIRST = ("critical", "high", "med", "info")


def _place(row: Mapping[str, Any]) -> tuple[str, str, str | None, int | None]:
    """What a clearance is for: it holds as long as the same bytes say the same thing."""
    return str(row["subject"]), str(row["pattern"]), row["sheet"], row["column_no"]


def _cleared(session: Session, record_ids: Sequence[str]) -> dict[Any, tuple[str, ...]]:
    found: dict[Any, tuple[str, ...]] = {}
    for row in store.clearances(session, record_ids):
        place = (str(row["record_id"]), *_place(row))
        found[place] = (*found.get(place, ()), str(row["person"]))
    return found


def _lawful(
    session: Session, record_ids: Sequence[str], rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, frozenset[str]]:
    """Digests of the numbers that the unit of each record lists as lawful."""
    if not any(row["digests"] for found in rows.values() for row in found):
        return {}
    units = store.units_of(session, record_ids)
    listed: dict[str, set[str]] = {}
    for row in store.allowances(session, sorted(set(units.values()))):
        listed.setdefault(str(row["unit_id"]), set()).add(str(row["digest"]))
    return {record: frozenset(listed.get(unit, ())) for record, unit in units.items()}


def _is_lawful(row: Mapping[str, Any], lawful: frozenset[str]) -> bool:
    return bool(row["digests"]) and set(row["digests"]) <= lawful


def _unscanned(record_id: str, subject: Subject) -> Hit:
    return Hit(None, record_id, subject.name, subject.label, UNSCANNED, "critical")


def _hit(
    record_id: str,
    subject: Subject,
    row: Mapping[str, Any],
    cleared_by: tuple[str, ...],
    *,
    is_allowed: bool,
) -> Hit:
    return Hit(
        id=int(row["id"]),
        record_id=record_id,
        subject=subject.name,
        label=subject.label,
        pattern=str(row["pattern"]),
        severity="info" if is_allowed else str(row["severity"]),
        sheet=row["sheet"],
        column_no=row["column_no"],
        column_name=row["column_name"],
        hits=int(row["hits"]),
        rows=int(row["rows"]),
        cells=tuple(row["cells"]),
        cleared_by=cleared_by,
        is_allowed=is_allowed,
    )


def is_complete(session: Session, case_id: str) -> bool:
    """True when every file and text of a case has been scanned."""
    ids = [str(row["record_id"]) for row in review_store.records(session, case_id)]
    names = {one.name for found in subjects_of(session, ids).values() for one in found}
    return names <= store.known(session, sorted(names), VERSION)


def is_clean(session: Session, record_id: str) -> bool:
    """True when everything is scanned and nothing was found that anybody would have to look at."""
    return all(hit.severity == "info" for hit in hits_of_records(session, [record_id]))


# --- what people say of it ------------------------------------------------------------------------


CLEARING = frozenset({"secrecy_reviewer"})
CONFIRMING = frozenset(rules.REVIEW_ROLES)


def clear(session: Session, case_id: str, hit_id: int, actor: Actor, reason: str) -> str:
    """A person says that a finding is none; a second one confirms a critical one.

    Args:
        actor: with the roles held for every unit of the case, or for their parent units.

    Returns:
        the act: `cleared` or `confirmed`.
    """
    if not reason.strip():
        refuse("scan.E1", "reason")
    found = [hit for hit in hits_of(session, case_id) if hit.id == hit_id]
    if not found:
        absent()
    if any(actor.person in hit.cleared_by for hit in found):
        refuse("scan.E2", "hit")
    act = "confirmed" if all(hit.cleared_by for hit in found) else "cleared"
    if not actor.roles & (CONFIRMING if act == "confirmed" else CLEARING):
        refuse("scan.E3", "hit")
    _say(session, case_id, found, actor, act, reason.strip())
    return act


def _say(
    session: Session, case_id: str, found: Sequence[Hit], actor: Actor, act: str, reason: str
) -> None:
    for hit in found:
        store.add_clearance(
            session,
            case_id=case_id,
            record_id=hit.record_id,
            subject=hit.subject,
            pattern=hit.pattern,
            sheet=hit.sheet,
            column_no=hit.column_no,
            person=actor.person,
            act=act,
            reason=reason,
        )
        audit.note(
            session,
            f"scan.{act}",
            f"record:{hit.record_id}",
            actor=actor.person,
            role=",".join(sorted(actor.roles)),
            reason=reason,
            details={"case_id": case_id, "scan_hit": hit.id, "pattern": hit.pattern},
        )


# --- numbers that are meant to be public ----------------------------------------------------------


def allow(
    session: Session, unit_id: str, pattern: str, value: str, *, person: str, reason: str
) -> dict[str, Any]:
    """Lists a number of a unit as lawful; what is kept is its digest and its masked form.

    Returns:
        `{id, pattern, masked}`.
    """
    found = [one for one in matches(fold(value)) if one.code == pattern and one.passes]
    if pattern not in LISTED or len(found) != 1:
        refuse("scan.E4", "value", pattern=pattern if pattern in LISTED else "–")
    masked = PATTERNS[pattern].mask(found[0].value)
    allowance_id = store.add_allowance(
        session,
        unit_id=unit_id,
        pattern=pattern,
        digest=scan_reader.digest(key(), pattern, found[0].value),
        masked=masked,
        reason=reason,
        person=person,
    )
    audit.note(
        session,
        "scan.allowed",
        f"unit:{unit_id}",
        actor=person,
        reason=reason,
        details={"allowance": allowance_id, "pattern": pattern, "masked": masked},
    )
    return {"id": allowance_id, "pattern": pattern, "masked": masked}


def disallow(session: Session, row: Mapping[str, Any]) -> None:
    """Takes a number off its unit's list."""
    store.revoke_allowance(session, str(row["id"]))
    audit.note(
        session,
        "scan.disallowed",
        f"unit:{row['unit_id']}",
        details={"allowance": str(row["id"]), "masked": str(row["masked"])},
    )
