"""Choices of form fields from the vocabularies: `choices_vocabulary` names the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ckanext.govopen.logic.vocab import vocabularies


def of_field(field: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Choices of a scheming field: `{value, label: {zh_Hans_CN, en}}` in the list's order.

    Args:
        field: with `choices_vocabulary`, and `choices_without` for codes that do not apply.
    """
    without = field.get("choices_without", ())
    return [
        {"value": term.code, "label": {"zh_Hans_CN": term.zh, "en": term.en}}
        for term in vocabularies()[field["choices_vocabulary"]]
        if term.code not in without
    ]
