"""Fields and values of entries as readers see them, whatever the type of their list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.adjustments import KINDS
from ckanext.govopen.domain.register_display import show_value
from ckanext.govopen.domain.register_types import Field, Need
from ckanext.govopen.domain.register_values import Words, write_cell
from ckanext.govopen.logic.register_types import register_types
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.views import helpers

INVENTORY = "data_inventory"
# Columns of the data inventory; entries of other types show the fields that matter in their type.
INVENTORY_COLUMNS = (
    "name",
    "open_type",
    "update_cycle",
    "formats",
    "data_domain",
    "planned_open_on",
)
MOST_COLUMNS = 6


def lang() -> str:
    return "zh" if helpers.is_chinese() else "en"


def field_of(register_type: str, name: str) -> Field | None:
    """The field of a type; None for the inventory, whose fields are its own."""
    kind = register_types().get(register_type)
    return kind.fields.get(name) if kind else None


def columns(register_type: str) -> list[str]:
    """The columns of a list on its page: what an entry needs and is known by, at most a few."""
    kind = register_types().get(register_type)
    if kind is None:
        return list(INVENTORY_COLUMNS)
    shown = [one for one in kind.fields.values() if not one.is_private and one.kind != "table"]
    first = [one.name for one in shown if one.is_identity or one.need is not Need.NO]
    more = [one.name for one in shown if one.name not in first]
    return list(dict.fromkeys(["name", *first, *more]))[:MOST_COLUMNS]


def all_columns(register_type: str) -> list[str]:
    """Every public field of a type, for files."""
    kind = register_types().get(register_type)
    if kind is None:
        return list(INVENTORY_COLUMNS)
    return [one.name for one in kind.fields.values() if not one.is_private]


def entry_label(register_type: str, name: str) -> str:
    """The heading of a field."""
    one = field_of(register_type, name)
    return one.label(lang()) if one else str(helpers.term("inventory_field", name))


def entry_value(register_type: str, name: str, value: Any) -> str:
    """The value of a field as text; several lines where it is a list."""
    one = field_of(register_type, name)
    if one is None:
        return helpers.field_value(name, value)
    return show_value(one, value, Words(vocabularies(), lang()))


def entry_cell(register_type: str, name: str, value: Any) -> str:
    """The value of a field in a file, from which the same value can be read."""
    one = field_of(register_type, name)
    if one is None:
        return helpers.field_value(name, value)
    return write_cell(one, value, Words(vocabularies(), lang()))


def entry_fields(register_type: str, found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The filled fields of an entry in the order of its type, less its name."""
    kind = register_types().get(register_type)
    if kind is None:
        return helpers.fields(found)
    order = {name: place for place, name in enumerate(kind.fields)}
    shown = [(name, value) for name, value in found.items() if name != "name"]
    return sorted(shown, key=lambda pair: (order.get(pair[0], len(order)), pair[0]))


def change_extra(extra: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an adjustment says beside the content of an entry: label and text."""
    labels = extra_labels()
    return [(labels.get(name, name), _extra_text(name, value)) for name, value in extra.items()]


def extra_labels() -> dict[str, str]:
    """The words for what is said with an adjustment and with each of its changes."""
    return {
        one.code: helpers.term("adjustment_field", one.code)
        for one in vocabularies()["adjustment_field"]
    }


def _extra_text(name: str, value: Any) -> str:
    if name in ("to_unit", "from_unit"):
        found = helpers.unit(str(value))
        return str(found["name"]) if found else str(value)
    if name in ("new_type", "from_type"):
        return str(helpers.term("register_type", value))
    if name == "succession":
        return str(helpers.term("succession_kind", value))
    if name == "status":
        return str(helpers.term("entry_status", value))
    if name == "parts":
        return str(tk._(", ")).join(str((one.get("fields") or {}).get("name")) for one in value)
    if isinstance(value, bool):
        return str(tk._("yes") if value else tk._("no"))
    if isinstance(value, (list, tuple)):
        return str(tk._(", ")).join(map(str, value))
    return str(value)


def kinds() -> list[dict[str, str]]:
    """The kinds of change as options of a select."""
    return [{"value": code, "text": helpers.term("register_change", code)} for code in KINDS]


# For templates, as `h.govopen_…`.
HELPERS = {
    "govopen_change_extra": change_extra,
    "govopen_entry_fields": entry_fields,
    "govopen_entry_label": entry_label,
    "govopen_entry_value": entry_value,
}
