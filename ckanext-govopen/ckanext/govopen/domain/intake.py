"""What a spreadsheet of an office means: its fields, its rows and which of them are data.

Pure rules, shared by the reading program and by the tests. The header is recognised in
`intake_header`, single values are read in `intake_values`, byte encodings are judged in
`intake_encoding`; opening files is no business of the domain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ckanext.govopen.domain.errors import Finding

INVENTORY_FIELDS = (
    "name", "provider", "provider_code", "res_code", "abstract", "format_category", "formats",
    "items", "share_type", "share_condition", "share_method", "open_type", "open_condition",
    "update_cycle", "published_on", "secrecy", "system", "rights", "rows", "bytes",
    "sensitivity", "planned_open_on", "res_class", "related_codes",
    "withheld_ground",
    "catalog_visible",
    "hidden_ground", "coverage_end",
)  # fmt: skip
SOURCE_FIELDS = (
    "ordinal", "link", "licence", "contact_name", "contact_phone", "contact_email", "tags",
    "remarks", "temporal_start", "temporal_end", "last_updated", "created_on", "data_domain",
)  # fmt: skip
FIELDS = INVENTORY_FIELDS + SOURCE_FIELDS

DATE_FIELDS = frozenset(
    {
        "published_on", "planned_open_on", "coverage_end", "temporal_start", "temporal_end",
        "last_updated", "created_on", "valid_from", "valid_to", "workday_date",
    }
)  # fmt: skip
CODE_FIELDS = frozenset(
    {"provider_code", "res_code", "res_class", "related_codes", "ordinal", "contact_phone",
     "contact_email", "uscc", "local_code", "region_code"}
)  # fmt: skip
NUMBER_FIELDS = frozenset({"rows", "bytes"})
TERM_FIELDS = frozenset(
    {"format_category", "formats", "share_type", "share_method", "open_type", "update_cycle",
     "secrecy", "sensitivity"}
)  # fmt: skip
# Fields whose values are read; all others are names and prose, kept as they are.
TREATMENTS: Mapping[str, str] = {
    **dict.fromkeys(DATE_FIELDS, "date"),
    **dict.fromkeys(CODE_FIELDS, "code"),
    **dict.fromkeys(NUMBER_FIELDS, "number"),
    **dict.fromkeys(TERM_FIELDS, "term"),
}
# A merged cell stands for every row it spans where rows share the fact; a name never does.
FILLED_DOWN_FIELDS = frozenset(
    {"provider", "system", "data_domain", "res_class",
     # the columns of a standard catalogue, whose forms merge every one of them
     "item_l1", "domain", "content_elements", "legal_basis", "time_limit", "bodies", "channels",
     "audience_public", "audience_specific", "audience", "mode_active", "mode_on_request", "mode",
     "level_city", "level_county", "level_township", "level_village", "levels", "five_open",
     "responsible_office"}
)  # fmt: skip

# Spaces of every kind, and the characters without width that copying leaves behind.
OUTER_BLANKS = (
    "".join(character for character in map(chr, range(0x3001)) if character.isspace())
    + "\u200b\u200c\u200d\u2060\ufeff"
)

_TOTAL_ROW = re.compile(
    r"(合计|总计|小计|共计|合計|總計|小計|共計|grandtotal|subtotal|total)"
    r"(?P<colon>[:：].*)?[\d.,()（）共]*(条|项|个|筆|笔|項|個|rows)?[)）]?",
    re.IGNORECASE,
)
_NOTE_ROW = re.compile(
    r"(说明|說明|备注|備註|附注|附註|注|註|填表说明|填表說明)\d*[:：]"
    r"|(填表人|填表单位|填表單位|填表日期|填报单位|填報單位|填报人|填報人|填报日期|填報日期"
    r"|制表|製表|审核人|審核人|note:|notes:)",
    re.IGNORECASE,
)
_HINTS = frozenset(
    {"必填", "选填", "選填", "必选", "必選", "可选", "可選", "条件必填", "條件必填", "非必填",
     "下拉选择", "下拉選擇", "required", "optional", "mandatory"}
)  # fmt: skip


class IntakeRefused(Exception):  # noqa: N818 the name says what happened to the file
    """A file that is not read; `findings` say why, for its sender to mend."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(", ".join(finding.code for finding in self.findings))


def refused(
    code: str, params: Mapping[str, object] | None = None, **place: object
) -> IntakeRefused:
    """The refusal with one finding; `place` holds its sheet, cell, row, field and value."""
    return IntakeRefused((Finding(code, params=params or {}, **place),))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Limits:
    """What a file may ask of the machine; sizes in bytes, times in seconds."""

    max_rows: int = 200_000
    max_columns: int = 1_000
    max_cells: int = 20_000_000
    max_unpacked: int = 600_000_000
    max_ratio: int = 100
    ratio_from: int = 10_000_000
    max_parts: int = 2_000
    max_memory: int = 600 * 2**20
    max_output: int = 16 * 2**30
    cpu_seconds: int = 240
    wall_seconds: int = 300


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Column:
    """A column of the table; `field` None when its heading means nothing here."""

    letter: str
    header: str
    field: str | None
    confidence: float


@dataclass(frozen=True)
class Row:
    """A row of data: recognised values, everything as it was, and what is wrong with cells."""

    number: int
    values: Mapping[str, str]
    source: Mapping[str, str]
    cells: Mapping[str, str]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Table:
    """A file read; `rows` may be walked more than once and is never whole in memory.

    `above` holds the texts that stand over the header: titles and notes.
    """

    file_kind: str
    encoding: str | None
    sheet: str | None
    header_row: int
    columns: tuple[Column, ...]
    rows: Iterable[Row]
    notes: tuple[Finding, ...] = field(default=())
    above: tuple[str, ...] = ()


LEAST_SHORT, SHORT_SHARE = 5, 10


def are_many_short(short: int, rows: int) -> bool:
    """True when so many rows have fewer cells than the heading that separators may be lacking.

    Some files leave out what is empty at the end of a row; at five rows and a tenth it is told.
    """
    return short >= LEAST_SHORT and short * SHORT_SHARE >= rows


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook; a hidden one is read only when it is asked for."""

    name: str
    is_hidden: bool


@dataclass(frozen=True)
class Merge:
    """A merged range, rows and columns counted from 0, both ends included."""

    top: int
    left: int
    bottom: int
    right: int


def column_letter(index: int) -> str:
    """The letters of a column counted from 0: 0 is "A", 26 is "AA"."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """The column, counted from 0, that these letters name."""
    index = 0
    for letter in letters.upper():
        index = index * 26 + ord(letter) - 64
    return index - 1


def cell_name(row: int, column: int) -> str:
    """The name of a cell whose row and column are counted from 0: (6, 2) is "C7"."""
    return f"{column_letter(column)}{row + 1}"


def is_blank(text: str) -> bool:
    """A cell of spaces, ideographic spaces or zero-width characters says nothing."""
    return not text.strip(OUTER_BLANKS)


def filled_cells(texts: Sequence[str]) -> list[int]:
    """The indexes of the cells that say something."""
    return [index for index, text in enumerate(texts) if text and not is_blank(text)]


def classify_row(
    texts: Sequence[str],
    headers: Sequence[Sequence[str]],
    name_column: int | None,
    filled: Sequence[int] | None = None,
) -> str:
    """What a row below the header is: `data`, `empty`, `total`, `note` or `repeat`.

    Args:
        texts: the cells of the row as text.
        headers: the cells of each header row (and of a title row), to know them again.
        name_column: index of the column of names, None when there is none.
        filled: the answer of `filled_cells` where the caller has it.
    """
    filled = filled_cells(texts) if filled is None else filled
    if not filled:
        return "empty"
    first = "".join(unicodedata.normalize("NFKC", texts[filled[0]]).split())
    alone = len(filled) == 1
    total = _TOTAL_ROW.fullmatch(first)
    # 合计：共2项 is a total when it stands alone; beside other values it might be a name.
    if total and (alone or len(total["colon"] or "") < 2):
        return "total"
    if _NOTE_ROW.match(first) and (alone or name_column not in filled):
        return "note"
    if any(_repeats(texts, filled, header) for header in headers):
        return "repeat"
    if all(texts[index].strip(" *()（）") in _HINTS for index in filled):
        return "note"
    return "data"


def _repeats(texts: Sequence[str], filled: Sequence[int], header: Sequence[str]) -> bool:
    if not all(
        index < len(header) and texts[index].split() == header[index].split() for index in filled
    ):
        return False
    return len(filled) >= min(2, len(filled_cells(header)))


def script_of(texts: Sequence[str]) -> str:
    """`traditional` or `simplified`: which script the characters of these texts belong to.

    A character that only one of the two national sets knows decides; both sets are in Python's
    codecs, so no table is kept here.
    """
    traditional = simplified = 0
    for character in "".join(texts):
        if character < "\u4e00" or character > "\u9fff":
            continue
        in_big5, in_gb = _is_in(character, "big5"), _is_in(character, "gb2312")
        traditional += in_big5 and not in_gb
        simplified += in_gb and not in_big5
    return "traditional" if traditional > simplified else "simplified"


def _is_in(character: str, charset: str) -> bool:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
