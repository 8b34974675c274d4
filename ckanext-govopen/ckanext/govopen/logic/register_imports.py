"""Imports of registers: a file is compared with the list in force and becomes a draft adjustment.

Checking writes only staging rows, applying only the draft: the list itself changes when the draft
has been handed in, reviewed and published. The reading is the inventory's (`logic.intake`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.register_rows import (
    ENTRY_CODE,
    Current,
    Judged,
    RowReading,
    judge,
    read_row,
)
from ckanext.govopen.domain.register_types import RegisterType, check_code, identity_of
from ckanext.govopen.domain.register_values import Words
from ckanext.govopen.domain.registers import IN_FORCE
from ckanext.govopen.logic import adjustments, export, register_files
from ckanext.govopen.logic.import_records import finding_json, named_as
from ckanext.govopen.logic.intake import Row, Table, read_table
from ckanext.govopen.logic.register_types import register_type
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.model import adjustments as drafts
from ckanext.govopen.model import imports as records
from ckanext.govopen.model import register_imports as store
from ckanext.govopen.model import registers as log

BATCH = 1_000
# What the intake says of a cell that it cannot use: here such a cell does not empty a field.
_UNUSABLE = {"inventory.E19": "date.E1", "intake.W1": "registers.E38"}


@dataclass(frozen=True)
class Options:
    """How a file is to be read.

    Args:
        columns: heading -> field name, beyond what is recognised; None for a column without one.
    """

    register_type: str
    unit_id: str
    sheet: str | None = None
    encoding: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Options:
        return cls(**{name: body[name] for name in cls.__dataclass_fields__ if name in body})

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def check(
    session: Session, import_id: str, path: Path, file_name: str, options: Options
) -> dict[str, Any]:
    """Reads the file into the staging table and says what applying it would do.

    Raises:
        IntakeRefused: the file cannot be read as a table; its findings name sheet and cell.
    """
    kind = register_type(options.register_type)
    register_id = store.find_register(session, kind.code, options.unit_id)
    with named_as(path, file_name) as named:
        table = read_table(
            named,
            sheet=options.sheet,
            encoding=options.encoding,
            mapping=dict(options.columns) or None,
            aliases=register_files.headings(kind),
        )
        records.clear_rows(session, import_id)
        reader = _Comparison(session, kind, register_id, table)
        staged = (_values(import_id, options.unit_id, table.sheet, *one) for one in reader.rows())
        store.stage(session, staged)
    return {
        **_facts(table),
        **store.summary(session, import_id),
        "missing": reader.missing,
        "register_id": register_id,
    }


def _facts(table: Table) -> dict[str, Any]:
    mapping = [
        {
            "letter": one.letter,
            "header": one.header,
            "field": one.field,
            "confidence": round(one.confidence, 2),
        }
        for one in table.columns
    ]
    return {
        "encoding": table.encoding,
        "sheet": table.sheet,
        "header_row": table.header_row,
        "file_kind": table.file_kind,
        "mapping": mapping,
        "notes": [finding_json(note) for note in table.notes],
    }


class _Comparison:
    """The rows of a table beside the entries of a list, a batch at a time.

    A row is recognised by its entry code, by the type's key field, or by what makes two entries the
    same; an entry of the list is spoken of by one row of the file at most.
    """

    def __init__(
        self, session: Session, kind: RegisterType, register_id: str | None, table: Table
    ) -> None:
        self._session, self._kind, self._table = session, kind, table
        self._register_id = register_id
        self._words = Words(vocabularies())
        self._codes: dict[str, str] = {}
        self._by_key: dict[str, str] = {}
        self._by_identity: dict[tuple[str, ...], str | None] = {}
        self._seen: dict[object, int] = {}
        self._spoken: set[str] = set()
        if register_id is not None:
            self._learn(register_id)

    def _learn(self, register_id: str) -> None:
        names = [one.name for one in self._kind.fields.values() if one.is_identity] or ["name"]
        fields = [*names, *([self._kind.key_field] if self._kind.key_field else [])]
        for code, status, values in store.keys(self._session, register_id, fields):
            self._codes[code] = status
            if status not in IN_FORCE:
                continue
            said = dict(zip(fields, values, strict=True))
            identity = identity_of(self._kind, said)
            # Two entries that are written alike recognise nobody.
            self._by_identity[identity] = None if identity in self._by_identity else code
            if self._kind.key_field and (key := said[self._kind.key_field]):
                self._by_key.setdefault(key, code)

    @property
    def missing(self) -> int:
        """Entries in force of which no row speaks; they stay."""
        in_force = {code for code, status in self._codes.items() if status in IN_FORCE}
        return len(in_force - self._spoken)

    def rows(self) -> Iterator[tuple[Row, Judged, RowReading]]:
        pending = iter(self._table.rows)
        while batch := list(islice(pending, BATCH)):
            readings = [self._read(row) for row in batch]
            codes = [self._recognise(reading) for reading in readings]
            known = self._current(code for code in codes if code)
            for row, reading, code in zip(batch, readings, codes, strict=True):
                judged = judge(self._kind, reading, known.get(code or ""), self._words)
                yield row, self._once(row, reading, judged), reading

    def _read(self, row: Row) -> RowReading:
        is_text = self._table.file_kind == "csv"
        texts = {name: export.plain(text) if is_text else text for name, text in row.values.items()}
        reading = read_row(self._kind, texts, row.cells, self._words)
        unusable = tuple(
            Finding(_UNUSABLE[one.code], one.field, one.value, self._label(one), cell=one.cell)
            for one in row.findings
            if one.field and one.code in _UNUSABLE
        )
        return RowReading(
            entry_code=reading.entry_code,
            fields=reading.fields,
            said=reading.said,
            change=reading.change,
            extra=reading.extra,
            findings=(*reading.findings, *unusable),
        )

    def _label(self, one: Finding) -> dict[str, object]:
        known = self._kind.fields.get(str(one.field))
        return {"label": known.labels} if known else {}

    def _recognise(self, reading: RowReading) -> str | None:
        if reading.entry_code:
            return reading.entry_code if reading.entry_code in self._codes else None
        key = str(reading.fields.get(self._kind.key_field or "") or "")
        return self._by_key.get(key) or self._by_identity.get(
            identity_of(self._kind, reading.fields)
        )

    def _current(self, codes: Iterable[str]) -> dict[str, Current]:
        wanted = sorted(set(codes))
        if not wanted or self._register_id is None:
            return {}
        return {
            str(one["entry_code"]): Current(one["entry_code"], one["fields"], one["status"])
            for one in store.entries(self._session, self._register_id, wanted)
        }

    def _once(self, row: Row, reading: RowReading, judged: Judged) -> Judged:
        """The verdict, unless an earlier row of the file speaks of the same entry."""
        code = judged.entry_code or self._new_code(reading)
        same: object = code or identity_of(self._kind, reading.fields)
        first = self._seen.setdefault(same, row.number)
        if code in self._codes:
            self._spoken.add(str(code))
        if first == row.number:
            return Judged(
                judged.verdict, code, judged.change, judged.fields, judged.changed, judged.findings
            )
        shown = code or str(reading.fields.get("name") or "")
        twice = Finding("registers.E43", ENTRY_CODE, shown, {"other": first})
        return Judged("rejected", code, None, judged.fields, (), (*judged.findings, twice))

    def _new_code(self, reading: RowReading) -> str | None:
        """A new entry of a file without entry codes takes its key, where the list can use it."""
        key = str(reading.fields.get(self._kind.key_field or "") or "")
        is_free = key and key not in self._codes and not check_code(self._kind, key)
        return key if is_free else None


def _values(
    import_id: str,
    unit_id: str,
    sheet: str | None,
    row: Row,
    judged: Judged,
    reading: RowReading,
) -> tuple[object, ...]:
    """In the order of `model.register_imports.ROW_COLUMNS`."""
    findings = [finding_json(_placed(one, row, sheet)) for one in judged.findings]
    name = judged.fields.get("name") or reading.entry_code
    return (
        import_id,
        row.number,
        unit_id,
        judged.entry_code,
        name,
        judged.verdict,
        any(one.code in ("registers.W10", "registers.W11") for one in judged.findings),
        judged.change,
        "{" + ",".join(judged.changed) + "}",  # an array in SQL; names of fields need no quotes
        dict(judged.fields),
        dict(reading.extra),
        [[header, text] for header, text in row.source.items()],
        findings,
    )


def _placed(one: Finding, row: Row, sheet: str | None) -> Finding:
    cell = one.cell or row.cells.get(one.field or "")
    return Finding(one.code, one.field, one.value, one.params, sheet, cell, row.number)


def apply(
    session: Session,
    import_id: str,
    options: Options,
    facts: Mapping[str, object],
    actor: str,
    region: str,
) -> str:
    """Puts the accepted rows of a checked import into a draft adjustment of its own.

    Returns:
        the id of the draft.
    """
    made = log.ensure(session, options.register_type, [options.unit_id], region)
    draft_id = drafts.create(session, made[options.unit_id], actor, import_id)
    edits: Sequence[adjustments.Edit] = [
        adjustments.Edit(row["entry_code"], str(row["change"]), row["fields"], row["extra"])
        for row in store.pending(session, import_id)
    ]
    adjustments.put(session, draft_id, edits, actor, facts=facts)
    return draft_id
