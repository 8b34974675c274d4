"""Lines of a form that say `name: value`, read as they stand.

YAML reads `no` as false, `01` as 1 and a day as a date, and lets a few lines name each other until
they fill the memory. Here names are texts, values are what JSON has, and nothing names anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

# What is no text, as JSON writes it, with the characters that it may begin with.
PLAIN = (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(?:0|[1-9]\d{0,17})", list("-0123456789")),
    ("float", r"-?(?:0|[1-9]\d{0,17})\.\d{1,17}", list("-0123456789")),
)


class _Lines(yaml.SafeLoader):
    """As much of YAML as such lines take."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ComposerError(None, None, "no line names another", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
        return {_name(key): self.construct_object(value, deep=True) for key, value in node.value}


for _tag, _spelling, _first in PLAIN:
    _Lines.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_spelling})\Z"), _first
    )


def _name(key: Any) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise ConstructorError(None, None, "a name is a text", key.start_mark)
    return str(key.value)


def read(text: str) -> dict[str, Any] | None:
    """The values by their names; None where these are no such lines."""
    try:
        loader = _Lines(text)
        try:
            found = loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def spelled(value: Mapping[str, Any]) -> str:
    """Values by their names as lines that `read` takes back."""
    said: str = yaml.safe_dump(dict(value), allow_unicode=True, sort_keys=False)
    return said.strip()
