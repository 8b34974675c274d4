"""A list of objects as a table: its keys are the header, nested values the text of their JSON.

Runs inside the reading program, within its limits. A key that one object lacks is not the same as
an empty value: it is read as `ABSENT`, so that an import leaves alone what a file does not say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ckanext.govopen.domain.intake import Limits, Merge, refused


class _Absent(str):
    """An empty text that can be told from every other one by its identity."""

    __slots__ = ()


ABSENT = _Absent("")


class JsonTable:
    """The list that a JSON file is, or that stands in it under its one key that holds a list.

    An object with an object under `fields` is taken as one level. Where that is an entry as the API
    gives it, only its code stands beside them: the rest says how its version came about, and no
    more what is to be done with it.

    Raises:
        IntakeRefused: intake.E4, E9 or E13.
    """

    merges: tuple[Merge, ...] = ()
    epoch_1904 = False

    def __init__(self, path: Path, limits: Limits) -> None:
        self._items = _flat(_listed(_body(path)))
        if not self._items:
            raise refused("intake.E9")
        if len(self._items) > limits.max_rows:
            facts = {"extent": len(self._items), "limit": limits.max_rows, "unit": "rows"}
            raise refused("intake.E4", facts, row=limits.max_rows + 2)
        self._keys = list(dict.fromkeys(key for item in self._items for key in item))
        self.width = len(self._keys)

    def rows(self) -> Iterator[list[str]]:
        """The header, then one row for each object."""
        yield list(self._keys)
        for item in self._items:
            yield [_text(item[key]) if key in item else ABSENT for key in self._keys]


def _body(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes().decode("utf-8-sig"), parse_float=str)
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise refused("intake.E13", {"reason": "json"}, value=str(error)[:200]) from error


def _listed(body: Any) -> list[Mapping[str, Any]]:
    if isinstance(body, dict):
        lists = [value for value in body.values() if isinstance(value, list)]
        body = lists[0] if len(lists) == 1 else None
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise refused("intake.E13", {"reason": "json"})
    return body


def _flat(items: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [
        {**_beside(item), **item["fields"]} if isinstance(item.get("fields"), dict) else item
        for item in items
    ]


def _beside(item: Mapping[str, Any]) -> Mapping[str, Any]:
    if "entry_code" in item:
        return {"entry_code": item["entry_code"]}
    return {key: one for key, one in item.items() if key != "fields"}


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
