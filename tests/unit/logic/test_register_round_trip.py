"""What a register's file says reads back as what was written, whatever an entry holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from ckanext.govopen.domain.register_rows import read_row
from ckanext.govopen.domain.register_types import (
    Field,
    RegisterType,
    check_fields,
    clean_text,
    tidy_fields,
)
from ckanext.govopen.domain.register_values import Words, read_cell, write_cell
from ckanext.govopen.logic import export, register_files
from ckanext.govopen.logic.intake import read_table
from ckanext.govopen.logic.register_types import register_type, register_types
from ckanext.govopen.logic.vocab import vocabularies, vocabulary

WORDS = {"zh": Words(vocabularies(), "zh"), "en": Words(vocabularies(), "en")}
HARD = [
    "=1+1", "'=1+1", "-", "-5", "+86 10", "@SUM(A1)", "000123", "1e5", "007", "[2019]3号", "[1]",
    "{}", "甲｜乙", "甲、乙；丙", "一\n二", "\t=1", "是", "TRUE", "1.50", "合计", "说明：见附件",
    "_x0041_", "＝１＋１", "café", "𠮷野家", "a,b", '"', "《》", "（国务院令第1号）", "第一条", "NULL",
    "→", "1.一", "①甲", "2024-01-02", "44000", "x" * 300, "  y", "#", "序号", "必填",
]  # fmt: skip
text = st.one_of(st.sampled_from(HARD), st.text(max_size=30)).map(clean_text).filter(bool)
amounts = (
    st.decimals(-(10**9), 10**9, places=2, allow_nan=False).map(str).filter(lambda x: "E" not in x)
)


def values(one: Field) -> st.SearchStrategy[Any]:
    """Whatever a field may hold, hard texts first."""
    kind = one.kind
    if one.name == "parent_code":
        return st.sampled_from(["YZ-01", "000123"])
    if kind in ("code", "code_list"):
        code = st.sampled_from(vocabulary(str(one.vocabulary)).codes)
        return code if kind == "code" else st.lists(code, min_size=1, max_size=4, unique=True)
    if kind in ("entry_ref", "entry_ref_list"):
        code = st.sampled_from(["YZ-01-0117-000", "000001", "307018/1", "A(1)"])
        if len(one.ref_types) > 1:
            kinds = st.sampled_from(one.ref_types)
            code = st.fixed_dictionaries({"type": kinds, "code": code})
        return code if kind == "entry_ref" else st.lists(code, min_size=1, max_size=3)
    if kind == "basis_list":
        extra = dict.fromkeys(("kind", "doc_no", "article"), text)
        extra["issued_on"] = st.dates().map(str)
        return st.lists(
            st.fixed_dictionaries({"title": text}, optional=extra), min_size=1, max_size=3
        )
    if kind == "table":
        cells = {column.name: values(column) for column in one.columns}
        row = st.fixed_dictionaries({}, optional=cells).filter(bool)
        return st.lists(row, min_size=1, max_size=4)
    plain: dict[str, st.SearchStrategy[Any]] = {
        "int": st.integers(-(10**12), 10**12),
        "decimal": amounts,
        "date": st.dates(date(1000, 1, 1), date(2999, 12, 31)).map(str),
        "bool": st.booleans(),
        "text_list": st.lists(text, min_size=1, max_size=4),
        "unit_list": st.lists(text, min_size=1, max_size=4),
        "url": st.just("https://www.example.cn/a?b=1&c=二"),
        "phone": st.sampled_from(["0990-12345678", "+86 10 12345678", "12345"]),
    }
    return plain.get(kind, text)


def _alike(one: Field) -> tuple[object, ...]:
    return (one.kind, one.vocabulary, one.ref_types, one.columns)


# One field stands for all those that are written alike.
FIELDS = [
    pytest.param(one, id=f"{one.kind}-{one.name}")
    for one in {
        _alike(one): one for kind in register_types().values() for one in kind.fields.values()
    }.values()
]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("one", FIELDS)
def test_every_value_of_every_field_reads_back_as_it_was_written(one: Field, lang: str) -> None:
    @settings(max_examples=20, deadline=None)
    @given(value=values(one))
    def holds(value: Any) -> None:
        written = write_cell(one, value, WORDS[lang])
        assert read_cell(one, written, WORDS[lang]) == (value, None), written

    holds()


def read_back(kind: RegisterType, path: Path) -> list[dict[str, Any]]:
    table = read_table(path, aliases=register_files.headings(kind))
    found = []
    for row in table.rows:
        assert row.findings == ()
        texts = {
            name: export.plain(text) if table.file_kind == "csv" else text
            for name, text in row.values.items()
        }
        reading = read_row(kind, texts, row.cells, WORDS["zh"])
        assert reading.findings == ()
        found.append({"entry_code": reading.entry_code, "fields": reading.fields})
    return found


def write_all(
    kind: RegisterType, entries: list[dict[str, Any]], folder: Path, lang: str
) -> list[Path]:
    made = [folder / f"{kind.code}.{ending}" for ending in ("csv", "xlsx", "json")]
    made[0].write_text(
        "".join(register_files.csv_file(kind, entries, lang, is_inside=True)), newline=""
    )
    with register_files.xlsx_file(kind, entries, lang, is_inside=True) as book:
        made[1].write_bytes(book.read())
    made[2].write_text("".join(register_files.json_file(kind, entries, is_inside=True)))
    return made


def entries_of(kind: RegisterType, draw: Any) -> list[dict[str, Any]]:
    """Entries with every field filled or empty, in an order that is not that of their codes."""
    found = []
    for number in range(draw(st.integers(1, 12))):
        fields = {
            one.name: draw(values(one))
            for one in kind.fields.values()
            if one.name == "name" or draw(st.booleans())
        }
        fields = tidy_fields(kind, fields)
        if check_fields(kind, fields, vocabularies()):
            fields = {"name": f"事项{number}"}
        found.append({"entry_code": f"{(97 * number) % 101:06d}", "fields": fields})
    return found


@pytest.mark.parametrize(
    "code", ["power_list", "public_service_list", "disclosure_negative_list", "blackwhite_list"]
)
def test_a_list_of_entries_comes_back_from_every_kind_of_file(code: str, tmp_path: Path) -> None:
    kind = register_type(code)

    @settings(
        max_examples=5,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(data=st.data(), lang=st.sampled_from(["zh", "en"]))
    def holds(data: st.DataObject, lang: str) -> None:
        entries = entries_of(kind, data.draw)
        for path in write_all(kind, entries, tmp_path, lang):
            assert differing(read_back(kind, path), entries) == [], path.suffix

    holds()


def differing(found: list[dict[str, Any]], entries: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Code, field, what was written and what was read, where that is not the same."""
    assert [one["entry_code"] for one in found] == [one["entry_code"] for one in entries]
    return [
        (new["entry_code"], name, old["fields"].get(name), new["fields"].get(name))
        for old, new in zip(entries, found, strict=True)
        for name in {**old["fields"], **new["fields"]}
        if old["fields"].get(name) != new["fields"].get(name)
    ]


def test_every_type_comes_back_from_every_kind_of_file(tmp_path: Path) -> None:
    for kind in register_types().values():
        fields = {one.name: _example(one) for one in kind.fields.values()}
        entries = [{"entry_code": "000001", "fields": tidy_fields(kind, fields)}]
        for path in write_all(kind, entries, tmp_path, "zh"):
            assert read_back(kind, path) == entries, path


def _example(one: Field) -> Any:
    plain: Mapping[str, Any] = {
        "int": 7, "decimal": "12.50", "date": "2026-04-13", "bool": False,
        "url": "https://www.example.cn", "phone": "0990-12345678",
        "text_list": ["受理", "决定"], "unit_list": ["市住建局", "市财政局"],
        "basis_list": [{"title": "城市道路管理条例", "article": "第三十一条"}],
    }  # fmt: skip
    if one.kind in ("code", "code_list"):
        code = vocabulary(str(one.vocabulary)).codes[0]
        return code if one.kind == "code" else [code]
    if one.kind in ("entry_ref", "entry_ref_list"):
        value: Any = "000123"
        if len(one.ref_types) > 1:
            value = {"type": one.ref_types[0], "code": value}
        return value if one.kind == "entry_ref" else [value]
    if one.kind == "table":
        return [{column.name: _example(column) for column in one.columns}]
    return plain.get(one.kind, f"{one.zh}的内容")


def test_no_cell_of_a_file_is_a_formula(tmp_path: Path) -> None:
    kind = register_type("power_list")
    entries = [{"entry_code": "1", "fields": {"name": "=1+1", "remarks": "'@SUM(A1)"}}]
    csv, book, _ = write_all(kind, entries, tmp_path, "zh")
    assert ",'=1+1," in csv.read_text()
    assert ",''@SUM(A1)" in csv.read_text()
    cells = [cell for row in load_workbook(book).active.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    assert next(cell for cell in cells if cell.value == "=1+1").quotePrefix


def test_a_private_field_is_in_no_file_for_the_public() -> None:
    kind = register_type("blackwhite_list")
    entries = [{"entry_code": "1", "fields": {"name": "某公司", "responsible_person": "张三"}}]
    text = "".join(register_files.csv_file(kind, entries)) + "".join(
        register_files.json_file(kind, entries)
    )
    assert "某公司" in text
    assert "张三" not in text
    assert "responsible_person" not in text


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("code", sorted(register_types()))
def test_a_template_is_read_with_every_column_known(code: str, lang: str, tmp_path: Path) -> None:
    kind, path = register_type(code), tmp_path / "template.xlsx"
    book = load_workbook(register_files.template(kind, lang))
    sheet = book.worksheets[0]
    sheet.append(["000001", *["x"] * len(kind.fields)])
    book.save(path)
    table = read_table(path, aliases=register_files.headings(kind))
    known = {column.field for column in table.columns}
    assert known == {"entry_code", *kind.fields}
    coded = [one for one in kind.fields.values() if one.kind in ("code", "bool")]
    assert len(sheet.data_validations.dataValidation) == len(coded)


def test_what_a_json_does_not_say_is_left_alone_and_what_it_empties_is_not(tmp_path: Path) -> None:
    path = tmp_path / "powers.json"
    path.write_text(
        '{"items": [{"entry_code": "1", "fields": {"name": "甲", "remarks": null}},'
        ' {"entry_code": "2", "name": "乙", "level": ["city"], "supervise_phone": ""}]}'
    )
    kind = register_type("power_list")
    rows = list(read_table(path, aliases=register_files.headings(kind)).rows)
    assert [set(row.cells) for row in rows] == [
        {"entry_code", "name", "remarks"},
        {"entry_code", "name", "level", "supervise_phone"},
    ]
    reading = read_row(kind, rows[1].values, rows[1].cells, WORDS["zh"])
    assert reading.fields == {"name": "乙", "level": ["city"]}
    assert reading.said == {"name", "level", "supervise_phone"}


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("process", "申请→受理→审核→决定", ["申请", "受理", "审核", "决定"]),
        ("process", "1.申请；2.受理；3.决定", ["申请", "受理", "决定"]),
        ("process", "（1）申请\n（2）受理", ["申请", "受理"]),
        ("legal_days", "20个工作日", 20),
        ("legal_days", "１,０００ 日", 1000),
        ("applicant_type", "自然人、企业", ["individual", "legal_person"]),
        ("case_type", "承诺件", "promised"),
        ("materials", "申请表｜电子｜1｜申请人\n身份证｜原件",
         [{"name": "申请表", "form": "electronic", "count": 1, "source": "applicant"},
          {"name": "身份证", "form": "original"}]),
        ("materials", "申请表\n身份证复印件", [{"name": "申请表"}, {"name": "身份证复印件"}]),
        ("legal_basis", "《城市道路管理条例》（国务院令第198号）第三十一条",
         [{"title": "城市道路管理条例", "doc_no": "国务院令第198号", "article": "第三十一条"}]),
        ("legal_basis", "1.【法律】《行政许可法》第十二条；2.《公路法》",
         [{"kind": "法律", "title": "行政许可法", "article": "第十二条"}, {"title": "公路法"}]),
        ("legal_basis", "政府信息公开条例第十六条",
         [{"title": "政府信息公开条例", "article": "第十六条"}]),
        ("legal_basis", "政务信息资源目录编制指南(试行)",
         [{"title": "政务信息资源目录编制指南(试行)"}]),
    ],
)  # fmt: skip
def test_cells_as_offices_write_them(field: str, text: str, value: Any) -> None:
    one = register_type("public_service_list").fields[field]
    assert read_cell(one, text, WORDS["zh"]) == (value, None)


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("legal_days", "二十日左右", "registers.E32"),
        ("case_type", "加急件", "vocab.E1"),
        ("applicant_type", "个人、外星人", "vocab.E1"),
        ("materials", "a｜原件｜1｜自备｜是｜https://x.cn/a｜否｜多", "registers.E37"),
        ("materials", "申请表｜纸", "vocab.E1"),
    ],
)
def test_a_cell_that_says_no_value_is_named(field: str, text: str, code: str) -> None:
    one = register_type("public_service_list").fields[field]
    value, finding = read_cell(one, text, WORDS["zh"])
    assert value is None
    assert finding is not None
    assert (finding.code, finding.field) == (code, field)
