"""Values as offices write them: dates in every form, full-width digits, numbers, codes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache

from ckanext.govopen.domain.intake import (
    OUTER_BLANKS,
    TREATMENTS,
)

ERROR_VALUES = frozenset(
    {"#REF!", "#N/A", "#DIV/0!", "#NAME?", "#VALUE!", "#NUM!", "#NULL!", "#GETTING_DATA",
     "#SPILL!", "#CALC!", "#BLOCKED!", "#FIELD!", "#CONNECT!", "#UNKNOWN!", "#BUSY!"}
)  # fmt: skip

# Whole-number serials that are read as dates: 1927-05-18 to 2119-06-15. Outside, a number in a
# date column is more likely a year or a count than a day.
_SERIALS = range(10_000, 80_000)
_EPOCH_1900, _EPOCH_1904 = date(1899, 12, 30), date(1904, 1, 1)
_SHANGHAI = timezone(timedelta(hours=8))

_CHINESE_DIGITS = {c: str(i) for i, c in enumerate("〇一二三四五六七八九")}
_CHINESE_DIGITS |= {"零": "0", "○": "0", "元": "1"}
_TIME = (
    r"(?:\s*T?\s*(?:上午|下午|早上|晚上|AM|PM)?\s*(?P<hour>\d{1,2})[:时時](?P<minute>\d{1,2})分?"
    r"(?::?(?P<second>\d{1,2})秒?(?:\.\d+)?)?\s*(?:AM|PM)?"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
_YMD = re.compile(r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|(\d{2})(\d{2}))" + _TIME, re.IGNORECASE)
_CHINESE_YMD = re.compile(
    r"(?P<era>民國|民国|中華民國|中华民国)?(?P<y>\d{1,4})年(?P<m>\d{1,2})月(?:(?P<d>\d{1,2})[日号號])?"
    + _TIME,
    re.IGNORECASE,
)
_ERA_YMD = re.compile(
    r"(?P<era>民國|民国|中華民國|中华民国)?(?P<y>\d{1,3})([-/.])(?P<m>\d{1,2})\3(?P<d>\d{1,2})"
    + _TIME,
    re.IGNORECASE,
)
_ERA_COMPACT = re.compile(r"(\d{3})(\d{2})(\d{2})")
_YEAR_MONTH = re.compile(r"(\d{4})[-/](\d{1,2})")
_CHINESE_DATE = re.compile(r"[〇零○元一二三四五六七八九十百]+(?=[年月日号號])")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_HALF_WIDTH = {
    code: code - 0xFEE0
    for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
_PERCENT_FORM = re.compile(r"[#,]*0(\.0{1,15})?\\?%(;.*)?")
_CODE_PART = re.compile(r'"[^"]*"|\\.|[-/ ]|0')
# Milliseconds since 1970 as programs write moments, from 2001-09-09 on: 13 digits.
_MILLISECONDS = re.compile(r"1\d{12}")
# The same in seconds, to 2030-03-17: ten digits that begin with 19 may be a year, month, day, hour.
_SECONDS = re.compile(r"1[0-8]\d{8}")
_COMPACT_MOMENT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[01]\d|2[0-3])[0-5]\d[0-5]\d")
_GROUPED_NUMBER = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")


@dataclass(frozen=True)
class BadCell:
    """A cell that shows an error (`text`), or a formula that nobody calculated (text is empty)."""

    text: str


class BadDateError(ValueError):
    """The text is no date, is impossible, or could be read in two ways."""


def cell_text(value: object) -> str:
    """A cell as an office prints it; text stays exactly as it was."""
    if isinstance(value, str):
        if value.isprintable():
            return value
        return _CONTROLS.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, datetime):
        has_time = value.time() != time(0)
        return value.strftime("%Y-%m-%d %H:%M:%S") if has_time else value.date().isoformat()
    if isinstance(value, BadCell):
        return value.text
    return value.isoformat() if isinstance(value, (date, time)) else str(value)


def number_text(value: float) -> str:
    """A number with the 15 digits that a spreadsheet keeps, never with an exponent: 1.0 is "1"."""
    if isinstance(value, int) or (abs(value) < 1e21 and value == int(value)):
        return str(int(value))
    text = f"{value:.15g}"
    if "e" in text:
        text = f"{value:.20f}".rstrip("0")
    return text


def printed(value: float, form: str) -> str:
    """A number as its cell format prints it: leading zeros, marks of a code, percent.

    Args:
        value: the number in the cell.
        form: the number format, e.g. 000000, "YZ"0000, 000000-000 or 0.0%; with any other one
            the number is printed as such.
    """
    first = form.split(";")[0]
    if _PERCENT_FORM.fullmatch(form):
        decimals = len(first.partition(".")[2].rstrip("%\\"))
        return f"{value * 100:.{decimals}f}%"
    zeros = _CODE_PART.sub(lambda part: "0" * (part[0] == "0"), first)
    if not is_printed_apart(form) or value != int(value) or value < 0:
        return number_text(value)
    digits = str(int(value)).zfill(len(zeros))
    pending = [digits[: len(digits) - len(zeros) + 1], *digits[len(digits) - len(zeros) + 1 :]]
    return _CODE_PART.sub(
        lambda part: pending.pop(0) if part[0] == "0" else part[0].strip('"').lstrip("\\"), first
    )


def is_printed_apart(form: str) -> bool:
    """The format prints something that the number alone does not say."""
    parts = _CODE_PART.findall(form)
    is_code = "".join(parts) == form and parts.count("0") >= 2
    return is_code or _PERCENT_FORM.fullmatch(form) is not None


def is_bad(value: object) -> bool:
    """The cell shows an error such as #REF!, or nothing where a formula stands."""
    if isinstance(value, str):
        return value.startswith("#") and value.strip().upper() in ERROR_VALUES
    return isinstance(value, BadCell)


def normalise(field: str, value: object, *, traditional: bool, epoch_1904: bool = False) -> str:
    """The value of a cell of an inventory, as `treated` reads it for that field."""
    treatment = TREATMENTS.get(field, "")
    return treated(treatment, value, traditional=traditional, epoch_1904=epoch_1904)


def treated(treatment: str, value: object, *, traditional: bool, epoch_1904: bool = False) -> str:
    """The value of one recognised cell, as text; "" for an empty one.

    Args:
        treatment: `date`, `code`, `number` or `term`; any other text is prose, kept as it is.
        value: what the spreadsheet holds: text, number, bool, date or time.
        traditional: the table is in the traditional script, so years 1 to 200 count from 1912.
        epoch_1904: serials of this workbook count from 1904.

    Raises:
        BadDateError: the field is a date and the value is none, or an ambiguous one.
    """
    text = tidied(cell_text(value))
    if not text:
        return ""
    if treatment == "date":
        return read_date(value, traditional=traditional, epoch_1904=epoch_1904).isoformat()
    if treatment == "code":
        return unicodedata.normalize("NFKC", text)
    if treatment == "number":
        half = unicodedata.normalize("NFKC", text).replace(" ", "")
        return half.replace(",", "") if _GROUPED_NUMBER.fullmatch(half) else half
    if treatment == "term":
        return text.translate(_HALF_WIDTH)
    return text


def tidied(text: str) -> str:
    """Names and prose: composed (NFC) and without blanks outside, nothing else."""
    return unicodedata.normalize("NFC", text).strip(OUTER_BLANKS)


def read_date(value: object, *, traditional: bool = False, epoch_1904: bool = False) -> date:
    """The day that a cell names (zone Asia/Shanghai where it names another one).

    Raises:
        BadDateError: impossible (2026-02-30), ambiguous (03/04/2017, 7/10/17) or no date at all.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _read_number(value, epoch_1904)
    return _read_text(str(value), traditional, epoch_1904)


def _read_number(value: float, epoch_1904: bool) -> date:
    if int(value) in _SERIALS:
        return (_EPOCH_1904 if epoch_1904 else _EPOCH_1900) + timedelta(days=int(value))
    text = number_text(value)
    if re.fullmatch(r"\d{8}", text):
        return _day(text[:4], text[4:6], text[6:])
    raise BadDateError(text)


@lru_cache(maxsize=4096)
def _read_text(original: str, traditional: bool, epoch_1904: bool) -> date:
    text = unicodedata.normalize("NFKC", original).strip(OUTER_BLANKS)
    text = re.sub(r"[‐‑‒–—―−]", "-", text)
    text = _CHINESE_DATE.sub(lambda found: _arabic(found[0]), text)
    text = re.sub(r"\s*([-/.年月])\s*|\s+(?=[日号號])", r"\1", text)
    if found := _YMD.fullmatch(text):
        return _with_zone(found, found[1], found[3] or found[5], found[4] or found[6])
    if found := _CHINESE_YMD.fullmatch(text):
        return _with_zone(found, _year(found, traditional, True), found["m"], found["d"] or "1")
    if found := _ERA_YMD.fullmatch(text):
        return _with_zone(found, _year(found, traditional, False), found["m"], found["d"])
    if found := _YEAR_MONTH.fullmatch(text):
        return _day(found[1], found[2], "1")
    if traditional and (found := _ERA_COMPACT.fullmatch(text)):
        return _day(str(int(found[1]) + 1911), found[2], found[3])
    if re.fullmatch(r"\d{5}(\.\d+)?", text):
        return _read_number(float(text), epoch_1904)
    if _MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) // 1000, _SHANGHAI).date()
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text), _SHANGHAI).date()
    if found := _COMPACT_MOMENT.fullmatch(text):
        return _day(found[1], found[2], found[3])
    raise BadDateError(original)


def _year(found: re.Match[str], traditional: bool, is_labelled: bool) -> str:
    """The year of our era; years 1 to 200 count from 1912 where the table or the text says so."""
    year = int(found["y"])
    if len(found["y"]) == 4:
        return found["y"]
    # 7/10/17 may be a day, a month or a year first; 95/07/10 may not.
    is_clear = is_labelled or found["era"] or len(found["y"]) == 3 or year > 31
    if 1 <= year <= 200 and (found["era"] or traditional) and is_clear:
        return str(year + 1911)
    raise BadDateError(found[0])


def _with_zone(found: re.Match[str], year: str, month: str, day: str) -> date:
    result = _day(year, month, day)
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if hour > 24 or minute > 59 or second > 59:
        raise BadDateError(found[0])
    zone = found["zone"]
    if not zone or hour == 24:
        return result
    offset = timedelta()
    if zone.upper() != "Z":
        digits = zone[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        offset = -offset if zone[0] == "-" else offset
    written = datetime(result.year, result.month, result.day, hour, minute, second)  # noqa: DTZ001
    return (written.replace(tzinfo=timezone.utc) - offset).astimezone(_SHANGHAI).date()


def _day(year: str, month: str, day: str) -> date:
    try:
        result = date(int(year), int(month), int(day))
    except ValueError as error:
        raise BadDateError(f"{year}-{month}-{day}") from error
    if not 1000 <= result.year <= 2999:
        raise BadDateError(f"{year}-{month}-{day}")
    return result


def _arabic(chinese: str) -> str:
    """二〇一七 is 2017, 十 is 10, 二十五 is 25, 一百零六 is 106; "元" is the first year or day."""
    if "十" not in chinese and "百" not in chinese:
        return "".join(_CHINESE_DIGITS[character] for character in chinese)
    hundreds, has_hundreds, rest = chinese.rpartition("百")
    tens, has_tens, ones = rest.strip("零〇").rpartition("十")
    if max(len(hundreds), len(tens), len(ones)) > 1:
        return chinese
    value = int(_CHINESE_DIGITS.get(hundreds, "1")) * 100 if has_hundreds else 0
    value += int(_CHINESE_DIGITS.get(tens, "1")) * 10 if has_tens else 0
    return str(value + int(_CHINESE_DIGITS.get(ones, "0")))
