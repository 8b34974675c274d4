"""Finds a feature's parts: the file `<layer>/<feature>.py` and what its `__all__` offers.

A new feature adds its name here and a file of that name in each layer that it needs.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

FEATURES = (
    "accounts",
    "activity",
    "adjustments",
    "audit",
    "calendar",
    "catalogues",
    "city",
    "consultations",
    "datasets",
    "declarations",
    "deputies",
    "differences",
    "duties",
    "events",
    "exchange",
    "harvest",
    "intake",
    "inventory",
    "links",
    "notices",
    "openness",
    "people",
    "pilots",
    "portal",
    "publication",
    "queue",
    "rates",
    "reconcile",
    "refresh",
    "registers",
    "remapping",
    "review",
    "revisions",
    "rules",
    "scan",
    "search",
    "standards",
    "suspects",
    "takedown",
    "units",
    "unused",
    "workbench",
    "worker",
)


def collect(layer: str) -> dict[str, Any]:
    """Everything that the features offer in one layer.

    Args:
        layer: dotted name below `ckanext.govopen`, e.g. `logic.action`.

    Raises:
        ValueError: two features offer the same name.
    """
    found: dict[str, Any] = {}
    for feature in FEATURES:
        path = f"{__package__}.{layer}.{feature}"
        if find_spec(path) is None:
            continue
        module = import_module(path)
        for name in module.__all__:
            if name in found:
                raise ValueError(f"{name} of {path} is offered twice in {layer}")
            found[name] = getattr(module, name)
    return found
