"""The scan of records: their files and their texts, each looked at once, and what people say of it.

A file is scanned once by its SHA-256, the texts of a record once by theirs, whoever shows them.
Small ones are read at once, larger ones by the job `scan.run` while their case waits. Everything
works inside the caller's transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import config
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.review import Actor
from ckanext.govopen.domain.scan import LISTED, VERSION, shares_none
from ckanext.govopen.domain.scan_find import matches
from ckanext.govopen.domain.scan_patterns import PATTERNS
from ckanext.govopen.domain.scan_text import fold
from ckanext.govopen.logic import audit, blobs, files, scan_process, scan_reader
from ckanext.govopen.logic.errors import absent, refuse
from ckanext.govopen.model import accounts as account_store
from ckanext.govopen.model import jobs
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import scan as store

TASK = "scan.run"
AT_ONCE_BYTES = 8 << 20  # of all files of one call; a second or less on a small machine
AT_ONCE_SECONDS = 60  # of a batch with many files
FILE_AT_ONCE_SECONDS = 10
UNSCANNED = "unscanned"
_KEY_PURPOSE = b"govopen scan"


@dataclass(frozen=True)
class Subject:
    """Something to scan: bytes on disk, or the texts of a record.

    Args:
        name: what the scan is kept under.
        resource_id: the resource that shows the bytes.
        label: what a person calls it: the file's name; empty for the texts.
        size: of a file, in bytes.
        texts: of a record, by the name of the field.
    """

    name: str
    label: str = ""
    size: int = 0
    resource_id: str | None = None
    texts: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Record:
    """A dataset or a revision, what of it is scanned, and the names of its data items.

    Args:
        fields: of the dataset, those in its extras as texts.
    """

    id: str
    unit_id: str
    subjects: tuple[Subject, ...]
    declared: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Subject, ...]:
        return tuple(one for one in self.subjects if one.texts is None)

    def listed(self, name: str) -> Sequence[Any]:
        """A field of the dataset that is a list."""
        value = (self.fields.get("extras") or {}).get(name) or []
        return (_parsed(value) or []) if isinstance(value, str) else list(value)


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
    unit_id: str
    subject: str
    label: str
    resource_id: str | None
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


def records_of(session: Session, record_ids: Sequence[str]) -> list[Record]:
    """Datasets and revisions with their files and texts; a record of another kind is left out."""
    found = []
    for row in store.contents(session, record_ids):
        _, package, resources, tags, _ = row["content"]
        files_, described = [], []
        for resource, sha256, size, filename, _, views in resources or []:
            described.append({"resource": resource, "filename": filename, "views": views})
            if sha256:
                label = str(resource.get("name") or filename)
                files_.append(Subject(str(sha256), label, int(size), str(resource["id"])))
        named = tuple(str(name) for _, name in tags or [])
        words = {**package, "tags": list(named), "resources": described}
        subjects = (_texts_of(words), *files_)
        record = Record(str(row["id"]), str(row["unit_id"]), subjects, fields=package, tags=named)
        found.append(replace(record, declared=tuple(_declared(record))))
    return found


def _declared(record: Record) -> Iterator[str]:
    """Names of the data items of a dataset, in both languages."""
    for one in record.listed("items"):
        yield from (str(one[name]) for name in ("name_zh", "name_en") if one.get(name))


def _texts_of(words: Mapping[str, Any]) -> Subject:
    texts = dict(_flat("", words))
    body = json.dumps(texts, ensure_ascii=False, sort_keys=True)
    return Subject(f"meta:{hashlib.sha256(body.encode()).hexdigest()}", texts=texts)


# Identifiers and digests that the system makes: their digits mean nothing.
_NO_TEXT = frozenset(
    [
        "id",
        "owner_org",
        "package_id",
        "resource_id",
        "license_id",
        "type",
        "view_type",
        "url_type",
        "hash",
        "size",
        "mimetype",
        "order",
        "entry_codes",
    ]
)


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


def scan(session: Session, record_ids: Sequence[str]) -> list[Record]:
    """Scans what no scan has seen yet: texts and small files now, the rest by a job.

    Returns:
        the records.
    """
    records = records_of(session, record_ids)
    later = _scan(session, records, _AtOnce())
    if later:
        jobs.enqueue(session, TASK, {"records": later}, f"{TASK}:{later[0]}:{len(later)}")
    return records


def run(session: Session, record_ids: Sequence[str]) -> None:
    """Scans everything of these records, however large it is: the work of the job."""
    _scan(session, records_of(session, record_ids), None)


class _AtOnce:
    """What is read while somebody waits: few bytes, and no file that is slow on purpose."""

    def __init__(self) -> None:
        self._bytes = 0
        self._until = time.monotonic() + AT_ONCE_SECONDS

    def read(self, path: Path, size: int, key_: bytes) -> Mapping[str, Any] | None:
        """What the scan finds in a file; None for one that is left for later."""
        self._bytes += size
        left = self._until - time.monotonic()
        if self._bytes > AT_ONCE_BYTES or left <= 0:
            return None
        try:
            return scan_process.read(path, key_, min(left, FILE_AT_ONCE_SECONDS))
        except scan_process.TooSlowError:
            return None


def _scan(session: Session, records: Sequence[Record], at_once: _AtOnce | None) -> list[str]:
    """Returns the records of which files are left."""
    every = {one.name: one for record in records for one in record.subjects}
    seen = store.known(session, list(every), VERSION)
    key_, left = key(), set()
    for subject in sorted(every.values(), key=lambda one: one.size):
        if subject.name in seen:
            continue
        answer = _answer(subject, key_, at_once)
        if answer is None:
            left.add(subject.name)
        else:
            store.add(session, subject.name, VERSION, answer)
    return [one.id for one in records if any(part.name in left for part in one.subjects)]


def _answer(subject: Subject, key_: bytes, at_once: _AtOnce | None) -> Mapping[str, Any] | None:
    if subject.texts is not None:
        return scan_reader.metadata_answer(subject.texts, key_)
    path = blobs.path_of(files.folder(), subject.name)
    return at_once.read(path, subject.size, key_) if at_once else scan_process.read(path, key_)


# --- what was found -------------------------------------------------------------------------------


def hits_of(session: Session, case_id: str) -> list[Hit]:
    """The findings of a case; what is not scanned yet counts as a critical one."""
    records = review_store.records(session, case_id)
    return hits_of_records(session, [str(row["record_id"]) for row in records])


def hits_of_records(session: Session, record_ids: Sequence[str]) -> list[Hit]:
    """The findings of records, the gravest first."""
    return hits_in(session, records_of(session, record_ids))


def hits_in(session: Session, records: Sequence[Record]) -> list[Hit]:
    """As `hits_of_records`, of records that are read already."""
    names = sorted({one.name for record in records for one in record.subjects})
    seen = store.known(session, names, VERSION)
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in store.hits(session, names, VERSION):
        rows.setdefault(str(row["subject"]), []).append(row)
    said = _Said(session, records) if rows else None
    found: list[Hit] = []
    for record in records:
        for subject in record.subjects:
            if subject.name not in seen:
                found.append(_unscanned(record, subject))
            elif said is not None:
                found += [_hit(record, subject, row, said) for row in rows.get(subject.name, ())]
    return sorted(found, key=lambda one: _GRAVEST_FIRST.index(one.severity))


_GRAVEST_FIRST = ("critical", "high", "med", "info")


class _Said:
    """What people have said of findings in some records, and the numbers that their units list."""

    def __init__(self, session: Session, records: Sequence[Record]) -> None:
        self._cleared: dict[tuple[object, ...], list[tuple[str, bool]]] = {}
        for row in store.clearances(session, [one.id for one in records]):
            place = (str(row["record_id"]), *_place(row))
            said = (str(row["person"]), bool(row["is_carried"]))
            self._cleared.setdefault(place, []).append(said)
        self._lawful: dict[str, set[str]] = {}
        for row in store.allowances(session, sorted({one.unit_id for one in records})):
            self._lawful.setdefault(str(row["unit_id"]), set()).add(str(row["digest"]))

    def cleared_by(self, record: Record, row: Mapping[str, Any]) -> tuple[str, ...]:
        """People, in their order; of a critical finding only those of the present case."""
        said = self._cleared.get((record.id, *_place(row)), ())
        is_critical = row["severity"] == "critical"
        return tuple(person for person, is_carried in said if not (is_carried and is_critical))

    def is_lawful(self, record: Record, row: Mapping[str, Any]) -> bool:
        """All values are numbers that the unit lists."""
        listed = self._lawful.get(record.unit_id, set())
        return bool(row["digests"]) and set(row["digests"]) <= listed


def _place(row: Mapping[str, Any]) -> tuple[str, str, str | None, int | None]:
    """What a clearance is for: it holds as long as the same bytes say the same thing."""
    return str(row["subject"]), str(row["pattern"]), row["sheet"], row["column_no"]


def _unscanned(record: Record, subject: Subject) -> Hit:
    return Hit(
        id=None,
        record_id=record.id,
        unit_id=record.unit_id,
        subject=subject.name,
        label=subject.label,
        resource_id=subject.resource_id,
        pattern=UNSCANNED,
        severity="critical",
    )


def _hit(record: Record, subject: Subject, row: Mapping[str, Any], said: _Said) -> Hit:
    is_allowed = said.is_lawful(record, row)
    return Hit(
        id=int(row["id"]),
        record_id=record.id,
        unit_id=record.unit_id,
        subject=subject.name,
        label=subject.label,
        resource_id=subject.resource_id,
        pattern=str(row["pattern"]),
        severity="info" if is_allowed else str(row["severity"]),
        sheet=row["sheet"],
        column_no=row["column_no"],
        column_name=row["column_name"],
        hits=int(row["hits"]),
        rows=int(row["rows"]),
        cells=tuple(row["cells"]),
        cleared_by=said.cleared_by(record, row),
        is_allowed=is_allowed,
    )


@dataclass(frozen=True)
class Foreign:
    """A file none of whose columns is a declared data item of its dataset.

    Args:
        columns: headings of its tables, masked.
        declared: names of the data items.
    """

    record_id: str
    unit_id: str
    resource_id: str | None
    label: str
    columns: tuple[str, ...]
    declared: tuple[str, ...]


def foreign_among(session: Session, every: Sequence[Record]) -> list[Foreign]:
    """Scanned files of records that look like those of another dataset."""
    records = [one for one in every if one.declared]
    names = sorted({one.name for record in records for one in record.subjects})
    scanned = store.scans(session, names, VERSION)
    found = []
    for record in records:
        for one in record.subjects:
            columns = tuple(scanned[one.name]["columns"]) if one.name in scanned else ()
            if shares_none(columns, record.declared):
                found.append(
                    Foreign(
                        record.id, record.unit_id, one.resource_id, one.label, columns,
                        record.declared,
                    )
                )  # fmt: skip
    return found


def is_complete(session: Session, case_id: str) -> bool:
    """True when every file and text of a case has been scanned."""
    ids = [str(row["record_id"]) for row in review_store.records(session, case_id)]
    names = {one.name for record in records_of(session, ids) for one in record.subjects}
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
    case = review_store.lock_case(session, case_id)  # a decision reads the findings under it too
    found = [hit for hit in hits_of(session, case_id) if hit.id == hit_id]
    if case is None or not found:
        absent()
    if any(_is_one_of(session, actor, hit.cleared_by, case["created_at"]) for hit in found):
        refuse("scan.E2", "hit")
    act = "confirmed" if all(hit.cleared_by for hit in found) else "cleared"
    if not actor.roles & (CONFIRMING if act == "confirmed" else CLEARING):
        refuse("scan.E3", "hit")
    _say(session, case_id, found, actor, act, reason.strip())
    return act


def _is_one_of(session: Session, actor: Actor, people: Sequence[str], since: datetime) -> bool:
    """Whether a person is among others.

    A deputy and the one represented are one person for the whole of a case, also when the
    deputyship has ended since.
    """
    return actor.person in people or account_store.stood_for_each_other(
        session, actor.person, people, since
    )


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
        `{id, pattern, masked}`; of a number that is listed already, those of before.
    """
    found = [one for one in matches(fold(value)) if one.code == pattern and one.passes]
    if pattern not in LISTED or len(found) != 1:
        refuse("scan.E4", "value", pattern=pattern if pattern in LISTED else "–")
    masked = PATTERNS[pattern].mask(found[0].value)
    digest = scan_reader.digest(key(), pattern, found[0].value)
    allowance_id = store.add_allowance(
        session,
        unit_id=unit_id,
        pattern=pattern,
        digest=digest,
        masked=masked,
        reason=reason,
        person=person,
    )
    if allowance_id is None:
        listed = store.listed_allowance(session, unit_id, pattern, digest)
        return {"id": listed, "pattern": pattern, "masked": masked}
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
