"""The plugin `govopen`: wires the features into CKAN and holds no behaviour of its own."""

from __future__ import annotations

from typing import Any

import ckan.plugins as p
import ckan.plugins.toolkit as tk
from ckan.lib.plugins import DefaultTranslation

from ckanext.govopen.features import collect


def _actions() -> dict[str, Any]:
    return collect("logic.action")


def _auth_functions() -> dict[str, Any]:
    return collect("logic.auth")


def _blueprints() -> list[Any]:
    return list(collect("views").values())


@tk.blanket.actions(_actions)
@tk.blanket.auth_functions(_auth_functions)
@tk.blanket.blueprints(_blueprints)
@tk.blanket.cli
@tk.blanket.config_declarations
class GovopenPlugin(p.SingletonPlugin, DefaultTranslation):
    """Features of the platform: units, inventory, registers, review, rates."""

    p.implements(p.ITranslation)
