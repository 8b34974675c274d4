"""Which kinds of sources there are, and whether a source says what its kind may be told.

Connectors are found by the entry-point group `govopen.connectors`: a package that is installed
beside this one adds its own, and nothing here is changed for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.logic.fetch import FetchRefused, require_address

GROUP = "govopen.connectors"
TABLE = "table"  # its rows are mapped while the file is read
SECRET = "secret"  # noqa: S105 the kind of an option, not one
LONGEST = 2_000
LARGEST = 10**9
DEEPEST = 10
# A name that says that its value is one: such a value goes to the secrets or nowhere.
_SECRET_NAMES = ("key", "token", "secret", "password", "passwd", "pass", "pwd")
_OPEN_MAPPINGS = ("parameters", "headers", "login_parameters")


@cache
def kinds() -> Mapping[str, Any]:
    """Every connector by its kind."""
    found = (point.load() for point in entry_points(group=GROUP))
    return {str(connector.kind): connector for connector in found}


def of_kind(kind: str) -> Any:
    """The connector of a kind.

    Raises:
        tk.ValidationError: `harvest.E20` there is none.
    """
    if kind not in kinds():
        refuse("harvest.E20", "kind", kind, known=sorted(kinds()))
    return kinds()[kind]


def secret_names(kind: str) -> tuple[str, ...]:
    """Options of a kind whose values are kept apart."""
    return tuple(one.name for one in of_kind(kind).options if one.kind == SECRET)


def with_defaults(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with what the connector takes where nothing is said."""
    defaults = {one.name: one.default for one in of_kind(kind).options if one.default is not None}
    return {**defaults, **settings}


def require_settings(
    kind: str, settings: Mapping[str, Any], *, is_whole: bool = True
) -> dict[str, Any]:
    """Settings that a connector understands, none of them a secret.

    Args:
        is_whole: False for a proposal, to which somebody will add what is missing.

    Raises:
        tk.ValidationError: `harvest.E21` unknown or missing, `harvest.E22` not of its kind,
            `harvest.E23` a secret where it would be seen, `fetch.E1` … for an address.
    """
    options = {one.name: one for one in of_kind(kind).options if one.kind != SECRET}
    for name, value in settings.items():
        if name not in options:
            if name.lower().endswith(_SECRET_NAMES):
                refuse("harvest.E23", name, option=name)
            refuse("harvest.E21", name, option=name, known=sorted(options))
        _require_value(options[name], value)
    for name, option in options.items():
        if is_whole and option.is_required and not settings.get(name):
            refuse("harvest.E21", name, option=name, known=sorted(options))
    return {name: value for name, value in settings.items() if value not in (None, "", {}, [])}


def _require_value(option: Any, value: Any) -> None:
    if value in (None, ""):
        return
    if not _is_fitting(option.kind, value) or len(str(value)) > LONGEST * 10:
        refuse("harvest.E22", option.name, str(value)[:200], option=option.name, wanted=option.kind)
    if option.kind == "url":
        _require_url(option.name, str(value))
    if option.kind == "mapping":
        _require_open_names(option.name, value)


def _is_fitting(kind: str, value: Any) -> bool:
    wanted: dict[str, Any] = {"number": int, "yes_no": bool, "list": list, "mapping": Mapping}
    if not isinstance(value, wanted.get(kind, str)) or not _is_json(value):
        return False
    return kind != "number" or (not isinstance(value, bool) and 0 <= value < LARGEST)


def _is_json(value: Any, depth: int = 0) -> bool:
    """True for what is kept as JSON: nested a little, without days, bytes and what is no number."""
    if isinstance(value, (Mapping, list)):
        parts = [*value, *value.values()] if isinstance(value, Mapping) else value
        return depth < DEEPEST and all(_is_json(one, depth + 1) for one in parts)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, (str, int))


def _require_url(name: str, value: str) -> None:
    try:
        require_address(value)
    except FetchRefused as refused:
        refuse(refused.code, name, **refused.facts)


def _require_open_names(name: str, value: Mapping[str, Any]) -> None:
    for inner, said in value.items():
        if name in _OPEN_MAPPINGS and str(inner).lower().endswith(_SECRET_NAMES):
            refuse("harvest.E23", name, option=str(inner))
        if isinstance(said, Mapping):
            _require_open_names(name, said)
