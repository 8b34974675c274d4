"""公开时限: what the column says in words, as a kind, a number of days and a starting point.

The statutory ceiling for active disclosure is 20 working days from the forming or change of the
information, unless another law sets a term (政府信息公开条例, 国务院令第711号, Art 26).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

CEILING_WORKDAYS = 20

_NUMBER = r"(?P<n>\d{1,3}|[一二三四五六七八九十]{1,3})"
_TERM = re.compile(rf"{_NUMBER}个?(?P<unit>工作日|自然日|日历天|日历日|天|日)")
_PERIOD = re.compile(rf"公示(?:期|期限|时间)?[^,。;]{{0,8}}?{_NUMBER}个?(?:工作日|自然日|天|日)")
_TRIGGERS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("formed_or_changed", re.compile(r"形成(?:或者|或|、|和|及)?变更|信息形成|信息变更")),
    ("made_or_obtained", re.compile(r"制作|获取|获得")),
    ("approved", re.compile(r"(?:批准|审批|批复|核准|印发)[^,。;]{0,6}之?日")),
    ("decided", re.compile(r"(?:决定|作出|做出)[^,。;]{0,6}之?日")),
)
# In this order: words of a pace count only where no number stands.
_WORDS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("realtime", re.compile(r"实时|即时|随时")),
    ("timely", re.compile(r"及时")),
    ("long_term", re.compile(r"长期|永久|常年")),
    ("per_law", re.compile(r"从其规定|按.{0,30}规定|依法|依照")),
)
_OTHER_LAW = re.compile(r"另有规定")
_DIGITS = {digit: number for number, digit in enumerate("一二三四五六七八九", 1)}


@dataclass(frozen=True)
class TimeLimit:
    """A time limit understood.

    Args:
        kind: code of the vocabulary `time_limit_kind`.
        raw: the words of the column, kept.
        days: how many, for the kinds that count.
        trigger: code of `time_limit_trigger`: the day from which is counted.
    """

    kind: str
    raw: str
    days: int | None = None
    trigger: str | None = None


def parse(text: str) -> TimeLimit | None:
    """What a cell of the column says; None for words that name no term."""
    raw = text.strip()
    folded = "".join(unicodedata.normalize("NFKC", raw).split())
    if found := _PERIOD.search(folded):
        return TimeLimit("period", raw, _number(found["n"]))
    trigger = next((code for code, pattern in _TRIGGERS if pattern.search(folded)), None)
    if found := _TERM.search(folded):
        is_working = found["unit"] == "工作日"
        kind = "working_days" if is_working else "natural_days"
        return TimeLimit(kind, raw, _number(found["n"]), trigger or "formed_or_changed")
    for kind, pattern in _WORDS:
        if pattern.search(folded):
            return TimeLimit(kind, raw, trigger=trigger)
    return None


def _number(text: str) -> int:
    """20, 二十, 十五 or 三 as a number; the patterns let nothing else through."""
    if text.isdecimal():
        return int(text)
    tens, has_ten, ones = text.rpartition("十")
    value = (_DIGITS.get(tens, 1) if has_ten else 0) * 10
    return value + _DIGITS.get(ones if has_ten else text, 0)


def printed(limit: TimeLimit) -> str:
    """The limit in the words of the official form, which `parse` reads back."""
    starts = {
        "formed_or_changed": "信息形成或者变更之日起",
        "made_or_obtained": "自制作或获取该信息之日起",
        "decided": "决定作出之日起",
        "approved": "批准之日起",
    }
    start = starts.get(limit.trigger or "", "")
    words = {
        "working_days": f"{start}{limit.days}个工作日内",
        "natural_days": f"{start}{limit.days}日内",
        "period": f"公示期不少于{limit.days}日",
        "realtime": "实时公开",
        "timely": "及时公开",
        "long_term": "长期公开",
        "per_law": "法律、法规对公开期限另有规定的，从其规定",
    }
    return words[limit.kind]


def exceeds_law(text: str) -> bool:
    """More than 20 working days, and no other law named that sets the term (E6)."""
    limit = parse(text)
    if limit is None or limit.kind != "working_days" or limit.days is None:
        return False
    return limit.days > CEILING_WORKDAYS and not _OTHER_LAW.search(text)
