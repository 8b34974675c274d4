"""The reading program on whole files: every layer is read, and what cannot be read is said."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt
from openpyxl.comments import Comment

from ckanext.govopen.domain.scan_patterns import id_check_character
from ckanext.govopen.logic import scan_process, scan_reader, scan_sources

KEY = b"a key"
STEM = "33010219900307011"
PERSON = STEM + id_check_character(STEM)
MOBILE = "13900002345"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def answer(folder: Path, content: bytes) -> dict[str, Any]:
    """Findings of some bytes, as they lie in the store: without a name."""
    path = folder / "0a1b"
    path.write_bytes(content)
    return scan_reader.answer_of(path, KEY)


def places(found: dict[str, Any]) -> set[tuple[str, str | None, str | None]]:
    return {
        (hit["pattern"], hit["sheet"], place["cell"])
        for hit in found["hits"]
        for place in hit["places"]
    }


def reasons(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["part"], one["reason"]) for one in found["unread"]}


def archive(**parts: str | bytes) -> bytes:
    """A ZIP archive; `__` in a name stands for a slash, `_` before the extension for a dot."""
    return zipped({name.replace("__", "/"): part for name, part in parts.items()})


def zipped(parts: dict[str, Any], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, part in parts.items():
            file.writestr(name, part)
    return buffer.getvalue()


def docx(body: str, **others: Any) -> bytes:
    document = f"<w:document {W}><w:body>{body}</w:body></w:document>"
    return zipped({"word/document.xml": document, **others})


def paragraph(*runs: str) -> str:
    return "<w:p>" + "".join(f"<w:r><w:t>{run}</w:t></w:r>" for run in runs) + "</w:p>"


# --- text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "big5", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_a_table_is_read_in_the_encodings_and_delimiters_of_offices(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    rows = [["姓名", "身份號", "地址"], ["王小明", PERSON, "中山路"], ["李大同", "", "人民路"]]
    text = "\r\n".join(delimiter.join(row) for row in rows) + "\r\n"
    found = answer(tmp_path, text.encode(encoding))
    assert places(found) == {("id18", None, "B2")}
    assert (found["rows"], found["unread"]) == (3, [])


def test_a_cell_with_line_breaks_does_not_shift_the_rows(tmp_path: Path) -> None:
    text = f'名称,备注\n"甲\n乙","一\n二"\n丙,"电话{MOBILE}"\n'
    assert places(answer(tmp_path, text.encode())) == {("mobile", None, "B3")}


def test_a_table_with_broken_quotes_is_read_to_its_end(tmp_path: Path) -> None:
    text = '名称,备注\n"甲,乙\n' + "丙,丁\n" * 500 + f"戊,电话{MOBILE}\n"
    assert {hit["pattern"] for hit in answer(tmp_path, text.encode())["hits"]} == {"mobile"}


def test_prose_is_read_by_line(tmp_path: Path) -> None:
    text = f"通知\n\n请联系张三，手机{MOBILE}，谢谢。\n"
    (hit,) = answer(tmp_path, text.encode())["hits"]
    assert (hit["pattern"], hit["column_no"], hit["places"][0]["row"]) == ("mobile", None, 3)


def test_a_very_long_line_is_read_whole_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    text = ("说明" * 400_000).join(["", f"手机{MOBILE}。", f"身份证{PERSON}。", ""])
    hits = answer(tmp_path, text.encode())["hits"]
    assert {hit["pattern"]: hit["hits"] for hit in hits} == {"mobile": 1, "id18": 1}


def test_an_encoding_that_nobody_knows_is_said_and_numbers_are_found_all_the_same(
    tmp_path: Path,
) -> None:
    found = answer(tmp_path, b"\xff\xfa\x81\x20\n" * 30 + f"x {MOBILE} y\n".encode())
    assert reasons(found) == {("", "encoding")}
    assert {hit["pattern"] for hit in found["hits"]} == {"mobile"}
    assert found["verdict"] == "high"


def test_json_is_read_by_the_path_of_its_keys(tmp_path: Path) -> None:
    body = {
        "people": [{"证件": {"身份证号": PERSON}, "n": 3}, {"证件": {"身份证号": ""}}],
        "x": None,
    }
    found = answer(tmp_path, json.dumps(body).encode())
    (hit,) = found["hits"]
    assert (hit["pattern"], hit["sheet"], hit["column_name"]) == ("id18", "people", "证件.身份证号")


def test_objects_of_a_json_list_are_rows_of_one_table(tmp_path: Path) -> None:
    body = [{"户主姓名": "张三", "住址": f"东湖区人民路{n}号", "电话": [MOBILE]} for n in range(4)]
    hits = answer(tmp_path, json.dumps(body).encode())["hits"]
    assert {hit["pattern"]: hit["hits"] for hit in hits} == {"name_address": 4, "mobile": 4}


def test_a_key_of_json_is_read_too(tmp_path: Path) -> None:
    assert answer(tmp_path, json.dumps({MOBILE: "甲"}).encode())["hits"][0]["pattern"] == "mobile"


def test_entities_of_markup_are_read_as_characters(tmp_path: Path) -> None:
    hidden = "".join(f"&#{ord(digit)};" for digit in MOBILE)
    text = f'<?xml version="1.0"?>\n<a><b>{hidden}</b></a>\n'
    assert {hit["pattern"] for hit in answer(tmp_path, text.encode())["hits"]} == {"mobile"}


# --- workbooks ------------------------------------------------------------------------------------


def workbook(change: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    book.active.title = "公开"
    book.active.append(["名称", "数量"])
    book.active.append(["甲", 1])
    change(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def in_hidden_sheet(book: Any) -> None:
    sheet = book.create_sheet("底稿")
    sheet.append(["姓名", "身份证号"])
    sheet.append(["张三", PERSON])
    sheet.sheet_state = "veryHidden"


def in_hidden_row(book: Any) -> None:
    book.active.append([f"张三 {PERSON}", 2])
    book.active.row_dimensions[3].hidden = True


def in_comment(book: Any) -> None:
    book.active["A2"].comment = Comment(f"张三 {PERSON}", "某人")


def in_sheet_name(book: Any) -> None:
    book.create_sheet(f"名单{PERSON}")


def in_footer(book: Any) -> None:
    book.active.oddFooter.center.text = f"张三 {PERSON}"


def in_properties(book: Any) -> None:
    book.properties.description = f"张三 {PERSON}"


def in_defined_name(book: Any) -> None:
    from openpyxl.workbook.defined_name import DefinedName

    book.defined_names["某人"] = DefinedName("某人", attr_text=f'"{PERSON}"')


def in_formula(book: Any) -> None:
    book.active["A3"] = f'="{PERSON}"'


def in_line_break(book: Any) -> None:
    book.active["A3"] = f"{PERSON[:6]}\n{PERSON[6:]}"


def in_heading(book: Any) -> None:
    book.active["B1"] = f"数量（张三 {PERSON}）"


@pytest.mark.parametrize(
    "layer",
    [in_hidden_sheet, in_hidden_row, in_comment, in_sheet_name, in_footer, in_properties,
     in_defined_name, in_heading, in_formula, in_line_break],
)  # fmt: skip
def test_every_layer_of_a_workbook_is_read(tmp_path: Path, layer: Callable[[Any], None]) -> None:
    found = answer(tmp_path, workbook(layer))
    assert {hit["pattern"] for hit in found["hits"]} == {"id18"}
    assert PERSON not in json.dumps(found)


def test_a_workbook_without_people_is_clean(tmp_path: Path) -> None:
    found = answer(tmp_path, workbook(lambda book: None))
    assert (found["verdict"], found["unread"]) == ("clean", [])


def test_numbers_of_people_that_a_workbook_keeps_as_numbers_are_found(tmp_path: Path) -> None:
    def change(book: Any) -> None:
        sheet = book.create_sheet("名单")
        sheet.append(["身份证号", "手机号"])
        for number in range(5):
            sheet.append([float(PERSON[:17] + "0") + number * 64, int(MOBILE) + number])

    hits = {hit["pattern"]: hit["hits"] for hit in answer(tmp_path, workbook(change))["hits"]}
    assert hits == {"id18": 5, "mobile": 5}


def test_a_formula_in_a_large_sheet_is_found_wherever_a_block_ends(tmp_path: Path) -> None:
    def change(book: Any) -> None:
        for _ in range(9_000):
            book.active.append(["这是一段用于说明办理情况的文字" * 4, "x" * 90])
        book.active.append([f'="{PERSON}"'])

    assert {hit["pattern"] for hit in answer(tmp_path, workbook(change))["hits"]} == {"id18"}


def test_the_old_format_is_read_with_its_hidden_sheets(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    book.add_sheet("公开").write(0, 0, "名称")
    hidden = book.add_sheet("底稿")
    hidden.write(0, 0, "电话")
    hidden.write(1, 0, MOBILE)
    hidden.visibility = 2
    buffer = io.BytesIO()
    book.save(buffer)
    assert ("mobile", "底稿", "A2") in places(answer(tmp_path, buffer.getvalue()))


# --- documents ------------------------------------------------------------------------------------


def test_a_number_that_word_keeps_in_several_runs_is_one(tmp_path: Path) -> None:
    found = answer(tmp_path, docx(paragraph("电话", MOBILE[:3], MOBILE[3:7], MOBILE[7:])))
    assert {hit["pattern"] for hit in found["hits"]} == {"mobile"}


@pytest.mark.parametrize(
    "part",
    ["word/header1.xml", "word/footer2.xml", "word/comments.xml", "word/footnotes.xml",
     "docProps/core.xml", "docProps/custom.xml", "customXml/item1.xml"],
)  # fmt: skip
def test_every_part_of_a_text_document_is_read(tmp_path: Path, part: str) -> None:
    body = f"<w:x {W}>{paragraph(f'张三 {PERSON}')}</w:x>"
    found = answer(tmp_path, docx(paragraph("正文"), **{part: body}))
    assert {hit["pattern"] for hit in found["hits"]} == {"id18"}


def test_what_a_revision_deleted_is_read_and_does_not_hide_what_stands(tmp_path: Path) -> None:
    gone = f"<w:p><w:del><w:r><w:delText>身份证{PERSON}</w:delText></w:r></w:del></w:p>"
    inside = (
        f"<w:p><w:r><w:t>电话{MOBILE[:4]}</w:t></w:r><w:del><w:r><w:delText>9</w:delText></w:r>"
        f"</w:del><w:r><w:t>{MOBILE[4:]}</w:t></w:r></w:p>"
    )
    found = answer(tmp_path, docx(gone + inside))
    assert {hit["pattern"] for hit in found["hits"]} == {"id18", "mobile"}


def test_tables_of_a_document_are_judged_by_column(tmp_path: Path) -> None:
    def row(*cells: str) -> str:
        return "<w:tr>" + "".join(f"<w:tc>{paragraph(one)}</w:tc>" for one in cells) + "</w:tr>"

    body = f"<w:tbl>{row('姓名', '身份证号')}{row('张三', PERSON)}</w:tbl>"
    assert places(answer(tmp_path, docx(body))) == {("id18", "word/document.xml#table1", "B2")}


def test_a_link_to_a_telephone_is_read(tmp_path: Path) -> None:
    links = f'<Relationships><Relationship Target="tel:{MOBILE}" TargetMode="External"/></Relationships>'
    found = answer(tmp_path, docx(paragraph("x"), **{"word/_rels/document.xml.rels": links}))
    assert {hit["pattern"] for hit in found["hits"]} == {"mobile"}


def test_slides_and_their_notes_are_read(tmp_path: Path) -> None:
    slide = "<p:sld xmlns:p='p' xmlns:a='a'><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:sld>"
    content = zipped(
        {"ppt/presentation.xml": "<p/>", "ppt/slides/slide1.xml": slide.format(f"电话{MOBILE}"),
         "ppt/notesSlides/notesSlide1.xml": slide.format(f"张三 {PERSON}")}
    )  # fmt: skip
    assert {hit["pattern"] for hit in answer(tmp_path, content)["hits"]} == {"mobile", "id18"}


def test_a_document_type_is_refused_before_any_entity(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + f"<x {W}>&b;</x>"
    assert reasons(answer(tmp_path, zipped({"word/document.xml": bomb}))) == {
        ("word/document.xml", "damaged")
    }


def test_images_and_objects_inside_a_document_are_said(tmp_path: Path) -> None:
    others = {"word/media/image1.png": b"\x89PNG", "word/embeddings/o.bin": b"x",
              "docProps/thumbnail.jpeg": b"\xff\xd8\xff"}  # fmt: skip
    found = answer(tmp_path, docx(paragraph("x"), **others))
    assert reasons(found) == {
        ("word/media/image1.png", "image"),
        ("word/embeddings/o.bin", "embedded"),
    }


def pdf(*pages: str, image: bool = False) -> bytes:
    """A PDF with one line of ASCII text on each page."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    kids = []
    for text in pages:
        stream = f"BT /F1 12 Tf 20 700 Td ({text}) Tj ET" if text else "/I Do"
        objects.append(f"<</Length {len(stream)}>>\nstream\n{stream}\nendstream")
        body = len(objects)
        resources = "/Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
        if not text or image:
            objects.append(
                "<</Type/XObject/Subtype/Image/Width 900/Height 900/BitsPerComponent 8"
                "/ColorSpace/DeviceGray/Length 1>>\nstream\n0\nendstream"
            )
            resources += f"/XObject<</I {len(objects)} 0 R>>"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {body} 0 R"
            f"/Resources<<{resources}>>>>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>"
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    start = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}".encode()
    return (
        out + f"trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF".encode()
    )


def test_the_text_of_a_pdf_is_read(tmp_path: Path) -> None:
    found = answer(tmp_path, pdf("nothing here", f"call {MOBILE} now"))
    assert {hit["pattern"] for hit in found["hits"]} == {"mobile"}
    assert found["unread"] == []


def test_scanned_pages_of_a_pdf_are_said_by_number(tmp_path: Path) -> None:
    assert reasons(answer(tmp_path, pdf("text", "", "", "text", ""))) == {
        ("page 2-3, 5", "scanned")
    }


def test_a_large_image_beside_text_is_said(tmp_path: Path) -> None:
    assert reasons(answer(tmp_path, pdf("text", image=True))) == {("page 1", "image")}


def test_a_broken_pdf_is_said(tmp_path: Path) -> None:
    assert {reason for _, reason in reasons(answer(tmp_path, b"%PDF-1.7\nnothing"))} == {"damaged"}


# --- images and archives --------------------------------------------------------------------------


def jpeg(*, with_position: bool) -> bytes:
    gps = struct.pack("<H", 2) + struct.pack("<HHII", 2, 5, 3, 0) + struct.pack("<HHII", 4, 5, 3, 0)
    main = struct.pack("<H", 1) + struct.pack("<HHII", 0x8825 if with_position else 0x110, 4, 1, 26)
    return b"\xff\xd8\xff\xe1\x00\x60Exif\x00\x00II*\x00\x08\x00\x00\x00" + main + b"\0\0\0\0" + gps


def test_an_image_is_not_readable_and_tells_where_it_was_taken(tmp_path: Path) -> None:
    found = answer(tmp_path, jpeg(with_position=True))
    assert reasons(found) == {("", "image")}
    assert [hit["pattern"] for hit in found["hits"]] == ["position"]
    assert answer(tmp_path, jpeg(with_position=False))["hits"] == []


def test_members_of_an_archive_are_read_as_what_they_are(tmp_path: Path) -> None:
    table = f"姓名,身份证号\n张三,{PERSON}\n".encode()
    found = answer(tmp_path, zipped({"a/b.csv": table, "c.xlsx": workbook(in_hidden_sheet)}))
    assert places(found) == {("id18", "a/b.csv", "B2"), ("id18", "c.xlsx/底稿", "B2")}


def test_names_of_members_are_read_also_in_chinese_of_old_programs(tmp_path: Path) -> None:
    class OldName(zipfile.ZipInfo):
        def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - the library's name
            return self.filename.encode("gb18030"), 0

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(OldName(f"张三{PERSON}.txt"), "x")
    found = answer(tmp_path, buffer.getvalue())
    assert {(hit["pattern"], hit["sheet"]) for hit in found["hits"]} == {("id18", "names")}
    assert PERSON not in json.dumps(found)


def test_an_archive_inside_an_archive_is_said(tmp_path: Path) -> None:
    found = answer(
        tmp_path, zipped({"in.zip": zipped({"a.txt": MOBILE}), "x.dat": b"Rar!\x1a\x07"})
    )
    assert reasons(found) == {("in.zip", "nested"), ("x.dat", "nested")}


def test_a_bomb_is_refused_by_what_its_directory_declares(tmp_path: Path) -> None:
    found = answer(tmp_path, zipped({"a.txt": b"0" * 60_000_000}))
    assert reasons(found) == {("", "limit")}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "damaged"),
        (b"PK\x03\x04" + b"\0" * 100, "damaged"),
        (b"MZ\x90\x00", "format"),
        (b"{\\rtf1 x}", "format"),
        (b"\x1f\x8b\x08\x00", "nested"),
    ],
)
def test_what_is_not_read_is_high_and_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    found = answer(tmp_path, content)
    assert {one for _, one in reasons(found)} == {reason}
    assert found["verdict"] == "high"


# --- the program ----------------------------------------------------------------------------------


@pytest.fixture
def program() -> Any:
    """The module with no program running before and after."""
    scan_process._drop()
    yield scan_process
    scan_process._drop()


def test_one_program_answers_many_files_and_a_new_one_follows_a_dead_one(
    tmp_path: Path, program: Any
) -> None:
    path = tmp_path / "f"
    path.write_bytes(f"姓名,手机号\n张三,{MOBILE}\n".encode())
    assert program.read(path, KEY)["hits"][0]["pattern"] == "mobile"
    first = program._program.process.pid
    assert program.read(path, KEY)["verdict"] == "high"
    assert program._program.process.pid == first
    program._program.process.kill()
    program._program.process.wait()
    assert program.read(path, KEY)["verdict"] == "high"
    assert program._program.process.pid != first


def test_a_file_that_takes_the_program_down_is_not_clean_and_the_next_one_is_read(
    tmp_path: Path, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_process, "_READER", "ckanext.govopen.domain.scan")  # ends at once
    path = tmp_path / "f"
    path.write_bytes(b"a,b\n1,2\n")
    found = program.read(path, KEY)
    assert (found["verdict"], found["unread"][0]["reason"]) == ("high", "crash")
    monkeypatch.undo()
    assert program.read(path, KEY)["verdict"] == "clean"


def test_a_file_that_takes_longer_than_somebody_waits_is_left_for_later(
    tmp_path: Path, program: Any
) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(scan_process.TooSlowError):
        program.read(path, KEY, 0)
    assert program.read(path, KEY)["verdict"] == "clean"


def test_a_file_that_nobody_can_wait_for_is_not_clean(
    tmp_path: Path, program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_process, "WALL_SECONDS", 0)
    path = tmp_path / "f"
    path.write_bytes(b"a,b\n1,2\n")
    assert program.read(path, KEY, 0)["unread"][0]["reason"] == "limit"


def test_more_memory_than_allowed_is_a_limit_and_no_end(tmp_path: Path, program: Any) -> None:
    path = tmp_path / "f"
    path.write_bytes(zipped({"word/document.xml": f"<w:p {W}>" + "<w:p>" * 3_000_000}))
    found = program.read(path, KEY)
    assert found["verdict"] == "high"
    assert found["unread"]


def test_the_headings_of_every_sheet_are_told_and_masked(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["名称", f"联系人{MOBILE}"])
    book.active.append(["甲", "乙"])
    book.create_sheet("二").append(["泊位", "名称"])
    book["二"].append([3, "丙"])
    book.save(tmp_path / "a.xlsx")
    found = answer(tmp_path, (tmp_path / "a.xlsx").read_bytes())
    assert found["columns"] == ["名称", "联系人139****2345", "泊位"]


def test_a_table_that_begins_with_its_rows_has_no_headings(tmp_path: Path) -> None:
    assert answer(tmp_path, b"1,2\n3,4\n")["columns"] == []


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("名称,日期\n甲,2026-01-02\n".encode(), "utf-8"),
        ("名称,日期\n甲,2026-01-02\n".encode("utf-8-sig"), "utf-8-sig"),
        ("名称,日期\n甲,2026-01-02\n".encode("gb18030"), "gb18030"),
        (json.dumps([{"名称": "甲", "日期": "2026-01-02"}]).encode("utf-16"), "utf-16"),
        (
            "<?xml version='1.0' encoding='gb18030'?><a>全市公共停车场名称和地址</a>".encode(
                "gb18030"
            ),
            "gb18030",
        ),
    ],
)
def test_the_encoding_of_a_text_is_noted(tmp_path: Path, content: bytes, encoding: str) -> None:
    assert answer(tmp_path, content)["encoding"] == encoding


def test_the_tables_of_every_part_are_noted_for_the_checks_of_a_dataset(tmp_path: Path) -> None:
    inner = "编号,姓名\n1,张*\n2,李*\n".encode("gb18030")
    found = answer(tmp_path, zipped({"a/b.csv": inner, "c.txt": "说明"}))
    assert found["encoding"] == "gb18030"
    assert found["tables"] == [
        {
            "sheet": "a/b.csv",
            "columns": ("编号", "姓名"),
            "rows": 2,
            "masked": ("姓名",),
            "newest": {},
            "uneven": (),
            "uneven_rows": 0,
            "unclosed": None,
        }
    ]
    book = answer(tmp_path, workbook(lambda one: None))
    assert book["encoding"] is None
    assert [(one["sheet"], one["columns"], one["rows"]) for one in book["tables"]] == [
        ("公开", ("名称", "数量"), 1)
    ]


@pytest.mark.parametrize(
    ("lines", "uneven", "unclosed"),
    [
        (["甲,1", "乙,2"], (), None),
        (["甲,1", "", "乙", "丙,3,,", "丁,4,x", '"戊\n己",5,6', "庚,7"], (4, 6, 7), None),
        (["甲,1", '"乙\n丙",2', '丁,"3', "戊,4"], (), 5),
        (["甲,1", '乙,"'], (), 3),
    ],
)
def test_lines_of_a_csv_that_do_not_stand_under_its_heading_are_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], uneven: Any, unclosed: Any
) -> None:
    text = "\n".join(["名称,泊位", *lines[:1], *["寅,8"] * 9, *lines[1:], ""])
    uneven, unclosed = [line + 9 for line in uneven], unclosed and unclosed + 9
    for block in (1, 2, 1000):
        monkeypatch.setattr(scan_sources, "BLOCK_ROWS", block)
        (table,) = answer(tmp_path, text.encode("gb18030"))["tables"]
        assert (list(table["uneven"]), table["uneven_rows"]) == (uneven, len(uneven))
        assert table["unclosed"] == unclosed


def test_of_many_such_lines_the_first_are_noted_and_all_are_counted(tmp_path: Path) -> None:
    text = "名称,泊位\n" + "甲,1,2\n乙,3\n丙,4\n丁,5\n" * 3000
    (table,) = answer(tmp_path, text.encode())["tables"]
    assert table["uneven_rows"] == 3000
    assert table["uneven"] == tuple(range(2, 82, 4))


def test_a_csv_in_which_no_width_is_usual_is_looked_at_as_lines_and_its_rows_are_counted(
    tmp_path: Path,
) -> None:
    for rows, uneven in (("甲,1\n乙,2,x\n丙\n", 2), ("甲,1\n乙,2,x\n", 1)):
        text = "名称,泊位\n" + rows * 200 + "电话 13812345678\n"
        found = answer(tmp_path, text.encode())
        (table,) = found["tables"]
        assert (table["rows"], table["uneven_rows"]) == (rows.count("\n") * 200 + 1,
                                                         uneven * 200 + 1)  # fmt: skip
        assert [hit["pattern"] for hit in found["hits"]] == ["mobile"]
    assert answer(tmp_path, "第一行\n第二行，没有分隔\n".encode())["tables"] == []
