"""A value of an entry as people read it on a page and type it into a form.

A cell of a file leads back to the same value, if need be as JSON (`register_values`). A page says
the kind of a law by its name and its date behind it, and never JSON. What a form sends back is
compared with what it showed: an input that nobody touched keeps its value whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.register_types import Field, is_empty
from ckanext.govopen.domain.register_values import COLUMN, Words, read_cell, write_text

KIND = "legal_basis_kind"
_ISSUED_ON = re.compile(r"[，,\s]*(?P<day>\d{4}-\d{2}-\d{2})$")


def show_value(one: Field, value: object, words: Words) -> str:
    """The text of a value for readers; several lines where it is a list."""
    if is_empty(value):
        return ""
    if one.kind == "basis_list":
        return "\n".join(_basis(facts, words) for facts in _mappings(value))
    if one.kind == "table":
        return "\n".join(_row(one, row, words) for row in _mappings(value))
    return write_text(one, value, words)


def _mappings(value: object) -> Sequence[Mapping[str, object]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]


def _row(one: Field, row: Mapping[str, object], words: Words) -> str:
    cells = [show_value(column, row.get(column.name), words) for column in one.columns]
    return COLUMN.join(cells).rstrip(COLUMN)


def _basis(facts: Mapping[str, object], words: Words) -> str:
    """【地方政府规章】《名称》（文号）第十四条，2026-08-16."""
    kind = f"【{words.label(KIND, str(facts['kind']))}】" if facts.get("kind") else ""
    doc_no = f"（{facts['doc_no']}）" if facts.get("doc_no") else ""
    day = f"，{facts['issued_on']}" if facts.get("issued_on") else ""
    return f"{kind}《{facts.get('title')}》{doc_no}{facts.get('article') or ''}{day}"


def read_shown(
    one: Field, text: str, words: Words, before: object
) -> tuple[object, Finding | None]:
    """The value that an input says, or None with what is wrong with it.

    Args:
        before: the value whose text the input began with.
    """
    if text.strip().splitlines() == show_value(one, before, words).strip().splitlines():
        return (None if is_empty(before) else before), None
    value, finding = read_cell(one, text, words)
    if one.kind == "basis_list":
        value = [_coded(facts, words) for facts in _mappings(value)] or None
    return value, finding


def _coded(facts: Mapping[str, object], words: Words) -> dict[str, object]:
    """A basis with the code of its kind, and its date out of the words behind its article."""
    coded = dict(facts)
    if kind := coded.get("kind"):
        coded["kind"] = words[KIND].code_of(str(kind)) or kind
    article = str(coded.get("article") or "")
    if found := _ISSUED_ON.search(article):
        coded |= {"article": article[: found.start()], "issued_on": found["day"]}
    return {name: value for name, value in coded.items() if value}
