"""What no database keeps and no rule can read is refused at the door, by its name: 400.

A NUL or half a surrogate pair in any text would fail deep inside; so would an id that is a list. A
control character in a title can be stored, but no feed and no catalogue in XML can be read then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from flask import Flask, Response, jsonify, make_response, request

import ckan.plugins.toolkit as tk

NAMES_OF_ONE = (
    "id", "name_or_id", "dataset_id", "package_id", "resource_id", "q", "state", "status",
    "open_type", "verdict", "register_type", "cursor", "region", "fingerprint", "object_type",
    "username", "email",
)  # fmt: skip
OWN_NAMES = ("unit", "kind", "name", "deputy_for", "register", "entry_code")
FLAGS = (
    "open", "closed", "include_total", "dry_run", "submit", "create_units", "accepted_only",
    "background", "pending", "kept", "probe", "proposed", "refuse", "rebase", "with_new", "named",
    "is_public", "ended", "correct", "findings", "mine", "all_fields", "include_datasets",
    "include_drafts", "include_extras", "include_hidden_activity", "include_private",
    "include_users", "harvested",
)  # fmt: skip
# Counts of rows. A number with more digits fits no counter of the search index or the database.
NUMBERS = ("limit", "offset", "rows")
MOST_DIGITS = 9
WHOLE = re.compile(rf"-?[0-9]{{1,{MOST_DIGITS}}}|True|False")
# Fields without which CKAN's own pages fail; a browser always sends them.
NEEDED = {
    "admin.config": ("save",),
    "user.edit": ("old_password",),
    "user.login": ("login", "password"),
}
# How a large body could spell what is forbidden.
JSON_MARKS = (
    b"\\u00", b"\\ud", b"\\uD", b"\\uf", b"\\uF", b"\\b", b"\\f", b"\x00",
    b"\xef\xbf\xbe", b"\xef\xbf\xbf",
)  # fmt: skip
# What no XML holds; a tab and the ends of lines are text.
UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
LARGEST_PARSED = 1 << 20
# A field of a form names its place by numbers (`resources__0__url`); these make no list that long.
DEEPEST_NAME, LONGEST_INDEX = 9, 4
# The values that a request gives a name; none or many in an address, one in a body.
Given = Callable[[str], Iterable[object]]


def install(app: Flask) -> Flask:
    """Registers the door; called once for each application."""
    app.before_request(_refuse_unreadable)
    return app


def _refuse_unreadable() -> Response | None:
    is_api = request.path.startswith("/api/")
    reason = _bad_text() or _short_form() or (_bad_call() if is_api else None)
    if reason is None:
        return None
    if not is_api:
        tk.abort(400, reason)
    error = {"__type": "Bad Request", "message": reason}
    return make_response(jsonify(success=False, error=error), 400)


def _bad_call() -> str | None:
    """What is wrong with a call of the API; as a script, its answer would be anybody's to run."""
    if "callback" in request.args:
        return tk._("The API answers with JSON alone: {0} is not taken").format("callback")
    return _bad_body()


def _bad_text() -> str | None:
    """What is wrong with the address, its parameters or a form."""
    pairs = [(name, str(value)) for name, value in (request.view_args or {}).items()]
    for values in (request.args, request.form):
        pairs += [pair for name, found in values.lists() for pair in ((name, v) for v in found)]
    for name, value in (("path", request.path), *pairs):
        if not _can_be_kept(name + value) or _is_crafted(name):
            return _said(name)
    return _bad_parameter()


def _bad_parameter() -> str | None:
    """What is wrong with a parameter of the address by its kind."""
    given = request.args.getlist
    if len(request.args.get("page", "")) > MOST_DIGITS:
        return _number("page")
    if any("{!" in order for order in given("sort")):
        return _said("sort")
    if request.endpoint != "api.action":
        return _bad_number(given)
    for name in NAMES_OF_ONE:
        if len(given(name)) > 1:
            return _one(name)
    return _bad_number(given) or _bad_flag(given)


def _is_crafted(name: str) -> bool:
    """True for the name of a field that would be unpacked into very many."""
    parts = name.split("__")
    return len(parts) > DEEPEST_NAME or any(
        part.isdigit() and len(part) > LONGEST_INDEX for part in parts[1:]
    )


def _short_form() -> str | None:
    """Which field is missing that a page of CKAN's takes for given."""
    if request.method != "POST":
        return None
    needed = NEEDED.get(request.endpoint or "", ())
    return next((_one(name) for name in needed if name not in request.form), None)


def _bad_body() -> str | None:
    """What is wrong with a JSON body; one that is no JSON at all is refused by CKAN itself."""
    if request.method not in ("POST", "PUT") or request.form or request.files:
        return None
    raw = request.get_data(cache=True)
    if len(raw) > LARGEST_PARSED and not any(mark in raw for mark in JSON_MARKS):
        return None
    try:
        body = json.loads(raw)
    except RecursionError:
        return tk._("The JSON is nested too deeply")
    except ValueError:
        return None
    if not isinstance(body, Mapping):
        return None
    for name in (*NAMES_OF_ONE, *_own_names()):
        if body.get(name) is not None and not isinstance(body[name], str):
            return _one(name)
    if not _is_query(body.get("query")):
        return tk._("{0} must be one string").format("query")
    wrong = _bad_number(lambda name: [body.get(name)]) or _bad_flag(lambda name: [body.get(name)])
    forbidden = (_said(name) for name, text in _texts(body) if not _can_be_kept(text))
    return wrong or next(forbidden, None)


def _texts(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each text of a body with the parameter that it stands under; of any depth."""
    waiting: list[tuple[str, Any]] = [(name, [name, value]) for name, value in body.items()]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, Mapping):
            waiting += [(name, part) for pair in value.items() for part in pair]
        elif isinstance(value, list):
            waiting += [(name, part) for part in value]


def _can_be_kept(text: str) -> bool:
    if UNWRITABLE.search(text):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _own_names() -> tuple[str, ...]:
    """Names that stand for one string in our own actions alone: a token's `unit` is a number."""
    action = str((request.view_args or {}).get("logic_function"))
    return OWN_NAMES if action.startswith("govopen_") else ()


def _bad_number(given: Given) -> str | None:
    wrong = (name for name in NUMBERS if not all(map(_counts, given(name))))
    return next(map(_number, wrong), None)


def _bad_flag(given: Given) -> str | None:
    wrong = (name for name in FLAGS if not all(map(_is_flag, given(name))))
    return next((tk._("{0} must be true or false").format(name) for name in wrong), None)


def _is_flag(value: object) -> bool:
    try:
        tk.asbool(value)
    except ValueError:
        return False
    return True


def _is_query(value: object) -> bool:
    """True for what a search takes: a text, or several that all have to match."""
    several = value if isinstance(value, list) else [value]
    return value is None or all(isinstance(one, str) for one in several)


def _counts(value: object) -> bool:
    """True for what may count rows: nothing, or a whole number; its bounds are the action's own."""
    return value in (None, "") or (
        isinstance(value, (int, str)) and WHOLE.fullmatch(str(value).strip()) is not None
    )


def _number(name: str) -> str:
    return tk._("{0} must be a whole number from 0").format(name)


def _said(name: str) -> str:
    name = UNWRITABLE.sub("", name).encode(errors="replace").decode()[:40]
    return tk._("{0} contains a forbidden character").format(name)


def _one(name: str) -> str:
    return tk._("{0} must be one string").format(name)
