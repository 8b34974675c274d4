"""Text tables: encodings, delimiters, quotes, bytes that do not belong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from . import writers as w
from .cases import BASIC, COLUMNS, HEADER, ROWS, Read, Refused, Shelf, basic, table, values

SHELF = Shelf()
book = SHELF.book


def csv(encoding: str = "utf-8", **changes: object) -> Read:
    return basic("csv", sheet=None, encoding=encoding, **changes)


def text_of(rows: Sequence[Sequence[str]], mark: str = ",", end: str = "\r\n") -> str:
    return "".join(mark.join(row) + end for row in rows)


def save(folder: Path, content: bytes, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


TRADITIONAL = (
    ("編號", "資料名稱", "資料來源", "更新頻率", "資料集描述"),
    ("1", "公車站位", "交通局", "每月", "桃園市公車站位名稱、經緯度與所屬路線"),
    ("2", "學校名錄", "教育局", "每年", "桃園市各級學校名稱、地址及聯絡電話"),
)
TRADITIONAL_COLUMNS = {**COLUMNS, "abstract": "E"}


def traditional(encoding: str) -> Read:
    rows = [dict(zip(TRADITIONAL_COLUMNS, row, strict=True)) for row in TRADITIONAL[1:]]
    return table(TRADITIONAL_COLUMNS, *rows, kind="csv", sheet=None, encoding=encoding)


# ---- encodings -------------------------------------------------------------------------


@book(w.BY_HAND, csv())
def utf8_without_mark(folder: Path) -> Path:
    return save(folder, text_of(BASIC).encode())


@book(w.BY_HAND, csv("utf-8-sig", headers={"A": "序号"}))
def utf8_with_mark(folder: Path) -> Path:
    return save(folder, text_of(BASIC).encode("utf-8-sig"))


@book(w.BY_HAND, csv("gb18030"))
def gb18030(folder: Path) -> Path:
    return save(folder, text_of(BASIC).encode("gb18030"))


RARE_ROW = ("1", "𠮷野家名录", "㐀县教育局", "每年")


@book(w.BY_HAND, csv("gb18030", rows={2: values(*RARE_ROW)}))
def gb18030_with_characters_of_four_bytes(folder: Path) -> Path:
    return save(folder, text_of([HEADER, RARE_ROW]).encode("gb18030"))


@book(w.BY_HAND, traditional("big5"))
def big5(folder: Path) -> Path:
    return save(folder, text_of(TRADITIONAL).encode("big5"))


@book(w.BY_HAND, traditional("gb18030"))
def gb18030_written_in_traditional_characters(folder: Path) -> Path:
    return save(folder, text_of(TRADITIONAL).encode("gb18030"))


@book(
    w.BY_HAND,
    table(
        {"name": "A", "provider": "B"},
        {"name": "餐蓋許功", "provider": "碁峰"},
        kind="csv",
        sheet=None,
        encoding="big5",
    ),
)
def big5_with_second_bytes_that_look_like_marks(folder: Path) -> Path:
    """The second bytes of 許 and 功 are a backslash, those of others a pipe or a brace."""
    rows = [("資料名稱", "資料來源"), ("餐蓋許功", "碁峰")]
    return save(folder, text_of(rows).encode("cp950"))


@book(w.BY_HAND, csv("utf-16"))
def utf16_little_endian_with_mark(folder: Path) -> Path:
    return save(folder, b"\xff\xfe" + text_of(BASIC, "\t").encode("utf-16-le"))


@book(w.BY_HAND, csv("utf-16"))
def utf16_big_endian_with_mark(folder: Path) -> Path:
    return save(folder, b"\xfe\xff" + text_of(BASIC).encode("utf-16-be"))


@book(w.BY_HAND, csv("utf-16"))
def utf16_little_endian_without_mark(folder: Path) -> Path:
    return save(folder, text_of(BASIC).encode("utf-16-le"))


@book(w.BY_HAND, csv("utf-16"))
def utf16_big_endian_without_mark(folder: Path) -> Path:
    return save(folder, text_of(BASIC).encode("utf-16-be"))


AMBIGUOUS = b"name,provider\r\n" + "放,地".encode("gb18030") + b"\r\n"


@book(w.BY_HAND, Refused(("intake.E6",), mentions=("gb18030", "big5")))
def two_characters_that_both_encodings_read(folder: Path) -> Path:
    """GB18030 reads 放 and 地, Big5 reads 溫 and 華: all four are common."""
    return save(folder, AMBIGUOUS)


def given(name: str, provider: str, encoding: str) -> Read:
    row = {"name": name, "provider": provider}
    return table({"name": "A", "provider": "B"}, row, kind="csv", sheet=None, encoding=encoding)


@book(w.BY_HAND, given("放", "地", "gb18030"), encoding="gb18030")
def ambiguous_bytes_with_gb18030_given(folder: Path) -> Path:
    return save(folder, AMBIGUOUS)


@book(w.BY_HAND, given("溫", "華", "big5"), encoding="big5")
def ambiguous_bytes_with_big5_given(folder: Path) -> Path:
    return save(folder, AMBIGUOUS)


@book(w.BY_HAND, Refused(("intake.E17",), mentions=("gb18030", "big5")), encoding="klingon-8")
def unknown_encoding_is_refused_and_the_known_are_listed(folder: Path) -> Path:
    return save(folder, text_of(BASIC).encode())


@book(w.BY_HAND, Refused(("intake.E6",)))
def utf8_with_a_byte_of_no_encoding(folder: Path) -> Path:
    """0xFF is in none of the encodings; a replacement character would hide it."""
    return save(folder, text_of(BASIC).encode().replace("学校".encode(), b"\xff\xff"))


@book(w.BY_HAND, Refused(("intake.E6",)))
def utf8_rows_and_gb18030_rows_in_one_file(folder: Path) -> Path:
    """As after pasting two files together. Neither reading of the whole is right."""
    first = text_of([HEADER, ROWS[0]]).encode()
    return save(folder, first + text_of([("2", "学校名录", "教育局", "每年")]).encode("gb18030"))


@book(w.BY_HAND, Refused(("intake.E13",)))
def utf8_cut_inside_a_character(folder: Path) -> Path:
    """Cut after two of three bytes: only the end is missing, so the file is truncated."""
    return save(folder, text_of(BASIC).encode().rstrip()[:-1])


@book(w.BY_HAND, Refused(("intake.E6", "intake.E16")))
def utf32_with_mark(folder: Path) -> Path:
    """Not one of the encodings; its zero bytes may be named instead."""
    return save(folder, b"\xff\xfe\0\0" + text_of(BASIC).encode("utf-32-le"))


# ---- delimiters and lines --------------------------------------------------------------


@book(w.BY_HAND, csv())
def tab_delimited(folder: Path) -> Path:
    return save(folder, text_of(BASIC, "\t").encode())


@book(w.BY_HAND, csv("gb18030"))
def semicolon_delimited(folder: Path) -> Path:
    return save(folder, text_of(BASIC, ";").encode("gb18030"))


@book(w.BY_HAND, csv())
def pipe_delimited(folder: Path) -> Path:
    return save(folder, text_of(BASIC, "|").encode())


LISTED = ("1", "学校名录,含民办,含公办,含幼儿园", "云泽市教育局", "每年,每月,每日,每周")


@book(w.BY_HAND, csv(rows={2: values(*LISTED)}))
def semicolons_between_texts_full_of_commas(folder: Path) -> Path:
    return save(folder, text_of([HEADER, LISTED], ";").encode())


@book(w.BY_HAND, csv(first=3))
def line_that_names_the_delimiter(folder: Path) -> Path:
    """Excel writes "sep=;" in front; it is above the header and no part of it."""
    return save(folder, ("sep=;\r\n" + text_of(BASIC, ";")).encode())


@book(w.BY_HAND, csv())
def lines_ended_by_carriage_returns_only(folder: Path) -> Path:
    return save(folder, text_of(BASIC, end="\r").encode())


@book(w.BY_HAND, csv())
def lines_ended_in_two_ways_and_no_end_at_the_last(folder: Path) -> Path:
    return save(folder, f"{','.join(HEADER)}\n{','.join(ROWS[0])}\r\n{','.join(ROWS[1])}".encode())


@book(w.BY_HAND, csv(first=5))
def titles_and_notes_above_the_header_of_a_text(folder: Path) -> Path:
    title = "云泽市政务信息资源目录,,,\r\n填报单位:大数据局,,,\r\n,,,\r\n"
    return save(folder, (title + text_of(BASIC)).encode("utf-8"))


@book(
    w.BY_HAND,
    csv(
        rows={2: values("1", '公交\n站点,"信息"', *ROWS[0][2:]), 3: values(*ROWS[1])},
        cells={2: {"name": "B2"}, 3: {"name": "B3"}},
    ),
)
def quoted_line_breaks_marks_and_quotes(folder: Path) -> Path:
    """Rows are counted as a spreadsheet shows them, not as lines of the file."""
    text = text_of([HEADER, ("1", '"公交\n站点,""信息"""', *ROWS[0][2:]), ROWS[1]])
    return save(folder, text.encode())


@book(
    w.BY_HAND,
    csv(
        rows={2: values("1", '\u5f15\u7528"名录', *ROWS[0][2:]), 3: values(*ROWS[1])},
    ),
)
def quote_inside_an_unquoted_text(folder: Path) -> Path:
    """A quote that does not open the cell is a character of the text."""
    return save(folder, text_of([HEADER, ("1", '引用"名录', *ROWS[0][2:]), ROWS[1]]).encode())


@book(w.BY_HAND, csv("utf-8-sig"))
def every_cell_quoted_after_a_mark(folder: Path) -> Path:
    rows = [[f'"{cell}"' for cell in row] for row in BASIC]
    return save(folder, text_of(rows).encode("utf-8-sig"))


NOVEL = "长" * 150_000


@book(w.BY_HAND, csv(rows={2: values("1", "学校名录", NOVEL, "每年")}))
def cell_longer_than_a_csv_reader_likes(folder: Path) -> Path:
    return save(folder, text_of([HEADER, ("1", "学校名录", f'"{NOVEL}"', "每年")]).encode())


# ---- broken structure ------------------------------------------------------------------


@book(w.BY_HAND, Refused(("intake.E12",), row=3))
def quote_that_is_never_closed(folder: Path) -> Path:
    """The row where the quote was opened is named."""
    rows = [HEADER, ROWS[0], ("2", '"学校名录', *ROWS[1][2:]), ("3", "公园名录", *ROWS[1][2:])]
    return save(folder, text_of(rows).encode())


@book(w.BY_HAND, csv(rows={2: values("1", "公交站点信息", None, None), 3: values(*ROWS[1])}))
def rows_shorter_than_the_header(folder: Path) -> Path:
    return save(folder, text_of([HEADER, ROWS[0][:2], ROWS[1]]).encode())


@book(w.BY_HAND, csv())
def rows_with_empty_cells_beyond_the_header(folder: Path) -> Path:
    return save(folder, text_of([HEADER, (*ROWS[0], "", ""), ROWS[1]]).encode())


@book(w.BY_HAND, Refused(("intake.E12",), row=3))
def row_with_values_beyond_the_header(folder: Path) -> Path:
    """An unquoted comma has moved every later cell: guessing would store wrong values."""
    rows = [HEADER, ROWS[0], ("2", "学校名录", "含民办", "云泽市教育局", "每年")]
    return save(folder, text_of(rows).encode())


@book(w.BY_HAND, Refused(("intake.E16",)))
def nul_byte_in_a_text(folder: Path) -> Path:
    return save(folder, text_of(BASIC).encode().replace("学校".encode(), "学\0校".encode()))


@book(w.BY_HAND, Refused(("intake.E16",)))
def control_character_in_a_text(folder: Path) -> Path:
    return save(folder, text_of(BASIC).encode().replace("学校".encode(), "学\x07校".encode()))


# ---- content ---------------------------------------------------------------------------

CALCULATED = ("1", "=cmd|' /C calc'!A0", "+云泽市教育局", "@每年")


@book(w.BY_HAND, csv(rows={2: values(*CALCULATED)}, source={2: {HEADER[1]: CALCULATED[1]}}))
def formula_text_stays_text(folder: Path) -> Path:
    return save(folder, text_of([HEADER, CALCULATED]).encode())


@book(
    w.BY_HAND,
    table(
        {"name": "A", "provider": "B", "provider_code": "C", "published_on": "D"},
        {
            "name": "学校名录",
            "provider": "教育局",
            "provider_code": "0571",
            "published_on": "2017-07-10",
        },
        {"name": "公园名录", "provider": "园林局", "provider_code": "1E5"},
        kind="csv",
        sheet=None,
        encoding="utf-8",
        findings={3: (("inventory.E19", "D3"),)},
    ),
)
def codes_and_dates_of_a_text_are_text(folder: Path) -> Path:
    """1E5 is no number here, as no spreadsheet has made one of it."""
    rows = [
        ("信息资源名称", "信息资源提供方", "信息资源提供方代码", "发布日期"),
        ("学校名录", "教育局", "0571", "2017/7/10 0:00:00"),
        ("公园名录", "园林局", "1E5", "2026-02-30"),
    ]
    return save(folder, text_of(rows).encode())


@book(
    w.BY_HAND,
    replace(
        csv(),
        notes=("intake.W3", "intake.W4"),
        rows={2: values(*ROWS[0]), 5: values(*ROWS[1])},
        note_rows={"intake.W3": (6,), "intake.W4": (4,)},
    ),
)
def empty_lines_repeated_header_and_total_in_a_text(folder: Path) -> Path:
    """An empty line is an empty row and is counted."""
    rows = [HEADER, ROWS[0], ("",), HEADER, ROWS[1], ("合计", "2", "", "")]
    return save(folder, text_of(rows).encode())


# ---- nothing to read -------------------------------------------------------------------


@book(w.BY_HAND, Refused(("intake.E9",)))
def empty_text(folder: Path) -> Path:
    return save(folder, b"")


@book(w.BY_HAND, Refused(("intake.E9",)))
def text_of_a_mark_only(folder: Path) -> Path:
    return save(folder, b"\xef\xbb\xbf")


@book(w.BY_HAND, Refused(("intake.E9",)))
def text_of_empty_lines_and_delimiters_only(folder: Path) -> Path:
    return save(folder, b"\r\n,,,\r\n,,,\r\n\r\n")


@book(w.BY_HAND, Refused(("intake.E15",), row=1))
def text_of_a_header_only(folder: Path) -> Path:
    return save(folder, text_of([HEADER]).encode("utf-8-sig"))


@book(w.BY_HAND, Refused(("intake.E7",)))
def prose_named_csv(folder: Path) -> Path:
    text = "关于报送政务信息资源目录的通知\r\n各区、各部门:\r\n请于5月31日前报送,逾期通报。\r\n"
    return save(folder, text.encode())
