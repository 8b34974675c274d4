"""Masked copies of tables: nothing of the original but what was meant to stay."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.comments import Comment

from ckanext.govopen.logic import masking_writer
from ckanext.govopen.logic.masking_writer import RefusedError

PERSON = "11010519491231002X"
MOBILE = "13900002345"


def masked(folder: Path, content: bytes, *plan: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    path, out = folder / "original", folder / "copy"
    path.write_bytes(content)
    answer = masking_writer.write(path, list(plan), out)
    return answer, out.read_bytes()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_text_table_keeps_everything_but_the_masked_columns(
    tmp_path: Path, encoding: str
) -> None:
    text = f'姓名;电话;备注\r\n张三;{MOBILE};"一;二\n三"\r\n李四;;好\r\n'
    answer, copy = masked(tmp_path, text.encode(encoding), {"column": "电话", "how": "truncate"})
    rows = list(csv.reader(io.StringIO(copy.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert rows == [
        ["姓名", "电话", "备注"],
        ["张三", "139****2345", "一;二\n三"],
        ["李四", "", "好"],
    ]
    assert answer == {"rows": 3, "cells": 1, "kind": "csv"}


def test_a_dropped_column_takes_its_heading_along(tmp_path: Path) -> None:
    _, copy = masked(tmp_path, f"a,b,c\n1,{PERSON},3\n".encode(), {"column": "b", "how": "drop"})
    assert copy.decode() == "a,c\r\n1,3\r\n"


def workbook() -> bytes:
    """A workbook with the number in every place where a copy could hide it."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "名单"
    sheet.append(["姓名", "身份证号", "数量"])
    sheet.append(["张三", PERSON, 3])
    sheet.append(["=1+1", "", 2.5])
    sheet["A2"].comment = Comment(f"{PERSON}", "x")
    sheet.oddFooter.center.text = PERSON
    hidden = book.create_sheet("底稿")
    hidden.append([PERSON])
    hidden.sheet_state = "hidden"
    book.properties.description = PERSON
    book.custom_doc_props.append(openpyxl.packaging.custom.StringProperty(name="x", value=PERSON))
    book.defined_names["p"] = openpyxl.workbook.defined_name.DefinedName(
        "p", attr_text=f'"{PERSON}"'
    )
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_no_part_of_a_masked_workbook_holds_the_value(tmp_path: Path) -> None:
    content = workbook()
    answer, copy = masked(tmp_path, content, {"column": "身份证号", "how": "truncate"})
    assert answer["kind"] == "xlsx"
    with zipfile.ZipFile(io.BytesIO(content)) as original:
        assert sum(PERSON.encode() in original.read(name) for name in original.namelist()) >= 6
    with zipfile.ZipFile(io.BytesIO(copy)) as archive:
        for name in archive.namelist():
            assert PERSON.encode() not in archive.read(name), name
    book = openpyxl.load_workbook(io.BytesIO(copy))
    assert book.sheetnames == ["名单"]
    rows = list(book["名单"].iter_rows(values_only=True))
    assert rows[1] == ("张三", "110**************X", 3)
    assert rows[2][2] == 2.5


def test_a_text_that_looks_like_a_formula_stays_a_text(tmp_path: Path) -> None:
    text = b"\xef\xbb\xbfa,b\n=1+1,x\n"
    (tmp_path / "original").write_bytes(text)
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append(["x", "y"])
    book.active["A2"].value = "=cmd"
    book.active["A2"].data_type = "s"
    buffer = io.BytesIO()
    book.save(buffer)
    _, copy = masked(tmp_path, buffer.getvalue(), {"column": "b", "how": "replace"})
    assert openpyxl.load_workbook(io.BytesIO(copy)).active["A2"].data_type == "s"


@pytest.mark.parametrize(
    ("rows", "plan", "code"),
    [
        (f"a,b\n{MOBILE},x{MOBILE[:-1]}6\n", [{"column": "a", "how": "hash"}], None),
        (f"a,b\n{MOBILE},x{MOBILE}\n", [{"column": "a", "how": "hash"}], "scan.E8"),
        (f"a,b\n{MOBILE},电话{MOBILE}\n", [{"column": "a", "how": "hash"}], "scan.E8"),
        (f"a,b\n{MOBILE},1\n", [{"column": "c", "how": "hash"}], "scan.E6"),
    ],
)
def test_a_copy_that_would_show_what_it_masks_is_refused(
    tmp_path: Path, rows: str, plan: list[dict[str, Any]], code: str | None
) -> None:
    if code is None:
        assert masked(tmp_path, rows.encode(), *plan)[0]["cells"] == 1
        return
    with pytest.raises(RefusedError) as caught:
        masked(tmp_path, rows.encode(), *plan)
    assert caught.value.finding.code == code


def test_a_document_has_no_columns_to_mask(tmp_path: Path) -> None:
    with pytest.raises(RefusedError) as caught:
        masked(tmp_path, b"%PDF-1.4\n", {"column": "a", "how": "drop"})
    assert caught.value.finding.code == "scan.E9"
