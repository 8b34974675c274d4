"""The plugin `govopen`: wires the features into CKAN and holds no behaviour of its own."""

from __future__ import annotations

import ckan.plugins as p
import ckan.plugins.toolkit as tk


@tk.blanket.config_declarations
class GovopenPlugin(p.SingletonPlugin):
    """Features of the platform: units, inventory, registers, review, rates."""
