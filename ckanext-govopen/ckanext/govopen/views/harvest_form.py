"""The form of a source: what its kind asks for, read as the kind wants it, and shown as typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import harvest_connectors
from ckanext.govopen.views import desk, lines

FIRST_KIND = "table"
LISTED, NESTED, SECRET = "list", "mapping", "secret"
MOST_DIGITS = 9


def kinds() -> dict[str, str]:
    """Kinds of sources in the reader's language."""
    language = "zh" if tk.h.lang().startswith("zh") else "en"
    return {
        kind: connector.label[language] for kind, connector in harvest_connectors.kinds().items()
    }


def chosen_kind() -> str:
    """The kind that was asked for, or the first."""
    asked = request.values.get("kind", FIRST_KIND)
    return asked if asked in harvest_connectors.kinds() else FIRST_KIND


def options_of(kind: str, *, with_secrets: bool = True) -> list[dict[str, Any]]:
    """What a kind may be told, as fields of the form."""
    is_chinese = tk.h.lang().startswith("zh")
    return [
        {
            "name": one.name,
            "kind": one.kind,
            "label": one.zh if is_chinese else one.en,
            "is_required": one.is_required,
        }
        for one in harvest_connectors.of_kind(kind).options
        if with_secrets or one.kind != SECRET
    ]


def typed(kind: str) -> dict[str, str]:
    """What was typed, without what is secret."""
    secrets = {f"o-{name}" for name in harvest_connectors.secret_names(kind)}
    return {
        name: text
        for name, text in request.form.items()
        if not name.startswith("_") and name not in secrets
    }


def wanted(kind: str, *names: str) -> dict[str, Any]:
    """The source that the form describes: these fields, settings and secrets."""
    options = {one.name: one for one in harvest_connectors.of_kind(kind).options}
    said = {name: value for name in options if (value := request.form.get(f"o-{name}", "").strip())}
    secrets = {name: value for name, value in said.items() if options[name].kind == SECRET}
    settings = {
        name: _read(options[name].kind, value)
        for name, value in said.items()
        if name not in secrets
    }
    return {**desk.form_values(*names), "settings": settings, "secrets": secrets}


def _read(kind: str, said: str) -> Any:
    """A field of the form as its option wants it; what cannot be read is refused as text."""
    if kind == LISTED:
        return [line.strip() for line in said.splitlines() if line.strip()]
    if kind == "yes_no":
        return True
    if kind == "number":
        return int(said) if said.isdecimal() and len(said) <= MOST_DIGITS else said
    found = lines.read(said) if kind == NESTED else None
    return said if found is None else found


def placed(kind: str, errors: desk.Errors) -> desk.Errors:
    """Errors at the fields of the form that they are about."""
    names = {one.name for one in harvest_connectors.of_kind(kind).options}
    return {f"o-{name}" if name in names else name: texts for name, texts in errors.items()}


def values_of(source: Mapping[str, Any]) -> dict[str, Any]:
    """A source as somebody would have typed it."""
    plain = {name: source[name] or "" for name in ("title", "name", "schedule", "reason")}
    plain |= {name: str(source[name]) for name in ("breaker_least", "breaker_share", "grace_days")}
    plain["unit"] = source["unit_id"] or ""
    return plain | {f"o-{name}": _spelled(value) for name, value in source["settings"].items()}


def _spelled(value: Any) -> Any:
    if isinstance(value, Mapping):
        return lines.spelled(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "\n".join(map(str, value))
    return value if isinstance(value, bool) else str(value)
