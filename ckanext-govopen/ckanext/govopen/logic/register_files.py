"""Registers as files: a workbook, a CSV or a JSON that reads back as what was written.

Headings and labels are the type's own, in the language asked for; the import knows both and the
field names. Cells are written by `domain.register_values`. Nothing here reads the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from ckanext.govopen.domain.register_types import Field, Need, RegisterType
from ckanext.govopen.domain.register_values import YES_NO, Words, write_cell
from ckanext.govopen.logic import export
from ckanext.govopen.logic.intake import Headings
from ckanext.govopen.logic.vocab import vocabularies

ENTRY_CODE = "entry_code"
CODE_LABELS = {"zh": "条目编码", "en": "Entry code"}
CODE_ALIASES = ("条目編碼", "條目編碼", "条目代码", "條目代碼", "清单条目编码", "entry code")
# What one row does to its entry, where the file says it: see `domain.register_rows`.
CHANGE = "change"
CHANGE_LABELS = {"zh": "调整方式", "en": "Adjustment"}
CHANGE_ALIASES = ("調整方式", "调整类型", "調整類型", "变更类型", "變更類型", "kind of adjustment")
FOLLOW_UP = "follow_up"
FOLLOW_UP_ALIASES = ("后续监管措施", "後續監管措施", "取消后监管措施", "follow-up measures")
# Columns of other lists and of our own exports that say nothing about an entry.
IGNORED = (
    "序号", "序號", "No.", "状态", "狀態", "生效日期", "版本", "发布日期", "發佈日期", "公布时间",
    "status", "in force since", "version", "published at",
)  # fmt: skip
_TREATMENTS = {"int": "number", "decimal": "number", "date": "date", "code": "term"}
_LONG = {"long_text": 40, "basis_list": 40, "table": 40, "text_list": 32}

Entry = Mapping[str, Any]


def headings(kind: RegisterType) -> Headings:
    """What the columns of a list of this type may be called, in every language at once."""
    # A writing that a field of the type claims is that field's, whatever it means elsewhere.
    aliases: dict[str, Sequence[str]] = {
        one.name: (one.zh, *one.aliases) for one in kind.fields.values()
    }
    exact = {one.name: (one.en, *one.exact) for one in kind.fields.values()}
    claimed = {text for table in (aliases, exact) for texts in table.values() for text in texts}
    aliases |= {
        ENTRY_CODE: (*CODE_LABELS.values(), *CODE_ALIASES, *kind.code_aliases),
        CHANGE: (*CHANGE_LABELS.values(), *CHANGE_ALIASES),
        FOLLOW_UP: FOLLOW_UP_ALIASES,
        "ignored": tuple(
            text
            for text in (*IGNORED, *kind.ignored, export.FINDINGS_HEADING)
            if text not in claimed
        ),
    }
    treatments = {
        one.name: _TREATMENTS[one.kind] for one in kind.fields.values() if one.kind in _TREATMENTS
    }
    treatments |= {ENTRY_CODE: "code", "parent_code": "code", CHANGE: "term"}
    filled = tuple(one.name for one in kind.fields.values() if one.kind == "unit")
    fields = tuple(name for name in aliases if name != "ignored")
    return Headings(aliases, exact, treatments, filled, also=("json",), fields=fields)


def columns(kind: RegisterType, *, is_inside: bool = False) -> list[Field]:
    """The fields that a file of this type has; private ones only for whoever keeps the list."""
    return [one for one in kind.fields.values() if is_inside or not one.is_private]


def heading_row(kind: RegisterType, lang: str, *, is_inside: bool = False) -> list[str]:
    """The headings of a file, the entry code first."""
    labels = [one.label(lang) for one in columns(kind, is_inside=is_inside)]
    return [CODE_LABELS["en" if lang.startswith("en") else "zh"], *labels]


def cell_rows(
    kind: RegisterType, entries: Iterable[Entry], lang: str, *, is_inside: bool = False
) -> Iterator[list[str]]:
    """One row of texts for each entry (`entry_code`, `fields`), in the order given."""
    words, shown = Words(vocabularies(), lang), columns(kind, is_inside=is_inside)
    for entry in entries:
        fields = entry["fields"]
        cells = (write_cell(one, fields.get(one.name), words) for one in shown)
        yield [str(entry[ENTRY_CODE]), *cells]


def csv_file(
    kind: RegisterType, entries: Iterable[Entry], lang: str = "zh", *, is_inside: bool = False
) -> Iterator[str]:
    """A CSV file piece by piece."""
    head = heading_row(kind, lang, is_inside=is_inside)
    return export.csv_lines(head, cell_rows(kind, entries, lang, is_inside=is_inside))


def xlsx_file(
    kind: RegisterType, entries: Iterable[Entry], lang: str = "zh", *, is_inside: bool = False
) -> IO[bytes]:
    """A workbook with one sheet, every cell text; the file is open at its start."""
    head = heading_row(kind, lang, is_inside=is_inside)
    rows = cell_rows(kind, entries, lang, is_inside=is_inside)
    return export.xlsx(kind.label(lang), head, rows)


def json_file(
    kind: RegisterType, entries: Iterable[Entry], *, is_inside: bool = False
) -> Iterator[str]:
    """A JSON file piece by piece: codes and values as they are stored; null where there is none."""
    shown = columns(kind, is_inside=is_inside)
    yield '{"register_type": ' + json.dumps(kind.code) + ', "entries": ['
    for number, entry in enumerate(entries):
        row = {ENTRY_CODE: entry[ENTRY_CODE]}
        row |= {one.name: entry["fields"].get(one.name) for one in shown}
        yield (",\n" if number else "\n") + json.dumps(row, ensure_ascii=False)
    yield "\n]}\n"


def whole(kind: RegisterType, file: Path, entries: Iterable[Entry], lang: str = "zh") -> bytes:
    """The bytes of a file whose ending (.csv, .xlsx, .json) says its kind."""
    if file.suffix.lower() == ".xlsx":
        with xlsx_file(kind, entries, lang) as book:
            return book.read()
    pieces = (
        json_file(kind, entries)
        if file.suffix.lower() == ".json"
        else csv_file(kind, entries, lang)
    )
    return "".join(pieces).encode()


def template(kind: RegisterType, lang: str = "zh") -> IO[bytes]:
    """An empty workbook whose headings the import recognises, with lists for coded columns."""
    made = [export.TemplateColumn(heading_row(kind, lang)[0], False, None, 20)]
    for one in columns(kind, is_inside=True):
        listed = one.vocabulary if one.kind == "code" else YES_NO if one.kind == "bool" else None
        is_needed = one.need is not Need.NO or (kind.needs_basis and one.name == "legal_basis")
        width = _LONG.get(one.kind, 20)
        note = _note(one, lang)
        made.append(export.TemplateColumn(one.label(lang), is_needed, listed, width, note))
    return export.empty_workbook(kind.label(lang), made, lang)


def _note(one: Field, lang: str) -> str | None:
    """How a column with more than one value in a cell is filled in."""
    is_english = lang.startswith("en")
    if one.kind == "table":
        names = "｜".join(column.label(lang) for column in one.columns)
        return f"{'One row a line' if is_english else '每行一条'}: {names}"
    if one.kind == "code_list":
        terms = vocabularies()[str(one.vocabulary)]
        listed = "、".join(term.en if is_english else term.zh for term in terms)
        return f"{'One or more of' if is_english else '可填多个'}: {listed}"
    if one.kind == "basis_list":
        return "《城市道路管理条例》（国务院令第198号）第三十一条"
    if one.kind in ("text_list", "unit_list", "entry_ref_list"):
        return "One item a line" if is_english else "每行一项"
    return None
