"""Imports of an inventory: read, stage, match, apply, undo.

Checking writes only staging rows; applying is one transaction: it happens whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ckanext.govopen.domain import inventory as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.harvest import How, Meaning
from ckanext.govopen.domain.intake_header import FOLDED
from ckanext.govopen.domain.units import UnitFinder, read_unit_text
from ckanext.govopen.logic import registers, units
from ckanext.govopen.logic.export import FINDINGS_HEADING
from ckanext.govopen.logic.import_records import BLOCKING, finding_json, named_as
from ckanext.govopen.logic.intake import Column, Row, Table, read_table
from ckanext.govopen.logic.intake_proposals import MOST, proposals
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.model import imports as store
from ckanext.govopen.model import inventory as projection
from ckanext.govopen.model import registers as log

CONTACT_FIELDS = ("contact_name", "contact_phone", "contact_email")
JUDGED_ROWS = 20  # by which a column is judged that its heading does not tell


class ImportConflictError(Exception):
    """Somebody else wrote, or is writing, a register that this import touches.

    Attributes:
        actor: user id of that person.
        since: when they wrote or began.
    """

    def __init__(self, actor: str, since: datetime | None) -> None:
        super().__init__(f"{actor} is working on the same register")
        self.actor = actor
        self.since = since


@dataclass(frozen=True)
class Options:
    """How a file is to be read; every value may be left out.

    Args:
        unit: the unit of every row, when the file has no provider column.
        columns: header text -> field name, beyond what is recognised.
        constants: field name -> value for cells that are absent or empty.
        truncate: fields whose text is cut to its limit; the whole text stays in source_fields.
        key: header of the column that identifies a row.
    """

    unit: str | None = None
    sheet: str | None = None
    encoding: str | None = None
    create_units: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    truncate: Sequence[str] = ()
    key: str | None = None

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Options:
        known = {name: body[name] for name in cls.__dataclass_fields__ if name in body}
        return cls(**known)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class StagedRow:
    """One row of the file as it goes to the staging table, or to the register."""

    number: int
    unit_id: str | None
    unit_text: str | None
    source_key: str | None
    res_code: str | None
    fields: Mapping[str, object]
    source: Sequence[Sequence[str]]
    findings: Sequence[Finding]
    is_rejected: bool
    is_draft: bool

    def values(self, import_id: str) -> tuple[object, ...]:
        return (
            import_id,
            self.number,
            self.unit_id,
            self.unit_text,
            self.source_key,
            self.res_code,
            self.fields.get("name"),
            "rejected" if self.is_rejected else "created",
            self.is_draft,
            dict(self.fields),
            registers.fields_hash(self.fields),
            list(self.source),
            [finding_json(finding) for finding in self.findings],
        )


def check(
    session: Session, import_id: str, path: Path, file_name: str, options: Options
) -> dict[str, Any]:
    """Reads the file into the staging table and says what applying it would do.

    Returns:
        the report of `govopen_inventory_import` without its problems.

    Raises:
        IntakeRefused: the file cannot be read as a table; its findings name sheet and cell.
    """
    with named_as(path, file_name) as named:
        table = read_table(
            named,
            sheet=options.sheet,
            encoding=options.encoding,
            mapping=dict(options.columns) or None,
        )
        reader = RowReader(units.finder(session), options, table.columns, table.sheet)
        store.clear_rows(session, import_id)
        store.stage(session, (reader.read(row).values(import_id) for row in table.rows))
    if not options.key and not store.is_key_unique(session, import_id):
        store.drop_keys(session, import_id)
    store.reject_duplicates(session, import_id)
    store.match(session, import_id)
    return _report(session, import_id, table, options)


def _report(session: Session, import_id: str, table: Table, options: Options) -> dict[str, Any]:
    first = list(islice(table.rows, JUDGED_ROWS))
    columns = [
        {
            "letter": column.letter,
            "header": column.header,
            "field": column.field,
            "confidence": round(column.confidence, 2),
            "proposed": _proposed(column, [row.source[column.header] for row in first], options),
        }
        for column in table.columns
    ]
    unknown = [dict(row) for row in store.unknown_units(session, import_id)]
    return {
        "encoding": table.encoding,
        "sheet": table.sheet,
        "header_row": table.header_row,
        "file_kind": table.file_kind,
        "mapping": columns,
        "unknown_units": unknown,
        "notes": [finding_json(note) for note in table.notes],
        **store.summary(session, import_id),
    }


def _proposed(column: Column, values: Sequence[str], options: Options) -> list[dict[str, Any]]:
    """Further fields that a column may be, with what speaks for each: a person decides."""
    is_told = {column.header, column.letter, column.field} & {*options.columns}
    is_sure = column.field is not None and column.confidence >= FOLDED
    how = How.TOLD if is_told else How.SURE if is_sure else How.UNSURE
    one = Meaning(column.header, column.field, column.confidence, how)
    said = list(dict.fromkeys(text for text in values if text))
    return [
        {"field": hint.field, "confidence": hint.confidence} for hint in proposals(one, said)[:MOST]
    ]


class RowReader:
    """Turns rows of a table into staged rows.

    Args:
        unit_id: the unit of every row, whatever the rows say.
    """

    def __init__(
        self,
        finder: UnitFinder,
        options: Options,
        columns: Sequence[Column],
        sheet: str | None,
        unit_id: str | None = None,
    ) -> None:
        self._finder = finder
        self._options = options
        self._vocabularies = vocabularies()
        self._sheet = sheet
        self._key_header = options.key or next(
            (column.header for column in columns if column.field == "link"), None
        )
        # A running number moves when a row is inserted above: it is no property of the row.
        self._ordinal_headers = {
            c.header for c in columns if c.field == "ordinal" and c.confidence >= FOLDED
        }
        self._contacts = {c.header for c in columns if c.field in CONTACT_FIELDS}
        # A report that comes back corrected still has the findings of the check before.
        self._ignored = {c.header for c in columns if c.header.startswith(FINDINGS_HEADING)}
        self._unit_id = unit_id
        self._fixed_unit = finder.find(options.unit) if options.unit else None

    def read(self, row: Row) -> StagedRow:
        """A row as it would be stored, with everything that a check has to say of it."""
        texts, cut = self._cut(row.values)
        reading = rules.read_fields(texts, self._vocabularies)
        # A constant stands in where the file says nothing, also nothing that could be derived.
        added = [
            name
            for name in self._options.constants
            if name not in reading.fields and name not in reading.unread
        ]
        if added:
            texts |= {name: rules.as_text(self._options.constants[name]) for name in added}
            said = reading.fields.get("items")
            reading = rules.read_fields(texts, self._vocabularies)
            if reading.fields.get("items") == said:  # each names its type itself
                added = [name for name in added if name != rules.DEFAULT_TYPE]
        fields = self._with_source(dict(reading.fields), row, sorted({*added, *cut}))
        unit_id, unit_text = self._unit(texts)
        refusals = rules.storing_findings(fields, texts)
        if any(finding.code == "inventory.E16" for finding in refusals):
            return self._secret(row, unit_id, unit_text)
        if unit_id is None and not (self._options.create_units and unit_text):
            refusals.append(_unit_finding(unit_text))
        blocking = [_as_draft(finding) for finding in rules.activation_findings(fields)]
        notes = [*row.findings, *(_kept_finding(finding) for finding in reading.findings)]
        findings = [self._placed(finding, row) for finding in (*refusals, *blocking, *notes)]
        return StagedRow(
            number=row.number,
            unit_id=unit_id,
            unit_text=unit_text,
            source_key=row.source.get(self._key_header or "") or None,
            res_code=texts.get("res_code") or None,
            fields=fields,
            source=[
                [header, text] for header, text in row.source.items() if header not in self._ignored
            ],
            findings=findings,
            is_rejected=bool(refusals),
            is_draft=bool(blocking),
        )

    def _secret(self, row: Row, unit_id: str | None, unit_text: str | None) -> StagedRow:
        """A secret line is refused by its number; nothing of what it says is kept."""
        refusal = self._placed(Finding("inventory.E16", "secrecy"), row)
        return StagedRow(
            number=row.number,
            unit_id=unit_id,
            unit_text=unit_text,
            source_key=None,
            res_code=None,
            fields={},
            source=[],
            findings=[refusal],
            is_rejected=True,
            is_draft=False,
        )

    def _cut(self, values: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """Texts shortened to their limit where the mapping says so; the source keeps the whole."""
        texts, cut = dict(values), []
        for name in self._options.truncate:
            limit = rules.RULES[name].limit
            if limit and len(texts.get(name, "")) > limit:
                texts[name] = texts[name][:limit]
                cut.append(name)
        return texts, cut

    def _with_source(
        self, fields: rules.Fields, row: Row, set_by_mapping: list[str]
    ) -> rules.Fields:
        """Every column of the file stays with the row; what the mapping set is said."""
        kept = [
            [header, text]
            for header, text in row.source.items()
            if text and header not in self._ordinal_headers and header not in self._ignored
        ]
        fields["source_fields"] = [pair for pair in kept if pair[0] not in self._contacts]
        if contacts := [pair for pair in kept if pair[0] in self._contacts]:
            fields["contact_fields"] = contacts
        if set_by_mapping:
            fields["set_by_mapping"] = set_by_mapping
        return fields

    def _unit(self, texts: Mapping[str, str]) -> tuple[str | None, str | None]:
        if self._unit_id:
            return self._unit_id, None
        if self._options.unit:
            return self._fixed_unit, self._options.unit
        text = texts.get("provider") or texts.get("provider_code")
        return (self._finder.find(text), text) if text else (None, None)

    def _placed(self, finding: Finding, row: Row) -> Finding:
        cell = finding.cell or row.cells.get(finding.field or "")
        return Finding(
            finding.code,
            finding.field,
            finding.value,
            finding.params,
            finding.sheet or self._sheet,
            cell,
            row.number,
        )


def without_plan(row: StagedRow) -> StagedRow:
    """The row of an entry whose data are public: nobody asks when they are to be."""
    kept = [
        finding
        for finding in row.findings
        if (finding.code, finding.field) != ("inventory.W11", "planned_open_on")
    ]
    return replace(row, findings=kept, is_draft=any(each.code in BLOCKING for each in kept))


def _unit_finding(unit_text: str | None) -> Finding:
    if unit_text:
        return Finding("inventory.E15", "provider", unit_text)
    return Finding("inventory.E11", "provider")


def _as_draft(finding: Finding) -> Finding:
    """In a file what refuses activation makes the row a draft."""
    params = {**finding.params, "because": finding.code}
    return Finding("inventory.W11", finding.field, finding.value, params)


def _kept_finding(finding: Finding) -> Finding:
    """A value that could not be read is kept among the source fields and shown."""
    return Finding(
        "inventory.W13", finding.field, finding.value, {**finding.params, "because": finding.code}
    )


def create_missing_units(
    session: Session,
    import_id: str,
    *,
    actor: str,
    at: datetime,
    region: str,
    level: str,
    effective_on: date,
) -> list[str]:
    """Makes the units that the file names and nobody knows; they wait for units.W3."""
    created = []
    finder = units.finder(session)
    for row in store.unknown_units(session, import_id):
        text = str(row["unit_text"])
        unit_id = finder.find(text)
        if unit_id is None:
            unit_id = units.create(
                session,
                imported_unit(text, region, level, effective_on),
                actor=actor,
                at=at,
                basis=f"import {import_id}",
            )
            created.append(unit_id)
            finder = units.finder(session)
        store.set_unit(session, import_id, text, unit_id)
    return created


def imported_unit(text: str, region: str, level: str, effective_on: date) -> dict[str, Any]:
    """A unit as far as a row that names it tells; somebody has to confirm it."""
    said = read_unit_text(text)
    return {
        "name": said.name or said.code,
        "kind": "gov_organ",
        "level": level,
        "region_code": region,
        "local_scheme": "source" if said.code else None,
        "local_code": said.code,
        "valid_from": effective_on,
        "confirmed": False,
        "in_scope_opening": [{"from": effective_on.isoformat(), "to": None}] if said.code else [],
    }


@dataclass(frozen=True)
class Applied:
    """What applying an import wrote: log rows, and the version of each register for the case."""

    written: int
    version_ids: Sequence[str]
    unit_ids: Sequence[str]


def apply(
    session: Session, import_id: str, act: registers.Act, *, effective_on: date, region: str
) -> Applied:
    """Writes the accepted rows of a checked import, in the caller's transaction.

    Raises:
        ImportConflictError: somebody writes, or wrote since the check, one of the registers.
    """
    unit_ids = store.touched_units(session, import_id)
    register_ids = log.ensure(session, registers.INVENTORY, unit_ids, region)
    _lock(session, import_id, unit_ids, list(register_ids.values()))
    store.match(session, import_id)
    written, version_ids = 0, []
    for unit_id, register_id in sorted(register_ids.items()):
        changes = _changes(session, import_id, unit_id, region)
        count = registers.write(session, register_id, changes, act)
        written += count
        complete = store.complete_entries(session, import_id, register_id) if count else []
        if complete:
            version_ids.append(
                registers.stage_version(session, register_id, complete, act, effective_on)
            )
    return Applied(written, version_ids, unit_ids)


def _lock(
    session: Session, import_id: str, unit_ids: Sequence[str], register_ids: Sequence[str]
) -> None:
    try:
        with session.begin_nested():
            log.lock(session, register_ids)
    except sa.exc.OperationalError as error:
        other = store.applying_by_others(session, import_id, unit_ids)
        if other is None:
            raise
        raise ImportConflictError(str(other["actor"]), other["started_at"]) from error


def _changes(
    session: Session, import_id: str, unit_id: str, region: str
) -> Iterator[registers.EntryChange]:
    rows = list(store.pending_rows(session, import_id, unit_id))
    codes = iter(
        log.next_entry_codes(session, region, sum(row["entry_code"] is None for row in rows))
    )
    for row in rows:
        entry_code = row["entry_code"] or next(codes)
        yield registers.EntryChange(
            entry_code=entry_code,
            change="add" if row["entry_code"] is None else "change",
            fields=row["fields"],
            source_key=row["source_key"],
            warnings=row["findings"],
            res_code=row["known_res_code"]
            or row["res_code"]
            or res_code(row["fields"], entry_code),
        )


def res_code(fields: Mapping[str, object], entry_code: str) -> str | None:
    """`{class code}/{sequence}`, given once the class is known; it never changes after."""
    code = rules.class_code(fields)
    return f"{code}/{entry_code.rpartition('-')[2][-6:]}" if code else None


def undo(session: Session, import_id: str, act: registers.Act, *, today: date) -> Applied:
    """Brings every entry of an import back to what it was: as new versions, nothing is erased.

    Entries that the import created and nobody approved leave the projection; approved ones are
    restored or cancelled by a version that needs its own review, in force from the day of the
    version that it undoes: an undoing that began earlier would lose to it on its day.

    Raises:
        ImportConflictError: an entry was written again since, by somebody else's act.
    """
    entries = store.before_import(session, import_id)
    by_register: dict[str, list[Mapping[str, Any]]] = {}
    for entry in entries:
        by_register.setdefault(entry["register_id"], []).append(entry)
    log.lock(session, by_register)
    effective_on = store.effective_on(session, import_id) or today
    written, version_ids = 0, []
    for register_id, rows in sorted(by_register.items()):
        _refuse_if_written_since(session, register_id, rows, import_id)
        written += registers.write(session, register_id, _restorations(session, rows), act)
        approved = [row["entry_code"] for row in rows if row["active_seq"] is not None]
        made_here = [
            row["entry_code"]
            for row in rows
            if row["before_seq"] is None and row["active_seq"] is None
        ]
        projection.forget_drafts(session, made_here)
        if approved:
            version_ids.append(
                registers.stage_version(session, register_id, approved, act, effective_on)
            )
    return Applied(written, version_ids, log.units_of(session, by_register))


def _refuse_if_written_since(
    session: Session, register_id: str, rows: Sequence[Mapping[str, Any]], import_id: str
) -> None:
    if any(row["import_id"] != import_id for row in rows):
        last = store.last_writer(session, register_id)
        raise ImportConflictError(
            str(last["actor"]) if last else "", last["recorded_at"] if last else None
        )


def _restorations(
    session: Session, rows: Sequence[Mapping[str, Any]]
) -> Iterator[registers.EntryChange]:
    for row in rows:
        source = store.log_private(session, row["before_seq"] or row["working_seq"])
        private = source["private"]
        change = "undo" if row["before_seq"] else "cancel"
        yield registers.EntryChange(
            entry_code=row["entry_code"],
            change=change,
            fields={**source["public"]["fields"], **private["fields"]},
            res_code=private["res_code"],
            source_id=private["source_id"],
            source_key=private["source_key"],
            warnings=private["warnings"],
        )
