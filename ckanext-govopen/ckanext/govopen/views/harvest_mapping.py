"""What the names of a source mean, as a person confirms it on the page of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request

from ckanext.govopen.logic import harvest_names
from ckanext.govopen.logic.harvest_names import FIELD_WORDS
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.views import desk

# Parts of an entry that no name of a source fills.
NO_FIELDS = ("source_fields", "contact_fields")


def choices(outcome: str, unread: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The fields that a name may have, and which of them are coded by which list.

    With them the terms of those whose values nobody understands.
    """
    words = FIELD_WORDS[outcome]
    known = vocabularies()[words]
    terms = {
        one["field"]: desk.choices(str(known[one["field"]].extra["vocabulary"]))
        for one in unread
        if one["field"] in known and "vocabulary" in known[one["field"]].extra
    }
    coded_by = {
        str(one.code): str(one.extra["vocabulary"]) for one in known if "vocabulary" in one.extra
    }
    fields = desk.choices(words, without=NO_FIELDS)
    return {"fields": fields, "fields_of": words, "terms": terms, "coded_by": coded_by}


def confirmed(source: Mapping[str, Any], names: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of a source with what the form says."""
    fields = {
        one["name"]: request.form.get(f"f-{number}", "")
        for number, one in enumerate(names)
        if request.form.get(f"n-{number}") == one["name"]
    }
    return harvest_names.confirmed(source, names, fields, _values())


def _values() -> dict[str, dict[str, str]]:
    """What the form says of values that nobody understands."""
    values: dict[str, dict[str, str]] = {}
    for key, code in request.form.items():
        kind, _, rest = key.partition("-")
        field, _, value = rest.partition("-")
        if kind == "v" and code:
            values.setdefault(field, {})[value] = code
    return values
