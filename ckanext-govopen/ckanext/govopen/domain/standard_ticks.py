"""Columns of ticks: audience, mode and levels of the official form."""

from __future__ import annotations

import unicodedata

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.intake import is_blank
from ckanext.govopen.domain.standard_channels import CHECKED, UNCHECKED

_YES = CHECKED | frozenset({"V", "v", "Y", "y", "1", "是", "有", "v/", "对", "√√", "yes", "true"})
_NO = UNCHECKED | frozenset({"", "-", "—", "–", "/", "×", "否", "无", "0", "n", "no", "false"})


def read_tick(field: str, text: str) -> tuple[bool, Finding | None]:
    """Whether a cell is ticked; a sign that nobody knows is refused (E11)."""
    word = _word(text)
    if word in _YES:
        return True, None
    if word in _NO:
        return False, None
    return False, Finding("standards.E11", field, text.strip()[:200], {"reason": "√"})


def read_group(text: str) -> tuple[bool, str]:
    """The column 特定群体: a tick, the name of the group, or both."""
    word = _word(text)
    if word in _YES or word in _NO:
        return word in _YES, ""
    name = text.strip().lstrip("".join(CHECKED)).strip(" :：（）()")
    return True, name


def _word(text: str) -> str:
    if is_blank(text):
        return ""
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
