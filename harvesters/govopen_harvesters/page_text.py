"""Text of pages: their encodings, their marks and blanks, and the days that stand in them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from contextlib import suppress

PEEK = 2048
_DECLARED = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_CHINESE = ("gb2312", "gbk", "gb18030", "gb_2312-80", "x-gbk", "hz-gb-2312")
_BLANKS = re.compile(r"[ \t\r\f\v\xa0\u3000\u200b\ufeff]+")
_DIGIT = "〇零○ＯO一二三四五六七八九"
DAY = re.compile(
    r"(?<!\d)\d{4}\s*(?:年\s*\d{1,2}\s*月\s*\d{1,2}\s*日?|[-/.]\s*\d{1,2}\s*[-/.]\s*\d{1,2}(?!\d))"
    rf"|[{_DIGIT}]{{4}}年[一二三四五六七八九十]{{1,2}}月[一二三四五六七八九十]{{1,3}}日"
)
_ELEMENT = (
    r"(?:a|b|big|blockquote|br|center|dd|div|dl|dt|em|font|h[1-6]|hr|i|img|label|li|o:p|ol|p|pre|"
    r"section|small|span|strong|sub|sup|table|tbody|td|th|thead|tr|u|ul)"
)
_TAG = re.compile(rf"</?{_ELEMENT}(?:[\s/][^<>]*)?>", re.IGNORECASE)
_MARKUP = re.compile(rf"{_TAG.pattern}|&(?:[a-z]{{2,20}}\d*|#\d{{1,7}});", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|hr|/p|/div|/li|/tr|/h[1-6])(?:[\s/][^<>]*)?>", re.IGNORECASE)


def without_markup(text: str) -> str:
    """A text as it is read on a page: without its marks, where it has some; lines stay.

    Marks are those of elements that texts have; what only looks like one, such as <T>, stays.
    """
    if not _MARKUP.search(text):
        return text
    bare = html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))
    return lines([bare])


def decoded(body: bytes) -> str:
    """The text of a page, whatever it says of its encoding.

    UTF-8 is never read out of anything else by chance, so it is tried first: many a page declares
    GB2312 and is not. GB18030 reads what GB2312 and GBK are. What is broken in places keeps marks
    where it is broken.
    """
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    declared = _declared(body)
    for encoding in ("utf-8-sig", declared, "gb18030"):
        with suppress(UnicodeDecodeError, LookupError):
            return body.decode(encoding)
    return body.decode("gb18030" if declared == "gb18030" else "utf-8", "replace")


def _declared(body: bytes) -> str:
    found = _DECLARED.search(body[:PEEK])
    name = found[1].decode("ascii", "replace").lower() if found else "utf-8"
    if name.startswith("big5"):
        return "big5hkscs"
    return "gb18030" if name in _CHINESE or name.startswith("iso-8859") else name


def tidy(text: str) -> str:
    """A text on one line, without blanks outside and with single ones inside."""
    return " ".join(_BLANKS.sub(" ", text).split())


def lines(parts: Iterable[str]) -> str:
    """Texts in their order as tidy lines, none of them empty."""
    return "\n".join(
        kept for line in "".join(parts).split("\n") if (kept := _BLANKS.sub(" ", line).strip())
    )


def compact(text: str) -> str:
    """A label without blanks and colons: 索 引 号： is 索引号."""
    return re.sub(r"[\s\u3000\xa0:：]+", "", text)


def day_in(text: str) -> str:
    """The first day that a text names, as it is written there; empty when it names none."""
    found = DAY.search(text)
    return re.sub(r"\s+", "", found[0]) if found else ""
