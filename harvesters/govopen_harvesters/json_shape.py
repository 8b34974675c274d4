"""Where things stand in a JSON answer: at a path that was told, or what could be told.

A path is names with dots between them. A text that is itself JSON is looked into like an object:
some portals put their whole answer into one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from govopen_harvesters.contract import Json
from govopen_harvesters.mapping import leaves

DEEPEST = 6
MOST_LISTS, MOST_NAMES = 10, 12
LONGEST_PATH = 100


def at_path(value: Json, path: str) -> Json:
    """What stands at a dotted path; numbers count in lists, `.` is the whole, None when nothing."""
    for part in [] if path in ("", ".") else path.split("."):
        value = opened(value)
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def opened(value: Json) -> Json:
    """The object or list that a text holds; anything else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def with_path(body: dict[str, Json], path: str, value: Json) -> None:
    """Puts a value at a dotted path of an object, making the objects on the way."""
    *above, name = path.split(".")
    for part in above:
        inner = body.get(part)
        body[part] = dict(inner) if isinstance(inner, Mapping) else {}
        body = body[part]
    body[name] = value


def lists_in(value: Json, path: str = "", depth: int = 0) -> Iterator[tuple[str, list[Json]]]:
    """Every list of objects, with its path; lists inside of records are none of these."""
    value = opened(value)
    if isinstance(value, list):
        found = [opened(one) for one in value]
        if found and all(isinstance(one, Mapping) for one in found):
            yield path or ".", found
    elif isinstance(value, Mapping) and depth < DEEPEST:
        for name, inner in value.items():
            yield from lists_in(inner, f"{path}.{name}" if path else str(name), depth + 1)


def numbers_in(value: Json, path: str = "", depth: int = 0) -> Iterator[tuple[str, int]]:
    """Every number outside of lists, with its path: one of them may be the total."""
    value = opened(value)
    if isinstance(value, Mapping) and depth < DEEPEST:
        for name, inner in value.items():
            yield from numbers_in(inner, f"{path}.{name}" if path else str(name), depth + 1)
    elif (number := whole_number(value)) is not None:
        yield path, number


def whole_number(value: Json) -> int | None:
    """A number that counts something, which some portals write as text."""
    is_one = isinstance(value, (str, int)) and not isinstance(value, bool)
    text = str(value).strip() if is_one else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def candidates(body: Json) -> list[dict[str, Json]]:
    """What the settings might name: lists of records, names that tell them apart, totals."""
    numbers = [one for one in numbers_in(body) if len(one[0]) <= LONGEST_PATH]
    lists = (one for one in lists_in(body) if len(one[0]) <= LONGEST_PATH)
    return [
        {
            "records": path,
            "count": len(found),
            "keys": unique_names(found)[:MOST_NAMES],
            "totals": [name for name, number in numbers if number >= len(found)][:MOST_NAMES],
        }
        for path, found in islice(lists, MOST_LISTS)
    ]


def unique_names(found: Sequence[Mapping[str, Json]]) -> list[str]:
    """Names that every record has, each with another value."""
    columns: dict[str, list[Json]] = {}
    for one in found:
        for name, value in leaves(one):
            if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
                columns.setdefault(name, []).append(str(value))
    return [
        name
        for name, values in columns.items()
        if len(name) <= LONGEST_PATH and len(set(values)) == len(found)
    ]
